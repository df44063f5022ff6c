"""How losses are reduced: names, PyTorch's numbers for them, and the deprecated arguments."""

from __future__ import annotations

from typing import Any

from ..ops.nn import _messages as nn_messages

_NUMBERS = {"none": 0, "mean": 1, "sum": 2}


def get_enum(reduction: str) -> int:
    """Return PyTorch's number of a reduction.

    Raises:
        ValueError: there is no such reduction.
    """
    if reduction == "elementwise_mean":
        nn_messages.warn_elementwise_mean()
        return 1
    if reduction not in _NUMBERS:
        raise nn_messages.reduction(reduction)
    return _NUMBERS[reduction]


def legacy_get_string(size_average: Any, reduce: Any, emit_warning: bool = True) -> str:
    """Return the reduction that the deprecated arguments mean."""
    average = True if size_average is None else size_average
    whole = True if reduce is None else reduce
    name = ("mean" if average else "sum") if whole else "none"
    if emit_warning:
        nn_messages.warn_legacy_reduction(name)
    return name


def legacy_get_enum(size_average: Any, reduce: Any, emit_warning: bool = True) -> int:
    """Return PyTorch's number of the reduction that the deprecated arguments mean."""
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))
