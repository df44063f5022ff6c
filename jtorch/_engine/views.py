"""Reading and writing tensors that share a storage.

A view step is ``(recorder, arguments)``: how to get the view from the tensor that it was made of.
A write through a view puts the new elements into the storage's value, step by step backwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from .._core import messages
from . import storage
from .op import Op, Operand, Plan
from .planning import keep_history
from .record import record, reference_of, wrap
from .storage import Alias, Storage, mark_stale, storage_of
from .trace import local, materialise
from .trie import Instruction
from .values import LEAF, NO_GRAD, RESULT, Meta, Value, ready


class Step(NamedTuple):
    """One view operator applied to a tensor.

    Attributes:
        op: the operator.
        args: its arguments after the tensor.
        index: which of several results it is, ``None`` for an operator of one result.
    """

    op: Op
    args: tuple
    index: int | None = None

    def read(self, value: Value) -> Value:
        """Record the view of a value."""
        results = record(self.op, (wrap(value), *self.args), {})
        return results if self.index is None else results[self.index]


def alias_of_view(source: Any, step: Step, result: Any, tracks: bool = True) -> None:
    """Note that ``result`` shares the memory of ``source``.

    Args:
        source: the tensor that was viewed.
        step: how.
        result: the new tensor.
        tracks: whether PyTorch calls it a view (``detach()`` gives none: its ``_base`` is None).
    """
    shared = storage_of(source)
    alias = source._alias
    base = None
    if tracks:
        base = source if alias.base is None else alias.base
    result._alias = Alias(shared, (*alias.steps, step), base)


def make_view(op: Op, method: bool) -> Callable:
    """Return the recorder of a view operator of one result; the result shares the memory."""

    def call(*args, **kwargs):
        value = record(op, args, kwargs, method)
        result = wrap(value)
        if local.trace.node.instruction.view_of is not None:
            source = args[0] if args else kwargs["input"]
            step_args = args[1:]
            if kwargs:
                step_args = _positional(op, step_args, kwargs)
            alias_of_view(source, Step(op, step_args), result)
        return result

    return call


def make_views(op: Op, method: bool) -> Callable:
    """Return the recorder of a view operator of several results."""

    def call(*args, **kwargs):
        values = record(op, args, kwargs, method)
        if isinstance(values, Value):
            values = (values,)
        source = args[0] if args else kwargs["input"]
        step_args = _positional(op, args[1:], kwargs) if kwargs else args[1:]
        results = []
        several = len(values) > 1
        for index, value in enumerate(values):
            result = wrap(value)
            alias_of_view(source, Step(op, step_args, index if several else None), result)
            results.append(result)
        return tuple(results)

    return call


def _positional(op: Op, args: tuple, kwargs: dict) -> tuple:
    """Return the arguments after the tensor, by position."""
    kwargs = {name: value for name, value in kwargs.items() if name not in ("input", "self")}
    index, bound = op.schema.bind(args, kwargs, True)
    signature = next(s for s in op.schema.method_signatures if s.index == index)
    return tuple([bound[parameter.name] for parameter in signature.parameters])


# Reading


def _read(tensor: Any) -> Value:
    alias = tensor._alias
    shared = alias.storage
    if shared.host is not None:
        _read_host(shared)
    value = shared.value
    for step in alias.steps:
        value = step.read(value)
    tensor._value = value
    alias.seen = shared.version
    return value


def _read_host(shared: Storage) -> None:
    """Take the storage's value fresh from the NumPy array that it is shared with."""
    before = shared.value
    value = ready(np.array(shared.host, copy=True), before.meta)
    if before.meta.grad == LEAF:
        value.owner = before.owner
    elif before.meta.grad == RESULT:
        value.segment, value.slot = before.segment, before.slot
    shared.value = value


# Writing


def _write(tensor: Any, value: Value) -> None:
    alias = tensor._alias
    shared = alias.storage
    old = shared.value
    if shared.host is not None:
        _write_host(tensor, value)
        return
    steps = alias.steps
    detached = any(not step.op.differentiable for step in steps)
    if steps:
        new = _put(old, steps, value, keeps_history=detached)
    else:
        new = value
    mark_stale(old)
    shared.value = new
    shared.version += 1
    if detached or value.meta.grad == NO_GRAD or not steps:
        tensor._value = value
        alias.seen = shared.version
    else:
        alias.seen = -1  # read again through the base, whose history the write has joined


def _put(base: Value, steps: tuple[Step, ...], new: Value, keeps_history: bool) -> Value:
    """Return the storage's value after ``new`` was written to the view that the steps make."""
    befores = [base]
    for step in steps[:-1]:
        befores.append(step.read(befores[-1]))
    for step, before in zip(reversed(steps), reversed(befores), strict=True):
        new = record_put(step, before, new, keeps_history)
    return new


class _PutOp:
    """Stands for "write into a view" where an instruction or a key names an operator."""

    name = "copy_slices"
    differentiable = True


_PUT = _PutOp()


