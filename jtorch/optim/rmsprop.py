"""RMSprop."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common
from .optimizer import ParamsT, _to_scalar, _use_grad_for_differentiable

__all__ = ["RMSprop", "rmsprop"]


class RMSprop(_common.SteppedOptimizer):
    """RMSprop (Tieleman and Hinton 2012): steps over the root of a running mean of squares.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, a number or a tensor of one element.
        alpha: decay of the running mean.
        eps: added to the denominator, after the root.
        weight_decay: factor of the parameters added to the gradient.
        momentum: factor of the velocity.
        centered: divide by an estimate of the variance instead (Graves 2013).
        foreach, capturable: accepted, and refused, as in PyTorch.
        maximize: go uphill.
        differentiable: record gradients through the step.
    Raises:
        ValueError: a number is out of range.
    """

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
        state["step"] = _common.counter(param, group)
        state["square_avg"] = ready_full(param)
        if group["momentum"] > 0:
            state["momentum_buffer"] = ready_full(param)
        if group["centered"]:
            state["grad_avg"] = ready_full(param)

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model anew and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            names = ["square_avg", "step"]
            if group["centered"]:
                names.append("grad_avg")
            if group["momentum"] > 0:
                names.append("momentum_buffer")
            params, grads, squares, steps, *rest = self._gathered(group, *names)
            means = rest.pop(0) if group["centered"] else []
            rmsprop(
                params,
                grads,
                squares,
                means,
                rest[0] if rest else [],
                steps,
                lr=group["lr"],
                alpha=group["alpha"],
                eps=group["eps"],
                weight_decay=group["weight_decay"],
                momentum=group["momentum"],
                centered=group["centered"],
                foreach=group["foreach"],
                maximize=group["maximize"],
                differentiable=group["differentiable"],
                capturable=group["capturable"],
            )
        return loss


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
    """Take a step of ``RMSprop`` on lists of tensors."""
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
