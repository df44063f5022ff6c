"""Elements of tensors for what is no program of theirs, and other elements in their place."""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

from ..execution import transfer
from ..graph.values import NO_GRAD, Value, make_meta, ready
from ..recording import record
from ..recording.storage import Alias, current_value, note_write
from ..recording.trace import materialise
from .views import data_of


def elements_of(tensor: Any, reason: str) -> np.ndarray:
    """Return the elements of a tensor, which is computed now where it is pending.

    Args:
        tensor: of any device; its elements are not copied where they are in the host's memory.
        reason: what asked for them, for the statistics.
    Returns:
        An array that must not be written to.
    """
    return np.asarray(materialise(current_value(tensor), reason))


def replace_elements(tensor: Any, array: np.ndarray) -> None:
    """Give a tensor other elements, as a write to ``tensor.data`` does, which no version counts.

    Args:
        tensor: of any strides, with views or without.
        array: of its shape and dtype; nothing else will write to it.
    """
    value = tensor._value
    meta = value.meta
    new = transfer.put(array, meta.device)
    alias = tensor._alias
    if alias is None and meta.grad == NO_GRAD and getrefcount(value) == _HELD_BY_TENSOR:
        tensor._value = ready(new, meta)
    elif alias is not None and meta.grad == NO_GRAD and _is_whole(alias):
        shared = alias.storage
        note_write(shared.value, shared, (), shared.counter, shared.counter[0])
        tensor._value = shared.value = ready(new, meta)
        shared.version += 1
        alias.seen = shared.version
    else:
        data_of(tensor).copy_(record.fresh(new, make_meta(meta.shape, meta.dtype, meta.device)))


def _is_whole(alias: Alias) -> bool:
    """Return whether a tensor is all of its memory, which no array of NumPy shares."""
    shared = alias.storage
    return not alias.steps and alias.counter is shared.counter and shared.host is None


class _Holder:
    def __init__(self) -> None:
        self._value = Value(0, None, None, 0)  # type: ignore[arg-type]


def _references(holder: Any) -> int:
    value = holder._value
    return getrefcount(value)


#: What ``replace_elements`` counts of a value that its tensor alone holds.
_HELD_BY_TENSOR = _references(_Holder())
