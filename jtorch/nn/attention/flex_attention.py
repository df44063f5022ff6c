"""Attention with scores that Python functions change: not there yet."""

from __future__ import annotations

from typing import Any

from ..._runtime import absent as _absent

__all__ = ["create_block_mask", "flex_attention"]


def _missing(name: str) -> NotImplementedError:
    return NotImplementedError(
        f"jtorch has no torch.nn.attention.flex_attention.{name}; use "
        "torch.nn.functional.scaled_dot_product_attention with a mask"
    )


def flex_attention(*args: Any, **kwargs: Any) -> Any:
    """Refuse: not there yet."""
    raise _missing("flex_attention")


def create_block_mask(*args: Any, **kwargs: Any) -> Any:
    """Refuse: not there yet."""
    raise _missing("create_block_mask")


__getattr__ = _absent.attributes(__name__)
