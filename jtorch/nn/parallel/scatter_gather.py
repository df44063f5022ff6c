"""Parts of a batch for several devices, and one batch of their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jtorch as torch

from ..._tensor.tensor import Tensor
from .data_parallel import _moved

__all__ = ["gather", "scatter", "scatter_kwargs"]


def _parts(value: Any, devices: Sequence[Any], dim: int) -> list[Any]:
    """Return a value for each device: parts of tensors, everything else as it is."""
    count = len(devices)
    if isinstance(value, Tensor):
        chunks = value.chunk(count, dim)
        return [_moved(chunk, place) for chunk, place in zip(chunks, devices)]
    if isinstance(value, (tuple, list)) and value:
        columns = zip(*[_parts(item, devices, dim) for item in value])
        made = _maker(value)
        return [made(column) for column in columns]
    if isinstance(value, dict) and value:
        columns = zip(*[_parts(item, devices, dim) for item in value.values()])
        return [type(value)(zip(value, column)) for column in columns]
    return [value] * count


def _maker(value: Any) -> Callable:
    kind = type(value)
    return (lambda items: kind(*items)) if hasattr(value, "_fields") else kind


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> Any:
    """Return parts of the tensors in a structure, one structure for each device.

    Args:
        inputs: tensors in tuples, lists and dicts; other values go to every device.
        target_gpus: the devices.
        dim: the dimension that is divided.
    """
    return _parts(inputs, target_gpus, dim)


def scatter_kwargs(
    inputs: tuple, kwargs: dict[str, Any] | None, target_gpus: Sequence[Any], dim: int = 0
) -> tuple[tuple, tuple]:
    """Return parts of positional and of named arguments, as many of either."""
    rows = scatter(inputs, target_gpus, dim) if inputs else []
    named = scatter(kwargs, target_gpus, dim) if kwargs else []
    count = max(len(rows), len(named))
    rows += [() for _ in range(count - len(rows))]
    named += [{} for _ in range(count - len(named))]
    return tuple(rows), tuple(named)


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """Return one structure of tensors, joined from those of several devices.

    Args:
        outputs: structures of the same form.
        target_device: where the result is to be.
        dim: the dimension that the parts are joined along.
    """
    first = outputs[0]
    if isinstance(first, Tensor):
        parts = [_moved(part, target_device) for part in outputs]
        return torch.cat([part.view(1) if part.dim() == 0 else part for part in parts], dim)
    if first is None:
        return None
    if isinstance(first, dict):
        if any(len(first) != len(each) for each in outputs):
            raise ValueError("All dicts must have the same number of keys")
        return type(first)(
            (key, gather([each[key] for each in outputs], target_device, dim)) for key in first
        )
    return _maker(first)([gather(column, target_device, dim) for column in zip(*outputs)])
