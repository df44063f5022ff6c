"""PyTorch's words for gradients that do not exist."""

from __future__ import annotations


def not_differentiable(name: str) -> RuntimeError:
    """The gradient of an operator that has none."""
    return RuntimeError(f"derivative for aten::{name} is not implemented")