def record_put(step: Step, base: Value, new: Value, keeps_history: bool) -> Value:
    """Record the base with new elements where the view lies."""
    trace = local.trace
    if base.meta.grad == LEAF and trace.mode.grad and not keeps_history:
        raise messages.leaf_view_inplace()
    view_key, arguments = _step_key(trace, step)
    from_base = reference_of(trace, base)
    from_new = reference_of(trace, new)
    key = (_PUT, view_key, step.index, from_base, from_new, keeps_history)
    node = trace.node.children.get(key)
    if node is None:
        parent = trace.node
        instruction = _put_instruction(trace, step, base, new, arguments, keeps_history)
        entered = tuple([value.meta for value in trace.inputs[parent.n_inputs :]])
        node = parent.extend(key, instruction, entered, len(trace.floats), len(trace.ints))
    trace.node = node
    value = Value(trace.base + node.slot, node.meta, trace.segment, node.slot)
    if node.meta.grad == LEAF:
        value.owner = base.owner
    trace.values.append(value)
    return value


def _step_key(trace: Any, step: Step) -> tuple[tuple, list[tuple[int, Any]]]:
    """Return a key of a step, and where its changing integers went."""
    key: list[Any] = [step.op]
    numbers = []
    for position, arg in enumerate(step.args):
        if arg.__class__ is int and (position + 1) in step.op.dynamic:
            numbers.append((position, ("i", len(trace.ints))))
            trace.ints.append(arg)
            key.append(int)
        elif isinstance(arg, list):
            key.append(tuple(arg))
        else:
            key.append((arg.__class__, arg))
    return tuple(key), numbers


def _put_instruction(
    trace: Any, step: Step, base: Value, new: Value, numbers: list, keeps_history: bool
) -> Instruction:
    op = step.op
    meta = base.meta
    if keeps_history or not trace.mode.grad:
        grads: tuple[int, ...] = (0,) if meta.grad == RESULT else ()
        vjp: Any = keep_history
        out = meta
    else:
        grads = tuple(p for p, v in enumerate((base, new)) if v.meta.grad != NO_GRAD)
        vjp = None
        out = meta.with_grad(RESULT) if grads else meta
    operands = [base.place - trace.base, new.place - trace.base]
    places = {}
    for position, reference in numbers:
        places[position] = len(operands)
        operands.append(reference)
    plan, order = _plan_step(op, meta, step)
    view = plan.function

    def run(base_array, new_array, *changing):
        if new_array.dtype != base_array.dtype and not plan.put:
            new_array = new_array.astype(base_array.dtype)
        others = [changing[places[r[1]] - 2] for r in order if r != 0]
        if plan.put is not None:
            return plan.put(base_array, new_array, *others)

        def one_view(array):
            results = view(array, *others)
            return results if step.index is None else results[step.index]

        return put_elements(one_view, base_array, new_array)

    return Instruction(
        _PUT,
        run,
        tuple(operands),
        (out,),
        gradient_operands=grads,
        saves=(),
        vjp=vjp if grads and vjp is not None else None,
        node_name="CopySlices",
        overwrites=operands[0],
    )


def _plan_step(op: Op, meta: Meta, step: Step) -> tuple[Plan, list]:
    """Plan a step by itself, and name its operands: 0 the tensor, ``("i", position)`` an int."""
    index, bound = op.schema.bind(step.args, {}, True)
    signature = next(s for s in op.schema.method_signatures if s.index == index)
    plan_bound: dict[str, Any] = {"input": Operand("input", 0, meta.with_grad(NO_GRAD))}
    for position, parameter in enumerate(signature.parameters):
        value = bound[parameter.name]
        if (position + 1) in op.dynamic and value.__class__ is int:
            value = Operand(parameter.name, ("i", position), None, value)
        plan_bound[parameter.name] = value
    plan: Plan = op.kind.plan(op, plan_bound, local.trace.mode)
    return plan, [operand.reference for operand in plan.operands]


def put_elements(view: Callable, base: Any, new: Any) -> Any:
    """Return ``base`` with ``new`` where the view lies.

    The view of the flat positions says which elements they are; XLA folds that away for static
    views. Of elements that the view repeats, one of the writes wins, as in PyTorch.
    """
    positions = view(jnp.arange(base.size).reshape(base.shape))
    flat = base.reshape(-1).at[positions.reshape(-1)].set(new.reshape(-1))
    return flat.reshape(base.shape)


def _write_host(tensor: Any, value: Value) -> None:
    alias = tensor._alias
    shared = alias.storage
    if not shared.host_writable:
        # PyTorch warns when such an array is shared, then writes all the same.
        shared.host.flags.writeable = True
    array = np.asarray(materialise(value, "write to memory shared with NumPy"))
    target = shared.host
    if alias.steps:
        before = ready(np.array(target, copy=True), shared.meta)
        new = _put(before, alias.steps, ready(array, value.meta.with_grad(NO_GRAD)), True)
        array = np.asarray(materialise(new, "write to memory shared with NumPy"))
    target[...] = array
    shared.version += 1
    tensor._value = value


storage.slow.read = _read  # type: ignore[method-assign]
storage.slow.write = _write  # type: ignore[method-assign]
