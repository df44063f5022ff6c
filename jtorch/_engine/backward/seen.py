"""A backward pass whose operators ``__torch_dispatch__`` sees.

The pass runs node by node, as in anomaly mode. A node with a formula calls the operators that
PyTorch's node calls, each of which modes see; the formulas come from above (``set_formulas``). Any
other node is one recorded gradient, which nothing sees.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..graph.trie import Instruction
from ..graph.values import LEAF, RESULT, Value
from ..recording.record import wrap
from ..recording.storage import current_value
from ..recording.trace import local
from . import saved_attributes
from .graph import FunctionSegment, SegmentPlace, end_of, places_behind
from .nodes import node_at
from .overwritten import check_level
from .stages import OnePass


class NodeByNode:
    """Says that each node runs by itself, without looking for NaN."""

    enabled = True
    check_nan = False


class _Running(threading.local):
    """Whether a thread is calling the operators of a node."""

    formula = False


running = _Running()


class NotSaved(Exception):
    """A node does not have what a formula asks for."""


class NodeCall:
    """One node whose gradient a formula computes.

    Attributes:
        needs: which of the operator's operands a gradient flows to, by place.
    """

    __slots__ = ("_node", "_instruction", "needs")

    def __init__(self, node: Any, instruction: Instruction):
        self._node, self._instruction = node, instruction
        self.needs = frozenset(instruction.gradient_operands)

    def __getattr__(self, name: str) -> Any:
        """Return what the node shows as ``_saved_`` of this name.

        Raises:
            NotSaved: it shows no such thing.
        """
        try:
            found = saved_attributes.read(self._node, f"_saved_{name}")
        except AttributeError:
            raise NotSaved(name) from None
        return found

    @property
    def operator(self) -> str:
        """The name of the recorded operator."""
        return str(self._instruction.op.name)

    @property
    def count(self) -> int:
        """How many operands there are."""
        return len(self._instruction.operands)

    def shape(self, place: int) -> tuple[int, ...]:
        """Return the sizes of an operand."""
        return tuple(self._meta(place).shape)

    def dtype(self, place: int) -> Any:
        """Return the dtype of an operand."""
        return self._meta(place).dtype

    def number(self, place: int) -> Any:
        """Return an operand that is a number, ``None`` for a tensor."""
        reference = self._instruction.operands[place]
        if isinstance(reference, int):
            return None
        return saved_attributes.number_of(self._node._segment, reference)

    def operand(self, place: int) -> Any:
        """Return an operand that was saved.

        Raises:
            NotSaved: it was not.
        """
        number = self.number(place)
        if number is not None:
            return number
        reference = self._instruction.operands[place]
        found = saved_attributes.tensor_at(self._node, reference)
        if found is saved_attributes.MISSING:
            raise NotSaved(place)
        return found

    def given(self, name: str) -> Any:
        """Return an argument that is part of the program, such as a dimension.

        Raises:
            NotSaved: it was given as something else, or not at all.
        """
        arguments = self._instruction.arguments
        if arguments is None or name not in arguments[1]:
            raise NotSaved(name)
        return arguments[1][name]

    def result_shape(self, place: int = 0) -> tuple[int, ...]:
        """Return the sizes of a result."""
        return tuple(self._instruction.metas[place].shape)

    def result_dtype(self, place: int = 0) -> Any:
        """Return the dtype of a result."""
        return self._instruction.metas[place].dtype

    def _meta(self, place: int) -> Any:
        reference = self._instruction.operands[place]
        if not isinstance(reference, int):
            raise NotSaved(place)
        return end_of(self._node._segment).meta_of(reference)


class Formulas:
    """What is called of PyTorch's operators.

    Attributes:
        of_nodes: by the name of a node: ``(NodeCall, *gradients of its results)`` to the gradient
            of each operand, ``None`` where none is needed.
        ones_like: makes the gradient that a pass begins with.
        fit: ``(gradient, shape, dtype)``: sums up what was broadcast.
        add: adds two gradients.
        stored: ``(gradient, leaf)``: what becomes ``.grad`` of a leaf that has none.
    """

    of_nodes: Mapping[str, Callable[..., Sequence[Any]]] = {}
    ones_like: Callable[[Any], Any]
    fit: Callable[[Any, Any, Any], Any]
    add: Callable[[Any, Any], Any]
    stored: Callable[[Any, Any], Any]


formulas = Formulas()


class SeenPass(OnePass):
    """One backward pass of which modes see the operators."""

    def __init__(self, *args: Any):
        super().__init__(*args)
        #: How many more gradients come to a leaf.
        self._to_come: dict[int, int] = {}
        #: The places that gradients flow through.
        self._reached: set[tuple[int, int]] = set()

    def _start(self, root: Value, cotangent: Value | None) -> None:
        if root.meta.grad == RESULT:
            self._count_arrivals((root.segment, root.slot))
        if cotangent is None and root.meta.grad == RESULT:
            cotangent = current_value(formulas.ones_like(wrap(root)))
        super()._start(root, cotangent)

    def _count_arrivals(self, root: SegmentPlace) -> None:
        seen: set[tuple[int, int]] = set()
        pending = [root]
        while pending:
            place = pending.pop()
            segment = place[0]
            self._reached.add((id(segment), place[1]))
            slot = 0 if isinstance(segment, FunctionSegment) else _instruction(place).slot
            if (id(segment), slot) in seen:
                continue
            seen.add((id(segment), slot))
            for leaf in _leaves_at(place):
                self._to_come[id(leaf)] = self._to_come.get(id(leaf), 0) + 1
            pending.extend(places_behind(place))

    def _is_special(self, place: SegmentPlace) -> bool:
        # No gradient comes to the other results of a node, which waits for those that do.
        return (id(place[0]), place[1]) in self._reached and super()._is_special(place)

    def _to_place(self, place: SegmentPlace, gradient: Value) -> None:
        before = self.pending.get(place)
        if before is None:
            self.pending[place] = gradient
        else:
            self.pending[place] = current_value(formulas.add(wrap(before), wrap(gradient)))

    def _to_leaf(self, leaf: Any, gradient: Any) -> None:
        before = self.leaves.get(id(leaf))
        if before is not None and isinstance(gradient, Value):
            self.leaves.pop(id(leaf))
            gradient = current_value(formulas.add(wrap(before[1]), wrap(gradient)))
        super()._to_leaf(leaf, gradient)
        left = self._to_come[id(leaf)] = self._to_come.get(id(leaf), 1) - 1
        if not left and self.inputs is None and id(leaf) in self.leaves:
            self._deliver(*self.leaves.pop(id(leaf)))

    def _store(self, leaf: Any, gradient: Any) -> None:
        extra = leaf._extra
        empty = extra is None or extra.grad is None
        if empty and isinstance(gradient, Value) and not self.create_graph:
            gradient = current_value(formulas.stored(wrap(gradient), leaf))
        super()._store(leaf, gradient)

    def _record_stage(
        self,
        above: list[SegmentPlace],
        gradients: list[Value],
        bound: tuple[float, int] | None,
        alone: Instruction | None = None,
    ) -> list[tuple[Any, Value]]:
        if alone is not None and not self.create_graph:
            found = self._by_formula(above, gradients, alone)
            if found is not None:
                return found
        return super()._record_stage(above, gradients, bound, alone)

    def _by_formula(
        self, above: list[SegmentPlace], gradients: list[Value], instruction: Instruction
    ) -> list[tuple[Any, Value]] | None:
        """Compute the gradient of a node by its formula; ``None`` where there is none."""
        formula = formulas.of_nodes.get(instruction.node_name)
        segment = above[0][0] if above else None
        if formula is None or segment is None or segment.trace is not None or segment.packed:
            return None
        if instruction.arguments is None or any(m.dtype.is_complex for m in instruction.metas):
            return None
        node, _ = node_at(segment, instruction.slot)
        only: Any = saved_attributes.Only(instruction)
        if check_level(segment, only, 0, local.trace):
            return None
        given: list[Any] = [None] * len(instruction.metas)
        for (_, slot), gradient in zip(above, gradients, strict=True):
            given[slot - instruction.slot] = wrap(gradient)
        running.formula = True
        try:
            results = formula(NodeCall(node, instruction), *given)
        except NotSaved:
            return None
        finally:
            running.formula = False
        found = []
        end = end_of(segment)
        for position in instruction.gradient_operands:
            meta = end.meta_of(instruction.operands[position])
            result = results[position] if position < len(results) else None
            if result is None:
                return None
            fitted = formulas.fit(result, meta.shape, meta.dtype)
            receiver = _receiver(segment, instruction.operands[position])
            found.append((receiver, current_value(fitted)))
        self.used.append((segment, frozenset((instruction.slot,))))
        return found


def _instruction(place: SegmentPlace) -> Instruction:
    found: Instruction = end_of(place[0]).by_slot()[place[1]]
    return found


def _receiver(segment: Any, reference: int) -> Any:
    """Return the leaf, or the place, that an operand of a closed segment is."""
    meta = end_of(segment).meta_of(reference)
    edge = segment.edges.get(reference)
    if meta.grad == LEAF:
        return None if edge is None else edge()
    if isinstance(edge, Value):
        return edge.segment, edge.slot
    return (segment, reference) if edge is None else edge


def _leaves_at(place: SegmentPlace) -> list[Any]:
    """Return the leaves that a node's gradient flows to directly."""
    segment = place[0]
    if isinstance(segment, FunctionSegment):
        edges = [edge() for edge in segment.edges if edge is not None and callable(edge)]
        return [leaf for leaf in edges if leaf is not None]
    instruction = _instruction(place)
    receivers = [
        _receiver(segment, instruction.operands[position])
        for position in instruction.gradient_operands
        if end_of(segment).meta_of(instruction.operands[position]).grad == LEAF
    ]
    return [leaf for leaf in receivers if leaf is not None]
