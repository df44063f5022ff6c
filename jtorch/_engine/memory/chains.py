"""Chains of view steps: how a view lies in its storage, read and written to as one instruction.

A step is a view operator with its arguments: how to get the view from the tensor that it was made
of. A tensor lies in its storage by a chain of them. Reading the chain is one recorded instruction,
and writing through it one more, which puts the new elements into the storage's value, step by step
backwards.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._core import messages
from ..._core.dtypes import is_inexact
from ..graph.memory import View
from ..graph.op import IN_PLACE, Op, Operand, Plan, on_host
from ..graph.trie import Instruction
from ..graph.values import LEAF, NO_GRAD, RESULT, Meta, Value
from ..recording.planning import keep_history
from ..recording.record import reference_of, switch_device
from ..recording.storage import FLIPS
from ..recording.trace import REACH, local
from . import host_views, overlap

_new_tuple = tuple.__new__


class Step(NamedTuple):
    """One view operator applied to a tensor.

    Attributes:
        op: the operator.
        args: its arguments after the tensor.
        key: how it enters the key of a chain, ``None`` where that was not worked out beforehand.
        numbers: those of its arguments that are inputs of the program; in the key they are ``int``.
    """

    op: Op
    args: tuple
    key: tuple | None = None
    numbers: tuple[int, ...] = ()


def new_step(op: Op, args: tuple, key: tuple, numbers: tuple[int, ...]) -> Step:
    """Return a step, in half the time that its class takes."""
    return _new_tuple(Step, (op, args, key, numbers))


class _ChainOp:
    """Stands where an instruction or a key names an operator.

    Attributes:
        function, host, host_vjp, in_place: see ``Op``.
    """

    differentiable = True
    in_place = False
    function: Callable | None = None
    host: Callable | None = None
    host_vjp: Callable | None = None

    def __init__(self, name: str):
        self.name = name


_READ = _ChainOp("read_view")
_PUT = _ChainOp("copy_slices")
#: The same, where each step has a host function that gives a view of the same elements.
_READ_ON_HOST = _ChainOp("read_view")
_PUT_ON_HOST = _ChainOp("copy_slices")
_AGAIN = _ChainOp("view_again")
_KEEP = _ChainOp("keep_history")


def bound_arguments(step: Step) -> dict[str, Any]:
    """Return a step's arguments by name."""
    _, bound = step.op.schema.bind(step.args, {}, True)
    return bound


def _chain_key(trace: Any, steps: Sequence[Step]) -> tuple[Any, ...]:
    """Return a key of the steps; their changing integers are taken for the trace."""
    key: tuple[Any, ...] = ()
    for step in steps:
        own = step.key
        if own is None:
            key += _key_of(trace, step)
        else:
            key += own
            trace.ints += step.numbers
    return key


def _key_of(trace: Any, step: Step) -> tuple[Any, ...]:
    op = step.op
    key: list[Any] = [op]
    for position, arg in enumerate(step.args, 1):
        cls = arg.__class__
        if cls is int:
            if op.is_input(position, arg):
                trace.ints.append(arg)
                key.append(int)
            else:
                key.append(arg)
        elif cls is list:
            key.append(tuple(arg))
        else:
            key.append((cls, arg))
    return tuple(key)


def _numbers_of(steps: Sequence[Step], first: int) -> list[tuple[int, int, int]]:
    """Return ``(step, position, place in ints)`` of the changing integers of a chain.

    Args:
        first: the place of the first of them.
    """
    found: list[tuple[int, int, int]] = []
    for at, step in enumerate(steps):
        for position, arg in enumerate(step.args):
            if step.key is None:
                changes = arg.__class__ is int and step.op.is_input(position + 1, arg)
            else:
                changes = step.key[position + 1] is int
            if changes:
                found.append((at, position, first + len(found)))
    return found


class _PlannedStep(NamedTuple):
    """A step as pure functions of arrays and of the changing integers ``numbers``.

    ``function``, ``put_function`` and ``host`` are those of its plan and operator, see ``Plan``.
    """

    function: Callable
    put_function: Callable | None
    host: Callable | None
    numbers: tuple[int, ...]

    def read(self, array: Any, given: Sequence[Any]) -> Any:
        return self.function(array, *[given[n] for n in self.numbers])

    def put(self, base: Any, new: Any, given: Sequence[Any]) -> Any:
        if self.put_function is not None:
            return self.put_function(base, new, *[given[n] for n in self.numbers])
        return overlap.put_at_positions(lambda array: self.read(array, given), base, new)


