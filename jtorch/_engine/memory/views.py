"""Reading and writing tensors that share a storage.

A view step is ``(operator, arguments)``: how to get the view from the tensor that it was made of. A
tensor lies in its storage by a chain of steps. Reading the chain is one recorded instruction, and
writing through it one more, which puts the new elements into the storage's value, step by step
backwards.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._core import messages
from ..._core.dtypes import is_inexact
from ..._core.strides import memory_order
from ..graph import primitives
from ..graph.memory import View
from ..graph.op import IN_PLACE, Op, Operand, Plan, on_host
from ..graph.trie import Instruction
from ..graph.values import LEAF, NO_GRAD, RESULT, Meta, Value, is_tensor, ready
from ..recording import overrides, planning, storage
from ..recording.overrides import Overridden
from ..recording.planning import keep_history
from ..recording.record import record, reference_of, switch_device, tensor_class, wrap
from ..recording.storage import (
    FLIPS,
    Alias,
    ReadAgain,
    Storage,
    current_value,
    is_flipped,
    mark_stale,
    note_counter,
    note_other_memory,
    note_write,
    storage_of,
)
from ..recording.trace import REACH, SwitchDevice, local, materialise
from . import host_memory, host_views, overlap
from .overlap import repeats_elements

_new_object = object.__new__
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


class Remark(NamedTuple):
    """Why PyTorch refuses to record an in-place write to a view.

    Attributes:
        mode: ``no_grad`` or ``inference`` where the view was made in that mode.
        several: its operator returned several views.
        output: which of them it is.
        node_name: class name of the operator's ``grad_fn``.
        derived: whether this is a view, with a ``grad_fn``, of the view in question.
        custom: whether it is an argument that a Python function returned.
        outdated: whether its base was written to since: then it has no ``grad_fn`` any more.
    """

    mode: str | None
    several: bool
    output: int
    node_name: str
    derived: bool = False
    custom: bool = False
    outdated: bool = False


def alias_of_view(source: Any, step: Step, result: Any, several: int | None = None) -> None:
    """Note that ``result`` shares the memory of ``source``.

    Args:
        source: the tensor that was viewed.
        step: how.
        result: the new tensor.
        several: which of several views it is, ``None`` where there is one.
    """
    shared = storage_of(source)
    alias = source._alias
    detached = alias.detached or not step.op.differentiable
    made = Alias(shared, (*alias.steps, step), None, detached)
    made.counter = alias.counter
    result._alias = made
    if not step.op.differentiable:
        # PyTorch does not call detach() a view: it has no base.
        return
    made.base = source if alias.base is None else alias.base
    if several is not None or alias.remark is not None or not local.trace.mode.grad:
        _annotate(made, alias, several, result)


def _annotate(made: Alias, source: Alias, several: int | None, result: Any) -> None:
    value = result._value
    if value.meta.grad == LEAF:
        # torch 2.13: a view made without grad mode of what requires grad is a leaf that says it
        # does, and to which no gradient flows.
        value.owner = _no_owner
        if made.base is not None and current_value(made.base).meta.grad == NO_GRAD:
            # A leaf that is a view lent it the flag; PyTorch asks the tensor behind both.
            result._value = record(primitives.detach, (result,), {})
    name = local.trace.node.instruction.node_name
    if not local.trace.mode.grad or (several is not None and value.meta.grad == NO_GRAD):
        # torch 2.13 speaks of no_grad mode, too, where several views need no gradient.
        mode = "inference" if local.trace.mode.inference else "no_grad"
        made.remark = Remark(mode, several is not None, several or 0, name)
    elif several is not None:
        made.remark = Remark(None, True, several, name)
    elif source.remark is not None:
        derived = value.meta.grad == RESULT
        made.remark = source.remark._replace(output=0, node_name=name, derived=derived)


def _no_owner() -> None:
    """Stand where a leaf's tensor is looked up: there is none that takes a gradient."""
    return None


