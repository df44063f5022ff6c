"""Notes that nodes take over from those they are made of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .._runtime import absent as _absent

__all__ = ["format_stack", "get_current_meta", "has_preserved_node_meta", "preserve_node_meta"]

_current: dict[str, Any] = {}
_preserving = False


@contextlib.contextmanager
def preserve_node_meta(enable: bool = True) -> Iterator[None]:
    """A block in which notes are to be taken over."""
    global _preserving
    before, _preserving = _preserving, enable
    try:
        yield
    finally:
        _preserving = before


def has_preserved_node_meta() -> bool:
    """Tell whether notes are taken over."""
    return _preserving


def get_current_meta() -> dict[str, Any]:
    """Return the notes of the node that is being run."""
    return _current


def format_stack() -> list[str]:
    """Return where the node that is being run was recorded."""
    trace = _current.get("stack_trace")
    return [] if trace is None else [trace]


__getattr__ = _absent.attributes(__name__)
