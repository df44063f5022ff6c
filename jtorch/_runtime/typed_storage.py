"""``torch.TypedStorage``, and its old names (``torch.FloatStorage``, ...)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._core import dtypes
from .._core.device import CPU, Device
from .._core.dtypes import dtype as DType
from .._core.schema.schema import set_type
from .._engine.declare import publish
from .._engine.execution.devices import check
from .._engine.graph.values import is_tensor
from .._engine.recording.storage import current_value
from .._engine.recording.trace import local
from .._tensor.constructors import tensor as tensor_function
from ..ops.creation.creation import zeros
from ..storage import UntypedStorage, flat_elements, shown, warn_typed


class TypedStorage:
    """The elements of a storage, of one dtype.

    Args:
        *args: how many elements, or a sequence of numbers; none for an empty storage.
        wrap_storage: the bytes to share instead.
        dtype: of the elements; the default dtype unless given.
        device: where they are.
    """

    __module__ = "torch.storage"

    _bytes: UntypedStorage
    dtype: DType

    def __new__(
        cls,
        *args: Any,
        wrap_storage: Any = None,
        dtype: Any = None,
        device: Any = None,
        _internal: bool = False,
    ) -> TypedStorage:
        warn_typed()
        if cls is _LegacyStorage:
            raise RuntimeError("Only child classes of _LegacyStorage can be instantiated")
        legacy = cls is not TypedStorage
        heading = _LEGACY.format(cls) if legacy else _FORMS
        if legacy:
            for name, given in (("dtype", dtype), ("device", device)):
                if given is not None:
                    raise RuntimeError(f"{heading}\nKeyword argument '{name}' cannot be specified")
            dtype = cls.dtype
        if wrap_storage is not None:
            return cls._wrapped(args, wrap_storage, dtype, device, heading)
        if len(args) > 1:
            raise RuntimeError(f"{heading}\nToo many positional arguments")
        return cls._made(args[0] if args else 0, dtype, device, heading)

    @classmethod
    def _wrapped(
        cls, args: tuple, wrapped: Any, dtype: Any, device: Any, heading: str
    ) -> TypedStorage:
        if args:
            raise RuntimeError(
                f"{heading}\nNo positional arguments should be given when using 'wrap_storage'"
            )
        if dtype is None:
            raise RuntimeError(f"{heading}\nArgument 'dtype' must be specified")
        if not isinstance(dtype, DType):
            raise TypeError(f"{heading}\nArgument 'dtype' must be torch.dtype, not {type(dtype)}")
        if device is not None:
            raise RuntimeError(
                f"{heading}\nArgument 'device' should not be specified when 'wrap_storage' is given"
            )
        if not isinstance(wrapped, UntypedStorage):
            raise TypeError(
                f"{heading}\nArgument 'wrap_storage' must be UntypedStorage, but got "
                f"{type(wrapped)}"
            )
        return cls._of(wrapped, dtype)

    @classmethod
    def _made(cls, given: Any, dtype: Any, device: Any, heading: str) -> TypedStorage:
        if dtype is None:
            dtype = local.trace.mode.default_dtype
        place = check(Device("cpu" if device is None else device))
        if isinstance(given, int):
            tensor = zeros((int(given),), dtype=dtype, device=place)
        elif is_tensor(given) or not hasattr(given, "__getitem__"):
            raise TypeError(f"{heading}\nArgument type not recognized: {type(given)}")
        else:
            data = given.tolist() if isinstance(given, TypedStorage) else given
            tensor = tensor_function(data, dtype=dtype, device=place)
        return cls._of(UntypedStorage._of_tensor(tensor), dtype)

    @classmethod
    def _of(cls, untyped: UntypedStorage, dtype: DType) -> TypedStorage:
        storage = object.__new__(TypedStorage)
        storage._bytes = untyped
        storage.dtype = dtype
        return storage

    @property
    def device(self) -> Device:
        """Where the elements are."""
        return self._bytes.device

    @property
    def is_cuda(self) -> bool:
        """Whether they are on a CUDA device."""
        return self._bytes.is_cuda

    is_sparse = False

    @property
    def filename(self) -> None:
        """The file that the memory is mapped to: none."""

    def is_shared(self) -> bool:
        """Return whether other processes see the memory: on GPUs they can."""
        return self.is_cuda

    def is_pinned(self, device: Any = "cuda") -> bool:
        """Return whether the memory is pinned: never."""
        return False

    def resizable(self) -> bool:
        """Return whether the size may change."""
        return True

    def untyped(self) -> UntypedStorage:
        """Return the bytes."""
        return self._bytes

    def data_ptr(self) -> int:
        """Return the address of the first element, 0 where there is none."""
        return self._bytes.data_ptr()

    def nbytes(self) -> int:
        """Return the number of bytes."""
        return self._bytes.nbytes()

    def element_size(self) -> int:
        """Return the bytes of one element."""
        return self.dtype.itemsize

    def size(self) -> int:
        """Return the number of elements."""
        return self.nbytes() // self.dtype.itemsize

    def __len__(self) -> int:
        return self.size()

    def _elements(self, dtype: DType | None = None) -> Any:
        """Return a vector of all elements that shares their memory."""
        return self._bytes._elements(self.dtype)

    def tolist(self) -> list:
        """Return the elements as a list of numbers."""
        return flat_elements(self._bytes._shared).view(self.dtype._numpy).tolist()

    def pickle_storage_type(self) -> str:
        """Return the old name of the class, such as ``"FloatStorage"``."""
        storage_class = _CLASS_OF.get(self.dtype)
        if storage_class is None:
            raise KeyError(f"dtype {self.dtype} is not recognized")
        return storage_class.__name__

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Return the old name of the type; or the elements as another one.

        Args:
            dtype: a class such as ``torch.DoubleStorage``, or its name.
        """
        if dtype is None:
            place = "" if self.device is CPU else f"{self.device.type}."
            return f"torch.{place}{self.pickle_storage_type()}"
        if isinstance(dtype, str):
            dtype = STORAGES[dtype.removeprefix("torch.")]
        return self._as(dtype.dtype)

    def _as(self, dtype: DType) -> TypedStorage:
        if dtype is self.dtype:
            return self
        return self._of(UntypedStorage._of_tensor(self._elements().to(dtype)), dtype)

    def cpu(self) -> TypedStorage:
        """Return the storage itself where it is on the CPU, else a copy there."""
        if self.device is CPU:
            return self
        return self._of(UntypedStorage._of_tensor(self._elements().cpu()), self.dtype)

    def clone(self) -> TypedStorage:
        """Return a storage of its own with the same elements."""
        return self._of(UntypedStorage._of_tensor(self._elements().clone()), self.dtype)

    def copy_(self, source: TypedStorage, non_blocking: bool | None = None) -> TypedStorage:
        """Write the elements of another storage of the same size."""
        self._elements().copy_(source._elements())
        return self

    def fill_(self, value: Any) -> TypedStorage:
        """Write a number to every element."""
        self._elements().fill_(value)
        return self

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        if not isinstance(index, int):
            raise RuntimeError(f"can't index a {type(self)} with {type(index)}")
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} out of range for storage of size {len(self)}")
        return flat_elements(self._bytes._shared).view(self.dtype._numpy)[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(index, (int, slice)):
            raise RuntimeError(f"can't index a {type(self)} with {type(index)}")
        self._elements()[index] = value

    def __iter__(self) -> Iterator:
        return iter(self.tolist())

    def __copy__(self) -> TypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict) -> TypedStorage:
        return memo.setdefault(id(self), self.clone())

    def __repr__(self) -> str:
        return shown(self) + (
            f"[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size "
            f"{len(self)}]"
        )


