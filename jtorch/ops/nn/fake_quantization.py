"""Fake quantisation: floating point numbers rounded to what a quantised tensor could hold.

B. Jacob et al.: Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference, 2018. The gradient is the straight-through estimator of Y. Bengio, N. Leonard and
A. Courville, 2013.
"""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp

from ..._core import dtypes, messages
from ..._engine.declare import Autocast, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import is_tensor, make_meta
from ..._engine.recording.kinds.base import Custom
from ..._engine.recording.kinds.pointwise import FLOATING
from .._shared.data_checks import known_elements
from .._shared.widening import widen
from ..reduce.sorting import _dense_strides
from . import _messages_quantization as _messages

_BY_TENSOR = "fake_quantize_per_tensor_affine_cachemask"
_BY_TENSORS = "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams"
_BY_CHANNEL = "fake_quantize_per_channel_affine_cachemask"
_NODES = {
    _BY_TENSOR: "FakeQuantizePerTensorAffineCachemaskBackward0",
    _BY_TENSORS: "FakeQuantizePerTensorAffineCachemaskTensorQparamsBackward0",
    _BY_CHANNEL: "FakeQuantizePerChannelAffineCachemaskBackward0",
}
#: An int64 holds what is nearer to 0; PyTorch's conversion gives the least int64 for all else.
_INT64_REACH = 2.0**63


def _parameters(input: Any, scale: Any, zero_point: Any, axis: int | None) -> tuple[Any, Any]:
    """Return scale and zero point as arrays that broadcast with the elements."""
    scale, zero_point = jnp.asarray(scale), jnp.asarray(zero_point)
    if axis is None:
        if jnp.issubdtype(zero_point.dtype, jnp.floating):
            zero_point = jnp.trunc(zero_point)
        scale, zero_point = scale.reshape(()), zero_point.reshape(())
    else:
        shape = [1] * input.ndim
        shape[axis] = -1
        scale, zero_point = scale.reshape(shape), zero_point.reshape(shape)
    return scale.astype(jnp.float32), zero_point


def _levels(input: Any, scale: Any, zero_point: Any, axis: int | None) -> Any:
    """Return the level of each element before it is clamped, NaN where PyTorch has none."""
    inverse = (1 / scale).astype(input.dtype)
    point = zero_point.astype(input.dtype)
    if axis is None:
        return jnp.round(input * inverse) + point
    if jnp.issubdtype(zero_point.dtype, jnp.floating):  # rounded together with the element
        level = jnp.round(point + input * inverse)
    else:
        level = jnp.round(input * inverse) + point
    return jnp.where(jnp.abs(level) < _INT64_REACH, level, -_INT64_REACH)


def _gradient(cotangents, results, arrays, *, quant_min, quant_max, axis):
    array, scale, zero_point = widen(arrays[0]), arrays[1], arrays[2]
    level = _levels(array, *_parameters(array, scale, zero_point, axis), axis)
    passes = (level >= quant_min) & (level <= quant_max)
    return [jnp.where(passes, cotangents[0], 0)]


def _spec(operation, bound, mode) -> Spec:
    operands = [bound[name] for name in ("input", "scale", "zero_point")]
    meta, function = operands[0].meta, bound["function"]
    for operand, name in zip(operands[1:], ("scale", "zero_point"), strict=True):
        if mode.grad and operand.meta is not None and operand.meta.grad:
            raise _messages.parameter_gradient(function, name)
    if meta.dtype not in FLOATING:
        kernel = "channel_cachemask_cpu" if function == _BY_CHANNEL else "tensor_cachemask_kernel"
        raise messages.not_implemented(
            f"fake_quantize_{kernel}_type_handling", meta.dtype._legacy_name
        )
    params = {name: bound[name] for name in ("quant_min", "quant_max", "axis")}
    return Spec(
        operands,
        (make_meta(meta.shape, meta.dtype, meta.device, _dense_strides(meta)),),
        params,
        vjp=functools.partial(_gradient, **params),
        node_name=_NODES[function],
    )


