"""Nested arguments by the structure that they had when they were traced."""

from __future__ import annotations

from typing import Any

from .._runtime import absent as _absent
from ..utils import _pytree as pytree


def tree_flatten_spec(values: Any, spec: Any) -> list[Any]:
    """Return the leaves of arguments.

    Args:
        values: the arguments.
        spec: the structure that they have.
    """
    leaves, found = pytree.tree_flatten(tuple(values))
    if found.num_leaves != spec.num_leaves:
        raise ValueError(f"expected arguments of the structure {spec}, got {found}")
    return leaves


__getattr__ = _absent.attributes(__name__)
