"""Tracebacks that end at the user's line: frames of jtorch, JAX and the launcher taken out."""

from __future__ import annotations

import os
import sys
from types import TracebackType

FULL_TRACEBACK = "JTORCH_FULL_TRACEBACK"

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LIBRARIES = ("jax", "jaxlib", "optax")
_LAUNCHER_FILES = ("<frozen runpy>",)


def shows_everything() -> bool:
    """Return whether the user asked for unfiltered tracebacks, with JTORCH_FULL_TRACEBACK=1."""
    return os.environ.get(FULL_TRACEBACK, "") not in ("", "0")


def hidden_folders() -> tuple[str, ...]:
    """Return the folders whose frames are taken out: jtorch's own and loaded libraries'."""
    folders = [_PACKAGE]
    for name in _LIBRARIES:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file:
            folders.append(os.path.dirname(os.path.abspath(file)))
    return tuple(folder + os.sep for folder in folders)


def filter_traceback(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of jtorch, JAX and the launcher.

    Args:
        traceback: that of an exception.
    Returns:
        A new traceback of the frames that are left, ``None`` where none is. The given one is not
        changed.
    """
    folders = hidden_folders()
    kept = []
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file not in _LAUNCHER_FILES and not file.startswith(folders):
            kept.append(traceback)
        traceback = traceback.tb_next
    result = None
    for entry in reversed(kept):
        result = TracebackType(result, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return result


def strip(error: BaseException) -> BaseException:
    """Filter an exception's traceback in place, and those of its causes, contexts and members.

    An exception that the user's code has no frame in keeps its traceback: there is nothing else to
    show. With JTORCH_FULL_TRACEBACK=1 nothing changes.

    Args:
        error: the exception.
    Returns:
        The same exception.
    """
    if shows_everything():
        return error
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        filtered = filter_traceback(current.__traceback__)
        # A launcher that fails to compile the user's file has only frames of its own.
        if filtered is not None or isinstance(current, SyntaxError):
            current.__traceback__ = filtered
        waiting += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions
    return error
