"""Running a backward pass: which stretch, with which cotangents, and where the gradients go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from .._core import messages
from . import tape
from .record import reference_of, wrap
from .storage import Extra, current_value, overwrite
from .trace import REACH, Trace, local
from .trie import Instruction
from .values import LEAF, NO_GRAD, RESULT, Meta, Value, make_meta


class _GradientOp:
    """Stands in an instruction where an ``Op`` would: the gradient of a stretch."""

    name = "backward"
    differentiable = True


_GRADIENT = _GradientOp()


class Edge:
    """A result that a gradient flows through, or a leaf that it flows to.

    Attributes:
        segment: the segment of a result, ``None`` for a leaf.
        slot: its slot.
        owner: the tensor of a leaf.
    """

    __slots__ = ("segment", "slot", "owner")

    def __init__(self, segment: Any, slot: int, owner: Any):
        self.segment = segment
        self.slot = slot
        self.owner = owner


def backward(
    value: Value, retain_graph: bool, create_graph: bool
) -> bool:
    """Take the usual path: one scalar, all of whose stretch is in the trace under way.

    Returns:
        Whether it was taken.
    """
    trace = local.trace
    segment = trace.segment
    slot = value.place - trace.base
    if not 0 <= slot < REACH or segment.hooks is not None or segment.retained is not None:
        return False
    options = (slot, retain_graph, create_graph)
    start = trace.node
    plan = start.backwards.get(options)
    if plan is None:
        plan = _usual_plan(trace, slot)
        start.backwards[options] = plan
    if plan is _UNUSUAL:
        return False
    leaves = []
    keys: list[Any] = [_GRADIENT, options]
    old_values = []
    inputs, values = trace.inputs, trace.values
    for _, reference in plan.targets:
        holder = inputs[-reference - 1] if reference < 0 else values[reference]
        leaf = holder.owner()
        if leaf is None:
            keys.append(0)
            leaves.append(None)
            continue
        extra = leaf._extra
        if extra is None:
            extra = leaf._extra = Extra()
        elif extra.hooks is not None or extra.post_hooks is not None:
            trace.rollback()
            return False
        grad = extra.grad
        leaves.append(leaf)
        if grad is None:
            keys.append(None)
        else:
            old = current_value(grad)
            old_values.append(old)
            keys.append(reference_of(trace, old))
    key = tuple(keys)
    node = start.children.get(key)
    if node is None:
        node = _extend_usual(trace, key, plan, slot, leaves, retain_graph, create_graph)
    trace.node = node
    slot = node.slot
    base = trace.base
    for leaf, meta in zip(leaves, node.metas, strict=True):
        result = Value(base + slot, meta, segment, slot)
        values.append(result)
        slot += 1
        if leaf is not None:
            grad = leaf._extra.grad
            if grad is None or create_graph:
                leaf._extra.grad = wrap(result)
            else:
                overwrite(grad, result)
    return True


_UNUSUAL: Any = object()


def _usual_plan(trace: Trace, slot: int) -> Any:
    level = _open_level(trace)
    plan = tape.plan_gradient([level], [(0, slot)], lambda place, meta: meta.grad == LEAF)
    if any(
        place_meta.grad == RESULT
        for _, instruction in plan.order
        for position in instruction.gradient_operands
        for place_meta in [level.meta(instruction.operands[position])]
        if instruction.operands[position] < 0
    ):
        return _UNUSUAL
    _check_not_overwritten(trace, plan)
    return plan


def _open_level(trace: Trace) -> tape.Level:
    node = trace.node
    return tape.Level(node.by_slot(), node.input_metas(), node.freed, {})


def _extend_usual(
    trace: Trace,
    key: tuple,
    plan: tape.GradientPlan,
    slot: int,
    leaves: list[Any],
    retain_graph: bool,
    create_graph: bool,
) -> Any:
    node = trace.node
    root_meta = node.meta_of(slot)
    operands: list[Any] = [reference for _, reference in plan.needs]
    count = len(operands)
    accumulate: list[int | None] = []
    for leaf in leaves:
        grad = None if leaf is None else leaf._extra.grad
        if grad is None:
            accumulate.append(None)
        else:
            accumulate.append(len(operands))
            operands.append(current_value(grad).place - trace.base)  # entered with the key
    gradient = plan.function
    dtype = root_meta.dtype._numpy
    shape = root_meta.shape

    def run(*arrays):
        gradients = gradient([jnp.ones(shape, dtype)], *arrays[:count])
        return tuple(
            [
                g if place is None else arrays[place] + g
                for g, place in zip(gradients, accumulate, strict=True)
            ]
        )

    metas = tuple([_gradient_meta(meta) for meta in plan.metas])
    return _extend(trace, key, run, operands, metas, plan, retain_graph, create_graph)


def _gradient_meta(meta: Meta) -> Meta:
    return make_meta(meta.shape, meta.dtype, meta.device, meta.strides)


def _extend(
    trace: Trace,
    key: tuple,
    run: Callable,
    operands: list[Any],
    metas: tuple[Meta, ...],
    plan: tape.GradientPlan,
    retain_graph: bool,
    create_graph: bool,
) -> Any:
    """Add a gradient to the trie."""
    node = trace.node
    gradient_operands: tuple[int, ...] = ()
    if create_graph:
        positions = []
        by_slot = node.by_slot()
        input_metas = tuple([value.meta for value in trace.inputs])
        for position, reference in enumerate(operands):
            if isinstance(reference, int):
                if reference < 0:
                    meta = input_metas[-reference - 1]
                else:
                    instruction = by_slot[reference]
                    meta = instruction.metas[reference - instruction.slot]
                if meta.grad != NO_GRAD:
                    positions.append(position)
        gradient_operands = tuple(positions)
        if gradient_operands:
            metas = tuple([meta.with_grad(RESULT) for meta in metas])
    instruction = Instruction(
        _GRADIENT,
        run,
        tuple(operands),
        metas,
        gradient_operands=gradient_operands,
        saves=tuple(range(len(operands))) if gradient_operands else (),
        node_name="MulBackward0",
    )
    entered = tuple([value.meta for value in trace.inputs[node.n_inputs :]])
    child = node.extend(key, instruction, entered, len(trace.floats), len(trace.ints))
    if not retain_graph:
        child.freed = node.freed | {slot for level, slot in plan.freed if level == 0}
    return child


def _check_not_overwritten(trace: Trace, plan: tape.GradientPlan) -> None:
    """Raise where a value that the gradient needs was written in place inside this trace."""
    instructions = trace.node.instructions()
    overwritten = {i.overwrites for i in instructions if i.overwrites is not None}
    if not overwritten:
        return
    by_slot = trace.node.by_slot()
    for _, instruction in plan.order:
        needed = [instruction.operands[position] for position in instruction.saves]
        if instruction.saves_result:
            needed.append(instruction.slot)
        for reference in needed:
            origin: Any = reference
            while isinstance(origin, int):
                if origin in overwritten:
                    raise _modified(trace, origin, reference, instructions)
                source = by_slot.get(origin)
                origin = None if source is None else source.view_of


def _modified(
    trace: Trace, reference: int, needed: int, instructions: Sequence[Instruction]
) -> RuntimeError:
    """Describe the overwritten value as PyTorch does."""
    node = trace.node
    meta = node.meta_of(needed)
    then = 0
    latest: Any = reference
    earlier = {i.slot: i.overwrites for i in instructions if i.overwrites is not None}
    origin: Any = reference
    while origin in earlier:
        then += 1
        origin = earlier[origin]
    now = then
    later = {i.overwrites: i.slot for i in instructions if i.overwrites is not None}
    while latest in later:
        now += 1
        latest = later[latest]
    where = ""
    if needed >= 0 and meta.grad == RESULT:
        source = node.by_slot()[needed]
        where = f", which is output {needed - source.slot} of {source.node_name}"
    type_name = f"torch.{meta.dtype._legacy_name}Tensor"
    return messages.modified_inplace(type_name, meta.shape, where, now, then)
