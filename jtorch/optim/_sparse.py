"""Steps of the optimisers that take sparse gradients: only the rows that were named change."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from . import _messages


def _like(grad: Any, values: Any) -> Any:
    """Return a coalesced gradient with other values."""
    return torch.sparse_coo_tensor(
        grad.indices(), values, grad.shape, check_invariants=False, is_coalesced=True
    )


def sgd(param: Any, grad: Any, buffer: Any, group: dict[str, Any]) -> Any:
    """Take a step of ``SGD`` with a sparse gradient.

    Args:
        param: a dense parameter, overwritten.
        grad: its gradient.
        buffer: the velocity of the step before, ``None`` at first; overwritten.
        group: the options.
    Returns:
        The velocity, ``None`` without momentum.

    Raises:
        RuntimeError: the options need a dense gradient.
    """
    if group["fused"]:
        raise RuntimeError("`_fused_sgd` does not support sparse gradients")
    momentum = group["momentum"]
    if group["maximize"]:
        grad = -grad
    if group["weight_decay"] != 0:
        grad = grad.add(param, alpha=group["weight_decay"])  # refuses
    if momentum != 0:
        if buffer is None:
            buffer = grad.detach().clone()
        else:
            buffer = buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
        grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
    param.add_(grad, alpha=-float(group["lr"]))
    return buffer


def adagrad(param: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
    """Take a step of ``Adagrad`` with a sparse gradient.

    Args:
        param: a dense parameter, overwritten.
        grad: its gradient.
        state: the number of steps and the sum of squares, which is dense.
        group: the options.

    Raises:
        RuntimeError: there is weight decay.
    """
    state["step"] += 1
    if group["weight_decay"] != 0:
        raise RuntimeError("weight_decay option is not compatible with sparse gradients")
    rate = float(group["lr"]) / (1 + (float(state["step"]) - 1) * group["lr_decay"])
    grad = (-grad if group["maximize"] else grad).coalesce()
    values = grad.values()
    state["sum"].add_(_like(grad, values * values))
    divisor = state["sum"].sparse_mask(grad).values().sqrt() + group["eps"]
    param.add_(_like(grad, values / divisor), alpha=-rate)


def sparse_adam(param: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
    """Take a step of ``SparseAdam``: of Adam where the gradient has elements.

    Args:
        param: a dense parameter, overwritten.
        grad: its gradient.
        state: the number of steps and the two moments, which are dense.
        group: the options.

    Raises:
        RuntimeError: the gradient is dense.
    """
    if not grad.is_sparse:
        raise _messages.sparse_only()
    if not state:
        state["step"] = 0
        state["exp_avg"] = torch.zeros_like(param)
        state["exp_avg_sq"] = torch.zeros_like(param)
    state["step"] += 1
    grad = (-grad if group["maximize"] else grad).coalesce()
    values = grad.values()
    if not values.numel():
        return
    beta1, beta2 = group["betas"]
    first = state["exp_avg"].sparse_mask(grad).values()
    second = state["exp_avg_sq"].sparse_mask(grad).values()
    first_step = (values - first) * (1 - beta1)
    second_step = (values * values - second) * (1 - beta2)
    state["exp_avg"].add_(_like(grad, first_step))
    state["exp_avg_sq"].add_(_like(grad, second_step))
    numerator = first + first_step
    denominator = (second + second_step).sqrt() + group["eps"]
    correction1 = 1 - beta1 ** state["step"]
    correction2 = 1 - beta2 ** state["step"]
    rate = float(group["lr"]) * correction2**0.5 / correction1
    param.add_(_like(grad, -rate * (numerator / denominator)))
