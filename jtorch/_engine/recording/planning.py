"""What happens when an operator is recorded for the first time at a place of the trie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core.dtypes import is_inexact
from ..graph.locations import user_location
from ..graph.op import Op, Operand, Plan
from ..graph.trie import Instruction, Node
from ..graph.values import NO_GRAD, RESULT, is_tensor
from . import autocast, cutting, saved_hooks
from .trace import REACH, Trace


def is_operand(value: Any) -> bool:
    """Return whether a Python operator of a tensor takes this as its other operand."""
    return is_tensor(value) or isinstance(value, (int, float, complex, np.number, np.bool_))


def miss(op: Op, trace: Trace, key: tuple, args: tuple, kwargs: dict, method: bool) -> Node:
    """Plan a call and add it to the trie.

    Raises:
        TypeError, RuntimeError, IndexError, ...: as PyTorch raises at the call.
    """
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
    try:
        instruction = _instruction(op, trace, args, kwargs, method)
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


def _instruction(op: Op, trace: Trace, args: tuple, kwargs: dict, method: bool) -> Instruction:
    bound = _bind(op, trace, args, kwargs, method)
    identity = (op, trace.mode, _identity(bound))
    if trace.mode.autocast is None:
        plan = op.kind.plan(op, bound, trace.mode)
    else:
        plan = autocast.plan(op, bound, trace.mode)
    instruction = finish(op, plan, trace)
    try:
        hash(identity)
    except TypeError:
        return instruction  # equal to nothing but itself
    instruction.identity = identity
    return instruction


def _identity(bound: Any) -> Any:
    """Return what a call does apart from its operands' metas, as a hashable."""
    if isinstance(bound, dict):
        return tuple([(name, _identity(value)) for name, value in bound.items()])
    if isinstance(bound, (list, tuple)):
        return (type(bound), *[_identity(value) for value in bound])
    if isinstance(bound, Operand):
        if bound.meta is not None:
            return Operand
        if bound.reference is not None:
            return (Operand, type(bound.number))
        bound = bound.number
    return (type(bound), bound)


def _bind(op: Op, trace: Trace, args: tuple, kwargs: dict, method: bool) -> dict[str, Any]:
    index, bound = op.schema.bind(args[1:] if method else args, kwargs, method)
    signature = next(s for s in op.schema.function_signatures if s.index == index)
    references = _number_references(op, trace, args, kwargs, signature)
    result = {}
    for position, parameter in enumerate(signature.parameters):
        name = parameter.name
        if name in bound:
            value = bound[name]
        elif method and position == 0:
            value = args[0]
        else:
            continue
        if value is parameter.default and name not in references and not is_tensor(value):
            result[name] = value  # not given: the function's own default says the same
        else:
            result[name] = _operand(trace, name, value, references, op)
    return result


def _number_references(
    op: Op, trace: Trace, args: tuple, kwargs: dict, signature: Any
) -> dict[str, tuple[str, int]]:
    """Return where each Python number went that ``record.encode`` made an input."""
    node = trace.node
    counts = {float: node.n_floats, int: node.n_ints}
    kinds = {float: "f", int: "i"}
    found = {}

    def visit(place: int | str, name: str, value: Any) -> None:
        cls = value.__class__
        if cls in counts and op.is_input(place, value):
            found[name] = (kinds[cls], counts[cls])
            counts[cls] += 1

    for position, value in enumerate(args):
        if position < len(signature.parameters):
            visit(position, signature.parameters[position].name, value)
    for name, value in kwargs.items():
        visit(name, name, value)
    return found


def _operand(trace: Trace, name: str, value: Any, references: dict, op: Op) -> Any:
    if is_tensor(value):
        return tensor_operand(trace, name, value)
    if name in op.dynamic and isinstance(value, (bool, int, float, complex)):
        return Operand(name, references.get(name), None, value)
    if isinstance(value, (tuple, list)) and any(is_tensor(item) for item in value):
        return [tensor_operand(trace, name, item) if is_tensor(item) else item for item in value]
    return value


def tensor_operand(trace: Trace, name: str, tensor: Any) -> Operand:
    """Return the operand of a tensor that the trace already knows."""
    value = tensor._value
    reference = value.place - trace.base
    if not -REACH < reference < REACH:
        # Tensors that only planning finds (NumPy scalars made tensors, say) enter here.
        trace.enter(value)
        reference = trace.reference_of_known(value)
    return Operand(name, reference, value.meta)


def finish(op: Op, plan: Plan, trace: Trace) -> Instruction:
    """Make the instruction of a plan: which operands a gradient flows to, what it needs saved."""
    operands = plan.operands
    function = plan.function
    gradient_operands: tuple[int, ...] = ()
    metas = plan.metas
    vjp = plan.vjp or op.vjp
    if plan.overwrites and not trace.mode.grad:
        # Autograd must not see the write: a leaf stays one, a result keeps its history.
        if metas[0].grad == RESULT:
            gradient_operands, vjp = (0,), keep_history
    elif trace.mode.grad and op.differentiable:
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
    references = []
    constants: dict[int, Any] = {}
    for position, operand in enumerate(operands):
        if operand.reference is None:
            constants[position] = operand.number
        references.append(operand.reference)
    if constants:
        function, references = _with_constants(function, references, constants)
        moved = {p: i for i, p in enumerate(p for p in range(len(operands)) if p not in constants)}
        gradient_operands = tuple([moved[p] for p in gradient_operands])
        saves = tuple([moved[p] for p in saves if p in moved])
    return Instruction(
        op,
        function,
        tuple(references),
        metas,
        gradient_operands=gradient_operands,
        saves=saves,
        saves_result=saves_result,
        vjp=None if constants and vjp is not keep_history else vjp,
        node_name=plan.node_name or op.node_name,
        view_of=references[0] if plan.view else None,
        overwrites=references[0] if plan.overwrites else None,
    )


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


def _with_constants(function: Any, references: list, constants: dict[int, Any]) -> tuple[Any, list]:
    count = len(references)

    def with_constants(*arrays: Any) -> Any:
        rest = iter(arrays)
        return function(*[constants[p] if p in constants else next(rest) for p in range(count)])

    return with_constants, [r for p, r in enumerate(references) if p not in constants]
