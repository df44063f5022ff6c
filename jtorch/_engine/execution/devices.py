"""Which of JAX's devices a ``torch.device`` is.

``cpu`` is JAX's CPU, ``cuda:N`` its N-th GPU. ``JTORCH_FAKE_CUDA=1`` lets a second device of the
host stand in for ``cuda:0``, so that the rules of devices can be tried without a GPU.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np

from ..._core import config, messages
from ..._core.device import (
    CPU,
    META,
    Device,
    current_index,
    default_device,
    named_default_device,
    no_backend,
    set_accelerator_count,
)

#: Stands where the elements of a tensor of the ``meta`` device would be.
NO_ELEMENTS = np.zeros((), np.bool_)
NO_ELEMENTS.flags.writeable = False


@functools.cache
def gpus() -> tuple[Any, ...]:
    """Return the devices of JAX that ``cuda:0``, ``cuda:1``, ... are."""
    if config.FAKE_CUDA:
        return tuple(jax.devices("cpu")[1:])
    try:
        return tuple(jax.devices("gpu"))
    except RuntimeError:
        return ()


def all_of_jax() -> tuple[Any, ...]:
    """Return every device that JAX finds, whether jtorch uses it or not; the CPU comes last."""
    others = tuple(each for each in jax.devices() if each.platform != "cpu")
    return others + tuple(jax.devices("cpu"))


def jax_device(device: Device) -> Any:
    """Return the device of JAX that a device is."""
    if device.type == "cuda":
        return gpus()[device.index or 0]
    return jax.devices("cpu")[0]


#: Threads that a core of a GPU (a multiprocessor) holds at once, by compute capability; the others
#: hold 2048.
_THREADS = {"7.5": 1024, **dict.fromkeys(("8.6", "8.7", "8.9", "12.0", "12.1"), 1536)}


def threads_of_a_core(gpu: Any) -> int:
    """Return how many threads a multiprocessor of a GPU of JAX's holds at once."""
    return _THREADS.get(str(getattr(gpu, "compute_capability", "")), 2048)


def threads_of(device: Device) -> int | None:
    """Return how many threads a GPU holds at once; ``None`` where JAX does not tell."""
    gpu = jax_device(device)
    cores = getattr(gpu, "core_count", 0) if gpu.platform != "cpu" else 0
    return cores * threads_of_a_core(gpu) or None


def check(device: Device) -> Device:
    """Return a device that exists, with its index where it has one.

    Raises:
        AssertionError: it is a CUDA device and there is none.
        RuntimeError: there is no CUDA device of this index.
        RuntimeError, AssertionError, ModuleNotFoundError: it is of a type of which there are none.
    """
    kind = device.type
    if kind == "cpu":
        return CPU
    if kind == "meta":
        return META
    if kind != "cuda":
        raise no_backend(kind)
    if not gpus():
        raise messages.no_cuda()
    if device.index is None:
        return Device("cuda", current_index())
    if device.index >= len(gpus()):
        raise messages.bad_ordinal()
    return device


def resolve(device: Any) -> Device:
    """Return the device that an argument ``device=`` means.

    Args:
        device: a device, its name or its ordinal number.
    """
    if isinstance(device, int) and not isinstance(device, bool) and not gpus():
        raise messages.no_accelerator()
    return check(Device(device))


def default() -> Device:
    """Return the device on which tensors are made when none is named, with its index."""
    device = default_device()
    return device if device is CPU else check(device)


def named_default() -> Device | None:
    """Return the device that a context or ``set_default_device`` names, with its index."""
    device = named_default_device()
    return device if device is None else check(device)


set_accelerator_count(lambda: len(gpus()))