_Planned = tuple[_PlannedStep, ...]


def _read_steps(array: Any, *given: Any, planned: _Planned) -> Any:
    for step in planned:
        array = step.read(array, given)
    return array


def _put_steps(base: Any, new: Any, *given: Any, planned: _Planned) -> Any:
    befores = [base]
    for step in planned[:-1]:
        befores.append(step.read(befores[-1], given))
    for step, before in zip(reversed(planned), reversed(befores), strict=True):
        new = step.put(before, new, given)
    return new


def _host_reader(planned: _Planned, given: Sequence[Any]) -> Callable[[Any], Any]:
    """Return the function that makes the view of an array of NumPy."""

    if len(planned) == 1 and not planned[0].numbers:
        assert planned[0].host is not None
        return planned[0].host

    def read(array: Any) -> Any:
        for step in planned:
            assert step.host is not None
            array = step.host(array, *[given[n] for n in step.numbers])
        return array

    return read


def _read_on_host(array: Any, *given: Any, planned: _Planned) -> Any:
    return _host_reader(planned, given)(array)


def _put_on_host(base: Any, new: Any, *given: Any, planned: _Planned) -> Any:
    return host_views.written(_host_reader(planned, given), base, new)


def _put_in_place(base: Any, new: Any, *given: Any, planned: _Planned) -> Any:
    return host_views.overwritten(_host_reader(planned, given), base, new)


IN_PLACE[_put_on_host] = _put_in_place


def _read_vjp_on_host(
    cotangents: list, results: list, operands: list, wanted: tuple[int, ...], planned: _Planned
) -> tuple:
    read = _host_reader(planned, operands[1:])
    return (host_views.spread(read, operands[0].shape, cotangents[0]),)


def _put_vjp_on_host(
    cotangents: list, results: list, operands: list, wanted: tuple[int, ...], planned: _Planned
) -> list:
    """The elements that were written over have no gradient; those written have the view's."""
    read, (cotangent,) = _host_reader(planned, operands[2:]), cotangents
    zero = np.zeros((), cotangent.dtype)
    return [read(cotangent) if at else host_views.written(read, cotangent, zero) for at in wanted]


_READ_ON_HOST.function, _READ_ON_HOST.host = _read_steps, _read_on_host
_READ_ON_HOST.host_vjp = _read_vjp_on_host
_PUT_ON_HOST.function, _PUT_ON_HOST.host = _put_steps, _put_on_host
_PUT_ON_HOST.host_vjp = _put_vjp_on_host


def _all_on_host(planned: _Planned) -> bool:
    return all(step.host is not None for step in planned)


def _plan_chain(
    meta: Meta, steps: Sequence[Step], numbers: list[tuple[int, int, int]]
) -> tuple[_Planned, list[Meta]]:
    """Plan steps one after the other; return the metas before, between and after them, too."""
    changing = {(at, position): n for n, (at, position, _) in enumerate(numbers)}
    planned = []
    meta = meta.with_grad(NO_GRAD)
    metas = [meta]
    for at, step in enumerate(steps):
        op = step.op
        index, bound = op.schema.bind(step.args, {}, True)
        signature = next(s for s in op.schema.method_signatures if s.index == index)
        arguments: dict[str, Any] = {"input": Operand("input", 0, meta)}
        for position, parameter in enumerate(signature.parameters):
            value = bound[parameter.name]
            if (at, position) in changing:
                value = Operand(parameter.name, changing[at, position] + 1, None, value)
            arguments[parameter.name] = value
        plan: Plan = op.kind.plan(op, arguments, local.trace.mode)
        order = tuple([operand.reference - 1 for operand in plan.operands[1:]])
        host = on_host(op, plan.function, op.host)
        planned.append(_PlannedStep(plan.function, plan.put, host, order))
        meta = plan.metas[0].with_grad(NO_GRAD).with_inference(meta.inference)
        metas.append(meta)
    return tuple(planned), metas


def chain_function(meta: Meta, steps: Sequence[Step]) -> tuple[Callable, Meta]:
    """Return a pure function that reads steps, and the meta that they end at."""
    planned, metas = _plan_chain(meta, steps, [])
    return functools.partial(_read_steps, planned=planned), metas[-1]


def _add(trace: Any, key: tuple, make: Callable[[], Instruction]) -> Any:
    """Add the node of an instruction that was not recorded here before."""
    parent = trace.node
    try:
        instruction = make()
    except BaseException:
        trace.rollback()
        raise
    entered = tuple([value.meta for value in trace.inputs[parent.n_inputs :]])
    return parent.extend(key, instruction, entered, len(trace.floats), len(trace.ints))


