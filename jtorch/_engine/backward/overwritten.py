"""Values that a gradient needs and whose memory was written to since they were saved.

A write that a version counter counted is an error, as in PyTorch. After one that none counted the
gradient is that of what the memory holds now.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

from ..._core import messages
from ..._core.cpp_names import node_name
from ..graph import tape
from ..graph.memory import Memory, Search, View, Written, is_written, shares_counter
from ..graph.trie import ITS_RESULTS, Instruction, Node
from ..graph.values import RESULT, Value
from ..memory.chains import view_again
from ..memory.views import read_memory
from ..recording.kinds.base import broadcast_shapes
from ..recording.planning import keep_history
from ..recording.storage import STALE, current_value, version_of
from ..recording.trace import Trace
from .graph import FunctionSegment, end_of


class _Mutation(threading.local):
    """Whether saved tensors may be overwritten in this thread: a gradient keeps what was saved."""

    allowed = False


mutation = _Mutation()


def check_level(
    segment: Any, plan: tape.GradientPlan, level_index: int, trace: Trace
) -> dict[int, Written]:
    """Look at what a gradient needs of a segment: what was written to since it was saved?

    Returns:
        The references whose memory holds something else now, written without being counted.

    Raises:
        RuntimeError: the version counter of one of them has counted a write.
    """
    if isinstance(segment, FunctionSegment):
        return {}
    end = end_of(segment)
    if segment.trace is not None:
        check_open_level(end, plan, level_index)
        return _written_in(trace, end, plan, level_index) if segment.renewed else {}
    marked = segment.stale or any(
        saved.__class__ is Value and saved.slot == STALE for saved in segment.saved.values()
    )
    if marked and not mutation.allowed:
        _check_closed_level(segment, end, plan, level_index)
    if not _is_written(segment):
        return {}
    found = _written_since(
        lambda reference: _closed_memory(segment, reference),
        segment.ints,
        end,
        _replacements(end),
        plan,
        level_index,
    )
    for (level, view), _, (_, source) in plan.views:
        if level == level_index and view in found:  # made again of what it is a view of
            written = found.pop(view)
            found[source] = written._replace(views=written.views[:-1])
    return found


def _is_written(segment: Any) -> bool:
    """Return whether any memory was written to that a closed segment knows of."""
    if segment.rewritten is not None:
        return True
    for memory in segment.lies.values():
        if is_written(memory):
            return True
    for saved in segment.saved.values():
        if saved.__class__ is Value and is_written(getattr(saved, "memory", None)):
            return True
    return any(
        edge.__class__ is tuple and edge[0].rewritten is not None for edge in segment.edges.values()
    )


def _check_closed_level(segment: Any, end: Node, plan: tape.GradientPlan, level_index: int) -> None:
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
                    found = Search().find(_closed_memory(segment, origin))
                    checked = None if found is None else found.checked
                    raise _modified(end, origin, reference, own, 1, checked)
                origin = _source(by_slot, origin)


def _source(by_slot: dict[int, Instruction], reference: int) -> int | None:
    """Return what a result is a view of, with the same version counter."""
    source = by_slot.get(reference)
    return source.view_of if source is not None and shares_counter(source) else None


def _closed_memory(segment: Any, reference: int) -> Memory | None:
    memory = None if segment.rewritten is None else segment.rewritten.get(reference)
    if memory is None:
        memory = segment.lies.get(reference)
    if memory is None:
        saved = segment.saved.get(reference)
        memory = getattr(saved, "memory", None) if isinstance(saved, Value) else None
    if memory is None:
        edge = segment.edges.get(reference)
        if isinstance(edge, tuple) and edge[0].rewritten is not None:
            memory = edge[0].rewritten.get(edge[1])
    return memory


def _written_since(
    memory_at: Callable[[int], Memory | None],
    ints: Any,
    end: Node,
    copied: dict[int, int],
    plan: tape.GradientPlan,
    level_index: int,
) -> dict[int, Written]:
    """Find what a level's gradient needs of which the memory was written to."""
    by_slot = end.by_slot()
    found: dict[int, Written] = {}
    for at, instruction in plan.order:
        if at != level_index:
            continue
        for reference, own in _needed(instruction):
            search = Search()
            origin: Any = reference
            # What was overwritten before is the copy that an in-place operator's gradient has.
            while copied.get(origin, instruction.slot + 1) > instruction.slot:
                memory = memory_at(origin)
                source = by_slot.get(origin)
                written = None
                if memory is not None:
                    written = Search.find(search if memory.base is None else copy(search), memory)
                if written is not None:
                    by_memory = own or _by_view(instruction, reference)
                    if _holds(written, end, origin, reference, own, by_memory):
                        found[reference] = written
                    break
                if source is None or source.view_of is None:
                    break
                search.back(memory, View(source, ints, origin - source.slot))
                origin = source.view_of
    return found


def _written_in(
    trace: Trace, end: Node, plan: tape.GradientPlan, level_index: int
) -> dict[int, Written]:
    def memory_at(reference: int) -> Memory | None:
        value = trace.inputs[-reference - 1] if reference < 0 else trace.values[reference]
        return getattr(value, "memory", None)

    copied = {reference: slot for i in end.instructions() for reference, slot in i.writes()}
    return _written_since(memory_at, trace.ints, end, copied, plan, level_index)


