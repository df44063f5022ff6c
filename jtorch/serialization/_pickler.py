"""Pickling what ``save`` is given, under PyTorch's names and with storages set apart."""

from __future__ import annotations

import io
import pickle
import sys
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType
from typing import Any, TypeVar

from .._core.device import Device
from .._core.dtypes import dtype as DType
from .._core.layout import layout as Layout
from .._core.size import Size
from .._engine.graph.values import SparseBase
from . import _adapter
from ._by_name import reduce_by_name
from ._map_location import written_location
from ._messages import TWO_DTYPES
from ._names import written_name
from ._storage import CLASS_OF_DTYPE, StorageDescription, TensorDescription

#: Lists longer than this, of numbers only, are pickled by Python's C code.
_LONG_LIST = 64
_Result = TypeVar("_Result")
_NUMBERS = frozenset((int, float, bool, type(None)))


class _Global:
    """Something that is written as one of PyTorch's names."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str):
        self.module = module
        self.name = name

    def __call__(self, *args: Any) -> Any:
        # ``pickle`` asks only whether a function can be called.
        raise NotImplementedError(f"{self.module}.{self.name} is a name to be written")


_REBUILD_V2 = _Global("torch._utils", "_rebuild_tensor_v2")
_REBUILD_V3 = _Global("torch._utils", "_rebuild_tensor_v3")
_REBUILD_META = _Global("torch._utils", "_rebuild_meta_tensor_no_storage")
_REBUILD_PARAMETER = _Global("torch._utils", "_rebuild_parameter")
_REBUILD_PARAMETER_WITH_STATE = _Global("torch._utils", "_rebuild_parameter_with_state")
_REBUILD_FROM_TYPE = _Global("torch._tensor", "_rebuild_from_type_v2")
_REBUILD_SPARSE = _Global("torch._utils", "_rebuild_sparse_tensor")
_GET_LAYOUT = _Global("torch.serialization", "_get_layout")
_SIZE = _Global("torch", "Size")
_DEVICE = _Global("torch", "device")
_TENSOR = _Global("torch", "Tensor")
_UNTYPED = _Global("torch.storage", "UntypedStorage")
_STORAGE_CLASSES = {dtype: _Global("torch", name) for dtype, name in CLASS_OF_DTYPE.items()}


class StorageReference:
    """Stands for a storage inside the pickle, seen through a dtype or as bytes.

    Args:
        description: of the storage.
        dtype: ``None`` for bytes.
    """

    __slots__ = ("description", "dtype")

    def __init__(self, description: StorageDescription, dtype: DType | None):
        self.description = description
        self.dtype = dtype

    def identifier(self, key: str) -> tuple:
        """Return what the pickle says instead of the storage.

        Args:
            key: names the storage inside the file.
        Raises:
            KeyError: for a typed storage of a dtype that has no storage class.
        """
        if self.dtype is not None and self.dtype not in _STORAGE_CLASSES:
            raise KeyError(f"dtype {self.dtype} is not recognized")
        storage_class = _UNTYPED if self.dtype is None else _STORAGE_CLASSES[self.dtype]
        itemsize = 1 if self.dtype is None else self.dtype.itemsize
        numel = self.description.nbytes // itemsize
        # One object for one word: the pickle then repeats a reference, not the word.
        location = sys.intern(written_location(self.description))
        return ("storage", storage_class, key, location, numel)


class StorageTable:
    """The storages met while pickling, each one once, in order of appearance."""

    def __init__(self) -> None:
        self.descriptions: dict[Any, StorageDescription] = {}
        self._keys: dict[Any, str] = {}
        self._dtypes: dict[Any, DType | None] = {}

    def key(self, reference: StorageReference) -> str:
        """Return the key of a storage, noting it if it is new.

        Raises:
            RuntimeError: if the storage was seen under another dtype.
        """
        description = reference.description
        if description.nbytes and description.device != "meta":
            seen = self._dtypes.setdefault(description.key, reference.dtype)
            if _dtype_of(seen) is not _dtype_of(reference.dtype):
                raise RuntimeError(TWO_DTYPES)
        key = self._keys.setdefault(description.key, str(len(self._keys)))
        self.descriptions.setdefault(description.key, description)
        return key

    def items(self) -> list[tuple[str, StorageDescription, DType | None]]:
        """Return the key, description and dtype of every storage."""
        return [
            (self._keys[identity], description, self._dtypes.get(identity))
            for identity, description in self.descriptions.items()
        ]


def _dtype_of(dtype: DType | None) -> Any:
    # PyTorch takes an untyped storage for one of bytes.
    return dtype if dtype is not None and dtype._name != "uint8" else None


class _Inner:
    """Stands for the tensor inside a parameter, which never requires grad."""

    __slots__ = ("description",)

    def __init__(self, description: TensorDescription):
        self.description = replace(description, requires_grad=False)


def _warn_of_hooks(tensor: Any) -> None:
    for hook in _adapter.hooks(tensor):
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, "
                "you can decorate the function with @torch.utils.hooks.unserializable_hook to "
                "suppress this warning",
                stacklevel=2,
            )


def _reduce_tensor(tensor: Any) -> tuple:
    _warn_of_hooks(tensor)
    description = _adapter.describe(tensor)
    function, args = _tensor_parts(description)
    state = _adapter.python_state(tensor)
    kind = type(tensor)
    plain = kind is _adapter.tensor_type()
    if plain and not state:
        return function, args
    return _REBUILD_FROM_TYPE, (function, _TENSOR if plain else kind, args, state)


def _tensor_parts(description: TensorDescription) -> tuple[_Global, tuple]:
    dtype = description.dtype
    if description.storage.device == "meta":
        return _REBUILD_META, (
            dtype,
            (*description.size,),
            (*description.stride,),
            description.requires_grad,
        )
    typed = dtype in _STORAGE_CLASSES
    # New tuples: the pickle would otherwise repeat a reference where PyTorch's has the numbers.
    size, stride = (*description.size,), (*description.stride,)
    args: tuple[Any, ...] = (
        StorageReference(description.storage, dtype if typed else None),
        description.offset,
        size,
        stride,
        description.requires_grad,
        OrderedDict(),
    )
    if not typed:
        args += (dtype,)
    if description.metadata:
        args += (description.metadata,)
    return (_REBUILD_V2 if typed else _REBUILD_V3), args


def _reduce_parameter(parameter: Any) -> tuple:
    data = _Inner(_adapter.describe(parameter))
    state = _adapter.python_state(parameter)
    args: tuple = (data, bool(parameter.requires_grad), OrderedDict())
    if state:
        return _REBUILD_PARAMETER_WITH_STATE, (*args, state)
    return _REBUILD_PARAMETER, args


class _TorchNames:
    """What a pickler does differently; ``persistent_storage`` is set by ``make_pickler``."""

    persistent_storage: Callable[[StorageReference], tuple]
    persistent_class: Callable[[type], tuple | None] | None = None

    def persistent_id(self: Any, obj: Any) -> Any:
        if type(obj) is StorageReference:
            return self.persistent_storage(obj)
        if isinstance(obj, type):
            return self.persistent_class(obj) if self.persistent_class else None
        described = _adapter.describe_storage(obj)
        if described is None:
            return None
        return self.persistent_storage(StorageReference(*described))

    def reducer_override(self: Any, obj: Any) -> Any:
        if isinstance(obj, SparseBase):
            return _REBUILD_SPARSE, _adapter.describe_sparse(obj)
        if type(obj) is Layout:
            return _GET_LAYOUT, (str(obj),)
        if isinstance(obj, _adapter.tensor_type()):
            if hasattr(type(obj), "cls_to_become"):
                # A parameter without a shape yet: made again by its class, as PyTorch's are.
                return type(obj), (obj.requires_grad,)  # type: ignore[attr-defined]
            if type(obj) is _adapter.parameter_type():
                return _reduce_parameter(obj)
            return _reduce_tensor(obj)
        if type(obj) is _Inner:
            return _tensor_parts(obj.description)
        if type(obj).__reduce_ex__ is reduce_by_name:
            return object.__reduce_ex__(obj, self.proto)  # by its class, as PyTorch's are
        if type(obj) is Size:
            return _SIZE, (tuple(obj),)
        if type(obj) is Device:
            return _DEVICE, (obj.type,) if obj.index is None else (obj.type, obj.index)
        return NotImplemented

    def save_global(self: Any, obj: Any, name: str | None = None) -> None:
        if type(obj) is _Global:
            self._write_name(obj, obj.module, obj.name)
            return
        if type(obj) is DType:
            self._write_name(obj, "torch", obj._name)
            return
        qualified = name or getattr(obj, "__qualname__", None) or obj.__name__
        written = written_name(obj, qualified)
        if written is not None:
            self._write_name(obj, *written)
            return
        try:
            super().save_global(obj, name)  # type: ignore[misc]
        except pickle.PicklingError:
            # Python's C code, which PyTorch uses, has other words for the same.
            pickle.dumps(obj, self.proto)
            raise

    def _write_name(self: Any, obj: Any, module: str, name: str) -> None:
        if self.proto >= 4:
            self.save(module)
            self.save(name)
            self.write(pickle.STACK_GLOBAL)
        else:
            text = f"{module}\n{name}\n".encode()
            self.write(pickle.GLOBAL + text)
        self.memoize(obj)

    def _save_list(self: Any, obj: list) -> None:
        """Pickle a list; a long one of plain numbers by C code, which writes the same bytes."""
        if len(obj) < _LONG_LIST or self.proto != 2 or not _NUMBERS.issuperset(map(type, obj)):
            _pickle_list(self, obj)
            return
        self.write(pickle.EMPTY_LIST)
        self.memoize(obj)
        # Without the protocol, the list and its place in the memo, and the final STOP.
        self.write(pickle.dumps(obj, 2)[len(b"\x80\x02]q\x00") : -1])

    def _save_named(self: Any, obj: Any) -> None:
        self.save_global(obj)


# The Python implementation: the one in C offers no way to choose the name of a class.
_Pickler = pickle._Pickler  # type: ignore[attr-defined]
_pickle_list = _Pickler.dispatch[list]


def _pickler_class(base: type) -> type:
    members = {
        "dispatch": {
            **base.dispatch,  # type: ignore[attr-defined]
            _Global: _TorchNames._save_named,
            DType: _TorchNames._save_named,
            list: _TorchNames._save_list,
            FunctionType: _TorchNames._save_named,
        }
    }
    return type("TorchPickler", (_TorchNames, base), members)


_DEFAULT_CLASS = _pickler_class(_Pickler)


def make_pickler(
    file: Any,
    protocol: int,
    pickle_module: Any,
    persistent_storage: Callable[[StorageReference], tuple],
    persistent_class: Callable[[type], tuple | None] | None = None,
) -> Any:
    """Return a pickler that writes tensors as PyTorch does.

    Args:
        file: has ``write``.
        protocol: of pickle; PyTorch's default is 2.
        pickle_module: ``pickle``, or a module whose ``Pickler`` derives from Python's own.
        persistent_storage: returns what is written instead of a storage.
        persistent_class: returns what is written instead of a class, or ``None``.
    Raises:
        NotImplementedError: for a pickler written in C.
    """
    kind = _DEFAULT_CLASS
    if pickle_module is not pickle:
        base = pickle_module.Pickler
        if not (isinstance(base, type) and issubclass(base, _Pickler)):
            raise NotImplementedError(
                f"saving by the Pickler of {pickle_module.__name__} is not supported: it must "
                "derive from Python's own implementation, as dill's does"
            )
        kind = _pickler_class(base)
    pickler = kind(file, protocol=protocol)
    pickler.persistent_storage = persistent_storage
    pickler.persistent_class = persistent_class
    return pickler


def pickle_object(obj: Any, protocol: int, pickle_module: Any) -> tuple[bytes, StorageTable]:
    """Return the pickle of an object for a zip archive, and the storages that belong to it."""

    def attempt() -> tuple[bytes, StorageTable]:
        table = StorageTable()
        buffer = io.BytesIO()
        pickler = make_pickler(
            buffer,
            protocol,
            pickle_module,
            lambda reference: reference.identifier(table.key(reference)),
        )
        pickler.dump(obj)
        return buffer.getvalue(), table

    return deeper(attempt)


_recursion_lock = threading.Lock()
#: Python's pickler makes about this many calls where the one in C makes one.
_CALLS_PER_LEVEL = 3


def deeper(attempt: Callable[[], _Result]) -> _Result:
    """Return what a function returns; let it recurse as deeply as pickling in C would.

    Args:
        attempt: may be called twice.
    Raises:
        RecursionError: if that is not enough.
    """
    try:
        return attempt()
    except RecursionError:
        pass
    with _recursion_lock:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(_CALLS_PER_LEVEL * limit)
        try:
            return attempt()
        finally:
            sys.setrecursionlimit(limit)
