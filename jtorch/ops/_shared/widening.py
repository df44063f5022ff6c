"""Arithmetic on float16 and bfloat16 is done in float32, as in PyTorch's CPU kernels."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

_HALVES = (jnp.float16, jnp.bfloat16)


def is_half(dtype: Any) -> bool:
    """Tell whether a NumPy dtype is float16 or bfloat16."""
    return dtype in _HALVES


def wide_dtype(dtype: Any) -> Any:
    """Return the NumPy dtype to compute in: float32 for the halves, else the same."""
    return jnp.dtype(jnp.float32) if dtype in _HALVES else dtype


def widen(array: Any) -> Any:
    """Return an array in the dtype to compute in: halves become float32."""
    return array.astype(jnp.float32) if array.dtype in _HALVES else array
