"""PyTorch's words about counting."""

from __future__ import annotations

from collections.abc import Sequence

from ..._core.messages import not_implemented


def bincount_dtype(type_name: str) -> NotImplementedError:
    """``bincount`` of something else than integers."""
    return not_implemented("bincount_cpu", type_name)


def bincount_values() -> RuntimeError:
    """``bincount`` of a negative number, or of no vector."""
    return RuntimeError("bincount only supports 1-d non-negative integral inputs.")


def bincount_weights() -> RuntimeError:
    """``bincount`` with another number of weights."""
    return RuntimeError("weights should be 1-d and have the same length as input")


def negative_minlength() -> RuntimeError:
    """``bincount`` of a negative length."""
    return RuntimeError("minlength should be >= 0")


def range_not_finite(low: float, high: float, found: bool) -> RuntimeError:
    """``histc`` over an infinite range; the NaN that PyTorch finds in data has its sign bit set."""
    edges = [f"-{edge:g}" if found and edge != edge else f"{edge:g}" for edge in (low, high)]
    return RuntimeError(f"torch.histc: range of [{', '.join(edges)}] is not finite")


def range_reversed() -> RuntimeError:
    """``histc`` with its edges exchanged."""
    return RuntimeError("torch.histc: max must be larger than min")


def static_size() -> RuntimeError:
    """A negative number of rows."""
    return RuntimeError("nonzero_static: 'size' must be an non-negative integer")


# Histograms


def histogram_weight_dtype(input: str, weight: str) -> RuntimeError:
    """Weights of another dtype."""
    return RuntimeError(
        "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should "
        f"have the same dtype, but got input({input}), and weight({weight})"
    )


def histogram_weight_shape(input: Sequence[int], weight: Sequence[int]) -> RuntimeError:
    """Another number of weights than points."""
    return RuntimeError(
        "torch.histogramdd: if weight tensor is provided it should have the same shape as the "
        f"input tensor excluding its innermost dimension, but got input with shape {list(input)} "
        f"and weight with shape {list(weight)}"
    )


def histogram_edge_dtype(input: str, dim: int, edges: str) -> RuntimeError:
    """Edges of another dtype."""
    return RuntimeError(
        "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got "
        f"input with dtype {input} and bins for dimension {dim} with dtype {edges}"
    )


def histogram_edge_dims(ndim: int, dim: int) -> RuntimeError:
    """Edges that are no vector."""
    return RuntimeError(
        f"torch.histogramdd: bins tensor should have one dimension, but got {ndim} dimensions in "
        f"the bins tensor for dimension {dim}"
    )


def histogram_no_edges(dim: int) -> RuntimeError:
    """An empty vector of edges."""
    return RuntimeError(
        "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the "
        f"bins tensor for dimension {dim}"
    )


def histogram_no_bins(count: int, dim: int) -> RuntimeError:
    """No bins."""
    return RuntimeError(f"torch.histogram(): bins must be > 0, but got {count} for dimension {dim}")


def histogram_range_length(dims: int, given: int) -> RuntimeError:
    """A range of another length."""
    return RuntimeError(
        f"torch.histogramdd: for a {dims}-dimensional histogram range should have {2 * dims} "
        f"elements, but got {given}"
    )


def histogram_not_finite(dim: int, low: float, high: float) -> RuntimeError:
    """A range without ends."""
    return RuntimeError(
        f"torch.histogramdd: dimension {dim}'s range [{low:g}, {high:g}] is not finite"
    )


def histogram_reversed(low: float, high: float, dim: int) -> RuntimeError:
    """A range with its edges exchanged."""
    return RuntimeError(
        f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for "
        f"dimension {dim}"
    )


def histogram_points() -> RuntimeError:
    """A vector instead of points."""
    return RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")


def histogram_bins_length() -> RuntimeError:
    """Bins for another number of dimensions."""
    return RuntimeError(
        "histogramdd: The size of bins must be equal to the innermost dimension of the input."
    )


def unique_of_nothing() -> RuntimeError:
    """``unique`` along a dimension of a tensor without elements."""
    return RuntimeError(
        "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"
    )


def tuple_with_out() -> RuntimeError:
    """``nonzero`` with ``as_tuple`` and ``out``."""
    return RuntimeError("nonzero does not support the out kwarg when as_tuple is True")
