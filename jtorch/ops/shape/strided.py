"""Views by strides: as_strided, diagonal, unfold."""

from __future__ import annotations

import copy
import functools
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._core.strides import memory_order
from ..._engine.declare import op, publish
from ..._engine.graph.op import Op, Plan
from ..._engine.graph.values import LEAF, NO_GRAD, Meta
from ..._engine.memory.chains import Step, put_chain, read_chain
from ..._engine.memory.host_views import view_vjp
from ..._engine.memory.views import record_view, storage_offset
from ..._engine.recording.kinds.base import View, normalise_dim
from ..._engine.recording.record import record, wrap
from ..._engine.recording.storage import Alias, current_value, is_flipped, storage_of
from . import _messages_views
from .flips import _conj, _neg_view
from .views import detach

# as_strided


def memory_extent(meta: Meta) -> int:
    """Return how many elements of memory a tensor reaches over."""
    if not meta.numel:
        return 0
    return 1 + sum((n - 1) * s for n, s in zip(meta.shape, meta.strides, strict=True))


def _memory_offsets(size: tuple[int, ...], stride: tuple[int, ...], start: int) -> Any:
    """Return the place in memory of each element of a strided view."""
    offsets = jnp.full(size, start)
    for dim, (count, step) in enumerate(zip(size, stride, strict=True)):
        along = jnp.arange(count) * step
        offsets = offsets + along.reshape((-1,) + (1,) * (len(size) - dim - 1))
    return offsets


def _to_memory(array: Any, meta: Meta) -> Any:
    """Return the elements of a tensor in the order of its memory."""
    if meta.contiguous:
        return array.reshape(-1)
    order = memory_order(meta.shape, meta.strides)
    if order is not None:
        return jnp.transpose(array, order).reshape(-1)
    flat = jnp.zeros(memory_extent(meta), array.dtype)
    return flat.at[_memory_offsets(meta.shape, meta.strides, 0).reshape(-1)].set(array.reshape(-1))


def _from_memory(flat: Any, meta: Meta) -> Any:
    """Return a tensor's elements in its own order: the inverse of ``_to_memory``."""
    if meta.contiguous:
        return flat.reshape(meta.shape)
    order = memory_order(meta.shape, meta.strides)
    if order is not None:
        inverse = sorted(range(meta.ndim), key=order.__getitem__)
        laid = flat.reshape([meta.shape[dim] for dim in order])
        return jnp.transpose(laid, inverse)
    return flat[_memory_offsets(meta.shape, meta.strides, 0)]


class _Strided(View):
    """A view by strides; its functions depend on how the viewed tensor lies in memory."""

    def plan(self, op: Any, bound: dict[str, Any], mode: Any) -> Plan:
        meta = bound["input"].meta
        size, stride = tuple(bound["size"]), tuple(bound["stride"])
        start = bound.get("storage_offset") or 0
        plan = super().plan(op, bound, mode)
        layout = {"meta": meta, "size": size, "stride": stride, "start": start}
        plan.function = functools.partial(op.function, **layout)
        plan.put = functools.partial(_put_strided, **layout)
        return plan


def _put_strided(
    base: Any, new: Any, *, meta: Meta, size: tuple[int, ...], stride: tuple[int, ...], start: int
) -> Any:
    """Write the elements of a strided view; arguments as of ``_as_strided``."""
    flat = _to_memory(base, meta)
    offsets = _memory_offsets(size, stride, start).reshape(-1)
    return _from_memory(flat.at[offsets].set(new.astype(base.dtype).reshape(-1)), meta)


def _strided_offset(meta, at, size, stride, storage_offset=None):
    return storage_offset or 0


AS_STRIDED_SIGNATURE = (
    "(Tensor input, SymIntArrayRef size, SymIntArrayRef stride, SymInt? storage_offset=None)"
)


