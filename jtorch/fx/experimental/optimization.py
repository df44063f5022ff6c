"""Modules made faster for inference: convolutions joined with batch normalisations."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import jtorch as torch

from ..._runtime import absent as _absent
from ...nn.utils.fusion import fuse_conv_bn_eval
from .._symbolic_trace import symbolic_trace
from ..graph import Graph
from ..graph_module import GraphModule
from ..node import Node
from ..proxy import Proxy  # noqa: F401

__all__ = [
    "extract_subgraph",
    "fuse",
    "matches_module_pattern",
    "remove_dropout",
    "replace_node_module",
]

_PATTERNS = (
    (torch.nn.Conv1d, torch.nn.BatchNorm1d),
    (torch.nn.Conv2d, torch.nn.BatchNorm2d),
    (torch.nn.Conv3d, torch.nn.BatchNorm3d),
)


def _parent_name(target: str) -> tuple[str, str]:
    """Return a dotted name as the name of the parent and the last part."""
    parent, _, name = target.rpartition(".")
    return parent, name


def matches_module_pattern(pattern: Iterable[type], node: Node, modules: dict[str, Any]) -> bool:
    """Tell whether a node and its first argument call modules of two classes.

    Args:
        pattern: the classes, in the order in which they are called.
        node: the later node.
        modules: the modules by qualified name.
    """
    if not node.args:
        return False
    for expected, current in zip(pattern, (node.args[0], node), strict=True):
        if not isinstance(current, Node) or current.op != "call_module":
            return False
        if current.target not in modules or type(modules[current.target]) is not expected:
            return False
    return True


def replace_node_module(node: Node, modules: dict[str, Any], new_module: Any) -> None:
    """Let a node call another module, under the same name."""
    if not isinstance(node.target, str):
        raise AssertionError(f"Expected str target, got {type(node.target)}")
    parent, name = _parent_name(node.target)
    modules[node.target] = new_module
    setattr(modules[parent], name, new_module)


def fuse(model: Any, inplace: bool = False, no_trace: bool = False) -> Any:
    """Join convolutions with the batch normalisations that follow, for inference.

    Args:
        model: the module, in evaluation mode.
        inplace: whether it is changed itself.
        no_trace: whether it is a ``GraphModule`` that need not be traced.
    """
    if not inplace:
        model = copy.deepcopy(model)
    traced = model if no_trace and isinstance(model, GraphModule) else symbolic_trace(model)
    modules = dict(traced.named_modules())
    graph = copy.deepcopy(traced.graph)
    for pattern in _PATTERNS:
        for node in graph.nodes:
            if not matches_module_pattern(pattern, node, modules):
                continue
            if len(node.args[0].users) > 1:
                continue
            conv, norm = modules[node.args[0].target], modules[node.target]
            if not norm.track_running_stats:
                continue
            replace_node_module(node.args[0], modules, fuse_conv_bn_eval(conv, norm))
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
    return GraphModule(traced, graph)


def remove_dropout(model: Any) -> Any:
    """Return a module without the dropout layers of another."""
    from ..interpreter import Transformer

    class DropoutRemover(Transformer):
        """Leaves out calls of dropout layers."""

        def call_module(self, target: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
            """Return the argument where a dropout layer is called."""
            if isinstance(self.submodules[target], torch.nn.Dropout):
                return args[0]
            return super().call_module(target, args, kwargs)

    return DropoutRemover(symbolic_trace(model)).transform()


def extract_subgraph(
    orig_module: Any, nodes: list[Node], inputs: list[Node], outputs: list[Node]
) -> GraphModule:
    """Return some nodes of a module's graph as a module of their own.

    Args:
        orig_module: the module.
        nodes: the nodes, in order.
        inputs, outputs: what becomes its parameters and results.
    """
    graph = Graph()
    values: dict[Node, Node] = {each: graph.placeholder(each.name) for each in inputs}
    for node in nodes:
        values[node] = graph.node_copy(node, values.__getitem__)
    graph.output([values[each] for each in outputs])
    graph.lint()
    return GraphModule(orig_module, graph)


__getattr__ = _absent.attributes(__name__)
