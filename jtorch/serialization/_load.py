"""``load``: reading what ``save`` wrote."""

from __future__ import annotations

import io
import os
import pickle
import sys
import warnings
from types import FunctionType, ModuleType
from typing import IO, Any

import numpy as np

from . import _adapter, _config
from ._legacy import Reading, load_legacy
from ._map_location import is_meta, restorer
from ._messages import no_mmap, record_size, torchscript, weights_only_failed
from ._names import default_globals
from ._safe_globals import user_globals
from ._storage import LoadedStorage, StorageType
from ._unpickler import Unpickler, decode_ascii, globals_in
from ._unrestricted import FUNCTIONS, make_unpickler
from ._zip_reader import MAGIC, ZipReader

_TRUE = ("1", "y", "yes", "true")


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Return an object saved by ``save``, here or in PyTorch.

    Args:
        f: name of a file, or a binary file that can seek.
        map_location: where storages go: ``None`` (where they were), a device or its name, a dict
            from names to names, or a function of storage and name that returns a storage or
            ``None``.
        pickle_module: replaces ``pickle``; only with ``weights_only=False``.
        weights_only: whether the file may hold only tensors, plain containers and what
            ``add_safe_globals`` allows. The default is yes. ``False`` runs any code that the file
            contains: use it only for files that you trust.
        mmap: whether to map the file into memory instead of reading it.
        pickle_load_args: ``encoding`` of the strings of Python 2, or other arguments of the
            unpickler.
    Raises:
        pickle.UnpicklingError: for what ``weights_only`` does not allow.
        RuntimeError: for damaged archives and for devices that are not here.
        EOFError: for a file that is empty, or a pickle that ends too early.
        AssertionError, IndexError, KeyError, TypeError, ValueError, struct.error: for damaged
            pickles, as in PyTorch.
        FileNotFoundError: if there is no such file.
    """
    weights_only, pickle_module = _choose_unpickler(weights_only, pickle_module)
    if pickle_load_args and weights_only:
        warnings.warn("pickle_load_args only works if `weights_only=False`.", stacklevel=2)
    if weights_only:
        for name in pickle_load_args:
            if name != "encoding":
                raise TypeError(f"Unpickler.__init__() got an unexpected keyword argument '{name}'")
    pickle_load_args.setdefault("encoding", "utf-8")
    is_path = isinstance(f, (str, os.PathLike))
    if is_path and os.fspath(f).endswith(".safetensors"):
        _refuse_safetensors()
    reading = Reading(
        restorer(map_location), is_meta(map_location), pickle_module, pickle_load_args
    )
    if mmap is None:
        mmap = _config.load.mmap
    if not is_path:
        check_seekable(f)
        return _load_file(f, f, reading, mmap)
    with open(f, "rb") as file:
        return _load_file(file, f, reading, mmap)


def _choose_unpickler(weights_only: bool | None, pickle_module: Any) -> tuple[bool, Any]:
    """Return whether to restrict the unpickler, and the module that has it otherwise."""
    chosen = weights_only
    if chosen is None:
        chosen = pickle_module is None
    force, forbid = (
        os.getenv(name, "0").lower() in _TRUE
        for name in ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    )
    if force and forbid:
        raise RuntimeError(
            "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` "
            "should be set, but both were set."
        )
    if force:
        chosen = True
    elif forbid and weights_only is None:
        warnings.warn(
            "Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected, since the"
            "`weights_only` argument was not explicitly passed to `torch.load`, forcing "
            "weights_only=False.",
            UserWarning,
            stacklevel=3,
        )
        chosen = False
    if not chosen:
        return False, pickle_module or pickle
    if pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    return True, None


def _refuse_safetensors() -> None:
    try:
        import safetensors  # noqa: F401
    except ImportError as error:
        raise RuntimeError(
            "Attempting to load a safetensors file but safetensors is not installed. Please "
            "install safetensors with: pip install safetensors"
        ) from error
    raise NotImplementedError(
        "torch.load does not read safetensors files here: use safetensors.numpy.load_file and "
        "torch.from_numpy"
    )


def check_seekable(file: Any) -> None:
    """Raise unless a file-like object can seek."""
    try:
        file.seek(file.tell())
    except (io.UnsupportedOperation, AttributeError) as error:
        if "seek" in str(error) or "tell" in str(error):
            raise type(error)(
                f"{error}. You can only torch.load from a file that is seekable. Please pre-load "
                "the data into a buffer like io.BytesIO and try to load from it instead."
            ) from None
        raise


def is_zip(file: IO[bytes]) -> bool:
    """Tell whether a zip archive begins at a file's position, which stays."""
    start = file.tell()
    magic = file.read(len(MAGIC))
    file.seek(start)
    if isinstance(magic, str):
        if magic == MAGIC.decode("latin-1"):
            raise TypeError("must be str, not bytes")
        raise AssertionError("Expected bytes, got str")
    return magic == MAGIC


