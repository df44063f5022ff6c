"""Which GPU an argument ``device=`` of ``torch.cuda`` means."""

from __future__ import annotations

from typing import Any

from .._core import messages
from .._core.device import Device, current_index
from .._engine.execution import devices


def required() -> None:
    """Raise PyTorch's ``AssertionError`` where there is no GPU."""
    if not devices.gpus():
        raise messages.no_cuda()


def index_of(device: Any) -> int:
    """Return the index of a device, the current one for ``None``."""
    required()
    if device is None:
        return current_index()
    place = Device("cuda", device) if isinstance(device, int) else Device(device)
    if place.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {place}")
    index = current_index() if place.index is None else place.index
    if index >= len(devices.gpus()):
        raise AssertionError("Invalid device id")
    return index
