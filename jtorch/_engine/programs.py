"""Programs: a path of the trie, from the root to a node, as one compiled XLA executable."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any


import jax.numpy as jnp
import numpy as np

from . import compilation, stats
from .trie import Instruction, Node
from .values import LEAF, NO_GRAD, RESULT, Value


class Program:
    """What runs when a trace is flushed at a node with certain results alive.

    Attributes:
        live: slots whose values somebody can still reach; the first outputs.
        saved: slots that only a later gradient needs; the outputs after them.
        saved_live: live slots that a later gradient needs too.
        saved_inputs: inputs (negative references) whose arrays a later gradient needs.
        edges: inputs that a later gradient flows on to.
        keeps_graph: whether some live result can be differentiated later.
        call: the executable, ``call(floats, ints, *arrays) -> list of arrays``.
    """

    __slots__ = (
        "live",
        "saved",
        "saved_live",
        "saved_inputs",
        "edges",
        "keeps_graph",
        "outputs",
        "used_inputs",
        "uses_floats",
        "uses_ints",
        "call",
        "runs",
        "lowered",
    )

    live: tuple[int, ...]
    call: Any


def build(node: Node, live: tuple[int, ...]) -> Program:
    """Plan the program of a node; it is compiled when it first runs."""
    instructions = node.instructions()
    program = Program()
    program.live = live
    by_slot = node.by_slot()
    saved, edges = _needed_by_gradients(node, live, by_slot)
    live_set = set(live)
    program.saved = tuple(sorted(slot for slot in saved if slot >= 0 and slot not in live_set))
    program.saved_live = tuple(sorted(slot for slot in saved if slot in live_set))
    program.saved_inputs = tuple(slot for slot in saved if slot < 0)
    program.edges = tuple(edges)
    program.keeps_graph = any(
        by_slot[slot].metas[slot - by_slot[slot].slot].grad == RESULT for slot in live
    )
    program.outputs = live + program.saved
    needed, inputs, uses_floats, uses_ints = _live_instructions(instructions, program.outputs)
    program.used_inputs = tuple(inputs)
    program.uses_floats = uses_floats
    program.uses_ints = uses_ints
    program.call = None
    program.runs = 0
    program.lowered = _function(needed, program)
    return program


def _needed_by_gradients(
    node: Node, live: tuple[int, ...], by_slot: dict[int, Instruction]
) -> tuple[list[int], list[int]]:
    """Return the references that gradients of the live results need, and the inputs they reach."""
    saved: dict[int, None] = {}
    edges: dict[int, None] = {}
    metas = node.input_metas()
    seen: set[int] = set()
    pending = [slot for slot in live if _grad(by_slot, slot) == RESULT]
    while pending:
        instruction = by_slot[pending.pop()]
        if instruction.slot in seen:
            continue
        seen.add(instruction.slot)
        if instruction.slot not in node.freed:
            for position in instruction.saves:
                reference = instruction.operands[position]
                if isinstance(reference, int):
                    saved[reference] = None
            if instruction.saves_result:
                for offset in range(len(instruction.metas)):
                    saved[instruction.slot + offset] = None
        for position in instruction.gradient_operands:
            reference = instruction.operands[position]
            if reference < 0:
                if metas[-reference - 1].grad != NO_GRAD:
                    edges[reference] = None
            elif _grad(by_slot, reference) == LEAF:
                edges[reference] = None
            else:
                pending.append(reference)
    return list(saved), list(edges)


def _grad(by_slot: dict[int, Instruction], slot: int) -> int:
    instruction = by_slot[slot]
    return instruction.metas[slot - instruction.slot].grad


def _live_instructions(
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


def _function(instructions: list[Instruction], program: Program) -> Any:
    """Return the pure function ``(floats, ints, *arrays) -> outputs`` that JAX compiles."""
    used_inputs = program.used_inputs
    outputs = program.outputs

    def jtorch_program(floats, ints, *arrays):
        environment: dict[Any, Any] = dict(zip(used_inputs, arrays, strict=True))

        def fetch(reference):
            if isinstance(reference, int):
                return environment[reference]
            kind, index = reference
            return floats[index] if kind == "f" else ints[index]

        for instruction in instructions:
            results = instruction.function(*map(fetch, instruction.operands))
            if isinstance(results, (tuple, list)):
                for offset, result in enumerate(results):
                    environment[instruction.slot + offset] = result
            else:
                environment[instruction.slot] = results
        return [jnp.asarray(environment[slot]) for slot in outputs]

    return jtorch_program


def run(
    program: Program, floats: list[float], ints: list[int], inputs: list[Value], device: Any
) -> Sequence[Any]:
    """Run a program, compiling it first when it never ran."""
    float_vector = np.array(floats, np.float64) if program.uses_floats else None
    int_vector = np.array(ints, np.int64) if program.uses_ints else None
    arrays = [inputs[-reference - 1].array for reference in program.used_inputs]
    program.runs += 1
    if program.call is None:
        start = time.perf_counter()
        program.call = compilation.compile_first(
            program, float_vector, int_vector, arrays, device
        )
        with stats.lock:
            stats.counters.programs_compiled += 1
            stats.counters.seconds_compiling += time.perf_counter() - start
    return program.call(float_vector, int_vector, *arrays)
