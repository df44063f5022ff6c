"""Batches in pinned memory, and on their way to the device."""

from __future__ import annotations

from typing import Any

from ...._tensor.tensor import Tensor
from .collate import rebuilt


def pin_memory(data: Any, device: Any = None) -> Any:
    """Pin what can be pinned in a batch, in containers too."""
    if isinstance(data, Tensor) or hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, tuple):
        parts = [pin_memory(item, device) for item in data]
        kind: Any = type(data)
        return kind(*parts) if hasattr(data, "_fields") else kind(parts)
    try:
        return rebuilt(data, lambda item, _: pin_memory(item, device))
    except LookupError:
        return data
