"""Reductions, products, joining and losses: figures known from PyTorch 2.13."""

from __future__ import annotations

import importlib
import math

import pytest

TABLE = [[3.0, 1.0, 1.0, 3.0], [2.0, 2.0, 0.0, 5.0]]


def _functional(torch):
    return importlib.import_module(f"{torch.__name__}.nn.functional")


def _gradient(torch, function, data):
    x = torch.tensor(data, requires_grad=True)
    function(x).backward()
    return x.grad.tolist()


def test_maximum_along_a_dimension_prints_as_a_named_tuple(torch):
    result = torch.tensor(TABLE, requires_grad=True).max(1)
    assert repr(result) == (
        "torch.return_types.max(\n"
        "values=tensor([3., 5.], grad_fn=<MaxBackward0>),\n"
        "indices=tensor([0, 3]))"
    )


def test_equal_maxima_share_the_gradient_of_all_elements(torch):
    assert _gradient(torch, lambda x: x.max(), [1.0, 4.0, 4.0]) == [0.0, 0.5, 0.5]


def test_the_first_of_equal_maxima_gets_the_gradient_along_a_dimension(torch):
    assert _gradient(torch, lambda x: x.max(0).values, [1.0, 4.0, 4.0]) == [0.0, 1.0, 0.0]


def test_gradient_of_a_product_with_a_zero(torch):
    assert _gradient(torch, lambda x: x.prod(), [2.0, 0.0, 3.0]) == [0.0, 6.0, 0.0]


@pytest.mark.parametrize("name", ["std", "norm"])
def test_gradient_is_zero_where_the_result_is(torch, name):
    assert _gradient(torch, lambda x: getattr(x, name)(), [0.0, 0.0]) == [0.0, 0.0]


def test_sum_of_integers_is_int64(torch):
    assert torch.tensor([1, 2], dtype=torch.int8).sum().dtype is torch.int64


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda t, x: t.tensor([1]).mean(),
            RuntimeError,
            "mean(): could not infer output dtype. Input dtype must be either a floating point or "
            "complex dtype. Got: Long",
        ),
        (
            lambda t, x: x.sum(5),
            IndexError,
            "Dimension out of range (expected to be in range of [-2, 1], but got 5)",
        ),
        (
            lambda t, x: x.sum((0, 0)),
            RuntimeError,
            "dim 0 appears multiple times in the list of dims",
        ),
        (
            lambda t, x: x @ x,
            RuntimeError,
            "mat1 and mat2 shapes cannot be multiplied (2x4 and 2x4)",
        ),
        (
            lambda t, x: t.cat([x, x[:, :2]]),
            RuntimeError,
            "Sizes of tensors must match except in dimension 0. Expected size 4 but got size 2 "
            "for tensor number 1 in the list.",
        ),
        (
            lambda t, x: _functional(t).cross_entropy(x, t.tensor([0, 4])),
            IndexError,
            "Target 4 is out of bounds.",
        ),
    ],
)
def test_words_of_errors(torch, call, error, words):
    with pytest.raises(error) as caught:
        call(torch, torch.tensor(TABLE))
    assert str(caught.value) == words


def test_cross_entropy_and_its_gradient(torch):
    functional = _functional(torch)
    x = torch.tensor(TABLE, requires_grad=True)
    loss = functional.cross_entropy(x, torch.tensor([1, -100]))
    assert f"{loss.item():.4f}" == "2.8201"
    loss.backward()
    assert x.grad[1].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert f"{x.grad[0, 1].item():.4f}" == "-0.9404"


def test_sorting_keeps_equal_elements_in_order_and_puts_nan_last(torch):
    values, order = torch.tensor([2.0, float("nan"), 1.0, 2.0]).sort()
    assert order.tolist() == [2, 0, 3, 1]
    assert values[:3].tolist() == [1.0, 2.0, 2.0]


def test_searching(torch):
    sequence = torch.tensor([1.0, 3.0, 5.0])
    assert torch.searchsorted(sequence, torch.tensor([3.0, 6.0])).tolist() == [1, 3]
    assert torch.bucketize(3.0, sequence, right=True).item() == 2


