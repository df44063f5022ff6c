"""Maxima over windows whose places are drawn.

B. Graham: Fractional Max-Pooling, 2014.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...._core import dtypes, messages
from ...._core.schema.schema import Schema
from ...._engine.declare import op
from ...._engine.graph.op import Spec
from ...._engine.graph.values import make_meta
from ...._engine.recording.kinds.base import Custom
from ...creation.random import rand
from .._messages import negative_size
from . import _messages
from .pooling import WITHOUT_INDICES, publish_with_indices


def _starts(samples: Any, size: int, count: int, kernel: int) -> Any:
    """Return where the windows along a dimension begin.

    Args:
        samples: array of shape (batch, channels), uniform on [0, 1).
    Returns:
        int32 array of shape (batch, channels, count).
    """
    dtype = samples.dtype
    last = jnp.full((*samples.shape, 1), size - kernel, jnp.int32)
    if count <= 1:
        return last[..., :count]
    step = np.asarray(size - kernel, dtype) / np.asarray(count - 1, dtype)
    numbers = np.arange(count - 1).astype(dtype)
    samples = samples[..., None]
    starts = ((numbers + samples) * step).astype(jnp.int32) - (samples * step).astype(jnp.int32)
    return jnp.concatenate([starts, last], -1)


def _expanded(rank: int, parameter: str, given: Any) -> tuple[int, ...]:
    numbers = tuple(given)
    if len(numbers) != rank:
        raise _messages.fractional_list(rank, parameter)
    return numbers


def _spec(operation, bound, mode) -> Spec:
    rank = bound["rank"]
    operand, samples = bound["input"], bound["random_samples"]
    meta, drawn = operand.meta, samples.meta
    kernel = _expanded(rank, "kernel_size", bound["kernel_size"])
    outputs = _expanded(rank, "output_size", bound["output_size"])
    if meta.ndim not in (rank + 1, rank + 2):
        raise _messages.fractional_rank(rank, meta.shape)
    batched = meta.ndim == rank + 2
    for dim in range(1 if batched else 0, meta.ndim):
        if not meta.shape[dim]:
            raise _messages.fractional_empty(rank, meta.shape, dim)
    sizes = meta.shape[-rank:]
    for dim, (size, count, length) in enumerate(zip(sizes, outputs, kernel, strict=True)):
        if count + length - 1 > size:
            raise _messages.fractional_too_large(rank, dim, length, size)
    shape = (*meta.shape[: meta.ndim - rank], *outputs)
    if any(size < 0 for size in shape):
        raise negative_size(shape)
    if drawn.dtype is not meta.dtype:
        raise _messages.samples_dtype()
    if drawn.ndim != 3:
        raise _messages.samples_rank(drawn.ndim)
    planes = meta.shape[: meta.ndim - rank] if batched else (1, meta.shape[0])
    if drawn.shape[0] < planes[0]:
        raise _messages.samples_batch()
    if drawn.shape[1] != planes[1]:
        raise _messages.samples_channels()
    if drawn.shape[2] != rank:
        raise _messages.samples_dims(rank, drawn.shape[2])
    if not meta.dtype.is_floating_point:
        raise messages.not_implemented(
            f"fractional_max_pool{rank}d_out_frame", meta.dtype._legacy_name
        )
    drawing = {"planes": planes, "sizes": sizes, "outputs": outputs, "kernel": kernel}

    def vjp(cotangents, results, operands):
        input, samples = operands
        if 0 in shape or 0 in input.shape:
            return [jnp.zeros(input.shape, input.dtype)]
        _, positions = _largest(input, samples, **drawing)
        rows, columns = [np.arange(n) for n in planes]
        image = jnp.zeros((*planes, math.prod(sizes)), input.dtype)
        image = image.at[rows[:, None, None], columns[:, None], positions].add(
            cotangents[0].reshape(positions.shape)
        )
        return [image.reshape(input.shape)]

    metas = [make_meta(shape, dtype, meta.device) for dtype in (meta.dtype, dtypes.int64)]
    return Spec(
        [operand, samples],
        metas,
        {**drawing, "shape": shape},
        saves=(0, 1),
        vjp=vjp,
        node_name=f"FractionalMaxPool{rank}DBackward0",
    )


def _largest(
    input: Any,
    samples: Any,
    *,
    planes: tuple[int, int],
    sizes: tuple[int, ...],
    outputs: tuple[int, ...],
    kernel: tuple[int, ...],
) -> tuple[Any, Any]:
    """Return the largest elements and their positions, as (batch, channels, windows).

    Args:
        input: images.
        samples: array of shape (batch, channels, rank), uniform on [0, 1).
        planes: batch and channels of the images.
        sizes: of an image.
        outputs: number of windows along each dimension.
        kernel: sizes of a window.
    """
    rank = len(sizes)
    flat = input.reshape(*planes, math.prod(sizes))
    lists = []
    for dim in range(rank):
        # PyTorch draws width before height, yet depth before both in three dimensions.
        sample = samples[: planes[0], :, rank - 1 - dim if rank == 2 else dim]
        lists.append(_starts(sample, sizes[dim], outputs[dim], kernel[dim]))
    count = math.prod(outputs)
    best = jnp.full((*planes, count), -jnp.inf, input.dtype)
    positions: Any = None
    for offsets in itertools.product(*map(range, kernel)):
        position: Any = 0
        for dim, (starts, offset) in enumerate(zip(lists, offsets, strict=True)):
            index: list[Any] = [None] * rank
            index[dim] = slice(None)
            position = position * sizes[dim] + (starts + offset)[(..., *index)]
        position = jnp.broadcast_to(position, (*planes, *outputs)).reshape(*planes, count)
        element = jnp.take_along_axis(flat, position, -1)
        positions = position if positions is None else positions
        larger = (element > best) | (element != element)
        best = jnp.where(larger, element, best)
        positions = jnp.where(larger, position, positions)
    if positions is None:
        positions = jnp.zeros(best.shape, jnp.int32)
    return best, positions


@op(
    "_fractional_max_pool(Tensor input, SymIntArrayRef kernel_size, SymIntArrayRef output_size, "
    "Tensor random_samples, int64_t rank)",
    kind=Custom(_spec),
    method=False,
    function=False,
)
def _fractional_max_pool(
    input: Any,
    samples: Any,
    *,
    planes: tuple[int, int],
    sizes: tuple[int, ...],
    outputs: tuple[int, ...],
    kernel: tuple[int, ...],
    shape: tuple[int, ...],
) -> tuple[Any, Any]:
    """Return the largest elements of windows that begin where samples say, and their places."""
    if 0 in shape or 0 in input.shape:
        empty = jnp.zeros(shape, input.dtype)
        return empty, empty.astype(jnp.int64)
    best, positions = _largest(
        input, samples, planes=planes, sizes=sizes, outputs=outputs, kernel=kernel
    )
    return best.reshape(shape), positions.astype(jnp.int64).reshape(shape)


def _make(rank: int) -> None:
    name, ints = f"fractional_max_pool{rank}d", f"IntArrayRef[{rank}]"
    schema = Schema(
        f"{name}(Tensor input, {ints} kernel_size, {ints} output_size, Tensor random_samples)"
    )

    def full(
        input,
        kernel_size,
        output_size=None,
        output_ratio=None,
        return_indices=False,
        _random_samples=None,
    ):
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} {_messages.fractional_size()}")
        if output_size is None:
            if rank == 2 and len(output_ratio) > 2:
                raise ValueError(
                    f"{name} requires output_ratio to either be a single Int or tuple of Ints."
                )
            ratios = output_ratio
            if not isinstance(ratios, (tuple, list)):
                ratios = (ratios,) * rank
            output_size = [int(input.size(dim - rank) * ratios[dim]) for dim in range(rank)]
        if _random_samples is None:
            batch = 1 if input.dim() == rank + 1 else input.size(0)
            _random_samples = rand(
                batch, input.size(-rank - 1), rank, dtype=input.dtype, device=input.device
            )
        _, bound = schema.bind((input, kernel_size, output_size, _random_samples), {})
        # A list of one number is no number here.
        lists = []
        for parameter, given in (("kernel_size", kernel_size), ("output_size", output_size)):
            numbers = bound[parameter]
            if isinstance(given, (tuple, list)) and len(given) != rank:
                raise _messages.fractional_list(rank, parameter)
            lists.append((numbers,) * rank if isinstance(numbers, int) else tuple(numbers))
        lists = [each * rank if len(each) == 1 else each for each in lists]
        return _fractional_max_pool.call(bound["input"], *lists, bound["random_samples"], rank)

    def plain(
        input,
        kernel_size,
        output_size=None,
        output_ratio=None,
        return_indices=False,
        _random_samples=None,
    ):
        return full(input, kernel_size, output_size, output_ratio, return_indices, _random_samples)[
            0
        ]

    full.__name__ = full.__qualname__ = f"{name}_with_indices"
    plain.__name__ = plain.__qualname__ = f"_{name}"
    plain.__doc__ = """Fractional max pooling: maxima over windows at random positions.

    Args:
        input: tensor of shape (batch, channels, *sizes), or (channels, *sizes).
        kernel_size: size of a window.
        output_size: number of windows, or one for each dimension.
        output_ratio: those numbers over the input's sizes instead.
        return_indices: whether to return the elements' places too.
    """
    full.__doc__ = plain.__doc__
    publish_with_indices(name, 4, plain, full, WITHOUT_INDICES)


for _rank in (2, 3):
    _make(_rank)
