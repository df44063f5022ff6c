"""One operation of a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import jtorch as torch

from .._runtime import absent as _absent
from . import _names
from .immutable_collections import immutable_dict, immutable_list

if TYPE_CHECKING:
    from .graph import Graph

__all__ = ["Node", "has_side_effect", "map_aggregate", "map_arg"]

Target = Any
Argument = Any
base_types = (
    str,
    int,
    float,
    bool,
    complex,
    torch.dtype,
    torch.Tensor,
    torch.device,
    torch.memory_format,
    torch.layout,
)
_legal_ops = frozenset(
    ("placeholder", "get_attr", "call_function", "call_module", "call_method", "output", "root")
)
_side_effectful_functions: set[Callable] = set()
_get_qualified_name = _names.qualified_name
_type_repr = _names.type_repr


def has_side_effect(fn: Callable) -> Callable:
    """Mark a function as one whose calls are kept where their results are not used."""
    _side_effectful_functions.add(fn)
    return fn


def map_aggregate(a: Any, fn: Callable[[Any], Any]) -> Any:
    """Apply a function to everything in tuples, lists, dicts and slices.

    Returns:
        The same structure, of immutable lists and dicts.
    """
    if isinstance(a, tuple):
        values = tuple([map_aggregate(each, fn) for each in a])
        return values if not hasattr(a, "_fields") else type(a)(*values)
    if isinstance(a, list):
        return immutable_list([map_aggregate(each, fn) for each in a])
    if isinstance(a, dict):
        return immutable_dict([(key, map_aggregate(each, fn)) for key, each in a.items()])
    if isinstance(a, slice):
        return slice(*[map_aggregate(each, fn) for each in (a.start, a.stop, a.step)])
    return fn(a)


def map_arg(a: Any, fn: Callable[[Node], Any]) -> Any:
    """Apply a function to every node in tuples, lists, dicts and slices."""
    if not callable(fn):
        raise AssertionError("torch.fx.map_arg(a, fn): fn must be a callable")
    return map_aggregate(a, lambda each: fn(each) if isinstance(each, Node) else each)


def _format_arg(arg: Any, max_list_len: float = float("inf")) -> str:
    if isinstance(arg, list):
        items = [_format_arg(each) for index, each in enumerate(arg) if index < max_list_len]
        more = "" if len(arg) < max_list_len + 1 else f", ...[total_len={len(arg)}]"
        return f"[{', '.join(items)}{more}]"
    if isinstance(arg, tuple):
        items = [_format_arg(each) for index, each in enumerate(arg) if index < max_list_len]
        more = "" if len(arg) < max_list_len + 1 else f", ...[total_len={len(arg)}]"
        comma = "," if len(arg) == 1 else ""
        return f"({', '.join(items)}{comma}{more})"
    if isinstance(arg, dict):
        return f"{{{', '.join(f'{key}: {_format_arg(each)}' for key, each in arg.items())}}}"
    return f"%{arg}" if isinstance(arg, Node) else str(arg)


class Node:
    """One operation of a ``Graph``.

    Attributes:
        graph: the graph.
        name: unique within it.
        op: ``placeholder``, ``get_attr``, ``call_function``, ``call_module``, ``call_method`` or
            ``output``.
        target: what is called or read: a function, or the name of a method, module or attribute.
        args, kwargs: the arguments, with nodes where results of others are used.
        users: the nodes that use its result, as keys.
        type: annotation of the result.
        meta: what passes note of it.
    """

    def __init__(
        self,
        graph: Graph,
        name: str,
        op: str,
        target: Any,
        args: tuple,
        kwargs: dict[str, Any],
        return_type: Any = None,
    ):
        if op not in _legal_ops:
            raise AssertionError(f"op '{op}' is not in _legal_ops")
        if op == "call_function":
            if not callable(target):
                raise ValueError(
                    f"Node [graph = {graph}, name = '{name}'] target {target} has type "
                    f"{torch.typename(target)} but a Callable is expected"
                )
        elif not isinstance(target, str):
            raise ValueError(
                f"Node [graph = {graph}, name = '{name}'] target {target} has type "
                f"{torch.typename(target)} but a str is expected"
            )
        self.graph = graph
        self.name = name
        self.op = op
        self.target = target
        self._input_nodes: dict[Node, None] = {}
        self.users: dict[Node, None] = {}
        self.type = return_type
        self._prev: Node = self
        self._next: Node = self
        self._erased = False
        self._repr_fn: Callable[[Node], str] | None = None
        self._args: tuple = ()
        self._kwargs: dict[str, Any] = {}
        self.meta: dict[str, Any] = {}
        self._set_arguments(map_aggregate(args, _same), map_aggregate(kwargs, _same))

    @property
    def next(self) -> Node:
        """The node after it."""
        return self._next

    @property
    def prev(self) -> Node:
        """The node before it."""
        return self._prev

    def prepend(self, x: Node) -> None:
        """Move another node of the graph before this one."""
        if self.graph is not x.graph:
            raise AssertionError("Attempting to move a Node into a different Graph")
        if self is x:
            return
        x._unlink()
        before = self._prev
        before._next, x._prev = x, before
        x._next, self._prev = self, x

    def append(self, x: Node) -> None:
        """Move another node of the graph behind this one."""
        self._next.prepend(x)

    def _unlink(self) -> None:
        self._prev._next, self._next._prev = self._next, self._prev

    _remove_from_list = _unlink

    @property
    def args(self) -> tuple:
        """The positional arguments; to change them, assign new ones."""
        return self._args

    @args.setter
    def args(self, a: Any) -> None:
        self._set_arguments(map_aggregate(a, _same), self._kwargs)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The arguments by name; to change them, assign new ones."""
        return self._kwargs

    @kwargs.setter
    def kwargs(self, k: dict[str, Any]) -> None:
        self._set_arguments(self._args, map_aggregate(k, _same))

    @property
    def all_input_nodes(self) -> list[Node]:
        """The nodes among the arguments, each once."""
        return list(self._input_nodes)

    def _set_arguments(self, args: Any, kwargs: Any) -> None:
        for old in self._input_nodes:
            old.users.pop(self, None)
        self._args, self._kwargs = args, kwargs
        self._input_nodes = {}
        map_arg((args, kwargs), self._use)

    def _use(self, node: Node) -> Node:
        self._input_nodes.setdefault(node)
        node.users.setdefault(self)
        return node

    _update_args_kwargs = _set_arguments

    def update_arg(self, idx: int, arg: Any) -> None:
        """Replace one positional argument."""
        args = list(self.args)
        args[idx] = arg
        self.args = tuple(args)

    def insert_arg(self, idx: int, arg: Any) -> None:
        """Insert a positional argument before another."""
        if not 0 <= idx <= len(self.args):
            raise AssertionError("insert_args index must be between 0 and len(self.args)")
        self.args = (*self.args[:idx], arg, *self.args[idx:])

    def update_kwarg(self, key: str, arg: Any) -> None:
        """Replace one argument by name."""
        self.kwargs = {**self.kwargs, key: arg}

    @property
    def stack_trace(self) -> str | None:
        """Where it was recorded, if that was kept."""
        return self.meta.get("stack_trace")

    @stack_trace.setter
    def stack_trace(self, trace: str | None) -> None:
        self.meta["stack_trace"] = trace

    def __repr__(self) -> str:
        if self._repr_fn:
            return self._repr_fn(self)
        return self.name

    def _pretty_print_target(self, target: Any) -> str:
        if isinstance(target, str):
            return target
        module = getattr(target, "__module__", None)
        if module == "builtins":
            return f"builtins.{target.__name__}"
        if module == "_operator":
            return f"operator.{target.__name__}"
        return _get_qualified_name(target)

    def format_node(
        self,
        placeholder_names: list[str] | None = None,
        maybe_return_typename: list[str] | None = None,
        *,
        include_tensor_metadata: bool = False,
    ) -> str | None:
        """Return its line in the text of the graph.

        Args:
            placeholder_names: a list that names of placeholders are added to instead.
            maybe_return_typename: a list of one text, which the annotation of an output replaces.
            include_tensor_metadata: taken and ignored: nothing is known of tensors here.
        """
        typed = f"{_type_repr(self.type)} " if self.type else ""
        if self.op == "placeholder":
            if placeholder_names is not None:
                name = self.target + (f": {_type_repr(self.type)}" if self.type else "")
                placeholder_names.append(name)
                return None
            default = f"(default={self.args[0]})" if self.args else ""
            return (
                f"%{self.name} : {typed}[num_users={len(self.users)}] = "
                f"{self.op}[target={self.target}]{default}"
            )
        if self.op == "get_attr":
            return (
                f"%{self.name} : {typed}[num_users={len(self.users)}] = "
                f"{self.op}[target={self._pretty_print_target(self.target)}]"
            )
        if self.op == "output":
            if self.type and maybe_return_typename:
                maybe_return_typename[0] = f" -> {_type_repr(self.type)}"
            return f"return {self.args[0]}"
        return (
            f"%{self.name} : {typed}[num_users={len(self.users)}] = "
            f"{self.op}[target={self._pretty_print_target(self.target)}]("
            f"args = {_format_arg(self.args)}, kwargs = {_format_arg(self.kwargs)})"
        )

    def replace_all_uses_with(
        self,
        replace_with: Node,
        delete_user_cb: Callable[[Node], bool] | None = None,
        *,
        propagate_meta: bool = False,
    ) -> list[Node]:
        """Let its users use another node.

        Args:
            replace_with: the other node.
            delete_user_cb: tells which users do so; by default all.
            propagate_meta: whether the other node gets this one's notes.
        Returns:
            The users that were changed.
        """
        if propagate_meta:
            if replace_with.meta:
                raise AssertionError(
                    "Called node.replace_all_uses_with(replace_with, propagate_meta=True), "
                    "but replace_with already has .meta keys"
                )
            replace_with.meta.update(self.meta)
        users = [user for user in self.users if delete_user_cb is None or delete_user_cb(user)]
        for user in users:
            user.replace_input_with(self, replace_with)
        return users

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        """Use another node wherever one is used."""

        def other(node: Node) -> Node:
            return new_input if node is old_input else node

        self._set_arguments(map_arg(self.args, other), map_arg(self.kwargs, other))
        for module in getattr(self.graph, "_replace_hooks", ()):
            module(old=old_input, new=new_input.name, user=self)

    _replace_input_with = replace_input_with

    def is_impure(self, impure_random: bool = True) -> bool:
        """Tell whether it has to be kept where its result is not used."""
        if self.op in ("placeholder", "output"):
            return True
        if self.op == "call_function":
            return self.target in _side_effectful_functions or self.target is torch._assert
        if self.op == "call_module":
            owner = self.graph.owning_module
            if owner is None:
                raise AssertionError("self.graph.owning_module not set for purity check")
            module = owner.get_submodule(self.target)
            return getattr(module, "_is_impure", False)
        return False

    def normalized_arguments(
        self,
        root: Any,
        arg_types: tuple | None = None,
        kwarg_types: dict[str, Any] | None = None,
        normalize_to_only_use_kwargs: bool = False,
    ) -> Any:
        """Return its arguments by the signature of what it calls.

        Args:
            root: the module that its target is found in.
            arg_types, kwarg_types: taken and not needed: signatures decide.
            normalize_to_only_use_kwargs: whether all that can be are given by name.
        Returns:
            A pair of arguments, ``None`` where there is no signature for them.
        """
        from .operator_schemas import normalize_function, normalize_module

        if self.op == "call_function":
            return normalize_function(
                self.target,
                self.args,
                self.kwargs,
                arg_types,
                kwarg_types,
                normalize_to_only_use_kwargs,
            )
        if self.op == "call_module":
            return normalize_module(
                root, self.target, self.args, self.kwargs, normalize_to_only_use_kwargs
            )
        return None

    def __lt__(self, other: Node) -> bool:
        return self._place() < other._place()

    def __gt__(self, other: Node) -> bool:
        return self._place() > other._place()

    def __le__(self, other: Node) -> bool:
        return self is other or self < other

    def __ge__(self, other: Node) -> bool:
        return self is other or self > other

    def _place(self) -> int:
        return list(self.graph.nodes).index(self)

    def _rename(self, candidate: str) -> None:
        if candidate == self.name:
            return
        self.name = self.graph._graph_namespace.create_name(candidate, None)
        self.graph._graph_namespace._rename_object(self, self.name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "name" and hasattr(self, "name"):
            for hook in getattr(self.graph, "_rename_hooks", ()):
                hook(self, value)
        object.__setattr__(self, name, value)


def _same(value: Any) -> Any:
    return value


def _find_module_of_method(orig_method: Callable) -> str:
    return _names._module_of(orig_method)


def nodes_of(values: Any) -> Iterable[Node]:
    """Return the nodes in a structure of arguments, in order."""
    found: list[Node] = []
    map_arg(values, found.append)
    return found


__getattr__ = _absent.attributes(__name__)
