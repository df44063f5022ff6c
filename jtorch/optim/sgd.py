"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from .optimizer import Optimizer, ParamsT, _to_scalar, _use_grad_for_differentiable

__all__ = ["SGD", "sgd"]


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, a number or a tensor of one element.
        momentum: factor of the velocity, which starts as the first gradient.
        dampening: part of the gradient that does not enter the velocity.
        weight_decay: factor of the parameters added to the gradient.
        nesterov: look ahead along the velocity (Sutskever et al. 2013, with the rate outside).
        maximize: go uphill.
        foreach, fused: accepted as in PyTorch; a step is one program either way.
        differentiable: record gradients through the step.
    Raises:
        ValueError: a number is out of range.
        RuntimeError: options exclude each other.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise _messages.tensor_not_single("lr")
        if lr < 0.0:
            raise _messages.invalid("learning rate", lr)
        if momentum < 0.0:
            raise _messages.invalid("momentum value", momentum)
        if weight_decay < 0.0:
            raise _messages.invalid("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise _messages.nesterov_needs_momentum()
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        if fused:
            self._need_device_dtype_check_for_fused = True
        _common.check_fused_options(self, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("nesterov", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("differentiable", False)
            group.setdefault("fused", False)

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model anew and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            params: list[Any] = []
            grads: list[Any] = []
            buffers: list[Any] = []
            momentum = group["momentum"]
            for param in group["params"]:
                grad = param.grad
                if grad is None:
                    continue
                if group["fused"] and getattr(self, "_need_device_dtype_check_for_fused", True):
                    _common.check_fused_param(param)
                    self._need_device_dtype_check_for_fused = False
                params.append(param)
                grads.append(grad)
                if momentum != 0:
                    buffers.append(self.state[param].get("momentum_buffer"))
            sgd(
                params,
                grads,
                buffers,
                weight_decay=group["weight_decay"],
                momentum=momentum,
                lr=group["lr"],
                dampening=group["dampening"],
                nesterov=group["nesterov"],
                maximize=group["maximize"],
                foreach=group["foreach"],
                fused=group["fused"],
                grad_scale=getattr(self, "grad_scale", None),
                found_inf=getattr(self, "found_inf", None),
            )
            if momentum != 0:
                for param, buffer in zip(params, buffers, strict=True):
                    self.state[param]["momentum_buffer"] = buffer
        return loss


def sgd(
    params: list[Any],
    d_p_list: list[Any],
    momentum_buffer_list: list[Any],
    has_sparse_grad: bool = False,
    foreach: bool | None = None,
    fused: bool | None = None,
    grad_scale: Any = None,
    found_inf: Any = None,
    *,
    weight_decay: Any,
    momentum: float,
    lr: Any,
    dampening: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    """Take a step of ``SGD`` on lists of tensors.

    Args:
        params, d_p_list: parameters and their gradients.
        momentum_buffer_list: velocities; a ``None`` in it is replaced by a new one.
        has_sparse_grad, foreach, fused: accepted as in PyTorch.
        grad_scale, found_inf: what a ``GradScaler`` leaves to a fused step.
        weight_decay, momentum, lr, dampening, nesterov, maximize: as for ``SGD``.
    """
    if not params or not _common.unscaled(d_p_list, grad_scale, found_inf, fused):
        return
    lr = _to_scalar(lr)
    decays = _common.decays(weight_decay)
    static = (maximize, decays, momentum != 0, nesterov)
    if momentum == 0:
        numbers: tuple[Any, ...] = (-lr, weight_decay)
        write_lists(optimiser_steps.sgd, static, numbers, (params, d_p_list), (0,))
        return
    missing = [at for at, buffer in enumerate(momentum_buffer_list) if buffer is None]
    for at in missing:
        # The first velocity is the gradient itself: 0 times this, plus 1 times the gradient, which
        # is the program of every later step. Its sign keeps a gradient of -0 what it is.
        momentum_buffer_list[at] = ready_full(d_p_list[at], -0.0)
    lists = (params, d_p_list, momentum_buffer_list)
    others = [at for at in range(len(params)) if at not in set(missing)]
    for places, kept, taken in ((missing, 0.0, 1.0), (others, momentum, 1 - dampening)):
        if places:
            own = lists if len(places) == len(params) else _common.picked(lists, places)
            numbers = (-lr, weight_decay, momentum, kept, taken)
            write_lists(optimiser_steps.sgd, static, numbers, own, (0, 2))
