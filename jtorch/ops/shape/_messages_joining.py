"""PyTorch's words about joining, repeating, turning and diagonals."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any


def cat_of_nothing() -> ValueError:
    """``cat`` of an empty list."""
    return ValueError("torch.cat(): expected a non-empty list of Tensors")


def cat_zero_dim(position: int) -> RuntimeError:
    """``cat`` of a tensor without dimensions."""
    return RuntimeError(f"zero-dimensional tensor (at position {position}) cannot be concatenated")


def cat_ranks(first: int, other: int) -> RuntimeError:
    """``cat`` of tensors of different ranks."""
    return RuntimeError(f"Tensors must have same number of dimensions: got {first} and {other}")


def cat_sizes(dim: int, expected: int, size: int, position: int) -> RuntimeError:
    """``cat`` of tensors whose other sizes differ."""
    return RuntimeError(
        f"Sizes of tensors must match except in dimension {dim}. Expected size {expected} but got "
        f"size {size} for tensor number {position} in the list."
    )


def nothing_to_join(name: str) -> RuntimeError:
    """``stack`` and related functions of an empty list."""
    return RuntimeError(f"{name} expects a non-empty TensorList")


def stack_sizes(first: Sequence[int], other: Sequence[int], position: int) -> RuntimeError:
    """``stack`` of different shapes."""
    return RuntimeError(
        f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 and "
        f"{list(other)} at entry {position}"
    )


def block_rank(position: int, ndim: int) -> RuntimeError:
    """``block_diag`` of more than a matrix."""
    return RuntimeError(
        "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input "
        f"{position} has {ndim} dimensions"
    )


def vector_expected(shape: Sequence[int]) -> RuntimeError:
    """``cartesian_prod`` of more than a vector."""
    return RuntimeError(f"Expect a 1D vector, but got shape {list(shape)}")


vector_of_shape = vector_expected


def negative_combination(size: int) -> RuntimeError:
    """``combinations`` of a negative number of elements."""
    return RuntimeError(f"Expect a non-negative number, but got {size}")


def meshgrid_of_nothing() -> RuntimeError:
    """``meshgrid`` without tensors."""
    return RuntimeError("meshgrid expects a non-empty TensorList")


def meshgrid_dtypes() -> RuntimeError:
    """``meshgrid`` of different dtypes."""
    return RuntimeError("meshgrid expects all tensors to have the same dtype")


def meshgrid_indexing(indexing: Any) -> RuntimeError:
    """``meshgrid`` with an unknown order."""
    return RuntimeError(
        'torch.meshgrid: indexing must be one of "xy" or "ij", but received: ' + f"{indexing}"
    )


def meshgrid_rank(tensor: Any) -> RuntimeError:
    """``meshgrid`` of more than a vector."""
    return RuntimeError(
        f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {tensor}"
    )


def warn_meshgrid() -> None:
    """``meshgrid`` without ``indexing``."""
    warnings.warn(
        "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
        "argument.",
        UserWarning,
        stacklevel=3,
    )


def repeat_rank() -> RuntimeError:
    """``repeat`` with fewer numbers than dimensions."""
    return RuntimeError(
        "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
    )


def negative_size(size: int, shape: Sequence[int]) -> RuntimeError:
    """A result would have a negative size."""
    return RuntimeError(f"Trying to create tensor with negative dimension {size}: {list(shape)}")


def flip_rank(rank: int) -> RuntimeError:
    """``fliplr`` or ``flipud`` of too few dimensions."""
    return RuntimeError(f"Input must be >= {rank}-d.")


def roll_shifts() -> RuntimeError:
    """``roll`` without shifts."""
    return RuntimeError("`shifts` required")


def roll_lengths(shifts: int, dims: int) -> RuntimeError:
    """``roll`` with another number of dimensions than shifts."""
    return RuntimeError(f"shifts and dimensions must align. shifts: {shifts}, dims:{dims}")


def rot90_dims(count: int) -> RuntimeError:
    """``rot90`` in another number of dimensions than two."""
    return RuntimeError(f"expected total rotation dims == 2, but got dims = {count}")


def rot90_rank(ndim: int) -> RuntimeError:
    """``rot90`` of a vector."""
    return RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")


def rot90_same(first: int, second: int) -> RuntimeError:
    """``rot90`` in a plane that is a line."""
    return RuntimeError(
        f"expected rotation dims to be different, but got dim0 = {first} and dim1 = {second}"
    )


def triangle_rank(name: str) -> RuntimeError:
    """``tril`` or ``triu`` of less than a matrix."""
    return RuntimeError(f"{name}: input tensor must have at least 2 dimensions")


def diag_rank(ndim: int) -> RuntimeError:
    """``diag`` of more than a matrix."""
    return RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")


def same_diagonal_dims(first: int, second: int) -> RuntimeError:
    """A diagonal in one dimension."""
    return RuntimeError(f"diagonal dimensions cannot be identical {first}, {second}")


def no_shape(shape: object) -> RuntimeError:
    """``broadcast_shapes`` of what is no shape."""
    return RuntimeError(
        f"Input shapes should be of type ints, a tuple of ints, or a list of ints, got {shape}"
    )


def negative_length() -> ValueError:
    """``broadcast_shapes`` of a negative size."""
    return ValueError("Attempting to broadcast a dimension with negative length!")


def shape_mismatch(
    size: int, place: int, position: int, shape: object, common: list[int]
) -> RuntimeError:
    """``broadcast_shapes`` of shapes that do not fit."""
    return RuntimeError(
        f"Attempting to broadcast a dimension of length {size} at {place}! Mismatching argument at "
        f"index {position} had {shape}; but expected shape should be broadcastable to {common}"
    )


def roll_of_number() -> IndexError:
    """``roll`` along a dimension of a tensor that has none."""
    return IndexError("Dimension specified as 0 but tensor has no dimensions")
