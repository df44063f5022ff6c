"""Resampling and sampling at positions: outcomes recorded from PyTorch."""

from __future__ import annotations

import pytest

from compat_tests.helpers.expressions import outcome, read

RECORDED = read("resampling")


@pytest.mark.parametrize("expression", RECORDED)
def test_outcome_is_pytorchs(torch, expression):
    assert outcome(torch, expression) == RECORDED[expression]


@pytest.mark.parametrize(("mode", "size"), [("nearest", 7), ("bilinear", 6), ("bicubic", 2)])
def test_the_gradient_is_the_transposed_map(torch, mode, size):
    x = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    other = torch.randn(1, 2, size, size, dtype=torch.float64)
    made = torch.nn.functional.interpolate(x, size=size, mode=mode)
    (gradient,) = torch.autograd.grad((made * other).sum(), x)
    # For a linear map A: <A x, y> = <x, transposed A y>.
    assert torch.allclose((made * other).sum(), (x * gradient).sum())


def test_an_infinite_pixel_stays_where_it_is(torch):
    x = torch.zeros(1, 1, 1, 8)
    x[..., 0] = float("inf")
    made = torch.nn.functional.interpolate(x, size=(1, 16), mode="bilinear")
    assert torch.isfinite(made[..., 3:]).all()
