"""Pooling, its inverse and patches, held against figures that PyTorch 2.13 gave."""

from __future__ import annotations

import pytest

import jtorch as torch

F = torch.nn.functional


def _images():
    return (torch.arange(50.0) * 7 % 11 - 5).view(1, 2, 5, 5)


def test_maxima_their_places_and_gradient():
    """Overlapping windows: the gradient goes to the first of equal elements."""
    x = _images().requires_grad_()
    largest, places = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    assert type(largest.grad_fn).__name__ == "MaxPool2DWithIndicesBackward0"
    assert largest[0, 0].flatten().tolist() == [4, 5, 5, 4, 4, 5, 3, 4, 2]
    assert places.dtype is torch.int64
    assert places.flatten().tolist() == [
        *(6, 3, 3, 6, 6, 14, 20, 17, 23, 0, 3, 3, 11, 11, 14, 20, 22, 23)
    ]
    (largest * torch.arange(18.0).view(largest.shape)).sum().backward()
    assert x.grad[0, 0].flatten().tolist() == [
        *(0, 0, 0, 3, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 7, 0, 0, 6, 0, 0, 8, 0)
    ]


def test_ties_and_no_numbers():
    """Of equal elements the first one counts, of several NaNs the last."""
    x = torch.tensor([[[1.0, 1, float("nan"), float("nan"), -float("inf"), -float("inf")]]])
    largest, places = F.max_pool1d(x, 2, return_indices=True)
    assert places.tolist() == [[[0, 3, 4]]]
    assert largest[0, 0, 0] == 1
    assert largest[0, 0, 1].isnan()


def test_large_windows_agree_with_small_ones():
    """Windows taken dimension by dimension give what a maximum of maxima gives."""
    x = _images()
    direct = F.max_pool2d(x, 5, 1, 2)
    twice = F.max_pool2d(F.max_pool2d(x, 3, 1, 1), 3, 1, 1)
    assert torch.equal(direct, twice)


def test_averages():
    """Zeros of the padding count only where that is asked for."""
    found = F.avg_pool2d(_images(), 3, 2, 1, count_include_pad=False)[0, 0].flatten().tolist()
    assert found == pytest.approx(
        [-0.5, 5 / 6, 1.25, -7 / 6, -4 / 9, -1 / 3, 0, -0.5, -1], rel=1e-6, abs=1e-6
    )
    found = F.adaptive_avg_pool2d(_images(), 2)[0, 0].flatten().tolist()
    assert found == pytest.approx([-8 / 9, 8 / 9, -5 / 9, 0], rel=1e-6, abs=1e-6)


def test_windows_at_random_places():
    """A seed gives PyTorch's windows."""
    torch.manual_seed(0)
    found = F.fractional_max_pool2d(_images(), 2, 3).flatten().tolist()
    assert found == [4, 5, 5, 4, 2, 5, 3, 4, 2, 5, 3, 4, 5, 5, 4, 2, 5, 1]


def test_patches_and_back():
    """Patches side by side come back as they were."""
    x = _images()
    patches = F.unfold(x, 2, stride=2)
    assert patches.shape == (1, 8, 4)
    assert torch.equal(F.fold(patches, (4, 4), 2, stride=2), x[:, :, :4, :4])
    assert F.unfold(x[:, :1], (4, 4))[0, 0].tolist() == [-5, 2, -3, 4]


def test_unpooling():
    """Elements go back to their places; a place outside is refused."""
    largest, places = F.max_pool2d(_images(), 2, return_indices=True)
    image = F.max_unpool2d(largest, places, 2, output_size=(5, 5))
    assert image.sum() == largest.sum()
    assert image[0, 0].flatten()[places[0, 0, 1, 1]] == largest[0, 0, 1, 1]
    with pytest.raises(RuntimeError, match="Found an invalid max index: 99"):
        F.max_unpool2d(torch.ones(1, 1, 1), torch.tensor([[[99]]]), 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: F.max_pool2d(x, 2, 1, 2), "pad should be at most half of effective kernel"),
        (lambda x: F.max_pool2d(x, 7), "Given input size: (2x5x5). Calculated output size:"),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=0), "divisor must be not zero"),
        (lambda x: F.adaptive_avg_pool2d(x, (1, 2, 3)), "adaptive_avg_pool2d: output_size must"),
        (lambda x: F.fold(x[0], 6, 2), "Expected size of input's dimension 1 to be divisible"),
    ],
)
def test_messages(call, words):
    """PyTorch's words, at the call."""
    with pytest.raises(RuntimeError) as raised:
        call(_images())
    assert str(raised.value).startswith(words)


def test_modules():
    """Layers print as PyTorch's."""
    nn = torch.nn
    assert repr(nn.MaxPool2d(2)) == (
        "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"
    )
    assert repr(nn.AdaptiveAvgPool2d((None, 2))) == "AdaptiveAvgPool2d(output_size=(None, 2))"
    assert nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(2))(_images()).shape == (1, 2, 1, 1)
