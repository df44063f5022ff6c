"""Where a pattern occurs in a graph."""

from __future__ import annotations

import dataclasses
from typing import Any

from ...._runtime import absent as _absent
from ...graph import Graph
from ...node import Node

__all__ = ["InternalMatch", "SubgraphMatcher"]


@dataclasses.dataclass
class InternalMatch:
    """A place where a pattern was found.

    Attributes:
        anchors: the nodes of the pattern's results.
        nodes_map: nodes of the pattern to those of the graph.
        placeholder_nodes: what stands for the pattern's parameters.
        returning_nodes: what stands for its results.
        name_node_map: nodes by name, where the pattern gives names.
        other_nodes_map: nodes of the pattern to values that are no nodes.
    """

    anchors: list[Node]
    nodes_map: dict[Node, Any] = dataclasses.field(default_factory=dict)
    placeholder_nodes: list[Any] = dataclasses.field(default_factory=list)
    returning_nodes: list[Node] = dataclasses.field(default_factory=list)
    name_node_map: dict[str, Node] = dataclasses.field(default_factory=dict)

    def __copy__(self) -> InternalMatch:
        return InternalMatch(
            anchors=self.anchors,
            nodes_map=self.nodes_map.copy(),
            placeholder_nodes=self.placeholder_nodes.copy(),
            returning_nodes=self.returning_nodes.copy(),
        )


