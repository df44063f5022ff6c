"""Pooling to a given size: the windows follow from the sizes before and after."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...._core import dtypes, messages
from ...._core.schema.schema import Schema
from ...._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ...._engine.graph.op import Spec
from ...._engine.graph.values import Meta, make_meta
from ...._engine.recording.kinds.base import Custom
from ..._shared.memory_order import suggested_strides, suggests_channels_last
from ..._shared.widening import is_half, widen
from .._messages import negative_size
from . import _messages
from .pooling import channels_last, channels_second, publish_with_indices
from .pooling_forms import (
    Windows,
    at_positions,
    averages,
    maximum,
    maximum_gradient,
    positions_of_maximum,
    uneven_maximum,
)


def intervals(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where each window begins and ends along a dimension."""
    places = np.arange(count)
    return places * size // max(count, 1), -(-(places + 1) * size // max(count, 1))


def _sizes(name: str, bound: dict[str, Any], rank: int, checked: bool) -> tuple[int, ...]:
    sizes = tuple(bound["output_size"])
    if len(sizes) != rank:
        raise _messages.adaptive_sizes(rank, not checked)
    if checked and any(size < 0 for size in sizes):
        raise _messages.adaptive_negative(sizes)
    return sizes


def _check(name: str, meta: Meta, rank: int, dims: Sequence[int]) -> None:
    if name.startswith("adaptive_max"):
        for dim in dims:
            if not meta.shape[dim]:
                raise _messages.adaptive_empty(name, meta.shape, dim)
    if meta.ndim not in (rank + 1, rank + 2):
        raise _messages.adaptive_rank(name, rank, meta.shape)
    for dim in dims:
        if not meta.shape[dim]:
            raise _messages.adaptive_empty(name, meta.shape, dim)


# Averages

#: Elements of a window up to which halves are added one by one.
_LONGEST_SUM = 512


def _rounded_averages(images: Any, bounds: list[tuple[np.ndarray, np.ndarray]]) -> Any:
    """Return the means of windows of volumes in half precision.

    torch 2.13 adds the elements one after the other and divides by each length in turn, with a
    rounding in every step.

    Args:
        images: of shape (batch, depth, height, width, channels).
        bounds: where windows begin and end along each dimension.
    """
    lengths = [ends - starts for starts, ends in bounds]
    total = None
    for offsets in itertools.product(*[range(int(length.max())) for length in lengths]):
        part, inside = images, np.ones((1,) * 5, bool)
        for axis, offset in enumerate(offsets, 1):
            starts, ends = bounds[axis - 1]
            part = jnp.take(part, np.minimum(starts + offset, ends - 1), axis)
            shape = [1] * 5
            shape[axis] = -1
            inside = inside & (starts + offset < ends).reshape(shape)
        term = jnp.where(inside, part, jnp.zeros((), part.dtype))
        total = term if total is None else total + term
    assert total is not None
    for axis, length in enumerate(lengths, 1):
        shape = [1] * 5
        shape[axis] = -1
        total = total / jnp.asarray(length.reshape(shape), total.dtype)
    return total


def _average_spec(operation, bound, mode) -> Spec:
    rank = bound["rank"]
    name, meta = f"adaptive_avg_pool{rank}d", bound["input"].meta
    outputs = _sizes(name, bound, rank, True)
    _check(name, meta, rank, range(meta.ndim - rank, meta.ndim))
    if not meta.dtype.is_floating_point:
        kernel = f"{name}_cpu" if rank == 3 else name
        raise messages.not_implemented(kernel, meta.dtype._legacy_name)
    batched = meta.ndim == rank + 2
    shape = (*meta.shape[: meta.ndim - rank], *outputs)
    bounds = [intervals(*pair) for pair in zip(meta.shape[-rank:], outputs, strict=True)]

    largest = math.prod(int((ends - starts).max(initial=0)) for starts, ends in bounds)

    strides = suggested_strides(meta, shape) if batched and rank == 2 else None
    return Spec(
        [bound["input"]],
        (make_meta(shape, meta.dtype, meta.device, strides),),
        {"rank": rank, "batched": batched, "shape": shape, "largest": largest, "bounds": bounds},
        saves=(),
        node_name=f"AdaptiveAvgPool{rank}DBackward0",
    )


