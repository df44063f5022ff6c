"""TorchOpt: functional and differentiable optimisers."""

import torch
import torchopt
from programs import run_programs


def _model():
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))


def functional():
    model, x = _model(), torch.randn(16, 3)
    parameters = dict(model.named_parameters())
    optimizer = torchopt.adamw(lr=0.05)
    state = optimizer.init(parameters)
    for step in range(3):
        loss = (torch.func.functional_call(model, parameters, (x,)) - 1).square().mean()
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        updates, state = optimizer.update(
            dict(zip(parameters, gradients)), state, params=parameters, inplace=False
        )
        parameters = torchopt.apply_updates(parameters, updates, inplace=False)
        print(step, round(loss.item(), 4))


def through_steps():
    model, x = _model(), torch.randn(16, 3)
    weight = torch.nn.Parameter(torch.ones(()))
    inner = torchopt.MetaAdam(model, lr=0.1)
    outer = torchopt.SGD([weight], lr=0.1)
    start = torchopt.extract_state_dict(model), torchopt.extract_state_dict(inner)
    for step in range(2):
        for _ in range(2):
            inner.step((model(x) - weight).square().mean())
        loss = (model(x) - 2).square().mean()
        outer.zero_grad()
        loss.backward()
        outer.step()
        print(step, round(loss.item(), 4), weight.grad)
        torchopt.recover_state_dict(model, start[0])
        torchopt.recover_state_dict(inner, start[1])


run_programs()
