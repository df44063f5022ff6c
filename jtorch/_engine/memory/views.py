"""Tensors that share a storage: how views are made, read again and written to.

A tensor lies in its storage by a chain of steps (``chains.py``).
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..._core import messages
from ..graph import primitives
from ..graph.op import Op, Operand
from ..graph.values import LEAF, NO_GRAD, RESULT, Meta, Value, ready
from ..recording import overrides, planning, storage
from ..recording.overrides import Overridden
from ..recording.record import record, switch_device, tensor_class, wrap
from ..recording.storage import (
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
from . import host_memory
from .chains import Step, bound_arguments, new_step, put_chain, read_chain, with_history
from .overlap import repeats_elements

_new_object = object.__new__


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
            if trace.captures:
                with trace.outside_for((value,)):
                    return record_chain(tensor, steps)
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


# Reading


def read_memory(shared: Storage, steps: tuple[Step, ...]) -> Value:
    """Return what lies in a storage now."""
    if shared.host is not None:
        host_memory.refresh(shared)
    return read_chain(shared.value, steps) if steps else shared.value


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
