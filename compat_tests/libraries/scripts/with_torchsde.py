"""torchsde: stochastic differential equations."""

import torch
import torchsde
from programs import run_programs


class Equation(torch.nn.Module):
    noise_type, sde_type = "diagonal", "ito"

    def __init__(self):
        super().__init__()
        self.drift = torch.nn.Linear(3, 3)

    def f(self, t, y):
        return torch.sin(t) + self.drift(y)

    def g(self, t, y):
        return 0.1 * torch.sigmoid(y)


class Stratonovich(Equation):
    sde_type = "stratonovich"


def _path():
    return torchsde.BrownianInterval(t0=0.0, t1=1.0, size=(4, 3), entropy=7)


def through_the_solver():
    equation, times = Equation(), torch.linspace(0, 1, 5)
    for method in ("euler",):
        states = torchsde.sdeint(
            equation, torch.full((4, 3), 0.1), times, method=method, dt=0.1, bm=_path()
        )
        print(method, states[-1])
    states.sum().backward()
    print(equation.drift.weight.grad)


def adjoint():
    equation, times = Stratonovich(), torch.linspace(0, 1, 3)
    states = torchsde.sdeint_adjoint(
        equation, torch.full((4, 3), 0.1), times, method="midpoint", dt=0.1, bm=_path()
    )
    states[-1].sum().backward()
    print(states[-1], equation.drift.weight.grad)
    print(_path()(0.2, 0.7))


run_programs()