def _conversion(name: str, dtype: DType) -> Any:
    def convert(self: TypedStorage) -> TypedStorage:
        return self._as(dtype)

    convert.__name__, convert.__qualname__ = name, f"TypedStorage.{name}"
    convert.__doc__ = f"Return the elements as {dtype}."
    return convert


for _method, _dtype in {
    "bfloat16": dtypes.bfloat16, "bool": dtypes.bool_, "byte": dtypes.uint8, "char": dtypes.int8,
    "complex_double": dtypes.complex128, "complex_float": dtypes.complex64,
    "double": dtypes.float64, "float": dtypes.float32, "half": dtypes.float16,
    "int": dtypes.int32, "long": dtypes.int64, "short": dtypes.int16,
}.items():  # fmt: skip
    setattr(TypedStorage, _method, _conversion(_method, _dtype))


_FORMS = """TypedStorage.__init__ received an invalid combination of arguments. Expected one of:
 * (*, torch.device device, torch.dtype dtype)
 * (int size, *, torch.device device, torch.dtype dtype)
 * (Sequence data, *, torch.device device, torch.dtype dtype)
 * (*, UntypedStorage wrap_storage, torch.dtype dtype)"""
_LEGACY = """{}.__new__ received an invalid combination of arguments. Expected one of:
 * no arguments
 * (int size)
 * (Sequence data)
 * (*, UntypedStorage wrap_storage)"""