def test_distinct_elements_and_positions(torch):
    x = torch.tensor([[1, 0], [2, 1]])
    values, counts = torch.unique(x, return_counts=True)
    assert (values.tolist(), counts.tolist()) == ([0, 1, 2], [1, 2, 1])
    assert x.nonzero().tolist() == [[0, 0], [1, 0], [1, 1]]
    assert x.nonzero().stride() == (1, 3)


def test_parts_of_nn_that_are_missing_are_not_pretended():
    import jtorch.nn

    assert not hasattr(jtorch.nn, "NoSuchModule")


@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
def test_quantiles_are_differentiated_by_their_shares(torch, name):
    rows = [[3.0, 1.0, 4.0, 1.5], [9.0, 2.0, 6.0, 5.0]]
    x = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    q = torch.tensor([0.3, 0.8], dtype=torch.float64, requires_grad=True)
    result = getattr(torch, name)(x, q, dim=1)
    (slope,) = torch.autograd.grad((result**2).sum(), q, create_graph=True)
    assert slope.tolist() == pytest.approx([88.95, 150.0])
    to_x, to_q = torch.autograd.grad(slope.sum(), [x, q])
    assert to_q.tolist() == pytest.approx([166.5, 180.0])
    assert to_x[0].tolist() == pytest.approx([-16.8, -8.4, 22.8, 11.4])


def test_running_sums_of_complex_exponentials_keep_their_phase(torch):
    x = torch.tensor([1 + 7j, 0.5 - 4j, 1 + 1j], dtype=torch.complex128)
    phases = torch.logcumsumexp(x, 0).imag.tolist()
    assert phases == pytest.approx([7.0, 7.5440, 7.4240], abs=1e-4)


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_nan_comes_last_in_every_dtype(torch, name):
    nan = math.nan
    x = torch.tensor([3.0, nan, 1.0, 2.0, nan, -1.0, 2.0, 1.0]).to(getattr(torch, name))
    unique, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True)
    assert unique.tolist()[:4] == [-1.0, 1.0, 2.0, 3.0]
    assert unique.isnan().tolist() == [False] * 4 + [True] * 2
    assert inverse.tolist() == [3, 4, 1, 2, 5, 0, 2, 1]
    assert counts.tolist() == [1, 2, 2, 1, 1, 1]
    rows = torch.stack([x, x.flip(0)], 1)
    assert torch.unique(rows, dim=0)[0].tolist() == [-1.0, 1.0]
    assert x.nanmedian().item() == 1.0
    assert torch.nanmedian(rows, 0).values.tolist() == [1.0, 1.0]


def test_the_median_of_no_integers_is_what_nan_is_cast_to(torch):
    found = {
        name: torch.tensor([], dtype=getattr(torch, name)).median().item()
        for name in ("uint8", "int8", "int16", "int32", "int64")
    }
    assert found == {"uint8": 0, "int8": 0, "int16": 0, "int32": -(2**31), "int64": -(2**63)}


def test_no_element_overlaps_none(torch):
    import numpy as np

    x = torch.from_numpy(np.zeros((4, 5), np.float32)[:0].copy())
    assert x.stride() == (0, 0)
    assert x.add_(1).shape == x.uniform_().shape == torch.diff(x, 0).shape == (0, 5)


def test_rows_without_elements_are_searched(torch):
    bounds, wanted = torch.zeros(2, 0), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert torch.searchsorted(bounds, wanted).tolist() == [[0, 0], [0, 0]]
    assert torch.searchsorted(bounds, wanted, right=True).tolist() == [[0, 0], [0, 0]]
    assert torch.searchsorted(wanted, torch.tensor([[1.5], [9.0]])).tolist() == [[1], [2]]


def test_a_gradient_that_is_nan_stays_at_the_extremum(torch):
    nan = float("nan")
    for name in ("max", "min", "median"):
        x = torch.tensor([1.0, nan, 2.0, nan], requires_grad=True)
        getattr(x, name)().backward(torch.tensor(nan))
        assert x.grad.isnan().tolist() == [False, True, False, True], name
        assert x.grad[::2].tolist() == [0.0, 0.0], name
        x.grad = None
        getattr(x, name)().backward(torch.tensor(-4.0))
        assert x.grad.tolist() == [0.0, -2.0, 0.0, -2.0], name
        assert not x.grad[::2].signbit().any(), name
