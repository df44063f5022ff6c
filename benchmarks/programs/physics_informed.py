"""A net that obeys the equation of a damped oscillator, by its own second derivatives."""

import torch
from torch import nn

torch.manual_seed(0)
damping, frequency = 2.0, 8.0

model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
times = torch.linspace(0, 1, 30).view(-1, 1).requires_grad_(True)
zero = torch.zeros(1, 1, requires_grad=True)


def derivative(y, x):
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


for step in range(1500):
    start = model(zero)
    start_loss = (start - 1).square().mean() + 0.1 * derivative(start, zero).square().mean()
    y = model(times)
    speed = derivative(y, times)
    change = derivative(speed, times)
    physics = change + 2 * damping * speed + frequency**2 * y
    loss = start_loss + 1e-4 * physics.square().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if step in (0, 1, 5, 20, 100):
        print(f"step {step}: loss {loss.item():.4f}")
print(f"roughly last loss in thousandths: {1000 * loss.item():.0f}")
