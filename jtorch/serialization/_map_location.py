"""Where the storages of a file go: ``map_location`` and the registry of devices."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .._core.device import Device
from . import _adapter
from ._messages import device_missing, device_unavailable, device_unregistered
from ._storage import LoadedStorage, StorageDescription

Tagger = Callable[[Any], str | None]
Deserializer = Callable[[Any, str], Any]
#: What ``map_location`` may be.
MAP_LOCATION = Callable[[Any, str], Any] | Device | str | dict[str, str] | None

_registry: list[tuple[int, Tagger, Deserializer]] = []

#: Kinds of device that PyTorch can name and a machine without them refuses by these words.
_ACCELERATORS = ("cuda", "xpu", "mtia")
_UNREGISTERED = ("hpu",)


def register_package(priority: int, tagger: Tagger, deserializer: Deserializer) -> None:
    """Register functions that tell and restore where a storage lives.

    Args:
        priority: lower numbers are asked first; PyTorch's own devices stand at 10 to 26.
        tagger: takes a storage and returns its location tag, or ``None``; asked while saving.
        deserializer: takes a storage and a location tag and returns the storage where it is to
            live, or ``None``; asked while loading.
    """
    _registry.append((priority, tagger, deserializer))
    _registry.sort(key=lambda entry: entry[0])


def _tagger(kind: str) -> Tagger:
    def tag(storage: Any) -> str | None:
        device = storage.device
        kind_here = getattr(device, "type", None) or str(device).partition(":")[0]
        if kind_here != kind:
            return None
        return kind if kind in ("cpu", "meta", "mps") else str(device)

    return tag


def _restore_cpu(storage: Any, location: str) -> Any:
    return _moved(storage, "cpu") if location == "cpu" else None


def _restore_meta(storage: Any, location: str) -> Any:
    return _moved(storage, "meta") if location == "meta" else None


def _restore_mps(storage: Any, location: str) -> Any:
    if location.startswith("mps"):
        raise RuntimeError("torch.UntypedStorage(): Storage device not recognized: mps")
    return None


def _restore_accelerator(kind: str) -> Deserializer:
    def restore(storage: Any, location: str) -> Any:
        if location != kind and not re.match(f"{kind}(:|[0-9]+)", location):
            return None
        return _moved(storage, validate_device(location, kind))

    return restore


def _refuse(kind: str) -> Deserializer:
    def restore(storage: Any, location: str) -> Any:
        if location != kind and not re.match(f"{kind}(:|[0-9]+)", location):
            return None
        raise RuntimeError(device_unregistered(kind))

    return restore


def _moved(storage: Any, location: str) -> Any:
    return storage.moved(location) if isinstance(storage, LoadedStorage) else storage.to(location)


def validate_device(location: str, kind: str) -> str:
    """Return the device that a location tag names, checked to be there.

    Args:
        location: such as ``"cuda"`` or ``"cuda:1"``.
        kind: such as ``"cuda"``.
    Raises:
        RuntimeError: where there is no such device.
    """
    device = _adapter.device(location)
    index = device.index or 0
    count = _adapter.device_count(kind)
    if count == 0:
        raise RuntimeError(device_unavailable(kind))
    if index >= count:
        raise RuntimeError(device_missing(kind, index, count))
    return f"{kind}:{index}"


def validate_cuda_device(location: str) -> int:
    """Return the number of the GPU that a location tag names, checked to be there."""
    return int(validate_device(location, "cuda").partition(":")[2])


def validate_hpu_device(location: str) -> int:
    """Raise: this library knows no HPU."""
    raise RuntimeError(device_unregistered("hpu"))


register_package(10, _tagger("cpu"), _restore_cpu)
for _offset, _kind in enumerate(_ACCELERATORS):
    register_package(20 + 3 * _offset, _tagger(_kind), _restore_accelerator(_kind))
for _kind in _UNREGISTERED:
    register_package(24, _tagger(_kind), _refuse(_kind))
register_package(21, _tagger("mps"), _restore_mps)
register_package(22, _tagger("meta"), _restore_meta)
_own_entries = len(_registry)


def location_tag(storage: Any) -> str:
    """Return the tag under which a file names the place of a storage.

    Args:
        storage: has a ``device``.
    Raises:
        RuntimeError: if no registered function knows the place.
    """
    for _, tagger, _ in _registry:
        location = tagger(storage)
        if location:
            return location
    raise RuntimeError(f"don't know how to determine data location of {_type_name(storage)}")


class _Described:
    """A storage that is being saved, as far as a tagger may ask."""

    def __init__(self, description: StorageDescription):
        self._nbytes = description.nbytes
        self.device = _adapter.device(description.device)

    def nbytes(self) -> int:
        return self._nbytes


def written_location(description: StorageDescription) -> str:
    """Return the tag with which a storage is saved.

    Args:
        description: of the storage.
    """
    if len(_registry) == _own_entries:
        # No one registered anything: the tag is the device's name.
        return description.device
    return location_tag(_Described(description))


def default_restore_location(storage: Any, location: str) -> Any:
    """Return a storage where its location tag says it lives.

    Args:
        storage: as it was read, on the CPU.
        location: the tag.
    Raises:
        RuntimeError: if no registered function knows the place, or it is not there.
    """
    for _, _, restore in _registry:
        result = restore(storage, location)
        if result is not None:
            return result
    raise RuntimeError(
        f"don't know how to restore data location of {_type_name(storage)} (tagged with {location})"
    )


def _type_name(storage: Any) -> str:
    if isinstance(storage, LoadedStorage):
        return "torch.storage.UntypedStorage"
    return f"{type(storage).__module__}.{type(storage).__qualname__}"


def restorer(map_location: Any) -> Callable[[LoadedStorage, str], LoadedStorage]:
    """Return the function that places each storage.

    Args:
        map_location: ``None``, a device or its name, a dict from tags to tags, or a function of
            storage and tag.
    """
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, location: default_restore_location(
            storage, str(map_location.get(location, location))
        )
    if isinstance(map_location, bytes):
        map_location = map_location.decode("ascii")
    if isinstance(map_location, str) or _adapter.is_device(map_location):
        return lambda storage, location: default_restore_location(storage, str(map_location))
    return lambda storage, location: _restore_by_function(map_location, storage, location)


def _restore_by_function(
    function: Callable[[Any, str], Any], storage: LoadedStorage, location: str
) -> LoadedStorage:
    on_host = storage.location.startswith(_ACCELERATORS)  # where a file's bytes are at first
    result = function(storage.moved("cpu") if on_host else storage, location)
    if result is None:
        return default_restore_location(storage, location)
    if isinstance(result, LoadedStorage):
        if result.location.startswith(_ACCELERATORS):
            return result.moved(validate_device(result.location, result.location.partition(":")[0]))
        return result
    described = _adapter.describe_storage(result)
    if described is None or described[1] is not None:
        raise TypeError(
            "TypedStorage.__init__ received an invalid combination of arguments. Expected one "
            "of:\n * (*, torch.device device, torch.dtype dtype)\n * (int size, *, torch.device "
            "device, torch.dtype dtype)\n * (Sequence data, *, torch.device device, torch.dtype "
            "dtype)\n * (*, UntypedStorage wrap_storage, torch.dtype dtype)\nArgument "
            f"'wrap_storage' must be UntypedStorage, but got {type(result)}"
        )
    description = described[0]
    return LoadedStorage(description.contents(), storage.dtype, description.device)


def is_meta(map_location: Any) -> bool:
    """Tell whether everything goes to the meta device, so that no contents need be read."""
    if isinstance(map_location, str):
        return map_location == "meta"
    return _adapter.is_device(map_location) and map_location.type == "meta"
