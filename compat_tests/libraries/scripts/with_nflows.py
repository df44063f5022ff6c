"""nflows: normalising flows."""

import torch
from nflows import distributions, flows, transforms
from programs import run_programs


def _train(flow, x, context=None):
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-2)
    for step in range(3):
        loss = -flow.log_prob(x, context).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))


def masked_autoregressive():
    parts = []
    for _ in range(2):
        parts += [
            transforms.ReversePermutation(3),
            transforms.MaskedAffineAutoregressiveTransform(3, 8),
        ]
    flow = flows.Flow(transforms.CompositeTransform(parts), distributions.StandardNormal([3]))
    _train(flow, torch.randn(32, 3) * 2 + 1)
    print(flow.sample(2), flow.sample_and_log_prob(2)[1])


def splines():
    transform = transforms.MaskedPiecewiseRationalQuadraticAutoregressiveTransform(
        2, 8, context_features=1, num_bins=4, tails="linear", tail_bound=3.0
    )
    flow = flows.Flow(transform, distributions.StandardNormal([2]))
    x = torch.randn(32, 2)
    _train(flow, x, x[:, :1])
    print(flow.transform_to_noise(x[:3], x[:3, :1]))
    lu = transforms.LULinear(3)
    print(lu(torch.randn(2, 3)), lu.weight())


run_programs()