@op(
    "as_strided" + AS_STRIDED_SIGNATURE,
    kind=_Strided(
        lambda meta, size, stride, storage_offset=None: (size, stride), offset=_strided_offset
    ),
    method=False,
    function=False,
)
def _as_strided(
    array: Any, *, meta: Meta, size: tuple[int, ...], stride: tuple[int, ...], start: int
) -> Any:
    """Return the elements at the offsets in memory that strides name; ``input`` starts at 0.

    Args:
        array: the elements of the tensor that is viewed.
        meta: its Meta.
        size, stride: of the view.
        start: place of its first element.
    """
    flat = _to_memory(array, meta)
    if 0 in size:
        return jnp.zeros(size, flat.dtype)
    # A dimension without a stride repeats elements, which are looked up once.
    once = tuple([count if step else 1 for count, step in zip(size, stride)])
    return jnp.broadcast_to(flat[_memory_offsets(once, stride, start)], size)


def checked_strided(
    tensor: Any, size: Any, stride: Any, start: int | None
) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Return size, strides and offset of a strided view, or raise PyTorch's error."""
    _, bound = _as_strided.schema.bind((size, stride, start), {}, True)
    size, stride = tuple(bound["size"]), tuple(bound["stride"])
    offset = storage_offset(tensor) if bound["storage_offset"] is None else bound["storage_offset"]
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(step < 0 for step in stride):
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"{list(stride)}"
        )
    if any(count < 0 for count in size):
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes={list(size)} and "
            f"strides={list(stride)}"
        )
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    itemsize = tensor.dtype.itemsize
    shared = tensor._alias.storage.meta if tensor._alias is not None else tensor._value.meta
    available = memory_extent(shared) * shared.dtype.itemsize
    needed = 0
    if 0 not in size:
        reach = 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        needed = (offset + reach) * itemsize
    if needed > available:
        raise _messages_views.outside_storage(size, stride, offset, itemsize, needed, available)
    return size, stride, offset


