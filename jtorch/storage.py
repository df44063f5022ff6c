"""``torch.UntypedStorage``: the memory that tensors lie in.

Memory is a notion here: an array of JAX is never written to, so a storage is another array after
each write. Addresses have to stay, as PyTorch's do, and other libraries read from them. So a
storage on the CPU gets bytes of its own when its address is first asked for, and the elements are
copied there whenever it is asked for after a change. What is written there is not seen. On other
devices the address is made up.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._core.device import Device
from ._core.dtypes import BY_NAME
from ._core.dtypes import dtype as DType
from ._core.strides import memory_order
from ._engine.declare import publish
from ._engine.execution.devices import check
from ._engine.graph.values import Meta
from ._engine.memory.from_host import fresh_tensor
from ._engine.memory.views import storage_offset
from ._engine.recording.storage import Storage, current_value, storage_of
from ._engine.recording.trace import materialise
from .ops.shape.strided import as_strided

_ALIGNMENT = 64


class _Addresses:
    """Hands out stretches of a made-up address space."""

    def __init__(self) -> None:
        self.next = 0x5000_0000_0000
        self.lock = threading.Lock()

    def take(self, nbytes: int) -> int:
        with self.lock:
            address = self.next
            self.next += -(-max(nbytes, 1) // _ALIGNMENT) * _ALIGNMENT
        return address


_addresses = _Addresses()


def extent(meta: Meta) -> int:
    """Return how many elements of memory a tensor reaches over."""
    if not meta.numel:
        return 0
    return 1 + sum((n - 1) * s for n, s in zip(meta.shape, meta.strides, strict=True))


def address_of(shared: Storage) -> int:
    """Return the address of a storage, where its elements can be read on the CPU."""
    if shared.host is not None:
        return shared.host.ctypes.data
    nbytes = extent(shared.meta) * shared.meta.dtype.itemsize
    if shared.meta.device.type != "cpu":
        if shared.address is None:
            shared.address = _addresses.take(nbytes)
        return shared.address
    if shared.memory is None:
        block = np.empty(nbytes + _ALIGNMENT, np.uint8)
        start = -block.ctypes.data % _ALIGNMENT
        shared.memory = block[start : start + nbytes]
        shared.address = shared.memory.ctypes.data
    if shared.memory_of is not shared.value:
        shared.memory[:] = flat_elements(shared).view(np.uint8)
        shared.memory_of = shared.value
    assert shared.address is not None
    return shared.address


def flat_elements(shared: Storage) -> np.ndarray:
    """Return the elements of a storage in the order of its memory; not to be written to."""
    meta = shared.meta
    source = shared.host
    if source is None:
        source = materialise(shared.value, "storage")
    array = np.asarray(source).reshape(meta.shape)
    order = memory_order(meta.shape, meta.strides)
    if order is not None:
        return np.ascontiguousarray(array.transpose(order)).reshape(-1)
    flat = np.zeros(extent(meta), array.dtype)
    byte_strides = tuple(s * flat.itemsize for s in meta.strides)
    np.lib.stride_tricks.as_strided(flat, meta.shape, byte_strides)[...] = array
    return flat


class UntypedStorage:
    """The bytes of a storage."""

    __module__ = "torch.storage"

    _shared: Storage
    _owner: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> UntypedStorage:
        device = kwargs.get("device")
        if len(args) > 1:
            raise _untyped_arguments(args)
        found = args[0] if args else 0
        if isinstance(found, int):
            array = np.zeros(found, np.uint8)
        elif not hasattr(found, "__len__") or not hasattr(found, "__getitem__"):
            raise RuntimeError(
                f"torch.UntypedStorage(): Expected a sequence type, but got {type(found).__name__}"
            )
        else:
            wrong = next((each for each in found if not isinstance(each, int)), None)
            if wrong is not None:
                raise RuntimeError(
                    "torch.UntypedStorage(): tried to construct a storage from a sequence "
                    f"({type(found).__name__}), but one of the items was of type "
                    f"{type(wrong).__name__} instead of int"
                )
            array = np.array(list(found), np.int64).astype(np.uint8)
        place = check(Device("cpu" if device is None else device))
        return cls._of_tensor(fresh_tensor(array, BY_NAME["uint8"], place))

    @classmethod
    def _of(cls, shared: Storage, owner: Any) -> UntypedStorage:
        made = object.__new__(cls)
        made._shared = shared
        made._owner = owner
        return made

    @classmethod
    def _of_tensor(cls, tensor: Any) -> UntypedStorage:
        return cls._of(storage_of(tensor), tensor)

    def _elements(self, dtype: DType) -> Any:
        """Return a vector of all elements that shares their memory."""
        meta = self._shared.meta
        flat = as_strided(self._owner.detach(), (extent(meta),), (1,), 0)
        return flat if meta.dtype is dtype else flat.view(dtype)

    @property
    def device(self) -> Device:
        """Where the bytes are."""
        return self._shared.meta.device

    @property
    def is_cuda(self) -> bool:
        """Whether they are on a CUDA device."""
        return self.device.type == "cuda"

    def untyped(self) -> UntypedStorage:
        """Return the storage itself."""
        return self

    def data_ptr(self) -> int:
        """Return the address of the first byte, 0 where there is none."""
        return address_of(self._shared) if self.nbytes() else 0

    def nbytes(self) -> int:
        """Return the number of bytes."""
        return extent(self._shared.meta) * self._shared.meta.dtype.itemsize

    def size(self) -> int:
        """Return the number of bytes."""
        return self.nbytes()

    def element_size(self) -> int:
        """Return the bytes of one element: 1."""
        return 1

    def __len__(self) -> int:
        return self.nbytes()

    def tolist(self) -> list[int]:
        """Return the bytes as a list of ints."""
        return flat_elements(self._shared).view(np.uint8).tolist()

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """Return a storage of the bytes of a file, which are read as they are needed.

        Args:
            filename: the file.
            shared: whether writes go to the file, which is not supported.
            nbytes: how many bytes of it.
        Raises:
            RuntimeError: the file is shorter.
        """
        if shared:
            raise NotImplementedError("jtorch does not write to files through a storage")
        size = os.path.getsize(filename)
        if size < nbytes:
            raise RuntimeError(
                f"file <{os.fspath(filename)}> size <{size}> is smaller than the required "
                f"mapping size <{nbytes}>"
            )
        return cls._of_bytes(np.memmap(filename, np.uint8, "c", shape=(nbytes,)))

    @classmethod
    def _of_bytes(cls, array: np.ndarray) -> UntypedStorage:
        return cls._of_tensor(fresh_tensor(array, BY_NAME["uint8"], Device("cpu")))

    @property
    def __array_interface__(self) -> dict:
        return flat_elements(self._shared).view(np.uint8).__array_interface__

    def __getitem__(self, index: Any) -> Any:
        found = flat_elements(self._shared).view(np.uint8)[index]
        return self._of_bytes(found) if isinstance(index, slice) else int(found)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._elements(BY_NAME["uint8"])[index] = value

    def fill_(self, value: int) -> UntypedStorage:
        """Write a number to every byte."""
        self._elements(BY_NAME["uint8"]).fill_(value)
        return self

    def copy_(self, source: UntypedStorage, non_blocking: bool = False) -> UntypedStorage:
        """Write the bytes of another storage of the same size."""
        _check_sizes(self.nbytes(), source.nbytes())
        self._elements(BY_NAME["uint8"]).copy_(source._elements(BY_NAME["uint8"]))
        return self

    def clone(self) -> UntypedStorage:
        """Return a storage of its own with the same bytes."""
        return self._of_tensor(self._elements(BY_NAME["uint8"]).clone())

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and other._shared is self._shared

    def __hash__(self) -> int:
        return hash(self._shared.key)

    def __repr__(self) -> str:
        return (
            shown(self) + f"[torch.storage.UntypedStorage(device={self.device}) of "
            f"size {len(self)}]"
        )


def _untyped_arguments(args: tuple) -> TypeError:
    names = ", ".join(type(each).__name__ for each in args)
    rest = "*, int allocator = None, torch.device device = None)"
    return TypeError(
        "torch.UntypedStorage() received an invalid combination of arguments - got "
        f"({names}), but expected one of:\n * ({rest}\n * (int size, {rest}\n"
        f" * (object sequence, {rest}\n"
    )


def _check_sizes(own: int, other: int) -> None:
    if own != other:
        raise RuntimeError(f"size does not match, self was {own} bytes but src was {other} bytes")


def shown(storage: Any) -> str:
    """Return the lines that a storage prints for its elements."""
    if storage.device.type == "meta":
        return "...\n"
    lines = [f" {element}" for element in storage.tolist()]
    return "\n".join(lines) + "\n" if lines else " \n"


def warn_typed() -> None:
    """Warn once that typed storages are deprecated."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will "
            "be the only storage class. This should only matter to you if you are using storages "
            "directly.  To access UntypedStorage directly, use tensor.untyped_storage() instead "
            "of tensor.storage()",
            UserWarning,
            stacklevel=3,
        )


