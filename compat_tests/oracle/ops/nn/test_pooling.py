"""Pooling, its inverse and patches against the installed PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.oracle

#: Expressions of ``F`` and images ``x`` of shape (2, 3, 8, 9) whose elements often are equal.
CALLS = [
    "F.max_pool2d(x, 2, return_indices=True)",
    "F.max_pool2d(x, 3, 2, 1, return_indices=True)",
    "F.max_pool2d(x, (3, 2), (2, 1), 1, (2, 1), True, return_indices=True)",
    "F.max_pool2d(x, 5, 1, 2, return_indices=True)",
    "F.max_pool1d(x[0], 3, 2, 1, 1, True, True)",
    "F.max_pool3d(x, (2, 3, 1), return_indices=True)",
    "F.adaptive_max_pool2d(x, (3, 5), True)",
    "F.adaptive_max_pool2d(x, (2, 1), True)",
    "F.fractional_max_pool2d(x, 2, (3, 4), return_indices=True)",
    "F.avg_pool2d(x, 3, 2, 1, True, False)",
    "F.avg_pool2d(x, (2, 3), (1, 2), (1, 1), True, True, -5)",
    "F.avg_pool3d(x, 2, 1, 1)",
    "F.adaptive_avg_pool2d(x, (3, 5))",
    "F.adaptive_avg_pool2d(x, 1)",
    "F.lp_pool2d(x.abs() + 1, 3, 2)",
    "F.unfold(x, (2, 3), (1, 2), (1, 0), (2, 1))",
    "F.unfold(x, 3, padding=1, stride=3)",
    "F.fold(F.unfold(x, 3, stride=2), (8, 9), 3, stride=2)",
    "F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=(8, 9))",
]


@pytest.mark.parametrize("call", CALLS)
def test_results_and_gradients(both, call):
    """Results, places, strides, names of nodes and gradients agree."""

    def program(torch: Any) -> list:
        torch.manual_seed(0)
        x = (torch.randn(2, 3, 8, 9, dtype=torch.float64) * 2).round().requires_grad_()
        found = eval(call, {"F": torch.nn.functional, "x": x})
        result, *places = found if isinstance(found, tuple) else (found,)
        weights = torch.arange(result.numel(), dtype=result.dtype).view(result.shape)
        (gradient,) = torch.autograd.grad((result * weights).sum(), x)
        node = type(result.grad_fn).__name__
        return [result.detach(), *places, result.stride(), node, gradient]

    both(program)


@pytest.mark.parametrize(
    "call",
    [
        "F.max_pool2d(x, 2, 1, 2)",
        "F.max_pool2d(x, 10)",
        "F.max_pool2d(x, (2, 2, 2))",
        "F.max_pool2d(x[0, 0], 2)",
        "F.max_pool2d(x.bool(), 2)",
        "F.max_pool1d(x, 2)",
        "F.max_pool1d(x[0], 2, 0)",
        "F.avg_pool2d(x, 2, divisor_override=0)",
        "F.avg_pool2d(x.int(), 2)",
        "F.adaptive_avg_pool2d(x, (2, 2, 2))",
        "F.adaptive_avg_pool2d(x, -1)",
        "F.adaptive_max_pool2d(x[0, 0], 2)",
        "F.fractional_max_pool2d(x, 8, 3)",
        "F.max_unpool2d(x, x.long(), 2)",
        "F.unfold(x, 20)",
        "F.fold(x[0], 6, 2)",
    ],
)
def test_messages(both, call):
    """What PyTorch refuses is refused with the same words."""

    def program(torch: Any) -> Any:
        x = -torch.ones(2, 3, 8, 9)
        return eval(call, {"F": torch.nn.functional, "x": x})

    both(program)


def test_modules_print(both):
    """The printed forms are PyTorch's."""

    def program(torch: Any) -> list[str]:
        nn = torch.nn
        layers = [
            nn.MaxPool2d(2),
            nn.MaxPool1d(3, 2, 1),
            nn.MaxUnpool2d(2),
            nn.AvgPool1d(2),
            nn.AvgPool2d(3, padding=1),
            nn.FractionalMaxPool2d(2, 3),
            nn.LPPool2d(2, 3),
            nn.AdaptiveAvgPool2d((None, 2)),
            nn.AdaptiveMaxPool1d(4),
            nn.Fold(4, 2),
            nn.Unfold((2, 3), stride=2),
        ]
        return [repr(layer) for layer in layers]

    both(program)
