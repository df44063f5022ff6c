"""Recording: what happens, in nanoseconds, when an operator is called.

A recorder is a function made for one operator. It turns the arguments into a key, looks the key up
in the children of the trie node that the trace stands on, and on a hit makes the result's ``Value``
and tensor. Everything else (checks, promotion, shapes) is on the way of a miss, in ``planning``.

How an argument enters the key:

=================  ==========================================================================
tensor             its reference (int) or, on first use in this trace, its ``Meta``
float, int         where it is an input of the program: the class; else the number itself
bool, float        where it is a constant: a pair with its class, since ``1 == 1.0 == True``
list, tuple        a tuple of the above
other              itself; it has to be hashable
=================  ==========================================================================
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..._core import config, messages
from ..._core.device import CPU, Device
from ..._core.dtypes import is_inexact
from ..._core.promotion import can_cast
from ..._core.schema.types import to_number
from ..._core.size import Size
from ..._core.structseq import RETURN_TYPES
from ..graph.op import Op
from ..graph.values import Meta, Value, is_tensor, ready
from . import overrides, planning, saved_hooks
from .out import GENERAL, POLICIES
from .overrides import NotPlain, Overridden
from .storage import ReadAgain, current_value, overwrite, slow
from .trace import REACH, SwitchDevice, Trace, flush, local

_LEAST_INT, _MOST_INT = -(2**63), 2**63 - 1

_new = object.__new__


class _NoTensorYet:
    """Stands for the Tensor class until ``set_tensor_class`` names it."""


Tensor: Any = _NoTensorYet
Parameter: Any = _NoTensorYet


def set_tensor_class(cls: type) -> None:
    """Tell which class results have."""
    global Tensor
    Tensor = cls


def tensor_class() -> Any:
    """Return the class that results have."""
    return Tensor


def set_parameter_class(cls: type) -> None:
    """Tell which subclass is the usual one of tensors that the user made."""
    global Parameter
    Parameter = cls


def wrap(value: Value) -> Any:
    """Return a new tensor that holds a value."""
    tensor = _new(Tensor)
    tensor._value = value
    tensor._alias = None
    tensor._writes = 0
    tensor._extra = None
    return tensor


saved_hooks.wrap = wrap


def fresh(array: Any, meta: Meta) -> Any:
    """Return a new tensor of an array that was made for it, and not by an operator."""
    return wrap(ready(array, meta.with_inference(local.trace.mode.inference)))


def reference_of(trace: Trace, value: Value) -> Any:
    """Return how a key names a value: its reference, or its Meta where it is new to the trace."""
    reference = value.place - trace.base
    if -REACH < reference < REACH:
        return reference
    return trace.enter(value)


def encode(op: Op, trace: Trace, args: tuple, kwargs: dict) -> tuple:
    """Return the key of a call, entering tensors and numbers into the trace on the way."""
    key: list[Any] = [op]
    append = key.append
    dynamic = op.dynamic
    plain = not op.special  # then ``dynamic`` alone decides as ``is_input`` does
    base = trace.base
    position = 0
    for arg in args:
        cls = arg.__class__
        if cls is Tensor or cls is Parameter:
            value = arg._operand
            if arg._alias is not None:
                value = current_value(arg)
            reference = value.place - base
            if -REACH < reference < REACH:
                append(reference)
            else:
                append(trace.enter(value))
        elif cls is int:
            if position not in dynamic:
                append(arg)
            elif plain or op.is_input(position, arg):
                _take_int(trace, arg)
                append(int)
            else:
                append((cls, arg))
        elif cls is float and plain and position in dynamic:
            trace.floats.append(arg)
            append(float)
        else:
            append(_encode_other(op, trace, arg, position))
        position += 1  # noqa: SIM113  (enumerate would be slower here)
    if kwargs:
        for name, arg in kwargs.items():
            append(name)
            cls = arg.__class__
            if cls is float and plain and name in dynamic:
                trace.floats.append(arg)
                append(float)
            elif cls is int and op.is_input(name, arg):
                _take_int(trace, arg)
                append(int)
            else:
                append(arg if cls is int else _encode_other(op, trace, arg, name))
    return tuple(key)


planning.set_encoder(encode)


def _take_int(trace: Trace, number: int) -> None:
    if not _LEAST_INT <= number <= _MOST_INT:
        raise OverflowError("Overflow when unpacking long long")
    trace.ints.append(number)


#: Of what is an instance of a subclass of these, ``recover`` makes one of the class itself.
_PLAIN_CLASSES = (int, float, complex, np.generic, list, tuple)


def _encode_other(op: Op, trace: Trace, arg: Any, place: int | str) -> Any:
    cls = arg.__class__
    if cls is float:
        if op.is_input(place, arg):
            trace.floats.append(arg)
            return float
        return (cls, arg)
    if cls is bool or cls is complex:
        return (cls, arg)
    if cls is tuple or cls is list:
        return (cls, *[_encode_element(op, trace, element) for element in arg])
    if arg is None or cls is Size:
        return arg
    if is_tensor(arg):
        arg._operand  # noqa: B018  (raises where its class may override the call)
        return reference_of(trace, current_value(arg))
    if isinstance(arg, (_PLAIN_CLASSES, Tensor)):
        raise TypeError  # a number or a list of a class of its own: see ``recover``
    return arg


def _encode_element(op: Op, trace: Trace, element: Any) -> Any:
    cls = element.__class__
    if cls is int or element is None:
        return element
    if cls is float or cls is bool or cls is complex:
        return (cls, element)
    if cls is Tensor or cls is Parameter:
        value = element._operand
        return reference_of(trace, value if element._alias is None else current_value(element))
    if is_tensor(element):
        element._operand  # noqa: B018
        return reference_of(trace, current_value(element))
    if cls is tuple or cls is list:
        return (cls, *[_encode_element(op, trace, inner) for inner in element])
    if isinstance(element, (_PLAIN_CLASSES, Tensor)):
        raise TypeError
    return element


def record(op: Op, args: tuple, kwargs: dict, method: bool = False) -> Any:
    """Record a call of an operator and return its value, or a tuple of values."""
    trace = local.trace
    try:
        key = encode(op, trace, args, kwargs)
        node = trace.node.children.get(key)
    except ReadAgain:
        return record(op, args, kwargs, method)
    except (AttributeError, TypeError, OverflowError):
        trace.rollback()
        return recover(op, args, kwargs, method)
    except BaseException:
        trace.repair()
        raise
    try:
        if node is None:
            node = planning.miss(op, trace, key, args, kwargs, method)
        trace.node = node
        slot = node.slot
        metas = node.metas
        base = trace.base
        if len(metas) == 1:
            value = Value(base + slot, node.meta, trace.segment, slot)
            trace.values.append(value)
            return value
        values = []
        for meta in metas:
            value = Value(base + slot, meta, trace.segment, slot)
            trace.values.append(value)
            values.append(value)
            slot += 1
        return tuple(values)
    except BaseException:
        trace.repair()
        raise


def make_general(op: Op, method: bool) -> Callable:
    """Return the recorder of an operator of any signature."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs and kwargs.get("out") is not None:
            return write_out(op, args, kwargs, method)
        try:
            result = record(op, args, kwargs, method)
        except Overridden as found:
            return overrides.dispatch_operator(op, method, found, args, kwargs)
        if result.__class__ is Value:
            return wrap(result)
        results = tuple([wrap(value) for value in result])
        return results if op.returns is None else op.returns(results)

    return call if op.check_data is None else checking(call, op.check_data)


