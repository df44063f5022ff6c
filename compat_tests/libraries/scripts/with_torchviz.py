"""torchviz: drawings of the graph of gradients."""

import re

import torch
from programs import run_programs
from torchviz import make_dot


def _without_addresses(dot):
    names = {}
    return re.sub(
        r"\b\d{9,}\b", lambda match: names.setdefault(match[0], f"n{len(names)}"), dot.source
    )


def network():
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    loss = model(torch.randn(2, 4)).square().mean()
    print(_without_addresses(make_dot(loss, params=dict(model.named_parameters()))))


def attributes():
    x = torch.randn(2, 3, requires_grad=True)
    y = torch.relu(x @ x.T).sum(0)
    print(_without_addresses(make_dot(y, params={"x": x}, show_attrs=True)))


run_programs()
