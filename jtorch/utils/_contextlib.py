"""The base of contexts that decorate: ``torch.utils._contextlib``, which libraries derive from."""

from __future__ import annotations

from .._runtime import absent as _absent
from ..autograd.grad_mode import _ModeContext as _DecoratorContextManager

__all__ = ["_DecoratorContextManager"]

__getattr__ = _absent.attributes(__name__)
