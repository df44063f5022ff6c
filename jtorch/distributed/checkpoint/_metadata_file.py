"""The ``.metadata`` file: written as PyTorch's ``pickle.dump`` does, read without running it."""

from __future__ import annotations

import dataclasses
import io
import pathlib
import pickle
from enum import Enum
from pickle import UnpicklingError
from typing import IO, Any, NoReturn

import jtorch as torch

from ...serialization._framed_unpickler import FramedUnpickler
from ...serialization._pickler import make_pickler
from . import metadata as _metadata
from ._storage_info import _StorageInfo, _StoragePrefix
from .metadata import Metadata, MetadataIndex

_MODULE = "torch.distributed.checkpoint"
_CLASSES: tuple[type, ...] = (
    *(getattr(_metadata, name) for name in _metadata.__all__),
    _metadata._MEM_FORMAT_ENCODING,
)
_FIELDS = {
    cls: frozenset(each.name for each in dataclasses.fields(cls))
    for cls in (*_CLASSES, _StorageInfo, _StoragePrefix)
    if dataclasses.is_dataclass(cls)
}


def _path(*parts: Any) -> pathlib.Path:
    if not all(type(part) is str for part in parts):
        raise UnpicklingError("a path in the metadata is not made of text")
    return pathlib.Path(*parts)


def _memory_format(number: Any) -> Enum:
    return _metadata._MEM_FORMAT_ENCODING(number)


def _allowed() -> dict[str, Any]:
    table: dict[str, Any] = {f"{_MODULE}.metadata.{cls.__qualname__}": cls for cls in _CLASSES}
    table[f"{_MODULE}.metadata._MEM_FORMAT_ENCODING"] = _memory_format
    for cls in (_StorageInfo, _StoragePrefix):
        table[f"{_MODULE}.filesystem.{cls.__qualname__}"] = cls
    for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"):
        table[f"pathlib.{name}"] = table[f"pathlib._local.{name}"] = _path
    return table


def _check_state(instance: Any, state: Any) -> None:
    """Refuse a state that is not that of an object of its class."""
    kind = type(instance)
    if kind is _metadata.TensorProperties:
        valid = type(state) is tuple and len(state) == 5
    elif type(state) is not dict or not state.keys() <= _FIELDS[kind]:
        valid = False
    elif kind is MetadataIndex:
        # It is hashed as the key of a dict: no more than a name and a few numbers.
        offset = state.get("offset")
        valid = type(state.get("fqn")) is str and (
            offset is None
            or (type(offset) is torch.Size and all(type(length) is int for length in offset))
        )
    elif kind is _StorageInfo:
        valid = (
            type(state.get("relative_path")) is str
            and type(state.get("offset")) is int
            and type(state.get("length")) is int
        )
    else:
        valid = True
    if not valid:
        raise UnpicklingError(f"the metadata has an invalid state of a {kind.__name__}")


def read_metadata(file: IO[bytes]) -> Metadata:
    """Return what a file of metadata holds. Nothing that it names is called but its own classes.

    Raises:
        pickle.UnpicklingError: it names something else, or holds something else.
    """
    result = FramedUnpickler(file.read(), _allowed(), _check_state).load()
    if not isinstance(result, Metadata):
        raise UnpicklingError(f"a file of metadata holds an object of {type(result)}")
    return result


def _refuse_tensor(reference: Any) -> NoReturn:
    raise pickle.PicklingError("the metadata of a checkpoint holds a tensor")


def write_metadata(metadata: Metadata, file: IO[bytes]) -> None:
    """Write the file of metadata, under PyTorch's names."""
    buffer = io.BytesIO()
    make_pickler(buffer, pickle.DEFAULT_PROTOCOL, pickle, _refuse_tensor).dump(metadata)
    file.write(buffer.getvalue())
