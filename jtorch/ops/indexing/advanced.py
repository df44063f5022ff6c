"""Indexing by tensors of positions: what ``x[rows, columns]`` and ``x[rows] = value`` record."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import messages
from ..._core.dtypes import dtype as DType
from ..._core.strides import contiguous_strides, elementwise_strides
from ..._engine.declare import op
from ..._engine.graph.op import Operand, Spec
from ..._engine.graph.values import Meta, make_meta
from ..._engine.recording.kinds.base import Custom, broadcast_shapes, cast
from .._shared.data_checks import elements
from .._shared.on_host import added_rows
from . import _messages


def index_shape(
    meta: Meta, indices: list[Meta], dims: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return shape and strides of ``input[indices]``.

    The dimensions of the positions stand where the indexed ones stood, or in front where those are
    not adjacent. PyTorch lays the result out as an elementwise operator would.

    Raises:
        IndexError: the indices do not broadcast.
    """
    try:
        positions = broadcast_shapes([index.shape for index in indices])
    except RuntimeError:
        raise _messages.indices_do_not_broadcast([index.shape for index in indices]) from None
    rest = [d for d in range(meta.ndim) if d not in dims]
    adjacent = dims == tuple(range(dims[0], dims[0] + len(dims)))
    before = [d for d in rest if adjacent and d < dims[0]]
    after = [d for d in rest if d not in before]
    shape = (
        *[meta.shape[d] for d in before],
        *positions,
        *[meta.shape[d] for d in after],
    )
    strides = (
        *[meta.strides[d] for d in before],
        *[0] * len(positions),
        *[meta.strides[d] for d in after],
    )
    if 0 in positions and 0 not in [meta.shape[d] for d in dims]:
        return shape, contiguous_strides(shape)
    operands = [(shape, strides)]
    for index in indices:
        lead = len(positions) - index.ndim
        laid = (
            *[0] * lead,
            *[s if n != 1 else 0 for n, s in zip(index.shape, index.strides, strict=True)],
        )
        operands.append((shape, (*[0] * len(before), *laid, *[0] * len(after))))
    return shape, elementwise_strides(shape, operands)


def check_positions(index: Any, dim: int, size: int) -> None:
    """Raise where a position lies outside ``[-size, size)``."""
    array = elements(index, "index")
    if array is not None and array.size and (array.max() >= size or array.min() < -size):
        wrong = next(i for i in array.reshape(-1).tolist() if not -size <= i < size)
        raise messages.index_out_of_bounds(wrong, dim, size)


def _selection(ndim: int, dims: tuple[int, ...], indices: tuple) -> tuple:
    selection: list = [slice(None)] * ndim
    for dim, index in zip(dims, indices, strict=True):
        selection[dim] = index
    return tuple(selection)


def _index_spec(operation, bound, mode) -> Spec:
    operand, indices, dims = bound["input"], bound["indices"], bound["dims"]
    meta = operand.meta
    shape, strides = index_shape(meta, [index.meta for index in indices], dims)
    return Spec(
        [operand, *indices],
        (make_meta(shape, meta.dtype, meta.device, strides),),
        {"dims": dims},
        saves=tuple(range(1, 1 + len(indices))),
    )


def _index_vjp_on_host(cotangents, results, operands, wanted, dims):
    array, *positions = operands
    numbers = np.arange(array.size).reshape(array.shape)
    taken = numbers[_selection(array.ndim, dims, tuple(positions))]
    (cotangent,) = cotangents
    table = added_rows((array.size, 1), taken, cotangent.reshape(-1, 1))
    return (table.reshape(array.shape),)


@op(
    "_index(Tensor input, TensorList indices, PyObject* dims)",
    kind=Custom(_index_spec),
    method=False,
    function=False,
    node_name="IndexBackward0",
    host=lambda array, *positions, dims: array[_selection(array.ndim, dims, positions)],
    host_vjp=_index_vjp_on_host,
)
def _index(array: Any, *positions: Any, dims: tuple[int, ...]) -> Any:
    """Take elements by tensors of positions, which are in range, for the dimensions ``dims``."""
    where = _selection(array.ndim, dims, positions)
    return array.at[where].get(mode="promise_in_bounds" if array.size else None)


