"""zuko: normalising flows."""

import torch
import zuko
from programs import run_programs


def _train(flow, steps=3):
    x = torch.randn(64, 3) * torch.tensor([1.0, 0.5, 2.0]) + 1
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-2)
    for step in range(steps):
        loss = -flow().log_prob(x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))


def masked_autoregressive():
    flow = zuko.flows.MAF(features=3, transforms=2, hidden_features=(16,))
    _train(flow)
    print(flow().sample((2,)), flow)


def splines():
    flow = zuko.flows.NSF(features=3, transforms=1, hidden_features=(16,))
    _train(flow)
    x, density = flow().rsample_and_log_prob((2,))
    print(x, density)


def conditional():
    flow = zuko.flows.RealNVP(3, context=2, transforms=2, hidden_features=(8,))
    distribution = flow(torch.randn(4, 2))
    print(distribution.log_prob(torch.randn(4, 3)), distribution.sample((2,)).shape)


run_programs()
