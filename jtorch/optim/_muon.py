"""Muon."""

from __future__ import annotations

import math
from typing import Any

from .._engine.recording.multi_tensor import ready_full, write_lists
from .._tensor.tensor import Tensor
from ..autograd.grad_mode import no_grad
from ..ops.optim import steps as optimiser_steps
from . import _messages
from .optimizer import Optimizer, ParamsT, _to_scalar

__all__ = ["Muon"]

#: Coefficients of the quintic polynomial that Newton and Schulz's iteration applies.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon(Optimizer):
    """Muon (Jordan et al. 2024): momentum of matrices, made orthogonal before each step.

    Args:
        params: matrices, or parameter groups of them.
        lr: learning rate, a number or a tensor of one element.
        weight_decay: factor by which parameters shrink, times the rate.
        momentum: factor of the velocity.
        nesterov: look ahead along the velocity.
        ns_coefficients: three coefficients of the iteration's polynomial.
        eps: bound from below of the norm that is divided by.
        ns_steps: turns of the iteration, less than 100.
        adjust_lr_fn: how the rate depends on the shape: ``"original"`` (also ``None``) or
            ``"match_rms_adamw"``.
    Raises:
        ValueError: a number is out of range, or a parameter is no matrix.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = COEFFICIENTS,
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise _messages.tensor_not_single("lr")
        if not 0.0 <= lr:
            raise _messages.should_be("Learning rate", ">= 0", lr)
        if not 0.0 <= momentum:
            raise _messages.should_be("momentum", ">= 0", momentum)
        if not 0.0 <= weight_decay:
            raise _messages.should_be("weight decay", ">= 0", weight_decay)
        if adjust_lr_fn is not None and adjust_lr_fn not in ["original", "match_rms_adamw"]:
            raise _messages.muon_adjustment(adjust_lr_fn)
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    raise _messages.muon_dimensions(param.size())

    @no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model anew and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            params: list[Any] = []
            buffers: list[Any] = []
            for param in group["params"]:
                if param.grad is None:
                    continue
                if param.is_complex():
                    raise _messages.no_complex("Muon")
                state = self.state[param]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = ready_full(param.grad)
                params.append(param)
                buffers.append(state["momentum_buffer"])
            muon(
                params,
                [param.grad for param in params],
                buffers,
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                momentum=group["momentum"],
                nesterov=group["nesterov"],
                ns_coefficients=group["ns_coefficients"],
                eps=group["eps"],
                ns_steps=group["ns_steps"],
                adjust_lr_fn=group["adjust_lr_fn"],
                has_complex=False,
            )
        return loss


def _adjusted(lr: Any, adjust_lr_fn: str | None, shape: Any) -> Any:
    rows, columns = shape[:2]
    if adjust_lr_fn is None or adjust_lr_fn == "original":
        return lr * math.sqrt(max(1, rows / columns))
    if adjust_lr_fn == "match_rms_adamw":
        return lr * (0.2 * math.sqrt(max(rows, columns)))
    return lr * 1.0


def muon(
    params: list[Any],
    grads: list[Any],
    muon_momentum_bufs: list[Any],
    *,
    foreach: bool | None = None,
    lr: Any,
    weight_decay: float,
    momentum: float,
    nesterov: bool,
    ns_coefficients: tuple[float, float, float],
    ns_steps: int,
    eps: float,
    adjust_lr_fn: str | None,
    has_complex: bool,
) -> None:
    """Take a step of ``Muon`` on lists of matrices."""
    if foreach:
        raise _messages.muon_foreach()
    if has_complex:
        raise ValueError("Complex parameters are not supported")
    if not params:
        return
    if any(grad.ndim != 2 for grad in grads):
        raise _messages.muon_not_matrix()
    if ns_steps >= 100:
        raise _messages.muon_many_steps()
    if len(ns_coefficients) != 3:
        raise _messages.muon_coefficients()
    lr = _to_scalar(lr)
    near = optimiser_steps.is_near(1 - momentum)
    static = (nesterov, ns_steps, near, optimiser_steps.is_near(momentum))
    by_shape: dict[Any, list[int]] = {}
    for at, param in enumerate(params):
        by_shape.setdefault(param.shape, []).append(at)
    for shape, places in by_shape.items():
        numbers = (
            1 - momentum,
            momentum,
            *ns_coefficients,
            eps,
            1 - lr * weight_decay,
            -_adjusted(lr, adjust_lr_fn, shape),
        )
        own = [[each[at] for at in places] for each in (params, grads, muon_momentum_bufs)]
        write_lists(optimiser_steps.muon, static, numbers, own, (0, 2))
