"""Ranges that profilers show: ``torch.cuda.nvtx``. They are JAX's trace annotations.

NVIDIA's profilers show JAX's annotations as ranges.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .._engine.execution import devices as _devices
from .._engine.execution import interchange as _interchange
from .._runtime import absent as _absent

__all__ = ["mark", "range", "range_end", "range_pop", "range_push", "range_start"]

_open: list[Any] = []
_named: dict[int, Any] = {}


def _required() -> None:
    if not _devices.gpus():
        raise RuntimeError("NVTX functions not installed. Are you sure you have a CUDA build?")


def _annotation(words: str) -> Any:
    annotation = _interchange.annotation(words)
    annotation.__enter__()
    return annotation


def range_push(msg: str) -> int:
    """Begin a range inside of those that are open, and return how many were."""
    _required()
    _open.append(_annotation(msg))
    return len(_open) - 1


def range_pop() -> int:
    """End the range that began last, and return how many are still open; -1 where none was."""
    _required()
    if not _open:
        return -1
    _open.pop().__exit__(None, None, None)
    return len(_open)


def range_start(msg: str) -> int:
    """Begin a range that may end in any order, and return what to end it by."""
    _required()
    annotation = _annotation(msg)
    _named[id(annotation)] = annotation
    return id(annotation)


def range_end(range_id: int) -> None:
    """End a range that ``range_start`` began."""
    _required()
    if range_id in _named:
        _named.pop(range_id).__exit__(None, None, None)


def mark(msg: str) -> None:
    """Note a point in time."""
    _required()
    with _interchange.annotation(msg):
        pass


@contextlib.contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """Show a block as a range.

    Args:
        msg: its name, a format of ``args`` and ``kwargs``.
    """
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()


__getattr__ = _absent.attributes(__name__)
