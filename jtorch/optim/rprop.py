"""Resilient backpropagation."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from ._driver import SteppedOptimizer, counter
from .optimizer import ParamsT

__all__ = ["Rprop", "rprop"]


def rprop(
    params: list[Any],
    grads: list[Any],
    prevs: list[Any],
    step_sizes: list[Any],
    state_steps: list[Any],
    foreach: bool | None = None,
    capturable: bool = False,
    maximize: bool = False,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    step_size_min: float,
    step_size_max: float,
    etaminus: float,
    etaplus: float,
) -> None:
    """Take a step of ``Rprop`` on lists of tensors, in place.

    Args:
        params, grads: parameters and their gradients.
        prevs: gradients of the step before, 0 where the sign changed.
        step_sizes: step sizes, one for each element.
        state_steps: step counters.
        foreach, capturable, differentiable, has_complex: accepted as in PyTorch.
        step_size_min, step_size_max, etaminus, etaplus, maximize: as for ``Rprop``.
    """
    _common.check_call(params, state_steps, foreach, differentiable, capturable)
    if not params:
        return
    advance(state_steps)
    numbers = (etaminus, etaplus, step_size_min, step_size_max)
    lists = (params, grads, prevs, step_sizes)
    write_lists(optimiser_steps.rprop, (maximize,), numbers, lists, (0, 2, 3))


class Rprop(SteppedOptimizer):
    """Resilient backpropagation (Rprop): step sizes of their own, adapted by the gradient's signs.

    For each element ``p`` with gradient ``g``, the gradient ``h`` of the step before, which starts
    at 0, and a step size ``d`` that starts at ``lr``::

        d = min(max(d f, step_sizes[0]), step_sizes[1])
            where f = etas[1] if g h > 0, etas[0] if g h < 0, else 1
        g = 0 if g h < 0
        p = p - sign(g) d
        h = g

    Riedmiller and Braun, A direct adaptive method for faster backpropagation learning: the RPROP
    algorithm (ICNN 1993), without its return to the parameter before a change of sign (iRprop-).

    Args:
        params: parameters or parameter groups.
        lr: initial step size, at least 0, a number or a tensor of one element.
        etas: factors by which a step size falls and rises, ``0 < etas[0] < 1 < etas[1]``.
        step_sizes: least and greatest step size, in units of the parameter.
        foreach, capturable: accepted, and refused, as in PyTorch; a step is one program either way.
        maximize: ascend the gradient instead: ``g`` is replaced by ``-g``.
        differentiable: record the step for differentiation.
    Raises:
        ValueError: a number is out of range.
    """

    _step_function = staticmethod(rprop)
    _states = ("prev", "step_size", "step")
    _hyperparameters = ("foreach", "maximize", "differentiable", "capturable")
    _paired_hyperparameters = {
        "etas": ("etaminus", "etaplus"),
        "step_sizes": ("step_size_min", "step_size_max"),
    }
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
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        _common.check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise _messages.invalid("eta values", f"{etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        lr = float(group["lr"])
        state["step"] = counter(param, group)
        state["prev"] = ready_full(param)
        size: Any = complex(lr, lr) if param.is_complex() else lr
        state["step_size"] = ready_full(param.grad, size)