class _LegacyType(type):
    def __instancecheck__(cls, value: object) -> bool:
        if cls is _LegacyStorage:
            return isinstance(value, TypedStorage)
        return isinstance(value, TypedStorage) and value.device is CPU and value.dtype is cls.dtype

    dtype: DType


class _LegacyStorage(TypedStorage, metaclass=_LegacyType):
    """What the old classes of storages have in common; their instances are typed storages."""

    __module__ = "torch.storage"

    @classmethod
    def from_buffer(cls, *args: Any, **kwargs: Any) -> TypedStorage:
        """Return a storage of the bytes of a buffer.

        Args:
            buffer: an object with bytes.
            byte_order: ``"native"``, ``"little"`` or ``"big"``.
        """
        buffer = args[0] if args else kwargs["buffer"]
        order = args[1] if len(args) > 1 else kwargs.get("byte_order", "native")
        held = cls.dtype._numpy
        array = np.frombuffer(buffer, np.uint8).copy()
        if order == "big":
            array = array.reshape(-1, held.itemsize)[:, ::-1].reshape(-1).copy()
        return cls._of(UntypedStorage._of_bytes(array), cls.dtype)


def _legacy(name: str, dtype: DType) -> _LegacyType:
    body = {
        "__module__": "torch",
        "dtype": dtype,
        "__doc__": f"Storages of {dtype} on the CPU; what is made is a ``TypedStorage``.",
    }
    return _LegacyType(f"{name}Storage", (_LegacyStorage,), body)


#: The old classes by name.
STORAGES = {
    f"{_name}Storage": _legacy(_name, dtypes.BY_LEGACY_NAME[_name])
    for _name in (
        "Double", "Float", "Half", "Long", "Int", "Short", "Char", "Byte", "Bool", "BFloat16",
        "ComplexDouble", "ComplexFloat",
    )
}  # fmt: skip
_CLASS_OF = {each.dtype: each for each in STORAGES.values()}


def typed_storage(self: Any) -> TypedStorage:
    """Return the memory of a tensor as elements of its dtype."""
    warn_typed()
    current_value(self)
    return TypedStorage._of(UntypedStorage._of_tensor(self), self.dtype)


def storage_type(self: Any) -> Any:
    """Return the old class of a tensor's storage, such as ``torch.FloatStorage``."""
    return _CLASS_OF.get(self.dtype)


publish("storage", method=typed_storage)
publish("_typed_storage", method=typed_storage)
publish("storage_type", method=storage_type)
set_type("Storage", (UntypedStorage, TypedStorage))