def checking(call: Callable, check: Callable[[tuple, dict], None]) -> Callable:
    """Return a form of an operator that looks at the elements it is given in every call."""

    def checked(*args: Any, **kwargs: Any) -> Any:
        check(args, kwargs)
        return call(*args, **kwargs)

    return checked


def write_out(op: Op, args: tuple, kwargs: dict, method: bool) -> Any:
    """Run the ``out=`` form: the result is written to a tensor that exists, resized to fit."""
    found = overrides.overloaded((*args, *kwargs.values()))
    if found or overrides.active_modes():
        return overrides.dispatch_operator(op, method, Overridden(found), args, kwargs)
    kwargs = dict(kwargs)
    out = kwargs["out"]
    op.schema.bind(args[1:] if method else args, kwargs, method)
    del kwargs["out"]
    trace = local.trace
    several = isinstance(out, (tuple, list))
    targets = tuple(out) if several else (out,)
    if trace.mode.grad:
        tensors = _tensors((*args, *kwargs.values()))
        if any(t._value.meta.grad for t in (*targets, *tensors)):
            raise messages.out_requires_grad(op.name)
    policy = POLICIES.get(op.name, GENERAL)
    if policy.decides_dtype and kwargs.get("dtype") is None:
        kwargs["dtype"] = out.dtype  # PyTorch accumulates in the dtype of ``out``
    mode = trace.mode
    if mode.autocast is not None:  # PyTorch converts nothing where the result has a place
        trace.set_mode(mode._replace(autocast=None))
    results = record(op, args, kwargs, method)
    if mode.autocast is not None:
        local.trace.set_mode(mode)
    values = results if isinstance(results, tuple) else (results,)
    operands = _tensors((*args, *kwargs.values()))
    for value, target in zip(values, targets, strict=True):
        meta = target._value.meta
        if getattr(op.kind, "refuses_self_overlap", False):
            _refuse_self_overlap(meta)
            if value.meta.shape != meta.shape and any(each is target for each in operands):
                raise messages.inplace_shape(meta.shape, value.meta.shape)
        assign_out(target, value, op.name, operands, layout=policy.layout)
    return out if op.returns_out is None else op.returns_out(out)


