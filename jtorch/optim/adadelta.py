"""Adadelta."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from .optimizer import ParamsT, _to_scalar, _use_grad_for_differentiable

__all__ = ["Adadelta", "adadelta"]


class Adadelta(_common.SteppedOptimizer):
    """Adadelta (Zeiler 2012): steps as large as recent steps, over the root of recent squares.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, a number or a tensor of one element.
        rho: decay of the running means.
        eps: added under the roots.
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
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        _common.check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise _messages.invalid("rho value", rho)
        _common.check_not_negative(eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        state["step"] = _common.counter(param, group)
        state["square_avg"] = ready_full(param)
        state["acc_delta"] = ready_full(param)

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model anew and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            params, grads, squares, deltas, steps = self._gathered(
                group, "square_avg", "acc_delta", "step"
            )
            adadelta(
                params,
                grads,
                squares,
                deltas,
                steps,
                lr=group["lr"],
                rho=group["rho"],
                eps=group["eps"],
                weight_decay=group["weight_decay"],
                foreach=group["foreach"],
                maximize=group["maximize"],
                differentiable=group["differentiable"],
                capturable=group["capturable"],
            )
        return loss


def adadelta(
    params: list[Any],
    grads: list[Any],
    square_avgs: list[Any],
    acc_deltas: list[Any],
    state_steps: list[Any],
    capturable: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    lr: Any,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """Take a step of ``Adadelta`` on lists of tensors."""
    _common.check_call(params, state_steps, foreach, differentiable, capturable, supports_xla=False)
    if not params:
        return
    advance(state_steps)
    write_lists(
        optimiser_steps.adadelta,
        (maximize, _common.decays(weight_decay)),
        (weight_decay, rho, 1 - rho, eps, -_to_scalar(lr)),
        (params, grads, square_avgs, acc_deltas),
        (0, 2, 3),
    )
