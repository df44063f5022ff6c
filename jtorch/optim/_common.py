"""What the steps of several optimisers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jtorch as torch

from .._tensor import Tensor
from . import _messages

#: Devices on which PyTorch has fused steps, and those whose steps a graph can capture.
FUSED_DEVICES = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]
CAPTURABLE_DEVICES = ["cuda", "xpu", "hpu", "privateuseone"]


def check_fused_options(optimizer: Any, options: dict[str, Any]) -> None:
    """Raise where ``fused`` stands with an option that excludes it; else note what it can do."""
    if not options["fused"]:
        return
    if options["differentiable"]:
        raise _messages.fused_differentiable()
    optimizer._step_supports_amp_scaling = True
    if options["foreach"]:
        raise _messages.fused_foreach()


def check_fused_param(param: Any) -> None:
    """Raise where a parameter has no fused step."""
    if not (param.device.type in FUSED_DEVICES and param.is_floating_point()):
        raise _messages.fused_needs_floats(FUSED_DEVICES, param.dtype, param.device.type)


def check_capturable(params: Sequence[Any], steps: Sequence[Any], foreach: bool | None) -> None:
    """Raise where a graph cannot capture the step: PyTorch can on accelerators only."""
    devices = CAPTURABLE_DEVICES if foreach else [*CAPTURABLE_DEVICES, "xla"]
    for param, step in zip(params, steps, strict=True):
        if param.device.type != step.device.type or param.device.type not in devices:
            raise _messages.capturable_devices(devices)


def check_steps(steps: Sequence[Any]) -> None:
    """Raise where step counters are no tensors, as in states of PyTorch 1.11."""
    for step in steps:
        if not isinstance(step, Tensor):
            raise _messages.steps_not_tensors()


def unscaled(grads: Sequence[Any], grad_scale: Any, found_inf: Any, fused: Any) -> bool:
    """Divide gradients by the scale that a ``GradScaler`` gave; return whether to step at all."""
    if grad_scale is None and found_inf is None:
        return True
    if not fused:
        raise _messages.scaler_unexpected()
    if grad_scale is not None:
        for grad in grads:
            grad.div_(grad_scale.to(grad.device))
    return found_inf is None or not found_inf.item()


def step_counter(param: Any, group: dict[str, Any]) -> Any:
    """Return a new ``state["step"]``: on the host, unless the step itself runs on the device."""
    from .optimizer import _get_scalar_dtype

    if group.get("capturable") or group.get("fused"):
        dtype = _get_scalar_dtype(is_fused=group.get("fused"))
        return torch.tensor(0.0, dtype=dtype, device=param.device)
    return torch.tensor(0.0, dtype=_get_scalar_dtype(), device="cpu")


def restore_steps(optimizer: Any, group: dict[str, Any]) -> None:
    """Make the step counters of a group tensors, which old states have as numbers."""
    from .optimizer import _get_scalar_dtype

    for param in group["params"]:
        state = optimizer.state.get(param, [])
        if len(state) == 0 or isinstance(state["step"], Tensor):
            continue
        number = float(state["step"])
        if group.get("capturable") or group.get("fused"):
            dtype = _get_scalar_dtype(is_fused=group.get("fused"))
            state["step"] = torch.tensor(number, dtype=dtype, device=param.device)
        else:
            state["step"] = torch.tensor(number, dtype=_get_scalar_dtype())


def picked(lists: Sequence[Sequence[Any]], places: Sequence[int]) -> list[list[Any]]:
    """Return the lists with only what stands at certain places."""
    return [[each[place] for place in places] for each in lists]
