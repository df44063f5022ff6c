"""Utilities of modules: clipping, parametrisations, pruning."""

from __future__ import annotations

import pytest


def test_clipping_scales_all_gradients_alike(torch):
    layer = torch.nn.Linear(2, 1)
    layer.weight.grad = torch.tensor([[3.0, 4.0]])
    layer.bias.grad = torch.tensor([12.0])
    norm = torch.nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
    assert norm.item() == 13.0
    assert layer.weight.grad.flatten().tolist() == pytest.approx([3 / 13, 4 / 13], rel=1e-6)
    assert layer.bias.grad.tolist() == pytest.approx([12 / 13], rel=1e-6)
    torch.nn.utils.clip_grad_value_(layer.parameters(), 0.25)
    assert layer.bias.grad.tolist() == [0.25]


def test_clipping_records_few_operators(torch):
    from jtorch._engine.recording.trace import local

    layers = torch.nn.ModuleList([torch.nn.Linear(2, 2) for _ in range(20)])
    for parameter in layers.parameters():
        parameter.grad = torch.ones_like(parameter)
    torch.synchronize()
    before = len(local.trace.values)
    torch.nn.utils.clip_grad_norm_(layers.parameters(), 1.0)
    # 40 norms, 40 gradients and a few numbers: no operator of its own for each of them.
    assert len(local.trace.values) - before < 100


def test_a_parametrised_weight_is_computed_and_can_be_set(torch):
    class Exponential(torch.nn.Module):
        def forward(self, value):
            return value.exp()

        def right_inverse(self, value):
            return value.log()

    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", Exponential())
    layer.weight = torch.tensor([[3.0]])
    assert layer.weight.item() == pytest.approx(3.0)
    assert list(layer.state_dict()) == ["parametrizations.weight.original"]
    layer(torch.ones(1, 1)).sum().backward()
    assert layer.parametrizations.weight.original.grad.item() == pytest.approx(3.0)


def test_pruned_weights_stay_zero(torch):
    from jtorch.nn.utils import prune

    layer = torch.nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -4.0, 2.0, 3.0]]))
    prune.l1_unstructured(layer, "weight", amount=2)
    assert layer(torch.eye(4)).flatten().tolist() == [0.0, -4.0, 0.0, 3.0]
    prune.remove(layer, "weight")
    assert list(layer.state_dict()) == ["weight"]