class SubgraphMatcher:
    """Looks for a pattern in graphs.

    Args:
        pattern: the pattern; its parameters match anything.
        match_output: whether its output has to be the graph's.
        match_placeholder: whether its parameters have to be the graph's.
        remove_overlapping_matches: whether each node belongs to one match at most.
        ignore_literals: whether other numbers and texts match, too.
    """

    def __init__(
        self,
        pattern: Graph,
        match_output: bool = False,
        match_placeholder: bool = False,
        remove_overlapping_matches: bool = True,
        ignore_literals: bool = False,
    ):
        self.pattern = pattern
        self.match_output = match_output
        self.match_placeholder = match_placeholder
        self.remove_overlapping_matches = remove_overlapping_matches
        self.ignore_literals = ignore_literals
        if len(pattern.nodes) == 0:
            raise ValueError("SubgraphMatcher cannot be initialized with an empty pattern")
        for node in pattern.nodes:
            if node.op != "output" and not node.users:
                raise AssertionError(
                    "SubgraphMatcher cannot be initialized with an pattern with dead code"
                )
        self.pattern_placeholder_nodes = [n for n in pattern.nodes if n.op == "placeholder"]
        output = next(iter(reversed(pattern.nodes)))
        self.pattern_returning_nodes = output.all_input_nodes
        self.pattern_anchors = (
            [output]
            if match_output
            else [node for node in output.all_input_nodes if len(node.users) == 1]
        )

    def match(self, graph: Graph, node_name_match: str = "") -> list[InternalMatch]:
        """Return the places where the pattern is, in order.

        Args:
            graph: where to look.
            node_name_match: a part of the names of the last nodes, where only such count.
        """
        candidates: list[tuple[Node, list[Node]]] = []
        for anchor in self.pattern_anchors:
            fitting = [node for node in graph.nodes if self._is_like(anchor, node)]
            if node_name_match:
                fitting = [node for node in fitting if node_name_match in node.name]
            candidates.append((anchor, fitting))
        found: list[InternalMatch] = []

        def extend(index: int, match: InternalMatch) -> None:
            if index == len(candidates):
                match.placeholder_nodes = [
                    match.nodes_map[node]
                    for node in self.pattern_placeholder_nodes
                    if node in match.nodes_map
                ]
                match.returning_nodes = [
                    match.nodes_map[node] for node in self.pattern_returning_nodes
                ]
                found.append(match)
                return
            anchor, fitting = candidates[index]
            for node in fitting:
                further = match.__copy__()
                if self._match(anchor, node, further):
                    extend(index + 1, further)

        extend(0, InternalMatch(anchors=self.pattern_anchors))
        found = [each for each in found if self._is_contained(each)]
        if self.remove_overlapping_matches:
            found = self._without_overlaps(found)
        return found

    def _is_like(self, pattern: Node, node: Node) -> bool:
        if not self.match_placeholder and pattern.op == "placeholder":
            return True
        if pattern.op != node.op:
            return False
        if pattern.op in ("placeholder", "output"):
            return True
        if pattern.op == "get_attr":
            return _read(pattern) == _read(node)
        return pattern.target == node.target

    def _match(self, pattern: Any, node: Any, match: InternalMatch) -> bool:
        """Match one node and all before it; the match is completed on the way."""
        if isinstance(pattern, Node) and not isinstance(node, Node):
            if pattern.op == "placeholder" and not self.match_placeholder:
                if pattern in match.nodes_map:
                    return match.nodes_map[pattern] == node
                match.nodes_map[pattern] = node
                return True
            return False
        if not isinstance(pattern, Node):
            return not isinstance(node, Node) and self._is_same_literal(pattern, node)
        if pattern in match.nodes_map:
            return match.nodes_map[pattern] is node
        if node in match.nodes_map.values() and pattern.op != "placeholder":
            return False
        if not self._is_like(pattern, node):
            return False
        match.nodes_map[pattern] = node
        if pattern.op == "placeholder":
            return True
        own, its = _by_signature(pattern, node)
        return self._match_values(own, its, match)

    def _match_values(self, pattern: Any, value: Any, match: InternalMatch) -> bool:
        if isinstance(pattern, (list, tuple)):
            if not isinstance(value, (list, tuple)) or len(pattern) != len(value):
                return False
            pairs = zip(pattern, value, strict=True)
            return all(self._match_values(own, its, match) for own, its in pairs)
        if isinstance(pattern, dict):
            if not isinstance(value, dict) or pattern.keys() != value.keys():
                return False
            return all(self._match_values(pattern[key], value[key], match) for key in pattern)
        if isinstance(pattern, slice):
            return isinstance(value, slice) and self._match_values(
                (pattern.start, pattern.stop, pattern.step),
                (value.start, value.stop, value.step),
                match,
            )
        return self._match(pattern, value, match)

    def _is_same_literal(self, pattern: Any, value: Any) -> bool:
        if self.ignore_literals and isinstance(pattern, (int, float, bool, str)):
            return isinstance(value, (int, float, bool, str))
        return type(pattern) is type(value) and pattern == value

    def _is_contained(self, match: InternalMatch) -> bool:
        """Tell whether all that the pattern does not return is used within it."""
        returned = set(match.returning_nodes)
        nodes = {node for node in match.nodes_map.values() if isinstance(node, Node)}
        for pattern, node in match.nodes_map.items():
            if not isinstance(node, Node) or pattern.op == "placeholder" or node in returned:
                continue
            if any(user not in nodes for user in node.users):
                return False
        return True

    def _without_overlaps(self, matches: list[InternalMatch]) -> list[InternalMatch]:
        kept: list[InternalMatch] = []
        taken: set[Node] = set()
        for match in matches:
            own = [
                node
                for pattern, node in match.nodes_map.items()
                if isinstance(node, Node) and pattern.op not in ("placeholder", "output")
            ]
            if not any(node in taken for node in own):
                taken.update(own)
                kept.append(match)
        return kept


def _read(node: Node) -> Any:
    """Return what a node reads from its module, or its name."""
    value: Any = node.graph.owning_module
    if value is None:
        return node.target
    for part in node.target.split("."):
        value = getattr(value, part, None)
    return type(value)


def _by_signature(pattern: Node, node: Node) -> tuple[Any, Any]:
    """Return the arguments of two nodes in the same form."""
    if len(pattern.args) == len(node.args) and pattern.kwargs.keys() == node.kwargs.keys():
        return (list(pattern.args), dict(pattern.kwargs)), (list(node.args), dict(node.kwargs))
    from ...operator_schemas import normalize_function

    if pattern.op == "call_function" and callable(pattern.target):
        forms = [
            normalize_function(each.target, each.args, each.kwargs, None, None, True)
            for each in (pattern, node)
        ]
        if all(form is not None for form in forms):
            return dict(forms[0].kwargs), dict(forms[1].kwargs)  # type: ignore[union-attr]
    return (list(pattern.args), dict(pattern.kwargs)), (list(node.args), dict(node.kwargs))


__getattr__ = _absent.attributes(__name__)
