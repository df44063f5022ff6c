"""``torch.accelerator``: the one sort of accelerator that this machine has, which is a GPU or none.

Questions are answered as PyTorch answers them; what names a device refuses where there is none.
"""

from __future__ import annotations

from typing import Any

from . import cuda as _cuda
from ._core.device import Device
from ._engine.execution import devices as _devices
from ._runtime import absent as _absent

__path__: list = []  # PyTorch's is a package


def is_available() -> bool:
    """Return whether there is an accelerator: a GPU that JAX can use."""
    return bool(_devices.gpus())


def device_count() -> int:
    """Return the number of accelerators, 0 where there is none."""
    return len(_devices.gpus())


def current_accelerator(check_available: bool = False) -> Device | None:
    """Return the sort of accelerator as a device without index, ``None`` where there is none."""
    return Device("cuda") if is_available() else None


def _required() -> None:
    if not is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")


def current_device_index() -> int:
    """Return the index of the accelerator in use.

    Raises:
        RuntimeError: there is none.
    """
    _required()
    return _cuda.current_device()


def _index_of(device: Any) -> int:
    if isinstance(device, int):
        return device
    place = Device(device) if isinstance(device, str) else device
    kind = current_accelerator()
    if kind is None:
        raise RuntimeError("Accelerator expected")
    if place.type != kind.type:
        raise ValueError(f"{place.type} doesn't match the current accelerator {kind}.")
    return _cuda.current_device() if place.index is None else place.index


def set_device_index(device: Any, /) -> None:
    """Set the accelerator in use.

    Args:
        device: an index, or a device of the accelerator's sort.
    """
    index = _index_of(device)
    _required()
    _cuda.set_device(index)


current_device_idx = current_device_index
set_device_idx = set_device_index


def get_device_capability(device: Any = None, /) -> dict[str, Any]:
    """Return what an accelerator supports: the dtypes that XLA computes in on it."""
    import jtorch as torch

    _required()
    names = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64"
    return {"supported_dtypes": {getattr(torch, name) for name in names.split()}}


def synchronize(device: Any = None, /) -> None:
    """Run what is pending and wait until an accelerator is done.

    Raises:
        RuntimeError: there is none.
    """
    _required()
    _cuda.synchronize(None if device is None else _index_of(device))


def current_stream(device: Any = None, /) -> Any:
    """Refuse: JAX orders the work of an accelerator itself."""
    _required()
    return _cuda.current_stream(device)


def set_stream(stream: Any) -> None:
    """Refuse: JAX orders the work of an accelerator itself."""
    _required()
    raise NotImplementedError("torch.accelerator.set_stream: JAX orders the work of a GPU itself")


class device_index:
    """Use another accelerator within a ``with`` block; ``None`` changes nothing.

    Args:
        device: its index.
    """

    def __init__(self, device: int | None, /):
        self.idx = device
        self.prev_idx = -1

    def __enter__(self) -> None:
        if self.idx is not None:
            self.prev_idx = current_device_index()
            set_device_index(self.idx)

    def __exit__(self, *exception: object) -> None:
        if self.idx is not None:
            set_device_index(self.prev_idx)


def empty_cache() -> None:
    """Do nothing: JAX manages the memory."""
    _required()


def empty_host_cache() -> None:
    """Do nothing: JAX manages the memory."""


def _in_bytes(name: str) -> Any:
    def question(device: Any = None, /) -> int:
        _required()
        return getattr(_cuda, name)(None if device is None else _index_of(device))

    question.__name__ = question.__qualname__ = name
    question.__module__ = __name__
    question.__doc__ = f"""Return what ``torch.cuda.{name}`` does: bytes."""
    return question


memory_allocated = _in_bytes("memory_allocated")
max_memory_allocated = _in_bytes("max_memory_allocated")
memory_reserved = _in_bytes("memory_reserved")
max_memory_reserved = _in_bytes("max_memory_reserved")


def get_memory_info(device: Any = None, /) -> tuple[int, int]:
    """Return the free and the total bytes of an accelerator."""
    _required()
    return _cuda.mem_get_info(device)


def memory_stats(device: Any = None, /) -> dict[str, Any]:
    """Return what JAX counts of an accelerator's memory."""
    _required()
    return dict(_devices.gpus()[_cuda.current_device()].memory_stats() or {})


def reset_accumulated_memory_stats(device: Any = None, /) -> None:
    """Do nothing: JAX does not reset its counts."""
    _required()


def reset_peak_memory_stats(device: Any = None, /) -> None:
    """Do nothing: JAX does not reset its counts."""
    _required()


__getattr__ = _absent.attributes(__name__)
