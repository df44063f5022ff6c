"""The precision that XLA is told to multiply float32 in; see ``jtorch/_core/precision.py``."""

from __future__ import annotations

import jax

from ..._core import precision


def of_products() -> jax.lax.Precision:
    """Return that of products of matrices: full, unless the script allows TF32."""
    exact = precision.current().products == "highest"
    return jax.lax.Precision.HIGHEST if exact else jax.lax.Precision.DEFAULT


def of_convolutions() -> jax.lax.Precision:
    """Return that of convolutions: TF32 where a GPU has it, unless the script forbids it."""
    allowed = precision.current().convolutions
    return jax.lax.Precision.DEFAULT if allowed else jax.lax.Precision.HIGHEST
