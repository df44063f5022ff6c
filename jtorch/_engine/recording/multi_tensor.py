"""Operators over lists of tensors: a step of an optimiser is one instruction, however many tensors.

A ``ListOp`` is a function of the tensors of one parameter (the parameter, its gradient, its states)
and of numbers that all share. ``write_lists`` applies it to whole lists and overwrites some of them
in place; ``map_lists`` returns new tensors. A key costs about 0.1 microseconds for each tensor, a
result 0.3. Numbers are inputs of the program: a learning rate that changes compiles nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy import ndarray

from ..._core import config, messages
from ..._core.device import CPU, META
from ..._core.dtypes import is_inexact
from ..._core.strides import memory_order
from ..execution import transfer
from ..execution.devices import NO_ELEMENTS
from ..graph.columns import Columns
from ..graph.locations import user_location
from ..graph.trie import Instruction, Node
from ..graph.values import LEAF, NO_GRAD, RESULT, Meta, Value, is_tensor, make_meta, ready
from . import cutting, saved_hooks
from .overrides import DISPATCHING
from .record import switch_device, wrap
from .storage import ReadAgain, current_value, overwrite
from .trace import REACH, SwitchDevice, Trace, flush, local


class ListOp:
    """An operator over lists of tensors.

    Args:
        name: what programs and statistics call it.
        function: ``(static, numbers, arrays) -> results`` for one parameter. ``numbers`` are
            scalars of the program, ``arrays`` one array of each list.
        real: whether the arithmetic of a complex parameter is that of its real and imaginary parts.
        node_name: class name of the ``grad_fn`` where it is recorded for differentiation.
    """

    differentiable = True

    def __init__(
        self,
        name: str,
        function: Callable[[Any, Sequence[Any], Sequence[Any]], Sequence[Any]],
        real: bool = False,
        node_name: str = "AddcdivBackward0",
    ):
        self.name = name
        self.function = function
        self.real = real
        self.node_name = node_name

    def __repr__(self) -> str:
        return f"<list op {self.name}>"


class _Repeated(Exception):
    """A tensor that is written stands in a list twice: one after the other has to be written."""


def _key(
    op: ListOp, static: Hashable, numbers: Sequence[Any], lists: Sequence[Sequence[Any]]
) -> tuple:
    """Return the key of a call, entering tensors and numbers into the trace on the way."""
    try:
        return _key_of(op, static, numbers, lists)
    except ReadAgain:
        return _key(op, static, numbers, lists)


def _key_of(
    op: ListOp, static: Hashable, numbers: Sequence[Any], lists: Sequence[Sequence[Any]]
) -> tuple:
    trace = local.trace
    key: list[Any] = [op, static, len(lists[0]), len(lists)]
    append = key.append
    base = trace.base
    for number in numbers:
        if number.__class__ is float:
            trace.floats.append(number)
            append(float)
        elif is_tensor(number):
            value = current_value(number)
            reference = value.place - base
            append(reference if -REACH < reference < REACH else trace.enter(value))
        else:
            trace.floats.append(float(number))
            append(float)
    inputs = trace.inputs
    device = trace.device
    simple = not local.several
    for tensors in lists:
        for tensor in tensors:
            value = tensor._value
            if tensor._alias is not None:
                value = current_value(tensor)
            reference = value.place - base
            if -REACH < reference < REACH:
                append(reference)
                continue
            array = value.array
            meta = value.meta
            if (
                simple
                and array is not None
                and meta.device is device
                and array.__class__ is not ndarray
            ):
                inputs.append(value)  # what ``Trace.enter`` does
                value.place = base - len(inputs)
                append(meta)
            else:
                append(trace.enter(value))
    return tuple(key)


def _find(
    op: ListOp,
    static: Hashable,
    numbers: Sequence[Any],
    lists: Sequence[Sequence[Any]],
    written: tuple[int, ...] | None,
) -> tuple[Trace, Node]:
    """Move the trace to the node of a call, which is made where the call is new."""
    trace = local.trace
    try:
        try:
            key = _key(op, static, numbers, lists)
        except SwitchDevice as wanted:
            trace.rollback()
            switch_device(wanted.device)
            trace = local.trace
            try:
                key = _key(op, static, numbers, lists)
            except SwitchDevice:
                trace.rollback()
                devices = {tensor._value.meta.device for tensors in lists for tensor in tensors}
                raise messages.device_mismatch(devices, op.name) from None
        node = trace.node.children.get(key)
        if node is None:
            arguments = (op, static, numbers, lists, written)
            if trace.node.mode.saved_tensors_hooks:
                node = saved_hooks.miss(trace, key, lambda: _add(trace, key, *arguments))
            else:
                if cutting.must_cut(trace.node):
                    trace.rollback()
                    cutting.cut(trace)
                    key = _key(op, static, numbers, lists)
                    node = trace.node.children.get(key)
                if node is None:
                    node = _add(trace, key, *arguments)
                    cutting.grown(trace, node)
        trace.node = node
        return trace, node
    except BaseException:
        local.trace.repair()
        raise


def write_lists(
    op: ListOp,
    static: Hashable,
    numbers: Sequence[Any],
    lists: Sequence[Sequence[Any]],
    written: tuple[int, ...],
) -> None:
    """Apply an operator to lists of tensors and overwrite some of the lists with its results.

    Args:
        op: the operator.
        static: what selects a formula.
        numbers: Python numbers and tensors of one element that all parameters share.
        lists: equally long lists of tensors on one device.
        written: which of the lists the results overwrite, in the order of the results.
    Raises:
        RuntimeError: gradients are recorded and a tensor to be written is a leaf that requires one.
    """
    if not lists[0]:
        return
    try:
        trace, node = _find(op, static, numbers, lists, written)
    except _Repeated:
        for at in range(len(lists[0])):
            write_lists(op, static, numbers, [[tensors[at]] for tensors in lists], written)
        return
    slot = node.slot
    metas = node.metas
    base = trace.base
    segment = trace.segment
    made = []
    try:
        for meta in metas:
            made.append(Value(base + slot, meta, segment, slot))
            slot += 1
        trace.values += made
    except BaseException:
        trace.repair()
        raise
    # All are held here: to write to memory that NumPy shares runs the trace in between.
    at = 0
    for index in written:
        for tensor in lists[index]:
            value = made[at]
            at += 1
            old = tensor._value
            meta = value.meta
            if tensor._alias is None and old.meta.grad != RESULT:
                # What ``overwrite`` does.
                if meta.grad == LEAF:
                    value.owner = old.owner
                if old.array is not None:
                    old.slot = -1
                tensor._value = value
                tensor._writes += 1
            else:
                overwrite(tensor, value)
    if config.EAGER:
        flush(trace, "JTORCH_EAGER")


def map_lists(
    op: ListOp,
    static: Hashable,
    numbers: Sequence[Any],
    lists: Sequence[Sequence[Any]],
    like: tuple[int, ...],
) -> list[list[Any]]:
    """Apply an operator to lists of tensors and return lists of new tensors.

    Args:
        op, static, numbers, lists: as for ``write_lists``.
        like: for each result the list whose metas the new tensors have, or -1 for tensors without
            dimensions in the dtype of the first list.
    """
    if not lists[0]:
        return [[] for _ in like]
    trace, node = _find(op, (static, like), numbers, lists, None)
    slot = node.slot
    tensors = []
    try:
        for meta in node.metas:
            value = Value(trace.base + slot, meta, trace.segment, slot)
            trace.values.append(value)
            tensors.append(wrap(value))
            slot += 1
    except BaseException:
        trace.repair()
        raise
    if config.EAGER:
        flush(trace, "JTORCH_EAGER")
    count = len(lists[0])
    return [tensors[at * count : (at + 1) * count] for at in range(len(like))]


# The first time at a place


def _add(
    trace: Trace,
    key: tuple,
    op: ListOp,
    static: Hashable,
    numbers: Sequence[Any],
    lists: Sequence[Sequence[Any]],
    written: tuple[int, ...] | None,
) -> Node:
    node = trace.node
    try:
        instruction = _instruction(trace, op, static, numbers, lists, written)
    except BaseException:
        trace.rollback()
        raise
    instruction.where = user_location()
    entered = tuple([value.meta for value in trace.inputs[node.n_inputs :]])
    return node.extend(key, instruction, entered, len(trace.floats), len(trace.ints))


def _instruction(
    trace: Trace,
    op: ListOp,
    static: Hashable,
    numbers: Sequence[Any],
    lists: Sequence[Sequence[Any]],
    written: tuple[int, ...] | None,
) -> Instruction:
    operands: list[Any] = []
    operand_metas: list[Meta | None] = []
    floats = trace.node.n_floats
    for number in numbers:
        if is_tensor(number):
            value = current_value(number)
            operands.append(trace.reference_of_known(value))
            operand_metas.append(value.meta)
        else:
            operands.append(("f", floats))
            operand_metas.append(None)
            floats += 1
    count, width = len(lists[0]), len(lists)
    metas_of = []
    for tensors in lists:
        if len(tensors) != count:
            raise AssertionError("lists of one operator are equally long")
        for tensor in tensors:
            value = current_value(tensor)
            operands.append(trace.reference_of_known(value))
            operand_metas.append(value.meta)
            metas_of.append(value.meta)
    shared = len(numbers)
    function, metas = _composed(op, static, shared, count, width, metas_of, written)
    gradients: tuple[int, ...] = ()
    saves: tuple[int, ...] = ()
    vjp = None
    replaced: tuple[int, ...] | None = None
    if written is not None:
        targets = [shared + index * count + at for index in written for at in range(count)]
        replaced = tuple([operands[position] for position in targets])
        if len(set(replaced)) != len(replaced):
            raise _Repeated
    if trace.mode.grad:
        gradients = tuple(
            [at for at, meta in enumerate(operand_metas) if meta is not None and meta.grad]
        )
        if gradients:
            if replaced is not None and any(meta.grad == LEAF for meta in metas):
                raise messages.leaf_inplace()
            saves = tuple(range(len(operands)))
            metas = tuple([_as_result(meta) for meta in metas])
    elif replaced is not None:
        # Autograd must not see the writes: leaves stay leaves, results keep their history.
        kept = tuple([at for at, meta in enumerate(metas) if meta.grad == RESULT])
        gradients = tuple([targets[at] for at in kept])

        def vjp(cotangents: Any, results: Any, arrays: Any) -> list[Any]:
            return [cotangents[at] for at in kept]

    return Instruction(
        op,
        function,
        tuple(operands),
        metas,
        gradient_operands=gradients,
        saves=saves,
        vjp=vjp,
        node_name=op.node_name,
        overwrites=replaced,
    )


def _as_result(meta: Meta) -> Meta:
    tracked = is_inexact(meta.dtype)
    return meta.with_grad(RESULT) if tracked else meta


def _composed(
    op: ListOp,
    static: Hashable,
    shared: int,
    count: int,
    width: int,
    metas_of: list[Meta],
    written: tuple[int, ...] | None,
) -> tuple[Callable, tuple[Meta, ...]]:
    """Return the function of all arrays, and the metas of its results, list by list."""
    if written is None:
        static, like = static  # type: ignore[misc]
    else:
        like = written
    metas = [
        metas_of[index * count + at]
        if index >= 0
        else make_meta((), metas_of[at].dtype, metas_of[at].device)
        for index in like
        for at in range(count)
    ]
    if written is None:
        metas = [meta.with_grad(NO_GRAD) for meta in metas]
    parts = op.real and any(meta.dtype.is_complex for meta in metas_of)
    one = functools.partial(_one, op.function, static, shared, tuple(like), parts)
    return Columns(one, shared, count, width, len(like)), tuple(metas)


def _one(
    function: Callable,
    static: Hashable,
    shared: int,
    like: tuple[int, ...],
    parts: bool,
    *arrays: Any,
) -> list[Any]:
    """Apply an operator to the tensors of one parameter.

    Args:
        function, static: of the operator.
        shared: how many of the arrays are numbers.
        like: for each result the list whose dtype it has, or -1 for the first.
        parts: whether complex arrays are taken for their real and imaginary parts.
    """
    numbers = [jnp.reshape(number, ()) for number in arrays[:shared]]
    given = arrays[shared:]
    own = [_real_parts(array) for array in given] if parts else list(given)
    results = function(static, numbers, own)
    return [
        _as_dtype(result, np.dtype(given[max(index, 0)].dtype))
        for result, index in zip(results, like, strict=True)
    ]


def _real_parts(array: Any) -> Any:
    """Return a complex array as a real one whose last dimension holds both parts."""
    if np.dtype(array.dtype).kind != "c":
        return array
    return jnp.stack([jnp.real(array), jnp.imag(array)], axis=-1)


def _as_dtype(array: Any, dtype: np.dtype) -> Any:
    if dtype.kind == "c" and array.dtype.kind != "c":
        return jnp.asarray(array[..., 0] + 1j * array[..., 1], dtype)
    return jnp.asarray(array, dtype)


# Values that exist without a program


def ready_full(like: Any, number: complex = 0.0) -> Any:
    """Return a tensor of one number, as ``full_like`` does, that no program has to make.

    A state of zeros that a program made would be a result in the first step and an input in all
    later ones: two programs.

    Args:
        like: the tensor whose shape, dtype, device and strides it has.
        number: its elements.
    """
    if like.__class__ in DISPATCHING:
        holder: Any = like
        if hasattr(holder, "__part__"):
            return holder.__with_part__(ready_full(holder.__part__(), number))
    meta = current_value(like).meta.with_grad(NO_GRAD)
    strides = meta.strides
    if memory_order(meta.shape, strides) is None:
        strides = None
    meta = make_meta(meta.shape, meta.dtype, meta.device, strides)
    if meta.device is META:
        return wrap(ready(NO_ELEMENTS, meta))
    array = np.full(meta.shape, number, meta.dtype._numpy)
    return wrap(ready(transfer.place(array, meta.device), meta))


def advance(counters: Sequence[Any], by: float = 1.0) -> list[float]:
    """Add to counters that live on the host, such as ``state["step"]``; return what they hold.

    Counters are tensors without dimensions whose numbers steer Python, as in PyTorch, which reads
    them with ``item()``. Their values stay NumPy's, so no program has them as inputs or results.

    Args:
        counters: tensors of one element.
        by: what is added to each.
    """
    numbers: list[float] = []
    known: Any = None
    made: Any = None
    before = number = 0.0
    for tensor in counters:
        old = tensor._value
        if old is not known or tensor._alias is not None:
            if not _is_host_counter(tensor, old):
                tensor.add_(by)
                numbers.append(tensor.item())
                continue
            array = np.asarray(old.array)
            if made is None or float(array) != before or old.meta is not made.meta:
                before = float(array)
                fresh = np.asarray(array + array.dtype.type(by))
                number = float(fresh)
                made = ready(fresh, old.meta)
            known = old
        numbers.append(number)
        tensor._value = made
        tensor._writes += 1
    return numbers


def host_number(tensor: Any) -> float:
    """Return the number in a counter; only one that is not on the host is read from its device."""
    if _is_host_counter(tensor, tensor._value):
        return float(np.asarray(tensor._value.array))
    return tensor.item()


def multiply(tensor: Any, factor: float) -> float:
    """Multiply a counter in place, in its own dtype, and return what it holds."""
    value = tensor._value
    if _is_host_counter(tensor, value):
        array = np.asarray(value.array)
        fresh = np.asarray(array * array.dtype.type(factor))
        tensor._value = ready(fresh, value.meta)
        tensor._writes += 1
        return float(fresh)
    tensor.mul_(factor)
    return tensor.item()


def set_host_number(tensor: Any, number: float) -> None:
    """Write a number to a counter in place."""
    value = tensor._value
    if _is_host_counter(tensor, value):
        tensor._value = ready(np.asarray(number, value.meta.dtype._numpy), value.meta)
        tensor._writes += 1
    else:
        tensor.fill_(number)


def _is_host_counter(tensor: Any, value: Value) -> bool:
    meta = value.meta
    return (
        tensor._alias is None
        and value.array is not None
        and meta.grad == NO_GRAD
        and meta.device is CPU
        and not meta.ndim
        and meta.dtype.is_floating_point
        and meta.dtype.itemsize >= 4
    )


def equal_numbers(numbers: Sequence[Any]) -> list[tuple[Any, list[int]]]:
    """Return each number with the positions that hold it."""
    first = numbers[0]
    if numbers.count(first) == len(numbers):
        return [(first, list(range(len(numbers))))]
    found: dict[Any, list[int]] = {}
    for at, number in enumerate(numbers):
        found.setdefault(number, []).append(at)
    return list(found.items())
