"""Parts of a graph replaced by other graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jtorch as torch

from .._runtime import absent as _absent
from ._symbolic_trace import symbolic_trace
from .graph import Graph
from .graph_module import GraphModule
from .node import Node
from .passes.utils.matcher_utils import InternalMatch, SubgraphMatcher

__all__ = ["Match", "ReplacedPatterns", "replace_pattern", "replace_pattern_with_filters"]


class Match(NamedTuple):
    """A place where a pattern was found.

    Attributes:
        anchor: the last node of it.
        nodes_map: the nodes of the pattern to those of the graph.
    """

    anchor: Node
    nodes_map: dict[Node, Node]


class ReplacedPatterns(NamedTuple):
    """A place where a pattern was replaced.

    Attributes:
        anchor, nodes_map: as of ``Match``.
        replacements: the nodes that are there now.
    """

    anchor: Node
    nodes_map: dict[Node, Node]
    replacements: list[Node]


def replace_pattern(gm: GraphModule, pattern: Any, replacement: Any) -> list[Match]:
    """Replace every part of a graph that does what a function does.

    Args:
        gm: the module, which is changed.
        pattern: the function, module or graph to look for.
        replacement: the one to put there, of as many parameters.
    Returns:
        The places, in order.
    """
    found = _replace(gm, pattern, replacement)
    return [Match(anchor=each.anchor, nodes_map=each.nodes_map) for each in found]


def replace_pattern_with_filters(
    gm: GraphModule,
    pattern: Any,
    replacement: Any = None,
    match_filters: list[Callable] | None = None,
    ignore_literals: bool = False,
    replacement_callback: Callable | None = None,
    node_name_match: str = "",
) -> list[ReplacedPatterns]:
    """Replace the parts of a graph that do what a function does and that pass filters.

    Args:
        gm, pattern, replacement: as of ``replace_pattern``.
        match_filters: functions of a match, the graph and the pattern's graph that tell whether it
            is one.
        ignore_literals: whether other numbers and texts match, too.
        replacement_callback: makes the replacement's graph for a match.
        node_name_match: a part of the name of the last node, where only such are to be found.
    """
    return _replace(gm, pattern, replacement, match_filters, ignore_literals, replacement_callback)


def _graph_of(what: Any) -> Graph:
    if isinstance(what, GraphModule):
        return what.graph
    return what if isinstance(what, Graph) else symbolic_trace(what).graph


def _replace(
    gm: GraphModule,
    pattern: Any,
    replacement: Any,
    match_filters: list[Callable] | None = None,
    ignore_literals: bool = False,
    replacement_callback: Callable | None = None,
) -> list[ReplacedPatterns]:
    graph = gm.graph
    pattern_graph = _graph_of(pattern)
    matcher = SubgraphMatcher(
        pattern_graph,
        match_output=False,
        match_placeholder=False,
        remove_overlapping_matches=True,
        ignore_literals=ignore_literals,
    )
    matches = [
        each
        for each in matcher.match(graph)
        if all(allows(each, graph, pattern_graph) for allows in match_filters or ())
    ]
    common = None if replacement is None else _graph_of(replacement)
    done = []
    moved: dict[Node, Node] = {}
    for match in matches:
        if replacement_callback is not None:
            new_graph = replacement_callback(match, graph, pattern_graph)
        elif common is not None:
            new_graph = common
        else:
            raise AssertionError(
                "Must provide either a replacement GraphModule or a replacement callback"
            )
        done.append(_put(graph, match, new_graph, pattern_graph, moved))
    gm.recompile()
    if isinstance(replacement, torch.nn.Module):
        _take_over_attributes(gm, replacement)
    return done


def _put(
    graph: Graph,
    match: InternalMatch,
    replacement: Graph,
    pattern: Graph,
    moved: dict[Node, Node],
) -> ReplacedPatterns:
    """Put a replacement where a match is."""
    placeholders = [node for node in replacement.nodes if node.op == "placeholder"]
    if len(match.placeholder_nodes) != len(placeholders):
        raise AssertionError(
            f"Expected {len(placeholders)} placeholder nodes, got {len(match.placeholder_nodes)}"
        )
    values: dict[Node, Any] = {}
    for parameter, given in zip(placeholders, match.placeholder_nodes, strict=True):
        values[parameter] = moved.get(given, given) if isinstance(given, Node) else given
    replaced = [moved.get(node, node) for node in match.returning_nodes]
    inner = {node for node in match.nodes_map.values() if isinstance(node, Node)}
    inner -= {node for node in values.values() if isinstance(node, Node)}
    users = {user for node in replaced for user in node.users if user not in inner}
    before = next((node for node in graph.nodes if node in users), None)
    last = [node for node in graph.nodes if node in inner]
    if before is None:
        before = last[-1].next
    existing = set(graph.nodes)
    with graph.inserting_before(before):
        result = graph.graph_copy(replacement, values)
    results: tuple = (result,) if isinstance(result, Node) else tuple(result)
    if len(replaced) != len(results):
        raise AssertionError(f"Expected {len(replaced)} copied_returning_nodes, got {len(results)}")
    for old, new in zip(replaced, results, strict=True):
        old.replace_all_uses_with(new)
        moved[old] = new
    for node in reversed(last):
        if not node.users and node.op not in ("placeholder", "output"):
            graph.erase_node(node)
    made = [node for node in graph.nodes if node not in existing]
    return ReplacedPatterns(match.anchors[0], match.nodes_map, made)


def _take_over_attributes(gm: GraphModule, replacement: Any) -> None:
    """Copy what the replacement reads, and forget what only the pattern read."""
    from .graph_module import _copy_attr, _has_attr

    gm.delete_all_unused_submodules()
    if isinstance(replacement, GraphModule):
        replacement.graph.lint()
    for node in gm.graph.nodes:
        if node.op in ("call_module", "get_attr") and not _has_attr(gm, node.target):
            if not _has_attr(replacement, node.target):
                raise RuntimeError(
                    f'Attempted to create a "{node.op}" node during subgraph rewriting with target '
                    f"{node.target}, but the referenced attribute does not exist in the "
                    "replacement GraphModule"
                )
            _copy_attr(replacement, gm, node.target)
    gm.graph.lint()


__getattr__ = _absent.attributes(__name__)
