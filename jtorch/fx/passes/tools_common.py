"""What passes that cut graphs share."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import Any

import jtorch as torch

from ..._runtime import absent as _absent
from ..graph_module import GraphModule
from ..node import Node

__all__ = [
    "FxNetAccFusionsFinder",
    "get_acc_ops_name",
    "get_node_target",
    "is_node_output_tensor",
    "legalize_graph",
    "stable_topological_sort",
]

Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]
TensorOrTensors = torch.Tensor | Tensors
NodeList = list[Node]
NodeSet = set[Node]
Names = list[str]
CALLABLE_NODE_OPS = {"call_module", "call_function", "call_method"}


def get_acc_ops_name(k: Any) -> str:
    """Return the name of a function with the last part of its module."""
    if isinstance(k, str):
        return k
    module = k.__module__ if hasattr(k, "__module__") else ""
    if "acc_ops" in module:
        return f"acc_ops.{k.__name__}"
    return f"{module.replace('torch._ops', 'torch.ops')}.{k.__name__}"


def get_node_target(submodules: Mapping[str, Any], node: Node) -> str:
    """Return what a node calls, as text: a class, a function or a method.

    Args:
        submodules: the modules by qualified name.
        node: a node that calls something.
    """
    if node.op not in CALLABLE_NODE_OPS:
        raise AssertionError(
            "Expect op types of " + ", ".join(CALLABLE_NODE_OPS) + f", but found {node.op}"
        )
    if node.op == "call_module":
        module = submodules[node.target]
        return torch.typename(getattr(module, "_base_class_origin", type(module)))
    if node.op == "call_function":
        return get_acc_ops_name(node.target)
    return str(node.target)


def is_node_output_tensor(node: Node) -> bool:
    """Tell whether a node's result is a tensor, after ``ShapeProp``."""
    kind = node.meta.get("type")
    return kind is not None and issubclass(kind, torch.Tensor)


class FxNetAccFusionsFinder:
    """Finds groups of nodes that exchange something else than tensors.

    Args:
        module: the module.
        acc_nodes: the nodes that may belong to groups.
    """

    def __init__(self, module: GraphModule, acc_nodes: NodeSet):
        self.module = module
        self.nodes = list(module.graph.nodes)
        self.acc_nodes = acc_nodes

    def __call__(self) -> dict[Node, NodeSet]:
        """Return for each node of a group the group."""
        parent: dict[Node, Node] = {}

        def root(node: Node) -> Node:
            while parent.setdefault(node, node) is not node:
                node = parent[node]
            return node

        for node in self.nodes:
            if node not in self.acc_nodes or is_node_output_tensor(node):
                continue
            for user in node.users:
                if user in self.acc_nodes:
                    parent[root(user)] = root(node)
        groups: dict[Node, NodeSet] = collections.defaultdict(set)
        for node in parent:
            groups[root(node)].add(node)
        return {node: group for group in groups.values() for node in group if len(group) > 1}


def stable_topological_sort(gm: GraphModule) -> GraphModule:
    """Put the nodes of a module into an order in which they can be run, with few changes.

    Raises:
        AssertionError: there is none.
    """
    nodes = list(gm.graph.nodes)
    placed: set[Node] = set()
    waiting = nodes
    order: list[Node] = []
    while waiting:
        left = []
        for node in waiting:
            if all(each in placed for each in node.all_input_nodes):
                placed.add(node)
                order.append(node)
            else:
                left.append(node)
        if len(left) == len(waiting):
            raise AssertionError(f"Input graph has cycles, unable to add {left}")
        waiting = left
    for node in order:
        gm.graph._root.prepend(node)
    gm.recompile()
    return gm


def legalize_graph(gm: GraphModule) -> GraphModule:
    """Put the nodes of a module into an order in which they can be run.

    Raises:
        RuntimeError: there is none.
    """
    try:
        return stable_topological_sort(gm)
    except AssertionError as error:
        raise RuntimeError(
            "Input graph has cycles, unable to add " + str(error).partition("add ")[2]
        ) from error


__getattr__ = _absent.attributes(__name__)