def _extend(trace: Any, key: tuple, make: Callable[[], Instruction]) -> Value:
    """Record an instruction, made where the key is new, and return its value."""
    node = trace.node.children.get(key)
    if node is None:
        node = _add(trace, key, make)
    return _value_at(trace, node)


def _value_at(trace: Any, node: Any) -> Value:
    """Return the value of what was recorded by going to a node."""
    try:
        trace.node = node
        value = Value(trace.base + node.slot, node.meta, trace.segment, node.slot)
        trace.values.append(value)
        return value
    except BaseException:
        trace.repair()
        raise


def read_chain(
    base: Value, steps: tuple[Step, ...], grad: int | None = None, counted: bool = True
) -> Value:
    """Record the view that steps make of a storage's value.

    Args:
        base: the value.
        steps: the steps.
        grad: part that the result takes in differentiation; by default it is a result of the base
            where that requires grad, in whatever mode this is recorded.
        counted: whether the view has the version counter of the storage.
    """
    if grad is None:
        tracked = base.meta.grad != NO_GRAD and all(step.op.differentiable for step in steps)
        grad = RESULT if tracked else NO_GRAD
    trace = local.trace
    if trace.device is not base.meta.device:
        if trace.captures:
            with trace.outside_for((base,)):
                return read_chain(base, steps, grad, counted)
        switch_device(base.meta.device)
    from_base = reference_of(trace, base)
    first = len(trace.ints)
    key = _chain_key(trace, steps)

    def make() -> Instruction:
        numbers = _numbers_of(steps, first)
        planned, metas = _plan_chain(base.meta, steps, numbers)
        meta = metas[-1]
        floating = is_inexact(meta.dtype)
        part = grad if floating else NO_GRAD
        return Instruction(
            _READ_ON_HOST if _all_on_host(planned) else _READ,
            functools.partial(_read_steps, planned=planned),
            (trace.reference_of_known(base),) + tuple([("i", place) for _, _, place in numbers]),
            (meta.with_grad(part),),
            gradient_operands=(0,) if part == RESULT else (),
            node_name="AsStridedBackward0",
            view_of=trace.reference_of_known(base),
            counted=counted,
            identity=(_READ, grad, counted, *key),
        )

    return _extend(trace, (_READ, from_base, grad, counted, *key), make)


def put_chain(
    base: Value,
    steps: tuple[Step, ...],
    new: Value,
    keeps_history: bool,
    whole: bool = True,
    counted: bool = True,
) -> Value:
    """Record the storage's value after ``new`` was written to the view that the steps make.

    Args:
        base: the value before.
        steps: the steps.
        new: the elements of the view.
        keeps_history: whether autograd must not see the write.
        whole: whether every element of the view was written; else the others keep what a write
            to another element at the same place leaves there.
        counted: whether the version counter of the storage counts the write.
    """
    trace = local.trace
    if base.meta.grad == LEAF and trace.mode.grad and not keeps_history:
        raise messages.leaf_view_inplace()
    if trace.device is not base.meta.device:
        if trace.captures:
            with trace.outside_for((base, new)):
                return put_chain(base, steps, new, keeps_history, whole, counted)
        switch_device(base.meta.device)
    from_base = base.place - trace.base
    if not -REACH < from_base < REACH:
        from_base = trace.enter(base)
    from_new = new.place - trace.base
    if not -REACH < from_new < REACH:
        from_new = trace.enter(new)
    first = len(trace.ints)
    how = (keeps_history, whole, counted)
    chain = _chain_key(trace, steps)
    key = (_PUT, from_base, from_new, *how, *chain)
    node = trace.node.children.get(key)
    if node is None:

        def make() -> Instruction:
            numbers = _numbers_of(steps, first)
            if trace.captures:
                trace.check_write("copy_", *map(trace.reference_of_known, (base, new)))
            instruction = _put_instruction(trace, steps, base, new, numbers, keeps_history, whole)
            instruction.identity = (_PUT, trace.mode.grad, *how, *chain)
            instruction.counted = counted
            return instruction

        node = _add(trace, key, make)
    value = _value_at(trace, node)
    if value.meta.grad == LEAF:
        value.owner = base.owner
    return value


def _unchanged(base_array: Any, new_array: Any, *given: Any) -> Any:
    return base_array


