"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jtorch as torch

from ..._runtime.questions import typename
from ..._tensor.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return the elements of tensors, one after the other, as one vector.

    Raises:
        TypeError: they are on different devices.
    """
    device: int | None = None
    parts = []
    for param in parameters:
        device = _check_param_device(param, device)
        parts.append(param.view(-1))
    return torch.cat(parts)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let tensors be the parts of a vector, whose memory they share from now on.

    Raises:
        TypeError: ``vec`` is no tensor, or they are on different devices.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    device: int | None = None
    start = 0
    for param in parameters:
        device = _check_param_device(param, device)
        count = param.numel()
        param.data = vec[start : start + count].view_as(param).data
        start += count


def _check_param_device(param: Any, old_param_device: int | None) -> int:
    """Return the number of a parameter's device, -1 for the CPU, the same as before."""
    device = param.get_device() if param.device.type == "cuda" else -1
    if old_param_device is not None and device != old_param_device:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported."
        )
    return device
