"""higher: gradients through steps of an optimiser."""

import higher
import torch
from programs import run_programs


def _task():
    x = torch.randn(16, 3)
    return x, x.sum(1, keepdim=True)


def through_descent():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    inner = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    outer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(3):
        outer.zero_grad()
        with higher.innerloop_ctx(model, inner, copy_initial_weights=False) as (copy, descent):
            for _ in range(2):
                x, y = _task()
                descent.step((copy(x) - y).square().mean())
            x, y = _task()
            loss = (copy(x) - y).square().mean()
            loss.backward()
        outer.step()
        print(step, round(loss.item(), 4))


def learned_rate():
    model = torch.nn.Linear(3, 1)
    inner = torch.optim.Adam(model.parameters(), lr=0.1)
    rate = torch.tensor(0.1, requires_grad=True)
    with higher.innerloop_ctx(model, inner, override={"lr": [rate]}) as (copy, descent):
        for _ in range(2):
            x, y = _task()
            descent.step((copy(x) - y).square().mean())
        (copy(x) - y).square().mean().backward()
    print(rate.grad, next(iter(copy.parameters(time=0))))


run_programs()
