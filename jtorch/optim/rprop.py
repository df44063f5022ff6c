"""Resilient backpropagation."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from .optimizer import ParamsT, _use_grad_for_differentiable

__all__ = ["Rprop", "rprop"]


class Rprop(_common.SteppedOptimizer):
    """Rprop (Riedmiller and Braun 1993): steps from the signs of gradients alone.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, a number or a tensor of one element.
        etas: factors of the step size where the sign changed and where it did not.
        step_sizes: least and greatest step size.
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
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        _common.check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise _messages.invalid("eta values", f"{etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        lr = float(group["lr"])
        state["step"] = _common.counter(param, group)
        state["prev"] = ready_full(param)
        size: Any = complex(lr, lr) if param.is_complex() else lr
        state["step_size"] = ready_full(param.grad, size)

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model anew and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            eta_minus, eta_plus = group["etas"]
            least, most = group["step_sizes"]
            params, grads, previous, sizes, steps = self._gathered(
                group, "prev", "step_size", "step"
            )
            rprop(
                params,
                grads,
                previous,
                sizes,
                steps,
                step_size_min=least,
                step_size_max=most,
                etaminus=eta_minus,
                etaplus=eta_plus,
                foreach=group["foreach"],
                maximize=group["maximize"],
                differentiable=group["differentiable"],
                capturable=group["capturable"],
            )
        return loss


def rprop(
    params: list[Any],
    grads: list[Any],
    prevs: list[Any],
    step_sizes: list[Any],
    state_steps: list[Any],
    foreach: bool | None = None,
    capturable: bool = False,
    maximize: bool = False,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    step_size_min: float,
    step_size_max: float,
    etaminus: float,
    etaplus: float,
) -> None:
    """Take a step of ``Rprop`` on lists of tensors."""
    _common.check_call(params, state_steps, foreach, differentiable, capturable)
    if not params:
        return
    advance(state_steps)
    numbers = (etaminus, etaplus, step_size_min, step_size_max)
    lists = (params, grads, prevs, step_sizes)
    write_lists(optimiser_steps.rprop, (maximize,), numbers, lists, (0, 2, 3))
