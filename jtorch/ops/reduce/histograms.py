"""Histograms in one and several dimensions. Their edges depend on the data, so they are counted
when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._core import dtypes, messages
from ..._core.cpp_names import type_name
from ..._engine.declare import op
from .._shared.calls import named
from . import _messages_counting
from .counting import host_array, tensor_like


def _check_weight(input: Any, shape: Sequence[int], weight: Any) -> None:
    """Refuse weights of another dtype, or that are not one for each point."""
    if weight is None:
        return
    if weight.dtype is not input.dtype:
        raise _messages_counting.histogram_weight_dtype(
            type_name(input.dtype), type_name(weight.dtype)
        )
    if (tuple(weight.shape) or (1,)) != tuple(shape[:-1]):
        raise _messages_counting.histogram_weight_shape(shape, tuple(weight.shape))


def _check_edges(input: Any, edges: Sequence[Any]) -> None:
    for dim, each in enumerate(edges):
        if each.dtype is not input.dtype:
            raise _messages_counting.histogram_edge_dtype(
                type_name(input.dtype), dim, type_name(each.dtype)
            )
        if each.dim() != 1:
            raise _messages_counting.histogram_edge_dims(each.dim(), dim)
        if not each.numel():
            raise _messages_counting.histogram_no_edges(dim)


def _limits(points: np.ndarray, given: Sequence[float] | None) -> list[tuple[float, float]]:
    """Return the outer edges by dimension: those given, or those of the data."""
    count = points.shape[1]
    if given is not None:
        if len(given) != 2 * count:
            raise _messages_counting.histogram_range_length(count, len(given))
        limits = [(given[2 * dim], given[2 * dim + 1]) for dim in range(count)]
    elif points.shape[0]:
        limits = [(float(column.min()), float(column.max())) for column in points.T]
    else:
        limits = [(0.0, 1.0)] * count
    result = []
    for dim, (low, high) in enumerate(limits):
        if not (math.isfinite(low) and math.isfinite(high)):
            raise _messages_counting.histogram_not_finite(dim, low, high)
        if low > high:
            raise _messages_counting.histogram_reversed(low, high, dim)
        result.append((low - 0.5, high + 0.5) if low == high else (low, high))
    return result


def _linear(low: float, high: float, bins: int, dtype: Any) -> np.ndarray:
    """Return equally spaced edges, computed from both ends as ``linspace`` does."""
    low, high = dtype.type(low), dtype.type(high)
    step = (high - low) / dtype.type(bins)
    places = np.arange(bins + 1).astype(dtype)
    from_high = high - step * (bins - places)
    return np.where(np.arange(bins + 1) < (bins + 1) // 2, low + step * places, from_high)


def _count(
    points: np.ndarray, edges: Sequence[np.ndarray], weights: np.ndarray | None, density: bool
) -> np.ndarray:
    """Count points, one per row, in boxes; the last box of a dimension is closed on both sides."""
    shape = tuple([each.size - 1 for each in edges])
    inside = np.ones(points.shape[0], bool)
    flat = np.zeros(points.shape[0], np.int64)
    for column, each, size in zip(points.T, edges, shape, strict=True):
        with np.errstate(invalid="ignore"):
            inside &= (column >= each[0]) & (column <= each[-1])
        place = np.searchsorted(each, column, "right") - 1
        flat = flat * size + np.clip(place, 0, size - 1)
    chosen = None if weights is None else weights[inside]
    total = np.bincount(flat[inside], chosen, math.prod(shape))[: math.prod(shape)]
    result = total.reshape(shape).astype(points.dtype)
    if density:
        result = result / result.sum()
        for dim, each in enumerate(edges):
            widths = np.diff(each).reshape((-1,) + (1,) * (len(edges) - dim - 1))
            result = result / widths
    return result.astype(points.dtype)


def _histogram_of(
    input: Any, shape: Sequence[int], bins: Sequence[Any], range: Any, weight: Any, density: bool
) -> tuple[Any, list[Any]]:
    """Count the points of a tensor.

    Args:
        shape: that of ``input`` with a last dimension of coordinates.
        bins: for each coordinate a number of bins or a tensor of edges.
    """
    given = not isinstance(bins[0], int)
    if given:
        _check_edges(input, bins)
    _check_weight(input, shape, weight)
    for dim, each in enumerate(bins):
        count = each.numel() - 1 if given else each
        if count <= 0:
            raise _messages_counting.histogram_no_bins(count, dim)
    if input.dtype not in (dtypes.float32, dtypes.float64):
        raise messages.not_implemented("histogramdd", input.dtype._legacy_name)
    points = host_array(input, "histogram").reshape(-1, shape[-1])
    if given:
        edges = [host_array(each, "histogram") for each in bins]
    else:
        limits = _limits(points, range)
        edges = [
            _linear(low, high, count, points.dtype)
            for (low, high), count in zip(limits, bins, strict=True)
        ]
    weights = None if weight is None else host_array(weight, "histogram").reshape(-1)
    counts = _count(points, edges, weights, density)
    kept = bins if given else [tensor_like(each, input) for each in edges]
    return tensor_like(counts, input), list(kept)


@op(
    "histogram(Tensor input, Tensor bins, *, Tensor? weight=None, bool density=False, "
    "TensorList[2] out=None)",
    "histogram(Tensor input, int64_t bins=100, *, ArrayRef<double>? range=None, "
    "Tensor? weight=None, bool density=False, TensorList[2] out=None)",
    returns="hist bin_edges",
)
def histogram(input, bins=100, range=None, weight=None, density=False):
    """Histogram: the number of elements in each bin.

    Args:
        input: tensor of float32 or float64.
        bins: how many, or a tensor of ascending edges.
        range: the outer edges, those of the data unless given.
        weight: tensor of the shape of ``input``, what each element counts.
        density: whether to divide so that the area is 1.
    Returns:
        Named tuple ``(hist, bin_edges)``.
    """
    shape = (input.numel(), 1)
    if weight is not None and tuple(weight.shape) == tuple(input.shape):
        weight = weight.reshape(-1)
    counts, edges = _histogram_of(input, shape, [bins], range, weight, density)
    return named("histogram", counts, edges[0])


@op(
    "histogramdd(Tensor input, int64_t bins, ArrayRef<double>? range=None, "
    "Tensor? weight=None, bool density=False)",
    "histogramdd(Tensor input, IntArrayRef bins, ArrayRef<double>? range=None, "
    "Tensor? weight=None, bool density=False)",
    "histogramdd(Tensor input, TensorList bins, ArrayRef<double>? range=None, "
    "Tensor? weight=None, bool density=False)",
    method=False,
    returns="hist bin_edges",
)
def histogramdd(input, bins, range=None, weight=None, density=False):
    """Multi-dimensional histogram: the number of points in each box.

    Args:
        input: tensor of float32 or float64 whose last dimension holds coordinates.
        bins: how many in each dimension, or a tensor of ascending edges for each.
        range: the outer edges of each dimension, one after the other.
        weight: what each point counts.
        density: whether to divide so that the volume is 1.
    Returns:
        Named tuple ``(hist, bin_edges)``, the edges a tuple of tensors.
    """
    if input.dim() < 2:
        raise _messages_counting.histogram_points()
    dims = input.shape[-1]
    bins = [bins] * dims if isinstance(bins, int) else list(bins)
    if len(bins) != dims:
        raise _messages_counting.histogram_bins_length()
    counts, edges = _histogram_of(input, tuple(input.shape), bins, range, weight, density)
    return named("histogramdd", counts, tuple(edges))