def _refuse_self_overlap(meta: Any) -> None:
    repeated = any(step == 0 and n > 1 for n, step in zip(meta.shape, meta.strides, strict=True))
    if repeated and meta.numel:
        raise messages.overlapping_write()


def assign_out(
    target: Any,
    value: Value,
    name: str = "",
    operands: Iterable[Any] = (),
    layout: bool = False,
) -> None:
    """Write a result to the tensor given as ``out``.

    Args:
        target: the tensor.
        value: the result.
        name: the operator.
        operands: the tensors that it was computed from.
        layout: whether a tensor of another shape is given the result's strides too.
    """
    policy = POLICIES.get(name, GENERAL)
    meta, made = target._value.meta, value.meta.dtype
    if made is not meta.dtype:
        castable = can_cast(made, meta.dtype)
        error = policy.dtype_error(name, made, meta.dtype, castable)
        if error is not None:
            raise error
        if not castable and not policy.any_dtype:
            raise messages.cannot_cast_result(made._legacy_name, meta.dtype._legacy_name)
    if policy.overlap == "refuse":
        _refuse_self_overlap(meta)
    for operand in operands:
        if policy.overlap is not None:
            slow.refuse_overlap(target, operand)
        elif target._alias is not None:
            slow.check_overlap(target, operand)
    result = wrap(value)
    if value.meta.shape != meta.shape:
        if meta.numel:
            messages.warn_out_resized(meta.shape, value.meta.shape)
        target.resize_(value.meta.shape)
        strides = value.meta.strides
        if layout and strides != target._value.meta.strides and 0 not in strides:
            extent = 1 + sum(
                (n - 1) * step for n, step in zip(value.meta.shape, strides, strict=True)
            )
            if extent > value.meta.numel > 0:
                target.resize_((extent,))  # LAPACK's results lie in taller matrices
            target.as_strided_(value.meta.shape, strides)
    target.copy_(result)


