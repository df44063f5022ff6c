"""Settings of JAX and of the process that jtorch stands on."""

from __future__ import annotations

import jax


def apply() -> None:
    """Set JAX up: 64-bit types are real."""
    jax.config.update("jax_enable_x64", True)
