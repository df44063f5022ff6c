"""Operators of elements: figures recorded from PyTorch 2.13, and rules that need no PyTorch."""

from __future__ import annotations

import math

import pytest

INF, NAN = float("inf"), float("nan")


def same(actual: list, expected: list) -> None:
    """Assert that two lists of floats are equal to six digits, NaN equal to NaN."""
    assert len(actual) == len(expected)
    for got, wanted in zip(actual, expected):
        if math.isnan(wanted):
            assert math.isnan(got)
        else:
            assert got == pytest.approx(wanted, rel=1e-6, abs=1e-6)


POINTS = [0.0, 1.0, -1.0, 0.5, INF, -INF, NAN, 3.0, -3.0]
GRADIENTS = {
    "abs": (lambda torch, x: x.abs(), [0, 1, -1, 1, 1, -1, 0, 1, -1]),
    "sgn": (lambda torch, x: x.sgn(), [0] * 9),
    "clamp": (lambda torch, x: x.clamp(0, 1), [1, 1, 0, 1, 0, 0, 0, 0, 0]),
    "maximum": (
        lambda torch, x: torch.maximum(x, torch.tensor([0.0])),
        [0.5, 1, 0, 1, 1, 0, 1, 1, 0],
    ),
    "fmax": (
        lambda torch, x: torch.fmax(x, torch.tensor([0.0])),
        [1, 1, 0, 1, 1, 0, 0, 1, 0],
    ),
    "zeroth power": (lambda torch, x: x**0, [0] * 9),
    "root": (
        lambda torch, x: x.sqrt(),
        [INF, 0.5, NAN, 0.70710678, 0, NAN, NAN, 0.28867513, NAN],
    ),
    "relu": (lambda torch, x: torch.relu(x), [0, 1, 0, 1, 1, 0, 1, 1, 0]),
    "remainder": (lambda torch, x: x % 2, [1] * 9),
    "nan_to_num": (lambda torch, x: torch.nan_to_num(x), [1, 1, 1, 1, 0, 0, 0, 1, 1]),
    "angle": (lambda torch, x: torch.angle(x), [0] * 9),
    "logarithm": (
        lambda torch, x: x.log(),
        [INF, 1, -1, 2, 0, 0, NAN, 1 / 3, -1 / 3],
    ),
    "floor": (lambda torch, x: torch.div(x, 2, rounding_mode="floor"), [0] * 9),
    "angle of a point": (
        lambda torch, x: torch.atan2(x, torch.tensor([0.0])),
        [0, 0, 0, 0, 0, 0, NAN, 0, 0],
    ),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_at_kinks(torch, name):
    function, expected = GRADIENTS[name]
    x = torch.tensor(POINTS, requires_grad=True)
    result = function(torch, x)
    (gradient,) = torch.autograd.grad([result], [x], [torch.tensor([1.0] * 9)])
    same(gradient.clone().tolist(), expected)


def test_operators_and_their_reflections(torch):
    x = torch.tensor([1.0, 2.0, -4.0])
    assert (2 / x).tolist() == [2.0, 1.0, -0.5]
    assert (2**x).tolist() == [2.0, 4.0, 0.0625]
    assert (7 // x).tolist() == [7.0, 3.0, -2.0]
    assert (7 % x).tolist() == [0.0, 1.0, -1.0]
    assert (1 - x).tolist() == [0.0, -1.0, 5.0]
    assert (x**2).tolist() == [1.0, 4.0, 16.0]
    n = torch.tensor([1, 2, 5])
    assert (1 << n).tolist() == [2, 4, 32]
    assert (6 & n).tolist() == [0, 2, 4]
    assert (~n).tolist() == [-2, -3, -6]


def test_integers(torch):
    n = torch.tensor([-7, 7, -7])
    d = torch.tensor([2, -2, -2])
    assert (n // d).tolist() == [-4, -4, 3]
    assert (n % d).tolist() == [1, -1, -1]
    assert torch.fmod(n, d).tolist() == [-1, 1, -1]
    assert torch.div(n, d, rounding_mode="trunc").tolist() == [-3, -3, 3]
    assert torch.gcd(n, d).tolist() == [1, 1, 1]
    assert torch.lcm(n, d).tolist() == [14, 14, 14]
    assert (torch.tensor([1, 2, -1]) ** torch.tensor(-1)).tolist() == [1, 0, -1]
    assert (torch.tensor([3]) ** torch.tensor(41)).item() == 3**41 - 2**64 * (
        (3**41 + 2**63) // 2**64
    )
    assert (torch.tensor([255], dtype=torch.uint8) + 1).tolist() == [0]


def test_numbers_do_not_decide_the_dtype(torch):
    n = torch.tensor([1, 2])
    assert (n + 1).dtype is torch.int64
    assert (n + 1.0).dtype is torch.float32
    assert (n / 2).dtype is torch.float32
    assert (torch.tensor([1.0], dtype=torch.float16) * 2.5).dtype is torch.float16
    assert (torch.tensor([True]) + True).dtype is torch.bool
    assert torch.where(n > 1, n, 0.5).dtype is torch.float32


def test_halves_are_computed_in_float32(torch):
    x = torch.tensor([1.5], dtype=torch.bfloat16)
    # 0.1 is not rounded to bfloat16 first.
    assert (x + 0.1).item() == 1.6015625
    assert x.pow(0.1).item() == 1.0390625


def test_zero_times_infinity(torch):
    mask = torch.tensor([True, False])
    product = mask * torch.tensor([INF, INF])
    same(product.tolist(), [INF, NAN])


NODES = {
    "RsubBackward1": lambda torch, x: 2 - x,
    "MulBackward0": lambda torch, x: 2 / x,
    "DivBackward0": lambda torch, x: x / 2,
    "DivBackward2": lambda torch, x: torch.div(x, 2, rounding_mode="trunc"),
    "PowBackward0": lambda torch, x: x**2,
    "PowBackward1": lambda torch, x: x**x,
    "PowBackward2": lambda torch, x: 2**x,
    "RemainderBackward0": lambda torch, x: x % 2,
    "RemainderBackward1": lambda torch, x: x % x,
    "ClampBackward0": lambda torch, x: x.clamp(x, x),
    "ClampBackward1": lambda torch, x: x.clamp(0, 1),
    "ClampMinBackward0": lambda torch, x: x.clamp_min(0),
    "LerpBackward0": lambda torch, x: torch.lerp(x, x, 0.5),
    "Log1PBackward0": lambda torch, x: x.log1p(),
    "WhereBackward0": lambda torch, x: torch.where(x > 0, x, 0.0),
}


@pytest.mark.parametrize("name", NODES)
def test_names_of_nodes(torch, name):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    assert type(NODES[name](torch, x).grad_fn).__name__ == name


ERRORS = {
    "bool difference": (
        lambda torch: torch.tensor([True]) - torch.tensor([True]),
        RuntimeError,
        "Subtraction, the `-` operator, with two bool tensors is not supported",
    ),
    "bool and number": (
        lambda torch: torch.tensor([True]) - 1,
        RuntimeError,
        "Subtraction, the `-` operator, with a bool tensor is not supported",
    ),
    "bool negation": (lambda torch: -torch.tensor([True]), RuntimeError, "Negation, the `-`"),
    "kernel": (
        lambda torch: torch.erf(torch.tensor([1j])),
        NotImplementedError,
        "\"erf_vml_cpu\" not implemented for 'ComplexFloat'",
    ),
    "negative power": (
        lambda torch: torch.tensor([2]) ** -1,
        RuntimeError,
        "Integers to negative integer powers are not allowed.",
    ),
    "alpha": (
        lambda torch: torch.add(torch.tensor([1]), 1, alpha=0.5),
        RuntimeError,
        "For integral input tensors, argument alpha must not be a floating point number.",
    ),
    "in-place dtype": (
        lambda torch: torch.tensor([1]).add_(0.5),
        RuntimeError,
        "result type Float can't be cast to the desired output type Long",
    ),
    "clamp": (
        lambda torch: torch.tensor([1]).clamp(),
        RuntimeError,
        "torch.clamp: At least one of 'min' or 'max' must not be None",
    ),
    "condition": (
        lambda torch: torch.where(torch.tensor([1]), 1, 2),
        RuntimeError,
        "where expected condition to be a boolean tensor, but got a tensor with dtype Long",
    ),
    "zero": (lambda torch: torch.tensor([1]) // 0, RuntimeError, "ZeroDivisionError"),
    "inversion": (
        lambda torch: ~torch.tensor([1.0]),
        TypeError,
        "~ (operator.invert) is only implemented on integer and Boolean-type tensors",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(torch, name):
    call, kind, words = ERRORS[name]
    with pytest.raises(kind) as caught:
        call(torch)
    assert words in str(caught.value)


def test_in_place_gradient_has_a_copy(torch):
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = (x * 1).abs_().pow_(3)
    (gradient,) = torch.autograd.grad([y], [x], [torch.tensor([1.0, 1.0])])
    assert gradient.tolist() == [3.0, -12.0]
