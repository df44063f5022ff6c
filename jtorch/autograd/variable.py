"""``Variable``: what a tensor that requires grad was called before PyTorch 0.4."""

from __future__ import annotations

from typing import Any

from .._runtime import absent as _absent
from .._tensor.tensor import Tensor


class _VariableMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableMeta):
    """Return a tensor over the same memory, with the given flag.

    Args:
        data: a tensor.
        requires_grad: whether gradients flow to the result.
        volatile: accepted and ignored, as in PyTorch.
    """

    __module__ = "torch.autograd.variable"

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        if data is None:
            data = Tensor()
        return data.detach().requires_grad_(requires_grad)


__getattr__ = _absent.attributes(__name__)
