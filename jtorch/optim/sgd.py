"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from .._engine.graph.values import SparseBase
from .._engine.recording.multi_tensor import ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages, _sparse
from ._driver import SteppedOptimizer
from .optimizer import ParamsT, _to_scalar

__all__ = ["SGD", "sgd"]


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
    """Take a step of ``SGD`` on lists of tensors, in place.

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
    for positions, kept, taken in ((missing, 0.0, 1.0), (others, momentum, 1 - dampening)):
        if positions:
            own = lists if len(positions) == len(params) else _common.picked(lists, positions)
            numbers = (-lr, weight_decay, momentum, kept, taken)
            write_lists(optimiser_steps.sgd, static, numbers, own, (0, 2))


class SGD(SteppedOptimizer):
    """Stochastic gradient descent, with momentum if wanted.

    For a parameter ``p`` with gradient ``g``, and a velocity ``b`` that starts as the first ``g``::

        b = momentum b + (1 - dampening) g
        p = p - lr b                    p = p - lr (g + momentum b) with nesterov

    Without momentum, ``b`` is ``g``. Robbins and Monro, A stochastic approximation method (1951);
    Polyak, Some methods of speeding up the convergence of iteration methods (1964); Nesterov
    momentum: Sutskever et al., On the importance of initialization and momentum in deep learning
    (ICML 2013), whose velocity contains the factor ``lr``.

    The driver's ``_collect`` is replaced, as without momentum there is no state at all, not even an
    empty one, and as the step function itself makes a velocity where there is none.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, at least 0, a number or a tensor of one element.
        momentum: factor of the velocity of the step before, at least 0.
        dampening: part of the gradient that does not enter the velocity.
        weight_decay: coefficient of the L2 penalty: ``weight_decay p`` is added to ``g``.
        nesterov: use Nesterov momentum.
        maximize: ascend the gradient instead: ``g`` is replaced by ``-g``.
        foreach, fused: accepted as in PyTorch; a step is one program either way.
        differentiable: record the step for differentiation.
    Raises:
        ValueError: a number is out of range.
        RuntimeError: options exclude each other.
    """

    _step_function = staticmethod(sgd)
    _counters = ()
    _hyperparameters = (
        *("weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize"),
        *("foreach", "fused"),
    )
    _takes_grad_scale = True
    _added_options = {
        "nesterov": False,
        "maximize": False,
        "foreach": None,
        "differentiable": False,
        "fused": False,
    }

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

    def _collect(self, group: dict[str, Any]) -> list[list[Any]]:
        params: list[Any] = []
        grads: list[Any] = []
        velocities: list[Any] = []
        has_momentum = group["momentum"] != 0
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            if isinstance(grad, SparseBase):
                self._step_sparse(param, grad, group)
                continue
            if group["fused"] and getattr(self, "_need_device_dtype_check_for_fused", True):
                _common.check_fused_param(param)
                self._need_device_dtype_check_for_fused = False
            params.append(param)
            grads.append(grad)
            if has_momentum:
                velocities.append(self.state[param].get("momentum_buffer"))
        return [params, grads, velocities]

    def _step_sparse(self, param: Any, grad: Any, group: dict[str, Any]) -> None:
        before = self.state[param].get("momentum_buffer") if group["momentum"] != 0 else None
        velocity = _sparse.sgd(param, grad, before, group)
        if velocity is not None:
            self.state[param]["momentum_buffer"] = velocity

    def _step_group(self, group: dict[str, Any]) -> list[list[Any]]:
        lists = super()._step_group(group)
        if group["momentum"] != 0:
            for param, velocity in zip(lists[0], lists[2], strict=True):
                self.state[param]["momentum_buffer"] = velocity
        return lists
