"""Nested tensors: ``torch.nested``. Its names exist; calling one is refused."""

from __future__ import annotations

from typing import Any

from .._runtime.unsupported import NESTED, refusals

__all__ = [
    "as_nested_tensor",
    "masked_select",
    "narrow",
    "nested_tensor",
    "nested_tensor_from_jagged",
    "to_padded_tensor",
]
globals().update(refusals("torch.nested", __all__, NESTED))


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch.nested' has no attribute '{name}'")
