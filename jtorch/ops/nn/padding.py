"""Padding: by a number, or by elements that are reflected, repeated or taken from the other end."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import messages
from ..._core.cpp_names import c_type
from ..._core.dtypes import dtype as DType
from ..._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import Meta, is_tensor, make_meta
from ..._engine.recording.kinds.base import Custom, cast
from ..._engine.recording.kinds.pointwise import COMPLEX, FLOATING, INTEGRAL, check_fits
from .._shared.memory_order import suggested_strides
from . import _messages_padding

#: What the kernels that look elements up know.
_KNOWN = INTEGRAL | FLOATING | COMPLEX

_Sides = list[tuple[int, int]]


def _sides(pad: tuple[int, ...], ndim: int) -> _Sides:
    """Return how much is added before and after each dimension, the first one first."""
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    return [(0, 0)] * (ndim - len(pairs)) + pairs[::-1]


def _laid_out(meta: Meta, shape: tuple[int, ...]) -> Meta:
    strides = suggested_strides(meta, shape) if 0 not in shape else None
    return make_meta(shape, meta.dtype, meta.device, strides)


# By a number


def _constant_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta, pad = operand.meta, tuple(bound["pad"])
    if len(pad) % 2:
        raise _messages_padding.constant_odd(len(pad))
    if len(pad) > 2 * meta.ndim:
        raise _messages_padding.constant_long(len(pad), meta.ndim)
    sides = _sides(pad, meta.ndim)
    for dim, (size, (before, after)) in enumerate(zip(meta.shape, sides, strict=True)):
        left = size + min(before, 0)
        if left < 0 or left + min(after, 0) < 0:
            raise _messages_padding.narrow_negative()
        if left + max(before, 0) + after < 0:
            raise _messages_padding.constant_negative(size, before, after, dim)
    shape = tuple([n + before + after for n, (before, after) in zip(meta.shape, sides)])
    value = bound.get("value", 0)
    number = getattr(value, "number", value)
    if isinstance(number, complex) and not meta.dtype.is_complex:
        raise RuntimeError(
            f"value cannot be converted to type {c_type(meta.dtype)} without overflow"
        )
    operands = [operand]
    if getattr(value, "reference", None) is not None:
        operands.append(value)

    params = {"dtype": meta.dtype, "sides": sides, "number": number}
    # Where nothing is added PyTorch copies what is left, in the order of its memory.
    if pad and all(length < 0 for length in pad) and 0 not in shape:
        result = make_meta(shape, meta.dtype, meta.device, _dense_strides(meta, shape))
    else:
        result = _laid_out(meta, shape)
    return Spec(operands, (result,), params, saves=())


def _dense_strides(meta: Meta, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    order = sorted(range(meta.ndim), key=lambda dim: (-meta.strides[dim], dim))
    strides, step = [0] * meta.ndim, 1
    for dim in reversed(order):
        strides[dim] = step
        step *= shape[dim]
    return tuple(strides)


def _check_number(args: tuple, kwargs: dict) -> None:
    """Refuse a number that the dtype of the image cannot hold."""
    image = args[0] if args else kwargs.get("input")
    number = args[2] if len(args) > 2 else kwargs.get("value")
    if image is not None and is_tensor(image) and isinstance(number, (int, float)):
        check_fits(number, image._value.meta.dtype)


@op(
    "constant_pad_nd(Tensor input, SymIntArrayRef pad, Scalar value=0)",
    kind=Custom(_constant_spec),
    check_data=_check_number,
    method=False,
    saves=(),
)
def constant_pad_nd(array: Any, *given: Any, dtype: DType, sides: Any, number: Any) -> Any:
    """Constant padding of the last dimensions.

    Args:
        input: tensor.
        pad: how much to add before and after each dimension, the last dimension first; a negative
            number takes away.
        value: the number.
    """
    filler = given[0] if given else jnp.asarray(np.asarray(number))
    filler = cast(filler, dtype)
    return jax.lax.pad(array, filler, [(before, after, 0) for before, after in sides])


# By elements


def _check_spatial(meta: Meta, sides: _Sides, spatial: int, mode: str) -> tuple[int, ...]:
    """Check a padding by elements, and return the shape that it makes."""
    first = meta.ndim - spatial
    batched = meta.ndim == spatial + 2
    if 0 in (meta.shape[1:] if batched else meta.shape):
        raise _messages_padding.empty_input(spatial, meta.shape)
    if mode == "reflection":
        for dim in range(meta.ndim - 1, first - 1, -1):
            before, after = sides[dim]
            if before >= meta.shape[dim] or after >= meta.shape[dim]:
                argument = 4 + 2 * (meta.ndim - 1 - dim)
                raise _messages_padding.reflection_size(argument, before, after, dim, meta.shape)
    shape = tuple([n + before + after for n, (before, after) in zip(meta.shape, sides)])
    if all(size < 1 for size in shape[first:]):
        raise _messages_padding.too_small(meta.shape[first:], shape[first:])
    return tuple([max(size, 0) for size in shape])


def _pieces(size: int, before: int, after: int, mode: str) -> list[tuple[int, int, int]] | None:
    """Return a padded dimension as ``(start, stop, step)`` pieces of the input.

    A step of -1 runs from ``stop - 1`` down to ``start``, a step of 0 repeats an element ``stop``
    times. ``None`` where it is not so simple.
    """
    if before <= -size or after <= -size or before > size or after > size:
        return None
    if mode == "circular":
        start, stop = max(-before, 0), size - max(-after, 0)
        if max(before, after) > stop - start:
            return None
        left, right = (stop - before, stop, 1), (start, start + after, 1)
    elif mode == "reflection":
        left, right = (1, before + 1, -1), (size - 1 - after, size - 1, -1)
    else:
        left, right = (0, before, 0), (size - 1, after, 0)
    middle = (max(-before, 0), size - max(-after, 0), 1)
    return [
        *([left] if before > 0 else []),
        *([middle] if middle[0] < middle[1] else []),
        *([right] if after > 0 else []),
    ]


def _positions(size: int, before: int, after: int, mode: str) -> np.ndarray:
    """Return where each element of a padded dimension comes from."""
    positions = np.arange(-before, size + after)
    if mode == "circular":
        start, stop = max(-before, 0), size - max(-after, 0)
        return start + (positions - start) % max(stop - start, 1)
    if mode == "reflection":
        return size - 1 - np.abs(size - 1 - np.abs(positions))
    return np.clip(positions, 0, size - 1)


def _padded(array: Any, dim: int, before: int, after: int, mode: str) -> Any:
    """Pad one dimension."""
    size = array.shape[dim]
    pieces = _pieces(size, before, after, mode)
    if pieces is None or size + before + after <= 0:
        positions = _positions(size, before, after, mode)
        return jnp.take(array, positions, dim, mode="clip")
    parts = []
    for start, stop, step in pieces:
        if step == 0:
            part = jax.lax.slice_in_dim(array, start, start + 1, axis=dim)
            shape = list(array.shape)
            shape[dim] = stop
            parts.append(jnp.broadcast_to(part, shape))
        else:
            part = jax.lax.slice_in_dim(array, start, stop, axis=dim)
            parts.append(jnp.flip(part, dim) if step < 0 else part)
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, dim)


def _elements_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta, pad = operand.meta, tuple(bound["pad"])
    kind = bound["mode"]
    spatial = len(pad) // 2
    sides = _sides(pad, meta.ndim)
    if kind == "circular":
        shape = _circular_shape(meta, sides)
        result = make_meta(shape, meta.dtype, meta.device)
        name = "CopySlices"
    else:
        shape = _check_spatial(meta, sides, spatial, kind)
        if meta.dtype not in _KNOWN:
            kernel = f"{kind}_pad{spatial}d"
            raise messages.not_implemented(kernel, meta.dtype._legacy_name)
        result = _laid_out(meta, shape)
        title = "ReflectionPad" if kind == "reflection" else "ReplicationPad"
        name = f"{title}{spatial}DBackward0"

    return Spec(
        [operand],
        (result,),
        {"sides": sides, "kind": kind},
        saves=(),
        node_name=name,
    )


def _circular_shape(meta: Meta, sides: _Sides) -> tuple[int, ...]:
    shape = []
    for size, (before, after) in zip(meta.shape, sides, strict=True):
        if before > size or after > size:
            raise _messages_padding.wraps_twice()
        if size + before + after < 0:
            raise _messages_padding.circular_negative()
        shape.append(size + before + after)
    return tuple(shape)


@op(
    "_pad_elements(Tensor input, SymIntArrayRef pad, std::string mode)",
    kind=Custom(_elements_spec),
    method=False,
    function=False,
)
def _pad_elements(array: Any, *, sides: Any, kind: Any) -> Any:
    """Pad with elements of the input."""
    shape = [max(size + before + after, 0) for size, (before, after) in zip(array.shape, sides)]
    if 0 in shape:
        return jnp.zeros(shape, array.dtype)
    for dim, (before, after) in enumerate(sides):
        if before or after:
            array = _padded(array, dim, before, after, kind)
    return array


_BY_ELEMENTS = {"reflect": "reflection", "replicate": "replication", "circular": "circular"}


def _is_copied(args: tuple, kwargs: dict[str, Any], metas: list[Meta]) -> bool:
    """Return whether a mode is one of those that autocast does not know."""
    mode = kwargs.get("mode", args[2] if len(args) > 2 else "constant")
    return mode not in ("reflect", "replicate")


@op(
    'pad(Tensor input, SymIntArrayRef pad, c10::string_view mode="constant", double? value=None)',
    method=False,
    function=False,
    autocast=Autocast(cpu="float32", unless=_is_copied),
)
def _pad(input, pad, mode="constant", value=None):
    """Pad, after the arguments were bound."""
    return _padded_by(input, tuple(pad), mode, value)


def pad(input, pad, mode="constant", value=None):
    """Padding of the last dimensions, by a constant or by elements of the input.

    Args:
        input: tensor.
        pad: how much to add before and after each dimension, the last dimension first; a negative
            number takes away.
        mode: ``"constant"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        value: the number of ``"constant"``, 0 unless given.
    """
    return _pad(input, pad, mode, value)


publish("pad", pad, registry=NN_FUNCTIONS, remembered=True)


def _padded_by(input: Any, pad: tuple[int, ...], mode: str, value: float | None) -> Any:
    if len(pad) % 2:
        raise _messages_padding.odd_length()
    if len(pad) > 2 * input.dim():
        raise _messages_padding.too_long(len(pad), input.dim())
    if mode == "constant":
        check_fits(float(value or 0), input._value.meta.dtype)
        return constant_pad_nd.call(input, pad, 0.0 if value is None else value)
    if value is not None and value != 0:
        raise _messages_padding.value_without_meaning(mode)
    if len(pad) // 2 not in (1, 2, 3) or input.dim() - len(pad) // 2 not in (1, 2):
        raise _messages_padding.unsupported(len(pad), input.dim())
    if mode not in _BY_ELEMENTS:
        raise _messages_padding.mode_unknown(mode)
    return _pad_elements.call(input, pad, _BY_ELEMENTS[mode])


# Shuffles


def _moved(meta: Meta, shape: tuple[int, ...]) -> Meta:
    strides = suggested_strides(meta, shape) if 0 not in shape else None
    return make_meta(shape, meta.dtype, meta.device, strides)


def _pixel_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    up = operation.name == "pixel_shuffle"
    parameter = "upscale_factor" if up else "downscale_factor"
    factor = bound[parameter]
    if meta.ndim < 3:
        raise _messages_padding.shuffle_rank(operation.name, meta.ndim)
    if factor <= 0:
        raise _messages_padding.shuffle_factor(operation.name, parameter, factor)
    *lead, channels, height, width = meta.shape
    if up:
        if channels % (factor * factor):
            raise _messages_padding.shuffle_channels(channels, factor * factor)
        channels //= factor * factor
        split = (*lead, channels, factor, factor, height, width)
        order = (0, 3, 1, 4, 2)
        shape = (*lead, channels, height * factor, width * factor)
    else:
        for side, dim in (("height", -2), ("width", -1)):
            if meta.shape[dim] % factor:
                raise _messages_padding.unshuffle_size(side, dim, meta.shape[dim], factor)
        height, width = height // factor, width // factor
        split = (*lead, channels, height, factor, width, factor)
        order = (0, 2, 4, 1, 3)
        shape = (*lead, channels * factor * factor, height, width)
    first = len(lead)
    axes = (*range(first), *[first + axis for axis in order])
    params = {"split": split, "axes": axes, "shape": shape}
    return Spec([operand], (_moved(meta, shape),), params, saves=())


def _permuted(array: Any, split: tuple[int, ...], axes: tuple[int, ...], shape: Any) -> Any:
    """Split dimensions, permute their parts, and join them to another shape."""
    return array.reshape(split).transpose(axes).reshape(shape)


@op(
    "pixel_shuffle(Tensor input, int64_t upscale_factor)",
    kind=Custom(_pixel_spec),
    method=False,
)
def pixel_shuffle(array: Any, *, split: Any, axes: Any, shape: Any) -> Any:
    """Pixel shuffle: rearrange ``factor ** 2`` channels into squares of pixels.

    W. Shi et al.: Real-Time Single Image and Video Super-Resolution, CVPR 2016.

    Args:
        input: tensor of shape (..., channels * factor ** 2, height, width).
        upscale_factor: the factor.
    Returns:
        Tensor of shape (..., channels, height * factor, width * factor).
    """
    return _permuted(array, split, axes, shape)


publish("pixel_shuffle", pixel_shuffle.call, registry=NN_FUNCTIONS)


@op(
    "pixel_unshuffle(Tensor input, int64_t downscale_factor)",
    kind=Custom(_pixel_spec),
    method=False,
)
def pixel_unshuffle(array: Any, *, split: Any, axes: Any, shape: Any) -> Any:
    """Pixel unshuffle, the inverse of ``pixel_shuffle``: pixels into channels."""
    return _permuted(array, split, axes, shape)


publish("pixel_unshuffle", pixel_unshuffle.call, registry=NN_FUNCTIONS)


def _channel_spec(operation, bound, mode) -> Spec:
    operand, groups = bound["input"], bound["groups"]
    meta = operand.meta
    if meta.ndim <= 2:
        raise _messages_padding.channel_rank(meta.shape)
    if groups <= 0:
        raise _messages_padding.channel_groups(groups)
    if meta.shape[1] % groups:
        raise _messages_padding.channel_division(meta.shape[1], groups)
    return Spec([operand], (_moved(meta, meta.shape),), {"groups": groups}, saves=())


def _interleaved(array: Any, groups: int) -> Any:
    """Return channels with those of the groups in turn."""
    split = (array.shape[0], groups, array.shape[1] // groups, *array.shape[2:])
    return array.reshape(split).swapaxes(1, 2).reshape(array.shape)


@op("channel_shuffle(Tensor input, SymInt groups)", kind=Custom(_channel_spec), method=False)
def channel_shuffle(array: Any, *, groups: Any) -> Any:
    """Channel shuffle: channel ``j`` of group ``i`` becomes channel ``j * groups + i``.

    X. Zhang et al.: ShuffleNet, CVPR 2018.

    Args:
        input: tensor of shape (batch, channels, ...).
        groups: how many groups.
    """
    return _interleaved(array, groups)


publish("channel_shuffle", channel_shuffle.call, registry=NN_FUNCTIONS)


def _no_derivative(cotangents, results, operands):
    raise _messages_padding.not_differentiable("native_channel_shuffle")


@op(
    "native_channel_shuffle(Tensor input, SymInt groups)",
    kind=Custom(_channel_spec),
    method=False,
    node_name="NotImplemented",
    vjp=_no_derivative,
)
def native_channel_shuffle(array: Any, *, groups: Any) -> Any:
    """Channel shuffle that has no gradient in PyTorch."""
    return _interleaved(array, groups)


publish("native_channel_shuffle", native_channel_shuffle.call, registry=NN_FUNCTIONS)
