"""Putting elements back where a maximum over windows found them."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...._core import dtypes, messages
from ...._core.schema.schema import Schema
from ...._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ...._engine.graph.op import Spec
from ...._engine.graph.values import make_meta
from ...._engine.recording.kinds.base import Custom
from ...._engine.recording.storage import current_value
from ...._engine.recording.trace import local, materialise
from ..._shared.memory_order import suggested_strides
from . import _messages


def _spec(operation, bound, mode) -> Spec:
    rank = bound["rank"]
    operand, indices = bound["input"], bound["indices"]
    meta, places = operand.meta, indices.meta
    outputs = tuple(bound["output_size"])
    if places.dtype is not dtypes.int64:
        raise _messages.unpool_indices_dtype(rank, places.dtype._legacy_name)
    if len(outputs) != rank and rank == 2:
        raise _messages.unpool_list(rank, "output_size", len(outputs))
    if meta.ndim not in (rank + 1, rank + 2):
        raise _messages.unpool_rank(rank, meta.ndim)
    if len(outputs) != rank:
        raise _messages.unpool_list(rank, "output_size", len(outputs))
    if rank == 3:
        stride, padding = bound["stride"], bound["padding"]
        for parameter, given in (("stride", stride), ("padding", padding)):
            if len(given) != rank:
                raise _messages.unpool_list(rank, parameter, len(given))
        if any(step <= 0 for step in stride):
            raise _messages.unpool_stride(stride)
    if places.shape != meta.shape:
        raise _messages.unpool_indices_shape(meta.shape, places.shape)
    for dim in range(1, meta.ndim):
        if not meta.shape[dim]:
            raise _messages.unpool_empty(rank, meta.shape, dim)
    if not meta.dtype.is_floating_point:
        raise messages.not_implemented(f"max_unpool{rank}d", meta.dtype._legacy_name)
    shape = (*meta.shape[: meta.ndim - rank], *outputs)
    planes, whole = meta.shape[: meta.ndim - rank], math.prod(outputs)

    def vjp(cotangents, results, operands):
        places = operands[1]
        flat = places.reshape(math.prod(planes), -1)
        upstream = cotangents[0].reshape(flat.shape[0], whole)
        found = jnp.take_along_axis(upstream, flat, 1, mode="fill", fill_value=0)
        return [found.reshape(places.shape)]

    strides = suggested_strides(meta, shape) if rank == 2 else None
    return Spec(
        [operand, indices],
        (make_meta(shape, meta.dtype, meta.device, strides),),
        {"shape": shape, "planes": planes, "whole": whole},
        saves=(1,),
        vjp=vjp,
        node_name=f"MaxUnpool{rank}DBackward0",
    )


@op(
    "_max_unpool(Tensor input, Tensor indices, SymIntArrayRef output_size, SymIntArrayRef stride, "
    "SymIntArrayRef padding, int64_t rank)",
    kind=Custom(_spec),
    method=False,
    function=False,
)
def _max_unpool(input: Any, indices: Any, *, shape: Any, planes: Any, whole: Any) -> Any:
    """Return images of zeros with elements at their places."""
    flat = indices.reshape(math.prod(planes), -1)
    image = jnp.zeros((flat.shape[0], whole), input.dtype)
    rows = np.arange(flat.shape[0])[:, None]
    # Places that come out of a pending pooling are not looked at; wrong ones are dropped.
    image = image.at[rows, flat].set(
        input.reshape(flat.shape), mode="drop", wrap_negative_indices=False
    )
    return image.reshape(shape)


_SCHEMAS = {
    2: Schema("max_unpool2d(Tensor input, Tensor indices, SymIntArrayRef[2] output_size)"),
    3: Schema(
        "max_unpool3d(Tensor input, Tensor indices, SymIntArrayRef[3] output_size, "
        "IntArrayRef[3] stride, IntArrayRef[3] padding)"
    ),
}


#: Operators whose results are places within images: nothing to check.
_POOLINGS = ("_max_pool", "_adaptive_max_pool", "_fractional_max_pool")


def _is_pooled(value: Any, sizes: tuple[int, ...]) -> bool:
    """Return whether places come out of a pooling, still to be run, of images of these sizes."""
    trace = local.trace
    if value.array is not None or value.segment is not trace.segment:
        return False
    recorded = trace.node.by_slot()
    slot = value.slot
    while slot in recorded:
        instruction = recorded[slot]
        if instruction.op.name in _POOLINGS:
            pooled = trace.node.meta_of(instruction.operands[0])
            return pooled.shape[-len(sizes) :] == sizes
        if instruction.view_of is None:
            return False
        slot = instruction.view_of
    return False


def _check_places(indices: Any, sizes: tuple[int, ...]) -> None:
    """Refuse places outside of the image. PyTorch raises at the call: pending ones are computed."""
    value = current_value(indices)
    meta = value.meta
    if meta.device.type != "cpu" or not meta.numel or _is_pooled(value, sizes):
        return
    array = np.asarray(materialise(value, "max_unpool"))
    wrong = array[(array < 0) | (array >= math.prod(sizes))]
    if wrong.size:
        # PyTorch reports the last one that its threads found.
        raise _messages.unpool_index(int(wrong.flat[-1]), sizes)


def _unpooled(
    input: Any, indices: Any, output_size: Any, rank: int, stride: Any, padding: Any
) -> Any:
    """Check and run the operator of two or three dimensions."""
    given = [input, indices, list(output_size)]
    if rank == 3:
        given += [list(stride), list(padding)]
    _, bound = _SCHEMAS[rank].bind(tuple(given), {})
    sizes = tuple(bound["output_size"])
    lists = [tuple(bound[each]) if rank == 3 else () for each in ("stride", "padding")]
    result = _max_unpool.call(input, indices, sizes, *lists, rank)
    _check_places(indices, sizes)
    return result


def _tuple(value: Any, rank: int) -> tuple:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank


def _output_size(
    input: Any, kernel: tuple, stride: tuple, padding: tuple, output_size: Any
) -> list[int]:
    """Return the sizes of the image: those asked for, or those that the windows span."""
    rank = len(kernel)
    shape = input.size()
    default = [
        (shape[dim - rank] - 1) * stride[dim] + kernel[dim] - 2 * padding[dim]
        for dim in range(rank)
    ]
    if output_size is None:
        sizes = default
    else:
        if len(output_size) == rank + 2:
            output_size = output_size[2:]
        if len(output_size) != rank:
            raise _messages.unpool_length(rank, len(output_size))
        for dim, (size, usual, step) in enumerate(zip(output_size, default, stride, strict=True)):
            if not usual - step < size < usual + step:
                raise _messages.unpool_size(output_size, dim, usual - step, usual + step)
        sizes = output_size
    for dim, size in enumerate(sizes):
        if size < 0:
            raise _messages.unpool_negative(dim, size)
    return sizes


def _make(rank: int) -> None:
    name = f"max_unpool{rank}d"

    def unpool(input, indices, kernel_size, stride=None, padding=0, output_size=None):
        kernel, padding = _tuple(kernel_size, rank), _tuple(padding, rank)
        steps = kernel if stride is None else _tuple(stride, rank)
        sizes = _output_size(input, kernel, steps, padding, output_size)
        if rank > 1:
            return _unpooled(input, indices, sizes, rank, steps, padding)
        flat = [*sizes, 1]
        columns = input.unsqueeze(-1), indices.unsqueeze(-1)
        return _unpooled(*columns, flat, 2, None, None).squeeze(-1)

    unpool.__name__ = unpool.__qualname__ = name
    unpool.__doc__ = f"""Max unpooling: elements where ``max_pool{rank}d`` found them.

    Args:
        input: tensor of shape (batch, channels, *sizes), or (channels, *sizes).
        indices: places of the elements, int64, as the pooling returned them.
        kernel_size, stride, padding: those of the pooling.
        output_size: sizes of the image, where the windows leave several possible.
    Returns:
        Tensor of zeros elsewhere.
    """
    publish(name, unpool, registry=NN_FUNCTIONS, autocast=Autocast(cpu="float32"))


for _rank in (1, 2, 3):
    _make(_rank)