_warned = False


def untyped_storage(self: Any) -> UntypedStorage:
    """Return the memory of a tensor as bytes."""
    current_value(self)
    return UntypedStorage._of_tensor(self)


def data_ptr(self: Any) -> int:
    """Return the address of the first element, 0 for a tensor without elements."""
    meta = self._value.meta
    if not meta.numel:
        return 0
    return address_of(storage_of(self)) + storage_offset(self) * meta.dtype.itemsize


def offset(self: Any) -> int:
    """Return where in its storage the first element lies, in elements."""
    return storage_offset(self)


def is_view(self: Any) -> bool:
    """Return whether the tensor is a view of another one."""
    alias = self._alias
    return alias is not None and alias.base is not None


def is_set_to(self: Any, tensor: Any) -> bool:
    """Return whether two tensors are the same elements of one storage, in the same layout."""
    mine, its = self._value.meta, tensor._value.meta
    return (
        storage_of(self) is storage_of(tensor)
        and storage_offset(self) == storage_offset(tensor)
        and (mine.shape, mine.strides) == (its.shape, its.strides)
    )


publish("untyped_storage", method=untyped_storage, refused=("(Tensor input)",))
publish("data_ptr", method=data_ptr, refused=("(Tensor input)",))
publish("storage_offset", method=offset, refused=("(Tensor input)",))
publish("_is_view", method=is_view)
publish("is_set_to", method=is_set_to, refused=("(Tensor input, Tensor tensor)",))

from ._runtime.typed_storage import TypedStorage, _LegacyStorage  # noqa: E402, F401  of these

__all__ = ["TypedStorage", "UntypedStorage"]