def make_view(op: Op, method: bool) -> Callable:
    """Return the recorder of a view operator of one result; the result shares the memory."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            result = wrap(record(op, args, kwargs, method))
        except Overridden as found:
            return overrides.dispatch_operator(op, method, found, args, kwargs)
        source = args[0] if args else kwargs["input"]
        step_args = args[1:]
        if kwargs:
            step_args = _positional(op, step_args, kwargs)
        elif len(step_args) > 1 or method:
            step_args = _packed(op, step_args)
        alias_of_view(source, Step(op, step_args), result)
        return result

    return call


def record_view(op: Op, tensor: Any, args: tuple, key: tuple, number: int | None = None) -> Any:
    """Record a view: what ``make_view`` does, for arguments that need no looking at.

    Args:
        op: the view operator.
        tensor: the tensor that is viewed.
        args: the arguments after it.
        key: how they enter the key.
        number: the argument that is an input of the program, if any.
    """
    numbers = () if number is None else (number,)
    return record_chain(tensor, (new_step(op, args, (op, *key), numbers),))


def record_chain(tensor: Any, steps: tuple[Step, ...]) -> Any:
    """Record view steps one after the other, of which only the last view becomes a tensor.

    Args:
        tensor: the tensor that is viewed.
        steps: at least one, with their keys.
    """
    value = tensor._value
    unread = False
    alias = tensor._alias
    if alias is not None:
        shared = alias.storage
        if shared.host is not None:
            unread = host_memory.is_costly_to_read(tensor)
            if not unread:
                value = _read(tensor)
        elif alias.seen != shared.version:
            value = _read(tensor)
    trace = local.trace
    reference = value.place - trace.base
    if not -REACH < reference < REACH:
        try:
            reference = trace.enter(value)
        except SwitchDevice:
            trace.rollback()
            switch_device(value.meta.device)
            trace = local.trace
            reference = trace.enter(value)
    made: Any = None
    try:
        for op, args, part, numbers in steps:
            assert part is not None
            if numbers:
                trace.ints += numbers
            key = (op, reference, *part[1:])
            node = trace.node.children.get(key)
            if node is None:
                source = tensor if made is None else wrap(made)
                node = planning.miss(op, trace, key, (source, *args), {}, True)
            trace.node = node
            reference = node.slot
            made = Value(trace.base + reference, node.meta, trace.segment, reference)
            trace.values.append(made)
    except BaseException:
        trace.repair()
        raise
    result = _new_object(tensor_class())
    result._value = made
    result._writes = 0
    result._extra = None
    if alias is None:
        shared = Storage(tensor._value, tensor._writes)
        alias = tensor._alias = Alias(shared, (), None)
    result._alias = own = Alias(
        alias.storage,
        alias.steps + steps,
        tensor if alias.base is None else alias.base,
        alias.detached or not op.differentiable,
    )
    own.counter = alias.counter
    if not op.differentiable:
        own.base = None  # PyTorch does not call detach() a view
    elif alias.remark is not None or not trace.mode.grad:
        _annotate(own, alias, None, result)
    if unread:
        own.seen = -1  # its own few elements are read when they are looked at
    return result


def make_views(op: Op, method: bool) -> Callable:
    """Return the recorder of a view operator of several results.

    Each result's alias is made of simple steps: ``op.kind.parts(meta, **arguments)`` names them.
    """
    kind: Any = op.kind

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            values = record(op, args, kwargs, method)
        except Overridden as found:
            return overrides.dispatch_operator(op, method, found, args, kwargs)
        if isinstance(values, Value):
            values = (values,)
        source = args[0] if args else kwargs["input"]
        _, bound = op.schema.bind(args[1:], _without_input(kwargs), True)
        parts = kind.parts(source._value.meta, **bound)
        results = []
        for output, (value, step) in enumerate(zip(values, parts, strict=True)):
            result = wrap(value)
            alias_of_view(source, step, result, output)
            results.append(result)
        return tuple(results)

    return call


def _without_input(kwargs: dict) -> dict:
    return {name: value for name, value in kwargs.items() if name not in ("input", "self")}


def _packed(op: Op, args: tuple) -> tuple:
    """Return the arguments with a list of ints that was spread out packed: ``permute(2, 0, 1)``."""
    signature = op.schema.method_signatures[0]
    if signature.takes_varargs and args and not isinstance(args[0], (tuple, list)):
        return (tuple(args),)
    return args


def _positional(op: Op, args: tuple, kwargs: dict) -> tuple:
    """Return the arguments after the tensor, by position."""
    index, bound = op.schema.bind(args, _without_input(kwargs), True)
    signature = next(s for s in op.schema.method_signatures if s.index == index)
    return tuple([bound[parameter.name] for parameter in signature.parameters])


# Chains of steps


class _ChainOp:
    """Stands where an instruction or a key names an operator.

    Attributes:
        function, host, host_vjp: see ``Op``.
    """

    differentiable = True
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
    if simple:
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


# Reading


def read_memory(shared: Storage, steps: tuple[Step, ...]) -> Value:
    """Return what lies in a storage now."""
    if shared.host is not None:
        host_memory.refresh(shared)
    return read_chain(shared.value, steps) if steps else shared.value


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


def _read(tensor: Any) -> Value:
    alias = tensor._alias
    shared = alias.storage
    if shared.host is not None:
        # NumPy may write at any time: what is saved from now on is looked for again.
        note_write(shared.value, shared, (), shared.counter, shared.counter[0])
        if alias.steps:
            part = host_memory.read_part(tensor, storage_offset(tensor))
            if part is not None:
                note_write(part, shared, alias.steps, alias.counter, alias.counter[0])
                tensor._value = part
                return part
        host_memory.refresh(shared)
        note_write(shared.value, shared, (), shared.counter, shared.counter[0])
        if alias.seen == shared.version:
            return tensor._value
    value = shared.value
    old = tensor._value
    if (
        not alias.steps
        and old.meta.grad == NO_GRAD
        and alias.counter is shared.counter
        and alias.remark is None
        and not (alias.keeps or alias.leaf)
    ):
        # It owned the memory, and has no history to keep.
        tensor._value = value
        alias.seen = shared.version
        return value
    counted = alias.counter is shared.counter
    interrupts = bool(alias.steps or alias.keeps) and _forget_call_under_way()
    if alias.leaf or (alias.remark is not None and old.meta.grad == LEAF):
        value = read_chain(value, alias.steps, LEAF, counted)
        value.owner = old.owner
    elif alias.keeps or (
        old.meta.grad == RESULT
        and (
            alias.seen >= shared.counted
            or value.meta.grad == NO_GRAD
            or not all(step.op.differentiable for step in alias.steps)
        )
    ):
        # Nothing that autograd knows of was written; or it is a view of a leaf that is itself one.
        value = with_history(old, read_chain(value, alias.steps, NO_GRAD, counted))
    elif alias.steps:
        value = read_chain(value, alias.steps, None, counted)
        alias.rebased = value.meta.grad == RESULT and alias.seen != shared.version
    if not counted:
        note_counter(value, alias.counter)
    if alias.remark is not None and alias.seen < shared.counted:
        _note_outdated(alias, old, value)
    tensor._value = value
    alias.seen = shared.version
    if interrupts:
        raise ReadAgain
    return value


def _forget_call_under_way() -> bool:
    """Take back what a call has taken that is not recorded yet; return whether there was anything.

    What is recorded before it must not depend on it.
    """
    trace = local.trace
    node = trace.node
    if (
        len(trace.inputs) == node.n_inputs
        and len(trace.floats) == node.n_floats
        and len(trace.ints) == node.n_ints
    ):
        return False
    trace.rollback()
    return True


def _note_outdated(alias: Alias, before: Value, now: Value) -> None:
    if before.meta.grad != NO_GRAD or now.meta.grad != NO_GRAD:
        alias.remark = alias.remark._replace(outdated=True)


def check_view(tensor: Any) -> None:
    """Raise where a view has no ``grad_fn`` since its base was written to."""
    alias = tensor._alias
    if alias is not None and alias.remark is not None and alias.remark.outdated:
        raise messages.view_inplace(*alias.remark)


# Writing


def _write(tensor: Any, value: Value) -> None:
    alias = tensor._alias
    shared = alias.storage
    trace = local.trace
    recorded = value.meta.grad == RESULT and trace.mode.grad
    if recorded and alias.remark is not None:
        raise messages.view_inplace(*alias.remark._replace(outdated=False))
    if (
        trace.mode.grad
        and alias.base is not None
        and tensor._value.meta.grad == RESULT
        and current_value(alias.base).meta.grad != RESULT
    ):
        raise messages.leaf_view_inplace()
    if shared.host is not None:
        host_memory.refresh(shared)
        if shared.host is not None:
            _write_host(tensor, value)
            return
    old = shared.value
    steps = alias.steps
    detached = alias.leaf or alias.detached
    repeats = bool(steps) and repeats_elements(value.meta)
    whole = not repeats or trace.node.instruction.op.name == "copy_"
    counted = alias.counter is shared.counter
    new = put_chain(old, steps, value, detached, whole, counted) if steps else value
    if old.array is not None or trace.node.saves or old.segment is not trace.segment:
        note_write(old, shared, (), shared.counter, shared.counter[0])
        if counted:
            mark_stale(old)
    own = tensor._value
    if steps and (own.array is not None or trace.node.saves or own.segment is not trace.segment):
        note_write(own, shared, steps, alias.counter, alias.counter[0])
        mark_stale(own)
    shared.value = new
    shared.version += 1
    if counted:
        shared.counted = shared.version
    alias.counter[0] += 1
    if alias.remark is not None:
        _note_outdated(alias, tensor._value, value)
    if detached or value.meta.grad == NO_GRAD or not steps or alias.base is None:
        tensor._value = value
        # Elements at one place of memory hold what was written there last: that is read again.
        alias.seen = -1 if repeats else shared.version
    else:
        alias.seen = -1  # read again through the base, whose history the write has joined


def _write_host(tensor: Any, value: Value) -> None:
    alias = tensor._alias
    shared = alias.storage
    if not alias.steps:
        host_memory.write(tensor, value, 0)
        shared.value = value
        shared.version += 1
        alias.seen = shared.version
    else:
        if value.meta.dtype is shared.meta.dtype and not is_flipped(tensor):
            host_memory.write(tensor, value, storage_offset(tensor))
        else:
            plain = ready(
                materialise(value, "write to memory shared with NumPy"),
                value.meta.with_grad(NO_GRAD),
            )
            new = put_chain(shared.value, alias.steps, plain, True)
            host_memory.view_at(shared, shared.meta, 0)[...] = np.asarray(
                materialise(new, "write to memory shared with NumPy")
            )
        host_memory.refresh(shared)
        alias.seen = shared.version
    alias.counter[0] += 1
    tensor._value = value


storage.slow.read = _read  # type: ignore[method-assign]
storage.slow.write = _write  # type: ignore[method-assign]


# What else changes how a tensor lies in memory


def make_leaf_view(tensor: Any, value: Value) -> None:
    """Make a view a leaf: it keeps sharing the memory, and has no history.

    Args:
        tensor: a view of something that does not require grad.
        value: its value, a leaf.
    """
    tensor._value = value
    alias = tensor._alias
    alias.leaf = value.meta.grad == LEAF
    alias.seen = alias.storage.version


def data_of(tensor: Any) -> Any:
    """Return ``tensor.data``: the same memory, without history and with a version of its own."""
    result = record_view(primitives.data, tensor, (), ())
    result._alias.counter = [0]
    note_counter(result._value, result._alias.counter)
    return result


def share_memory_of(tensor: Any, source: Any, leaf: bool) -> None:
    """Let a tensor lie where ``source`` does; it keeps its own version counter.

    Args:
        tensor, source: the tensors.
        leaf: whether the tensor is a leaf that requires grad.
    """
    shared = storage_of(source)
    counter = [tensor._writes] if tensor._alias is None else tensor._alias.counter
    steps = source._alias.steps
    detach = Step(primitives.detach, ())
    alias = Alias(shared, steps if steps[-1:] == (detach,) else (*steps, detach), None)
    alias.counter = counter
    alias.leaf = leaf
    current_value(source)  # takes what NumPy has written into the storage
    note_other_memory(tensor._value, tensor, counter)
    tensor._value = read_chain(shared.value, alias.steps, LEAF if leaf else NO_GRAD)
    if leaf:
        tensor._value.owner = weakref.ref(tensor)
    tensor._alias = alias


def share_argument(result: Any, source: Any, node_name: str, output: int) -> None:
    """Let what a Python function returned share the memory of the argument that it is.

    Args:
        result: the new tensor, a differentiable result of the function.
        source: the argument.
        node_name: class name of the function's ``grad_fn``.
        output: which result it is.
    """
    shared = storage_of(source)
    alias = source._alias
    made = Alias(shared, alias.steps, source if alias.base is None else alias.base)
    made.counter = alias.counter
    made.keeps = True
    made.remark = Remark(None, False, output, node_name, custom=True)
    result._alias = made


def storage_offset(tensor: Any) -> int:
    """Return where in its storage the first element of a tensor lies, in elements."""
    alias = tensor._alias
    if alias is None:
        return 0
    if alias.offset is None:
        try:
            alias.offset = _known_offset(alias.storage.meta, alias.steps)
        except TypeError:  # a list among the arguments
            alias.offset = _offset(alias.storage.meta, alias.steps)
    return alias.offset


def _offset(meta: Meta, steps: tuple[Step, ...]) -> int:
    """Return where a chain of steps leads to, in elements after the first one of a storage."""
    offset = 0
    for step in steps:
        bound = bound_arguments(step)
        kind: Any = step.op.kind
        rule = kind.offset
        if rule is not None:
            offset = rule(meta, offset, **bound)
        plan = step.op.kind.plan(
            step.op, {"input": Operand("input", 0, meta), **bound}, local.trace.mode
        )
        meta = plan.metas[0]
    return offset


_known_offset = functools.lru_cache(maxsize=4096)(_offset)


def check_partial_overlap(target: Any, source: Any) -> None:
    """Raise where a tensor that is written shares some, not all, of its memory with an operand."""
    if _overlap(target, source) == "partial":
        check_write(target, (source,))
        raise messages.partly_overlapping()


def check_no_overlap(target: Any, source: Any) -> None:
    """Raise where a tensor that is written shares any of its memory with an operand."""
    if _overlap(target, source) is not None:
        raise messages.partly_overlapping()


def _overlap(target: Any, source: Any) -> str | None:
    """Return whether two tensors share ``"full"`` or ``"partial"`` memory.

    As in PyTorch, only tensors without gaps are looked at.
    """
    first, second = target._alias, source._alias
    if target is not source and (
        first is None or second is None or first.storage is not second.storage
    ):
        return None
    mine, its = target._value.meta, source._value.meta
    if not _is_gapless(mine) or not _is_gapless(its):
        return None
    if target is source:
        return "full"
    start, other = storage_offset(target), storage_offset(source)
    if start == other and mine.numel == its.numel and mine.strides == its.strides:
        return "full"
    return "partial" if start < other + its.numel and other < start + mine.numel else None


@functools.lru_cache(maxsize=4096)
def _is_gapless(meta: Meta) -> bool:
    return memory_order(meta.shape, meta.strides) is not None


def check_write(tensor: Any, others: tuple = ()) -> None:
    """Raise where autograd forbids to write to a tensor in place, whatever is written.

    Args:
        tensor: the tensor.
        others: the other arguments of the operator.
    """
    if not is_tensor(tensor):
        return
    meta = current_value(tensor).meta
    if meta.inference and not local.trace.mode.inference:
        raise messages.inference_inplace()
    if not local.trace.mode.grad:
        return
    grad = meta.grad
    alias = tensor._alias
    if alias is not None and alias.base is not None:
        recorded = grad != NO_GRAD or any(
            is_tensor(other) and other._value.meta.grad != NO_GRAD for other in others
        )
        if recorded and alias.remark is not None:
            raise messages.view_inplace(*alias.remark._replace(outdated=False))
        if grad != NO_GRAD and current_value(alias.base).meta.grad != RESULT:
            raise messages.leaf_view_inplace()
    if grad == LEAF:
        raise messages.leaf_inplace()


storage.slow.check_write = check_write  # type: ignore[method-assign]
storage.slow.check_overlap = check_partial_overlap  # type: ignore[method-assign]
storage.slow.refuse_overlap = check_no_overlap  # type: ignore[method-assign]