def _put_instruction(
    trace: Any,
    steps: tuple[Step, ...],
    base: Value,
    new: Value,
    numbers: list[tuple[int, int, int]],
    keeps_history: bool,
    whole: bool,
) -> Instruction:
    meta = base.meta
    if keeps_history or not trace.mode.grad:
        grads: tuple[int, ...] = (0,) if meta.grad == RESULT else ()
        vjp: Any = keep_history if grads else None
        out = meta
    else:
        grads = tuple(p for p, v in enumerate((base, new)) if v.meta.grad != NO_GRAD)
        vjp = None
        out = meta.with_grad(RESULT) if grads else meta
    planned, metas = _plan_chain(meta, steps, numbers)
    parts = overlap.groups(metas, [step.op.name in FLIPS for step in steps])

    def read(array: Any, start: int, end: int, given: Sequence[Any]) -> Any:
        for step in planned[start:end]:
            array = step.read(array, given)
        return array

    def run(base_array: Any, new_array: Any, *given: Any) -> Any:
        befores = [base_array]
        for start, end in parts if not whole else parts[:-1]:
            befores.append(read(befores[-1], start, end, given))
        changed = None if whole else overlap.differs(new_array, befores.pop())
        for (start, end), before in zip(reversed(parts), reversed(befores), strict=True):
            if end - start == 1 and changed is None:
                new_array = planned[start].put(before, new_array, given)
                continue
            new_array = overlap.put_at_positions(
                lambda array, start=start, end=end: read(array, start, end, given),
                before,
                new_array,
                changed,
            )
            changed = None
        return new_array

    function: Callable = run
    simple = whole and all(end - start == 1 for start, end in parts)
    if not metas[-1].numel:
        function = _unchanged
    elif simple:
        function = functools.partial(_put_steps, planned=planned)
    return Instruction(
        _PUT_ON_HOST if simple and vjp is None and _all_on_host(planned) else _PUT,
        function,
        (trace.reference_of_known(base), trace.reference_of_known(new))
        + tuple([("i", place) for _, _, place in numbers]),
        (out,),
        gradient_operands=grads,
        vjp=vjp,
        node_name="CopySlices",
        overwrites=trace.reference_of_known(base),
    )


# Values in the place of others


def view_again(view: View, value: Value) -> Value:
    """Record a view of a value that an instruction made of another one.

    Args:
        view: how it was made.
        value: what to view now.
    """
    instruction, ints, output = view
    if instruction.op is _KEEP:
        return value
    trace = local.trace
    from_value = reference_of(trace, value)
    numbers = [ints[operand[1]] for operand in instruction.operands[1:]]
    places = [("i", len(trace.ints) + at) for at in range(len(numbers))]
    trace.ints += numbers
    tracked = value.meta.grad != NO_GRAD and bool(instruction.gradient_operands)
    part = RESULT if tracked else NO_GRAD
    metas = tuple([meta.with_grad(part) for meta in instruction.metas])

    def make() -> Instruction:
        reference = trace.reference_of_known(value)
        return Instruction(
            instruction.op,
            instruction.function,
            (reference, *places),
            metas,
            gradient_operands=(0,) if tracked else (),
            vjp=instruction.vjp,
            node_name=instruction.node_name,
            view_of=reference,
            identity=instruction.identity,
        )

    key = (_AGAIN, instruction.identity, from_value, metas, len(numbers))
    node = trace.node.children.get(key) or _add(trace, key, make)
    try:
        trace.node = node
        values = [
            Value(trace.base + slot, made, trace.segment, slot)
            for slot, made in enumerate(node.metas, node.slot)
        ]
        trace.values += values
        return values[output]
    except BaseException:
        trace.repair()
        raise


def with_history(old: Value, new: Value) -> Value:
    """Return a value in the place of another one, whose history it keeps.

    Args:
        old: a differentiable result.
        new: what its tensor holds instead.
    """
    trace = local.trace
    from_old = reference_of(trace, old)
    from_new = reference_of(trace, new)
    meta = new.meta.with_grad(RESULT)

    def make() -> Instruction:
        operands = (trace.reference_of_known(old), trace.reference_of_known(new))
        return Instruction(
            _KEEP,
            lambda old_array, new_array: new_array,
            operands,
            (meta,),
            gradient_operands=(0,),
            vjp=keep_history,
            view_of=operands[1],
            identity=(_KEEP, meta),
        )

    return _extend(trace, (_KEEP, from_old, from_new), make)
