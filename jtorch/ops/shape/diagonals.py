"""Triangles and diagonals."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..._engine.declare import Out, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, normalise_dim
from .._shared import out_dtypes
from .._shared.plans import array_spec
from . import _messages_joining


def _triangle_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    if meta.ndim < 2:
        raise _messages_joining.triangle_rank(operation.name)
    result = make_meta(meta.shape, meta.dtype, meta.device)
    return Spec([operand], (result,), {"diagonal": bound.get("diagonal", 0)})


@op(
    "tril(Tensor input, SymInt diagonal=0, *, Tensor out=None)",
    kind=Custom(_triangle_spec),
    inplace=True,
    saves=(),
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def tril(array: Any, *, diagonal: int) -> Any:
    """Keep the lower triangle of matrices; the rest becomes 0.

    Args:
        diagonal: the last diagonal that is kept, counted from the main one upwards.
    Returns:
        Tensor of the same shape.
    """
    return jnp.tril(array, diagonal)


@op(
    "triu(Tensor input, SymInt diagonal=0, *, Tensor out=None)",
    kind=Custom(_triangle_spec),
    inplace=True,
    saves=(),
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def triu(array: Any, *, diagonal: int) -> Any:
    """Keep the upper triangle of matrices; the rest becomes 0.

    Args:
        diagonal: the first diagonal that is kept, counted from the main one upwards.
    Returns:
        Tensor of the same shape.
    """
    return jnp.triu(array, diagonal)


def _embed_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    offset = bound.get("offset", 0)
    first = normalise_dim(bound.get("dim1", -2), meta.ndim + 1)
    second = normalise_dim(bound.get("dim2", -1), meta.ndim + 1)
    if first == second:
        raise _messages_joining.same_diagonal_dims(first, second)
    params = {"first": first, "second": second, "offset": offset}
    return array_spec(operation, [operand], params)


@op(
    "diag_embed(Tensor input, int64_t offset=0, int64_t dim1=-2, int64_t dim2=-1)",
    kind=Custom(_embed_spec),
    saves=(),
)
def diag_embed(array: Any, *, first: Any, second: Any, offset: Any) -> Any:
    """Put the last dimension on the diagonal of matrices of zeros.

    Args:
        offset: which diagonal, counted from the main one upwards.
        dim1, dim2: the dimensions of the matrices in the result.
    Returns:
        Tensor with one more dimension.
    """
    size = array.shape[-1]
    whole = size + abs(offset)
    positions = jnp.arange(size)
    rows, columns = positions + max(-offset, 0), positions + max(offset, 0)
    full = jnp.zeros((*array.shape[:-1], whole, whole), array.dtype)
    full = full.at[..., rows, columns].set(array)
    return jnp.moveaxis(full, (-2, -1), (first, second))


def _diagonal_copy_spec(operation, bound, mode) -> Spec:
    return array_spec(operation, [bound["input"]], {"offset": bound.get("offset", 0)})


@op(
    "_diagonal_copy(Tensor input, int64_t offset=0)",
    kind=Custom(_diagonal_copy_spec),
    method=False,
    function=False,
    saves=(),
    node_name="DiagonalBackward0_copy",
)
def _diagonal_copy(array: Any, *, offset: int) -> Any:
    """Return a copy of a diagonal of a matrix."""
    rows, columns = array.shape
    if min(rows + min(offset, 0), columns - max(offset, 0)) <= 0:
        return array.reshape(-1)[:0]
    return jnp.diagonal(array, offset)


@op("diag(Tensor input, int64_t diagonal=0, *, Tensor out=None)")
def diag(input, diagonal=0):
    """Return a diagonal of a matrix, or the matrix with a vector on its diagonal.

    Args:
        diagonal: which one, counted from the main one upwards.
    Returns:
        Tensor.
    """
    if input.dim() == 1:
        return diag_embed.call(input, diagonal)
    if input.dim() == 2:
        return _diagonal_copy.call(input, diagonal)
    raise _messages_joining.diag_rank(input.dim())


@op("diagflat(Tensor input, int64_t offset=0)")
def diagflat(input, offset=0):
    """Return the matrix with all elements of a tensor on its diagonal."""
    return diag_embed.call(input.reshape(-1), offset)
