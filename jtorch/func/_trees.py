"""Nested containers of tensors: tuples, lists, named tuples and dicts in their own order."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

LEAF = "*"
_DICTS = (dict, OrderedDict, defaultdict)


def children(tree: Any) -> tuple[Any, list[Any]] | None:
    """Return what a container is, and its parts; ``None`` for a leaf."""
    kind = type(tree)
    if kind in _DICTS:
        return (kind, tuple(tree)), list(tree.values())
    if kind in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return (kind, len(tree)), list(tree)
    return None


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """Return the leaves of nested containers, and their structure."""
    node = children(tree)
    if node is None:
        return [tree], LEAF
    what, parts = node
    leaves: list[Any] = []
    structures = []
    for part in parts:
        child_leaves, structure = flatten(part)
        leaves.extend(child_leaves)
        structures.append(structure)
    return leaves, (what, tuple(structures))


def unflatten(structure: Any, leaves: Sequence[Any]) -> Any:
    """Return containers of a structure with the given leaves."""
    return _rebuilt(structure, iter(leaves))


def _rebuilt(structure: Any, leaves: Iterator[Any]) -> Any:
    if structure == LEAF:
        return next(leaves)
    (kind, described), parts = structure
    subtrees = [_rebuilt(part, leaves) for part in parts]
    if kind in _DICTS:
        return (dict if kind is defaultdict else kind)(zip(described, subtrees))
    return kind(*subtrees) if hasattr(kind, "_fields") else kind(subtrees)


def spread(values: Any, structure: Any) -> list[Any] | None:
    """Return a value for each leaf, from values that stand for whole parts of a structure.

    Args:
        values: one for all leaves, or nested as the structure is, at least in its outer parts.
        structure: what ``flatten`` returned.
    Returns:
        List, or ``None`` where the values are nested in another way.
    """
    found = None if values is None or isinstance(values, int) else children(values)
    if structure == LEAF:
        return [values] if found is None else None
    if found is None:
        return [values] * len(_leaves(structure))
    what, parts = found
    if what != structure[0]:
        return None
    result: list[Any] = []
    for part, own in zip(parts, structure[1]):
        several = spread(part, own)
        if several is None:
            return None
        result.extend(several)
    return result


def _leaves(structure: Any) -> list[str]:
    if structure == LEAF:
        return [LEAF]
    return [leaf for part in structure[1] for leaf in _leaves(part)]


def described(tree: Any) -> str:
    """Return how PyTorch shows the structure of nested containers."""
    from ..utils._pytree import tree_structure  # needs the finished package

    return repr(tree_structure(tree))
