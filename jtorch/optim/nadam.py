"""NAdam."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, multiply, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from ._driver import SteppedOptimizer, counter
from .optimizer import ParamsT, _to_scalar

__all__ = ["NAdam", "nadam"]


def nadam(
    params: list[Any],
    grads: list[Any],
    exp_avgs: list[Any],
    exp_avg_sqs: list[Any],
    mu_products: list[Any],
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
    momentum_decay: float,
    eps: float,
) -> None:
    """Take a step of ``NAdam`` on lists of tensors, in place.

    Args:
        params, grads: parameters and their gradients.
        exp_avgs, exp_avg_sqs: running means of the gradients and of their squares.
        mu_products: products of the momentum factors of all steps.
        state_steps: step counters.
        foreach, capturable, differentiable, has_complex: accepted as in PyTorch.
        decoupled_weight_decay, maximize, beta1, beta2, lr, weight_decay, momentum_decay, eps: as
            for ``NAdam``.
    """
    _common.check_call(
        params,
        state_steps,
        foreach,
        differentiable,
        capturable,
        "params, mu_products and state_steps",
    )
    for product in mu_products:
        if not isinstance(product, Tensor):
            raise _messages.steps_not_tensors("mu_products")
    if not params:
        return
    lr = _to_scalar(lr)
    decay = _common.decay_factor(lr, weight_decay, decoupled_weight_decay)
    near = optimiser_steps.is_near(1 - beta1)
    static = (maximize, _common.decays(weight_decay), decoupled_weight_decay, near)
    factors = []
    for step, product in zip(advance(state_steps), mu_products, strict=True):
        mu = beta1 * (1.0 - 0.5 * (0.96 ** (step * momentum_decay)))
        mu_next = beta1 * (1.0 - 0.5 * (0.96 ** ((step + 1) * momentum_decay)))
        factors.append((step, mu, mu_next, multiply(product, mu)))
    lists = (params, grads, exp_avgs, exp_avg_sqs)
    for (step, mu, mu_next, product), own in _common.grouped_by(factors, lists):
        numbers = (
            decay,
            1 - beta1,
            beta2,
            1 - beta2,
            1 - beta2**step,
            eps,
            -lr * (1.0 - mu) / (1.0 - product),
            -lr * mu_next / (1.0 - product * mu_next),
        )
        write_lists(optimiser_steps.nadam, static, numbers, own, (0, 2, 3))


class NAdam(SteppedOptimizer):
    """NAdam: Adam with Nesterov momentum.

    For a parameter ``p`` with gradient ``g`` at step ``t = 1, 2, ...``, and moments ``m`` and
    ``v`` that start at 0::

        mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)
        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2
        n = (1 - mu_t) / (1 - mu_1 ... mu_t) g + mu_(t+1) / (1 - mu_1 ... mu_(t+1)) m
        p = p - lr n / (sqrt(v / (1 - beta2^t)) + eps)

    Dozat, Incorporating Nesterov momentum into Adam (ICLR workshop 2016), algorithm 2.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, at least 0, a number or a tensor of one element.
        betas: decay rates of the first and of the second moment, in [0, 1).
        eps: added to the denominator, in units of the gradient.
        weight_decay: coefficient of the L2 penalty: ``weight_decay p`` is added to ``g``.
        momentum_decay: how fast ``mu_t`` rises to ``beta1``, per step.
        decoupled_weight_decay: multiply ``p`` by ``1 - lr weight_decay`` instead, as ``AdamW``.
        foreach, capturable: accepted, and refused, as in PyTorch; a step is one program either way.
        maximize: ascend the gradient instead: ``g`` is replaced by ``-g``.
        differentiable: record the step for differentiation.
    Raises:
        ValueError: a number is out of range.
    """

    _step_function = staticmethod(nadam)
    _states = ("exp_avg", "exp_avg_sq", "mu_product", "step")
    _counters = ("step", "mu_product")
    _hyperparameters = (
        *("lr", "weight_decay", "momentum_decay", "eps", "maximize", "decoupled_weight_decay"),
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
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        _common.check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        state["step"] = counter(param, group)
        state["mu_product"] = counter(param, group, 1.0)
        state["exp_avg"] = ready_full(param)
        state["exp_avg_sq"] = ready_full(param)