def write_result(
    out: Any, result: Any, name: str, operands: Iterable[Any] = (), layout: bool = False
) -> Any:
    """Write a composite's result to the tensor given as ``out``.

    Args:
        out: the tensor.
        result: the result.
        name: the operator.
        operands: the tensors that it was computed from.
        layout: whether a tensor of another shape is given the result's strides too.
    """
    if local.trace.mode.grad and (out._value.meta.grad or result._value.meta.grad):
        raise messages.out_requires_grad(name)
    assign_out(out, current_value(result), name, operands, layout)
    return out


def write_results(out: Any, results: Any, name: str, operands: Iterable[Any]) -> Any:
    """Write the result, or each of several results, of a function made of other operators.

    Args:
        out: a tensor, or as many as there are results.
        results: a tensor or a tuple.
        name: the function.
        operands: its arguments, among them the tensors that the results were computed from.
    """
    tensors = [value for value in operands if is_tensor(value)]
    if not isinstance(results, tuple):
        return write_result(out, results, name, tensors)
    for target, value in zip(out, results, strict=True):
        write_result(target, value, name, tensors)
    packed = RETURN_TYPES.get(f"{name}_out")
    return tuple(out) if packed is None else packed(out)


def make_unary(op: Op, method: bool) -> Callable:
    """Return the recorder of an operator that usually has one argument, a tensor."""
    general = make_general(op, method)

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != 1:
            return general(*args, **kwargs)
        input = args[0]
        trace = local.trace
        try:
            value = input._operand
            if input._alias is not None:
                value = current_value(input)
            reference = value.place - trace.base
            if not -REACH < reference < REACH:
                reference = trace.enter(value)
        except AttributeError:
            trace.rollback()
            return general(input)
        except BaseException:
            trace.repair()
            raise
        key = (op, reference)
        try:
            node = trace.node.children.get(key)
            if node is None:
                node = planning.miss(op, trace, key, (input,), {}, method)
            trace.node = node
            slot = node.slot
            value = Value(trace.base + slot, node.meta, trace.segment, slot)
            trace.values.append(value)
        except BaseException:
            trace.repair()
            raise
        result = _new(Tensor)
        result._value = value
        result._alias = None
        result._writes = 0
        result._extra = None
        return result

    return call


def _make_binary_key(op: Op) -> Callable:
    """Return the function that turns two arguments into a key (the operators' hot path)."""
    special = op.special

    def make_key(trace: Any, input: Any, other: Any) -> Any:
        base = trace.base
        value = input._operand
        if input._alias is not None:
            value = current_value(input)
        left = value.place - base
        if not -REACH < left < REACH:
            left = trace.enter(value)
        cls = other.__class__
        if cls is float:
            if special and (cls, other) in special:
                return (op, left, (cls, other))
            trace.floats.append(other)
            return (op, left, float)
        if cls is int:
            if special and (cls, other) in special:
                return (op, left, (cls, other))
            if not _LEAST_INT <= other <= _MOST_INT:
                raise AttributeError
            trace.ints.append(other)
            return (op, left, int)
        value = other._operand
        if other._alias is not None:
            value = current_value(other)
        right = value.place - base
        if not -REACH < right < REACH:
            right = trace.enter(value)
        return (op, left, right)

    return make_key


def make_binary(op: Op, method: bool) -> Callable:
    """Return the recorder of an operator that usually has two arguments, tensors or numbers."""
    general = make_general(op, method)
    make_key = _make_binary_key(op)

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != 2:
            return general(*args, **kwargs)
        input, other = args
        trace = local.trace
        try:
            key = make_key(trace, input, other)
        except AttributeError:
            trace.rollback()
            return general(input, other)
        except BaseException:
            trace.repair()
            raise
        try:
            node = trace.node.children.get(key)
            if node is None:
                node = planning.miss(op, trace, key, (input, other), {}, method)
            trace.node = node
            slot = node.slot
            value = Value(trace.base + slot, node.meta, trace.segment, slot)
            trace.values.append(value)
        except BaseException:
            trace.repair()
            raise
        result = _new(Tensor)
        result._value = value
        result._alias = None
        result._writes = 0
        result._extra = None
        return result

    return call


