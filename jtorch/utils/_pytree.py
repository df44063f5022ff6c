"""Containers taken apart and put together again: ``torch.utils._pytree``.

Lists, tuples, named tuples, dictionaries and deques are nodes, and so are classes that are
registered; whatever else there is, ``None`` too, is a leaf. Dictionaries keep their order.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jtorch as torch

from .._runtime import absent as _absent

PyTree = Any
Context = Any
FlattenFunc = Callable[[Any], tuple[list[Any], Any]]
UnflattenFunc = Callable[[Iterable[Any], Any], Any]

_DICTS = (dict, OrderedDict, defaultdict)


class NodeDef(NamedTuple):
    """How nodes of a type are taken apart and made."""

    type: type
    flatten_fn: FlattenFunc
    unflatten_fn: UnflattenFunc


SUPPORTED_NODES: dict[type, NodeDef] = {}


def register_pytree_node(
    cls: type, flatten_fn: FlattenFunc, unflatten_fn: UnflattenFunc, **options: Any
) -> None:
    """Make a class one of nodes.

    Args:
        cls: the class.
        flatten_fn: ``(node) -> (list of children, context)``.
        unflatten_fn: ``(children, context) -> node``.
        options: ``flatten_with_keys_fn``, ``(node) -> (list of (key, child), context)``; names
            for files are of no account.
    Raises:
        ValueError: the class is one already.
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn)
    if options.get("flatten_with_keys_fn") is not None:
        WITH_KEYS[cls] = options["flatten_with_keys_fn"]


_register_pytree_node = register_pytree_node


# How the containers of Python are taken apart and made: ``(node) -> (children, context)`` and
# ``(children, context) -> node``, by PyTorch's names, which other libraries read.
def _list_flatten(node: Any) -> tuple[list[Any], Any]:
    return list(node), None


def _list_unflatten(children: Iterable[Any], context: Any) -> list[Any]:
    return list(children)


_tuple_flatten = _list_flatten


def _tuple_unflatten(children: Iterable[Any], context: Any) -> tuple[Any, ...]:
    return tuple(children)


def _namedtuple_flatten(node: Any) -> tuple[list[Any], Any]:
    return list(node), type(node)


def _namedtuple_unflatten(children: Iterable[Any], context: Any) -> Any:
    return context(*children)


def _dict_flatten(node: Any) -> tuple[list[Any], Any]:
    return list(node.values()), list(node)


_ordereddict_flatten = _odict_flatten = _dict_flatten


def _dict_unflatten(children: Iterable[Any], context: Any) -> dict[Any, Any]:
    return dict(zip(context, children, strict=True))


def _ordereddict_unflatten(children: Iterable[Any], context: Any) -> OrderedDict[Any, Any]:
    return OrderedDict(zip(context, children, strict=True))


_odict_unflatten = _ordereddict_unflatten


def _defaultdict_flatten(node: Any) -> tuple[list[Any], Any]:
    return list(node.values()), [node.default_factory, list(node)]


def _defaultdict_unflatten(children: Iterable[Any], context: Any) -> defaultdict[Any, Any]:
    return defaultdict(context[0], zip(context[1], children, strict=True))


def _deque_flatten(node: Any) -> tuple[list[Any], Any]:
    return list(node), node.maxlen


def _deque_unflatten(children: Iterable[Any], context: Any) -> deque[Any]:
    return deque(children, context)


register_pytree_node(list, _list_flatten, _list_unflatten)
register_pytree_node(tuple, _tuple_flatten, _tuple_unflatten)
register_pytree_node(torch.Size, _list_flatten, lambda children, _: torch.Size(children))
register_pytree_node(namedtuple, _namedtuple_flatten, _namedtuple_unflatten)  # type: ignore[arg-type]
register_pytree_node(dict, _dict_flatten, _dict_unflatten)
register_pytree_node(OrderedDict, _ordereddict_flatten, _ordereddict_unflatten)
register_pytree_node(defaultdict, _defaultdict_flatten, _defaultdict_unflatten)
register_pytree_node(deque, _deque_flatten, _deque_unflatten)


def _is_result(tree: Any) -> bool:
    """Tell whether a tuple is one of several results with names, as ``torch.max`` returns."""
    return isinstance(tree, tuple) and hasattr(type(tree), "n_sequence_fields")


def _node_type(tree: Any) -> Any:
    kind = type(tree)
    if kind in SUPPORTED_NODES:
        return kind
    if isinstance(tree, tuple) and hasattr(kind, "_fields"):
        return namedtuple
    return kind


_get_node_type = _node_type  # PyTorch's name, read by other libraries


