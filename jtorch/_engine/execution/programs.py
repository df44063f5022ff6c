"""Programs: a path of the trie, from the root to a node, as one compiled XLA executable."""

from __future__ import annotations

import functools
import itertools
import operator
import threading
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import config
from ..._core.device import CPU
from ..graph.cones import cone_of
from ..graph.memory import links_of
from ..graph.trie import Instruction, Node
from ..graph.values import Value
from . import compilation, donation, failures, growth, pieces, stats, tiers, transfer
from .devices import jax_device

_clock = itertools.count(1)
#: Runs by the interpreter after which the steps are written as one function.
_OFTEN = 12
#: Threads that need the same new program shall not each compile it.
_compiling = threading.RLock()


class Program:
    """What runs when a trace is flushed at a node with certain results alive.

    Attributes:
        live: slots whose values the user can still reach; the first outputs.
        saved: slots that only a later gradient needs; the outputs after them.
        saved_live: live slots that a later gradient needs too.
        saved_inputs: inputs (negative references) whose arrays a later gradient needs.
        links: views among the results and what they are views of (see ``memory``).
        cone: the graph behind the live results, ``None`` where none can be differentiated.
        outputs: ``live + saved``.
        returned: the outputs in the order in which the executable returns them.
        places: for each output, where in that order it is.
        donated: positions of the arguments that the executable overwrites (see ``donation``).
        room: bytes to make sure of before it overwrites them, 0 where that is not necessary.
        used_inputs: inputs that the outputs depend on.
        uses_floats, uses_ints: whether they depend on Python numbers.
        instructions: those that the outputs depend on.
        function: the pure function ``(*arrays[, floats][, ints]) -> list of arrays``.
        call: the executable of ``function``, ``None`` before the first run.
        assembled: its steps for the interpreter, ``None`` before they were asked for twice.
        calls: how many calls of NumPy they are, 0 before it was interpreted.
        spent: what interpreting it has cost so far, in the units of ``tiers``.
        ahead: its compilation on another thread, where that was begun before it was needed.
        lowered: where it was compiled the cheap way, a function giving what to optimise it from.
        runs: how often it ran, of a compiled one since it was compiled.
        interpreted: how often the interpreter ran it.
        used: when it last ran, as a number that grows.
        node: where in the trie it ends.
        numbers: the bytes of the Python floats of the last run, and an array of them once they were
            the same twice. One object, so that threads see both or neither.
    """

    __slots__ = (
        "live",
        "saved",
        "saved_live",
        "saved_inputs",
        "cone",
        "links",
        "outputs",
        "returned",
        "places",
        "donated",
        "room",
        "used_inputs",
        "uses_floats",
        "uses_ints",
        "instructions",
        "function",
        "call",
        "lowered",
        "assembled",
        "calls",
        "spent",
        "ahead",
        "runs",
        "interpreted",
        "used",
        "node",
        "numbers",
    )

    live: tuple[int, ...]
    saved: tuple[int, ...]
    saved_live: tuple[int, ...]
    saved_inputs: tuple[int, ...]
    cone: Any
    links: tuple
    outputs: tuple[int, ...]
    returned: tuple[int, ...]
    places: tuple[int, ...]
    donated: tuple[int, ...]
    room: int
    used_inputs: tuple[int, ...]
    uses_floats: bool
    uses_ints: bool
    instructions: tuple[Instruction, ...]
    function: Callable
    call: Any
    lowered: Any
    assembled: Any
    calls: int
    spent: float
    ahead: Any
    runs: int
    interpreted: int
    used: int
    node: Node
    numbers: Any

    def describe(self) -> str:
        """Return what it computes in a few words."""
        names = [getattr(i.op, "name", str(i.op)) for i in self.instructions]
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        return f"{len(names)} operators ({shown})"

    def tier(self) -> str:
        """Say which tier runs it, and why."""
        return tiers.describe(self)


def build(node: Node, live: tuple[int, ...]) -> Program:
    """Plan the program of a node; it is compiled when it first runs."""
    instructions = node.instructions()
    program = Program()
    program.live = live
    program.node = node
    cone = program.cone = cone_of(node, live)
    saved = [] if cone is None else cone.needed
    live_set = set(live)
    program.links = links_of(node.by_slot(), (*live, *saved))
    program.saved = tuple(sorted(slot for slot in saved if slot >= 0 and slot not in live_set))
    program.saved_live = tuple(sorted(slot for slot in saved if slot in live_set))
    program.saved_inputs = tuple(slot for slot in saved if slot < 0)
    program.outputs = program.returned = live + program.saved
    program.donated = program.places = ()
    needed, inputs, uses_floats, uses_ints = live_instructions(instructions, program.outputs)
    program.used_inputs = tuple(inputs)
    program.uses_floats = uses_floats
    program.uses_ints = uses_ints
    program.instructions = tuple(needed)
    program.function = _function(program)
    program.call = program.lowered = program.assembled = None
    program.runs = program.interpreted = program.used = program.room = 0
    program.spent = 0.0
    program.calls = 0
    program.ahead = None
    program.numbers = None
    return program


