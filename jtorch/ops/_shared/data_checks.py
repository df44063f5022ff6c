"""Looking at elements: the checks of data that PyTorch's kernels make."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._core.device import CPU, META
from ..._engine.recording.storage import current_value
from ..._engine.recording.trace import local, look, materialise


def elements(tensor: Any, reason: str) -> np.ndarray | None:
    """Return the elements of a tensor for a check, which makes the pending program run.

    Args:
        tensor: a tensor.
        reason: the operator that looks, for the statistics.
    Returns:
        Array, or ``None`` where nothing can be looked at: in a function under a transform, and
        on other devices than the CPU.
    """
    value = current_value(tensor)
    if value.meta.device is not CPU or local.trace.captures:
        return None
    return np.asarray(materialise(value, reason))


def known_elements(tensor: Any, on_any_device: bool = False) -> np.ndarray | None:
    """Return the elements of a tensor that no pending operator makes, else ``None``.

    For checks that must not cut a training step in two by waiting for its elements.

    Args:
        tensor: a tensor.
        on_any_device: whether to fetch them from another device than the CPU, as PyTorch does
            where the check is not a kernel's.
    """
    value = current_value(tensor)
    device = value.meta.device
    unread = device is META if on_any_device else device is not CPU
    if value.array is None or unread or local.trace.captures:
        return None
    look()
    return np.asarray(value.array)
