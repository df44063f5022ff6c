"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import (
    advance,
    equal_numbers,
    host_number,
    ready_full,
    set_host_number,
    write_lists,
)
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common
from .optimizer import ParamsT, _to_scalar, _use_grad_for_differentiable

__all__ = ["ASGD", "asgd"]


class ASGD(_common.SteppedOptimizer):
    """Averaged stochastic gradient descent (Polyak and Juditsky 1992).

    Args:
        params: parameters or parameter groups.
        lr: learning rate, a number or a tensor of one element.
        lambd: decay of the rate, and of the parameters.
        alpha: power of the rate's decay.
        t0: step at which averaging begins.
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
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        _common.check_lr(lr)
        _common.check_not_negative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            _common.restore_counters(self, group, "eta", "mu")

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        on_device = {"capturable": True}  # PyTorch keeps these with the parameter
        state["step"] = _common.counter(param, on_device)
        state["eta"] = _common.counter(param, on_device, float(group["lr"]))
        state["mu"] = _common.counter(param, on_device, 1.0)
        state["ax"] = ready_full(param)

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model anew and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            params, grads, means, mus, etas, steps = self._gathered(
                group, "ax", "mu", "eta", "step"
            )
            asgd(
                params,
                grads,
                means,
                mus,
                etas,
                steps,
                lambd=group["lambd"],
                lr=group["lr"],
                t0=group["t0"],
                alpha=group["alpha"],
                weight_decay=group["weight_decay"],
                foreach=group["foreach"],
                maximize=group["maximize"],
                differentiable=group["differentiable"],
                capturable=group["capturable"],
            )
        return loss


def asgd(
    params: list[Any],
    grads: list[Any],
    axs: list[Any],
    mus: list[Any],
    etas: list[Any],
    state_steps: list[Any],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    lambd: float,
    lr: Any,
    t0: float,
    alpha: float,
    weight_decay: float,
) -> None:
    """Take a step of ``ASGD`` on lists of tensors."""
    _common.check_call(
        params,
        state_steps,
        foreach,
        differentiable,
        capturable,
        "params, mus, etas, and state_steps",
    )
    if not params:
        return
    lr = _to_scalar(lr)
    lists = (params, grads, axs)
    decays = _common.decays(weight_decay)
    steps = advance(state_steps)
    groups = equal_numbers(
        [(host_number(eta), host_number(mu)) for eta, mu in zip(etas, mus, strict=True)]
    )
    for (eta, mu), places in groups:
        own = lists if len(groups) == 1 else _common.picked(lists, places)
        numbers = (weight_decay, 1 - lambd * eta, -eta, mu)
        write_lists(optimiser_steps.asgd, (maximize, decays, mu == 1), numbers, own, (0, 2))
    for step, eta, mu in zip(steps, etas, mus, strict=True):
        set_host_number(eta, float(lr / ((1 + lambd * lr * step) ** alpha)))
        set_host_number(mu, 1 / max(1, step - t0))
