"""Fit a Gaussian process's kernel by the likelihood, as more and more points come in."""

import math

import torch

torch.manual_seed(0)

x = 6 * torch.rand(120, dtype=torch.double)
y = torch.sin(2 * x) + 0.1 * torch.randn(120, dtype=torch.double)
log_scale = torch.zeros((), dtype=torch.double, requires_grad=True)
log_length = torch.zeros((), dtype=torch.double, requires_grad=True)
log_noise = torch.tensor(-1.0, dtype=torch.double, requires_grad=True)
parameters = [log_scale, log_length, log_noise]


def kernel(a, b):
    distance = (a[:, None] - b[None, :]) / log_length.exp()
    return log_scale.exp() ** 2 * torch.exp(-0.5 * distance.square())


def loss_of(count):
    identity = torch.eye(count, dtype=torch.double)
    covariance = kernel(x[:count], x[:count]) + (log_noise.exp() ** 2 + 1e-6) * identity
    factor = torch.linalg.cholesky(covariance)
    weights = torch.cholesky_solve(y[:count, None], factor)[:, 0]
    fit = 0.5 * (y[:count] @ weights) + factor.diagonal().log().sum()
    return (fit + 0.5 * count * math.log(2 * math.pi)) / count, factor, weights


optimiser = torch.optim.Adam(parameters, lr=0.02)
for step in range(500):
    count = min(120, 21 + step // 5)
    loss, _, _ = loss_of(count)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if step % 50 == 0:
        print(f"step {step}, {count} points: {loss.item():.4f}")
with torch.no_grad():
    _, factor, weights = loss_of(120)
    where = torch.linspace(0, 6, 7, dtype=torch.double)
    cross = kernel(where, x)
    mean = cross @ weights
    half = torch.linalg.solve_triangular(factor, cross.T, upper=False)
    deviation = (log_scale.exp() ** 2 - half.square().sum(0)).clamp_min(0).sqrt()
print("mean", " ".join(f"{value:.3f}" for value in mean.tolist()))
print("deviation", " ".join(f"{value:.3f}" for value in deviation.tolist()))
print("parameters", " ".join(f"{parameter.exp().item():.3f}" for parameter in parameters))
