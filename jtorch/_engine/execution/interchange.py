"""What is asked of JAX itself: arrays for others and from them, and to wait."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np


def synchronize(device: Any) -> None:
    """Wait until a device of JAX has done what it was given."""
    jax.effects_barrier()
    jax.device_put(0, device).block_until_ready()


def host_copy(exporter: Any) -> np.ndarray:
    """Return on the host what an object that speaks DLPack holds on an accelerator."""
    return np.array(jax.dlpack.from_dlpack(exporter))


def shared(exporter: Any) -> jax.Array:
    """Return an array of JAX of what an object that speaks DLPack has in its memory."""
    return jax.dlpack.from_dlpack(exporter, copy=True)
