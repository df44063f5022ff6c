"""Conversions and questions: expressions against the outcomes recorded from PyTorch."""

from __future__ import annotations

import pytest

from compat_tests.helpers.expressions import outcome, read

RECORDED = read("conversion")


@pytest.mark.parametrize("expression", RECORDED)
def test_outcome_is_pytorchs(torch, expression):
    assert outcome(torch, expression) == RECORDED[expression]


def test_deep_copies_are_independent(torch):
    import copy

    weight = torch.ones(2, requires_grad=True)
    weight.sum().backward()
    twin = copy.deepcopy([weight, weight])
    assert twin[0] is twin[1] and twin[0].requires_grad and twin[0].is_leaf
    with torch.no_grad():
        twin[0].mul_(3)
        twin[0].grad.mul_(5)
    assert weight.tolist() == [1, 1] and weight.grad.tolist() == [1, 1]
    assert twin[0].tolist() == [3, 3] and twin[0].grad.tolist() == [5, 5]


def test_gradients_through_conversions(torch):
    weight = torch.tensor([1.5, 2.5], requires_grad=True)
    (weight.double().half().float() * 3).sum().backward()
    assert weight.grad.tolist() == [3, 3] and weight.grad.dtype is torch.float32


def test_the_default_dtype_is_followed(torch):
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.tensor(1.5).dtype is torch.float64
        assert (torch.ones(2, dtype=torch.int64) / 2).dtype is torch.float64
        assert torch.tensor(1j).dtype is torch.complex128
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.rand(2).dtype is torch.float32