def _by_view(instruction: Instruction, reference: int) -> bool:
    """Return whether PyTorch saves a view of an operand: the transposed weight of ``linear``."""
    return instruction.op.name == "linear" and instruction.operands[1] == reference


def _holds(
    written: Written, end: Node, origin: int, reference: int, own: bool, by_memory: bool
) -> bool:
    """Return whether a saved tensor is what memory holds now, and not what was saved.

    Raises:
        RuntimeError: its version counter has counted a write.
    """
    if written.memory.tensor is not None and (by_memory or written.views):
        return False  # PyTorch saves results and views by their memory, operands by the tensor
    checked = written.checked
    if checked is not None and _version_now(checked) != checked.version:
        raise _modified(end, origin, reference, own, 0, checked)
    return True


def _version_now(memory: Memory) -> int:
    return memory.counter[0] if memory.tensor is None else version_of(memory.tensor)


def needs_another_value(trace: Trace, plan: tape.GradientPlan) -> bool:
    """Return whether a gradient of the trace under way needs what memory holds by now."""
    return bool(_written_in(trace, trace.node, plan, 0))


def present_value(written: Written) -> Value:
    """Return what the memory of a saved tensor holds now."""
    memory = written.memory
    if memory.tensor is not None:
        value = current_value(memory.tensor)
    else:
        value = read_memory(memory.storage, memory.steps)
    for view in written.views:
        value = view_again(view, value)
    return value


def check_size(segment: Any, reference: int, value: Value) -> None:
    """Refuse what memory holds now where it is of another size than what was saved.

    Raises:
        RuntimeError: it is; the words are those of the first two sizes that do not go together.
    """
    saved, now = end_of(segment).meta_of(reference).shape, value.meta.shape
    if saved == now:
        return
    broadcast_shapes([saved, now])
    raise RuntimeError(
        f"a tensor of size {list(saved)} was saved for backward, and has size {list(now)} now"
    )


def _replacements(node: Node) -> dict[int, int]:
    """Return the slot that replaced each reference of which a write was counted."""
    return {
        reference: slot for i in node.instructions() if i.counted for reference, slot in i.writes()
    }


def _needed(instruction: Instruction) -> list[tuple[int, bool]]:
    """Return the references whose elements a gradient needs, and whether each is its own result.

    What an in-place operator itself overwrites is left out: PyTorch keeps a copy of it.
    """
    needed = [
        instruction.operands[position]
        for position in instruction.saves
        if position not in instruction.unchecked
    ]
    replaced = {reference for reference, _ in instruction.writes()}
    found = [
        (reference, False)
        for reference in needed
        if isinstance(reference, int) and reference not in replaced
    ]
    if instruction.saves_result and ITS_RESULTS not in instruction.unchecked:
        count = len(instruction.metas) if "results" in instruction.op.keeps else 1
        found += [(instruction.slot + offset, True) for offset in range(count)]
    return found


def check_open_level(node: Node, plan: tape.GradientPlan, level_index: int) -> None:
    """Raise where a value that the gradient needs was overwritten in the same segment."""
    overwritten = _replacements(node)
    if not overwritten or mutation.allowed:
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
                origin = _source(by_slot, origin)


def _modified(
    node: Node,
    origin: int,
    needed: int,
    own_result: bool,
    extra_writes: int = 0,
    memory: Memory | None = None,
) -> RuntimeError:
    """Describe the overwritten value as PyTorch does."""
    meta = node.meta_of(needed)
    later = _replacements(node)
    became = {
        i.view_of: i.slot for i in node.instructions() if i.view_of is not None and i.op.in_place
    }
    earlier = {slot: reference for reference, slot in (later | became).items()}
    then = 0
    place: Any = origin
    while place in earlier:
        then += earlier[place] in later
        place = earlier[place]
    if memory is not None:
        now, then = _version_now(memory), memory.version
    else:
        writes = [place for place in _places(origin, later, became) if place in later]
        now = then + extra_writes + len(writes)
    where = ""
    if needed >= 0 and meta.grad == RESULT:
        # PyTorch names the operator that the tensor is a result of now; for a result that its own
        # operator saved, that operator.
        by_slot = node.by_slot()
        source, output, name = by_slot[needed], 0, ""
        if own_result:
            output = needed - source.slot
        elif source.view_of is not None and not source.op.in_place:
            name = "AsStrided"  # the view is made again of what it is a view of
        else:
            for place in _places(origin, later, became) if needed == origin else ():
                meta = node.meta_of(place)
                if place in by_slot and by_slot[place].vjp is not keep_history:
                    source = by_slot[place]
        name = name or _short_name(source)
        where = f", which is output {output} of {name},"
    return messages.modified_inplace(
        f"torch.{meta.dtype._legacy_name}Tensor", meta.shape, where, now, then
    )


def _places(place: Any, later: dict[int, int], became: dict[Any, int]) -> Iterator[int]:
    """Yield the references of what a tensor held from one on: writes, and views that it became."""
    while place is not None:
        yield place
        place = later.get(place, became.get(place))


def _short_name(instruction: Instruction) -> str:
    """Return the operator's name as this message has it: ``Exp`` for ``ExpBackward0``."""
    name, _, number = instruction.node_name.partition("Backward")
    return node_name(name + number.removesuffix("0"))
