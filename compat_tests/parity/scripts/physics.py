"""A network that solves y'' + y = 0, y(0) = 0, y'(0) = 1, by its second derivatives."""

import torch
from torch import nn

torch.manual_seed(11)
model = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.NAdam(model.parameters(), lr=5e-3)
for step in range(50):
    t = (torch.rand(40, 1) * 3).requires_grad_()
    y = t * model(t)
    (first,) = torch.autograd.grad(y.sum(), t, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), t, create_graph=True)
    start = torch.zeros(1, 1, requires_grad=True)
    (slope,) = torch.autograd.grad((start * model(start)).sum(), start, create_graph=True)
    loss = (second + y).pow(2).mean() + (slope - 1).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("loss", step, loss.item())
with torch.no_grad():
    t = torch.linspace(0, 3, 50).unsqueeze(1)
    print("metric error", (t * model(t) - torch.sin(t)).abs().max().item())
