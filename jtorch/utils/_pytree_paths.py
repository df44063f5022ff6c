"""Where the leaves of a tree are: paths of keys, in ``torch.utils._pytree``."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jtorch as torch

from . import _pytree


@dataclass(frozen=True)
class SequenceKey:
    """The place of a child of a sequence."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence: Any) -> Any:
        """Return the child at the place."""
        return sequence[self.idx]


@dataclass(frozen=True)
class MappingKey:
    """The key of a child of a dictionary."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping: Any) -> Any:
        """Return the child under the key."""
        return mapping[self.key]


@dataclass(frozen=True)
class GetAttrKey:
    """The name of a child that is an attribute."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj: Any) -> Any:
        """Return the attribute."""
        return getattr(obj, self.name)


def _list_flatten_with_keys(node: Any) -> tuple[list[tuple[Any, Any]], Any]:
    children, context = _pytree._children_of(node, _pytree._node_type(node))
    return [(SequenceKey(place), child) for place, child in enumerate(children)], context


def _dict_flatten_with_keys(node: Any) -> tuple[list[tuple[Any, Any]], Any]:
    children, context = _pytree._children_of(node, _pytree._node_type(node))
    return [(MappingKey(key), child) for key, child in zip(node, children)], context


def _namedtuple_flatten_with_keys(node: Any) -> tuple[list[tuple[Any, Any]], Any]:
    children, context = _pytree._children_of(node, _pytree._node_type(node))
    return [(GetAttrKey(name), child) for name, child in zip(node._fields, children)], context


_tuple_flatten_with_keys = _deque_flatten_with_keys = _list_flatten_with_keys
_ordereddict_flatten_with_keys = _defaultdict_flatten_with_keys = _dict_flatten_with_keys

#: How nodes of a type are taken apart with keys; ``_pytree.register_pytree_node`` adds others.
WITH_KEYS: dict[Any, Callable] = {
    **dict.fromkeys((list, tuple, deque, torch.Size), _list_flatten_with_keys),
    **dict.fromkeys((dict, OrderedDict, defaultdict), _dict_flatten_with_keys),
    namedtuple: _namedtuple_flatten_with_keys,
}


def tree_flatten_with_path(
    tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> tuple[list[tuple[tuple, Any]], Any]:
    """Return the leaves with their paths, and what else the tree is.

    Args:
        tree: any object.
        is_leaf: tells which nodes are to count as leaves.
    Raises:
        ValueError: a node's class was registered without ``flatten_with_keys_fn``.
    """
    return tree_leaves_with_path(tree, is_leaf), _pytree.tree_structure(tree, is_leaf)


def tree_leaves_with_path(
    tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> list[tuple[tuple, Any]]:
    """Return the leaves with their paths."""
    found: list[tuple[tuple, Any]] = []

    def visit(path: tuple, node: Any) -> None:
        if _pytree.tree_is_leaf(node, is_leaf):
            found.append((path, node))
            return
        kind = _pytree._node_type(node)
        with_keys = WITH_KEYS.get(kind)
        if with_keys is None and _pytree._is_result(node):
            with_keys = _list_flatten_with_keys
        if with_keys is None:
            raise ValueError(
                f"Did not find a flatten_with_keys_fn for type: {kind}. Please pass a "
                "flatten_with_keys_fn argument to register_pytree_node."
            )
        for key, child in with_keys(node)[0]:
            visit((*path, key), child)

    visit((), tree)
    return found


def tree_map_with_path(
    func: Callable, tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """Return a tree of what a function makes of each leaf and its path.

    Args:
        func: of a path, a leaf, and what the other trees have in its place.
        tree, rests: trees.
        is_leaf: tells which nodes are to count as leaves.
    """
    found, spec = tree_flatten_with_path(tree, is_leaf)
    paths, leaves = [path for path, _ in found], [leaf for _, leaf in found]
    columns = [leaves, *[spec.flatten_up_to(rest) for rest in rests]]
    return spec.unflatten(map(func, paths, *columns))


def keystr(kp: tuple) -> str:
    """Return a path as it would be written in Python."""
    return "".join(map(str, kp))


def key_get(obj: Any, kp: tuple) -> Any:
    """Return what lies at a path."""
    for key in kp:
        obj = key.get(obj)
    return obj