def as_strided(input: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    """Return a view of the storage of ``input`` by sizes and strides.

    Args:
        size, stride: as many ints each, in elements.
        storage_offset: place of the first element in the storage; by default that of ``input``.
    """
    return strided_view(_as_strided, input, size, stride, storage_offset)


def in_place_view(entry: Op, node_name: str) -> Op:
    """Return a view operator as its in-place form records it, with a ``grad_fn`` of its own."""
    twin = copy.copy(entry)
    twin.node_name = node_name
    twin.in_place = True
    return twin


def strided_view(
    entry: Op, input: Any, size: Any, stride: Any, storage_offset: int | None = None
) -> Any:
    """Return ``as_strided`` of a tensor, recorded by ``entry``."""
    size, stride, offset = checked_strided(input, size, stride, storage_offset)
    value = current_value(input)
    alias = input._alias
    step = Step(entry, (size, stride, offset))
    if alias is None or all(each.op is detach for each in alias.steps):
        key = ((tuple, *size), (tuple, *stride), offset)
        return record_view(entry, input, (size, stride, offset), key)
    shared = storage_of(input)
    if shared.meta.dtype is not value.meta.dtype:
        raise NotImplementedError("as_strided of a view of another dtype")
    detached = any(not each.op.differentiable for each in alias.steps)
    steps: tuple[Step, ...] = (Step(detach, ()), step) if detached else (step,)
    # PyTorch keeps the conjugate and the negative bit: the storage's elements are read so, too.
    if is_flipped(input):
        flips = (_conj, _neg_view)
        steps += tuple([Step(flip, ()) for flip in flips if is_flipped(input, flip.name)])
    whole = shared.value
    if detached and value.meta.grad != NO_GRAD:
        # A leaf in a part of its storage: the gradient flows to it from the elements it holds.
        if whole.meta.grad == LEAF:
            whole = record(detach, (wrap(whole),), {})
        whole = put_chain(whole, alias.steps, value, False, counted=False)
        steps = steps[1:]
    result = wrap(read_chain(whole, steps))
    made = Alias(shared, steps, alias.base)
    made.counter = alias.counter
    made.remark = alias.remark
    made.offset = offset
    result._alias = made
    return result


publish(
    "as_strided", as_strided, signatures=(AS_STRIDED_SIGNATURE,), refused=(AS_STRIDED_SIGNATURE,)
)
publish("as_strided", method=as_strided, refused=(AS_STRIDED_SIGNATURE,))


# diagonal


def _diagonal_sizes(meta: Meta, offset: int, dim1: int, dim2: int) -> tuple[int, int, int, int]:
    first, second = normalise_dim(dim1, meta.ndim), normalise_dim(dim2, meta.ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    if offset >= 0:
        length = max(min(meta.shape[first], meta.shape[second] - offset), 0)
        start = offset * meta.strides[second]
    else:
        length = max(min(meta.shape[first] + offset, meta.shape[second]), 0)
        start = -offset * meta.strides[first]
    return first, second, length, start if length else 0


def _diagonal_rule(meta: Meta, offset: int = 0, dim1: int = 0, dim2: int = 1) -> tuple:
    first, second, length, _ = _diagonal_sizes(meta, offset, dim1, dim2)
    rest = [dim for dim in range(meta.ndim) if dim not in (first, second)]
    step = meta.strides[first] + meta.strides[second]
    return (
        (*[meta.shape[dim] for dim in rest], length),
        (*[meta.strides[dim] for dim in rest], step),
    )


def _diagonal_offset(meta, at, offset=0, dim1=0, dim2=1):
    return at + _diagonal_sizes(meta, offset, dim1, dim2)[3]


def _diagonal_on_host(array: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    return np.diagonal(array, offset, dim1, dim2)


@op(
    "diagonal(Tensor input, int64_t offset=0, int64_t dim1=0, int64_t dim2=1)",
    kind=View(_diagonal_rule, offset=_diagonal_offset),
    arity="view",
    host=_diagonal_on_host,
    host_vjp=view_vjp(_diagonal_on_host),
)
def diagonal(input, offset=0, dim1=0, dim2=1):
    """Return the view of a diagonal of two dimensions, which becomes the last dimension.

    Args:
        offset: which diagonal; above the main one where positive.
        dim1, dim2: the two dimensions.
    """
    return jnp.diagonal(input, offset, dim1, dim2)


# unfold


def _unfold_rule(meta: Meta, dimension: int, size: int, step: int) -> tuple:
    dim = normalise_dim(dimension, meta.ndim)
    available = meta.shape[dim] if meta.ndim else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > available:
        raise RuntimeError(
            f"maximum size for tensor at dimension {dim} is {available} but size is {size}"
        )
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not meta.ndim:
        return (size,), (1,)
    shape, strides = list(meta.shape), list(meta.strides)
    shape[dim] = (available - size) // step + 1
    strides[dim] *= step
    return (*shape, size), (*strides, meta.strides[dim])


def _unfold_on_host(array: Any, dimension: int, size: int, step: int) -> Any:
    if not array.ndim:
        return array.reshape(1)[:size]
    dim = dimension % array.ndim
    stretches = np.lib.stride_tricks.sliding_window_view(array, size, dim)
    return stretches[(slice(None),) * dim + (slice(None, None, step),)]


@op(
    "unfold(Tensor input, int64_t dimension, int64_t size, int64_t step)",
    kind=View(_unfold_rule),
    arity="view",
    function=False,
    host=_unfold_on_host,
    host_vjp=view_vjp(_unfold_on_host),
)
def unfold(input, dimension, size, step):
    """Return the view of all stretches of a dimension.

    Args:
        dimension: the dimension.
        size: length of a stretch, the last dimension of the view.
        step: how far apart the stretches begin.
    """
    if not input.ndim:
        return input.reshape(1)[:size]
    dim = dimension % input.ndim
    count = (input.shape[dim] - size) // step + 1
    where = (jnp.arange(count) * step)[:, None] + jnp.arange(size)
    taken = jnp.take(input, where.reshape(-1), axis=dim, mode="clip")
    taken = taken.reshape(*input.shape[:dim], count, size, *input.shape[dim + 1 :])
    return jnp.moveaxis(taken, dim + 1, -1)
