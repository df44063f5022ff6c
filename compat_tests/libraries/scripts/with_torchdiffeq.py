"""torchdiffeq: ordinary differential equations."""

import torch
from programs import run_programs
from torchdiffeq import odeint, odeint_adjoint, odeint_event


class Spiral(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.matrix = torch.nn.Parameter(torch.tensor([[-0.1, 2.0], [-2.0, -0.1]]))

    def forward(self, t, y):
        return y @ self.matrix


def solvers():
    spiral, start = Spiral(), torch.tensor([[2.0, 0.0]])
    for method in ("dopri5", "rk4", "euler", "midpoint", "explicit_adams", "bosh3"):
        print(method, odeint(spiral, start, torch.linspace(0, 1, 4), method=method))
    odeint_adjoint(spiral, start, torch.linspace(0, 1, 4)).sum().backward()
    print(spiral.matrix.grad)


def fitting():
    spiral, start, times = Spiral(), torch.tensor([[2.0, 0.0]]), torch.linspace(0, 1, 6)
    target = odeint(spiral, start, times).detach() * 0.9
    optimizer = torch.optim.Adam(spiral.parameters(), lr=0.05)
    for step in range(4):
        optimizer.zero_grad()
        loss = (odeint(spiral, start, times, method="dopri5") - target).square().mean()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 5))
    print(spiral.matrix)


def event():
    def falling(t, state):
        return torch.stack([state[1], torch.tensor(-9.81)])

    start = torch.tensor([10.0, 0.0], requires_grad=True)
    time, states = odeint_event(
        falling, start, torch.tensor(0.0), event_fn=lambda t, y: y[0], method="dopri5"
    )
    time.backward()
    print(time, states[-1], start.grad)


run_programs()
