"""Operations in the order in which they are called: ``torch.fx.Graph``."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jtorch as torch

from .._runtime import absent as _absent
from . import _names
from ._codegen import CodeGen as CodeGen
from ._codegen import PythonCode as PythonCode
from ._codegen import PyTreeCodeGen as _PyTreeCodeGen  # noqa: F401
from ._codegen import PyTreeInfo as _PyTreeInfo  # noqa: F401
from ._codegen import inplace_methods as inplace_methods
from ._codegen import magic_methods as magic_methods
from ._codegen import reflectable_magic_methods as reflectable_magic_methods
from .node import Node, map_arg

__all__ = ["CodeGen", "Graph", "PythonCode"]

_Namespace = _names.Namespace
_snake_case = _names.snake_case
_is_magic = _names.is_magic


class _NodeList:
    """The nodes of a graph, in order; those erased meanwhile are left out."""

    def __init__(self, graph: Graph, direction: str = "_next"):
        self.graph = graph
        self.direction = direction

    def __len__(self) -> int:
        return self.graph._len

    def __iter__(self) -> Iterator[Node]:
        root = self.graph._root
        node = getattr(root, self.direction)
        while node is not root:
            if not node._erased:
                yield node
            node = getattr(node, self.direction)

    def __reversed__(self) -> _NodeList:
        return _NodeList(self.graph, "_prev" if self.direction == "_next" else "_next")


class _InsertPoint:
    """A block in which new nodes are inserted at a place."""

    def __init__(self, graph: Graph, insert: Callable[[Node], None]):
        self.graph = graph
        self._before, graph._insert = graph._insert, insert

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        self.graph._insert = self._before


class Graph:
    """Operations in the order in which they are called; the last one returns the result.

    Args:
        owning_module: the ``GraphModule`` whose graph it is.
        tracer_cls: the class of the tracer that made it.
        tracer_extras: what else that tracer wants to be remembered.
    """

    def __init__(
        self,
        owning_module: Any = None,
        tracer_cls: type | None = None,
        tracer_extras: dict[str, Any] | None = None,
    ):
        self._root = Node(self, "", "root", "", (), {})
        self._len = 0
        self._graph_namespace = _Namespace()
        self._insert: Callable[[Node], None] = self._root.prepend
        self._owning_module = owning_module
        self._tracer_cls = tracer_cls
        self._tracer_extras = tracer_extras
        self._codegen = CodeGen()
        self._replace_hooks: list[Callable] = []
        self._rename_hooks: list[Callable] = []

    @property
    def owning_module(self) -> Any:
        """The module whose graph it is."""
        return self._owning_module

    @owning_module.setter
    def owning_module(self, mod: Any) -> None:
        self._owning_module = mod

    @property
    def nodes(self) -> Any:
        """The nodes, in order."""
        return _NodeList(self)

    def output_node(self) -> Node:
        """Return the node that returns the result."""
        last = next(iter(reversed(self.nodes)))
        if last.op != "output":
            raise AssertionError(f"Expected output node, got {last.op}")
        return last

    def find_nodes(self, *, op: str, target: Any = None, sort: bool = True) -> list[Node]:
        """Return the nodes of an operation, in order.

        Args:
            op: such as ``"call_function"``.
            target: what they call; by default anything.
            sort: taken and not needed: they always come in order.
        """
        return [
            node
            for node in self.nodes
            if node.op == op and (target is None or node.target == target)
        ]

    # Changes

    def create_node(
        self,
        op: str,
        target: Any,
        args: tuple | None = None,
        kwargs: dict[str, Any] | None = None,
        name: str | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Make a node where nodes are inserted, by default at the end.

        Args:
            op: such as ``"call_function"``.
            target: what is called or read.
            args, kwargs: the arguments.
            name: the wished name; by default after the target.
            type_expr: annotation of the result.
        """
        args = args or ()
        kwargs = kwargs or {}
        if not isinstance(args, tuple):
            raise AssertionError(f"args must be a tuple, got {type(args)}")
        if not isinstance(kwargs, dict):
            raise AssertionError(f"kwargs must be a dict, got {type(kwargs)}")
        candidate = name if name is not None else self._target_to_str(target)
        name = self._graph_namespace.create_name(candidate, None)
        node = Node(self, name, op, target, args, kwargs, type_expr)
        if self.owning_module is not None:
            for hook in getattr(self.owning_module, "_create_node_hooks", ()):
                hook(node)
        self._graph_namespace.associate_name_with_obj(name, node)
        self._insert(node)
        self._len += 1
        return node

    def _target_to_str(self, target: Any) -> str:
        if callable(target):
            name = target.__name__
        else:
            name = target
            if _is_magic(name):
                name = name[2:-2]
        return _snake_case(name)

    def erase_node(self, to_erase: Node) -> None:
        """Take a node without users out of the graph."""
        if to_erase.users:
            raise RuntimeError(
                f"Tried to erase Node {to_erase} but it still had "
                f"{len(to_erase.users)} users in the graph: {to_erase.users}!"
            )
        if to_erase.graph is not self:
            raise RuntimeError(f"Attempting to remove {to_erase} from wrong graph!")
        if to_erase._erased:
            warnings.warn(f"erase_node({to_erase}) on an already erased node", stacklevel=2)
            return
        if self.owning_module is not None:
            for hook in getattr(self.owning_module, "_erase_node_hooks", ()):
                hook(to_erase)
        to_erase._unlink()
        to_erase._erased = True
        self._len -= 1
        to_erase._set_arguments((), {})

    def inserting_before(self, n: Node | None = None) -> _InsertPoint:
        """Return a block in which nodes are inserted before one, by default at the beginning."""
        if n is None:
            return self.inserting_after(self._root)
        if n.graph is not self:
            raise AssertionError("Node to insert before is not in graph.")
        return _InsertPoint(self, n.prepend)

    def inserting_after(self, n: Node | None = None) -> _InsertPoint:
        """Return a block in which nodes are inserted behind one, by default at the end."""
        if n is None:
            return self.inserting_before(self._root)
        if n.graph is not self:
            raise AssertionError("Node to insert after is not in graph.")
        return _InsertPoint(self, n.append)

    def placeholder(
        self, name: str, type_expr: Any = None, default_value: Any = inspect.Signature.empty
    ) -> Node:
        """Make the node of a parameter.

        Args:
            name: of the parameter.
            type_expr: its annotation.
            default_value: its default, by default none.
        """
        args = () if default_value is inspect.Signature.empty else (default_value,)
        return self.create_node("placeholder", name, args=args, type_expr=type_expr)

    def get_attr(self, qualified_name: str, type_expr: Any = None) -> Node:
        """Make a node that reads a parameter, buffer, module or tensor of the module."""
        owner = self.owning_module
        if owner is not None and not _has_attribute(owner, qualified_name):
            warnings.warn(
                "Attempted to insert a get_attr Node with no "
                "underlying reference in the owning "
                "GraphModule! Call "
                "GraphModule.add_submodule to add the "
                "necessary submodule, "
                "GraphModule.add_parameter to add the "
                "necessary Parameter, or "
                "nn.Module.register_buffer to add the "
                "necessary buffer",
                stacklevel=2,
            )
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_module(
        self,
        module_name: str,
        args: tuple | None = None,
        kwargs: dict[str, Any] | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Make a node that calls a submodule."""
        owner = self.owning_module
        if owner is not None and not _has_attribute(owner, module_name):
            warnings.warn(
                "Attempted to insert a call_module Node with "
                "no underlying reference in the owning "
                "GraphModule! Call "
                "GraphModule.add_submodule to add the "
                "necessary submodule",
                stacklevel=2,
            )
        return self.create_node("call_module", module_name, args, kwargs, type_expr=type_expr)

    def call_method(
        self,
        method_name: str,
        args: tuple | None = None,
        kwargs: dict[str, Any] | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Make a node that calls a method of its first argument."""
        return self.create_node("call_method", method_name, args, kwargs, type_expr=type_expr)

    def call_function(
        self,
        the_function: Callable,
        args: tuple | None = None,
        kwargs: dict[str, Any] | None = None,
        type_expr: Any = None,
        name: str | None = None,
    ) -> Node:
        """Make a node that calls a function."""
        return self.create_node(
            "call_function", the_function, args, kwargs, name=name, type_expr=type_expr
        )

    def output(self, result: Any, type_expr: Any = None) -> Node:
        """Make the node that returns the result."""
        return self.create_node("output", "output", args=(result,), type_expr=type_expr)

    def node_copy(
        self, node: Node, arg_transform: Callable[[Node], Any] = lambda node: node
    ) -> Node:
        """Copy a node of another graph into this one.

        Args:
            node: the node.
            arg_transform: gives what stands here for a node among its arguments.
        """
        args = map_arg(node.args, arg_transform)
        kwargs = map_arg(node.kwargs, arg_transform)
        copied = self.create_node(node.op, node.target, args, kwargs, node.name, node.type)
        copied.meta = dict(node.meta)
        return copied

    def graph_copy(
        self, g: Graph, val_map: dict[Node, Any], return_output_node: bool = False
    ) -> Any:
        """Copy all nodes of another graph into this one.

        Args:
            g: the other graph.
            val_map: what stands here for its nodes; completed. Those that are in it are not copied.
            return_output_node: whether the other graph's output is returned, too.
        Returns:
            What stands here for the other graph's result.
        """
        for node in g.nodes:
            if node in val_map:
                continue
            if node.op == "output":
                result = map_arg(node.args[0], val_map.__getitem__)
                return result if not return_output_node else (result, node)
            val_map[node] = self.node_copy(node, val_map.__getitem__)
        return None

    def __deepcopy__(self, memo: dict | None = None) -> Graph:
        copied = Graph(tracer_cls=self._tracer_cls)
        values: dict[Node, Any] = {}
        result = copied.graph_copy(self, values, return_output_node=True)
        copied._codegen = self._codegen
        if result is not None:
            value, old = result
            node = copied.output(value, type_expr=getattr(old, "type", None))
            node.meta = dict(old.meta)
            values[old] = node
        if memo is not None:
            memo.update({id(old): new for old, new in values.items()})
        return copied

    def eliminate_dead_code(self, is_impure_node: Callable[[Node], bool] | None = None) -> bool:
        """Take out the nodes whose results are not used.

        Args:
            is_impure_node: tells which are kept nevertheless.
        Returns:
            Whether there were any.
        """
        self.lint()
        changed = False
        for node in reversed(self.nodes):
            impure = node.is_impure() if is_impure_node is None else is_impure_node(node)
            if not impure and not node.users and node.op not in ("placeholder", "output"):
                self.erase_node(node)
                changed = True
        return changed

    # Text and code

    def python_code(self, root_module: str, **options: Any) -> PythonCode:
        """Return the graph as the code of a function.

        Args:
            root_module: what that code calls the module.
            **options: how it is written.
        """
        namespace = _Namespace()

        def name_in_code(node: Node) -> str:
            return namespace.create_name(node.name, node)

        with self._naming(name_in_code):
            return self._codegen._gen_python_code(self.nodes, root_module, namespace, **options)

    @contextlib.contextmanager
    def _naming(self, name: Callable[[Node], str]) -> Iterator[None]:
        before = {node: node._repr_fn for node in self.nodes}
        for node in before:
            node._repr_fn = name
        try:
            yield
        finally:
            for node, function in before.items():
                node._repr_fn = function

    def set_codegen(self, codegen: CodeGen) -> None:
        """Let another object write the code."""
        self._codegen = codegen

    def process_inputs(self, *args: Any) -> Any:
        """Return the arguments of the placeholders, of those of the function."""
        return self._codegen.process_inputs(*args)

    def process_outputs(self, out: Any) -> Any:
        """Return the function's result, of the graph's."""
        return self._codegen.process_outputs(out)

    def on_generate_code(self, make_transformer: Callable[[Any], Any]) -> Any:
        """Let a function change the lines of the body whenever code is written.

        Args:
            make_transformer: takes the function that was there, or ``None``, and returns the new
                one, which takes and returns a list of lines.
        Returns:
            A block at whose end the old one is there again.
        """
        before = self._codegen._body_transformer
        self._codegen._body_transformer = make_transformer(before)

        @contextlib.contextmanager
        def block() -> Iterator[None]:
            try:
                yield
            finally:
                self._codegen._body_transformer = before

        return block()

    def __str__(self) -> str:
        lines = [node.format_node() for node in self.nodes]
        return "graph():" + "".join(f"\n    {line}" for line in lines if line)

    def print_tabular(self) -> None:
        """Print the nodes as a table, by the library ``tabulate``."""
        try:
            from tabulate import tabulate
        except ImportError:
            print(
                "`print_tabular` relies on the library `tabulate`, "
                "which could not be found on this machine. Run `pip "
                "install tabulate` to install the library."
            )
            raise
        rows = [[node.op, node.name, node.target, node.args, node.kwargs] for node in self.nodes]
        print(tabulate(rows, headers=["opcode", "name", "target", "args", "kwargs"]))

    def lint(self) -> None:
        """Check that the graph can be run.

        Raises:
            RuntimeError: a node is used before it is made, a name is there twice, or what a node
                names is not in the module.
        """
        seen_names: set[str] = set()
        seen: set[Node] = set()
        for node in self.nodes:
            if node.graph is not self:
                raise RuntimeError(f"Node '{node}' does not belong to this Graph!")
            for used in node.all_input_nodes:
                if used.graph is not self:
                    raise RuntimeError(
                        f"Argument '{used}' of Node '{node}' does not belong to this Graph, "
                        "but was used as an argument! If you are copying nodes from another graph, "
                        "make sure to use ``arg_transform`` on node_copy() to remap values\n"
                        f"{self}"
                    )
                if used not in seen:
                    raise RuntimeError(
                        f"Argument '{used}' of Node '{node}' was used before it has been "
                        "defined! Please check that Nodes in the graph are topologically ordered\n"
                        f"{self}"
                    )
            seen.add(node)
            if node.name in seen_names:
                raise RuntimeError(f"Node redefined name {node.name}!")
            seen_names.add(node.name)
        if self.owning_module is not None:
            for node in self.nodes:
                if node.op in ("get_attr", "call_module"):
                    _check_target(self.owning_module, node)


def _check_target(owner: Any, node: Node) -> None:
    """Raise where what a node names is not in the module."""
    value = owner
    parts = node.target.split(".")
    for index, part in enumerate(parts):
        if not hasattr(value, part):
            raise RuntimeError(
                f"Node {node} target {node.target} references nonexistent attribute {part} of "
                f"{'.'.join(parts[:index])}"
            )
        value = getattr(value, part)
    if node.op == "call_module" and not isinstance(value, torch.nn.Module):
        raise RuntimeError(
            f"Node {node} target {node.target} {parts[-1]} of {'.'.join(parts[:-1])} does "
            "not reference an nn.Module"
        )


def _has_attribute(owner: Any, qualified_name: str) -> bool:
    value = owner
    for part in qualified_name.split("."):
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True


__getattr__ = _absent.attributes(__name__)
