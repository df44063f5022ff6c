"""NAdam."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import (
    advance,
    equal_numbers,
    multiply,
    ready_full,
    write_lists,
)
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from .optimizer import ParamsT, _to_scalar, _use_grad_for_differentiable

__all__ = ["NAdam", "nadam"]


class NAdam(_common.SteppedOptimizer):
    """NAdam (Dozat 2016): Adam with Nesterov momentum.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, a number or a tensor of one element.
        betas: decay of the running mean and of the running mean of squares.
        eps: added to the denominator.
        weight_decay: factor of the parameters added to the gradient.
        momentum_decay: how fast the momentum reaches its final value.
        decoupled_weight_decay: shrink the parameters instead, as ``AdamW`` does.
        foreach, capturable: accepted, and refused, as in PyTorch.
        maximize: go uphill.
        differentiable: record gradients through the step.
    Raises:
        ValueError: a number is out of range.
    """

    _added_options = {
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
    }

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            _common.restore_counters(self, group, "mu_product")

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
        state["step"] = _common.counter(param, group)
        state["mu_product"] = _common.counter(param, group, 1.0)
        state["exp_avg"] = ready_full(param)
        state["exp_avg_sq"] = ready_full(param)

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model anew and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            params, grads, averages, squares, products, steps = self._gathered(
                group, "exp_avg", "exp_avg_sq", "mu_product", "step"
            )
            nadam(
                params,
                grads,
                averages,
                squares,
                products,
                steps,
                beta1=beta1,
                beta2=beta2,
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                momentum_decay=group["momentum_decay"],
                eps=group["eps"],
                maximize=group["maximize"],
                decoupled_weight_decay=group["decoupled_weight_decay"],
                foreach=group["foreach"],
                capturable=group["capturable"],
                differentiable=group["differentiable"],
            )
        return loss


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
    """Take a step of ``NAdam`` on lists of tensors."""
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
    decays = _common.decays(weight_decay)
    decay = 1 - lr * weight_decay if decays and decoupled_weight_decay else weight_decay
    near = optimiser_steps.is_near(1 - beta1)
    static = (maximize, decays, decoupled_weight_decay, near)
    lists = (params, grads, exp_avgs, exp_avg_sqs)
    factors = []
    for step, product in zip(advance(state_steps), mu_products, strict=True):
        mu = beta1 * (1.0 - 0.5 * (0.96 ** (step * momentum_decay)))
        mu_next = beta1 * (1.0 - 0.5 * (0.96 ** ((step + 1) * momentum_decay)))
        factors.append((step, mu, mu_next, multiply(product, mu)))
    groups = equal_numbers(factors)
    for (step, mu, mu_next, product), places in groups:
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
        own = lists if len(groups) == 1 else _common.picked(lists, places)
        write_lists(optimiser_steps.nadam, static, numbers, own, (0, 2, 3))
