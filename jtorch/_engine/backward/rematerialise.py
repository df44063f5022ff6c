"""Stretches whose results a gradient recomputes instead of keeping them.

What a function records between ``begin`` and ``collapse`` becomes one more instruction, which
computes the function's results from what the stretch took from outside. Gradients flow through
that instruction alone, and its rule keeps nothing but what it took: it runs the stretch once more,
behind a barrier that ties it to the gradients coming in, so that XLA can neither reuse the first
results nor compute the second ones early. The first instructions are dropped when no one looks at
them. (Chen et al., "Training deep nets with sublinear memory cost", 2016.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from ..execution.programs import Environment, evaluate, live_instructions
from ..graph import tape
from ..graph.trie import Instruction, Node
from ..graph.values import NO_GRAD, RESULT, Value
from ..recording.record import wrap
from ..recording.trace import REACH, Trace, local

_REGION = object()


class Start(NamedTuple):
    """Where a stretch began."""

    trace: Trace
    segment: Any
    slot: int


def begin() -> Start:
    """Mark the place where a stretch begins."""
    trace = local.trace
    return Start(trace, trace.segment, trace.node.next_slot)


def collapse(start: Start, tensors: Sequence[Any]) -> list[Any] | None:
    """End a stretch; return tensors that stand for its results.

    Args:
        start: what ``begin`` returned.
        tensors: results of the stretch.
    Returns:
        A tensor for each; those that need no gradient, or come from outside, as they are. ``None``
        where the stretch cannot be recomputed: it was interrupted (a value was looked at), or
        Python has to be called on the way back.
    """
    trace = local.trace
    if trace is not start.trace or trace.segment is not start.segment:
        return None
    if trace.segment.hooks is not None or trace.mode.saved_tensors_hooks or not trace.mode.grad:
        return None
    slots = []
    for tensor in tensors:
        value = tensor._value
        slot = value.place - trace.base
        inside = start.slot <= slot < REACH and value.meta.grad == RESULT
        if inside and tensor._extra is not None:
            return None  # a view, or one with something attached
        slots.append(slot if inside else None)
    wanted = tuple(sorted({slot for slot in slots if slot is not None}))
    if not wanted:
        return list(tensors)
    node = trace.node
    key = (_REGION, start.slot, wanted)
    child = node.children.get(key)
    if child is None:
        child = node.extend(
            key, _instruction(node, start.slot, wanted), (), len(trace.floats), len(trace.ints)
        )
    trace.node = child
    fresh = {}
    for at, (slot, meta) in enumerate(zip(wanted, child.metas)):
        value = Value(trace.base + child.slot + at, meta, trace.segment, child.slot + at)
        trace.values.append(value)
        fresh[slot] = wrap(value)
    return [tensor if slot is None else fresh[slot] for tensor, slot in zip(tensors, slots)]


def _instruction(node: Node, first: int, wanted: tuple[int, ...]) -> Instruction:
    """Return the instruction that computes some results of the operators from a slot on."""
    recorded = [each for each in node.instructions() if each.slot >= first]
    needed = live_instructions(recorded, wanted)[0]
    metas = tuple([node.meta_of(slot) for slot in wanted])
    made = {each.slot + offset for each in needed for offset in range(len(each.metas))}
    operands = list(dict.fromkeys(r for each in needed for r in each.operands if r not in made))
    outside = {(0, reference) for reference in operands if isinstance(reference, int)}
    plan = tape.plan_gradient(
        [tape.Level(node.by_slot(), node.input_metas(), frozenset(), {})],
        [(0, slot) for slot in wanted],
        lambda place, meta: place in outside,
        lambda place: place in outside,
    )
    places = {place: at for at, place in enumerate(plan.targets)}
    gradient_operands = tuple(
        [at for at, reference in enumerate(operands) if (0, reference) in places]
    )

    def compute(arrays: Sequence[Any]) -> Environment:
        environment = Environment(zip(operands, arrays))
        evaluate(needed, environment)
        return environment

    def forward(*arrays: Any) -> tuple[Any, ...]:
        environment = compute(arrays)
        return tuple([environment.declared(slot, meta) for slot, meta in zip(wanted, metas)])

    def vjp(cotangents: list[Any], results: list[Any], arrays: list[Any]) -> list[Any]:
        again, given = jax.lax.optimization_barrier((tuple(arrays), tuple(cotangents)))
        known = compute(again)
        found = plan.function(list(given), *[known[reference] for _, reference in plan.needs])
        return [found[places[0, operands[at]]] for at in gradient_operands]

    return Instruction(
        _REGION,
        forward,
        tuple(operands),
        tuple([meta.with_grad(RESULT if gradient_operands else NO_GRAD) for meta in metas]),
        gradient_operands=gradient_operands,
        saves=tuple(range(len(operands))),
        vjp=vjp,
        node_name="CheckpointFunctionBackward",
    )
