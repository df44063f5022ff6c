"""Tensors of arrays of the host."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from ..._core import messages
from ..._core.device import CPU, Device
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..execution import transfer
from ..graph.values import LEAF, NO_GRAD, make_meta
from ..recording import record
from ..recording.kinds.base import truncated


def fresh_tensor(
    array: np.ndarray,
    dtype: DType,
    device: Device,
    requires_grad: bool = False,
    strides: tuple[int, ...] | None = None,
) -> Any:
    """Make a tensor of a NumPy array that nothing else will write to.

    Raises:
        RuntimeError: gradients are asked of a dtype that has none.
    """
    if requires_grad and not is_inexact(dtype):
        raise messages.integer_requires_grad()
    meta = make_meta(array.shape, dtype, device, strides, LEAF if requires_grad else NO_GRAD)
    small = device is CPU and array.nbytes < 4096
    tensor = record.fresh(array if small else transfer.put(array, device), meta)
    if requires_grad:
        tensor._value.owner = weakref.ref(tensor)
    return tensor


def as_dtype(array: np.ndarray, dtype: DType) -> np.ndarray:
    """Convert elements as PyTorch's kernels do: floats to small ints wrap around."""
    target = dtype._numpy
    if array.dtype == target:
        return array
    with np.errstate(all="ignore"):
        if array.dtype.kind == "c" and target.kind not in "cb":
            array = array.real
        if target.kind in "iu" and array.dtype.kind in "fV":
            return truncated(array, target, np)
        if target.kind == "b":
            return array != 0
        return array.astype(target)
