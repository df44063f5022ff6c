"""RAdam."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common
from ._driver import SteppedOptimizer, counter
from .optimizer import ParamsT, _to_scalar

__all__ = ["RAdam", "radam"]


def radam(
    params: list[Any],
    grads: list[Any],
    exp_avgs: list[Any],
    exp_avg_sqs: list[Any],
    state_steps: list[Any],
    decoupled_weight_decay: bool = False,
    foreach: bool | None = None,
    capturable: bool = False,
    differentiable: bool = False,
    has_complex: bool = False,
    maximize: bool = False,
    *,
    beta1: float,
    beta2: float,
    lr: Any,
    weight_decay: float,
    eps: float,
) -> None:
    """Take a step of ``RAdam`` on lists of tensors, in place.

    Args:
        params, grads: parameters and their gradients.
        exp_avgs, exp_avg_sqs: running means of the gradients and of their squares.
        state_steps: step counters.
        foreach, capturable, differentiable, has_complex: accepted as in PyTorch.
        decoupled_weight_decay, maximize, beta1, beta2, lr, weight_decay, eps: as for ``RAdam``.
    """
    _common.check_call(params, state_steps, foreach, differentiable, capturable)
    if not params:
        return
    lr = _to_scalar(lr)
    decays = _common.decays(weight_decay)
    decay = _common.decay_factor(lr, weight_decay, decoupled_weight_decay)
    near = optimiser_steps.is_near(1 - beta1)
    rho_inf = 2 / (1 - beta2) - 1
    lists = (params, grads, exp_avgs, exp_avg_sqs)
    for step, own in _common.grouped_by(advance(state_steps), lists):
        correction2 = 1 - beta2**step
        rho = rho_inf - 2 * step * (beta2**step) / correction2
        rectification = 0.0
        if rho > 5.0:
            rectification = (
                (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
            ) ** 0.5
        numbers = (
            decay,
            1 - beta1,
            beta2,
            1 - beta2,
            eps,
            lr,
            1 - beta1**step,
            correction2**0.5,
            rectification,
        )
        static = (maximize, decays, decoupled_weight_decay, near, rho > 5.0)
        write_lists(optimiser_steps.radam, static, numbers, own, (0, 2, 3))


class RAdam(SteppedOptimizer):
    """RAdam: Adam whose step is rectified while the variance of its second moment is large.

    For a parameter ``p`` with gradient ``g`` at step ``t = 1, 2, ...``, and moments ``m`` and
    ``v`` that start at 0, with ``r_inf = 2 / (1 - beta2) - 1``::

        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2
        r = r_inf - 2 t beta2^t / (1 - beta2^t)
        c = sqrt((r - 4) (r - 2) r_inf / ((r_inf - 4) (r_inf - 2) r))
        p = p - lr m / (1 - beta1^t) c sqrt(1 - beta2^t) / (sqrt(v) + eps)    if r > 5
        p = p - lr m / (1 - beta1^t)                                          otherwise

    Liu et al., On the variance of the adaptive learning rate and beyond (ICLR 2020), algorithm 2.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, at least 0, a number or a tensor of one element.
        betas: decay rates of the first and of the second moment, in [0, 1).
        eps: added to the denominator, in units of the gradient.
        weight_decay: coefficient of the L2 penalty: ``weight_decay p`` is added to ``g``.
        decoupled_weight_decay: multiply ``p`` by ``1 - lr weight_decay`` instead, as ``AdamW``.
        foreach, capturable: accepted, and refused, as in PyTorch; a step is one program either way.
        maximize: ascend the gradient instead: ``g`` is replaced by ``-g``.
        differentiable: record the step for differentiation.
    Raises:
        ValueError: a number is out of range.
    """

    _step_function = staticmethod(radam)
    _states = ("exp_avg", "exp_avg_sq", "step")
    _hyperparameters = (
        *("lr", "weight_decay", "eps", "maximize", "decoupled_weight_decay"),
        *("foreach", "capturable", "differentiable"),
    )
    _paired_hyperparameters = {"betas": ("beta1", "beta2")}
    _added_options = {
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        state["step"] = counter(param, group)
        state["exp_avg"] = ready_full(param)
        state["exp_avg_sq"] = ready_full(param)