def _refused(other: Any) -> Any:
    return NotImplemented


#: What Python operators make of operands of classes that they do not know: a tensor, or
#: ``NotImplemented``.
CONVERSIONS: dict[str, Callable[[Any], Any]] = {}


def make_operator(op: Op, name: str = "") -> Callable:
    """Return the recorder behind a Python operator: ``a + b``, with ``NotImplemented``.

    Args:
        op: the operator.
        name: of the method, such as ``__add__``.
    """
    general = make_general(op, True)
    special = op.special

    def operator(input: Any, other: Any, modulo: Any = None) -> Any:
        if modulo is not None:  # of ``pow``
            return NotImplemented
        trace = local.trace
        try:
            value = input._operand
            if input._alias is not None:
                value = current_value(input)
            base = trace.base
            left = value.place - base
            if not -REACH < left < REACH:
                left = trace.enter(value)
            cls = other.__class__
            key: tuple[Any, ...]
            if cls is float:
                if special and (cls, other) in special:
                    key = (op, left, (cls, other))
                else:
                    trace.floats.append(other)
                    key = (op, left, float)
            elif cls is int:
                if special and (cls, other) in special:
                    key = (op, left, (cls, other))
                elif _LEAST_INT <= other <= _MOST_INT:
                    trace.ints.append(other)
                    key = (op, left, int)
                else:
                    raise AttributeError
            else:
                value = other._operand
                if other._alias is not None:
                    value = current_value(other)
                right = value.place - base
                if not -REACH < right < REACH:
                    right = trace.enter(value)
                key = (op, left, right)
        except AttributeError:
            trace.rollback()
            if not isinstance(input, Tensor):  # called as ``Tensor.__add__(1, x)``
                if name == "__rsub__":  # written in Python by PyTorch, which tries the other side
                    return NotImplemented
                raise messages.not_a_tensor(name, input) from None
            if not planning.is_operand(other):
                converted = CONVERSIONS.get(name, _refused)(other)
                if converted is NotImplemented:
                    return overrides.offer(name, input, other)
                other = converted
            return general(input, other)
        except BaseException:
            trace.repair()
            raise
        try:
            node = trace.node.children.get(key)
            if node is None:
                node = planning.miss(op, trace, key, (input, other), {}, True)
            trace.node = node
            slot = node.slot
            value = Value(trace.base + slot, node.meta, trace.segment, slot)
            trace.values.append(value)
        except BaseException:
            trace.repair()
            raise
        result = _new(Tensor)
        result._value = value
        result._alias = None
        result._writes = 0
        result._extra = None
        return result

    return operator


#: Stands for the tensor that an in-place function was not given.
_NO_TENSOR: Any = object()


