"""Adadelta."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from ._driver import SteppedOptimizer, counter
from .optimizer import ParamsT, _to_scalar

__all__ = ["Adadelta", "adadelta"]


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
    """Take a step of ``Adadelta`` on lists of tensors, in place.

    Args:
        params, grads: parameters and their gradients.
        square_avgs, acc_deltas: running means of squared gradients and of squared updates.
        state_steps: step counters.
        capturable, foreach, differentiable, has_complex: accepted as in PyTorch.
        lr, rho, eps, weight_decay, maximize: as for ``Adadelta``.
    """
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


class Adadelta(SteppedOptimizer):
    """Adadelta: gradients scaled by the ratio of two root mean squares.

    For a parameter ``p`` with gradient ``g``, and means ``v`` and ``u`` that start at 0::

        v = rho v + (1 - rho) g^2
        d = sqrt(u + eps) / sqrt(v + eps) g
        u = rho u + (1 - rho) d^2
        p = p - lr d

    Zeiler, ADADELTA: An adaptive learning rate method (2012), algorithm 1, where ``lr`` is 1.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, at least 0, a number or a tensor of one element.
        rho: decay rate of both running means, in [0, 1].
        eps: added to the means under the roots, in units of the squared gradient.
        weight_decay: coefficient of the L2 penalty: ``weight_decay p`` is added to ``g``.
        foreach, capturable: accepted, and refused, as in PyTorch; a step is one program either way.
        maximize: ascend the gradient instead: ``g`` is replaced by ``-g``.
        differentiable: record the step for differentiation.
    Raises:
        ValueError: a number is out of range.
    """

    _step_function = staticmethod(adadelta)
    _states = ("square_avg", "acc_delta", "step")
    _hyperparameters = (
        *("lr", "rho", "eps", "weight_decay"),
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
        state["step"] = counter(param, group)
        state["square_avg"] = ready_full(param)
        state["acc_delta"] = ready_full(param)
