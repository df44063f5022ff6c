"""Values that a gradient needs and that were written in place since they were saved."""

from __future__ import annotations

from typing import Any

from ..._core import messages
from ..graph import tape
from ..graph.trie import Instruction, Node
from ..graph.values import RESULT, Value
from ..recording.storage import STALE
from .graph import FunctionSegment, end_of


def check_level(segment: Any, plan: tape.GradientPlan, level_index: int) -> None:
    """Raise where a value that the gradient needs of a segment was overwritten since."""
    if isinstance(segment, FunctionSegment):
        return
    end = end_of(segment)
    check_open_level(end, plan, level_index)
    if segment.trace is not None:
        return
    marked = segment.stale or any(
        saved.__class__ is Value and saved.slot == STALE for saved in segment.saved.values()
    )
    if not marked:
        return
    by_slot = end.by_slot()
    copied = _replacements(end)
    for at, instruction in plan.order:
        if at != level_index:
            continue
        for reference, own in _needed(instruction):
            origin: Any = reference
            while isinstance(origin, int):
                if copied.get(origin, instruction.slot + 1) <= instruction.slot:
                    break  # overwritten before it was read: a copy, see ``check_open_level``
                saved = segment.saved.get(origin)
                if origin in segment.stale or (
                    isinstance(saved, Value) and saved.meta.grad != RESULT and saved.slot == STALE
                ):
                    raise _modified(end, origin, reference, own, extra_writes=1)
                source = by_slot.get(origin)
                origin = None if source is None else source.view_of


def _replacements(node: Node) -> dict[int, int]:
    """Return the slot that replaced each overwritten reference."""
    return {reference: slot for i in node.instructions() for reference, slot in i.writes()}


def _needed(instruction: Instruction) -> list[tuple[int, bool]]:
    """Return the references whose elements a gradient needs, and whether each is its own result.

    What an in-place operator itself overwrites is left out: PyTorch keeps a copy of it.
    """
    needed = [instruction.operands[position] for position in instruction.saves]
    replaced = {reference for reference, _ in instruction.writes()}
    found = [
        (reference, False)
        for reference in needed
        if isinstance(reference, int) and reference not in replaced
    ]
    if instruction.saves_result:
        found.append((instruction.slot, True))
    return found


def check_open_level(node: Node, plan: tape.GradientPlan, level_index: int) -> None:
    """Raise where a value that the gradient needs was overwritten in the same segment."""
    overwritten = _replacements(node)
    if not overwritten:
        return
    by_slot = node.by_slot()
    for at, instruction in plan.order:
        if at != level_index:
            continue
        for reference, own in _needed(instruction):
            origin: Any = reference
            while isinstance(origin, int):
                # What was overwritten before is the copy that an in-place operator's gradient has.
                if overwritten.get(origin, -1) > instruction.slot:
                    raise _modified(node, origin, reference, own)
                source = by_slot.get(origin)
                origin = None if source is None else source.view_of


def _modified(
    node: Node, origin: int, needed: int, own_result: bool, extra_writes: int = 0
) -> RuntimeError:
    """Describe the overwritten value as PyTorch does."""
    meta = node.meta_of(needed)
    later = _replacements(node)
    earlier = {slot: reference for reference, slot in later.items()}
    then = 0
    place: Any = origin
    while place in earlier:
        then += 1
        place = earlier[place]
    now = then + extra_writes
    place = origin
    while place in later:
        now += 1
        place = later[place]
    where = ""
    if needed >= 0 and meta.grad == RESULT:
        # PyTorch names the operator that the tensor is a result of now; for a result that its own
        # operator saved, that operator.
        source = node.by_slot()[needed]
        if not own_result:
            place = origin
            while place in later:
                place = later[place]
                source = node.by_slot()[place]
        output = needed - source.slot if own_result else 0
        where = f", which is output {output} of {_short_name(source)},"
    return messages.modified_inplace(
        f"torch.{meta.dtype._legacy_name}Tensor", meta.shape, where, now, then
    )


def _short_name(instruction: Instruction) -> str:
    """Return the operator's name as this message has it: ``Exp`` for ``ExpBackward0``."""
    return instruction.node_name.partition("Backward")[0]
