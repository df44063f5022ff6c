"""Who is told which leaves a backward pass has given gradients to, once it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Called with the leaves, in the order in which they were added.
accumulated: list[Callable[[list[Any]], None]] = []


def notify(leaves: list[Any]) -> None:
    """Tell all of them; those that come to be told meanwhile are told of the next pass."""
    for each in list(accumulated):
        each(leaves)
