"""What the user allows in files, besides what is allowed anyway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_user_globals: set[Any] = set()


def add_safe_globals(safe_globals: Sequence[Any]) -> None:
    """Allow classes and functions in files loaded with ``weights_only=True``.

    Args:
        safe_globals: each one a class or function, or a tuple of it and the full name under which
            files name it.
    """
    _user_globals.update(safe_globals)


def get_safe_globals() -> list[Any]:
    """Return what ``add_safe_globals`` allowed."""
    return list(_user_globals)


def clear_safe_globals() -> None:
    """Forget what ``add_safe_globals`` allowed."""
    _user_globals.clear()


class safe_globals:
    """Allow classes and functions for the files loaded in a ``with`` block.

    Args:
        safe_globals: as for ``add_safe_globals``.
    """

    def __init__(self, safe_globals: Sequence[Any]):
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exception: Any) -> None:
        _user_globals.difference_update(self.safe_globals)


def user_globals() -> dict[str, Any]:
    """Return what the user allowed, by full name.

    Raises:
        ValueError, TypeError: for an entry of another form than ``add_safe_globals`` takes.
    """
    table = {}
    for entry in _user_globals:
        if not isinstance(entry, tuple):
            table[f"{entry.__module__}.{entry.__qualname__}"] = entry
            continue
        if len(entry) != 2:
            raise ValueError(
                "Expected tuple of length 2 (global, str of callable full path), but got tuple "
                f"of length: {len(entry)}"
            )
        if type(entry[1]) is not str:
            raise TypeError(
                "Expected second item in tuple to be str of callable full path, but got: "
                f"{type(entry[1])}"
            )
        table[entry[1]] = entry[0]
    return table