@op(
    "_fake_quantize(Tensor input, Tensor scale, Tensor zero_point, int64_t quant_min, "
    "int64_t quant_max, int64_t? axis, std::string function)",
    "_fake_quantize(Tensor input, double scale, int64_t zero_point, int64_t quant_min, "
    "int64_t quant_max, int64_t? axis, std::string function)",
    kind=Custom(_spec),
    method=False,
    function=False,
    copies=("input", "scale", "zero_point"),  # PyTorch saves which elements were not clamped
    dynamic=("scale", "zero_point"),
)
def _fake_quantize(input, scale, zero_point, *, quant_min, quant_max, axis):
    """Round elements to the levels of a tensor, or of each of its channels."""
    wide = widen(input)
    scale, zero_point = _parameters(wide, scale, zero_point, axis)
    level = _levels(wide, scale, zero_point, axis)
    level = jnp.clip(jnp.where(jnp.isnan(level), quant_min, level), quant_min, quant_max)
    # The product with the scale of a whole tensor is one of float32, for float64 too.
    last = jnp.float32 if axis is None else wide.dtype
    shifted = (level - zero_point.astype(wide.dtype)).astype(last)
    return (shifted * scale.astype(last)).astype(input.dtype)


def _check_levels(quant_min: int, quant_max: int) -> None:
    if quant_min > quant_max:
        raise _messages.levels_reversed()


@op(
    "fake_quantize_per_tensor_affine(Tensor input, Tensor scale, Tensor zero_point, "
    "int64_t quant_min, int64_t quant_max)",
    "fake_quantize_per_tensor_affine(Tensor input, double scale, int64_t zero_point, "
    "int64_t quant_min, int64_t quant_max)",
    method=False,
    autocast=Autocast(cpu="float32"),
)
def fake_quantize_per_tensor_affine(input, scale, zero_point, quant_min, quant_max):
    """Round a tensor to levels: ``(clamp(round(x / scale) + zero_point) - zero_point) * scale``.

    Args:
        input: floating point tensor.
        scale: distance of two levels, a number or a tensor of one element.
        zero_point: the level of 0, an int or a tensor of one element.
        quant_min, quant_max: the least and the greatest level.
    Returns:
        Tensor of the same shape and dtype. Its gradient is that of the identity where nothing was
        clamped, 0 elsewhere.
    Raises:
        RuntimeError: the levels are in the wrong order, ``zero_point`` is a number that is none of
            them, or a tensor holds several elements.
        NotImplementedError: ``input`` is not of floating point numbers.
    """
    if is_tensor(scale):
        for parameter in (scale, zero_point):
            if not parameter.requires_grad and parameter.numel() != 1:
                raise _messages.several_elements(parameter.numel())
    _check_levels(quant_min, quant_max)
    if not is_tensor(scale) and not quant_min <= zero_point <= quant_max:
        raise _messages.zero_point_outside()
    function = _BY_TENSORS if is_tensor(scale) else _BY_TENSOR
    return _fake_quantize.call(input, scale, zero_point, quant_min, quant_max, None, function)


def _check_channels(input: Any, scale: Any, zero_point: Any, axis: int) -> None:
    if scale.dtype not in (dtypes.float32, dtypes.bfloat16):
        raise _messages.scale_dtype(scale.dtype._legacy_name)
    if zero_point.dtype not in (dtypes.int32, dtypes.float32, dtypes.float16):
        raise _messages.zero_point_dtype(zero_point.dtype._legacy_name)
    if scale.dim() != 1:
        raise _messages.not_one_dimension("scale")
    if zero_point.dim() != 1:
        raise _messages.not_one_dimension("zero point")
    if scale.numel() != zero_point.numel():
        raise _messages.different_channels()
    if scale.numel() != input.size(axis):
        raise _messages.wrong_channels()


@op(
    "fake_quantize_per_channel_affine(Tensor input, Tensor scale, Tensor zero_point, int64_t axis, "
    "int64_t quant_min, int64_t quant_max)",
    method=False,
)
def fake_quantize_per_channel_affine(input, scale, zero_point, axis, quant_min, quant_max):
    """Round each channel of a tensor to levels of its own; see the form for a whole tensor.

    Args:
        input: floating point tensor.
        scale: distance of two levels for each channel, in float32 or bfloat16.
        zero_point: the level of 0 for each channel: int32, or float32 or float16, which need not
            be levels.
        axis: dimension of the channels, counted from the front.
        quant_min, quant_max: the least and the greatest level.
    Returns:
        Tensor of the same shape and dtype.
    Raises:
        RuntimeError: the levels are in the wrong order, a zero point is none of them, or shapes or
            dtypes of the parameters do not fit.
        NotImplementedError: ``input`` is not of floating point numbers.
    """
    _check_channels(input, scale, zero_point, axis)
    _check_levels(quant_min, quant_max)
    if zero_point.dtype is dtypes.int32:
        points = known_elements(zero_point, on_any_device=True)
        if points is not None and ((points < quant_min) | (points > quant_max)).any():
            raise _messages.zero_point_outside()
    if axis < 0:
        raise _messages.axis_outside()
    return _fake_quantize.call(input, scale, zero_point, quant_min, quant_max, axis, _BY_CHANNEL)
