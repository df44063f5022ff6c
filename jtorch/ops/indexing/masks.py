"""Reading and writing where a mask is true."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._core import dtypes, messages
from ..._core.cpp_names import c_type, type_name
from ..._core.device import META
from ..._core.dtypes import dtype as DType
from ..._engine.declare import Out, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import is_tensor, make_meta, ready
from ..._engine.recording.kinds.base import Custom, broadcast_shapes, cast
from ..._engine.recording.kinds.pointwise import check_fits
from ..._engine.recording.record import record, wrap, write_result
from ..._engine.recording.storage import current_value
from ..._engine.recording.trace import materialise
from .._shared import out_dtypes
from .positions import fresh, publish_checked, same_layout, saving_positions


def _masked_fill_spec(operation, bound, mode) -> Spec:
    operand, mask, value = bound["input"], bound["mask"], bound["value"]
    meta = operand.meta
    if mask.meta.dtype is not dtypes.bool_:
        raise RuntimeError(
            "masked_fill_ only supports boolean masks, but got mask with dtype "
            f"{type_name(mask.meta.dtype)}"
        )
    if value.meta is not None and value.meta.ndim:
        raise RuntimeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.meta.ndim} dimension(s)."
        )
    if value.meta is None and isinstance(value.number, complex) and not meta.dtype.is_complex:
        raise messages.overflow(c_type(meta.dtype))
    left, right = mask.meta.shape, meta.shape
    if operation.name == "masked_fill" and len(left) < len(right):
        left = (1,) * (len(right) - len(left)) + left
    shape = broadcast_shapes([left, right])
    result = same_layout(meta) if shape == meta.shape else fresh(meta, shape)
    name = "MaskedFillBackward0" if value.meta is None else "MaskedFillBackward1"
    return Spec([operand, mask, value], (result,), {"dtype": meta.dtype}, node_name=name)


class _MaskedFill(Custom):
    """PyTorch lets it write to tensors whose elements share memory."""

    may_overlap = True


@op(
    "masked_fill(Tensor input, Tensor mask, Tensor value)",
    "masked_fill(Tensor input, Tensor mask, Scalar value)",
    kind=_MaskedFill(saving_positions(_masked_fill_spec)),
    inplace=True,
    method=False,
    function=False,
)
def masked_fill(array: Any, mask: Any, value: Any, *, dtype: DType) -> Any:
    """Fill by a mask: ``value`` where ``mask`` is true, else ``input``.

    Args:
        mask: bool, broadcasts with ``input``.
        value: a number or a tensor without dimensions.
    Returns:
        Tensor of the common shape.
    """
    return jnp.where(mask, cast(jnp.asarray(value), dtype), array)


def _masked_scatter_spec(operation, bound, mode) -> Spec:
    operand, mask, source = bound["input"], bound["mask"], bound["source"]
    meta = operand.meta
    if source.meta.dtype is not meta.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{meta.dtype._legacy_name} and {source.meta.dtype._legacy_name}"
        )
    if mask.meta.dtype is not dtypes.bool_:
        raise RuntimeError(
            "masked_scatter_ only supports boolean masks, but got mask with dtype "
            f"{mask.meta.dtype._legacy_name}"
        )
    shape = broadcast_shapes([mask.meta.shape, meta.shape])
    result = same_layout(meta) if shape == meta.shape else fresh(meta, shape)
    return Spec([operand, mask, source], (result,))


@op(
    "masked_scatter(Tensor input, Tensor mask, Tensor source)",
    kind=Custom(saving_positions(_masked_scatter_spec)),
    inplace=True,
    method=False,
    function=False,
)
def masked_scatter(array: Any, mask: Any, source: Any) -> Any:
    """Scatter by a mask: elements of ``source`` one after the other where ``mask`` is true.

    Args:
        mask: bool, broadcasts with ``input``.
        source: at least as many elements as are written.
    Returns:
        Tensor of the common shape.
    """
    mask, array = jnp.broadcast_arrays(mask, array)
    if 0 in source.shape:
        return array
    place = jnp.cumsum(mask.reshape(-1)) - 1
    taken = jnp.take(source.reshape(-1), jnp.maximum(place, 0), mode="clip").reshape(mask.shape)
    return jnp.where(mask, taken, array)


def _masked_select_spec(operation, bound, mode) -> Spec:
    operand, index = bound["input"], bound["index"]
    result = fresh(operand.meta, index.meta.shape)
    shape = None if bound["shape"] == operand.meta.shape else bound["shape"]
    return Spec([operand, index], (result,), {"shape": shape})


@op(
    "_masked_select(Tensor input, Tensor index, PyObject* shape)",
    kind=Custom(saving_positions(_masked_select_spec)),
    keeps={"input": None},
    method=False,
    function=False,
    node_name="MaskedSelectBackward0",
)
def _masked_select(array: Any, positions: Any, *, shape: tuple[int, ...] | None) -> Any:
    """Take elements of the input, broadcast to a shape, by their place in row-major order."""
    array = array if shape is None else jnp.broadcast_to(array, shape)
    return array.reshape(-1).at[positions].get(mode="promise_in_bounds")


@op(
    "masked_select(Tensor input, Tensor mask, *, Tensor out=None)",
    out=Out(dtype=out_dtypes.same_scalar_type, overlap="refuse"),
    arguments="count",
)
def masked_select(input, mask, *, out=None):
    """Take the elements where a mask is true, in one dimension.

    Args:
        mask: bool, broadcasts with ``input``.
    """
    if mask.dtype is not dtypes.bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shapes([mask._value.meta.shape, input._value.meta.shape])
    value = current_value(mask)
    if value.meta.device is META:
        raise messages.no_meta_kernel("masked_select")
    chosen = np.broadcast_to(np.asarray(materialise(value, "mask")), shape)
    positions = np.flatnonzero(chosen)
    meta = make_meta(positions.shape, dtypes.int64, input._value.meta.device)
    index = wrap(ready(positions, meta))
    result = wrap(record(_masked_select, (input, index, shape), {}))
    return result if out is None else write_result(out, result, "masked_select", (input, mask))


def _check_fill(args: tuple, kwargs: dict) -> None:
    """Refuse a value that the dtype of the tensor cannot hold."""
    tensor: Any = args[0] if args else kwargs.get("input")
    value: Any = args[2] if len(args) > 2 else kwargs.get("value")
    if not is_tensor(tensor):
        return
    dtype = tensor._value.meta.dtype
    if dtype.is_complex or dtype is dtypes.bool_:
        return
    if is_tensor(value):
        its = value._value.meta
        narrower = not dtype.is_floating_point and its.dtype.itemsize > dtype.itemsize
        if its.ndim or not (narrower or its.dtype.is_complex or its.dtype._kind > dtype._kind):
            return
        value = value.item()  # as PyTorch does
    if dtype.is_floating_point:
        if isinstance(value, complex) and value.imag:
            raise messages.overflow(c_type(dtype))
    elif isinstance(value, (int, float, complex)):
        check_fits(value, dtype)


def _check_source_covers(args: tuple, kwargs: dict) -> None:
    names = ("input", "mask", "source")
    given: dict[str, Any] = dict(zip(names, args, strict=False)) | kwargs
    if not all(is_tensor(given.get(name)) for name in ("mask", "source")):
        return
    tensor, mask, source = given["input"], given["mask"], given["source"]
    if mask.dtype is not dtypes.bool_ or source._value.meta.numel >= tensor._value.meta.numel:
        return
    shape = broadcast_shapes([mask._value.meta.shape, tensor._value.meta.shape])
    chosen = np.broadcast_to(np.asarray(materialise(current_value(mask), "mask")), shape)
    if chosen.sum() > source._value.meta.numel:
        raise RuntimeError("Number of elements of source < number of ones in mask")


publish_checked(masked_scatter, _check_source_covers)
publish_checked(masked_fill, _check_fill)
