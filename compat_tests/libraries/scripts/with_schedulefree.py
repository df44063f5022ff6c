"""schedulefree: optimisers without a schedule."""

import schedulefree
import torch
from programs import run_programs


def _train(make):
    x = torch.randn(32, 4)
    y = x.sum(1, keepdim=True)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = make(model.parameters())
    optimizer.train()
    for step in range(5):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))
    optimizer.eval()
    print((model(x) - y).square().mean().item(), sorted(optimizer.state_dict()["param_groups"][0]))


def adam():
    _train(lambda parameters: schedulefree.AdamWScheduleFree(parameters, lr=0.01, warmup_steps=2))


def gradient_descent():
    _train(lambda parameters: schedulefree.SGDScheduleFree(parameters, lr=0.1, foreach=False))


def closure():
    _train(lambda parameters: schedulefree.RAdamScheduleFree(parameters, lr=0.01))


run_programs()
