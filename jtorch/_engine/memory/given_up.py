"""Memory of values that is given up after a forward pass and filled again for its backward pass.

A gradient keeps the values that it needs, not their arrays: a value whose array can be made again
may do without it meanwhile. Parameters that are spread over processes are made again so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..execution.failures import Lost
from ..graph.values import Value
from ..recording.storage import current_value
from ..recording.trace import flush, local, materialise


def values_of(tensors: Iterable[Any]) -> list[Value]:
    """Return the values of tensors, for the other functions here."""
    return [current_value(tensor) for tensor in tensors]


def give_up(values: Iterable[Value], why: Exception) -> None:
    """Let values do without their arrays; what was recorded with them is run first.

    Args:
        values: results of a Python function, or leaves.
        why: raised when one is looked at meanwhile.
    """
    flush(local.trace, "memory that is given up")
    for value in values:
        value.array = Lost(why)


def fill(values: Iterable[Value], tensors: Iterable[Any]) -> None:
    """Give values the elements of tensors of their shape and dtype."""
    for value, tensor in zip(values, tensors, strict=True):
        value.array = materialise(current_value(tensor), "memory that is filled again")


def is_given_up(values: Iterable[Value]) -> bool:
    """Return whether any of some values does without its array."""
    return any(value.array.__class__ is Lost for value in values)
