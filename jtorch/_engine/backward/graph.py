"""The graph that gradients flow through: segments, what lies behind a place, leaves.

A *place* is a segment and a slot: a differentiable result. Segments are the trace under way, closed
stretches of it, and calls of Python functions.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..graph import tape
from ..graph.segments import SegmentBase
from ..graph.trie import Node
from ..graph.values import LEAF, RESULT, Meta, Value
from ..recording.trace import Trace, closing_times, flush_of_other_thread

#: A place that a gradient flows through: a segment and a slot.
SegmentPlace = tuple[Any, int]


class NodeHooks:
    """Hooks of one ``grad_fn``: before it runs, and after."""

    __slots__ = ("before", "after")

    def __init__(self) -> None:
        self.before: OrderedDict[int, Callable] = OrderedDict()
        self.after: OrderedDict[int, Callable] = OrderedDict()


class FunctionSegment(SegmentBase):
    """The results of one call of a Python ``autograd.Function``, as a segment of its own.

    Attributes:
        metas: of the results, by slot.
        edges: for each argument what its gradient flows to: a weak reference to a leaf,
            ``(segment, slot)``, or ``None``.
        arguments: the metas of the arguments, ``None`` for what is no tensor.
        run: ``(gradients of the results, create_graph) -> gradients of the arguments``, tensors or
            ``None``.
        node_name: class name of ``grad_fn``.
    """

    __slots__ = (
        "metas",
        "edges",
        "arguments",
        "run",
        "node_name",
        "node_object",
        "materialise_grads",
    )
    trace = None
    end = None

    def __init__(
        self,
        metas: tuple[Meta, ...],
        edges: list[Any],
        arguments: list[Meta | None],
        run: Callable,
        node_name: str,
    ):
        super().__init__(next(closing_times))
        self.metas = metas
        self.edges = edges
        self.arguments = arguments
        self.run = run
        self.node_name = node_name
        self.node_object: Any = None
        self.materialise_grads = True


def end_of(segment: Any) -> Node:
    return segment.end if segment.trace is None else segment.trace.node


def edges_of(segment: Any) -> dict[int, Any]:
    """Return what flows into a segment: results of other segments, by reference."""
    if isinstance(segment, FunctionSegment):
        return {-i: e for i, e in enumerate(segment.edges, 1) if isinstance(e, tuple)}
    if segment.trace is None:
        if segment.between is not None:
            return segment.between
        for reference, edge in segment.edges.items():
            if isinstance(edge, Value) and edge.segment.trace is None:
                segment.edges[reference] = (edge.segment, edge.slot)
        return {
            reference: (edge.segment, edge.slot) if isinstance(edge, Value) else edge
            for reference, edge in segment.edges.items()
            if isinstance(edge, (tuple, Value))
        }
    return {
        -index: (value.segment, value.slot)
        for index, value in enumerate(segment.trace.inputs, 1)
        if value.meta.grad == RESULT
    }


def segments_behind(
    above: list[SegmentPlace], trace: Trace, bound: tuple[float, int] | None = None
) -> list[Any]:
    """Return the segments that lie behind some places, the latest first.

    Level 0 is the trace under way, whether or not anything lies in it.

    Args:
        above: the places.
        trace: the one under way.
        bound: the order of a place where gradients stop: the segments before it are found as far
            as they are reached directly. Then equal stretches of a model are found equal, however
            much lies behind them.
    """
    found: dict[int, Any] = {}
    pending = [segment for segment, _ in above]
    while pending:
        segment = pending.pop()
        if id(segment) in found:
            continue
        if segment.trace is not None and segment.trace is not trace:
            flush_of_other_thread(segment)
        found[id(segment)] = segment
        if bound is None or segment.sequence >= bound[0]:
            pending.extend([source for source, _ in edges_of(segment).values()])
    segments = sorted(found.values(), key=lambda segment: -segment.sequence)
    if not segments or segments[0] is not trace.segment:
        segments.insert(0, trace.segment)
    return segments


def places_behind(place: SegmentPlace) -> list[SegmentPlace]:
    """Return the places that a place's gradient flows to directly."""
    segment, slot = place
    if isinstance(segment, FunctionSegment):
        return [edge for edge in segment.edges if isinstance(edge, tuple)]
    end = end_of(segment)
    instruction = end.by_slot()[slot]
    edges = edges_of(segment)
    found = []
    for position in instruction.gradient_operands:
        reference = instruction.operands[position]
        if reference < 0:
            if reference in edges:
                found.append(edges[reference])
        elif end.meta_of(reference).grad == RESULT:
            found.append((segment, reference))
    return found


def level_edges(segment: Any, index_of: dict[int, int]) -> dict[int, tuple[int, int]]:
    return {
        reference: (index_of[id(source)], slot)
        for reference, (source, slot) in edges_of(segment).items()
        if id(source) in index_of
    }


class _FakeInstruction:
    """A result of a Python function, where a level wants an instruction."""

    __slots__ = ("slot", "metas")

    def __init__(self, slot: int, meta: Meta):
        self.slot = slot
        self.metas = (meta,)


def level_of(segment: Any, trace: Trace, edges: dict[int, tuple[int, int]]) -> tape.Level:
    if isinstance(segment, FunctionSegment):
        results: Any = {s: _FakeInstruction(s, m) for s, m in enumerate(segment.metas)}
        return tape.Level(results, (), frozenset(), {})
    end = end_of(segment)
    metas = (
        end.input_metas()
        if segment.trace is None
        else tuple([value.meta for value in trace.inputs])
    )
    remakes = segment.trace is None and segment.remakes
    return tape.Level(end.by_slot(), metas, end.freed | segment.freed, edges, remakes)


def leaf_at(segment: Any, reference: int, trace: Trace) -> Any:
    """Return the leaf tensor that a reference of a segment means."""
    if segment.trace is None:
        return segment.edges[reference]()
    values = trace.inputs if reference < 0 else trace.values
    return values[-reference - 1 if reference < 0 else reference].owner()


def leaves_of(segment: Any, trace: Trace) -> list[tuple[int, Any]]:
    """Return the leaves that a segment's gradients may flow to, by reference."""
    if isinstance(segment, FunctionSegment):
        return []
    if segment.trace is None:
        return [
            (r, edge) for r, edge in segment.edges.items() if not isinstance(edge, (tuple, Value))
        ]
    leaves = [(-i, v.owner) for i, v in enumerate(trace.inputs, 1) if v.meta.grad == LEAF]
    return leaves + [(i, v.owner) for i, v in enumerate(trace.values) if v.meta.grad == LEAF]


def order_in(segment: Any, bound: tuple[float, int]) -> int:
    """Return the last slot of a segment that is not later than ``bound`` (-1: all are later)."""
    if segment.sequence == bound[0]:
        return bound[1]
    return -1 if segment.sequence > bound[0] else 1 << 30


def calls_python(segment: Any) -> bool:
    """Return whether a gradient through a segment may call hooks or Python functions."""
    return isinstance(segment, FunctionSegment) or segment.hooks is not None


def first_slot(place: SegmentPlace) -> int:
    """Return the slot of the first result of the instruction that fills a place."""
    segment, slot = place
    return 0 if isinstance(segment, FunctionSegment) else end_of(segment).by_slot()[slot].slot


def place_of(value: Value) -> SegmentPlace:
    return (value.segment, value.slot) if value.meta.grad == RESULT else (None, id(value))


def order_of(place: SegmentPlace) -> tuple[float, int]:
    return (place[0].sequence, place[1])
