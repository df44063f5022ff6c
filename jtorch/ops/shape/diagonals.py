"""Triangles and diagonals."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._core import dtypes
from ..._core.device import Device, default_device
from ..._engine.declare import FUNCTIONS, Out, op
from ..._engine.graph.op import Plan, Spec
from ..._engine.graph.values import make_meta, ready
from ..._engine.recording.kinds.base import Custom, normalise_dim
from ..._engine.recording.record import wrap
from .._shared import out_dtypes
from .._shared.calls import bound_function
from .._shared.plans import array_plan, array_spec
from . import _messages_joining


def _triangle_plan(operation, bound, mode) -> Plan:
    operand = bound["input"]
    meta = operand.meta
    name = operation.name
    if meta.ndim < 2:
        raise _messages_joining.triangle_rank(name)
    function = operation.function
    diagonal = bound.get("diagonal", 0)
    return Plan(
        lambda array: function(array, diagonal),
        [operand],
        (make_meta(meta.shape, meta.dtype, meta.device),),
    )


@op(
    "tril(Tensor input, SymInt diagonal=0, *, Tensor out=None)",
    kind=Custom(_triangle_plan),
    inplace=True,
    saves=(),
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def tril(input, diagonal=0):
    """Keep the lower triangle of matrices; the rest becomes 0.

    Args:
        diagonal: the last diagonal that is kept, counted from the main one upwards.
    Returns:
        Tensor of the same shape.
    """
    return jnp.tril(input, diagonal)


@op(
    "triu(Tensor input, SymInt diagonal=0, *, Tensor out=None)",
    kind=Custom(_triangle_plan),
    inplace=True,
    saves=(),
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def triu(input, diagonal=0):
    """Keep the upper triangle of matrices; the rest becomes 0.

    Args:
        diagonal: the first diagonal that is kept, counted from the main one upwards.
    Returns:
        Tensor of the same shape.
    """
    return jnp.triu(input, diagonal)


def _embed_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    offset = bound.get("offset", 0)
    first = normalise_dim(bound.get("dim1", -2), meta.ndim + 1)
    second = normalise_dim(bound.get("dim2", -1), meta.ndim + 1)
    if first == second:
        raise _messages_joining.same_diagonal_dims(first, second)
    size = meta.shape[-1]
    whole = size + abs(offset)

    return array_spec(
        operation,
        [operand],
        {"size": size, "whole": whole, "first": first, "second": second, "offset": offset},
    )


@op(
    "diag_embed(Tensor input, int64_t offset=0, int64_t dim1=-2, int64_t dim2=-1)",
    kind=Custom(_embed_spec),
    saves=(),
)
def diag_embed(array: Any, *, size: Any, whole: Any, first: Any, second: Any, offset: Any) -> Any:
    """Put the last dimension on the diagonal of matrices of zeros.

    Args:
        offset: which diagonal, counted from the main one upwards.
        dim1, dim2: the dimensions of the matrices in the result.
    Returns:
        Tensor with one more dimension.
    """
    positions = jnp.arange(size)
    rows, columns = positions + max(-offset, 0), positions + max(offset, 0)
    full = jnp.zeros((*array.shape[:-1], whole, whole), array.dtype)
    full = full.at[..., rows, columns].set(array)
    return jnp.moveaxis(full, (-2, -1), (first, second))


def _diagonal_copy_plan(operation, bound, mode) -> Plan:
    offset = bound.get("offset", 0)
    operand = bound["input"]
    rows, columns = operand.meta.shape
    if min(rows + min(offset, 0), columns - max(offset, 0)) <= 0:
        return array_plan(lambda array: array.reshape(-1)[:0], [operand])
    return array_plan(lambda array: jnp.diagonal(array, offset), [operand])


@op(
    "_diagonal_copy(Tensor input, int64_t offset=0)",
    kind=Custom(_diagonal_copy_plan),
    method=False,
    function=False,
    saves=(),
    node_name="DiagonalBackward0_copy",
)
def _diagonal_copy(input, offset=0):
    """Return a copy of a diagonal of a matrix."""
    raise AssertionError("planned by _diagonal_copy_plan")


@bound_function("diag(Tensor input, int64_t diagonal=0, *, Tensor out=None)")
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


@bound_function("diagflat(Tensor input, int64_t offset=0)")
def diagflat(input, offset=0):
    """Return the matrix with all elements of a tensor on its diagonal."""
    return diag_embed.call(input.reshape(-1), offset)


def _declare_indices(name: str, find) -> None:
    def indices(row, col, offset=0, *, dtype=None, device=None, layout=None, pin_memory=None):
        for words, size in (("row", row), ("col", col)):
            if size < 0:
                raise _messages_joining.negative_rows(words, size)
        dtype = dtypes.int64 if dtype is None else dtype
        array = np.stack(find(row, offset, col)).astype(dtype._numpy)
        place = Device(device) if device is not None else default_device()
        return wrap(ready(array, make_meta(array.shape, dtype, place)))

    indices.__name__ = indices.__qualname__ = name
    indices.__doc__ = f"""Return the row and column numbers of the {name[:4]} triangle of a matrix.

    Args:
        row, col: sizes of the matrix.
        offset: which diagonal bounds the triangle, counted from the main one upwards.
        dtype, device: of the result; int64 and the default device unless given.
    Returns:
        Tensor of two rows.
    """
    FUNCTIONS[name] = indices


_declare_indices("tril_indices", np.tril_indices)
_declare_indices("triu_indices", np.triu_indices)
