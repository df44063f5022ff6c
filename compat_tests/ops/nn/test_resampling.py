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


# torch 2.13 keeps the weights of these modes in the dtype of the elements.
HALVES = {
    ("float16", "linear"): [0.0999755859375, 0.314453125, 0.6572265625, -0.2998046875, -1.0],
    ("bfloat16", "linear"): [0.10009765625, 0.314453125, 0.65625, -0.298828125, -1.0],
    ("float16", "bicubic"): [0.196533203125, 0.365478515625, 0.5341796875, -0.80810546875],
    ("bfloat16", "bicubic"): [0.1962890625, 0.36328125, 0.53125, -0.8046875],
}


@pytest.mark.parametrize(("dtype", "mode"), HALVES)
def test_halves_are_weighted_by_halves(torch, dtype, mode):
    elements = torch.tensor([0.1, 0.7, -1.3, 2.9]).to(getattr(torch, dtype))
    shape, size = ((1, 1, 4), 7) if mode == "linear" else ((1, 1, 2, 2), (3, 3))
    result = torch.nn.functional.interpolate(elements.reshape(shape), size=size, mode=mode)
    wanted = HALVES[dtype, mode]
    assert result.flatten().tolist()[: len(wanted)] == wanted
