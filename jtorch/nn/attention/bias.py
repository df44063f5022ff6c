"""Causal masks for rectangular attention: ``torch.nn.attention.bias``."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import jtorch as torch

from ..._runtime import absent as _absent

__all__ = ["CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """Which corner of the mask the diagonal of a causal mask passes through."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


def _mask(size: tuple[Any, ...], diagonal: int) -> Any:
    if len(size) != 2:
        raise AssertionError(f"causal mask only supports 2D tensors, got {len(size)}D size")
    return torch.ones(size, dtype=torch.bool).tril(diagonal)


def causal_upper_left(*size: int) -> Any:
    """Return a bool mask, true where a step sees a position: up to its own index.

    Args:
        *size: numbers of steps and positions.
    """
    return _mask(size, 0)


def causal_lower_right(*size: int) -> Any:
    """Return a bool mask in which the last step sees all positions, the one before one less.

    Args:
        *size: numbers of steps and positions.
    """
    return _mask(size, size[1] - size[0] if len(size) == 2 else 0)


__getattr__ = _absent.attributes(__name__)
