"""Where equal elements come: in the order that PyTorch 2.13 gives on the CPU, recorded from it."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest

import jtorch as torch
from jtorch.ops.reduce import tied_order

NAN = float("nan")
SQUARES = [place * place % 7 for place in range(200)]


@pytest.fixture
def numbers():
    return torch.tensor(SQUARES[:40]).float()


def test_sort(numbers):
    assert torch.sort(numbers).indices.tolist() == [
        0, 35, 28, 7, 21, 14, 1, 36, 34, 29, 27, 22, 20, 15, 13, 6, 8, 39, 38, 3, 4, 32, 31, 25, 24,
        10, 11, 18, 17, 23, 26, 9, 5, 30, 19, 33, 2, 37, 16, 12,
    ]  # fmt: skip
    assert torch.argsort(numbers, descending=True).tolist() == [
        30, 16, 33, 12, 19, 9, 37, 23, 5, 2, 26, 39, 31, 24, 25, 18, 17, 32, 11, 10, 38, 4, 3, 34,
        36, 29, 20, 27, 22, 15, 13, 8, 6, 1, 28, 21, 0, 14, 35, 7,
    ]  # fmt: skip


def test_a_stable_sort_keeps_the_order(numbers):
    order = torch.sort(numbers, stable=True).indices.tolist()
    assert order == sorted(range(40), key=SQUARES.__getitem__)


def test_each_row(numbers):
    assert torch.argsort(numbers.reshape(2, 20), 1).tolist() == [
        [14, 7, 0, 1, 15, 6, 8, 13, 10, 18, 17, 11, 4, 3, 12, 9, 5, 16, 2, 19],
        [1, 15, 8, 2, 0, 16, 7, 9, 14, 19, 18, 12, 11, 5, 4, 13, 10, 6, 17, 3],
    ]
    found = torch.topk(numbers.reshape(20, 2), 4, 0).indices.tolist()
    assert found == [[13, 11], [8, 4], [6, 16], [1, 9]]


def test_topk(numbers):
    assert torch.topk(numbers, 5).indices.tolist() == [12, 37, 9, 19, 30]
    unsorted = torch.topk(numbers, 5, largest=False, sorted=False)
    assert unsorted.indices.tolist() == [7, 14, 21, 28, 0]
    assert torch.topk(torch.tensor(SQUARES), 3).indices.tolist() == [9, 5, 2]  # by a heap


def test_nan_is_the_largest(numbers):
    numbers[::9] = NAN
    assert torch.topk(numbers, 8).indices.tolist() == [9, 18, 0, 36, 27, 33, 12, 30]
    assert torch.sort(numbers).indices.tolist() == [
        35, 28, 21, 7, 14, 1, 34, 29, 22, 20, 15, 13, 8, 6, 11, 39, 38, 32, 31, 3, 4, 25, 24, 10,
        17, 16, 12, 37, 2, 33, 23, 30, 26, 19, 5, 9, 18, 27, 0, 36,
    ]  # fmt: skip


def test_kthvalue_and_mode(numbers):
    found = [torch.kthvalue(numbers, place).indices.item() for place in (1, 10, 20, 40)]
    assert found == [0, 15, 32, 19]
    assert torch.mode(numbers).indices.item() == 17


@pytest.mark.parametrize(
    "function",
    [
        lambda keys: tied_order.sorted_order(keys),
        lambda keys: tied_order.smallest(keys, 20, in_order=True),
        lambda keys: tied_order.smallest(keys, 2, in_order=True),
        lambda keys: tied_order.kth_smallest(keys, 70),
    ],
    ids=["sort", "partition", "heap", "quickselect"],
)
def test_numpy_and_xla_agree(function):
    rows = np.random.default_rng(0).integers(0, 9, (3, 150)).astype(np.int32)

    def order(rows):
        return function(tied_order.keys_of(rows, True))

    np.testing.assert_array_equal(jax.jit(order)(rows), order(rows))


@pytest.mark.parametrize(
    ("elements", "value", "index"),
    [
        ([math.nan, 1.0, math.nan, 1.0], 1.0, 3),
        ([math.nan, 2.0, 1.0, 2.0, 1.0, math.nan], 1.0, 4),
        ([-0.0, 0.0, 1.0], 0.0, 1),
        ([3.0, 2.0, 1.0], 1.0, 2),
    ],
)
def test_the_mode_is_the_end_of_the_longest_run(torch, elements, value, index):
    found = torch.tensor(elements).mode()
    assert (found.values.item(), found.indices.item()) == (value, index)
