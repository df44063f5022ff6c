"""Storages as a file knows them: flat bytes under a key, and class names that tell the dtype."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core import dtypes
from .._core.dtypes import dtype as DType
from . import _adapter

#: PyTorch's storage classes. ``None`` stands for what this library has no numbers for.
DTYPE_OF_CLASS: dict[str, DType | None] = {
    f"{scalar_type}Storage": dtypes.BY_LEGACY_NAME.get(scalar_type)
    for scalar_type in (
        "Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool",
        "ComplexFloat", "ComplexDouble", "QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4",
    )
}  # fmt: skip
CLASS_OF_DTYPE = {dtype: name for name, dtype in DTYPE_OF_CLASS.items() if dtype is not None}
UNTYPED = "UntypedStorage"
_UNTYPED_NAMES = (UNTYPED, "TypedStorage")


class StorageType:
    """The storage class that a file names, such as ``torch.FloatStorage``.

    Args:
        name: without the module.
    Raises:
        KeyError: for a name that PyTorch does not have.
    """

    def __init__(self, name: str):
        if name not in DTYPE_OF_CLASS and name not in _UNTYPED_NAMES:
            raise KeyError(f'pickle storage type "{name}" is not recognized')
        self.name = name

    @property
    def dtype(self) -> DType:
        """The dtype of the elements; bytes for an untyped storage."""
        if self.name in _UNTYPED_NAMES:
            return dtypes.uint8
        dtype = DTYPE_OF_CLASS[self.name]
        if dtype is None:
            raise NotImplementedError(
                f"the file holds a quantized tensor (torch.{self.name}); jtorch has none"
            )
        return dtype

    @property
    def is_untyped(self) -> bool:
        """Whether the file leaves the dtype to the tensors."""
        return self.name in _UNTYPED_NAMES

    def __str__(self) -> str:
        return f"StorageType(dtype={self.dtype})"


@dataclass(frozen=True)
class StorageDescription:
    """What saving needs to know of a storage.

    Attributes:
        key: hashable; equal for two storages only if they are one.
        nbytes: of the whole storage.
        contents: returns the bytes as a flat NumPy array.
        device: such as ``"cpu"`` or ``"cuda:0"``.
    """

    key: Any
    nbytes: int
    contents: Any
    device: str


@dataclass(frozen=True)
class TensorDescription:
    """What saving needs to know of a tensor; offset and strides count elements.

    Attributes:
        metadata: ``{"conj": True}`` or ``{"neg": True}`` where the storage holds the values before
            a lazy conjugation or negation.
    """

    storage: StorageDescription
    dtype: DType
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    requires_grad: bool
    metadata: dict[str, bool] | None = None


class LoadedStorage:
    """The bytes of one storage of a file, and where they are to live.

    Two tensors of one storage share memory because ``handle`` keeps the storage that the first of
    them made.

    Attributes:
        data: flat array of bytes, or ``None`` on the meta device.
        dtype: of the elements, or ``None`` if only the tensors know.
        class_dtype: what the file's storage class says of ``dtype``.
        location: device, as the file or ``map_location`` names it.
        handle: what the tensor world keeps here.
        root: the storage of which this is a part, itself as a rule.
        byte_offset: where in ``root`` it begins.
        bare_references: how often the file names it outside a tensor.
        swap: whether its bytes are in the other order than this machine's.
        lazy: whether it is a part of a mapped file.
    """

    __slots__ = (
        "data",
        "dtype",
        "class_dtype",
        "location",
        "handle",
        "root",
        "byte_offset",
        "bare_references",
        "swap",
        "lazy",
        "_nbytes",
    )

    def __init__(
        self,
        data: np.ndarray | None,
        dtype: DType | None,
        location: str,
        nbytes: int | None = None,
    ):
        self.data = data
        self.dtype = self.class_dtype = dtype
        self.location = location
        self.handle: Any = None
        self.root = self
        self.byte_offset = 0
        self.bare_references = 0
        self.swap = False
        self.lazy = False
        self._nbytes = len(data) if data is not None else nbytes or 0

    def part(self, byte_offset: int, nbytes: int) -> LoadedStorage:
        """Return a stretch of this storage, sharing its memory."""
        if byte_offset < 0 or nbytes < 0 or byte_offset + nbytes > self._nbytes:
            raise RuntimeError(
                f"the file describes bytes {byte_offset} to {byte_offset + nbytes} of a storage "
                f"of {self._nbytes} bytes"
            )
        data = None if self.data is None else self.data[byte_offset : byte_offset + nbytes]
        piece = LoadedStorage(data, self.dtype, self.location, nbytes)
        piece.root = self.root
        piece.byte_offset = self.byte_offset + byte_offset
        return piece

    def moved(self, location: str) -> LoadedStorage:
        """Return the same bytes bound for another device."""
        if location == self.location:
            return self
        if location == "meta":
            return LoadedStorage(None, self.dtype, location, self._nbytes)
        moved = LoadedStorage(self.data, self.dtype, location, self._nbytes)
        moved.swap = self.swap
        moved.lazy = self.lazy
        return moved

    def fill(self, contents: np.ndarray) -> None:
        """Put the contents into a storage; tensors that were made of it see them."""
        if self.data is None:
            return
        self.data[:] = contents
        self.normalise()

    def normalise(self) -> None:
        """Bring the bytes into this machine's order, and those of bools to 0 or 1."""
        if self.data is None or self.dtype is None:
            return
        if self.swap:
            swapped = self.data.view(swap_unit(self.dtype)).byteswap()
            self.data[:] = swapped.view(np.uint8)
        if self.dtype is dtypes.bool_ and self.data.size and self.data.max() > 1:
            self.data[:] = self.data != 0

    def nbytes(self) -> int:
        """Return the number of bytes."""
        return self._nbytes

    size = __len__ = nbytes

    @property
    def device(self) -> Any:
        """The device on which the storage will live."""
        return _adapter.device(self.location)

    def cpu(self) -> LoadedStorage:
        """Return the storage, bound for the CPU."""
        return self.moved("cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False) -> LoadedStorage:
        """Return the storage, bound for a GPU."""
        if device is None:
            return self.moved("cuda:0")
        return self.moved(f"cuda:{device}" if isinstance(device, int) else str(device))

    def to(self, device: Any, non_blocking: bool = False) -> LoadedStorage:
        """Return the storage, bound for another device."""
        return self.moved(f"cuda:{device}" if isinstance(device, int) else str(device))


def swap_unit(dtype: DType) -> np.dtype:
    """Return the unsigned integer whose bytes are reversed when a dtype changes byte order."""
    itemsize = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
    return np.dtype(f"u{itemsize}")
