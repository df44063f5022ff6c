"""Warnings that PyTorch gives once in a process, or each time after ``set_warn_always(True)``."""

from __future__ import annotations

import sys
import warnings

_PACKAGE = __name__.partition(".")[0] + "."
_given: set[str] = set()
_always = False


def set_always(always: bool) -> None:
    """Say whether they are given each time."""
    global _always
    _always = always


def is_always() -> bool:
    """Return whether they are given each time."""
    return _always


def is_due(name: str) -> bool:
    """Return whether a warning is to be given now; if so it counts as given.

    Args:
        name: of the warning, in PyTorch's one line that gives it.
    """
    if _always:
        return True
    if name in _given:
        return False
    _given.add(name)
    return True


def warn(name: str, text: str) -> None:
    """Give a ``UserWarning`` about the user's line, if it is due.

    Args:
        name: see ``is_due``.
        text: what it says.
    """
    if is_due(name):
        warnings.warn(text, UserWarning, stacklevel=1 + frames_inside())


def frames_inside() -> int:
    """Return how many frames of this package lie above the user's, that of the caller included."""
    frame, count = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        frame = frame.f_back
        count += 1
    return count - 1
