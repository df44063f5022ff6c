"""NumPy arrays handed over to XLA.

The interpreter computes with NumPy, and what a compiled program needs of it is handed over array by
array: some forty in a step that looks at ten results before its gradient. ``jax.device_put`` works
out in Python, each time, what an array is and where it goes, in 20 us; what it ends in is one call
of 2 us, which is made directly here with what is known of arrays of that kind.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jaxlib import xla_client

from ..._core.device import CPU, META, Device
from ..graph.values import Meta
from . import failures
from .devices import NO_ELEMENTS, jax_device

#: Not part of JAX's public interface: a version without it has the slow way.
_batched_device_put = getattr(xla_client, "batched_device_put", None)


#: Bytes from which an array is handed over at once.
_LARGE = 1 << 16


@functools.lru_cache(1024)
def _kind(shape: tuple[int, ...], dtype: Any) -> Any:
    return jax.core.ShapedArray(shape, dtype)


#: How JAX says that an array is on one device, which it is, and whether the array is bound to it.
_places: dict[Device, tuple[Any, list[Any], bool]] = {}


def _place_of(device: Device) -> tuple[Any, list[Any], bool]:
    own = jax_device(device)
    found = jax.sharding.SingleDeviceSharding(own), [own], own != jax.devices()[0]
    _places[device] = found
    return found


def place(array: Any, device: Device) -> jax.Array:
    """Return a NumPy array as an array of a device.

    On JAX's default device it is bound to none, as with ``jax.device_put``: JAX may take it for
    computations on another.
    """
    sharding, devices, bound = _places.get(device) or _place_of(device)
    if _batched_device_put is not None:
        kind = _kind(array.shape, array.dtype)
        return _batched_device_put(kind, sharding, [array], devices, bound)
    return jax.device_put(array, sharding if bound else None)


def put(array: np.ndarray, device: Device) -> Any:
    """Return an array where a device is; what is small stays as it is on the CPU.

    To hand a NumPy array to a program costs 1.4 us, to make an array of JAX of it 2.
    """
    if device is CPU:
        return array if array.nbytes < _LARGE else place(array, CPU)
    if device is META:
        return NO_ELEMENTS
    return _moved(array, device)


def _moved(array: Any, device: Device) -> Any:
    with told_of_memory(device):
        return place(array, device)


@contextlib.contextmanager
def told_of_memory(device: Device) -> Iterator[None]:
    """Raise what PyTorch raises where a device has too little memory for an array."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        raise failures.explained_array(error, device) from None


def settle(array: np.ndarray, meta: Meta) -> Any:
    """Return an array that is used again and again where its programs run."""
    if meta.nbytes < 1024 or meta.device is META:
        return array
    return place(array, CPU) if meta.device is CPU else _moved(array, meta.device)


def transferred(array: Any, device: Device) -> Any:
    """Return an array that exists on one device on another one."""
    if device is CPU:
        return put(np.asarray(array), CPU)
    return _moved(np.asarray(array), device)


def forget_devices() -> Any:
    """Forget the devices of a client that is to be replaced; return what must outlive it."""
    inherited = dict(_places)
    _places.clear()
    return inherited
