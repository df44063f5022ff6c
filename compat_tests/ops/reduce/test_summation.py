"""Sums and means of few numbers have PyTorch's bits: the last one shows after a subtraction."""

from __future__ import annotations

import math

import pytest

#: (shape, dimensions, dtype, first and last element of the mean as PyTorch 2.13 gives them). Its
#: kernel adds in registers of 32 bytes on every x86 processor.
MEANS = [
    ((11,), None, "float32", 0.21455086767673492, 0.21455086767673492),
    ((11,), None, "float64", 0.2145508604378773, 0.2145508604378773),
    ((1000,), None, "float32", 0.2001763880252838, 0.2001763880252838),
    ((1000,), None, "float64", 0.20017641228939545, 0.20017641228939545),
    ((64, 10), None, "float32", 0.19940224289894104, 0.19940224289894104),
    ((64, 10), None, "float64", 0.19940225470763134, 0.19940225470763134),
    ((8000,), None, "float32", 0.19956281781196594, 0.19956281781196594),
    ((8000,), None, "float64", 0.19956280971258672, 0.19956280971258672),
    ((300, 11), 0, "float32", 0.21911132335662842, 0.19275851547718048),
    ((300, 11), 0, "float64", 0.21911133135117278, 0.1927585067723819),
    ((300, 40), 0, "float32", 0.20101088285446167, 0.20390154421329498),
    ((300, 40), 0, "float64", 0.20101090188305254, 0.20390155269243473),
    ((300, 5), 0, "float32", 0.19929301738739014, 0.19608522951602936),
    ((300, 5), 0, "float64", 0.19929302940204827, 0.19608523290386523),
    ((20, 50), 1, "float32", 0.20493559539318085, 0.21141725778579712),
    ((20, 50), 1, "float64", 0.20493557978196236, 0.21141724479682858),
    ((6, 20, 9), 1, "float32", 0.1851833313703537, 0.200346902012825),
    ((6, 20, 9), 1, "float64", 0.18518334985133797, 0.2003468780971259),
    ((4, 3, 5, 5), (0, 2, 3), "float32", 0.20140734314918518, 0.19964320957660675),
    ((4, 3, 5, 5), (0, 2, 3), "float64", 0.20140733399405353, 0.1996432111000991),
]


def _numbers(torch, shape, dtype):
    values = [((index * 7919) % 1009) / 1009 - 0.3 for index in range(math.prod(shape))]
    return torch.tensor(values, dtype=getattr(torch, dtype)).reshape(shape)


@pytest.mark.parametrize(("shape", "dim", "dtype", "first", "last"), MEANS)
def test_mean_has_the_bits_of_pytorch(torch, shape, dim, dtype, first, last):
    numbers = _numbers(torch, shape, dtype)
    mean = (numbers.mean() if dim is None else numbers.mean(dim)).flatten()
    assert (mean[0].item(), mean[-1].item()) == (first, last)


def test_a_product_is_rounded_before_it_is_added(torch):
    x, y = _numbers(torch, (40, 9), "float32"), _numbers(torch, (40, 9), "float32") + 1
    product = x * y
    product.tolist()
    assert torch.equal((x * y).sum(0), product.sum(0))


def test_gradients_of_a_sum_and_a_mean_are_even(torch):
    x = _numbers(torch, (8, 5), "float32").requires_grad_()
    (x.sum(0).sum() + x.mean()).backward()
    assert torch.equal(x.grad, torch.full((8, 5), 1.025))
