"""The format of PyTorch before 1.6: pickles one after another, then the storages' bytes."""

from __future__ import annotations

import inspect
import io
import struct
import sys
import warnings
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, NamedTuple

import numpy as np

from . import _adapter, _config
from ._messages import tar_archive
from ._pickler import StorageReference, StorageTable, make_pickler
from ._storage import LoadedStorage, StorageType
from ._unpickler import Unpickler, decode_ascii
from ._unrestricted import make_unpickler
from ._zip_reader import aligned_bytes

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001

_NUMEL = struct.Struct("<q")


class SourceChangeWarning(Warning):
    """A class has other source code than when an object of it was saved."""


class Reading(NamedTuple):
    """How a file is to be read.

    Attributes:
        restore: places a storage.
        meta: whether contents are not wanted.
        pickle_module: ``None`` for the restricted unpickler.
        load_args: keyword arguments of the unpickler.
    """

    restore: Callable[[LoadedStorage, str], LoadedStorage]
    meta: bool
    pickle_module: Any
    load_args: dict[str, Any]


# Writing.


def _source_of(cls: type) -> tuple[str | None, str | None]:
    try:
        return inspect.getsourcefile(cls), inspect.getsource(cls)
    except (OSError, TypeError):
        warnings.warn(
            f"Couldn't retrieve source code for container of type {cls.__name__}. It won't be "
            "checked for correctness upon loading.",
            stacklevel=4,
        )
        return None, None


