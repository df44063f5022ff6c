"""``torch.UntypedStorage`` and ``torch.TypedStorage``: the memory that tensors lie in.

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
from ._core.schema import set_type
from ._core.strides import memory_order
from ._engine.declare import METHODS
from ._engine.from_host import fresh_tensor
from ._engine.storage import Storage, current_value, storage_of
from ._engine.trace import materialise
from ._engine.values import Meta
from ._engine.views import storage_offset

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

    def __init__(self, *args: Any, **kwargs: Any):
        raise NotImplementedError(
            "storages cannot be made by themselves here: make a tensor and take untyped_storage()"
        )

    @classmethod
    def _of(cls, shared: Storage) -> UntypedStorage:
        made = object.__new__(cls)
        made._shared = shared
        return made

    _shared: Storage

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
        return cls._of(storage_of(fresh_tensor(array, BY_NAME["uint8"], Device("cpu"))))

    @property
    def __array_interface__(self) -> dict:
        return flat_elements(self._shared).view(np.uint8).__array_interface__

    def __getitem__(self, index: Any) -> Any:
        found = flat_elements(self._shared).view(np.uint8)[index]
        return self._of_bytes(found) if isinstance(index, slice) else int(found)

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and other._shared is self._shared

    def __hash__(self) -> int:
        return hash(self._shared.key)

    def __repr__(self) -> str:
        return (
            _shown(self.tolist()) + f"[torch.storage.UntypedStorage(device={self.device}) of "
            f"size {len(self)}]"
        )


class TypedStorage:
    """The elements of a storage, of one dtype."""

    __module__ = "torch.storage"

    def __init__(self, *args: Any, **kwargs: Any):
        raise NotImplementedError(
            "storages cannot be made by themselves here: make a tensor and take storage()"
        )

    @classmethod
    def _of(cls, shared: Storage, dtype: DType) -> TypedStorage:
        made = object.__new__(cls)
        made._shared = shared
        made.dtype = dtype
        return made

    _shared: Storage
    dtype: DType

    @property
    def device(self) -> Device:
        """Where the elements are."""
        return self._shared.meta.device

    def untyped(self) -> UntypedStorage:
        """Return the bytes."""
        return UntypedStorage._of(self._shared)

    def data_ptr(self) -> int:
        """Return the address of the first element, 0 where there is none."""
        return self.untyped().data_ptr()

    def nbytes(self) -> int:
        """Return the number of bytes."""
        return self.untyped().nbytes()

    def element_size(self) -> int:
        """Return the bytes of one element."""
        return self.dtype.itemsize

    def size(self) -> int:
        """Return the number of elements."""
        return self.nbytes() // self.dtype.itemsize

    def __len__(self) -> int:
        return self.size()

    def tolist(self) -> list:
        """Return the elements as a list of numbers."""
        return flat_elements(self._shared).view(self.dtype._numpy).tolist()

    def __getitem__(self, index: Any) -> Any:
        return self.tolist()[index]

    def __iter__(self) -> Iterator:
        return iter(self.tolist())

    def __repr__(self) -> str:
        return _shown(self.tolist()) + (
            f"[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size "
            f"{len(self)}]"
        )


def _shown(elements: list) -> str:
    lines = [f" {element}" for element in elements]
    return "\n".join(lines) + "\n" if lines else ""


def _warn_typed() -> None:
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
    return UntypedStorage._of(storage_of(self))


def typed_storage(self: Any) -> TypedStorage:
    """Return the memory of a tensor as elements of its dtype."""
    _warn_typed()
    current_value(self)
    return TypedStorage._of(storage_of(self), self.dtype)


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


METHODS.update(
    untyped_storage=untyped_storage,
    storage=typed_storage,
    _typed_storage=typed_storage,
    data_ptr=data_ptr,
    storage_offset=offset,
    _is_view=is_view,
    is_set_to=is_set_to,
)
set_type("Storage", (UntypedStorage, TypedStorage))

__all__ = ["TypedStorage", "UntypedStorage"]
