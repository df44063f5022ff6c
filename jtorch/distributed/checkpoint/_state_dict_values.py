"""State dicts of distributed tensors as whole ones, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jtorch as torch

from ... import distributed as dist
from . import _boxes


def map_tensors(function: Callable[[Any], Any], value: Any) -> Any:
    """Return dicts, lists and tuples with the results of a function instead of tensors."""
    if isinstance(value, torch.Tensor):
        return function(value)
    if isinstance(value, dict):
        return {key: map_tensors(function, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map_tensors(function, item) for item in value)
    return value


def gathered(state_dict: dict[str, Any], cpu_offload: bool) -> dict[str, Any]:
    """Return a state dict of whole tensors; on the CPU of rank 0 alone where they are offloaded."""
    initialized = dist.is_available() and dist.is_initialized()
    keeps = not cpu_offload or not initialized or dist.get_rank() == 0

    def whole(tensor: Any) -> Any:
        if _boxes.is_distributed(tensor):
            tensor = tensor.full_tensor()
        return tensor.cpu() if cpu_offload and keeps else tensor

    result = map_tensors(whole, state_dict)
    return result if keeps else {}


def offloaded(state_dict: dict[str, Any]) -> dict[str, Any]:
    """Return a state dict on the CPU; distributed tensors stay so."""

    def move(tensor: Any) -> Any:
        if not _boxes.is_distributed(tensor):
            return tensor.cpu()
        return like(tensor, tensor.to_local().detach().cpu())

    return map_tensors(move, state_dict)


def like(tensor: Any, local: torch.Tensor) -> Any:
    """Return a distributed tensor as another is, of other local elements."""
    return type(tensor).from_local(
        local,
        device_mesh=tensor.device_mesh,
        placements=tensor.placements,
        run_check=False,
        shape=tensor.size(),
        stride=tensor.stride(),
    )


def placed(whole: torch.Tensor, target: Any) -> Any:
    """Return a whole tensor as a model has it: its own box, if it is distributed there."""
    device = target.device if target.device.type != "meta" else whole.device
    if not _boxes.is_distributed(target):
        return whole.detach().to(device, copy=True)
    box = _boxes.local_box(target)
    part = _boxes.narrow(whole.detach(), box.offsets, box.sizes)
    return like(target, part.to(device, copy=True).contiguous())


def distribute(whole: dict[str, Any], targets: dict[str, Any]) -> None:
    """Replace the values of a flat dict by those of another that holds whole tensors.

    Args:
        whole: on each process, all of it.
        targets: as the model has them; a name that ``whole`` lacks stays.
    """
    for key, target in targets.items():
        if key not in whole:
            continue
        value = whole[key]
        if _boxes.is_distributed(value):
            targets[key] = value
        elif isinstance(value, torch.Tensor) and isinstance(target, torch.Tensor):
            targets[key] = placed(value, target)
        else:
            targets[key] = value


def broadcast(whole: dict[str, Any], targets: dict[str, Any], strict: bool = True) -> None:
    """Replace the values of a flat dict by those that rank 0 holds whole.

    Args:
        whole: of rank 0.
        targets: as the model has them; also gets what the model lacks.
        strict: whether what rank 0 lacks is removed, so that its absence is noticed.
    """
    first = dist.get_rank() == 0
    described: list[Any] = [None]
    if first:
        described = [
            {
                key: ("tensor", value.size(), value.dtype)
                if isinstance(value, torch.Tensor)
                else ("object", value)
                for key, value in whole.items()
            }
        ]
    dist.broadcast_object_list(described, src=0)
    sent = described[0]
    for key in list(targets):
        if key not in sent and strict:
            del targets[key]
    for key, (kind, *rest) in sent.items():
        if kind == "object":
            targets[key] = rest[0]
            continue
        target = targets.get(key)
        device = target.device if target is not None else torch.device("cpu")
        if device.type == "meta":
            device = torch.get_default_device()
        if first:
            tensor = whole[key].detach().to(device).contiguous()
        else:
            tensor = torch.empty(rest[0], dtype=rest[1], device=device)
        dist.broadcast(tensor, src=0)
        targets[key] = tensor if target is None else placed(tensor, target)
