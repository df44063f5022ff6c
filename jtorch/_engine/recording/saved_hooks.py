"""Hooks on saved tensors: packed after an operator saved them, unpacked when its gradient is taken.

Inside ``saved_tensors_hooks`` every operator takes the slow path, where it is known what it saves.
The hooks are the user's code and may look at values, so they cannot run in the middle of recording:
what is saved is noted, and packed when the ``with`` block ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._core import messages
from ..._core.modes import intern_mode
from ..graph.trie import AlwaysMiss, Node
from ..graph.values import LEAF, Value
from .trace import Trace, local

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


class Packed:
    """What a pack hook made of a saved tensor, and the hook that gives the tensor back."""

    __slots__ = ("what", "unpack")

    what: Any

    def __init__(self, unpack: Callable):
        self.unpack = unpack


def announce(segment: Any, reference: int, unpack: Callable) -> Packed:
    """Say that a saved tensor is packed, before it is.

    The hook may look at values; the segment is closed then, and renumbers what it knows of.
    """
    if segment.packed is None:
        segment.packed = {}
    made = segment.packed[reference] = Packed(unpack)
    return made


def pack_into(made: Packed, tensor: Any, pack: Callable) -> None:
    """Call a pack hook, which records nothing for gradients.

    Raises:
        RuntimeError: the hook changed the tensor in place.
    """
    version = tensor._version
    mode = local.trace.mode
    local.trace.set_mode(intern_mode(mode._replace(grad=False)))
    try:
        made.what = pack(tensor)
    finally:
        local.trace.set_mode(mode)
    if tensor._version != version:
        raise messages.packed_in_place()


def forget_unpacked(segment: Any) -> None:
    """Let a segment keep by itself what its pack hook failed to pack."""
    if segment.packed is not None:
        packed = {r: made for r, made in segment.packed.items() if hasattr(made, "what")}
        segment.packed = packed or None


def pack_noted() -> None:
    """Call the pack hooks for all that was noted."""
    for segment, _, holder, _ in list(_noted):
        if isinstance(holder, Trace) and segment.trace is holder:
            _resolve(holder)
    noted = list(_noted)
    _noted.clear()
    announced = [
        (segment, announce(segment, reference, unpack), value, pack)
        for segment, reference, value, (pack, unpack) in noted
        if isinstance(value, Value)
    ]
    try:
        for _, made, value, pack in announced:
            pack_into(made, _tensor_of(value), pack)
    finally:
        for segment, *_ in announced:
            forget_unpacked(segment)


def _tensor_of(value: Value) -> Any:
    """Return the leaf whose value it is, else a tensor with its history."""
    leaf = value.owner() if value.meta.grad == LEAF else None
    return wrap(value) if leaf is None else leaf
