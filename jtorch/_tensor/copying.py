"""Copies of tensors by Python's ``copy`` and ``pickle``."""

from __future__ import annotations

import copy
from typing import Any

from .._engine.declare import publish
from .._engine.graph.values import LEAF, NO_GRAD, RESULT, make_meta, ready
from .._engine.recording import record
from .._engine.recording.storage import current_value


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
    plain = _unshared(self)
    if cls is record.Tensor:
        result = plain
    else:
        result = object.__new__(cls)
        for slot in ("_value", "_alias", "_writes", "_extra"):
            setattr(result, slot, getattr(plain, slot))
    if meta.grad == LEAF:
        result.requires_grad_()
    memo[id(self)] = result
    if self.grad is not None:
        result.grad = copy.deepcopy(self.grad, memo)
    if self.__dict__:
        result.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return result


def _unshared(tensor: Any) -> Any:
    """Return a tensor of equal content in memory of its own, which costs nothing until written."""
    value = current_value(tensor)
    meta = value.meta
    if value.array is not None:
        plain = make_meta(meta.shape, meta.dtype, meta.device, meta.strides, NO_GRAD)
        return record.wrap(ready(value.array, plain))
    return tensor.detach().clone()


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
