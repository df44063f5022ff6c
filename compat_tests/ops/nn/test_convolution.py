"""Convolutions, held against figures that PyTorch 2.13 gave."""

from __future__ import annotations

import pytest

import jtorch as torch

F = torch.nn.functional


def _images():
    return (torch.arange(50.0) * 7 % 11 - 5).view(1, 2, 5, 5)


def _weight():
    return (torch.arange(54.0) * 5 % 7 - 3).view(3, 2, 3, 3)


def test_conv2d_and_its_gradients():
    """Whole numbers come out exactly, in the result and in both gradients."""
    x, w = _images().requires_grad_(), _weight().requires_grad_()
    y = F.conv2d(x, w, torch.tensor([1.0, 2, 3]), 2, 1)
    assert type(y.grad_fn).__name__ == "ConvolutionBackward0"
    y.sum().backward()
    assert y.flatten().tolist() == [
        *(-9, -8, -17, -10, -12, 37, 3, -12, -3, -25, 17, -1, 42, 30, -8, -6, -24, 10),
        *(-6, -7, 29, -4, -12, 3, -1, -8, 2),
    ]
    rows = [6, -2, 6, -2, 6], [5, -4, 5, -4, 5]
    first = [*rows[0], *rows[1], *rows[0], *rows[1], *rows[0]]
    assert x.grad[0, 0].flatten().tolist() == first
    assert w.grad[2].flatten().tolist() == [
        *(-3, 1, -3, 1, -4, 1, -3, 1, -3, -7, -5, -7, 6, 9, 6, -7, -5, -7)
    ]


def test_depthwise():
    """A group for each channel: sums of shifted products."""
    w = (torch.arange(18.0) * 5 % 7 - 3).view(2, 1, 3, 3)
    y = F.conv2d(_images(), w, groups=2, stride=2)
    assert y.flatten().tolist() == [57, 21, -24, -27, -21, -16, -18, 53]


def test_transposed():
    """``output_padding`` adds a row and a column."""
    y = F.conv_transpose2d(_images()[:, :, :2, :2], _weight()[:2], None, 2, 1, 1)
    assert y.shape == (1, 2, 4, 4)
    assert y[0, 0].flatten().tolist() == [
        *(-5, -12, 8, 2, 20, -8, 8, 2, -17, -20, 18, 4, -3, -20, -3, 11)
    ]


def test_forms_agree():
    """Patches, groups and single elements equal the sum that defines a convolution."""
    x = torch.arange(2 * 4 * 6 * 6.0, dtype=torch.float64).view(2, 4, 6, 6).sin()
    for shape, rest in (
        ((6, 4, 2, 2), {"stride": 2}),
        ((6, 2, 3, 3), {"groups": 2, "padding": 1}),
        ((6, 4, 1, 1), {"stride": 2}),
    ):
        w = torch.arange(1.0 * torch.Size(shape).numel(), dtype=torch.float64).view(shape).cos()
        columns = F.unfold(
            x, shape[2:], padding=rest.get("padding", 0), stride=rest.get("stride", 1)
        )
        groups = rest.get("groups", 1)
        split = columns.view(2, groups, -1, columns.shape[-1])
        expected = w.view(groups, shape[0] // groups, -1) @ split
        y = F.conv2d(x, w, **rest)
        assert torch.allclose(y, expected.reshape(y.shape), rtol=1e-12, atol=1e-12)


def test_channels_last():
    """The result is in the format of the input."""
    x = torch.ones(2, 3, 5, 5).contiguous(memory_format=torch.channels_last)
    assert F.conv2d(x, torch.ones(4, 3, 3, 3)).stride() == (36, 1, 12, 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"stride": 0}, "non-positive stride is not supported"),
        ({"padding": -1}, "negative padding is not supported"),
        ({"padding": "full"}, "Invalid padding string: 'full'"),
        ({"groups": 2}, "Given groups=2, expected weight to be divisible by 2 at dimension 0"),
    ],
)
def test_messages(arguments, words):
    """PyTorch's words, at the call."""
    with pytest.raises(RuntimeError) as raised:
        F.conv2d(_images(), _weight(), **arguments)
    assert str(raised.value).startswith(words)


def test_module():
    """A seed gives PyTorch's weights; the layer prints as PyTorch's."""
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(1, 2, 2)
    assert layer.weight[0].flatten().tolist() == [
        *(-0.003743410110473633, 0.26822179555892944, -0.4115225672721863, -0.3679695129394531)
    ]
    assert layer.bias.tolist() == [-0.04437202215194702, 0.1323062777519226]
    assert repr(torch.nn.Conv2d(4, 8, (3, 5), padding=1, groups=2, bias=False)) == (
        "Conv2d(4, 8, kernel_size=(3, 5), stride=(1, 1), padding=(1, 1), groups=2, bias=False)"
    )
    lazy = torch.nn.LazyConv1d(3, 2)
    assert lazy(torch.ones(2, 4, 5)).shape == (2, 3, 4)
    assert type(lazy) is torch.nn.Conv1d
    assert lazy.in_channels == 4
