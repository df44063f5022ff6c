"""Convolutions against the installed PyTorch: results, gradients, formats, names, messages."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.oracle

#: Function, shape of the input, shape of the weight, the other arguments.
CASES = [
    ("conv1d", (2, 4, 9), (6, 4, 3), {"stride": 2, "padding": "valid"}),
    ("conv2d", (2, 3, 7, 8), (4, 3, 3, 2), {"stride": (2, 1), "padding": 1, "dilation": (1, 2)}),
    ("conv2d", (2, 4, 7, 8), (8, 1, 3, 3), {"stride": 2, "padding": 1, "groups": 4}),
    ("conv2d", (2, 4, 7, 8), (6, 2, 3, 3), {"padding": "same", "groups": 2}),
    ("conv2d", (2, 3, 7, 10), (6, 3, 3, 3), {"stride": 3}),
    ("conv2d", (2, 1, 7, 8), (6, 1, 3, 3), {"stride": 2, "padding": 4}),
    ("conv2d", (3, 7, 8), (6, 3, 1, 1), {"stride": 2}),
    ("conv3d", (1, 2, 4, 4, 4), (3, 2, 3, 2, 3), {"padding": "same"}),
    ("conv_transpose2d", (2, 4, 4, 4), (4, 3, 3, 3), {"stride": 2, "padding": 1, "groups": 2}),
    ("conv_transpose2d", (3, 4, 4), (3, 4, 3, 3), {"stride": 2, "output_padding": 1}),
]


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[2]}")
def test_results_and_gradients(both, case, dtype):
    """Results, strides, names of nodes and gradients agree."""
    name, shape, weight_shape, rest = case

    def program(torch: Any) -> list:
        torch.manual_seed(0)
        kind = getattr(torch, dtype)
        input = torch.randn(shape, dtype=kind, requires_grad=True)
        weight = torch.randn(weight_shape, dtype=kind, requires_grad=True)
        result = getattr(torch.nn.functional, name)(input, weight, **rest)
        total = (result.abs() ** 2).sum()
        gradients = torch.autograd.grad(total, (input, weight))
        node = type(result.grad_fn).__name__
        return [result.detach(), result.stride(), node, *gradients]

    both(program)


@pytest.mark.parametrize(
    "call",
    [
        "conv2d(ones(1, 2, 5, 5), ones(4, 3, 3, 3))",
        "conv2d(ones(5, 5), ones(4, 3, 3, 3))",
        "conv2d(ones(1, 3, 5, 5), ones(4, 3, 7, 3))",
        "conv2d(ones(1, 3, 5, 5), ones(4, 3, 3, 3), ones(3))",
        "conv2d(ones(1, 3, 5, 5), ones(4, 3, 3, 3), stride=0)",
        "conv2d(ones(1, 3, 5, 5), ones(4, 3, 3, 3), padding='full')",
        "conv2d(ones(1, 3, 5, 5), ones(4, 3, 3, 3), padding='same', stride=2)",
        "conv2d(ones(1, 3, 5, 5).double(), ones(4, 3, 3, 3))",
        "conv2d(ones(1, 3, 5, 5), ones(4, 3, 3, 3), ones(4).double())",
        "conv_transpose2d(ones(2, 3, 5, 5), ones(3, 4, 3, 3), stride=2, output_padding=2)",
        "conv1d(ones(2, 3, 5), ones(4, 3, 7))",
    ],
)
def test_messages(both, call):
    """What PyTorch refuses is refused with the same words."""

    def program(torch: Any) -> Any:
        return eval(call, {"ones": torch.ones, **vars(torch.nn.functional)})

    both(program)


def test_memory_formats(both):
    """A result is in the format that input or weight suggest."""

    def program(torch: Any) -> list:
        images, weight = torch.ones(2, 3, 5, 5), torch.ones(4, 3, 3, 3)
        last = torch.channels_last
        found = []
        for pair in (
            (images, weight),
            (images.contiguous(memory_format=last), weight),
            (images, weight.contiguous(memory_format=last)),
        ):
            found.append(torch.nn.functional.conv2d(*pair).stride())
        return found

    both(program)


def test_modules(both):
    """A seed gives PyTorch's weights, and the printed form is PyTorch's."""

    def program(torch: Any) -> list:
        torch.manual_seed(0)
        nn = torch.nn
        layers = [
            nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"),
            nn.Conv1d(4, 4, 3, groups=2, bias=False),
            nn.ConvTranspose2d(2, 3, 2, stride=2),
            nn.LazyConv2d(5, (2, 3)),
        ]
        found = [repr(layer) for layer in layers]
        found += [tensor.detach() for layer in layers[:3] for tensor in layer.parameters()]
        result = layers[0](torch.randn(1, 3, 4, 4))
        found += [result.detach(), layers[3](torch.randn(1, 2, 4, 4)).detach(), repr(layers[3])]
        return found

    both(program)