def _interpret(
    program: Program,
    arguments: list[Any],
    floats: Any,
    ints: Any,
    inputs: list[Value],
    device: Any,
    owned: bool,
) -> Sequence[Any]:
    """Run a program without the compiler; have it compiled elsewhere when it has earned that."""
    interpreter, on_device = _interpreter()
    program.used = next(_clock)
    failures.raise_if_lost(arguments)
    accelerator = None if device is CPU else jax_device(device)
    assembled = program.assembled
    if assembled is None:
        metas = [inputs[-reference - 1].meta for reference in program.used_inputs]
        forms = [interpreter.Form(meta.shape, meta.dtype._numpy) for meta in metas]
        try:
            assembled = interpreter.assemble(program, forms, accelerator)
        except MemoryError as error:  # what depends on no input is computed now
            raise failures.explained(error, program, device) from None
        stats.counters.operators_compiled += assembled.compiled
        if program.runs == 0:  # most run once: their steps are not worth the memory
            stats.counters.programs_interpreted += 1
            program.calls, program.spent = assembled.calls, assembled.prepared
        else:
            program.assembled = assembled
            found = pieces.cut(assembled)
            if found is not None:  # what is equal is compiled once
                program.calls = program.calls * found.steps // len(assembled.steps)
    stats.counters.runs_interpreted += 1
    program.interpreted += 1
    if program.interpreted == _OFTEN and accelerator is None:
        interpreter.write_whole(assembled)
    program.runs += 1
    program.spent += assembled.cost
    if owned and program.ahead is None and tiers.is_half_paid(program):
        _compile_ahead(program, arguments, floats, ints, inputs, device)
    if accelerator is not None:
        try:
            return on_device.run(assembled, arguments, floats, ints, accelerator)
        except jax.errors.JaxRuntimeError as error:
            raise failures.explained(error, program, device) from None
    try:
        return interpreter.run(assembled, arguments, floats, ints)
    except MemoryError as error:
        raise failures.explained(error, program, device) from None


@functools.cache
def _interpreter() -> tuple[Any, Any]:
    """Import the interpreter where it is used first: that takes 20 ms."""
    from ..interpreter import assemble, on_device

    return assemble, on_device


def _compile_ahead(
    program: Program,
    arguments: list[Any],
    floats: Any,
    ints: Any,
    inputs: list[Value],
    device: Any,
) -> None:
    """Begin to compile a program on another thread, unless one of the others is at it."""
    if not _compiling.acquire(blocking=False):
        return
    try:
        if program.ahead is not None or program.call is not None:
            return
        donation.plan(program, inputs, arguments)
        given = [*arguments]
        if program.uses_floats:
            given.append(np.array(floats, np.float64))
        if program.uses_ints:
            given.append(np.array(ints, np.int64))
        growth.compiling(program.node)
        program.ahead = compilation.compile_ahead(program, given, device)
    finally:
        _compiling.release()


def _place(program: Program, inputs: list[Value], arguments: list[Any], device: Any) -> None:
    """Hand arrays of the interpreter over to XLA, so that this is done once for each."""
    for position, reference in enumerate(program.used_inputs):
        if arguments[position].__class__ is np.ndarray:
            value = inputs[-reference - 1]
            value.array = arguments[position] = transfer.place(value.array, device)


def live_instructions(
    instructions: Sequence[Instruction], outputs: Sequence[int]
) -> tuple[list[Instruction], list[int], bool, bool]:
    """Drop the instructions that no output depends on."""
    wanted = set(outputs)
    needed = []
    inputs: set[int] = set()
    numbers = set()
    for instruction in reversed(instructions):
        slots = range(instruction.slot, instruction.slot + len(instruction.metas))
        if wanted.isdisjoint(slots):
            continue
        needed.append(instruction)
        for reference in instruction.operands:
            if not isinstance(reference, int):
                numbers.add(reference[0])
            elif reference < 0:
                inputs.add(reference)
            else:
                wanted.add(reference)
    needed.reverse()
    return needed, sorted(inputs, reverse=True), "f" in numbers, "i" in numbers


class Environment(dict):
    """Arrays by reference: inputs, results, and numbers, which are elements of vectors."""

    def __init__(self, arrays: Any, floats: Any = None, ints: Any = None):
        super().__init__(arrays)
        self.numbers = {"f": floats, "i": ints}

    def __missing__(self, reference: tuple[str, int]) -> Any:
        kind, index = reference
        return self.numbers[kind][index]

    def declared(self, slot: int, meta: Any) -> Any:
        """Return a result in the dtype that its tensor shows, without JAX's weak types."""
        array = jnp.asarray(self[slot], dtype=meta.dtype._numpy)
        assert array.shape == meta.shape, (array.shape, meta.shape)
        return array


