"""What happens when an operator is recorded for the first time at a place of the trie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core import messages
from ..._core.dtypes import is_inexact
from ..graph.locations import user_location
from ..graph.op import Op, Plan
from ..graph.trie import ITS_RESULTS, TEMPLATES, Instruction, Node
from ..graph.values import NO_GRAD, RESULT, Meta, SparseBase, is_tensor
from . import autocast, cutting, overrides, saved_hooks, small_floats, templates
from .binding import bind
from .trace import Trace


def is_operand(value: Any) -> bool:
    """Return whether a Python operator of a tensor takes this as its other operand."""
    return is_tensor(value) or isinstance(
        value, (int, float, complex, np.number, np.bool_, SparseBase)
    )


def miss(op: Op, trace: Trace, key: tuple, args: tuple, kwargs: dict, method: bool) -> Node:
    """Plan a call and add it to the trie.

    Raises:
        TypeError, RuntimeError, IndexError, ...: as PyTorch raises at the call.
        Overridden: the class of an argument, or a mode, takes the call.
    """
    overloaded = overrides.overloaded((*args, *kwargs.values()) if kwargs else args)
    if overloaded:
        trace.rollback()
        raise overrides.Overridden(overloaded)
    node = trace.node
    if node.mode.saved_tensors_hooks:
        return saved_hooks.miss(trace, key, lambda: _add(op, trace, key, args, kwargs, method))
    if cutting.must_cut(node):
        trace.rollback()
        cutting.cut(trace)
        node = trace.node
        key = encode(op, trace, args, kwargs)
        found = node.children.get(key)
        if found is not None:
            return found
    child = _add(op, trace, key, args, kwargs, method)
    cutting.grown(trace, child)
    return child


def _add(op: Op, trace: Trace, key: tuple, args: tuple, kwargs: dict, method: bool) -> Node:
    """Add the node of a call where the trace stands; an error leaves the trace as it was."""
    node = trace.node
    likeness, references = templates.likeness(op, trace, args, kwargs, method)
    template = None if likeness is None else TEMPLATES.get(likeness)
    if template is not None:
        instruction = template.instruction(references)
    else:
        try:
            bound = bind(op, trace, args, kwargs, method)
            small_floats.check(op, bound)
            given = dict(bound)  # a kind may take arguments out
            if trace.mode.autocast is None:
                plan = op.kind.plan(op, bound, trace.mode)
            else:
                plan = autocast.plan(op, bound, trace.mode)
            instruction = finish(op, plan, trace)
            if instruction.gradient_operands:
                names = [each.name for each in plan.operands if each.reference is not None]
                instruction.arguments = (tuple(names), given)
            if not templates.remember(likeness, references, instruction):
                templates.identify(instruction, op, trace.mode, bound)
        except BaseException:
            trace.rollback()
            raise
    written = instruction.overwrites
    if written is not None and trace.captures:
        try:
            others = [each for each in instruction.operands if each != written]
            trace.check_write(op.name, written, *others)
        except BaseException:
            trace.rollback()
            raise
    instruction.where = user_location()
    entered = tuple([value.meta for value in trace.inputs[node.n_inputs :]])
    return node.extend(key, instruction, entered, len(trace.floats), len(trace.ints))


def _no_encoder(op: Op, trace: Trace, args: tuple, kwargs: dict) -> tuple:
    raise AssertionError("record has not been imported")


#: ``record.encode``, which is a layer above.
encode: Callable[[Op, Trace, tuple, dict], tuple] = _no_encoder


def set_encoder(function: Callable[[Op, Trace, tuple, dict], tuple]) -> None:
    """Tell how a call becomes a key."""
    global encode
    encode = function


def finish(op: Op, plan: Plan, trace: Trace) -> Instruction:
    """Make the instruction of a plan: which operands a gradient flows to, what it needs saved."""
    operands = plan.operands
    function = plan.function
    gradient_operands: tuple[int, ...] = ()
    marked = [operand.meta is not None and operand.meta.inference for operand in operands]
    metas = plan.metas
    if trace.mode.inference or any(marked):
        metas = _marked(plan, marked[0] if marked else False, trace.mode.inference)
    vjp = plan.vjp or op.vjp
    if plan.overwrites and not trace.mode.grad:
        # Autograd must not see the write: a leaf stays one, a result keeps its history.
        if metas[0].grad == RESULT:
            gradient_operands, vjp = (0,), keep_history
    elif trace.mode.grad and not trace.mode.inference and op.differentiable:
        gradient_operands = tuple(
            [
                position
                for position, operand in enumerate(operands)
                if operand.meta is not None and operand.meta.grad != NO_GRAD
            ]
        )
        if gradient_operands:
            metas = tuple(
                [meta.with_grad(RESULT) if is_inexact(meta.dtype) else meta for meta in metas]
            )
            if plan.undefined or all(meta.grad == NO_GRAD for meta in metas):
                gradient_operands = ()
    saves, saves_result = (
        ((), False) if vjp is keep_history else _saves(op, plan, gradient_operands)
    )
    unchecked: tuple[int, ...] = ()
    copies = op.copies if plan.copies is None else plan.copies
    if gradient_operands and vjp is not keep_history and (op.keeps or copies):
        kept = _kept(op, plan, gradient_operands)
        names = [operand.name for operand in operands]
        more = [p for p, name in enumerate(names) if name in kept and p not in saves]
        saves, saves_result = (
            (*saves, *more),
            saves_result or not kept.isdisjoint(("result", "results")),
        )
        unchecked = tuple([p for p in saves if names[p] in copies])
        if "result" in copies:
            unchecked = (*unchecked, ITS_RESULTS)
    if any(marked) and (
        any(marked[position] for position in saves) or (saves_result and metas[0].inference)
    ):
        raise messages.inference_saved()
    references = []
    constants: dict[int, Any] = {}
    for position, operand in enumerate(operands):
        if operand.reference is None:
            constants[position] = operand.number
        references.append(operand.reference)
    if constants:
        function, references = _with_constants(function, references, constants)
        moved = {p: i for i, p in enumerate(p for p in range(len(operands)) if p not in constants)}
        moved[ITS_RESULTS] = ITS_RESULTS
        gradient_operands = tuple([moved[p] for p in gradient_operands])
        saves = tuple([moved[p] for p in saves if p in moved])
        unchecked = tuple([moved[p] for p in unchecked if p in moved])
    return Instruction(
        op,
        function,
        tuple(references),
        metas,
        gradient_operands=gradient_operands,
        saves=saves,
        saves_result=saves_result,
        unchecked=unchecked,
        vjp=None if constants and vjp is not keep_history else vjp,
        node_name=plan.node_name or op.node_name,
        view_of=references[0] if plan.view else None,
        overwrites=references[0] if plan.overwrites else None,
    )


def _marked(plan: Plan, first: bool, inside: bool) -> tuple[Meta, ...]:
    """Return the metas of results, marked as made in ``inference_mode`` where they are.

    Args:
        plan: the plan.
        first: whether its first operand is so marked: what is viewed or overwritten.
        inside: whether it is made in that mode.
    Raises:
        RuntimeError: an inference tensor is overwritten outside.
    """
    if plan.overwrites and first and not inside:
        raise messages.inference_inplace()
    mark = first if plan.view or plan.overwrites else inside
    return tuple([meta.with_inference(mark) for meta in plan.metas])


def keep_history(cotangents: list, results: list, operands: list) -> list:
    """Gradient of a write that autograd must not see: it flows to the value before."""
    before = operands[0].shape
    return [cotangents[0] if cotangents[0].shape == before else cotangents[0].reshape(before)]


def _saves(op: Op, plan: Plan, gradient_operands: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
    if not gradient_operands:
        return (), False
    everything = tuple(range(len(plan.operands)))
    if plan.saves is not None:
        return plan.saves, "result" in (op.saves or ())
    if op.saves is None:
        return everything, False
    if op.saves == "cross":
        return tuple(
            [p for p in reversed(everything) if any(other != p for other in gradient_operands)]
        ), False  # the second factor first, as PyTorch saves them
    saved = tuple([p for p in everything if plan.operands[p].name in op.saves])
    return saved, "result" in op.saves


def _kept(op: Op, plan: Plan, gradient_operands: tuple[int, ...]) -> set[str]:
    """Return the names of what PyTorch saves beside what the gradient is made of."""
    wanted = {plan.operands[position].name for position in gradient_operands}
    return {name for name, needs in op.keeps.items() if needs is None or needs in wanted}


def _with_constants(function: Any, references: list, constants: dict[int, Any]) -> tuple[Any, list]:
    count = len(references)

    def with_constants(*arrays: Any) -> Any:
        rest = iter(arrays)
        return function(*[constants[p] if p in constants else next(rest) for p in range(count)])

    return with_constants, [r for p, r in enumerate(references) if p not in constants]
