"""Muon."""

from __future__ import annotations

import functools
import math
from typing import Any

from .._engine.graph.values import SparseBase
from .._engine.recording.multi_tensor import ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from ._driver import SteppedOptimizer
from .optimizer import ParamsT, _to_scalar

__all__ = ["Muon"]

#: Coefficients of the quintic polynomial of the Newton-Schulz iteration.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


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
    """Take a step of ``Muon`` on lists of matrices, in place.

    Args:
        params, grads: parameters and their gradients.
        muon_momentum_bufs: running means of the gradients.
        foreach, has_complex: refused where true.
        lr, weight_decay, momentum, nesterov, ns_coefficients, ns_steps, eps, adjust_lr_fn: as for
            ``Muon``.
    """
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
    for position, param in enumerate(params):
        by_shape.setdefault(param.shape, []).append(position)
    for shape, positions in by_shape.items():
        numbers = (
            1 - momentum,
            momentum,
            *ns_coefficients,
            eps,
            1 - lr * weight_decay,
            -_adjusted(lr, adjust_lr_fn, shape),
        )
        own = _common.picked((params, grads, muon_momentum_bufs), positions)
        write_lists(optimiser_steps.muon, static, numbers, own, (0, 2))


class Muon(SteppedOptimizer):
    """Muon: the running mean of a matrix's gradient, orthogonalised by Newton-Schulz iteration.

    For a matrix ``p`` with gradient ``g``, and a mean ``m`` that starts at 0::

        m = momentum m + (1 - momentum) g
        u = (1 - momentum) g + momentum m              with nesterov, else m
        x = u / max(||u||, eps)
        ns_steps times: x = a x + (b y + c y^2) x      where y = x x^T
        p = (1 - lr weight_decay) p - lr s x

    where ``||u||`` is the Frobenius norm and ``s`` depends on the shape ``(n, m)``:
    ``sqrt(max(1, n / m))`` for ``"original"``, ``0.2 sqrt(max(n, m))`` for ``"match_rms_adamw"``.
    Jordan et al., Muon: An optimizer for hidden layers in neural networks (2024); the second ``s``:
    Liu et al., Muon is scalable for LLM training (2025).

    The driver's ``_collect`` is replaced, as the state has no step counter, and is made where it
    lacks the mean and not where it is empty.

    Args:
        params: matrices, or parameter groups of them.
        lr: learning rate, at least 0, a number or a tensor of one element.
        weight_decay: decoupled weight decay.
        momentum: decay rate of the running mean.
        nesterov: use Nesterov momentum.
        ns_coefficients: the coefficients ``(a, b, c)`` of the iteration's polynomial.
        eps: lower bound of the norm that is divided by, in units of the gradient.
        ns_steps: iterations, less than 100.
        adjust_lr_fn: how the step size depends on the shape: ``"original"`` (also ``None``) or
            ``"match_rms_adamw"``.
    Raises:
        ValueError: a number is out of range, or a parameter is no matrix.
    """

    _elementwise = False
    _step_function = staticmethod(functools.partial(muon, has_complex=False))
    _counters = ()
    _hyperparameters = (
        *("lr", "weight_decay", "momentum", "nesterov", "ns_coefficients", "eps", "ns_steps"),
        "adjust_lr_fn",
    )
    _has_differentiable = False

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

    def _collect(self, group: dict[str, Any]) -> list[list[Any]]:
        params: list[Any] = []
        grads: list[Any] = []
        means: list[Any] = []
        for param in group["params"]:
            grad = param.grad
            if isinstance(grad, SparseBase):
                self._step_sparse(param, grad, group)
            if grad is None:
                continue
            if param.is_complex():
                raise _messages.no_complex("Muon")
            state = self.state[param]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = ready_full(grad)
            params.append(param)
            grads.append(grad)
            means.append(state["momentum_buffer"])
        return [params, grads, means]