def _load_file(file: IO[bytes], f: Any, reading: Reading, mmap: bool) -> Any:
    result, storages = _load_parts(file, f, reading, mmap)
    if any(storage.bare_references for storage in storages):
        result = _expose_storages(result)
    _settle(storages)
    return result


def _settle(storages: list[LoadedStorage]) -> None:
    for storage in storages:
        _adapter.settle(storage)


def _load_parts(
    file: IO[bytes], f: Any, reading: Reading, mmap: bool
) -> tuple[Any, list[LoadedStorage]]:
    """Return the object of a file, in which storages are as the file knows them, and those."""
    try:
        if is_zip(file):
            result, storages = _load_zip(file, f, reading, mmap)
        elif mmap:
            raise RuntimeError(no_mmap(f if isinstance(f, str) else ""))
        else:
            result, storages = load_legacy(file, reading)
    except pickle.UnpicklingError as error:
        if reading.pickle_module is not None:
            raise
        raise pickle.UnpicklingError(weights_only_failed(str(error))) from None
    return result, storages


def load_from_bytes(data: bytes) -> Any:
    """Return what is in a file within a pickle: a tensor, or a storage for one.

    Pickles made outside ``save`` hold such files.
    """
    reading = Reading(restorer(None), False, pickle, {"encoding": "utf-8"})
    result, storages = _load_parts(io.BytesIO(data), None, reading, False)
    _settle(storages)
    return result


FUNCTIONS["torch.storage", "_load_from_bytes"] = load_from_bytes


def _expose_storages(result: Any) -> Any:
    """Return an object with storage objects where storages stand by themselves, not in a tensor.

    Lists, dicts, sets and the attributes of objects are changed in place, tuples are replaced.
    """
    storage_objects: dict[int, Any] = {}
    tuples: dict[int, tuple[Any, Any]] = {}
    seen: set[int] = set()
    pending: list[Any] = []

    def exposed(value: Any) -> Any:
        kind = type(value)
        if kind is LoadedStorage:
            key = id(value)
            if key not in storage_objects:
                storage_objects[key] = _adapter.storage_object(value)
            return storage_objects[key]
        if issubclass(kind, (tuple, frozenset)):
            return exposed_items(value)
        if id(value) not in seen and kind not in _WITHOUT_PARTS and not issubclass(kind, type):
            seen.add(id(value))
            pending.append(value)
        return value

    def exposed_items(outermost: Any) -> Any:
        # With a stack of its own: tuples may lie in one another deeper than functions may.
        waiting = [outermost]
        while waiting:
            value = waiting[-1]
            if id(value) in tuples:
                waiting.pop()
                continue
            inner = [
                item
                for item in value
                if isinstance(item, (tuple, frozenset)) and id(item) not in tuples
            ]
            if inner:
                waiting += inner
                continue
            items = [
                tuples[id(item)][1] if isinstance(item, (tuple, frozenset)) else exposed(item)
                for item in value
            ]
            new = value
            if any(item is not old for item, old in zip(items, value, strict=True)):
                base = tuple if isinstance(value, tuple) else frozenset
                new = base.__new__(type(value), items)  # type: ignore[type-var]
            # The old one is kept, so that no other gets its identity.
            tuples[id(value)] = value, new
        return tuples[id(outermost)][1]

    result = exposed(result)
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            value[:] = map(exposed, value)
        elif isinstance(value, dict):
            items = [(key, exposed(key), exposed(item)) for key, item in value.items()]
            if any(new is not key for key, new, _ in items):
                value.clear()
            for _, key, item in items:
                value[key] = item
        elif isinstance(value, set):
            items = [*map(exposed, value)]
            value.clear()
            value.update(items)
        attributes = getattr(value, "__dict__", None)
        if type(attributes) is dict:
            exposed(attributes)
    return result


#: Types of values that hold no other values of a file.
_WITHOUT_PARTS = frozenset(
    (int, float, bool, complex, str, bytes, type(None), FunctionType, ModuleType)
)


