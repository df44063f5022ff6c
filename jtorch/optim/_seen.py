"""Steps of optimisers as the operators that PyTorch calls, for ``__torch_dispatch__``.

A step is one recorded operator, which no mode sees. While one is active, what stands here runs
instead: the same arithmetic in the same order, parameter by parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._engine.recording.dispatch_modes import is_seen
from .._engine.recording.multi_tensor import ready_full
from .._tensor.tensor import Tensor
from ..ops.compat import aten


def zeros_for(param: Any) -> Any:
    """Return a state of zeros, by an operator where modes see operators."""
    return aten.zeros_like.default(param) if is_seen(()) else ready_full(param)


def formula_of(step: Callable, hyperparameters: dict[str, Any]) -> Callable | None:
    """Return what runs instead of a step function; ``None`` where it runs itself.

    Args:
        step: the step function.
        hyperparameters: what it is given by name.
    """
    formula = FORMULAS.get(step.__name__)
    if formula is None or not is_seen(()):
        return None
    asked = ("foreach", "fused", "capturable", "differentiable", "grad_scale", "found_inf")
    if any(hyperparameters.get(name) for name in asked):
        return None
    if any(isinstance(value, Tensor) for value in hyperparameters.values()):
        return None
    return formula


def sgd(
    params: list[Any], grads: list[Any], velocities: list[Any], *, weight_decay: float,
    momentum: float, lr: float, dampening: float, nesterov: bool, maximize: bool, **_: Any,
) -> None:  # fmt: skip
    """Step as ``SGD`` does; a velocity of ``None`` is replaced by the gradient."""
    for place, (param, grad) in enumerate(zip(params, grads, strict=True)):
        if maximize:
            grad = -grad
        if weight_decay != 0:
            grad = grad.add(param, alpha=weight_decay)
        if momentum != 0:
            velocity = velocities[place]
            if velocity is None:
                velocity = velocities[place] = grad.detach().clone()
            else:
                velocity.mul_(momentum).add_(grad, alpha=1 - dampening)
            grad = grad.add(velocity, alpha=momentum) if nesterov else velocity
        param.add_(grad, alpha=-lr)


def adam(
    params: list[Any], grads: list[Any], averages: list[Any], squares: list[Any],
    largest: list[Any], steps: list[Any], *, amsgrad: bool, beta1: float, beta2: float, lr: float,
    weight_decay: float, eps: float, maximize: bool, decoupled_weight_decay: bool = False, **_: Any,
) -> None:  # fmt: skip
    """Step as ``Adam`` and ``AdamW`` do."""
    rows = zip(params, grads, averages, squares, steps, strict=True)
    for place, (param, grad, average, square, step) in enumerate(rows):
        if maximize:
            grad = -grad
        step.add_(1)
        if weight_decay != 0 and decoupled_weight_decay:
            param.mul_(1 - lr * weight_decay)
        elif weight_decay != 0:
            grad = grad.add(param, alpha=weight_decay)
        average.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        count = step.item()
        step_size = lr / (1 - beta1**count)
        if amsgrad:
            largest[place].copy_(largest[place].maximum(square))
            square = largest[place]
        denominator = (square.sqrt() / (1 - beta2**count) ** 0.5).add_(eps)
        param.addcdiv_(average, denominator, value=-step_size)


FORMULAS: dict[str, Callable] = {"sgd": sgd, "adam": adam}
