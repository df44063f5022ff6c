"""What numbers are made of: mantissa and exponent, and a hash of their bits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ..._core import dtypes, messages
from ..._core.cpp_names import type_name
from ..._engine.declare import Out, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import is_tensor, make_meta
from ..._engine.recording.kinds.base import Custom
from ..._engine.recording.kinds.reduction import reduced_axes, reduced_shape
from .._shared import out_dtypes
from .._shared.widening import widen
from ..reduce.sorting import _dense_strides
from . import _messages


def _without_subnormals(array):
    """Return numbers in double precision, and by what power of 2 each one was raised.

    XLA takes subnormals for 0, so they are read off their bits.
    """
    array = widen(array)
    single = array.dtype.itemsize == 4
    width, least = (23, 149) if single else (52, 1074)
    bits = lax.bitcast_convert_type(array, jnp.uint32 if single else jnp.uint64)
    one = bits.dtype.type(1)
    fraction = bits & ((one << width) - one)
    biased = (bits >> width) & bits.dtype.type(255 if single else 2047)
    subnormal = (biased == 0) & (fraction != 0)
    negative = bits >> bits.dtype.type(8 * array.dtype.itemsize - 1) != 0
    size = fraction.astype(jnp.float64)
    raised = jnp.where(negative, -size, size)
    return jnp.where(subnormal, raised, array.astype(jnp.float64)), jnp.where(subnormal, least, 0)


def _frexp_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    if not meta.dtype.is_floating_point:
        raise _messages.frexp_dtype()

    def vjp(cotangents, results, operands):
        power = jnp.exp2(-results[1].astype(jnp.float64))
        return [(cotangents[0] * power).astype(operands[0].dtype)]

    strides = _dense_strides(meta)
    metas = tuple(
        [make_meta(meta.shape, dtype, meta.device, strides) for dtype in (meta.dtype, dtypes.int32)]
    )
    return Spec([operand], metas, vjp=vjp)


@op(
    "frexp(Tensor input, *, TensorList[2] out=None)",
    kind=Custom(_frexp_spec),
    saves=("result",),
    returns="mantissa exponent",
    function=False,
)
def frexp(array: Any) -> Any:
    """Split each number into a mantissa, from one half to 1, and a power of 2.

    Args:
        input: tensor of a floating point dtype.
    Returns:
        Named tuple ``(mantissa, exponent)``; the exponent is int32.
    """
    whole, shift = _without_subnormals(array)
    mantissa, exponent = jnp.frexp(whole)
    exponent = jnp.where(jnp.isfinite(whole), exponent - shift, 0).astype(jnp.int32)
    return jnp.where(jnp.isfinite(whole), mantissa, whole).astype(array.dtype), exponent


def _with_out(inner):
    """Return a form that checks the dtypes of ``out=``, which PyTorch does not convert to."""

    def call(*args, **kwargs):
        out = kwargs.get("out")
        if out is None:
            return inner(*args, **kwargs)
        mantissa, exponent = out
        tensor = args[0] if args else kwargs.get("input")
        if is_tensor(tensor) and mantissa.dtype is not tensor.dtype:
            raise _messages.frexp_out(
                "mantissa", type_name(tensor.dtype), type_name(mantissa.dtype)
            )
        if exponent.dtype is not dtypes.int32:
            raise _messages.frexp_out("exponent", "int", type_name(exponent.dtype))
        return inner(*args, **kwargs)

    call.__name__ = call.__qualname__ = "frexp"
    call.__doc__, call.__module__ = inner.__doc__, "torch"
    call.__signature__ = inner.__signature__  # type: ignore[attr-defined]
    return call


publish("frexp", _with_out(frexp.call))


def _bits(array):
    """Return numbers as 64 bits: floats as double, integers with their sign."""
    if array.dtype.kind in "fV":
        return lax.bitcast_convert_type(array.astype(jnp.float64), jnp.uint64)
    if array.dtype.kind == "u":
        return array.astype(jnp.uint64)
    return lax.bitcast_convert_type(array.astype(jnp.int64), jnp.uint64)


def _hash_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    kind, keepdim, dim = bound.get("mode", 0), bound.get("keepdim", False), bound.get("dim", ())
    if kind != 0:
        raise _messages.hash_mode(kind)
    if not meta.numel and not dim:
        raise _messages.hash_of_nothing()
    axes = reduced_axes(meta, dim)
    for axis in axes:
        if not meta.shape[axis]:
            raise messages.empty_dim("hash_tensor", axis)
    if meta.dtype.is_complex:
        raise messages.not_implemented("xor_sum_cpu", meta.dtype._legacy_name)
    shape = reduced_shape(meta, axes, keepdim)

    return Spec(
        [operand], (make_meta(shape, dtypes.uint64, meta.device),), {"axes": axes, "shape": shape}
    )


@op(
    "hash_tensor(Tensor input, IntArrayRef[1] dim={}, *, bool keepdim=False, int64_t mode=0, "
    "Tensor out=None)",
    kind=Custom(_hash_spec),
    differentiable=False,
    out=Out(dtype=out_dtypes.hash_tensor),
)
def hash_tensor(array: Any, *, axes: Any, shape: Any) -> Any:
    """Combine the bits of elements by exclusive or.

    Args:
        input: tensor, not complex; its elements are taken as double or int64.
        dim: the dimensions to reduce; all of them unless given.
        keepdim: whether they stay, with size 1.
        mode: 0.
    Returns:
        uint64 tensor.
    """
    reduced = jax.lax.reduce(_bits(array), jnp.uint64(0), lax.bitwise_xor, axes)
    return reduced.reshape(shape)