def _put_spec(operation, bound, mode) -> Spec:
    operand, indices, dims = bound["input"], bound["indices"], bound["dims"]
    values = bound["values"]
    meta = operand.meta
    shape, _ = index_shape(meta, [index.meta for index in indices], dims)
    if isinstance(values, Operand) and values.meta is not None:
        if values.meta.dtype is not meta.dtype and values.meta.ndim:
            raise _messages.put_dtypes(meta.dtype._legacy_name, values.meta.dtype._legacy_name)
        given = values.meta.shape
        lead = len(given) - len(shape)
        fits = all(n == 1 for n in given[: max(lead, 0)]) and all(
            n in (1, full)
            for n, full in zip(reversed(given[max(lead, 0) :]), reversed(shape), strict=False)
        )
        if not fits or lead > 0:
            raise messages.value_does_not_fit(given, shape)
    return Spec(
        [operand, values, *indices],
        (meta,),
        {"dims": dims, "dtype": meta.dtype, "accumulate": bound["accumulate"]},
        saves=tuple(range(2, 2 + len(indices))),
    )


def _put_elements(
    array: Any,
    new: Any,
    positions: tuple,
    dims: tuple[int, ...],
    dtype: DType,
    accumulate: bool,
) -> Any:
    """Put elements, converted and broadcast, at positions of dimensions."""
    where = _selection(array.ndim, dims, positions)
    shape = jax.eval_shape(lambda array: array[where], array).shape
    if 0 in array.shape or 0 in shape:
        return array
    new = jnp.broadcast_to(cast(jnp.asarray(new), dtype), shape)
    return put_at(array, new, where, accumulate)


def put_at(array, new, where: tuple, accumulate: bool):
    """Write or add ``new`` at positions; of two writes to one place the later wins.

    The gradient of a repeated position goes to each of its writes, as in PyTorch; JAX gives it to
    the one that wins.
    """
    if accumulate:
        if array.dtype == bool:
            return array.at[where].max(new)
        return array.at[where].add(new, mode="promise_in_bounds")
    if array.dtype.kind not in "fcV":
        return array.at[where].set(new, mode="promise_in_bounds")
    leaves = where
    arrays = [leaf for leaf in leaves if not isinstance(leaf, slice)]

    def rebuild(arrays):
        arrays = iter(arrays)
        return tuple([leaf if isinstance(leaf, slice) else next(arrays) for leaf in leaves])

    @jax.custom_vjp
    def put(array, new, arrays):
        return array.at[rebuild(arrays)].set(new, mode="promise_in_bounds")

    def forward(array, new, arrays):
        return put(array, new, arrays), arrays

    def backward(arrays, cotangent):
        selection = rebuild(arrays)
        kept = cotangent.at[selection].set(0, mode="promise_in_bounds")
        return kept, cotangent.at[selection].get(mode="promise_in_bounds"), None

    put.defvjp(forward, backward)
    return put(array, new, arrays)


class _Put(Custom):
    """A write by positions: PyTorch lets it write to tensors whose elements share memory."""

    may_overlap = True


@op(
    "_index_put_impl(Tensor input, Tensor values, TensorList indices, PyObject* dims, "
    "bool accumulate=False)",
    kind=_Put(_put_spec),
    inplace=True,
    method=False,
    function=False,
    node_name="IndexPutBackward0",
)
def _index_put_impl(
    array: Any,
    values: Any,
    *positions: Any,
    dims: tuple[int, ...],
    dtype: DType,
    accumulate: bool,
) -> Any:
    """Put values at tensors of positions, which are in range, of the dimensions ``dims``."""
    return _put_elements(array, values, positions, dims, dtype, accumulate)


@op(
    "_index_put_number(Tensor input, Scalar values, TensorList indices, PyObject* dims, "
    "bool accumulate=False)",
    kind=_Put(_put_spec),
    inplace=True,
    method=False,
    function=False,
    node_name="IndexPutBackward0",
)
def _index_put_number(
    array: Any,
    number: Any,
    *positions: Any,
    dims: tuple[int, ...],
    dtype: DType,
    accumulate: bool,
) -> Any:
    """Put one number at tensors of positions."""
    return _put_elements(array, number, positions, dims, dtype, accumulate)


def _mask_put_spec(operation, bound, mode) -> Spec:
    operand, mask, values = bound["input"], bound["mask"], bound["values"]
    meta = operand.meta
    return Spec([operand, mask, values], (meta,), {"dtype": meta.dtype}, saves=(1,))


@op(
    "_mask_put_number(Tensor input, Tensor mask, Scalar values)",
    "_mask_put_number(Tensor input, Tensor mask, Tensor values)",
    kind=_Put(_mask_put_spec),
    inplace=True,
    method=False,
    function=False,
    node_name="IndexPutBackward0",
)
def _mask_put_number(array: Any, mask: Any, number: Any, *, dtype: DType) -> Any:
    """Put one number wherever a mask over the first dimensions is true."""
    mask = mask.reshape(mask.shape + (1,) * (array.ndim - mask.ndim))
    return jnp.where(mask, cast(jnp.asarray(number), dtype), array)
