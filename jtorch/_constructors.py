"""Tensors from data: ``torch.tensor``, ``as_tensor``, ``from_numpy`` and ``torch.Tensor(...)``."""

from __future__ import annotations

import weakref
from typing import Any

import jax
import numpy as np

from ._core import dtypes, messages
from ._core.device import CPU, Device, default_device
from ._core.dtypes import dtype as DType
from ._engine import record
from ._engine.trace import local
from ._engine.values import LEAF, NO_GRAD, make_meta, ready


def tensor_of_array(
    array: Any, dtype: DType, device: Device = CPU, requires_grad: bool = False
) -> Any:
    """Wrap an array that nobody else will write to."""
    meta = make_meta(array.shape, dtype, device, None, LEAF if requires_grad else NO_GRAD)
    value = ready(array, meta)
    tensor = record.wrap(value)
    if requires_grad:
        value.owner = weakref.ref(tensor)
    return tensor


def tensor(
    data: Any,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Any:
    """Make a tensor of a copy of ``data``.

    Args:
        data: number, nested sequence of numbers, NumPy array or tensor.
        dtype: dtype of the elements; by default that of the data, and the default dtype for Python
            floats.
        device: where to put it; the default device unless given.
        requires_grad: whether gradients flow to it.
        pin_memory: accepted and without effect on the CPU.
    Returns:
        A leaf tensor.
    """
    array, dtype = array_of_data(data, dtype)
    if requires_grad and not (dtype.is_floating_point or dtype.is_complex):
        raise messages.integer_requires_grad()
    place = Device(device) if device is not None else default_device()
    return tensor_of_array(on_device(array, place), dtype, place, requires_grad)


def array_of_data(data: Any, dtype: DType | None) -> tuple[np.ndarray, DType]:
    """Return a fresh NumPy array of Python data, and its dtype."""
    if dtype is None:
        source = np.array(data)
        if source.dtype == np.float64 and not isinstance(data, (np.ndarray, np.generic)):
            dtype = local.trace.mode.default_dtype
        else:
            dtype = dtypes.from_numpy(source.dtype)
            assert dtype is not None
    return np.array(data, dtype=dtype._numpy), dtype


def on_device(array: np.ndarray, device: Device) -> Any:
    """Return the array where the device is."""
    return jax.device_put(array)


def legacy_constructor(cls: type, *args: Any, **kwargs: Any) -> Any:
    """Make what ``torch.Tensor(...)`` makes."""
    raise NotImplementedError("torch.Tensor(...) is being built")
