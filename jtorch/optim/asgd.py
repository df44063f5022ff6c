"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import (
    advance,
    host_number,
    ready_full,
    set_host_number,
    write_lists,
)
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common
from ._driver import SteppedOptimizer, counter
from .optimizer import ParamsT, _to_scalar

__all__ = ["ASGD", "asgd"]


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
    """Take a step of ``ASGD`` on lists of tensors, in place.

    Args:
        params, grads: parameters and their gradients.
        axs: averages of the parameters.
        mus, etas: weights of the newest parameter in the average, and learning rates.
        state_steps: step counters.
        foreach, differentiable, capturable, has_complex: accepted as in PyTorch.
        lambd, lr, t0, alpha, weight_decay, maximize: as for ``ASGD``.
    """
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
    decays = _common.decays(weight_decay)
    steps = advance(state_steps)
    rates = [(host_number(eta), host_number(mu)) for eta, mu in zip(etas, mus, strict=True)]
    for (eta, mu), own in _common.grouped_by(rates, (params, grads, axs)):
        numbers = (weight_decay, 1 - lambd * eta, -eta, mu)
        write_lists(optimiser_steps.asgd, (maximize, decays, mu == 1), numbers, own, (0, 2))
    for step, eta, mu in zip(steps, etas, mus, strict=True):
        set_host_number(eta, float(lr / ((1 + lambd * lr * step) ** alpha)))
        set_host_number(mu, 1 / max(1, step - t0))


class ASGD(SteppedOptimizer):
    """Averaged stochastic gradient descent (Polyak-Ruppert averaging).

    For a parameter ``p`` with gradient ``g`` at step ``t = 1, 2, ...``, and its average ``a``::

        p = (1 - lambd eta) p - eta g
        a = a + mu (p - a)
        eta = lr / (1 + lambd lr t)^alpha
        mu = 1 / max(1, t - t0)

    where ``eta`` starts at ``lr`` and ``mu`` at 1. The average stands in
    ``state[p]["ax"]``; the parameter itself stays the newest iterate.

    Polyak and Juditsky, Acceleration of stochastic approximation by averaging, SIAM J. Control
    Optim. 30 (1992); rates of Bottou's SGD (2010).

    Args:
        params: parameters or parameter groups.
        lr: learning rate, at least 0, a number or a tensor of one element.
        lambd: decay of the learning rate, and L2 shrinkage of the parameters.
        alpha: exponent of the decay of the learning rate.
        t0: step at which averaging begins.
        weight_decay: coefficient of the L2 penalty: ``weight_decay p`` is added to ``g``.
        foreach, capturable: accepted, and refused, as in PyTorch; a step is one program either way.
        maximize: ascend the gradient instead: ``g`` is replaced by ``-g``.
        differentiable: record the step for differentiation.
    Raises:
        ValueError: a number is out of range.
    """

    _step_function = staticmethod(asgd)
    _states = ("ax", "mu", "eta", "step")
    _counters = ("step", "eta", "mu")
    _hyperparameters = (
        *("lambd", "lr", "t0", "alpha", "weight_decay"),
        *("foreach", "maximize", "differentiable", "capturable"),
    )
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

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        on_device = {"capturable": True}  # PyTorch keeps these with the parameter
        state["step"] = counter(param, on_device)
        state["eta"] = counter(param, on_device, float(group["lr"]))
        state["mu"] = counter(param, on_device, 1.0)
        state["ax"] = ready_full(param)
