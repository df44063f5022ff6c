"""How messages name the type of an object: ``torch.typename``."""

from __future__ import annotations

from typing import Any

from ..._tensor import Tensor


def typename(obj: Any, /) -> str:
    """Return the full name of an object's type; a tensor's by its old type."""
    if isinstance(obj, Tensor):
        return obj.type()  # type: ignore[return-value]
    named = obj
    if not hasattr(obj, "__qualname__") and not hasattr(obj, "__name__"):
        named = type(obj)
    module = getattr(named, "__module__", "") or ""
    name = getattr(named, "__qualname__", None) or named.__name__
    return name if module in ("", "builtins") else f"{module}.{name}"
