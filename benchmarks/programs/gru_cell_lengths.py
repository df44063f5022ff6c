"""A GRU cell called in a loop over sequences of random length, one at a time."""

import random

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
random.seed(0)

cell = nn.GRUCell(4, 32)
head = nn.Linear(32, 2)
parameters = [*cell.parameters(), *head.parameters()]
optimiser = torch.optim.RMSprop(parameters, lr=1e-3)
losses = []
for step in range(100):
    length = random.randint(1, 120)
    sequence = torch.randn(length, 1, 4)
    label = (sequence[-1].sum() > 0).long().reshape(1)
    hidden = torch.zeros(1, 32)
    for x in sequence:
        hidden = cell(x, hidden)
    loss = F.cross_entropy(head(hidden), label)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    losses.append(loss.item())
    if step in (0, 1, 2, 5, 10, 20, 40):
        print(f"step {step}, {length} long: loss {losses[-1]:.4f}")
print(f"mean of the last half {sum(losses[50:]) / 50:.3f}")
