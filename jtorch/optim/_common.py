"""What the step functions of several optimisers share: checks, weight decay, groups of steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .._engine.recording.multi_tensor import equal_numbers
from .._tensor.tensor import Tensor
from . import _messages

#: Devices on which PyTorch has fused steps, and those whose steps a graph can capture.
FUSED_DEVICES = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]
CAPTURABLE_DEVICES = ["cuda", "xpu", "hpu", "privateuseone"]


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


def picked(lists: Sequence[Sequence[Any]], positions: Sequence[int]) -> list[list[Any]]:
    """Return the lists with only what stands at certain positions."""
    return [[tensors[position] for position in positions] for tensors in lists]


def grouped_by(
    numbers: Sequence[Any], lists: Sequence[Sequence[Any]]
) -> Iterator[tuple[Any, Sequence[Sequence[Any]]]]:
    """Yield each number, such as a step count, with the lists of the parameters that have it.

    Usually there is one; each further one is a further operator.
    """
    groups = equal_numbers(numbers)
    if len(groups) == 1:
        yield groups[0][0], lists
        return
    for number, positions in groups:
        yield number, picked(lists, positions)


def decays(weight_decay: Any) -> bool:
    """Return whether there is any weight decay."""
    return isinstance(weight_decay, Tensor) or weight_decay != 0


def decay_factor(lr: Any, weight_decay: Any, decoupled: bool) -> Any:
    """Return what parameters are multiplied by: to be added to the gradient, or to shrink them.

    Coupled decay adds ``weight_decay * parameter`` to the gradient; decoupled decay replaces the
    parameter by ``(1 - lr * weight_decay) * parameter``.
    """
    return 1 - lr * weight_decay if decoupled and decays(weight_decay) else weight_decay
