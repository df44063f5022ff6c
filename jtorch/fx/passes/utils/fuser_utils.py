"""Parts of a graph replaced by submodules that do what they did."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, cast

from ...graph import Graph
from ...graph_module import GraphModule
from ...node import Node
from ...proxy import Proxy
from ..tools_common import NodeList, stable_topological_sort
from .common import lift_subgraph_as_module

__all__ = [
    "erase_nodes", "fuse_as_graphmodule", "fuse_by_partitions", "insert_subgm", "topo_sort",
    "validate_partition",
]  # fmt: skip


def topo_sort(nodes: NodeList) -> NodeList:
    """Return nodes in an order in which each comes behind those that it uses.

    Args:
        nodes: of one graph; among those that may come next, the earliest of the list does.
    """
    left, found = list(nodes), []
    waiting = {node: sum(each in set(left) for each in node.all_input_nodes) for node in left}
    while left:
        node = next((each for each in left if not waiting[each]), None)
        if node is None:
            raise AssertionError("topological sorted nodes doesn't have same length as input nodes")
        left.remove(node)
        found.append(node)
        for user in node.users:
            if user in waiting:
                waiting[user] -= 1
    return found


def validate_partition(partition: Iterable[Node]) -> bool:
    """Tell whether nodes can be one: no path leads out of them and back."""
    inside = set(partition)
    pending = [user for node in inside for user in node.users if user not in inside]
    seen = set(pending)
    while pending:
        for user in pending.pop().users:
            if user in inside:
                return False
            if user not in seen:
                seen.add(user)
                pending.append(user)
    return True


def fuse_as_graphmodule(
    gm: GraphModule,
    nodes: NodeList,
    module_name: str,
    partition_lookup_table: dict[Node, Any] | None = None,
    *,
    always_return_tuple: bool = False,
) -> tuple[GraphModule, tuple[Node, ...], tuple[Node, ...]]:
    """Return a module that does what nodes of another one do.

    Args:
        gm: the other module, which is not changed.
        nodes: of its graph, each behind those that it uses.
        module_name: the name of the new module's class.
        partition_lookup_table: the nodes as keys, where there is such a dict.
        always_return_tuple: whether a single result is a tuple too.
    Returns:
        The module; the nodes that it takes; those whose results it returns.
    Raises:
        AssertionError: the nodes are not of this graph, or cannot be one.
    """
    inside = dict.fromkeys(nodes) if partition_lookup_table is None else partition_lookup_table
    for node in nodes:
        if node.graph.owning_module is not gm:
            raise AssertionError(
                f"{node} doesn't belong to passed in graph module {gm._get_name()}"
            )
    if not validate_partition(nodes):
        raise AssertionError("Invalid partition, found dependency cycles")
    graph = Graph()
    inputs: dict[Node, Node] = {}
    copies: dict[Node, Node] = {}

    def counterpart(node: Node) -> Node:
        if node in inside:
            return copies[node]
        if node not in inputs:
            inputs[node] = graph.placeholder(node.name, type_expr=node.type)
            inputs[node].meta = copy.copy(node.meta)
        return inputs[node]

    for node in nodes:
        copies[node] = graph.node_copy(node, counterpart)
    results = [node for node in nodes if any(user not in inside for user in node.users)]
    returned = tuple(copies[node] for node in results)
    graph.output(returned if always_return_tuple or len(returned) != 1 else returned[0])
    graph.lint()
    module, _ = lift_subgraph_as_module(gm, graph, class_name=module_name)
    return module, tuple(inputs), tuple(results)


def insert_subgm(
    gm: GraphModule,
    sub_gm: GraphModule,
    orig_inputs: tuple[Node, ...],
    orig_outputs: tuple[Node, ...],
    insertion_point: Node | None = None,
) -> GraphModule:
    """Call a submodule in a graph, and use its results for those of other nodes.

    Args:
        gm: the module, which is changed and returned.
        sub_gm: the new submodule; it is named as its class.
        orig_inputs: the nodes that it takes.
        orig_outputs: the nodes whose results it has.
        insertion_point: behind which node it is called; the last of ``orig_outputs`` by default.
    """
    name = type(sub_gm).__name__
    gm.add_submodule(name, sub_gm)
    if insertion_point is None:
        insertion_point = next((n for n in reversed(gm.graph.nodes) if n in orig_outputs), None)
        if insertion_point is None:
            raise AssertionError(
                "Cannot determine insertion point: no insertion_point provided and orig_outputs "
                "is empty. Pass the last partition node as insertion_point."
            )
    with gm.graph.inserting_after(insertion_point):
        call = gm.graph.call_module(name, args=orig_inputs, kwargs=None)
    returned = sub_gm.graph.output_node().args[0]
    if len(orig_outputs) == 1 and not isinstance(returned, tuple):
        orig_outputs[0].replace_all_uses_with(call, propagate_meta=True)
        return gm
    if orig_outputs:
        with gm.graph.inserting_before(call.next):
            for place, node in enumerate(orig_outputs):
                item = cast(Any, Proxy(call))[place]
                node.replace_all_uses_with(item.node, propagate_meta=True)
        call.meta["val"] = tuple(node.meta.get("val") for node in orig_outputs)
    return gm


def erase_nodes(gm: GraphModule, nodes: NodeList) -> None:
    """Take nodes out of a graph, the last one first."""
    for node in reversed(nodes):
        gm.graph.erase_node(node)


def fuse_by_partitions(
    gm: GraphModule,
    partitions: list[dict[Node, Any]],
    prefix: str = "fused_",
    always_return_tuple: bool = False,
) -> GraphModule:
    """Replace parts of a graph by submodules.

    Args:
        gm: the module, which is changed and returned.
        partitions: the nodes of each part, as keys.
        prefix: what the submodules' names begin with, before their number.
        always_return_tuple: whether a single result is a tuple too.
    """
    for number, partition in enumerate(partitions):
        nodes = topo_sort(list(partition))
        module, inputs, results = fuse_as_graphmodule(
            gm, nodes, f"{prefix}{number}", partition, always_return_tuple=always_return_tuple
        )
        insert_subgm(gm, module, inputs, results, nodes[-1])
        erase_nodes(gm, nodes)
    stable_topological_sort(gm)
    gm.graph.lint()
    return gm