class TreeSpec:
    """What a tree is apart from its leaves.

    Attributes:
        type: of the root, ``None`` for a leaf.
        context: what the root has besides its children.
        num_leaves, num_nodes, num_children: counts; a leaf is a node too.
    """

    num_leaves: int
    num_nodes: int

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]):
        self.type = type
        self.context = context
        self._children = children_specs
        self.num_children = len(children_specs)
        self.num_leaves = sum(spec.num_leaves for spec in children_specs) if type else 1
        self.num_nodes = 1 + sum(spec.num_nodes for spec in children_specs)

    @property
    def children_specs(self) -> list[TreeSpec]:
        """The children's."""
        return self._children

    def children(self) -> list[TreeSpec]:
        """Return the children's."""
        return list(self._children)

    def child(self, index: int) -> TreeSpec:
        """Return one child's."""
        return self._children[index]

    def is_leaf(self) -> bool:
        """Return whether the tree is one leaf."""
        return self.type is None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TreeSpec):
            return NotImplemented
        mine, theirs = (self.type, self.context), (other.type, other.context)
        return mine == theirs and self._children == other._children

    def __hash__(self) -> int:
        return hash((self.type, str(self.context), tuple(self._children)))

    def __repr__(self, indent: int = 0) -> str:
        if self.is_leaf():
            return "*"
        children = [child.__repr__(indent + 2) for child in self._children]
        inside = (",\n" + " " * (indent + 2)).join(children)
        return f"TreeSpec({self.type.__name__}, {self.context}, [{inside}])"

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """Put a tree together from its leaves; see ``tree_unflatten``."""
        leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec "
                f"refers to a pytree that holds {self.num_leaves} items ({self})."
            )
        return self._put_together(iter(leaves))

    def _put_together(self, leaves: Iterator[Any]) -> Any:
        if self.is_leaf():
            return next(leaves)
        children = [child._put_together(leaves) for child in self._children]
        node = SUPPORTED_NODES.get(self.type)
        return self.type(children) if node is None else node.unflatten_fn(children, self.context)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """Return what stands in another tree where this one has its leaves.

        Raises:
            ValueError: the trees differ above the leaves.
        """
        if self.is_leaf():
            return [tree]
        kind = _node_type(tree)
        if kind is not self.type and not (kind in _DICTS and self.type in _DICTS):
            raise ValueError(f"Node type mismatch; expected {self.type!r}, but got {kind!r}.")
        if kind in _DICTS:
            children = self._by_key(tree)
        else:
            children, context = _children_of(tree, kind)
            if len(children) != self.num_children:
                raise ValueError(
                    f"Node arity mismatch; expected {self.num_children}, but got {len(children)}."
                )
            if context != self.context and kind is not deque:
                raise ValueError(f"Node context mismatch for custom node type {self.type!r}.")
        return [
            leaf
            for spec, child in zip(self._children, children, strict=True)
            for leaf in spec.flatten_up_to(child)
        ]

    def _by_key(self, tree: dict) -> list[Any]:
        keys = self.context[1] if self.type is defaultdict else self.context
        missing, extra = set(keys) - set(tree), set(tree) - set(keys)
        if missing or extra:
            parts = [f"missing key(s): {missing}"] if missing else []
            parts += [f"extra key(s): {extra}"] if extra else []
            raise ValueError(f"Node keys mismatch; {'; '.join(parts)}.")
        return [tree[key] for key in keys]


def LeafSpec() -> TreeSpec:
    """Return the spec of one leaf."""
    return TreeSpec(None, None, [])


def _children_of(tree: Any, kind: Any) -> tuple[list[Any], Any]:
    if kind in SUPPORTED_NODES:
        return SUPPORTED_NODES[kind].flatten_fn(tree)
    return list(tree), None


def tree_is_leaf(tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Return whether a tree is one leaf, or is to count as one."""
    if is_leaf is not None and is_leaf(tree):
        return True
    return _node_type(tree) not in SUPPORTED_NODES and not _is_result(tree)


def tree_flatten(
    tree: PyTree, is_leaf: Callable[[Any], bool] | None = None
) -> tuple[list[Any], TreeSpec]:
    """Return the leaves of a tree, and what else it is.

    Args:
        tree: any object.
        is_leaf: tells which nodes are to count as leaves.
    """
    leaves: list[Any] = []

    def visit(node: Any) -> TreeSpec:
        if tree_is_leaf(node, is_leaf):
            leaves.append(node)
            return LeafSpec()
        kind = _node_type(node)
        children, context = _children_of(node, kind)
        return TreeSpec(kind, context, [visit(child) for child in children])

    return leaves, visit(tree)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> PyTree:
    """Put a tree together.

    Args:
        leaves: as many as it has.
        treespec: what ``tree_flatten`` returned.
    Raises:
        TypeError: ``treespec`` is none.
        ValueError: there is another number of leaves.
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            "Expected `treespec` to be an instance of PyTreeSpec but got item of type "
            f"{type(treespec)}."
        )
    return treespec.unflatten(leaves)


