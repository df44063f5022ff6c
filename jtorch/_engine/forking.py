"""What a forked process needs: an XLA of its own.

XLA's client has threads, and a forked process has none of them: whatever it compiled or ran would
wait for ever. PyTorch's scripts fork all the same, for the workers of a ``DataLoader`` above all.
So the child gets a fresh client when it is born: what was compiled is forgotten, and tensors made
before the fork are read from the memory that both processes share (each page is copied when one of
them writes to it). The old client is kept, since to take it down would wait for its threads.

Of several devices only the CPU is there in a child, as CUDA cannot be used after a fork either.
"""

from __future__ import annotations

import os
import time
from typing import Any

import jax
import jax.extend.backend
import numpy as np
from jax._src import xla_bridge
from jax._src.interpreters import mlir

from . import compilation, growth, programs, trace

#: Seconds that XLA's threads get to put away what they have finished.
_SETTLING = 0.005
#: The devices, and with them the clients, of this process and of those that it descends from.
_devices: list[Any] = []
_inherited: list[Any] = []
_inherited_pools: list[Any] = []


def install() -> None:
    """Prepare this process for being forked; where there is no fork, do nothing."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before, after_in_child=_in_child)


def is_forked() -> bool:
    """Return whether this process was forked from one that had used jtorch."""
    return bool(_inherited)


def _before() -> None:
    """Let nothing be under way that the child would find half done."""
    trace.current("fork")
    compilation.wait_until_optimised(timeout=10.0)
    if not _has_started():
        return
    # An array that is just being finished would never be for the child, which takes over the lock
    # that the finishing thread holds, but not the thread.
    jax.block_until_ready(jax.live_arrays())
    time.sleep(_SETTLING)
    if not _devices:
        _devices.extend([*jax.devices(), *jax.devices("cpu")])


def _has_started() -> bool:
    """Return whether JAX has a client; where that cannot be known, assume that it has."""
    started = getattr(xla_bridge, "backends_are_initialized", None)
    return started is None or started()


def _in_child() -> None:
    if not _devices:
        return
    _inherited.extend(_devices)
    _devices.clear()
    jax.config.update("jax_platforms", "cpu")
    jax.extend.backend.clear_backends()
    if hasattr(mlir, "global_thread_pool"):
        _inherited_pools.append(mlir.global_thread_pool)
        mlir.global_thread_pool = type(mlir.global_thread_pool)()
    jax.clear_caches()
    growth.forget_everything()
    trace.local.trace.begin()
    programs.run = _run_with_own_arrays


_run = programs.run


def _run_with_own_arrays(
    program: Any, floats: list[float], ints: list[int], inputs: list[Any], device: Any
) -> Any:
    """Run a program on arrays of this process's client."""
    for value in inputs:
        array = value.array
        if isinstance(array, jax.Array) and array.sharding.device_set.intersection(_inherited):
            value.array = np.asarray(array)
    return _run(program, floats, ints, inputs, device)
