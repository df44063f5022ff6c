"""Histograms, segments, indexed reductions and the parts of numbers, as PyTorch 2.13 has them."""

from __future__ import annotations

import math

import pytest


def test_histogram_counts_and_edges():
    import jtorch as torch

    values = torch.tensor([1.0, 2.0, 1.0, 4.0])
    counts, edges = torch.histogram(values, 3)
    assert (counts.tolist(), edges.tolist()) == ([2.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0])
    result = torch.histogram(values, 4, range=(0.0, 3.0), weight=torch.tensor([1.0, 2.0, 4.0, 8.0]))
    assert result.hist.tolist() == [0.0, 5.0, 2.0, 0.0]
    assert torch.histogram(values, torch.tensor([0.0, 1.5, 4.0])).hist.tolist() == [2.0, 2.0]
    density = torch.histogram(values, 3, density=True)
    assert (density.hist * density.bin_edges.diff()).sum().item() == pytest.approx(1)
    assert torch.histogram(torch.zeros(0), 2).bin_edges.tolist() == [0.0, 0.5, 1.0]
    assert type(result).__name__ == "histogram"


def test_histogram_of_points():
    import jtorch as torch

    points = torch.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [2.0, 2.0]])
    counts, edges = torch.histogramdd(points, bins=[2, 2])
    assert counts.tolist() == [[0.0, 1.0], [1.0, 2.0]]
    assert [each.tolist() for each in edges] == [[0.0, 1.0, 2.0]] * 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda t: t.histogram(t.ones(3), 0),
            "torch.histogram(): bins must be > 0, but got 0 for dimension 0",
        ),
        (
            lambda t: t.histogram(t.ones(3), 2, range=(1.0, 0.0)),
            "torch.histogramdd: min should not exceed max, but got min 1 max 0 for dimension 0",
        ),
        (
            lambda t: t.histogram(t.tensor([1.0, math.inf]), 2),
            "torch.histogramdd: dimension 0's range [1, inf] is not finite",
        ),
        (
            lambda t: t.histogramdd(t.ones(3), 2),
            "torch.histogramdd: input tensor should have at least 2 dimensions",
        ),
        (
            lambda t: t.segment_reduce(t.ones(3), "sum", lengths=t.tensor([1, 1])),
            "segment_reduce(): Expected all rows of lengths along axis to sum to "
            "data.size(lengths.dim()-1) when !unsafe.",
        ),
        (
            lambda t: t.ones(3).index_reduce(0, t.tensor([0]), t.ones(1), "sum"),
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got sum.",
        ),
        (
            lambda t: t.frexp(t.arange(3)),
            "torch.frexp() only supports floating-point dtypes",
        ),
        (lambda t: t.hash_tensor(t.ones(2), mode=1), "Unknown hash_tensor mode: 1"),
    ],
)
def test_messages(call, words):
    import jtorch as torch

    with pytest.raises(RuntimeError) as caught:
        call(torch)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("reduce", "expected", "gradient"),
    [
        ("sum", [3.0, 0.0, 7.0], [1.0, 1.0, 1.0, 1.0]),
        ("mean", [1.5, math.nan, 3.5], [0.5, 0.5, 0.5, 0.5]),
        ("max", [2.0, -math.inf, 4.0], [0.0, 1.0, 0.0, 1.0]),
        ("min", [1.0, math.inf, 3.0], [1.0, 0.0, 1.0, 0.0]),
        ("prod", [2.0, 1.0, 12.0], [2.0, 1.0, 4.0, 3.0]),
    ],
)
def test_segments(reduce, expected, gradient):
    import jtorch as torch

    data = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    result = torch.segment_reduce(data, reduce, lengths=torch.tensor([2, 0, 2]))
    assert result.tolist() == pytest.approx(expected, nan_ok=True)
    again = torch.segment_reduce(data, reduce, offsets=torch.tensor([0, 2, 2, 4]))
    assert again.tolist() == pytest.approx(expected, nan_ok=True)
    (result[0] + result[2]).backward()
    assert data.grad.tolist() == gradient


@pytest.mark.parametrize(
    ("reduce", "include_self", "expected"),
    [
        ("prod", True, [6.0, 2.0, 12.0]),
        ("prod", False, [6.0, 2.0, 4.0]),
        ("mean", True, [2.0, 2.0, 3.5]),
        ("amax", True, [3.0, 2.0, 4.0]),
        ("amin", False, [2.0, 2.0, 4.0]),
    ],
)
@pytest.mark.filterwarnings("ignore:index_reduce")
def test_index_reduce(reduce, include_self, expected):
    import jtorch as torch

    base = torch.tensor([1.0, 2.0, 3.0])
    index, source = torch.tensor([0, 2, 0]), torch.tensor([2.0, 4.0, 3.0])
    result = base.index_reduce(0, index, source, reduce, include_self=include_self)
    assert result.tolist() == expected
    assert base.index_reduce_(0, index, source, reduce, include_self=include_self) is base
    assert base.tolist() == expected


def test_mantissa_and_exponent():
    import jtorch as torch

    numbers = [1.0, -3.5, 0.0, math.inf, 1e-40]
    mantissa, exponent = torch.frexp(torch.tensor(numbers))
    assert mantissa.tolist() == pytest.approx([0.5, -0.875, 0.0, math.inf, 0.5444], rel=1e-3)
    assert (exponent.tolist(), exponent.dtype) == ([1, 2, 0, 0, -132], torch.int32)
    leaf = torch.tensor([3.0, 0.1], requires_grad=True)
    torch.frexp(leaf).mantissa.sum().backward()
    assert leaf.grad.tolist() == [0.25, 8.0]


def test_hash_is_the_exclusive_or_of_bits():
    import jtorch as torch

    assert torch.hash_tensor(torch.tensor([1.0, 2, 3])).item() == 4609434218613702656
    assert torch.hash_tensor(torch.arange(6).reshape(2, 3), dim=1).tolist() == [3, 2]
    assert torch.hash_tensor(torch.tensor([-1], dtype=torch.int8)).item() == 2**64 - 1


@pytest.mark.parametrize(
    ("dtype", "counts"),
    [("float16", [5, 4, 5, 4, 5, 4, 5, 4, 5]), ("bfloat16", [5, 4, 5, 4, 5, 4, 4, 5, 5])],
)
def test_bins_of_halves_are_found_in_halves(torch, dtype, counts):
    elements = (torch.arange(-20, 21) / 7).to(getattr(torch, dtype))
    assert torch.histc(elements, 9).tolist() == counts
