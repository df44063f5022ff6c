"""The trace of each thread: operators recorded since the last flush.

A reference to a result of the trace is its slot (>= 0), to an input a negative number. A value's
``place`` is ``trace.base + reference``; bases are far apart and never used twice, so a value whose
place is near the base of a trace is known to that trace.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
from collections.abc import Iterable
from sys import getrefcount
from typing import Any

import numpy as np
from numpy import ndarray

from ..._core import config, modes
from ..._core.device import CPU, META, Device
from ..execution import failures, growth, programs, stats, transfer
from ..execution.devices import NO_ELEMENTS
from ..graph.memory import link
from ..graph.segments import SegmentBase
from ..graph.trie import Node, root
from ..graph.values import LEAF, RESULT, Value

#: References of one trace lie between ``-REACH`` and ``REACH``.
REACH = 1 << 24
#: When segments were closed: results of one feed only segments closed later.
closing_times = itertools.count(1)
_NOTHING_KNOWN: dict[int, int] = {}
_bases = itertools.count(4 * REACH, 4 * REACH)


def _reference_counts(values: list[Value]) -> list[int]:
    return [getrefcount(value) for value in values]


#: What ``_reference_counts`` says of a value that nothing but its trace still holds.
_ONLY_THE_TRACE = _reference_counts([Value(0, None, None, 0)])[0]  # type: ignore[arg-type]


class Segment(SegmentBase):
    """What a stretch of recording leaves behind for differentiation and for ``grad_fn``.

    While the stretch is being recorded, ``trace`` is its trace; after the flush ``trace`` is
    ``None`` and ``saved`` holds the arrays that gradients need. ``lies`` leads on to what their
    memory holds later, where it is known that it may be written to (see ``memory``). ``edges`` are
    where gradients flow on to; ``between`` those of them that are results of other segments, once
    it is known of all where they ended up.
    """

    __slots__ = (
        "trace",
        "end",
        "edges",
        "floats",
        "ints",
        "saved",
        "packed",
        "lies",
        "between",
    )

    def __init__(self, trace: Trace):
        super().__init__(math.inf)  # until it is closed
        self.trace: Trace | None = trace
        self.end: Node | None = None
        self.edges: dict[int, Any] = {}
        self.floats: list[float] = []
        self.ints: list[int] = []
        self.saved: dict[int, Any] = {}
        self.packed: dict[int, Any] | None = None
        self.lies: dict[int, Any] = {}
        self.between: dict[int, tuple[Any, int]] | None = None


class Trace:
    """Operators recorded by one thread since its last flush.

    Attributes:
        base: offset of its references in ``Value.place``.
        node: where in the trie it stands.
        values: the results recorded so far, by slot.
        inputs: values that existed before, in the order of first use.
        floats, ints: Python numbers used as operands.
        mode: the mode that operators are recorded in.
        segment: the segment being recorded.
        span: operators after which to cut, where the trace before was cut in a loop, else 0.
        captures: whether it is only recorded, and never run (see ``capture``).
    """

    captures = False
    __slots__ = (
        "base",
        "node",
        "values",
        "inputs",
        "floats",
        "ints",
        "mode",
        "segment",
        "device",
        "span",
        "known",
        "thread",
        "__weakref__",
    )

    def __init__(self) -> None:
        self.mode = modes.DEFAULT
        self.device: Device = CPU
        self.thread = threading.current_thread()
        self.begin()

    def begin(self) -> None:
        """Stand on the root, with nothing recorded."""
        self.segment = Segment(self)  # first: see run_for_other_thread
        self.base = next(_bases)
        self.node = root(self.mode)
        self.values: list[Value] = []
        self.inputs: list[Value] = []
        self.floats: list[float] = []
        self.ints: list[int] = []
        self.span = 0
        self.known: dict[int, int] = _NOTHING_KNOWN

    def enter(self, value: Value) -> Any:
        """Make a value that exists an input of this trace, and return its meta as its key part.

        Where several threads use a value its place may be another trace's. It may be known here all
        the same: then the part is its reference.
        """
        several = local.several
        if several:
            reference = self._known(value)
            if reference is not None:
                value.place = self.base + reference
                return reference
        if value.array is None:
            run_for_other_thread(value)
        meta = value.meta
        if meta.device is not self.device:
            self._switch_device(meta.device)
        if (
            value.array.__class__ is ndarray
            and value.place
            and config.EXECUTION == "compile"
            and meta.device is CPU
        ):
            # Used before, so likely again: to hand NumPy's to a program costs 1.4 us each time.
            value.array = transfer.place(value.array, CPU)
        self.inputs.append(value)
        value.place = self.base - len(self.inputs)
        if several:
            self.known[id(value)] = -len(self.inputs)
        return meta

    def reference_of_known(self, value: Value) -> int:
        """Return how the trace refers to a value that it knows, whoever used it since."""
        reference = value.place - self.base
        if not -REACH < reference < REACH:
            known = self._known(value)
            assert known is not None
            reference = known
        return reference

    def _known(self, value: Value) -> int | None:
        if value.segment is not None and value.segment.trace is self:
            # Its place may be that in another trace, and its array there already.
            slot = value.slot
            if 0 <= slot < len(self.values) and self.values[slot] is value:
                return slot
        known = self.known
        if known is _NOTHING_KNOWN:
            known = {id(each): -place for place, each in enumerate(self.inputs, 1)}
            self.known = known
        return known.get(id(value))

    def forget_known(self) -> None:
        """Have what this trace knows looked for again: inputs were moved."""
        self.known = _NOTHING_KNOWN

    def _switch_device(self, device: Device) -> None:
        if self.node.depth or self.inputs:
            raise SwitchDevice(device)
        self.device = device

    def rollback(self) -> None:
        """Forget inputs and numbers taken for an operator that was not recorded."""
        node = self.node
        for value in self.inputs[node.n_inputs :]:
            value.place = 0
        del self.inputs[node.n_inputs :]
        self.known = _NOTHING_KNOWN
        del self.floats[node.n_floats :]
        del self.ints[node.n_ints :]

    def repair(self) -> None:
        """Take back what was recorded by halves: a signal may raise in between."""
        node, values = self.node, self.values
        while node.next_slot > len(values) and node.parent is not None:
            node = node.parent
        if node is not self.node:
            self.node = node.in_mode(self.mode)
        del values[node.next_slot :]
        self.rollback()

    def refuse_to_run(self) -> None:
        """Raise what a trace that is never run raises."""
        raise AssertionError("this trace runs")

    refuse_randomness = refuse_device = refuse_to_run

    def outside_for(self, values: Iterable[Value]) -> contextlib.AbstractContextManager[None]:
        """Return the block in which a trace that is never run records for another device."""
        raise AssertionError("this trace runs")

    def read(self, value: Value, reason: str) -> Any:
        """Return the array of a value of a trace that is never run."""
        raise AssertionError("this trace runs")

    def drawing_sizes(self) -> tuple[int, ...]:
        """Return how often numbers are drawn for one call: once for each slice of ``vmap``."""
        return ()

    def drawn(self, array: Any, meta: Any) -> Any:
        """Return the array of drawn numbers, or what stands for those of each slice."""
        return array

    def all_slices(self, value: Value) -> Any:
        """Return the elements that a value has in all slices for which numbers are drawn."""
        return np.asarray(materialise(value, "random"))

    def alike(self, tensor: Any, other: Any) -> Any:
        """Return a new tensor as one for each slice of ``vmap``, where another one is."""
        return tensor

    def for_all_slices(self, tensor: Any) -> Any:
        """Return what a tensor is for all slices of ``vmap``, as one that is no slice."""
        return tensor

    def check_same(self, value: Value) -> None:
        """Refuse the same numbers for all slices where their distribution differs."""

    def is_mapped(self, value: Value) -> bool:
        """Return whether a value differs between the slices of ``vmap``."""
        return False

    def check_move(self, value: Value) -> None:
        """Refuse to copy to another device what a trace that captures follows."""

    def check_write(self, name: str, target: Any, *others: Any) -> None:
        """Refuse a write that a trace under ``vmap`` cannot make."""

    def is_forward(self) -> bool:
        """Return whether what is recorded will be differentiated forwards."""
        return False

    def set_mode(self, mode: modes.Mode) -> None:
        """Record what follows in another mode."""
        self.mode = mode
        self.node = self.node.in_mode(mode)


class SwitchDevice(AttributeError):
    """An operand lives on another device than the trace under way."""

    def __init__(self, device: Device):
        super().__init__(device)
        self.device = device


class _Local(threading.local):
    """The trace of the current thread, as ``local.trace``.

    Attributes:
        several: whether a second thread has ever recorded.
        continues: a segment that an optimiser's step does not end, since every turn of its loop
            runs what is recorded at another place.
    """

    several = False
    continues: Segment | None = None
    _first = True

    def __init__(self) -> None:
        if not _Local._first:
            _Local.several = True
        _Local._first = False
        self.trace = Trace()


local = _Local()


def flush(trace: Trace, reason: str) -> None:
    """Run what a trace has recorded and make its live values ready.

    Args:
        trace: any thread's trace; another thread's is only flushed when it rests.
        reason: what asked for it, for the statistics.
    """
    node = trace.node
    if trace.captures:
        trace.refuse_to_run()
    if node.depth == 0:
        if trace.inputs:
            trace.rollback()
        return
    counts = _reference_counts(trace.values)
    live = tuple([slot for slot, count in enumerate(counts) if count > _ONLY_THE_TRACE])
    program = node.programs.get(live)
    if program is None:
        program = _new_program(node, live)
    if trace.device is META:
        outputs: Any = [NO_ELEMENTS] * len(program.outputs)
    elif program.outputs:
        try:
            outputs = programs.run(program, trace.floats, trace.ints, trace.inputs, trace.device)
        except Exception as error:
            outputs, restored = _outputs_of_failed(trace, program, error)
            _end(trace, program, outputs)
            if restored or not failures.lacks_memory(error):
                raise
            return  # raised where one looks at what was not computed, and nowhere else
        except failures.Interrupted as interrupted:
            _end(trace, program, interrupted.outputs)
            raise interrupted.signal from None
    else:
        outputs = ()
    segment = trace.segment
    try:
        stats.count_flush(reason)
        _end(trace, program, outputs)
    except BaseException:  # a signal's: what was computed is handed over all the same
        if trace.segment is segment:
            _end(trace, program, outputs)
        raise


def _end(trace: Trace, program: programs.Program, outputs: Any) -> None:
    """Hand the results of a program over and begin again. Nothing here can fail."""
    values, segment = trace.values, trace.segment
    if program.links:
        link(program.links, values, trace.inputs, trace.ints)
    for slot, array in zip(program.live, outputs, strict=False):
        value = values[slot]
        value.array = array
        if value.meta.grad != RESULT:
            value.segment = None
    if program.cone is not None:
        _close(segment, program, trace, outputs)
    segment.trace = None
    trace.begin()


def _outputs_of_failed(
    trace: Trace, program: programs.Program, error: Exception
) -> tuple[list[Any], bool]:
    """Return what stands for the results of a program that could not run.

    What does not depend on its largest result is computed all the same. Of the rest a tensor that
    was to be overwritten has its old elements, as though the script had ended before; to look at
    anything else raises the error once more.

    Returns:
        The results, and whether a tensor that was to be overwritten has its old elements.
    """
    node, inputs = trace.node, trace.inputs
    found: dict[int, Any] = {}
    free = failures.independent_of_largest(program)
    if free:
        smaller = _new_program(node, free)
        numbers = trace.floats, trace.ints
        with contextlib.suppress(Exception):
            results = programs.run(smaller, *numbers, inputs, trace.device, owned=False)
            found = dict(zip(smaller.outputs, results, strict=True))
    origin: dict[int, int] = {}
    for instruction in node.instructions():
        for reference, slot in instruction.writes():
            origin[slot] = origin.get(reference, reference)
    lost = failures.Lost(error)
    restored = False
    for slot in program.outputs:
        before = origin.get(slot, 0)
        if slot not in found and before < 0 and not failures.is_gone(inputs[-before - 1].array):
            found[slot] = inputs[-before - 1].array
            restored = True
    return [found.get(slot, lost) for slot in program.outputs], restored


def _new_program(node: Node, live: tuple[int, ...]) -> programs.Program:
    program = programs.build(node, live)
    first = node.remember_program(live, program)
    if first is program:
        growth.program_made(node, program)
    return first


def _close(segment: Segment, program: Any, trace: Trace, outputs: Any) -> None:
    """Keep what differentiating the segment later needs, and no other array."""
    values, inputs = trace.values, trace.inputs
    cone = program.cone
    place = cone.place
    saved: dict[int, Any] = {}
    for slot, array in zip(program.saved, outputs[len(program.live) :], strict=True):
        saved[place[slot]] = array
    for slot in program.saved_live:
        value = values[slot]
        # A value that can be overwritten later is kept itself, to see that it was; one that
        # belongs to this segment tells the segment (storage.mark_stale), and would be a cycle.
        saved[place[slot]] = value.array if value.meta.grad == RESULT else value
    for reference in program.saved_inputs:
        saved[place[reference]] = inputs[-reference - 1]
    lies: dict[int, Any] = {}
    known = cone.needed if segment.renewed else [slot for slot, _ in program.links]
    for reference in known:
        value = inputs[-reference - 1] if reference < 0 else values[reference]
        memory = getattr(value, "memory", None)
        if memory is not None and reference in place:
            lies[place[reference]] = memory
    edges: dict[int, Any] = {}
    between: dict[int, tuple[Any, int]] | None = {}
    number = next(closing_times)
    # Earlier than what already depends on it: a thread may close before the one that it uses.
    sequence = number if segment.before > number else segment.before - 1 / (number + 2)
    for reference in cone.edges:
        value = inputs[-reference - 1] if reference < 0 else values[reference]
        edge: Any = value.owner if value.meta.grad == LEAF else (value.segment, value.slot)
        if value.meta.grad == RESULT and value.segment.trace not in (None, trace):
            edge = value  # pending in another thread: its slot is not final, see ``edges_of``
            value.segment.before = min(value.segment.before, sequence)
            between = None
        edges[place[reference]] = edge
        if between is not None and edge.__class__ is tuple:
            between[place[reference]] = edge
    for slot in program.live:
        if values[slot].meta.grad == RESULT:
            values[slot].slot = place[slot]
    segment.end = cone.end
    segment.remakes = cone.remakes
    segment.sequence = sequence
    segment.saved = saved
    segment.edges = edges
    segment.between = between
    segment.lies = lies
    segment.freed = cone.freed
    segment.stale = set(cone.stale)
    segment.floats = [trace.floats[index] for index in cone.floats]
    segment.ints = [trace.ints[index] for index in cone.ints]
    if segment.hooks is not None or segment.nodes is not None:
        _renumber(segment, place)


def _renumber(segment: Segment, place: dict[int, int]) -> None:
    """Number hooks and nodes as the cone does; what lies outside of it has nothing to do."""
    for name in ("hooks", "retained", "node_hooks", "packed"):
        found = getattr(segment, name)
        if found is not None:
            setattr(segment, name, {place[s]: v for s, v in found.items() if s in place})
    if segment.nodes is not None:
        nodes = list(segment.nodes.items())
        segment.nodes.clear()
        for slot, node in nodes:
            own = place.get(slot[1] if isinstance(slot, tuple) else slot)
            node._slot = own
            if own is not None:
                segment.nodes[("view", own) if isinstance(slot, tuple) else own] = node


_others = threading.Lock()


def flush_of_other_thread(segment: Segment) -> None:
    """Flush the trace of a segment that another thread differentiates, once."""
    with _others:
        if segment.trace is not None:
            flush(segment.trace, "differentiated by another thread")


def run_for_other_thread(value: Value) -> None:
    """Make a value ready that is pending in the trace of another thread.

    The trace of a thread that ended is flushed. That of a living one is left alone, as its thread
    may be recording this very moment: a program of its own computes the value from what has been
    recorded. Lists of a trace only grow until a reset, which replaces them and the segment first,
    so what was read before the segment is seen unchanged belongs together.
    """
    segment = value.segment
    reason = "used by another thread"
    while value.array is None:
        trace = segment.trace
        if trace is None:
            # Its own flush hands results over before it lets the trace go.
            if value.array is None:
                raise AssertionError("a value was dropped by a flush while still in use")
            return
        if trace.captures:
            trace.refuse_to_run()
        if not trace.thread.is_alive():
            with _others:
                if segment.trace is not None:
                    flush(trace, reason)
            continue
        node, floats, ints, inputs = trace.node, trace.floats, trace.ints, trace.inputs
        device = trace.device
        if trace.segment is not segment:
            continue
        live = (value.slot,)
        program = node.programs.get(live)
        if program is None:
            program = _new_program(node, live)
        outputs = programs.run(
            program, floats[: node.n_floats], ints[: node.n_ints], inputs, device, owned=False
        )
        value.array = outputs[0]
        stats.count_flush(reason)


def current(reason: str) -> None:
    """Flush the calling thread's trace."""
    flush(local.trace, reason)


#: How often elements were looked at.
looks = 0


def look() -> None:
    """Count that elements are looked at without ``materialise``."""
    global looks
    looks += 1


def materialise(value: Value, reason: str) -> Any:
    """Return the array of a value, running the trace that it is pending in."""
    global looks
    looks += 1
    array = value.array
    if array is None:
        trace = value.segment.trace
        if trace is local.trace:
            if trace.captures:
                return trace.read(value, reason)
            flush(trace, reason)
        else:
            run_for_other_thread(value)
        array = value.array
        failures.raise_if_lost((array,))
    elif local.trace.captures and hasattr(array, "read"):
        return array.read(value, reason)  # of a stand-in
    return array
