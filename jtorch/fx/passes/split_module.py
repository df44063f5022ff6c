"""A graph cut into parts, each a submodule."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jtorch as torch

from ..._runtime import absent as _absent
from ..graph import Graph
from ..graph_module import GraphModule, _get_attr
from ..node import Node, map_arg

__all__ = ["Partition", "split_module"]


class Partition:
    """One part of a graph.

    Attributes:
        name: of the part.
        inputs, outputs: the names of the values that it takes and gives, as keys.
        depends_on, dependents: the names of parts before and after it.
        graph: its graph.
        environment: nodes of the whole graph to those of its own.
    """

    def __init__(self, name: str):
        self.name = name
        self.submod_name = f"submod_{name}"
        self.node_names: list[str] = []
        self.inputs: dict[str, None] = {}
        self.outputs: dict[str, None] = {}
        self.depends_on: dict[str, None] = {}
        self.dependents: dict[str, None] = {}
        self.graph = Graph()
        self.environment: dict[Node, Node] = {}
        self.targets: dict[str, Any] = {}

    def __repr__(self) -> str:
        return (
            f"name: {self.name},\n nodes: {self.node_names},\n inputs: {self.inputs},\n "
            f"outputs: {self.outputs},\n partitions depended on: {self.depends_on},\n "
            f"partition dependents: {self.dependents}"
        )


def split_module(
    m: GraphModule,
    root_m: Any,
    split_callback: Callable[[Node], Any],
    qualname_map: dict[str, str] | None = None,
    keep_original_order: bool | None = False,
    keep_original_node_name: bool | None = False,
    keep_original_input_name: bool = True,
    *,
    partition_affix: str | None = None,
    **options: Any,
) -> GraphModule:
    """Return a module that calls the parts of another one's graph as submodules.

    Args:
        m: the module.
        root_m: where its attributes are found.
        split_callback: gives the part that a node belongs to.
        qualname_map: completed: new qualified names to old ones.
        keep_original_order: whether the parts are called in the order in which they come.
        keep_original_node_name: whether nodes keep their names.
        keep_original_input_name: whether parameters of parts have the names of their values.
        partition_affix: stands in the names of the parts.
    """
    return _Splitter(m, root_m, qualname_map, bool(keep_original_order), partition_affix).split(
        split_callback
    )


class _Splitter:
    def __init__(
        self,
        module: GraphModule,
        root: Any,
        qualified_names: dict[str, str] | None,
        keep_order: bool,
        affix: str | None,
    ):
        self.module = module
        self.root = root
        self.qualified_names = qualified_names
        self.keep_order = keep_order
        self.affix = affix
        self.parts: dict[str, Partition] = {}
        self.part_of: dict[Node, str] = {}
        self.nodes = {node.name: node for node in module.graph.nodes}

    def split(self, callback: Callable[[Node], Any]) -> GraphModule:
        """Return the new module."""
        self._assign(callback)
        order = self._ordered()
        for name in order:
            self._add_parameters(self.parts[name])
        for node in self.module.graph.nodes:
            if node in self.part_of and node.op not in ("placeholder", "output"):
                self._copy(node, self.parts[self.part_of[node]])
        return self._put_together(order)

    def _assign(self, callback: Callable[[Node], Any]) -> None:
        for node in self.module.graph.nodes:
            if node.op in ("placeholder", "output", "get_attr"):
                continue
            name = str(callback(node))
            part = self.parts.setdefault(name, Partition(name))
            if self.affix is not None:
                part.submod_name = f"submod_{self.affix}_{name}"
            part.node_names.append(node.name)
            self.part_of[node] = name
        for node in self.module.graph.nodes:
            if node.op == "output":
                map_arg(node.args, lambda used: self._note(used, None))
            elif node in self.part_of:
                map_arg((node.args, node.kwargs), functools.partial(self._note, user=node))

    def _note(self, used: Node, user: Node | None) -> None:
        """Note that a value is used in another part, or by the result."""
        source = self.part_of.get(used)
        target = None if user is None else self.part_of[user]
        if source == target and source is not None:
            return
        if source is not None:
            self.parts[source].outputs.setdefault(used.name)
        if target is not None:
            self.parts[target].inputs.setdefault(used.name)
            if source is not None:
                self.parts[target].depends_on.setdefault(source)
                self.parts[source].dependents.setdefault(target)

    def _ordered(self) -> list[str]:
        """Return the parts in an order in which they can be run."""
        if self.keep_order:
            return list(self.parts)
        waiting = {name: dict(part.depends_on) for name, part in self.parts.items()}
        ready = [name for name, before in waiting.items() if not before]
        order: list[str] = []
        while ready:
            name = ready.pop(0)
            order.append(name)
            for after in self.parts[name].dependents:
                waiting[after].pop(name, None)
                if not waiting[after]:
                    ready.append(after)
        if len(order) != len(self.parts):
            raise RuntimeError("cycle exists between partitions!")
        return order

    def _add_parameters(self, part: Partition) -> None:
        for name in part.inputs:
            node = self.nodes[name]
            made = part.graph.placeholder(name, type_expr=node.type)
            made.meta = dict(node.meta)
            part.environment[node] = made

    def _copy(self, node: Node, part: Partition) -> None:
        args = map_arg(node.args, part.environment.__getitem__)
        kwargs = map_arg(node.kwargs, part.environment.__getitem__)
        target = node.target
        if node.op == "call_module":
            target = self._install(node.target, part)
        made = part.graph.create_node(
            node.op, target, args, kwargs, name=node.name, type_expr=node.type
        )
        made.meta = dict(node.meta)
        part.environment[node] = made

    def _install(self, target: str, part: Partition) -> str:
        value = _get_attr(self.root, target)
        name = target.replace(".", "_")
        part.targets[name] = value
        if self.qualified_names is not None:
            self.qualified_names[f"{part.submod_name}.{name}"] = target
        return name

    def _put_together(self, order: list[str]) -> GraphModule:
        graph = Graph()
        values: dict[str, Any] = {}
        attributes: dict[str, Any] = {}
        for node in self.module.graph.nodes:
            if node.op == "placeholder":
                default = node.args[0] if node.args else None
                made = (
                    graph.placeholder(node.target, type_expr=node.type, default_value=default)
                    if node.args
                    else graph.placeholder(node.target, type_expr=node.type)
                )
                made.meta = dict(node.meta)
                values[node.name] = made
            elif node.op == "get_attr":
                values[node.name] = graph.get_attr(node.target, type_expr=node.type)
                values[node.name].meta = dict(node.meta)
                attributes[node.target] = _get_attr(self.root, node.target)
        for name in order:
            part = self.parts[name]
            outputs = [part.environment[self.nodes[each]] for each in part.outputs]
            part.graph.output(tuple(outputs) if len(outputs) > 1 else _single(outputs))
            attributes[part.submod_name] = GraphModule(part.targets, part.graph)
            called = graph.call_module(
                part.submod_name, tuple([values[each] for each in part.inputs])
            )
            if len(outputs) > 1:
                proxy = torch.fx.Proxy(called)
                for index, each in enumerate(part.outputs):
                    values[each] = proxy[index].node  # type: ignore[index]
            elif outputs:
                values[next(iter(part.outputs))] = called
        output = self.module.graph.output_node()
        graph.output(map_arg(output.args[0], lambda used: values[used.name]), output.type)
        return GraphModule(attributes, graph)


def _single(outputs: list[Node]) -> Any:
    return outputs[0] if outputs else ()


__getattr__ = _absent.attributes(__name__)
