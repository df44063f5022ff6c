"""What a closed segment keeps of its graph: the differentiable part, renumbered.

A loop that looks at a value before ``backward()`` takes gradients of closed segments. Their keys
name the graph that was closed. Named by its place in the trie it would never be the same twice,
since that place has the gradient of the segment before in its path. So the part that gradients flow
through, the *cone* behind the live results, is numbered by itself and kept in a trie of its own:
equal graphs are one node there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._core import modes
from .memory import shares_counter
from .trie import Instruction, Node
from .values import LEAF, NO_GRAD, RESULT, Meta

#: Cones remembered before all are forgotten; segments under way keep theirs.
_LIMIT = 100_000


class Cone:
    """The differentiable part behind the live results of a program.

    Attributes:
        end: its node in the trie of cones.
        place: reference in the cone of each reference of the trace that it needs.
        needed: references of the trace whose arrays its gradients need.
        edges: references of the trace that its gradients flow on to.
        floats, ints: which of the trace's numbers it uses, in its own order.
        freed, stale: references in the cone whose graph was freed, or that were overwritten.
        remakes: whether views of inputs that gradients need are made again and not kept.
    """

    __slots__ = ("end", "place", "needed", "edges", "floats", "ints", "freed", "stale", "remakes")

    end: Node
    place: dict[int, int]
    needed: list[int]
    edges: list[int]
    floats: list[int]
    ints: list[int]
    freed: frozenset[int]
    stale: frozenset[int]
    remakes: bool


class _Forest:
    """The trie of cones."""

    root = Node(None, None, modes.DEFAULT)
    size = 0


def cone_of(node: Node, live: Sequence[int]) -> Cone | None:
    """Return the cone behind the live results, ``None`` where none can be differentiated."""
    by_slot = node.by_slot()
    inside: set[int] = set()
    pending = [slot for slot in live if _grad(by_slot, slot) == RESULT]
    if not pending:
        return None
    while pending:
        instruction = by_slot[pending.pop()]
        if instruction.slot in inside:
            continue
        inside.add(instruction.slot)
        for position in instruction.gradient_operands:
            reference = instruction.operands[position]
            if reference >= 0 and _grad(by_slot, reference) == RESULT:
                pending.append(reference)
    return _number(node, [i for i in node.instructions() if i.slot in inside])


def _grad(by_slot: dict[int, Instruction], slot: int) -> int:
    instruction = by_slot[slot]
    return instruction.metas[slot - instruction.slot].grad


def _number(node: Node, instructions: list[Instruction]) -> Cone:
    """Find the instructions in the trie of cones, adding what is new."""
    cone = Cone()
    place: dict[int, int] = {}
    numbers: dict[str, list[int]] = {"f": [], "i": []}
    metas = node.input_metas()
    by_slot = node.by_slot()
    needed: dict[int, None] = {}
    edges: dict[int, None] = {}
    remade: dict[int, int] = {}
    copies: dict[int, Instruction] = {}
    cone.remakes = not _packs(node)
    at = _Forest.root
    for instruction in instructions:
        entered: list[Meta] = []
        operands: list[Any] = []
        for reference in instruction.operands:
            if not isinstance(reference, int):
                kind, index = reference
                operands.append((kind, len(numbers[kind])))
                numbers[kind].append(index)
                continue
            if reference not in place:
                place[reference] = -(at.n_inputs + len(entered)) - 1
                entered.append(
                    metas[-reference - 1]
                    if reference < 0
                    else by_slot[reference].metas[reference - by_slot[reference].slot]
                )
            operands.append(place[reference])
        key = (instruction.identity, tuple(operands), instruction.metas, tuple(entered))
        child = at.children.get(key)
        if child is None:
            copy = instruction.moved(tuple(operands), place)
            child = at.extend(key, copy, tuple(entered), len(numbers["f"]), len(numbers["i"]))
            _Forest.size += 1
        at = child
        for offset in range(len(instruction.metas)):
            place[instruction.slot + offset] = child.slot + offset
            copies[child.slot + offset] = child.instruction
        if cone.remakes and child.instruction.made_again_from(copies) is not None:
            remade[instruction.slot] = instruction.operands[0]
        if instruction.slot not in node.freed:
            for position in instruction.saves:
                if isinstance(instruction.operands[position], int):
                    needed[instruction.operands[position]] = None
            if instruction.saves_result:
                for offset in range(len(instruction.metas)):
                    needed[instruction.slot + offset] = None
        for position in instruction.gradient_operands:
            reference = instruction.operands[position]
            if reference < 0:
                if metas[-reference - 1].grad != NO_GRAD:
                    edges[reference] = None
            elif _grad(by_slot, reference) == LEAF:
                edges[reference] = None
    cone.end = at
    cone.place = place
    cone.needed = list(dict.fromkeys([remade.get(reference, reference) for reference in needed]))
    cone.edges = list(edges)
    cone.floats, cone.ints = numbers["f"], numbers["i"]
    cone.freed = frozenset(place[i.slot] for i in instructions if i.slot in node.freed)
    cone.stale = _stale(node, place)
    if _Forest.size > _LIMIT:
        _Forest.root, _Forest.size = Node(None, None, modes.DEFAULT), 0
    return cone


def _packs(node: Node) -> bool:
    """Return whether hooks pack what some of the operators save."""
    at: Node | None = node
    while at is not None:
        if at.mode.saved_tensors_hooks:
            return True
        at = at.parent
    return False


def _stale(node: Node, place: dict[int, int]) -> frozenset[int]:
    """Return the references of the cone that were overwritten inside the trace."""
    overwritten = {
        reference for i in node.instructions() if i.counted for reference, _ in i.writes()
    }
    if not overwritten:
        return frozenset()
    by_slot = node.by_slot()
    found = set()
    for reference, own in place.items():
        origin: int | None = reference
        while origin is not None:
            if origin in overwritten:
                found.add(own)
                break
            source = by_slot.get(origin)
            shared = source is not None and shares_counter(source)
            origin = source.view_of if shared else None  # type: ignore[union-attr]
    return frozenset(found)
