"""What a saved tensor holds when its gradient is computed: whatever is in its memory then.

A value is immutable, and a gradient keeps the values that it needs. Where the memory of one is
written to and its tensor's version counter does not count that (through ``.data``, by NumPy, by
``tensor.data = other``), a ``Memory`` leads from the value to what is there now.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from . import primitives
from .trie import Instruction
from .values import Value


class Memory:
    """What became of the memory that a value was read from.

    Attributes:
        storage, steps: where to read it; ``None`` while nothing was written there.
        tensor: instead of them, the tensor that was given other memory.
        counter, version: the version counter and what it showed before the first write.
        base: the memory of the value that this one is a view of, where it is one.
        view: how the view was made.
    """

    __slots__ = ("storage", "steps", "tensor", "counter", "version", "base", "view")

    def __init__(self) -> None:
        self.storage: Any = None
        self.steps: tuple = ()
        self.tensor: Any = None
        self.counter: list[int] = []
        self.version = 0
        self.base: Memory | None = None
        self.view: View | None = None


class View(NamedTuple):
    """How a view was made of what it is a view of.

    Attributes:
        instruction: what made it.
        ints: the numbers that the instruction takes.
        output: which of the instruction's results it is.
    """

    instruction: Instruction
    ints: Any
    output: int


class Written(NamedTuple):
    """Where memory was written to that a value was read from.

    Attributes:
        memory: what was written to.
        views: how to come from there to the value, one view after the other.
        checked: the memory whose version counter must not have counted a write, where there is one.
    """

    memory: Memory
    views: tuple[View, ...]
    checked: Memory | None


def memory_of(value: Value) -> Memory:
    """Return what becomes of the memory of a value, to be looked at later."""
    memory: Memory | None = getattr(value, "memory", None)
    if memory is None:
        memory = value.memory = Memory()
    return memory


def is_written(memory: Memory | None) -> bool:
    """Return whether memory was written to, or that which it is a view of."""
    while memory is not None:
        if memory.storage is not None or memory.tensor is not None:
            return True
        memory = memory.base
    return False


def shares_counter(view: Instruction) -> bool:
    """Return whether a view shares the version counter of what it is a view of."""
    return view.counted and view.op is not primitives.data


class Search:
    """The way from a value to the memory behind it, one view after the other.

    Attributes:
        views, checked: as of ``Written``.
        counted: whether the version counter at this place is that of the value.
    """

    __slots__ = ("views", "checked", "counted")

    def __init__(self) -> None:
        self.views: tuple[View, ...] = ()
        self.checked: Memory | None = None
        self.counted = True

    def back(self, memory: Memory | None, view: View) -> None:
        """Go from a view, which lies in ``memory``, to what it is a view of."""
        self.views = (view, *self.views)
        if self.counted and not shares_counter(view.instruction):
            self.counted = False
            self.checked = memory if memory is not None and memory.counter else None

    def find(self, memory: Memory | None) -> Written | None:
        """Return the nearest memory that was written to, from ``memory`` on."""
        while memory is not None:
            if memory.storage is not None or memory.tensor is not None:
                return Written(memory, self.views, memory if self.counted else self.checked)
            if memory.base is None:
                return None
            assert memory.view is not None
            self.back(memory, memory.view)
            memory = memory.base
        return None


def links_of(by_slot: dict[int, Instruction], references: Iterable[int]) -> tuple:
    """Return the views among some results and what they are views of, for ``link``."""
    found: dict[int, Instruction] = {}
    for reference in references:
        while reference >= 0 and reference not in found:
            source = by_slot[reference]
            if source.view_of is None:
                break
            found[reference] = source
            reference = source.view_of
    return tuple(found.items())


def link(links: tuple, values: list[Value], inputs: list[Value], ints: list[int]) -> None:
    """Note of views what they are views of."""
    for reference, source in links:
        memory = memory_of(values[reference])
        if memory.base is None:
            origin = source.view_of
            memory.base = memory_of(inputs[-origin - 1] if origin < 0 else values[origin])
            memory.view = View(source, ints, reference - source.slot)
