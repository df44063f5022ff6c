"""The backends of a mesh's groups, as they are given for its dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def normalised_backend(value: Any) -> tuple[Any, Any]:
    """Return a backend and its options."""
    if value is None or isinstance(value, str):
        return (value, None)
    if isinstance(value, tuple):
        return value
    return (None, value)


def backends_by_dim(
    given: dict[int | str, Any], names: Sequence[str] | None, ndim: int
) -> tuple[tuple[Any, Any], ...]:
    """Return the backends of all dimensions, given by index or name."""
    left = dict(given)
    names = tuple(names or ())
    found = []
    for index in range(ndim):
        value = left.pop(index, None)
        if index < len(names) and names[index] in left:
            if value is not None:
                raise RuntimeError(
                    f"Found redundant dim index {index} and name {names[index]} in backend_override"
                )
            value = left.pop(names[index])
        found.append(normalised_backend(value))
    if left:
        raise RuntimeError(
            f"Found invalid keys in backend_override: got {list(left)}, expected integers in range "
            f"[0, {ndim}) or one of {names}"
        )
    return tuple(found)
