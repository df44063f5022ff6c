"""Ordinary differential equations, with gradients through the solver and by the adjoint."""

import torch
from torchdiffeq import odeint, odeint_adjoint


class Spiral(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.matrix = torch.nn.Parameter(torch.tensor([[-0.1, 2.0], [-2.0, -0.1]]))

    def forward(self, t, y):
        return y @ self.matrix


spiral = Spiral()
start, times = torch.tensor([[2.0, 0.0]]), torch.linspace(0, 1, 4)
for method in ("dopri5", "rk4"):
    print(method, odeint(spiral, start, times, method=method))
odeint_adjoint(spiral, start, times).sum().backward()
print(spiral.matrix.grad)