def evaluate(
    instructions: Sequence[Instruction],
    environment: Environment,
    function_of: Callable[[Instruction], Callable] = operator.attrgetter("function"),
) -> None:
    """Add the results of instructions, each of which may use those before it.

    Args:
        instructions: in the order of their slots.
        environment: holds whatever else they are applied to.
        function_of: what to compute an instruction with.
    """
    for instruction in instructions:
        results = function_of(instruction)(*[environment[r] for r in instruction.operands])
        if not isinstance(results, (tuple, list)):
            results = (results,)
        slots = range(instruction.slot, instruction.slot + len(instruction.metas))
        environment.update(zip(slots, results, strict=True))


def metas_of(instructions: Sequence[Instruction]) -> dict[int, Any]:
    """Return the metas of all results by slot."""
    return {
        slot: meta
        for instruction in instructions
        for slot, meta in enumerate(instruction.metas, instruction.slot)
    }


def _function(program: Program) -> Any:
    """Return the pure function that JAX compiles."""
    instructions = program.instructions
    used_inputs = program.used_inputs
    metas = metas_of(instructions)

    def jtorch_program(*arguments: Any) -> Any:
        numbers = iter(arguments[len(used_inputs) :])
        floats = next(numbers) if program.uses_floats else None
        ints = next(numbers) if program.uses_ints else None
        environment = Environment(zip(used_inputs, arguments), floats, ints)
        evaluate(instructions, environment)
        return [environment.declared(slot, metas[slot]) for slot in program.returned]

    return jtorch_program


def run(
    program: Program,
    floats: list[float],
    ints: list[int],
    inputs: list[Value],
    device: Any,
    owned: bool = True,
) -> Sequence[Any]:
    """Run a program, compiling it first when it never ran.

    Args:
        owned: whether no one runs anything with these inputs again on account of the trace that
            they belong to.
    Raises:
        RuntimeError: there is not enough memory.
    """
    arguments = [inputs[-reference - 1].array for reference in program.used_inputs]
    call = program.call
    if call is None and tiers.interprets(program, device):
        return _interpret(program, arguments, floats, ints, inputs, device, owned)
    if program.uses_floats:
        vector = np.array(floats, np.float64)
        content = vector.tobytes()
        known = program.numbers
        if known is not None and known[0] == content:
            # Most programs have the same numbers each time; to pass a NumPy array costs 1.5 us.
            array = known[1]
            if array is None:
                array = transfer.place(vector, device)
                program.numbers = (content, array)
            arguments.append(array)
        else:
            program.numbers = (content, None)
            arguments.append(vector)
    if program.uses_ints:
        arguments.append(np.array(ints, np.int64))
    runs = program.runs = program.runs + 1
    program.used = next(_clock)
    if config.EXECUTION != "compile" and np.ndarray in map(type, arguments):
        _place(program, inputs, arguments, device)
    kept: list[Any] = []
    try:
        if call is None:
            with _compiling:
                call = program.call
                if call is None:
                    ahead, program.ahead = program.ahead, None  # taken once, also if this fails
                    if ahead is not None:
                        call = ahead.take()
                    elif owned:
                        donation.plan(program, inputs, arguments)
                    if call is None:
                        growth.compiling(program.node)
                        call = compilation.compile_first(program, arguments, device)
                    program.call = call
                    program.runs = 1  # by the compiler
        elif runs == compilation.HOT_RUNS and program.lowered is not None:
            compilation.optimise_later(program)
        if program.donated:
            donation.protect(program, inputs, arguments, owned)
        if program.room:
            donation.make_sure_of_room(program, device)
        # In C from the call to the list: what it overwrote must not be lost with its results.
        kept.extend(itertools.starmap(call, (arguments,)))
        results = kept[0]
    except Exception as error:
        failures.raise_if_lost(arguments)
        if isinstance(error, (jax.errors.JaxRuntimeError, donation.NoRoom)):
            raise failures.explained(error, program, device) from None
        raise
    except failures.Interrupted as interrupted:
        interrupted.outputs = _in_place(program, interrupted.outputs)
        raise
    except BaseException as signal:
        if kept:
            raise failures.Interrupted(_in_place(program, kept[0]), signal) from None
        raise
    return _in_place(program, results)


def _in_place(program: Program, results: Sequence[Any]) -> Sequence[Any]:
    """Return the results of an executable in the order of the program's outputs."""
    return [results[place] for place in program.places] if program.donated else results
