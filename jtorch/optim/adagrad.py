"""Adagrad."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, equal_numbers, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common
from .optimizer import ParamsT, _to_scalar, _use_grad_for_differentiable

__all__ = ["Adagrad", "adagrad"]


class Adagrad(_common.SteppedOptimizer):
    """Adagrad (Duchi, Hazan and Singer 2011): steps over the root of the sum of all squares.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, a number or a tensor of one element.
        lr_decay: how fast the rate falls with the number of steps.
        weight_decay: factor of the parameters added to the gradient.
        initial_accumulator_value: what the sums of squares begin with.
        eps: added to the denominator.
        foreach, fused: accepted as in PyTorch; a step is one program either way.
        maximize: go uphill.
        differentiable: record gradients through the step.
    Raises:
        ValueError: a number is out of range.
        RuntimeError: options exclude each other.
    """

    _added_options = {"foreach": None, "maximize": False, "differentiable": False, "fused": None}

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        _common.check_lr(lr)
        _common.check_not_negative(
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        if fused:
            self._need_device_dtype_check_for_fused = True
        _common.check_fused_options(self, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                self._new_state(param, group, self.state[param])

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        start: Any = self.defaults["initial_accumulator_value"]
        state["step"] = _common.counter(param, group)
        state["sum"] = ready_full(param, complex(start, start) if param.is_complex() else start)

    def share_memory(self) -> None:
        """Move the sums to memory that processes share."""
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["sum"].share_memory_()

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model anew and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            params, grads, sums, steps = self._gathered(group, "sum", "step")
            if group["fused"] and getattr(self, "_need_device_dtype_check_for_fused", True):
                for param in params:
                    _common.check_fused_param(param)
                self._need_device_dtype_check_for_fused = False
            adagrad(
                params,
                grads,
                sums,
                steps,
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                lr_decay=group["lr_decay"],
                eps=group["eps"],
                foreach=group["foreach"],
                maximize=group["maximize"],
                differentiable=group["differentiable"],
                fused=group["fused"],
                grad_scale=getattr(self, "grad_scale", None),
                found_inf=getattr(self, "found_inf", None),
            )
        return loss


def adagrad(
    params: list[Any],
    grads: list[Any],
    state_sums: list[Any],
    state_steps: list[Any],
    fused: bool | None = None,
    grad_scale: Any = None,
    found_inf: Any = None,
    has_sparse_grad: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    lr: Any,
    weight_decay: float,
    lr_decay: float,
    eps: float,
    maximize: bool,
) -> None:
    """Take a step of ``Adagrad`` on lists of tensors."""
    _common.check_call(params, state_steps, foreach, differentiable, False)
    if not params or not _common.unscaled(grads, grad_scale, found_inf, fused):
        return
    lr = _to_scalar(lr)
    lists = (params, grads, state_sums)
    static = (maximize, _common.decays(weight_decay))
    groups = equal_numbers(advance(state_steps))
    for step, places in groups:
        rate = lr / (1 + (step - 1) * lr_decay)
        own = lists if len(groups) == 1 else _common.picked(lists, places)
        write_lists(optimiser_steps.adagrad, static, (weight_decay, eps, -rate), own, (0, 2))