@op(
    "_adaptive_avg_pool(Tensor input, SymIntArrayRef output_size, int64_t rank)",
    keeps={"input": None},
    kind=Custom(_average_spec),
    method=False,
    function=False,
)
def _adaptive_avg_pool(
    input: Any, *, rank: Any, batched: Any, shape: Any, largest: Any, bounds: Any
) -> Any:
    """Return the means of windows."""
    if 0 in shape or 0 in input.shape:
        return jnp.zeros(shape, input.dtype)
    images = channels_last(input, rank)
    if rank == 3 and is_half(images.dtype) and largest <= _LONGEST_SUM:
        return channels_second(_rounded_averages(images, bounds), batched)
    return channels_second(averages(widen(images), bounds).astype(input.dtype), batched)


def _average(input: Any, sizes: tuple[int, ...], rank: int) -> Any:
    """Return the means, by way of ``mean`` where there is one window only, as PyTorch does."""
    if sizes != (1,) * rank:
        return _adaptive_avg_pool.call(input, sizes, rank)
    meta = input._value.meta
    result = input.mean(list(range(-1, -rank - 1, -1)), True)
    if suggests_channels_last(meta):
        batch, channels = meta.shape[:2]
        ones = (1,) * rank
        result.as_strided_((batch, channels, *ones), (channels, 1, *(channels,) * rank))
    return result


def _filled(output_size: Any, shape: Sequence[int]) -> Any:
    """Return sizes with those that are ``None`` taken from the input."""
    if isinstance(output_size, int):
        return output_size
    count = len(output_size)
    if len(shape) <= count:
        raise _messages.default_rank(count)
    pairs = zip(output_size, shape[len(shape) - count :], strict=True)
    return [default if size is None else size for size, default in pairs]


def _autocast(rank: int) -> Autocast | None:
    return Autocast(cpu="float32") if rank == 3 else None


def _make_average(rank: int) -> Callable:
    name = f"adaptive_avg_pool{rank}d"
    schema = Schema(f"{name}(Tensor input, SymIntArrayRef[{rank}] output_size)")

    def pool(input, output_size):
        _, bound = schema.bind((input, _filled(output_size, input.size())), {})
        return _average(bound["input"], tuple(bound["output_size"]), rank)

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = f"""Adaptive average pooling over {rank} dimensions, to a given output size.

    Args:
        input: tensor of shape (batch, channels, *sizes), or (channels, *sizes).
        output_size: number of windows, or one for each dimension; ``None`` for the input's size.
    """
    return publish(name, pool, registry=NN_FUNCTIONS, autocast=_autocast(rank), remembered=True)


adaptive_avg_pool2d, adaptive_avg_pool3d = map(_make_average, (2, 3))


@op(
    "adaptive_avg_pool1d(Tensor input, IntArrayRef[1] output_size)",
    method=False,
)
def adaptive_avg_pool1d(input, output_size):
    """Adaptive average pooling along the last dimension, to a given output size.

    Args:
        input: tensor of shape (batch, channels, size), or (channels, size).
        output_size: number of windows.
    """
    sizes = _one(input, output_size, "adaptive_avg_pool1d")
    if any(size < 0 for size in sizes):
        raise _messages.adaptive_negative(sizes)
    return _average(input.unsqueeze(-2), sizes, 2).squeeze(-2)


def _one(input: Any, output_size: Any, name: str) -> tuple[int, int]:
    if input.dim() not in (2, 3):
        raise _messages.one_average_rank(name, input.dim())
    sizes = (output_size,) if isinstance(output_size, int) else tuple(output_size)
    if len(sizes) != 1:
        raise _messages.one_int(name, "output_size", len(sizes))
    return (1, sizes[0])


publish("adaptive_avg_pool1d", adaptive_avg_pool1d, registry=NN_FUNCTIONS)


# Maxima


