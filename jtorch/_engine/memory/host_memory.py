"""Memory shared with NumPy: a NumPy array is the truth, the storage's value a copy of it.

While the array, or any view of it, is alive outside of here, NumPy may write to it at any time, so
every read of a tensor in the storage looks at the array, and every write is written through at
once. When the last such array is gone the storage goes back to being a value like any other:
``w.detach().numpy()`` for a plot does not slow down the training that follows.
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

from ..._core.strides import is_contiguous, memory_order
from ..execution import transfer
from ..graph.values import LEAF, NO_GRAD, RESULT, Value, ready
from ..recording.storage import Storage, is_flipped, note_write
from ..recording.trace import materialise

#: A view of a larger storage is read by itself, not through the whole.
_LARGE = 1 << 14


class _Elements:
    """Tells NumPy where elements lie, and keeps the array alive that they lie in."""

    __slots__ = ("__array_interface__", "keeps")

    def __init__(self, interface: dict, keeps: np.ndarray):
        self.__array_interface__ = interface
        self.keeps = keeps


def _owner(array: np.ndarray) -> np.ndarray | None:
    """Return the array that owns the memory, ``None`` where something else than NumPy may."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if owner.base is None or isinstance(owner.base, bytes):
        return owner
    return None


def share(shared: Storage, array: np.ndarray) -> None:
    """Let an array be the memory of a storage.

    Args:
        shared: a storage whose value has the elements of the array.
        array: of the storage's shape and strides.
    """
    view = array.view(np.ndarray)
    shared.host = view
    shared.host_owner = _owner(view)
    shared.host_writable = array.flags.writeable
    note_write(shared.value, shared, (), shared.counter, shared.counter[0])


def expose(shared: Storage) -> None:
    """Give a storage an array that NumPy can share, where it has none."""
    if shared.host is not None:
        return
    meta = shared.meta
    source = np.asarray(materialise(shared.value, "numpy"))
    order = memory_order(meta.shape, meta.strides)
    if order is not None:
        memory = np.empty([meta.shape[dim] for dim in order], source.dtype)
        inverse = sorted(range(meta.ndim), key=order.__getitem__)
        array = memory.transpose(inverse)
    else:
        extent = 1 + sum((n - 1) * s for n, s in zip(meta.shape, meta.strides, strict=True))
        memory = np.zeros(extent, source.dtype)
        steps = tuple(step * source.itemsize for step in meta.strides)
        array = np.ndarray(meta.shape, source.dtype, memory, 0, steps)
    array[...] = source
    share(shared, array)


def view_at(shared: Storage, meta: Any, offset: int) -> np.ndarray:
    """Return the array of a tensor that lies in shared memory.

    Args:
        shared: the storage.
        meta: Meta of the tensor, of the storage's dtype.
        offset: where its first element lies, in elements.
    """
    host = shared.host
    itemsize = meta.dtype.itemsize
    interface = {
        "version": 3,
        "typestr": host.dtype.str,
        "data": (host.ctypes.data + offset * itemsize, not shared.host_writable),
        "shape": meta.shape,
        "strides": None
        if is_contiguous(meta.shape, meta.strides)
        else tuple([stride * itemsize for stride in meta.strides]),
    }
    return np.asarray(_Elements(interface, host.view()))


def has_other_users(shared: Storage) -> bool:
    """Return whether any array outside of here can see the shared memory."""
    owner = shared.host_owner
    # Held by the storage, by the base of its view, by this function and by the call below.
    return owner is None or getrefcount(owner) > 4


def refresh(shared: Storage) -> None:
    """Take a storage's value from the shared memory, and end the sharing where no array has it."""
    _take(shared)
    if not has_other_users(shared):
        shared.host = shared.host_owner = None


def _take(shared: Storage) -> None:
    before: Value = shared.value
    host = shared.host
    known = np.asarray(materialise(before, "read memory shared with NumPy"))
    if (known == host).all():
        return
    value = ready(transfer.put(np.array(host, order="C"), before.meta.device), before.meta)
    if before.meta.grad == LEAF:
        value.owner = before.owner
    elif before.meta.grad == RESULT:
        value.segment, value.slot = before.segment, before.slot
    shared.value = value
    shared.version += 1


def is_costly_to_read(tensor: Any) -> bool:
    """Return whether a tensor lies in so much shared memory that looking at all of it takes time.

    Such a tensor is not read to make a view of it or to take a few of its elements.
    """
    shared = tensor._alias.storage
    return (
        shared.host is not None
        and shared.meta.nbytes >= _LARGE
        and tensor._value.meta.grad == NO_GRAD
        and tensor._value.meta.dtype is shared.meta.dtype
        and shared.value.meta.grad == NO_GRAD
        and not is_flipped(tensor)
        and has_other_users(shared)
    )


def read_part(tensor: Any, offset: int) -> Value | None:
    """Return the value of a small view of large shared memory; ``None`` if that is not what it is.

    Args:
        tensor: a tensor that lies in shared memory.
        offset: where its first element lies, in elements.
    """
    meta = tensor._value.meta
    shared = tensor._alias.storage
    if (
        meta.grad != NO_GRAD
        or shared.value.meta.grad != NO_GRAD
        or meta.dtype is not shared.meta.dtype
        or shared.meta.nbytes < _LARGE
        or meta.nbytes * 4 > shared.meta.nbytes
        or is_flipped(tensor)
    ):
        return None
    return ready(np.array(view_at(shared, meta, offset), order="C"), meta)


def write(tensor: Any, value: Value, offset: int) -> None:
    """Write a tensor's new value through to shared memory.

    Args:
        tensor: a tensor of the storage's dtype.
        value: its value from now on.
        offset: where its first element lies, in elements.
    """
    shared = tensor._alias.storage
    array = np.asarray(materialise(value, "write to memory shared with NumPy"))
    if not shared.host_writable:
        # PyTorch warns when such an array is shared, then writes all the same.
        shared.host_writable = True
    view_at(shared, value.meta, offset)[...] = array
