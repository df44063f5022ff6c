"""Elements of tensors on their way to other processes and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._engine.memory.exchange import elements_of, replace_elements


def elements(tensor: Any) -> np.ndarray:
    """Return the elements of a tensor that are sent."""
    return elements_of(tensor, "a collective")


def put(tensor: Any, array: np.ndarray) -> Any:
    """Give a tensor what was received; return it."""
    replace_elements(tensor, array.reshape(tuple(tensor.shape)))
    return tensor


def stacked(tensors: Sequence[Any]) -> np.ndarray:
    """Return the elements of tensors of one shape, one after another."""
    return np.stack([elements(each) for each in tensors])
