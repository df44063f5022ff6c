"""Meta-learning of sines with gradients through the inner steps (model-agnostic meta-learning)."""

import math

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)


def linear(inputs, outputs):
    weight = nn.Parameter(torch.randn(outputs, inputs) / math.sqrt(inputs))
    return [weight, nn.Parameter(torch.zeros(outputs))]


parameters = [*linear(1, 40), *linear(40, 40), *linear(40, 1)]


def net(x, weights):
    x = torch.relu(F.linear(x, weights[0], weights[1]))
    x = torch.relu(F.linear(x, weights[2], weights[3]))
    return F.linear(x, weights[4], weights[5])


def task():
    amplitude, phase = 0.1 + 4.9 * torch.rand(1), math.pi * torch.rand(1)

    def sample(count=10):
        x = 10 * torch.rand(count, 1) - 5
        return x, amplitude * torch.sin(x + phase)

    return sample


optimiser = torch.optim.Adam(parameters, lr=1e-3)
recent = []
for step in range(120):
    meta_loss = 0.0
    for _ in range(4):
        sample = task()
        x, y = sample()
        fast = parameters
        for _ in range(2):
            inner = F.mse_loss(net(x, fast), y)
            gradients = torch.autograd.grad(inner, fast, create_graph=True)
            fast = [weight - 0.01 * gradient for weight, gradient in zip(fast, gradients)]
        x, y = sample()
        meta_loss = meta_loss + F.mse_loss(net(x, fast), y) / 4
    optimiser.zero_grad()
    meta_loss.backward()
    optimiser.step()
    recent.append(meta_loss.item())
    if step in (0, 1, 2, 5, 10, 20):
        print(f"step {step}: loss {recent[-1]:.3f}")
print(f"mean of the first half {sum(recent[:60]) / 60:.3f}")
print(f"roughly mean of the second half, in tenths: {sum(recent[60:]) / 6:.0f}")
