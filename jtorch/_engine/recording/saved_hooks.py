"""Hooks on saved tensors: packed after an operator saved them, unpacked when its gradient is taken.

Inside ``saved_tensors_hooks`` every operator takes the slow path, where it is known what it saves.
The hooks are the user's code and may look at values, so they cannot run in the middle of recording:
what is saved is noted, and packed when the ``with`` block ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._core import messages
from ..graph.trie import AlwaysMiss, Node
from ..graph.values import Value
from .trace import Trace

#: Pairs of hooks (pack, unpack), the innermost last.
stack: list[tuple[Callable, Callable]] = []

#: What was saved and is still to be packed: (segment, reference, value or trace, pair). A result
#: that its own operator saves does not exist while the operator is planned: then the trace.
_noted: list[tuple[Any, int, Value | Trace, tuple[Callable, Callable]]] = []

#: Makes a tensor of a value; the recorder provides it.
wrap: Callable[[Value], Any] = None  # type: ignore[assignment]


def miss(trace: Trace, key: tuple, add: Callable[[], Node]) -> Node:
    """Find or add a node, and note what its operator saves."""
    _resolve(trace)
    children = trace.node.children
    assert isinstance(children, AlwaysMiss)
    child = children.find(key) or add()
    instruction = child.instruction
    if stack and instruction.gradient_operands:
        segment = trace.segment
        if segment.hooks is None:
            segment.hooks = {}  # says "not the usual path"
        for position in instruction.saves:
            reference = instruction.operands[position]
            if isinstance(reference, int):
                holder = trace.inputs[-reference - 1] if reference < 0 else trace.values[reference]
                _noted.append((segment, reference, holder, stack[-1]))
        if instruction.saves_result:
            _noted.append((segment, child.slot, trace, stack[-1]))
    return child


def _resolve(trace: Trace) -> None:
    """Take hold of the results noted that exist by now."""
    for index, (segment, reference, holder, pair) in enumerate(_noted):
        if holder is trace:
            value = trace.values[reference] if segment.trace is trace else None
            if value is not None:
                _noted[index] = (segment, reference, value, pair)


def pack_noted() -> None:
    """Call the pack hooks for all that was noted."""
    for segment, _, holder, _ in list(_noted):
        if isinstance(holder, Trace) and segment.trace is holder:
            _resolve(holder)
    noted = list(_noted)
    _noted.clear()
    for segment, reference, value, (pack, unpack) in noted:
        if isinstance(value, Value):
            if segment.packed is None:
                segment.packed = {}
            tensor = wrap(value).detach()
            packed = pack(tensor)
            if tensor._version:
                raise messages.packed_in_place()
            segment.packed[reference] = (packed, unpack)
