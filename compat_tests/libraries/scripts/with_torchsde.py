"""Stochastic differential equations, with gradients through the solver."""

import torch
import torchsde


class Equation(torch.nn.Module):
    noise_type, sde_type = "diagonal", "ito"

    def __init__(self):
        super().__init__()
        self.drift = torch.nn.Linear(3, 3)

    def f(self, t, y):
        return torch.sin(t) + self.drift(y)

    def g(self, t, y):
        return 0.1 * torch.sigmoid(y)


torch.manual_seed(0)
equation = Equation()
path = torchsde.BrownianInterval(t0=0.0, t1=1.0, size=(4, 3), entropy=7)
times = torch.linspace(0, 1, 5)
states = torchsde.sdeint(equation, torch.full((4, 3), 0.1), times, method="euler", dt=0.1, bm=path)
print(states[-1])
states.sum().backward()
print(equation.drift.weight.grad)
