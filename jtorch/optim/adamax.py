"""Adamax."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common
from ._driver import SteppedOptimizer, counter
from .optimizer import ParamsT, _to_scalar

__all__ = ["Adamax", "adamax"]


def adamax(
    params: list[Any],
    grads: list[Any],
    exp_avgs: list[Any],
    exp_infs: list[Any],
    state_steps: list[Any],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    eps: float,
    beta1: float,
    beta2: float,
    lr: Any,
    weight_decay: float,
) -> None:
    """Take a step of ``Adamax`` on lists of tensors, in place.

    Args:
        params, grads: parameters and their gradients.
        exp_avgs: running means of the gradients.
        exp_infs: exponentially weighted infinity norms of the gradients.
        state_steps: step counters.
        foreach, differentiable, capturable, has_complex: accepted as in PyTorch.
        eps, beta1, beta2, lr, weight_decay, maximize: as for ``Adamax``.
    """
    _common.check_call(params, state_steps, foreach, differentiable, capturable)
    if not params:
        return
    lr = _to_scalar(lr)
    static = (maximize, _common.decays(weight_decay), optimiser_steps.is_near(1 - beta1))
    lists = (params, grads, exp_avgs, exp_infs)
    for step, own in _common.grouped_by(advance(state_steps), lists):
        numbers = (weight_decay, 1 - beta1, beta2, eps, -(lr / (1 - beta1**step)))
        write_lists(optimiser_steps.adamax, static, numbers, own, (0, 2, 3))


class Adamax(SteppedOptimizer):
    """Adamax: Adam with the infinity norm in place of the second moment.

    For a parameter ``p`` with gradient ``g`` at step ``t = 1, 2, ...``, and ``m`` and ``u`` that
    start at 0::

        m = beta1 m + (1 - beta1) g
        u = max(beta2 u, |g| + eps)
        p = p - lr / (1 - beta1^t) m / u

    Kingma and Ba, Adam: A method for stochastic optimization (ICLR 2015), algorithm 2.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, at least 0, a number or a tensor of one element.
        betas: decay rates of the first moment and of the infinity norm, in [0, 1).
        eps: added to the absolute value of the gradient, in its units.
        weight_decay: coefficient of the L2 penalty: ``weight_decay p`` is added to ``g``.
        foreach, capturable: accepted, and refused, as in PyTorch; a step is one program either way.
        maximize: ascend the gradient instead: ``g`` is replaced by ``-g``.
        differentiable: record the step for differentiation.
    Raises:
        ValueError: a number is out of range.
    """

    _step_function = staticmethod(adamax)
    _states = ("exp_avg", "exp_inf", "step")
    _hyperparameters = (
        *("eps", "lr", "weight_decay"),
        *("foreach", "maximize", "differentiable", "capturable"),
    )
    _paired_hyperparameters = {"betas": ("beta1", "beta2")}
    _added_options = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        _common.check_lr(lr)
        _common.check_not_negative(eps=eps)
        _common.check_betas(betas)
        _common.check_not_negative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        state["step"] = counter(param, group)
        state["exp_avg"] = ready_full(param)
        state["exp_inf"] = ready_full(param)