def _load_zip(
    file: IO[bytes], f: Any, reading: Reading, mmap: bool
) -> tuple[Any, list[LoadedStorage]]:
    archive = ZipReader(file)
    if archive.has_record("constants.pkl"):
        warnings.warn(
            "'torch.load' received a zip file that looks like a TorchScript archive dispatching "
            "to 'torch.jit.load' (call 'torch.jit.load' directly to silence this warning)",
            UserWarning,
            stacklevel=4,
        )
        if reading.pickle_module is None:
            raise RuntimeError(torchscript())
        raise NotImplementedError(
            "TorchScript archives hold programs, which cannot be run here; save the state_dict "
            "with PyTorch instead"
        )
    mapped = None
    if mmap:
        if not isinstance(f, (str, os.PathLike)):
            raise ValueError("f must be a file path in order to use the mmap argument")
        if _config.load.mmap_flags != _config.MAP_PRIVATE:
            raise NotImplementedError(
                "mmap.MAP_SHARED is not supported: tensors here never write to the file"
            )
        mapped = np.memmap(f, np.uint8, "c")
    return _ArchiveReading(archive, reading, mapped).load()


class _ArchiveReading:
    """Reads the object of one archive."""

    def __init__(self, archive: ZipReader, reading: Reading, mapped: np.ndarray | None):
        self._archive = archive
        self._reading = reading
        self._mapped = mapped
        self._storages: dict[str, LoadedStorage] = {}
        self._swap = _file_byte_order(archive) != sys.byteorder
        self._skipped = 0

    def load(self) -> tuple[Any, list[LoadedStorage]]:
        """Return the object and its storages."""
        data = self._archive.read_record("data.pkl")
        module, load_args = self._reading.pickle_module, self._reading.load_args
        if module is None:
            unpickler: Any = Unpickler(data, persistent_load=self._persistent_load, **load_args)
        else:
            unpickler = make_unpickler(io.BytesIO(data), module, self._persistent_load, load_args)
        result = unpickler.load()
        return result, list(self._storages.values())

    def _persistent_load(self, identifier: Any) -> LoadedStorage:
        if not isinstance(identifier, tuple):
            raise AssertionError(f"saved_id must be a tuple, got {type(identifier).__name__}")
        kind = decode_ascii(identifier[0])
        if kind != "storage":
            raise AssertionError(
                f"Unknown typename for persistent_load, expected 'storage' but got '{kind}'"
            )
        storage_type, key, location, numel = identifier[1:]
        key, location = decode_ascii(key), decode_ascii(location)
        if (
            not isinstance(storage_type, StorageType)
            or type(key) is not str
            or type(location) is not str
            or type(numel) is not int
            or numel < 0
        ):
            raise pickle.UnpicklingError("the identifier of a storage has fields of other types")
        storage = self._storages.get(key)
        if storage is None:
            storage = self._storages[key] = self._read_storage(storage_type, key, location, numel)
        storage.bare_references += 1
        return storage

    def _read_storage(
        self, storage_type: StorageType, key: str, location: str, numel: int
    ) -> LoadedStorage:
        dtype = storage_type.dtype
        nbytes = numel * dtype.itemsize
        name = f"data/{key}"
        found = self._archive.record_size(name)
        if found != nbytes:
            raise RuntimeError(record_size(found, nbytes))
        kind = None if storage_type.is_untyped else dtype
        if self._reading.meta:
            return LoadedStorage(None, kind, "meta", nbytes)
        if _config.thread_state.skip_data:
            contents = np.zeros(nbytes, np.uint8)
        elif self._mapped is not None:
            if not self._archive.is_stored(name):
                raise RuntimeError(
                    f"mmap cannot be used: the record {name} is compressed; torch.save your "
                    "checkpoint again"
                )
            start = self._archive.record_offset(name)
            contents = self._mapped[start : start + nbytes]
        else:
            contents = self._archive.read_storage(name)
        storage = LoadedStorage(contents, kind, location)
        storage.swap = self._swap
        storage.lazy = self._mapped is not None
        storage.normalise()
        return self._reading.restore(storage, location)


def _file_byte_order(archive: ZipReader) -> str:
    """Return ``"little"`` or ``"big"``."""
    if archive.has_record("byteorder"):
        order = archive.read_record("byteorder")[:100].decode()
        if order not in ("little", "big"):
            raise ValueError("Unknown endianness type: " + order)
        return order
    assumed = _config.load.endianness
    if assumed is _config.LoadEndianness.NATIVE:
        return sys.byteorder
    if assumed is _config.LoadEndianness.BIG:
        return "big"
    return "little"


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """Return the names in a file that ``load`` with ``weights_only=True`` would refuse.

    The file is only looked through, not loaded.

    Args:
        f: name of a file, or a binary file that can seek.
    Raises:
        ValueError: for what is no archive written by ``save``.
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(file)
    check_seekable(f)
    if not is_zip(f):
        raise ValueError("Expected input to be a checkpoint returned by torch.save")
    archive = ZipReader(f)
    if archive.has_record("constants.pkl"):
        raise ValueError(
            "Expected input to be a checkpoint returned by torch.save but got a torchscript "
            "checkpoint"
        )
    names = globals_in(archive.read_record("data.pkl"))
    return list(names.difference(default_globals(), user_globals()))
