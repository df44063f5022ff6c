"""torchcde: controlled differential equations."""

import torch
import torchcde
from programs import run_programs


class Field(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 8)

    def forward(self, t, z):
        return self.linear(z).tanh().view(*z.shape[:-1], 4, 2)


def interpolation():
    x = torch.cat(
        [torch.linspace(0, 1, 7)[None, :, None].expand(2, 7, 1), torch.randn(2, 7, 1)], -1
    )
    coefficients = torchcde.hermite_cubic_coefficients_with_backward_differences(x)
    spline = torchcde.CubicSpline(coefficients)
    print(spline.interval, spline.evaluate(torch.tensor(2.5)), spline.derivative(torch.tensor(2.5)))
    x[0, 3, 1] = float("nan")
    print(torchcde.linear_interpolation_coeffs(x)[0])
    print(torchcde.natural_cubic_coeffs(x).shape)


def training():
    x = torch.cat(
        [torch.linspace(0, 1, 6)[None, :, None].expand(3, 6, 1), torch.randn(3, 6, 1)], -1
    )
    path = torchcde.CubicSpline(torchcde.natural_cubic_coeffs(x))
    field, readout = Field(), torch.nn.Linear(4, 1)
    optimizer = torch.optim.Adam([*field.parameters(), *readout.parameters()], lr=0.05)
    for step in range(3):
        optimizer.zero_grad()
        z = torchcde.cdeint(path, field, torch.ones(3, 4) * 0.1, path.interval, method="rk4")
        loss = (readout(z[:, -1]) - 1).square().mean()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))


run_programs()
