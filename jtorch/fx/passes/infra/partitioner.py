"""The largest parts of a graph that something can run, such as a compiler or a device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...graph_module import GraphModule
from ...node import Node, _get_qualified_name
from ..operator_support import OperatorSupportBase
from ..utils.fuser_utils import fuse_by_partitions

_GETITEM = "_operator.getitem"


class Partition:
    """Nodes that belong together.

    Args:
        id: its number.
        nodes: its nodes.
        node_orders: a number for each node, by which they can be put in order.
    """

    def __init__(
        self,
        id: int | None = None,
        nodes: Iterable[Node] | None = None,
        node_orders: Iterable[int] | None = None,
    ):
        self.id = id
        listed = list(nodes or ())
        orders: list[Any] = [None] * len(listed) if node_orders is None else list(node_orders)
        if len(orders) != len(listed):
            raise AssertionError("nodes and node_orders must have the same length")
        self.nodes: dict[Node, int | None] = dict(zip(listed, orders, strict=True))

    def __repr__(self) -> str:
        return str(self.nodes)

    def add_node(self, node: Node, node_order: int | None = None) -> None:
        """Add a node."""
        self.nodes[node] = node_order

    def remove_node(self, node: Node) -> None:
        """Take a node out."""
        del self.nodes[node]

    def size(self) -> int:
        """Return the number of nodes."""
        return len(self.nodes)


class _Parts:
    """Parts of a graph while they grow, and which node is in which.

    Attributes:
        by_number: the parts by number.
        first: of each part, the number of its node that stands last in the graph.
        of: from a node to the number of its part.
    """

    def __init__(self) -> None:
        self.by_number: dict[int, Partition] = {}
        self.first: dict[int, int] = {}
        self.of: dict[Node, int] = {}

    def begin(self, node: Node, order: int) -> int:
        """Make a part of one node; return its number."""
        number = self._next = getattr(self, "_next", -1) + 1
        self.by_number[number] = Partition(number, [node], [order])
        self.first[number] = number
        self.of[node] = number
        return number

    def move(self, node: Node, number: int | None) -> None:
        """Put a node into another part, or none."""
        if node in self.of:
            self.by_number[self.of.pop(node)].remove_node(node)
        if number is not None:
            self.by_number[number].add_node(node)
            self.of[node] = number

    def merge(self, one: int, two: int) -> int:
        """Make two parts one where that closes no circle; return the number of the first part."""
        both = {**self.by_number[one].nodes, **self.by_number[two].nodes}
        if self._leads_back(both):
            return one
        kept, gone = (one, two) if self._size(one) >= self._size(two) else (two, one)
        for node, order in self.by_number.pop(gone).nodes.items():
            self.by_number[kept].add_node(node, order)
            self.of[node] = kept
        self.first[kept] = min(self.first[kept], self.first.pop(gone))
        return kept

    def _size(self, number: int) -> int:
        return self.by_number[number].size()

    def _leads_back(self, nodes: Iterable[Node]) -> bool:
        """Tell whether a path leaves nodes and comes back, each other part counting as one node."""
        inside = set(nodes)
        pending = [user for node in inside for user in node.users if user not in inside]
        seen = set(pending)
        while pending:
            node = pending.pop()
            part = self.by_number[self.of[node]].nodes if node in self.of else (node,)
            for user in [user for each in part for user in each.users]:
                if user in inside:
                    return True
                if user not in seen:
                    seen.add(user)
                    pending.append(user)
        return False


class CapabilityBasedPartitioner:
    """Finds the largest parts of a graph whose nodes are supported, and makes them submodules.

    Args:
        graph_module: the module.
        operator_support: tells of each node whether it is supported.
        allows_single_node_partition: whether a part may be a single function.
        non_compute_ops: qualified names of functions that do not count for that.
        allowed_single_node_partition_ops: qualified names of functions that may stand alone.
        skip_horizontal_fusion: whether only nodes that use each other come together.
    """

    def __init__(
        self,
        graph_module: GraphModule,
        operator_support: OperatorSupportBase,
        allows_single_node_partition: bool = False,
        non_compute_ops: Sequence[str] | None = None,
        allowed_single_node_partition_ops: Sequence[str] | None = None,
        skip_horizontal_fusion: bool = False,
    ):
        self.graph_module = graph_module
        self.operator_support = operator_support
        self.allows_single_node_partition = allows_single_node_partition
        self.non_compute_ops = non_compute_ops or []
        self.allowed_single_node_partition_ops = allowed_single_node_partition_ops or []
        self.skip_horizontal_fusion = skip_horizontal_fusion

    def propose_partitions(self) -> list[Partition]:
        """Return the parts; the graph stays as it is."""
        modules = dict(self.graph_module.named_modules())
        parts = _Parts()
        for order, node in enumerate(reversed(self.graph_module.graph.nodes)):
            candidates: list[int] = []
            if self.operator_support.is_node_supported(modules, node) and node not in parts.of:
                candidates.append(parts.begin(node, order))
            if not self.skip_horizontal_fusion:
                candidates += sorted(parts.first, key=parts.first.__getitem__)
            elif candidates:
                candidates += [parts.of[user] for user in node.users if user in parts.of]
            first, *others = dict.fromkeys(candidates) or [-1]
            for other in others:
                first = parts.merge(first, other)
        for part in parts.by_number.values():
            part.nodes = dict(sorted(part.nodes.items(), key=lambda item: -(item[1] or 0)))
        self._keep_items_with_their_tuples(parts)
        if not self.allows_single_node_partition:
            small = [n for n, part in parts.by_number.items() if self._weight(part) <= 1]
            for number in small:
                del parts.by_number[number]
        return [part for part in parts.by_number.values() if part.size()]

    def _keep_items_with_their_tuples(self, parts: _Parts) -> None:
        """Put what only takes items of a node's result where that node is."""
        while True:
            wanted = {
                user: parts.of.get(node)
                for node in self.graph_module.graph.nodes
                if all(_is_function(user, {_GETITEM}) for user in node.users)
                for user in node.users
            }
            moved = {user for user, number in wanted.items() if parts.of.get(user) != number}
            if not moved:
                return
            for user in moved:
                parts.move(user, wanted[user])

    def _weight(self, part: Partition) -> int:
        light = {"torch.ops.aten.view", _GETITEM, *self.non_compute_ops}
        functions = [node for node in part.nodes if node.op == "call_function"]
        alone = set(self.allowed_single_node_partition_ops)
        return sum(
            (not _is_function(node, light)) + _is_function(node, alone) for node in functions
        )

    def fuse_partitions(self, partitions: list[Partition], prefix: str = "fused_") -> GraphModule:
        """Make each part a submodule.

        Args:
            partitions: as ``propose_partitions`` returns them.
            prefix: what the submodules' names begin with, before their number.
        Returns:
            The module, which is changed.
        """
        return fuse_by_partitions(self.graph_module, [p.nodes for p in partitions], prefix=prefix)

    def remove_bookend_non_compute_ops(self, partitions: list[Partition]) -> None:
        """Take out of each part the functions at its ends that do not count as computing."""
        light = set(self.non_compute_ops)
        for part in partitions:
            for neighbours in (_inputs, _users):
                for node in _at_the_end(part.nodes, light, neighbours):
                    part.remove_node(node)

    def partition_and_fuse(self, prefix: str = "fused_") -> GraphModule:
        """Make the largest supported parts submodules; return the module, which is changed."""
        return self.fuse_partitions(self.propose_partitions(), prefix=prefix)


def _at_the_end(
    nodes: Iterable[Node], names: set[str], neighbours: Callable[[Node], list[Node]]
) -> set[Node]:
    """Return the functions of these names with none of ``nodes`` on one side but each other."""
    inside, found = set(nodes), set[Node]()
    while True:
        more = {
            node
            for node in inside - found
            if _is_function(node, names) and inside.isdisjoint(set(neighbours(node)) - found)
        }
        if not more:
            return found
        found |= more


def _inputs(node: Node) -> list[Node]:
    return node.all_input_nodes


def _users(node: Node) -> list[Node]:
    return list(node.users)


def _is_function(node: Node, names: set[str]) -> bool:
    return node.op == "call_function" and _get_qualified_name(node.target) in names
