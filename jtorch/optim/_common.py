"""What the steps of several optimisers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import _messages
from .optimizer import Optimizer, _get_scalar_dtype

#: Devices on which PyTorch has fused steps, and those whose steps a graph can capture.
FUSED_DEVICES = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]
CAPTURABLE_DEVICES = ["cuda", "xpu", "hpu", "privateuseone"]


class SteppedOptimizer(Optimizer):
    """An optimiser whose state has a step counter and tensors like the parameter."""

    #: Options that states saved by earlier releases may lack, and what they mean then.
    _added_options: dict[str, Any] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self._added_options.items():
                group.setdefault(name, value)
            restore_counters(self, group, "step")

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        """Fill the state of a parameter that is stepped for the first time."""
        raise NotImplementedError

    def _gathered(self, group: dict[str, Any], *names: str) -> Any:
        """Return the parameters with a gradient, the gradients, and the states of these names."""
        lists: list[list[Any]] = [[] for _ in range(len(names) + 2)]
        params, grads = lists[:2]
        states = self.state
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            params.append(param)
            grads.append(grad)
            state = states[param]
            if not state:
                self._new_state(param, group, state)
            for place, name in enumerate(names, 2):
                lists[place].append(state[name])
        return lists


def restore_counters(optimizer: Any, group: dict[str, Any], *names: str) -> None:
    """Make step counters and their like tensors, which old states have as numbers."""
    for param in group["params"]:
        state = optimizer.state.get(param, [])
        if len(state) == 0:
            continue
        for name in names:
            if not isinstance(state[name], Tensor):
                state[name] = counter(param, group, float(state[name]))


def counter(param: Any, group: dict[str, Any], number: float = 0.0) -> Any:
    """Return a new step counter: on the host, unless the step itself runs on the device."""
    if group.get("capturable") or group.get("fused"):
        dtype = _get_scalar_dtype(is_fused=group.get("fused"))
        return torch.tensor(number, dtype=dtype, device=param.device)
    return torch.tensor(number, dtype=_get_scalar_dtype(), device="cpu")


def check_lr(lr: Any) -> None:
    """Raise where a learning rate is negative, or a tensor of several elements."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise _messages.tensor_not_single("lr")
    if not 0.0 <= lr:
        raise _messages.invalid("learning rate", lr)


def check_betas(betas: Any) -> None:
    """Raise where a decay is out of range."""
    for index in range(2):
        if not 0.0 <= betas[index] < 1.0:
            raise _messages.invalid(f"beta parameter at index {index}", betas[index])


def check_not_negative(**numbers: Any) -> None:
    """Raise where a number is negative; ``eps`` is called epsilon."""
    for name, number in numbers.items():
        if not 0.0 <= number:
            raise _messages.invalid(f"{'epsilon' if name == 'eps' else name} value", number)


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


def check_call(
    params: Sequence[Any],
    steps: Sequence[Any],
    foreach: bool | None,
    differentiable: bool,
    capturable: bool,
    what: str = "params and state_steps",
    supports_xla: bool = True,
) -> None:
    """Raise where PyTorch refuses a step: wrong counters, or options that do not go together."""
    for step in steps:
        if not isinstance(step, Tensor):
            raise _messages.steps_not_tensors()
    if not params:
        return
    if foreach and differentiable:
        raise _messages.foreach_differentiable()
    if capturable:
        devices = (
            [*CAPTURABLE_DEVICES, "xla"] if supports_xla and not foreach else CAPTURABLE_DEVICES
        )
        for param, step in zip(params, steps, strict=True):
            if param.device.type != step.device.type or param.device.type not in devices:
                raise _messages.capturable_devices(devices, what)


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


def picked(lists: Sequence[Sequence[Any]], places: Sequence[int]) -> list[list[Any]]:
    """Return the lists with only what stands at certain places."""
    return [[each[place] for place in places] for each in lists]


def decays(weight_decay: Any) -> bool:
    """Return whether there is any weight decay."""
    return isinstance(weight_decay, Tensor) or weight_decay != 0
