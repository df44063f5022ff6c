"""Copies of tensors by Python's ``copy`` and ``pickle``."""

from __future__ import annotations

import copy
from typing import Any

from .._engine.declare import publish
from .._engine.graph.memory import memory_of
from .._engine.graph.values import LEAF, NO_GRAD, RESULT, is_tensor, make_meta, ready
from .._engine.memory.chains import read_chain
from .._engine.recording import record
from .._engine.recording.overrides import overrides_calls
from .._engine.recording.record import wrap
from .._engine.recording.storage import Alias, current_value, is_flipped, storage_of
from .subclasses import Overriding


def deep_copy(self: Any, memo: dict) -> Any:
    """Return a leaf of equal content, with a gradient of its own.

    Raises:
        RuntimeError: the tensor is a result of a recorded operator.
    """
    if id(self) in memo:
        return memo[id(self)]
    meta = current_value(self).meta
    if meta.grad == RESULT:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment.  If you were attempting to deepcopy a module, this may be "
            "because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001"
        )
    cls = type(self)
    if overrides_calls(cls) and type(self.new_empty([])) is not cls:
        raise RuntimeError(
            "The default implementation of __deepcopy__() for non-wrapper subclasses "
            "only works for subclass types that implement new_empty() and for which "
            "that function returns another instance of the same subclass. You should "
            "either properly implement new_empty() for your subclass or override "
            "__deepcopy__() if it is intended behavior for new_empty() to return "
            "an instance of a different type."
        )
    result = _of_class(type(self), _unshared(self, memo))
    if meta.grad == LEAF:
        result.requires_grad_()
    memo[id(self)] = result
    if self.grad is not None:
        result.grad = copy.deepcopy(self.grad, memo)
    if self.__dict__:
        result.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return result


def _of_class(cls: type, plain: Any) -> Any:
    """Return a plain tensor as one of a subclass."""
    if cls is record.Tensor:
        return plain
    result: Any = object.__new__(cls)
    for slot in ("_value", "_alias", "_writes", "_extra"):
        setattr(result, slot, getattr(plain, slot))
    return result


def _unshared(tensor: Any, memo: dict) -> Any:
    """Return a tensor of equal content in memory of its own, which costs nothing until written.

    Args:
        tensor: the tensor. Of a view all memory is copied, and what else lies in it lies in the
            same copy.
        memo: what was copied so far: of ``copy.deepcopy``.
    """
    value = current_value(tensor)
    alias = tensor._alias
    if alias is not None and alias.steps and not is_flipped(tensor):
        shared = alias.storage
        copied = memo.get(id(shared))
        if copied is None:
            copied = memo[id(shared)] = storage_of(_unshared(wrap(shared.value), memo))
        result = wrap(read_chain(copied.value, alias.steps, NO_GRAD))
        result._alias = Alias(copied, alias.steps, None)
        return result
    if alias is not None and not alias.steps:
        copied = memo.get(id(alias.storage))
        if copied is not None:
            result = wrap(copied.value)
            result._alias = Alias(copied, (), None)
            return result
    meta = value.meta
    if value.array is not None:
        plain = make_meta(meta.shape, meta.dtype, meta.device, meta.strides, NO_GRAD)
        result = wrap(ready(value.array, plain))
    else:
        result = tensor.detach().clone()
    if alias is not None and not alias.steps:
        memo[id(alias.storage)] = storage_of(result)
    return result


def _defines_reduce(cls: type) -> bool:
    """Tell whether a class says itself how it is pickled."""
    for base in cls.__mro__:
        if base is record.Tensor:
            break
        if base is not Overriding and "__reduce_ex__" in base.__dict__:
            return True
    return False


def shallow_copy(self: Any) -> Any:
    """Return a leaf that shares the memory, with a version counter of its own and no gradient."""
    cls = type(self)
    if _defines_reduce(cls) or not is_tensor(self):
        return copy._reconstruct(self, None, *self.__reduce_ex__(4))  # type: ignore[attr-defined]
    from ..utils.hooks import warn_if_has_hooks

    warn_if_has_hooks(self)
    is_parameter = issubclass(cls, record.Parameter)
    # What PyTorch makes of a subclass of Parameter is a Parameter.
    result = _of_class(record.Parameter if is_parameter else cls, self.data)
    if not is_parameter:
        result._alias.counter[0] = 1  # PyTorch counts that the memory was given to it
        memory_of(result._value).version = 1
    if self.requires_grad:
        result.requires_grad_()
    result.__dict__.update(self.__dict__)
    return result


publish("__copy__", method=shallow_copy)


publish("__deepcopy__", method=deep_copy)


def module_load(self: Any, other: Any, assign: bool = False) -> Any:
    """Return what takes the place of this tensor when a module loads another.

    Args:
        other: the tensor that is loaded.
        assign: whether that one takes its place, and not a tensor of equal content.
    """
    return other.detach() if assign else self.copy_(other).detach()


publish("module_load", method=module_load)


def reduce_ex(self: Any, protocol: int) -> tuple:
    """Return what ``pickle`` writes: a file of ``torch.save`` with this tensor alone."""
    from ..serialization._save import reduce_tensor

    return reduce_tensor(self)


publish("__reduce_ex__", method=reduce_ex)


def reversed_(self: Any) -> Any:
    """Return the tensor with its first dimension turned round."""
    return self if self.dim() == 0 else self.flip(0)


publish("__reversed__", method=reversed_)
