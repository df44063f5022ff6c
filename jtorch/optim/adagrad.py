"""Adagrad."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _sparse
from ._driver import SteppedOptimizer, counter
from .optimizer import ParamsT, _to_scalar

__all__ = ["Adagrad", "adagrad"]


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
    """Take a step of ``Adagrad`` on lists of tensors, in place.

    Args:
        params, grads: parameters and their gradients.
        state_sums: sums of squared gradients.
        state_steps: step counters.
        grad_scale, found_inf: what a ``GradScaler`` leaves to a fused step.
        fused, has_sparse_grad, foreach, differentiable, has_complex: accepted as in PyTorch.
        lr, weight_decay, lr_decay, eps, maximize: as for ``Adagrad``.
    """
    _common.check_call(params, state_steps, foreach, differentiable, False)
    if not params or not _common.unscaled(grads, grad_scale, found_inf, fused):
        return
    lr = _to_scalar(lr)
    static = (maximize, _common.decays(weight_decay))
    lists = (params, grads, state_sums)
    for step, own in _common.grouped_by(advance(state_steps), lists):
        rate = lr / (1 + (step - 1) * lr_decay)
        write_lists(optimiser_steps.adagrad, static, (weight_decay, eps, -rate), own, (0, 2))


class Adagrad(SteppedOptimizer):
    """Adagrad: gradients divided by the root of the sum of all their squares.

    For a parameter ``p`` with gradient ``g`` at step ``t = 1, 2, ...``::

        s = s + g^2
        p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)

    Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic
    optimization, JMLR 12 (2011), with the diagonal matrix.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, at least 0, a number or a tensor of one element.
        lr_decay: decay of the learning rate per step.
        weight_decay: coefficient of the L2 penalty: ``weight_decay p`` is added to ``g``.
        initial_accumulator_value: initial value of ``s``, in units of the squared gradient.
        eps: added to the denominator, in units of the gradient.
        foreach, fused: accepted as in PyTorch; a step is one program either way.
        maximize: ascend the gradient instead: ``g`` is replaced by ``-g``.
        differentiable: record the step for differentiation.
    Raises:
        ValueError: a number is out of range.
        RuntimeError: options exclude each other.
    """

    _step_function = staticmethod(adagrad)
    _states = ("sum", "step")
    _hyperparameters = (
        *("lr", "weight_decay", "lr_decay", "eps"),
        *("foreach", "maximize", "differentiable", "fused"),
    )
    _takes_grad_scale = True
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
        state["step"] = counter(param, group)
        state["sum"] = ready_full(param, complex(start, start) if param.is_complex() else start)

    def share_memory(self) -> None:
        """Move the sums to memory that processes share."""
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["sum"].share_memory_()

    def _step_sparse(self, param: Any, grad: Any, group: dict[str, Any]) -> None:
        _sparse.adagrad(param, grad, self.state[param], group)

    def _collect(self, group: dict[str, Any]) -> list[list[Any]]:
        lists = super()._collect(group)
        if group["fused"] and getattr(self, "_need_device_dtype_check_for_fused", True):
            for param in lists[0]:
                _common.check_fused_param(param)
            self._need_device_dtype_check_for_fused = False
        return lists
