"""NumPy arrays handed over to XLA.

The interpreter computes with NumPy, and what a compiled program needs of it is handed over array by
array: some forty in a step that looks at ten results before its gradient. ``jax.device_put`` works
out in Python, each time, what an array is and where it goes, in 20 us; what it ends in is one call
of 2 us, which is made directly here with what is known of arrays of that kind.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
from jaxlib import xla_client

from ..._core.device import Device
from .devices import jax_device

#: Not part of JAX's public interface: a version without it has the slow way.
_batched_device_put = getattr(xla_client, "batched_device_put", None)


@functools.lru_cache(1024)
def _kind(shape: tuple[int, ...], dtype: Any) -> Any:
    return jax.core.ShapedArray(shape, dtype)


#: How JAX says that an array is on one device, and which it is.
_places: dict[Device, tuple[Any, list[Any]]] = {}


def _place_of(device: Device) -> tuple[Any, list[Any]]:
    own = jax_device(device)
    _places[device] = found = jax.sharding.SingleDeviceSharding(own), [own]
    return found


def place(array: Any, device: Device) -> jax.Array:
    """Return a NumPy array as an array of a device, which other devices may take as theirs."""
    if _batched_device_put is not None:
        sharding, devices = _places.get(device) or _place_of(device)
        kind = _kind(array.shape, array.dtype)
        return _batched_device_put(kind, sharding, [array], devices, False)
    return jax.device_put(array, jax_device(device))


def forget_devices() -> Any:
    """Forget the devices of a client that is to be replaced; return what must outlive it."""
    inherited = dict(_places)
    _places.clear()
    return inherited