def pickle_legacy(
    obj: Any, protocol: int, pickle_module: Any
) -> tuple[bytes, list[tuple[int, Any]]]:
    """Return everything of a legacy file that is not the contents of storages.

    Args:
        obj: what is saved.
        protocol, pickle_module: as for ``save``.
    Returns:
        The head of the file, and the number of elements and the description of each storage, in the
        order in which they follow.
    """
    table = StorageTable()
    classes: set[type] = set()
    numels: dict[str, int] = {}

    def persistent_storage(reference: StorageReference) -> tuple:
        key = table.key(reference)
        identifier = reference.identifier(key)
        numels.setdefault(key, identifier[4])
        return (*identifier, None)

    def persistent_class(cls: type) -> tuple | None:
        if not issubclass(cls, _adapter.module_type()) or cls in classes:
            return None
        classes.add(cls)
        return ("module", cls, *_source_of(cls))

    sys_info = {
        "protocol_version": PROTOCOL_VERSION,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    head = io.BytesIO()
    for value in (MAGIC_NUMBER, PROTOCOL_VERSION, sys_info):
        pickle_module.dump(value, head, protocol=protocol)
    make_pickler(head, protocol, pickle_module, persistent_storage, persistent_class).dump(obj)
    storages = {key: description for key, description, _ in table.items()}
    keys = sorted(storages)
    pickle_module.dump(keys, head, protocol=protocol)
    return head.getvalue(), [(numels[key], storages[key]) for key in keys]


def write_storages(write: Callable[[object], Any], storages: list[tuple[int, Any]]) -> None:
    """Write the contents of the storages after the head.

    Args:
        write: takes bytes.
        storages: from ``pickle_legacy``.
    """
    for numel, description in storages:
        write(_NUMEL.pack(numel))
        contents = description.contents()
        if contents.nbytes:
            write(np.ascontiguousarray(contents).data.cast("B"))


# Reading.


class _Reader:
    """Reads one file, held in memory."""

    def __init__(self, data: bytes, reading: Reading):
        self.data = data
        self.position = 0
        self._reading = reading
        self._storages: dict[Any, LoadedStorage] = {}
        self._numels: dict[Any, tuple[int, int]] = {}
        self._budget = len(data)

    def read(self) -> Any:
        """Return the object of the file."""
        if self._unpickle() != MAGIC_NUMBER:
            raise RuntimeError("Invalid magic number; corrupt file?")
        version = self._unpickle()
        if version != PROTOCOL_VERSION:
            raise RuntimeError(f"Invalid protocol version: {_short(version)}")
        self._unpickle()
        result = self._unpickle(self._persistent_load)
        keys = self._unpickle()
        if not _config.thread_state.skip_data:
            for key in keys:
                self._fill(key)
        return result

    def _unpickle(self, persistent_load: Callable[[Any], Any] | None = None) -> Any:
        module = self._reading.pickle_module
        if module is None:
            machine = Unpickler(
                self.data,
                self.position,
                persistent_load=persistent_load,
                **self._reading.load_args,
            )
            result = machine.load()
            self.position = machine.position
            return result
        file = io.BytesIO(self.data)
        file.seek(self.position)
        if persistent_load is None:
            result = module.load(file, **self._reading.load_args)
        else:
            result = make_unpickler(file, module, persistent_load, self._reading.load_args).load()
        self.position = file.tell()
        return result

    def _persistent_load(self, identifier: Any) -> Any:
        if type(identifier) is not tuple or not identifier:
            raise UnpicklingError(f"saved_id must be a tuple, got {type(identifier).__name__}")
        kind = decode_ascii(identifier[0])
        if kind == "module" and len(identifier) == 4:
            if all(identifier[1:]):
                _check_source(identifier[1], identifier[3])
            return identifier[1]
        if kind != "storage":
            raise RuntimeError(f"Unknown saved id type: {_short(identifier[0])}")
        # Before 0.2 there was no sixth field.
        if len(identifier) not in (5, 6):
            raise UnpicklingError("the identifier of a storage has another number of fields")
        storage_type, key, location, numel = identifier[1:5]
        view = identifier[5] if len(identifier) == 6 else None
        key, location = decode_ascii(key), decode_ascii(location)
        if (
            not isinstance(storage_type, StorageType)
            or type(key) not in (str, int)
            or type(location) is not str
            or type(numel) is not int
            or numel < 0
        ):
            raise UnpicklingError("the identifier of a storage has fields of other types")
        if key not in self._storages:
            self._storages[key] = self._make_storage(storage_type, key, location, numel)
        root = self._storages[key]
        if view is None:
            root.bare_references += 1
            return root
        if type(view) is not tuple or [type(field) for field in view][1:] != [int, int]:
            raise UnpicklingError("the description of a storage's part has other fields")
        view_key = decode_ascii(view[0])
        if type(view_key) not in (str, int):
            raise UnpicklingError("the key of a storage's part is no text")
        if view_key not in self._storages:
            itemsize = storage_type.dtype.itemsize
            self._storages[view_key] = root.part(view[1] * itemsize, view[2] * itemsize)
        part = self._storages[view_key]
        part.bare_references += 1
        return part

    def _make_storage(
        self, storage_type: StorageType, key: Any, location: str, numel: int
    ) -> LoadedStorage:
        dtype = storage_type.dtype
        nbytes = numel * dtype.itemsize
        self._numels[key] = numel, dtype.itemsize
        # The bytes are in this same file, so that it cannot ask for more memory than it has.
        if not _config.thread_state.skip_data:
            self._budget -= nbytes
            if self._budget < 0:
                raise UnpicklingError(
                    "pickle data was truncated: the storages are larger than the file"
                )
        elif nbytes > 2**40:
            raise UnpicklingError("a storage of more than 2**40 bytes; corrupt file?")
        kind = None if storage_type.is_untyped else dtype
        if self._reading.meta:
            return LoadedStorage(None, kind, "meta", nbytes)
        contents = aligned_bytes(nbytes)
        # Until the contents follow, and where they are skipped, there are zeros.
        contents[:] = 0
        storage = LoadedStorage(contents, kind, location)
        storage.swap = sys.byteorder == "big"
        return self._reading.restore(storage, location)

    def _fill(self, key: Any) -> None:
        key = decode_ascii(key)
        if type(key) not in (str, int) or key not in self._numels:
            raise AssertionError(f"storage key {_short(key)} not found in deserialized_objects")
        numel, itemsize = self._numels[key]
        start = self.position + _NUMEL.size
        end = start + numel * itemsize
        missing = (start if start > len(self.data) else end) - len(self.data)
        if missing > 0:
            raise RuntimeError(
                f"unexpected EOF, expected {missing} more bytes. The file might be corrupted."
            )
        found = _NUMEL.unpack_from(self.data, self.position)[0]
        if found != numel:
            raise RuntimeError(
                f"storage has wrong byte size: expected {numel * itemsize} got {found * itemsize}"
            )
        self._storages[key].fill(np.frombuffer(self.data, np.uint8, numel * itemsize, start))
        self.position = end

    def storages(self) -> list[LoadedStorage]:
        return list(self._storages.values())


def _short(value: Any) -> str:
    if value is None or isinstance(value, (str, bytes, int)):
        return repr(value)[:100]
    return type(value).__name__


def _check_source(cls: Any, saved_source: Any) -> None:
    try:
        source = inspect.getsource(cls)
    except (OSError, TypeError):
        warnings.warn(
            f"Couldn't retrieve source code for container of type {cls.__name__}. It won't be "
            "checked for correctness upon loading.",
            stacklevel=2,
        )
        return
    if source != saved_source and not cls.__module__.startswith(("torch.", "jtorch.")):
        warnings.warn(
            f"source code of class '{cls.__module__}.{cls.__qualname__}' has changed. you can "
            "retrieve the original source code by accessing the object's source attribute or set "
            "`torch.nn.Module.dump_patches = True` and use the patch tool to revert the changes.",
            SourceChangeWarning,
            stacklevel=2,
        )


def load_legacy(file: Any, reading: Reading) -> tuple[Any, list[LoadedStorage]]:
    """Return the object of a legacy file and its storages; leave the file behind the object.

    Args:
        file: binary file that can seek.
        reading: how to read it.
    Raises:
        EOFError: if there is nothing to read.
        pickle.UnpicklingError, RuntimeError: for what is damaged or not allowed.
    """
    start = file.tell()
    data = file.read()
    if data[257:262] == b"ustar":
        if reading.pickle_module is None:
            raise RuntimeError(tar_archive())
        raise NotImplementedError(
            "files in the .tar format of PyTorch before 0.1.10 cannot be read; load and save them "
            "again with PyTorch"
        )
    reader = _Reader(data, reading)
    result = reader.read()
    file.seek(start + reader.position)
    return result, reader.storages()
