"""Modules made of parts of graphs."""

from __future__ import annotations

from typing import Any

from ....nn.modules.module import Module
from ...graph import Graph
from ...graph_module import GraphModule
from .matcher_utils import SubgraphMatcher

__all__ = ["HolderModule", "compare_graphs", "lift_subgraph_as_module"]


class HolderModule(Module):
    """A module that only holds others.

    Args:
        d: the modules by name.
    """

    def __init__(self, d: dict[str, Any]):
        super().__init__()
        for name, module in d.items():
            self.add_module(name, module)


def lift_subgraph_as_module(
    gm: GraphModule, subgraph: Graph, comp_name: str = "", class_name: str = "GraphModule"
) -> tuple[GraphModule, dict[str, str]]:
    """Return a module that runs a graph made of nodes of another module's.

    Args:
        gm: the other module; what the graph reads of it is shared.
        subgraph: the graph.
        comp_name: what the new module will be called in the other one.
        class_name: the name of its class.
    Returns:
        The module, and where in the other one each attribute is found through it.
    """
    root = HolderModule({})
    places = {}
    for node in subgraph.nodes:
        if node.op not in ("call_module", "get_attr"):
            continue
        *path, last = node.target.split(".")
        ours, theirs = root, gm
        for name in path:
            if not hasattr(ours, name):
                ours.add_module(name, HolderModule({}))
            ours, theirs = getattr(ours, name), getattr(theirs, name)
        setattr(ours, last, getattr(theirs, last))
        places[node.target] = f"{comp_name}.{node.target}"
    return GraphModule(root, subgraph, class_name), places


def compare_graphs(left: Graph, right: Graph) -> bool:
    """Tell whether two graphs have the same nodes, connected in the same way."""
    matcher = SubgraphMatcher(left, match_output=True, match_placeholder=True)
    return bool(matcher.match(right))
