"""Tensors that take over the memory of another: parameters, and ``tensor.data = other``.

A parameter shares the memory of the tensor that it was made of. Mostly that tensor was made for the
purpose and is gone a moment later, and then there is nothing to share it with: the parameter is a
tensor without an alias again, which is read and written faster.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any

from ..._core import messages
from ..._core.dtypes import is_inexact
from ..graph import primitives
from ..graph.values import LEAF, NO_GRAD, RESULT, is_tensor, ready
from ..recording.record import record, wrap
from ..recording.storage import Alias, current_value, note_other_memory, storage_of
from ..recording.trace import local
from .chains import Step, with_history

_watched: dict[int, weakref.ref] = {}  # by identity: equal references compare their tensors


def adopt(tensor: Any, source: Any, requires_grad: bool, counter: list[int] | None = None) -> None:
    """Let a tensor be a leaf in the memory of another.

    Args:
        tensor: what becomes the leaf; whatever it held is forgotten.
        source: the tensor whose memory it is.
        requires_grad: whether gradients flow to the leaf.
        counter: the version counter of the leaf; by default that of ``source``.
    Raises:
        RuntimeError: the dtype has no gradients.
    """
    value = current_value(source)
    meta = value.meta
    if requires_grad and meta.inference and not local.trace.mode.inference:
        raise messages.inference_requires_grad()
    flag = LEAF if requires_grad else NO_GRAD
    shared = storage_of(source)
    steps = source._alias.steps
    if value.array is None:
        own = primitives.detach if counter is None else primitives.data
        value = record(own, (source,), {})
        if requires_grad:
            value = record(primitives.as_leaf, (wrap(value),), {})
    else:
        value = ready(value.array, meta.with_grad(flag))
    if requires_grad:
        value.owner = weakref.ref(tensor)
    detach = Step(primitives.detach, ())
    alias = Alias(shared, steps if steps[-1:] == (detach,) else (*steps, detach), None)
    alias.leaf = requires_grad
    if counter is not None:
        alias.counter = counter
    tensor._value = value
    tensor._alias = alias
    if len(alias.steps) == 1 and shared.host is None:
        _watch(source, tensor)


def _watch(source: Any, tensor: Any) -> None:
    """Give a leaf its memory for itself when the other tensor is gone and was the only other."""
    leaf = weakref.ref(tensor)

    def gone(reference: weakref.ref) -> None:
        _watched.pop(id(reference), None)
        survivor = leaf()
        if survivor is None:
            return
        alias = survivor._alias
        if alias is None or len(alias.steps) != 1:
            return
        shared = alias.storage
        if sys.getrefcount(shared) > _ALONE or shared.host is not None:
            return
        if alias.seen == shared.version:
            survivor._writes = alias.counter[0]
            survivor._alias = None

    reference = weakref.ref(source, gone)
    _watched[id(reference)] = reference


def set_data(tensor: Any, source: Any) -> None:
    """Let a tensor share the memory of another from now on (``tensor.data = source``).

    Raises:
        TypeError: ``source`` is no tensor.
        RuntimeError: gradients of the tensor cannot have the new dtype.
    """
    if not is_tensor(source):
        raise TypeError(f"Variable data has to be a tensor, but got {type(source).__name__}")
    grad = current_value(tensor).meta.grad
    new = current_value(source)
    dtype = new.meta.dtype
    if grad != NO_GRAD and not is_inexact(dtype):
        raise RuntimeError(
            "data set to a tensor that requires gradients must be floating point or complex dtype"
        )
    if source is tensor:
        return
    old = current_value(tensor)
    counter = [tensor._writes] if tensor._alias is None else tensor._alias.counter
    if grad == RESULT:
        if new.meta.numel != old.meta.numel or dtype is not old.meta.dtype:
            raise NotImplementedError("setting .data of a result to other sizes or another dtype")
        adopt(tensor, source, False, counter)
        tensor._value = with_history(old, tensor._value)
        tensor._alias.keeps = True
    else:
        adopt(tensor, source, grad == LEAF, counter)
    note_other_memory(old, tensor, counter)


_PARTS = ("_value", "_alias", "_writes", "_extra")


def swap_tensors(t1: Any, t2: Any) -> None:
    """Exchange two tensors: their class, their memory and everything that a user gave them.

    Args:
        t1, t2: the tensors; whoever refers to one of them has what the other was.
    """
    first = {name: getattr(t1, name) for name in _PARTS}
    second = {name: getattr(t2, name) for name in _PARTS}
    first_class, second_class = type(t1), type(t2)
    t1.__class__, t2.__class__ = second_class, first_class
    first_dict, second_dict = dict(t1.__dict__), dict(t2.__dict__)
    for tensor, parts, attributes in ((t1, second, second_dict), (t2, first, first_dict)):
        tensor.__dict__.clear()
        tensor.__dict__.update(attributes)
        for name, part in parts.items():
            setattr(tensor, name, part)
        if tensor._value.meta.grad == LEAF:
            tensor._value.owner = weakref.ref(tensor)


class _Count:
    """Stands for a storage, to find out how many references ``gone`` sees of one without sharers.

    At that moment the tensor that dies still has its alias: what it is depends on the interpreter.
    """

    __slots__ = ("storage", "__weakref__")

    storage: Any


def _count_alone() -> int:
    found: list[int] = []
    shared = object()

    def gone(reference: weakref.ref) -> None:
        survivor = leaf()
        assert survivor is not None
        seen = survivor.storage
        found.append(sys.getrefcount(seen))

    first, second = _Count(), _Count()
    first.storage = second.storage = shared
    del shared
    leaf = weakref.ref(second)
    reference = weakref.ref(first, gone)
    del first
    del reference
    return found[0]


#: References to a storage that two tensors share, one of which is dying.
_ALONE = _count_alone()