def _max_spec(operation, bound, mode) -> Spec:
    rank = bound["rank"]
    name, meta = f"adaptive_max_pool{rank}d", bound["input"].meta
    _check(name, meta, rank, range(1, meta.ndim))
    outputs = _sizes(name, bound, rank, False)
    batched = meta.ndim == rank + 2
    shape = (*meta.shape[: meta.ndim - rank], *outputs)
    if any(size < 0 for size in shape):
        raise negative_size(shape)
    if not meta.dtype.is_floating_point:
        kernel = f"{name}_cpu" if rank == 3 else name
        raise messages.not_implemented(kernel, meta.dtype._legacy_name)
    sizes = meta.shape[-rank:]
    bounds = [intervals(*pair) for pair in zip(sizes, outputs, strict=True)]
    windows = None
    if 0 not in outputs and not any(s % o for s, o in zip(sizes, outputs, strict=True)):
        kernel_size = tuple([s // o for s, o in zip(sizes, outputs, strict=True)])
        windows = Windows(kernel_size, kernel_size, (0,) * rank, (1,) * rank, outputs)
    with_indices = bound["with_indices"]

    def vjp(cotangents, results, operands):
        input, upstream = operands[0], cotangents[0]
        if 0 in shape or 0 in input.shape:
            return [jnp.zeros(input.shape, input.dtype)]
        images, arriving = [channels_last(each, rank) for each in (input, upstream)]
        if windows is not None:
            gradient = maximum_gradient(images, arriving, windows)
        else:
            _, positions = uneven_maximum(images, bounds)
            gradient = at_positions(arriving, positions, sizes)
        return [channels_second(gradient, batched)]

    strides = suggested_strides(meta, shape) if batched and rank == 2 else None
    metas = [make_meta(shape, meta.dtype, meta.device, strides)]
    if with_indices:
        metas.append(make_meta(shape, dtypes.int64, meta.device, strides))
    return Spec(
        [bound["input"]],
        tuple(metas),
        {
            "rank": rank,
            "windows": windows,
            "with_indices": with_indices,
            "shape": shape,
            "bounds": bounds,
            "batched": batched,
        },
        saves=(0,),
        vjp=vjp,
        node_name=f"AdaptiveMaxPool{rank}DBackward0",
    )


@op(
    "_adaptive_max_pool(Tensor input, SymIntArrayRef output_size, bool with_indices, int64_t rank)",
    kind=Custom(_max_spec),
    method=False,
    function=False,
)
def _adaptive_max_pool(
    input: Any, *, rank: Any, windows: Any, with_indices: Any, shape: Any, bounds: Any, batched: Any
) -> Any:
    """Return the largest elements of windows, and where they are."""
    if 0 in shape or 0 in input.shape:
        empty = jnp.zeros(shape, input.dtype)
        return (empty, empty.astype(jnp.int64)) if with_indices else empty
    images = channels_last(input, rank)
    if windows is not None:
        result = maximum(images, windows)
        places = positions_of_maximum(images, windows) if with_indices else None
    else:
        result, places = uneven_maximum(images, bounds)
    if not with_indices:
        return channels_second(result, batched)
    return channels_second(result, batched), channels_second(places, batched)


@op(
    "adaptive_max_pool1d(Tensor input, IntArrayRef[1] output_size)",
    method=False,
)
def adaptive_max_pool1d(input, output_size):
    """Adaptive max pooling along the last dimension, and the positions of the maxima.

    Args:
        input: tensor of shape (batch, channels, size), or (channels, size).
        output_size: number of windows.
    """
    sizes = _one(input, output_size, "adaptive_max_pool1d")
    _check("adaptive_max_pool1d", input._value.meta, 1, range(1, input.dim()))
    pair = _adaptive_max_pool.call(input.unsqueeze(-2), sizes, True, 2)
    return tuple([each.squeeze(-2) for each in pair])


def _make_max(rank: int) -> None:
    name = f"adaptive_max_pool{rank}d"
    schema = Schema(f"{name}(Tensor input, IntArrayRef[{rank}] output_size)")

    def sizes_of(input: Any, output_size: Any) -> tuple[Any, tuple[int, ...]]:
        _, bound = schema.bind((input, _filled(output_size, input.size())), {})
        return bound["input"], tuple(bound["output_size"])

    def full(input, output_size, return_indices=False):
        if rank == 1:
            return adaptive_max_pool1d(input, output_size)
        input, sizes = sizes_of(input, output_size)
        return _adaptive_max_pool.call(input, sizes, True, rank)

    def plain(input, output_size, return_indices=False):
        if rank == 1:
            return adaptive_max_pool1d(input, output_size)[0]
        input, sizes = sizes_of(input, output_size)
        return _adaptive_max_pool.call(input, sizes, False, rank)

    plain.__name__ = plain.__qualname__ = f"_{name}"
    full.__name__ = full.__qualname__ = f"{name}_with_indices"
    plain.__doc__ = f"""Adaptive max pooling over {rank} dimensions, to a given output size.

    Args:
        input: tensor of shape (batch, channels, *sizes), or (channels, *sizes).
        output_size: number of windows, or one for each dimension; ``None`` for the input's size.
        return_indices: whether to return the elements' places too.
    """
    full.__doc__ = plain.__doc__
    publish_with_indices(name, 2, plain, full, _autocast(rank))


for _rank in (1, 2, 3):
    _make_max(_rank)