def tree_iter(tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> Iterator[Any]:
    """Yield the leaves."""
    yield from tree_flatten(tree, is_leaf)[0]


def tree_leaves(tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """Return the leaves."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    """Return what a tree is apart from its leaves."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(
    func: Callable,
    tree: PyTree,
    *rests: PyTree,
    is_leaf: Callable[[Any], bool] | None = None,
) -> PyTree:
    """Return a tree of what a function makes of each leaf.

    Args:
        func: of a leaf, and of what the other trees have in its place.
        tree, rests: trees; the others may go on where the first one has leaves.
        is_leaf: tells which nodes are to count as leaves.
    Raises:
        ValueError: the trees differ.
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves, *[spec.flatten_up_to(rest) for rest in rests]]
    return spec.unflatten(map(func, *columns))


def tree_map_(
    func: Callable,
    tree: PyTree,
    *rests: PyTree,
    is_leaf: Callable[[Any], bool] | None = None,
) -> PyTree:
    """Call a function with each leaf, as ``tree_map`` does, and return the tree as it was."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _chosen(type_or_types_or_pred: Any) -> Callable[[Any], bool]:
    if isinstance(type_or_types_or_pred, type) or not callable(type_or_types_or_pred):
        return lambda leaf: isinstance(leaf, type_or_types_or_pred)
    return type_or_types_or_pred


def map_only(type_or_types_or_pred: Any) -> Callable[[Callable], Callable]:
    """Return a decorator after which a function returns other objects than the chosen as they are.

    Args:
        type_or_types_or_pred: a type, a tuple of types, or a function that tells.
    """
    chosen = _chosen(type_or_types_or_pred)
    return lambda func: lambda leaf: func(leaf) if chosen(leaf) else leaf


def tree_map_only(
    type_or_types_or_pred: Any,
    func: Callable,
    tree: PyTree,
    is_leaf: Callable[[Any], bool] | None = None,
) -> PyTree:
    """Do what ``tree_map`` does, to leaves of some types; others stay."""
    return tree_map(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_map_only_(
    type_or_types_or_pred: Any,
    func: Callable,
    tree: PyTree,
    is_leaf: Callable[[Any], bool] | None = None,
) -> PyTree:
    """Call a function with leaves of some types, and return the tree as it was."""
    return tree_map_(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_all(
    pred: Callable[[Any], bool], tree: PyTree, is_leaf: Callable[[Any], bool] | None = None
) -> bool:
    """Return whether something is true of all leaves."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(
    pred: Callable[[Any], bool], tree: PyTree, is_leaf: Callable[[Any], bool] | None = None
) -> bool:
    """Return whether something is true of a leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(
    type_or_types: Any,
    pred: Callable[[Any], bool],
    tree: PyTree,
    is_leaf: Callable[[Any], bool] | None = None,
) -> bool:
    """Return whether something is true of all leaves of some types."""
    return all(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, type_or_types))


def tree_any_only(
    type_or_types: Any,
    pred: Callable[[Any], bool],
    tree: PyTree,
    is_leaf: Callable[[Any], bool] | None = None,
) -> bool:
    """Return whether something is true of a leaf of some types."""
    return any(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, type_or_types))


# At the end: these read what stands above.
from ._pytree_paths import WITH_KEYS  # noqa: E402
from ._pytree_paths import GetAttrKey as GetAttrKey  # noqa: E402
from ._pytree_paths import MappingKey as MappingKey  # noqa: E402
from ._pytree_paths import SequenceKey as SequenceKey  # noqa: E402
from ._pytree_paths import _dict_flatten_with_keys as _dict_flatten_with_keys  # noqa: E402
from ._pytree_paths import _list_flatten_with_keys as _list_flatten_with_keys  # noqa: E402
from ._pytree_paths import key_get as key_get  # noqa: E402
from ._pytree_paths import keystr as keystr  # noqa: E402
from ._pytree_paths import tree_flatten_with_path as tree_flatten_with_path  # noqa: E402
from ._pytree_paths import tree_leaves_with_path as tree_leaves_with_path  # noqa: E402
from ._pytree_paths import tree_map_with_path as tree_map_with_path  # noqa: E402

__getattr__ = _absent.attributes(__name__)
