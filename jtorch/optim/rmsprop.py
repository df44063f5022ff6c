"""RMSprop."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common
from ._driver import SteppedOptimizer, counter
from .optimizer import ParamsT, _to_scalar

__all__ = ["RMSprop", "rmsprop"]


def rmsprop(
    params: list[Any],
    grads: list[Any],
    square_avgs: list[Any],
    grad_avgs: list[Any],
    momentum_buffer_list: list[Any],
    state_steps: list[Any],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    lr: Any,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
) -> None:
    """Take a step of ``RMSprop`` on lists of tensors, in place.

    Args:
        params, grads: parameters and their gradients.
        square_avgs: running means of squared gradients.
        grad_avgs: running means of gradients, with ``centered``.
        momentum_buffer_list: velocities, with ``momentum``.
        state_steps: step counters.
        foreach, differentiable, capturable, has_complex: accepted as in PyTorch.
        lr, alpha, eps, weight_decay, momentum, centered, maximize: as for ``RMSprop``.
    """
    _common.check_call(params, state_steps, foreach, differentiable, capturable)
    if not params:
        return
    advance(state_steps)
    lists = [params, grads, square_avgs]
    if centered:
        lists.append(grad_avgs)
    if momentum > 0:
        lists.append(momentum_buffer_list)
    near = optimiser_steps.is_near(1 - alpha)
    static = (maximize, _common.decays(weight_decay), centered, momentum > 0, near)
    numbers = (weight_decay, alpha, 1 - alpha, eps, momentum, -_to_scalar(lr))
    written = (0, *range(2, len(lists)))
    write_lists(optimiser_steps.rmsprop, static, numbers, lists, written)


class RMSprop(SteppedOptimizer):
    """RMSprop: gradients divided by the root of a running mean of their squares.

    For a parameter ``p`` with gradient ``g``, and ``v``, ``m`` and ``b`` that start at 0::

        v = alpha v + (1 - alpha) g^2
        m = alpha m + (1 - alpha) g                if centered, else 0
        b = momentum b + g / (sqrt(v - m^2) + eps)
        p = p - lr b

    Tieleman and Hinton, Lecture 6.5 of Neural networks for machine learning (2012); centered:
    Graves, Generating sequences with recurrent neural networks (2013), equations 38 to 41.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, at least 0, a number or a tensor of one element.
        alpha: decay rate of the running means.
        eps: added to the denominator after the root, in units of the gradient.
        weight_decay: coefficient of the L2 penalty: ``weight_decay p`` is added to ``g``.
        momentum: factor of the velocity ``b`` of the step before.
        centered: divide by an estimate of the standard deviation instead.
        foreach, capturable: accepted, and refused, as in PyTorch; a step is one program either way.
        maximize: ascend the gradient instead: ``g`` is replaced by ``-g``.
        differentiable: record the step for differentiation.
    Raises:
        ValueError: a number is out of range.
    """

    _step_function = staticmethod(rmsprop)
    _states = ("square_avg", "grad_avg", "momentum_buffer", "step")
    _optional_states = {
        "grad_avg": lambda group: group["centered"],
        "momentum_buffer": lambda group: group["momentum"] > 0,
    }
    _hyperparameters = (
        *("lr", "alpha", "eps", "weight_decay", "momentum", "centered"),
        *("foreach", "maximize", "differentiable", "capturable"),
    )
    _added_options = {
        "momentum": 0,
        "centered": False,
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        _common.check_lr(lr)
        _common.check_not_negative(
            eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha
        )
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        state["step"] = counter(param, group)
        state["square_avg"] = ready_full(param)
        if group["momentum"] > 0:
            state["momentum_buffer"] = ready_full(param)
        if group["centered"]:
            state["grad_avg"] = ready_full(param)
