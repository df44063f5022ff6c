"""What is asked of JAX itself: arrays for others and from them, and to wait."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np


def synchronize(device: Any) -> None:
    """Wait until a device of JAX has done what it was given.

    What is copied to a GPU passes programs that run on it, so a program is what is waited for.
    """
    jax.effects_barrier()
    _last(jax.device_put(np.int32(0), device)).block_until_ready()


@jax.jit
def _last(number: jax.Array) -> jax.Array:
    return number + 1


def bytes_alive(device: Any) -> int:
    """Return the bytes of all arrays that live on a device of JAX."""
    return sum(each.nbytes for each in jax.live_arrays() if device in each.devices())


def annotation(words: str) -> Any:
    """Return a block that profilers show under a name."""
    return jax.profiler.TraceAnnotation(words)


def host_copy(exporter: Any) -> np.ndarray:
    """Return on the host what an object that speaks DLPack holds on an accelerator."""
    return np.array(jax.dlpack.from_dlpack(exporter))


def shared(exporter: Any) -> jax.Array:
    """Return an array of JAX of what an object that speaks DLPack has in its memory."""
    return jax.dlpack.from_dlpack(exporter, copy=True)
