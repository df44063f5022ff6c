"""Copies and whole-tensor writes: clone, contiguous, copy_, fill_, zero_."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..._core import messages
from ..._core.cpp_names import c_type
from ..._core.dtypes import dtype as DType
from ..._core.memory_format import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    memory_format,
    preserve_format,
)
from ..._core.messages import overflow
from ..._core.schema.schema import set_type
from ..._core.strides import elementwise_strides, memory_order, strides_of_order
from ..._engine.declare import InPlace, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import Meta, is_tensor, make_meta
from ..._engine.memory.write_checks import check_partial_overlap
from ..._engine.recording.kinds.base import Custom, broadcast_shapes, cast
from ..._engine.recording.kinds.pointwise import check_fits

set_type("MemoryFormat", memory_format)


def format_strides(meta: Meta, layout: Any) -> tuple[int, ...] | None:
    """Return the strides of a fresh copy of a tensor in a memory format, ``None`` for contiguous.

    Raises:
        RuntimeError: the format needs another number of dimensions.
    """
    if layout is None or layout is preserve_format:
        if memory_order(meta.shape, meta.strides) is not None:
            return meta.strides
        return elementwise_strides(meta.shape, [(meta.shape, meta.strides)])
    if layout is contiguous_format:
        return None
    if layout is channels_last:
        if meta.ndim != 4:
            raise RuntimeError("required rank 4 tensor to use channels_last format")
        return strides_of_order(meta.shape, (0, 2, 3, 1))
    if meta.ndim != 5:
        raise RuntimeError("required rank 5 tensor to use channels_last_3d format")
    return strides_of_order(meta.shape, (0, 2, 3, 4, 1))


def has_format(meta: Meta, layout: Any = contiguous_format) -> bool:
    """Return whether a tensor lies in memory in a format."""
    if layout is contiguous_format:
        return meta.contiguous
    if layout not in (channels_last, channels_last_3d):
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    order = (0, 2, 3, 1) if layout is channels_last else (0, 2, 3, 4, 1)
    if meta.ndim != len(order):
        return False
    expected = strides_of_order(meta.shape, order)
    return all(
        size == 1 or own == wanted
        for size, own, wanted in zip(meta.shape, meta.strides, expected, strict=True)
    )


def _clone_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    strides = format_strides(meta, bound.get("memory_format"))
    result = make_meta(meta.shape, meta.dtype, meta.device, strides)
    return Spec([operand], (result,), saves=())


@op(
    "clone(Tensor input, *, MemoryFormat? memory_format=None)",
    kind=Custom(_clone_spec),
    arity="unary",
    saves=(),
)
def clone(array: Any) -> Any:
    """Copy a tensor; gradients flow through the copy.

    Args:
        memory_format: how the copy lies in memory; by default as ``input`` does.
    """
    return array  # the compiler shares what it can


@op(
    "_gradient_copy(Tensor input)",
    kind=Custom(_clone_spec),
    arity="unary",
    method=False,
    function=False,
    saves=(),
    node_name="CopyBackwards",
)
def gradient_copy(array: Any) -> Any:
    """Copy a gradient that can be differentiated into ``.grad``."""
    return array


@op(
    "contiguous(Tensor input, *, MemoryFormat memory_format=torch.contiguous_format)",
    function=False,
    arguments="count",
)
def contiguous(input, *, memory_format=contiguous_format):
    """Return the tensor itself where it is contiguous, else a contiguous copy."""
    if has_format(input._value.meta, memory_format):
        return input
    return clone.call(input, memory_format=memory_format)


def is_contiguous(self: Any, memory_format: Any = contiguous_format) -> bool:
    """Return whether the elements lie in the order of a memory format, without gaps."""
    return has_format(self._value.meta, memory_format)


publish(
    "is_contiguous",
    method=is_contiguous,
    refused=("(Tensor input, *, MemoryFormat? memory_format=contiguous_format)",),
)


def _broadcast_into(array: Any, new: Any, dtype: DType) -> Any:
    """Return elements converted to a dtype and broadcast to the shape of ``array``."""
    return jnp.broadcast_to(cast(jnp.asarray(new), dtype), array.shape)


def _copy_spec(operation, bound, mode) -> Spec:
    target, source = bound["input"], bound["other"]
    meta = target.meta
    if source.meta is not None:
        shape = broadcast_shapes([meta.shape, source.meta.shape])
        if shape != meta.shape:
            raise messages.inplace_shape(meta.shape, shape)
    return Spec([target, source], (meta,), {"dtype": meta.dtype}, saves=())


@op(
    "copy(Tensor input, Tensor other, bool non_blocking=False)",
    kind=Custom(_copy_spec),
    inplace=True,
    method=False,
    function=False,
    node_name="CopyBackwards",
    saves=(),
    numbers_as_tensors=True,
)
def copy(array: Any, new: Any, *, dtype: DType) -> Any:
    """Write the elements of ``other``, broadcast and converted, to ``input``."""
    return _broadcast_into(array, new, dtype)


class _Fill(Custom):
    """A write of one number: allowed on tensors whose elements share memory."""

    may_overlap = True


def _fill_spec(operation, bound, mode) -> Spec:
    target, value = bound["input"], bound["value"]
    meta = target.meta
    if value.meta is not None:
        if value.meta.ndim:
            raise RuntimeError(
                "fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value.meta.ndim} dimensions."
            )
    elif isinstance(value.number, complex) and not meta.dtype.is_complex:
        raise overflow(c_type(meta.dtype))
    name = "FillBackward0" if value.meta is None else "FillBackward1"
    return Spec([target, value], (meta,), {"dtype": meta.dtype}, saves=(), node_name=name)


def _fill_in_place_spec(operation, bound, mode) -> Spec:
    spec = _fill_spec(operation, bound, mode)
    spec.node_name = "FillBackward2" if bound["value"].meta is None else "FillBackward3"
    return spec


def _check_number(args: tuple, kwargs: dict) -> None:
    """Refuse a number that the dtype cannot hold."""
    tensor = args[0] if args else kwargs.get("input")
    number = args[1] if len(args) > 1 else kwargs.get("value")
    if number.__class__ in (int, float) and is_tensor(tensor):
        check_fits(number, tensor._value.meta.dtype)


@op(
    "fill(Tensor input, Tensor value)",
    "fill(Tensor input, Scalar value)",
    kind=_Fill(_fill_spec),
    check_data=_check_number,
    inplace=InPlace(kind=_Fill(_fill_in_place_spec)),
    inplace_function=True,
    method=False,
    saves=(),
)
def fill(array: Any, value: Any, *, dtype: DType) -> Any:
    """Write one number to every element.

    Args:
        value: a number or a tensor without dimensions.
    """
    return _broadcast_into(array, value, dtype)


def _assign_number_spec(operation, bound, mode) -> Spec:
    spec = _fill_spec(operation, bound, mode)
    spec.node_name = "FillBackward3"
    return spec


@op(
    "_fill_with_tensor(Tensor input, Scalar value)",
    "_fill_with_tensor(Tensor input, Tensor value)",
    kind=Custom(_assign_number_spec),
    inplace=True,
    method=False,
    function=False,
    saves=(),
)
def _fill_with_tensor(array: Any, value: Any, *, dtype: DType) -> Any:
    """Write one number to every element, as ``x[index] = number`` does."""
    return _broadcast_into(array, value, dtype)


def _zero_spec(operation, bound, mode) -> Spec:
    target = bound["input"]
    return Spec([target], (target.meta,), saves=())


@op(
    "zero(Tensor input)",
    kind=_Fill(_zero_spec),
    inplace=True,
    inplace_function=True,
    method=False,
    function=False,
    saves=(),
)
def zero(array: Any) -> Any:
    """Write zero to every element."""
    return jnp.zeros(array.shape, array.dtype)


def copy_(self: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
    """Write the elements of ``other``, broadcast and converted, to this tensor."""
    if is_tensor(other):
        device = self._value.meta.device
        if other._value.meta.device is not device:
            other = other.to(device)
        check_partial_overlap(self, other)
    return copy.inplace_twin.call(self, other, *args, **kwargs)


publish("copy_", method=copy_, signatures=copy)
publish("fill_", method=fill.inplace_twin.call)
publish("zero_", method=zero.inplace_twin.call)

__all__ = ["clone", "contiguous", "copy", "fill", "zero"]
