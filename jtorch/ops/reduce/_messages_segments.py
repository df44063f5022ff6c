"""PyTorch's words about reductions of what shares an index or a segment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

INDEX_REDUCE_BETA = (
    "index_reduce() is in beta and the API may change at any time. (Triggered internally at "
    "/__w/pytorch/pytorch/aten/src/ATen/native/TensorAdvancedIndexing.cpp:1523.)"
)


def index_reduction(name: str) -> RuntimeError:
    """An unknown reduction of ``index_reduce``."""
    return RuntimeError(
        f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {name}."
    )


def index_vector(meta: Any) -> IndexError:
    """An index of several dimensions."""
    return IndexError(
        f"index_reduce_(): Index is supposed to be a vector, but got dim: {meta.ndim} with type: "
        f"{meta.dtype._legacy_name} and size: {list(meta.shape)}"
    )


def index_dtype(dtype: str) -> RuntimeError:
    """An index that holds no positions."""
    return RuntimeError(f"index_reduce_(): Expected dtype int32/int64 for index but got: {dtype}")


def index_source_dtype(own: str, source: str) -> RuntimeError:
    """A source of another dtype."""
    return RuntimeError(
        f"index_reduce_(): self ({own}) and source ({source}) must have the same scalar type"
    )


def index_count(positions: int, slices: int, dim: int) -> RuntimeError:
    """Another number of positions than of slices."""
    return RuntimeError(
        f"index_reduce_(): Number of indices ({positions}) should be equal to source.size(dim): "
        f"({slices}), for dim: {dim}"
    )


def index_source_shape(own: Sequence[int], source: Sequence[int]) -> RuntimeError:
    """A source of another shape."""
    return RuntimeError(
        "source tensor shape must match self tensor shape, excluding the specified dimension. Got "
        f"self.shape = {list(own)} source.shape = {list(source)}"
    )


def index_out_of_range(position: int, dim: int, size: int) -> IndexError:
    """A position that is none."""
    return IndexError("index out of range in self")


def reduction(name: str) -> RuntimeError:
    """An unknown reduction of segments."""
    return RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {name}")


def indices_unsupported() -> RuntimeError:
    """Segments by index."""
    return RuntimeError("segment_reduce(): indices based reduction is not supported yet.")


def neither_given() -> RuntimeError:
    """No segments."""
    return RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")


def not_last_dimension(axis: int, name: str) -> RuntimeError:
    """Segments of another dimension."""
    return RuntimeError(
        f"segment_reduce(): Expected axis to be the last dimension of {name} but got {axis}."
    )


def negative_length() -> RuntimeError:
    """A segment of negative length."""
    return RuntimeError("lengths contains negative value!")


def lengths_sum() -> RuntimeError:
    """Segments that do not cover the dimension."""
    return RuntimeError(
        "segment_reduce(): Expected all rows of lengths along axis to sum to "
        "data.size(lengths.dim()-1) when !unsafe."
    )