def make_inplace(op: Op, method: bool = True) -> Callable:
    """Return the recorder of an in-place operator (``op`` is the in-place variant)."""
    make_key = _make_binary_key(op)
    check, looks_at_all = op.check_data, op.checks_operands

    def with_one(self: Any, other: Any) -> Any:
        trace = local.trace
        try:
            key = make_key(trace, self, other)
        except BaseException:
            trace.repair()
            raise
        try:
            node = trace.node.children.get(key)
            if node is None:
                try:
                    node = planning.miss(op, trace, key, (self, other), {}, method)
                except (RuntimeError, IndexError):
                    _explain_write(self, (other,))
                    raise
            trace.node = node
            slot = node.slot
            value = Value(trace.base + slot, node.meta, trace.segment, slot)
            trace.values.append(value)
        except BaseException:
            trace.repair()
            raise
        if self._alias is not None and other.__class__ is Tensor and other._alias is not None:
            slow.check_overlap(self, other)
        overwrite(self, value)
        return self

    takes_tensor = check is None or not looks_at_all
    takes_number = takes_tensor and 1 in op.dynamic

    def call(self: Any = _NO_TENSOR, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            cls = args[0].__class__
            if takes_number if cls is float else takes_tensor and cls is Tensor:
                try:
                    return with_one(self, args[0])
                except (SwitchDevice, NotPlain, Overridden, ReadAgain):
                    local.trace.rollback()
        if check is not None and (looks_at_all or kwargs):
            check((self, *args), kwargs)
        try:
            value = record(op, (self, *args), kwargs, method)
        except Overridden as found:
            return overrides.dispatch_operator(op, method, found, (self, *args), kwargs)
        except (RuntimeError, IndexError):
            _explain_write(self, args)
            raise
        except TypeError:
            if self is _NO_TENSOR:
                op.schema.bind(args, kwargs)
            raise
        if self._alias is not None:
            for arg in args:
                if arg.__class__ is Tensor and arg._alias is not None:
                    slow.check_overlap(self, arg)
        overwrite(self, value)
        return self

    return call


def _explain_write(tensor: Any, others: tuple) -> None:
    """Raise what PyTorch says before anything else: that the tensor cannot be written."""
    if not is_tensor(tensor):
        return
    slow.check_write(tensor, others)
    for other in others:
        if is_tensor(other):
            slow.check_overlap(tensor, other)


def make_inplace_operator(op: Op, name: str = "") -> Callable:
    """Return the recorder behind ``a += b``.

    Args:
        op: the in-place operator.
        name: of the method, such as ``__iadd__``.
    """
    make_key = _make_binary_key(op)
    general = make_inplace(op)

    def operator(self: Any, other: Any) -> Any:
        trace = local.trace
        try:
            key = make_key(trace, self, other)
        except AttributeError:
            trace.rollback()
            if not planning.is_operand(other):
                converted = CONVERSIONS.get(name, _refused)(other)
                if converted is NotImplemented:
                    return overrides.offer(name, self, other)
                other = converted
            return general(self, other)
        except BaseException:
            trace.repair()
            raise
        try:
            node = trace.node.children.get(key)
            if node is None:
                try:
                    node = planning.miss(op, trace, key, (self, other), {}, True)
                except (RuntimeError, IndexError):
                    _explain_write(self, (other,))
                    raise
            trace.node = node
            slot = node.slot
            value = Value(trace.base + slot, node.meta, trace.segment, slot)
            trace.values.append(value)
        except BaseException:
            trace.repair()
            raise
        if self._alias is not None and other.__class__ is Tensor and other._alias is not None:
            slow.check_overlap(self, other)
        overwrite(self, value)
        return self

    return operator


def recover(op: Op, args: tuple, kwargs: dict, method: bool) -> Any:
    """Find out why a call could not be encoded: another device, or a wrong argument.

    Returns:
        The value or values, where the call is right after all.
    """
    overrides.check(args, kwargs)
    trace = local.trace
    for arg in (*args, *kwargs.values()):
        refusal = getattr(type(arg), "_refusal", None)
        if refusal is not None and not is_tensor(arg):  # a parameter without a shape yet
            raise refusal(_builtin_name(op, method))
    tensors = _tensors((*args, *kwargs.values()))
    devices = {tensor._value.meta.device for tensor in tensors}
    if len(devices) > 1:
        others = devices - {CPU}
        if len(others) == 1 and not any(
            tensor._value.meta.ndim or trace.is_mapped(tensor._value)
            for tensor in tensors
            if tensor._value.meta.device is CPU
        ):
            # PyTorch lets tensors without dimensions join from the CPU.
            place = others.pop()
            args = tuple([_on_device(arg, place) for arg in args])
            kwargs = {name: _on_device(arg, place) for name, arg in kwargs.items()}
            return record(op, args, kwargs, method)
        raise messages.device_mismatch(devices, op.name)
    if devices and devices != {trace.device}:
        if trace.captures:
            with trace.outside_for(map(current_value, tensors)):
                return record(op, args, kwargs, method)
        switch_device(next(iter(devices)))
        return record(op, args, kwargs, method)
    op.schema.bind(args[1:] if method else args, kwargs, method)  # raises with PyTorch's words
    floating = any(is_inexact(tensor._value.meta.dtype) for tensor in tensors)
    plain_args = tuple([_plain(value, floating) for value in args])
    plain_kwargs = {name: _plain(value, floating) for name, value in kwargs.items()}
    try:
        hash(encode(op, trace, plain_args, plain_kwargs))
    except (AttributeError, TypeError, OverflowError):
        values = (*plain_args, *plain_kwargs.values())
        wrong = next((value for value in values if not _hashable(value)), values[-1])
        raise TypeError(
            f"{op.name}(): cannot take an argument of type {type(wrong).__name__}"
        ) from None
    finally:
        trace.rollback()
    return record(op, plain_args, plain_kwargs, method)


def _builtin_name(op: Op, method: bool) -> str:
    """Return how PyTorch shows the function that an operator is called by."""
    if method:
        return f"<method '{op.name}' of 'torch._C.TensorBase' objects>"
    return f"<built-in method {op.name} of type object>"


def _on_device(value: Any, device: Device) -> Any:
    return value.to(device) if is_tensor(value) else value


def switch_device(device: Device) -> None:
    """Run what is pending and record for another device from now on."""
    trace = local.trace
    if trace.captures:
        trace.refuse_device()
    flush(trace, "switch to another device")
    trace.device = device


def _tensors(values: tuple) -> list[Any]:
    found = []
    for value in values:
        if is_tensor(value):
            found.append(value)
        elif isinstance(value, (tuple, list)):
            found.extend(item for item in value if is_tensor(item))
    return found


def _plain(value: Any, floating: bool) -> Any:
    """Return what a call is recorded with: plain numbers, and lists of Python's own class.

    Args:
        value: an argument.
        floating: whether it meets floating point. PyTorch takes an int of 64 bits that has no sign;
            among integers it wraps around.
    """
    cls: Any
    for cls in (int, float, complex):  # NumPy's float64 and complex128 among them
        if isinstance(value, cls) and value.__class__ is not bool:
            value = cls(value)
    if isinstance(value, np.generic):
        value = to_number(value.real)  # binding has warned of the part that is dropped
    if isinstance(value, np.ndarray):
        return tuple(value.tolist())
    if isinstance(value, (list, tuple)):
        plain = [_plain(each, floating) for each in value]
        return plain if isinstance(value, list) else tuple(plain)
    if value.__class__ is int and _MOST_INT < value < 2**64:
        return float(value) if floating else value - 2**64
    return value


def _hashable(value: Any) -> bool:
    if is_tensor(value):
        return True
    try:
        hash(tuple(value) if isinstance(value, list) else value)
    except TypeError:
        return False
    return True


def _at_once(make: Callable) -> Callable:
    """Return a maker of recorders that run what they have recorded, to debug."""

    def make_eager(*args: Any, **kwargs: Any) -> Callable:
        call = make(*args, **kwargs)

        @functools.wraps(call)
        def eager(*args: Any, **kwargs: Any) -> Any:
            result = call(*args, **kwargs)
            flush(local.trace, "JTORCH_EAGER")
            return result

        return eager

    return make_eager


if config.EAGER:
    make_general = _at_once(make_general)
    make_unary = _at_once(make_unary)
    make_binary = _at_once(make_binary)
    make_operator = _at_once(make_operator)
    make_inplace = _at_once(make_inplace)
    make_inplace_operator = _at_once(make_inplace_operator)
