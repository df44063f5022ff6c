"""Adamax."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, equal_numbers, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common
from .optimizer import ParamsT, _to_scalar, _use_grad_for_differentiable

__all__ = ["Adamax", "adamax"]


class Adamax(_common.SteppedOptimizer):
    """Adamax (Kingma and Ba 2015, section 7): Adam with the infinity norm.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, a number or a tensor of one element.
        betas: decay of the running mean and of the running maximum.
        eps: added to the size of the gradient.
        weight_decay: factor of the parameters added to the gradient.
        foreach, capturable: accepted, and refused, as in PyTorch.
        maximize: go uphill.
        differentiable: record gradients through the step.
    Raises:
        ValueError: a number is out of range.
    """

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
        state["step"] = _common.counter(param, group)
        state["exp_avg"] = ready_full(param)
        state["exp_inf"] = ready_full(param)

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model anew and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            params, grads, averages, largest, steps = self._gathered(
                group, "exp_avg", "exp_inf", "step"
            )
            adamax(
                params,
                grads,
                averages,
                largest,
                steps,
                eps=group["eps"],
                beta1=beta1,
                beta2=beta2,
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                foreach=group["foreach"],
                maximize=group["maximize"],
                differentiable=group["differentiable"],
                capturable=group["capturable"],
            )
        return loss


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
    """Take a step of ``Adamax`` on lists of tensors."""
    _common.check_call(params, state_steps, foreach, differentiable, capturable)
    if not params:
        return
    lr = _to_scalar(lr)
    lists = (params, grads, exp_avgs, exp_infs)
    static = (maximize, _common.decays(weight_decay), optimiser_steps.is_near(1 - beta1))
    groups = equal_numbers(advance(state_steps))
    for step, places in groups:
        numbers = (weight_decay, 1 - beta1, beta2, eps, -(lr / (1 - beta1**step)))
        own = lists if len(groups) == 1 else _common.picked(lists, places)
        write_lists(optimiser_steps.adamax, static, numbers, own, (0, 2, 3))
