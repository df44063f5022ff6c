"""Adafactor."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._engine.recording.multi_tensor import advance, equal_numbers, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..autograd.grad_mode import no_grad
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from .optimizer import ParamsT, _to_scalar

__all__ = ["Adafactor", "adafactor"]


class Adafactor(_common.SteppedOptimizer):
    """Adafactor (Shazeer and Stern 2018): second moments in the memory of rows and columns.

    Args:
        params: parameters or parameter groups.
        lr: upper bound of the relative step size, a number or a tensor of one element.
        beta2_decay: power of the step number that the decay of the moments follows.
        eps: bounds from below of the moments (by default that of the dtype), and of the size of the
            parameters that steps are relative to.
        d: root mean square of an update above which it is scaled down.
        weight_decay: factor by which parameters shrink, times the rate.
        foreach: accepted as in PyTorch; a step is one program either way.
        maximize: go uphill.
    Raises:
        ValueError: a number is out of range.
    """

    _added_options = {"foreach": None}

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise _messages.tensor_not_single("lr")
        if not 0.0 <= lr:
            raise _messages.should_be("Learning rate", ">= 0", lr)
        if not 0.0 >= beta2_decay:
            raise _messages.should_be("beta2_decay", "<= 0", beta2_decay)
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise _messages.should_be("epsilon1", ">= 0", eps[0])
        if not 0.0 <= eps[1]:
            raise _messages.should_be("epsilon2", ">= 0", eps[1])
        if not 1.0 <= d:
            raise _messages.should_be("Clipping threshold d", ">= 1", d)
        if not 0.0 <= weight_decay:
            raise _messages.should_be("weight_decay", ">= 0", weight_decay)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        grad = param.grad
        state["step"] = _common.counter(param, {})
        if grad.dim() > 1:
            shape = list(grad.shape)
            state["row_var"] = grad.new_zeros([*shape[:-1], 1])
            state["col_var"] = grad.new_zeros([*shape[:-2], 1, shape[-1]])
        else:
            state["variance"] = ready_full(grad)

    @no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model anew and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None and param.is_complex():
                    raise _messages.no_complex("Adafactor")
            params, grads, steps = self._gathered(group, "step")
            states = [self.state[param] for param in params]
            eps1, eps2 = group["eps"]
            adafactor(
                params,
                grads,
                [state.get("row_var", None) for state in states],
                [state.get("col_var", None) for state in states],
                [state.get("variance", None) for state in states],
                steps,
                d=group["d"],
                lr=group["lr"],
                beta2_decay=group["beta2_decay"],
                weight_decay=group["weight_decay"],
                eps1=eps1,
                eps2=eps2,
                foreach=group["foreach"],
                maximize=group["maximize"],
                grad_scale=getattr(self, "grad_scale", None),
                found_inf=getattr(self, "found_inf", None),
            )
        return loss


def adafactor(
    params: list[Any],
    grads: list[Any],
    row_vars: list[Any],
    col_vars: list[Any],
    variances: list[Any],
    state_steps: list[Any],
    foreach: bool | None = None,
    grad_scale: Any = None,
    found_inf: Any = None,
    has_complex: bool = False,
    *,
    d: float,
    lr: Any,
    beta2_decay: float,
    weight_decay: float,
    eps1: float | None,
    eps2: float,
    maximize: bool,
) -> None:
    """Take a step of ``Adafactor`` on lists of tensors."""
    if not all(isinstance(step, Tensor) for step in state_steps):
        raise RuntimeError("`state_steps` argument must contain a list of singleton tensors")
    if grad_scale is not None or found_inf is not None:
        raise _messages.scaling_outside()
    if not params:
        return
    lr = _to_scalar(lr)
    if eps1 is None:
        eps1 = torch.finfo(params[0].dtype).eps
    decays = _common.decays(weight_decay)
    for step, places in equal_numbers(advance(state_steps)):
        one_minus_beta2 = step**beta2_decay
        numbers = (
            1 - lr * weight_decay,
            one_minus_beta2,
            min(lr, 1 / (step**0.5)),
            eps1,
            eps2,
            d,
        )
        static = (maximize, decays, optimiser_steps.is_near(one_minus_beta2))
        matrices = [at for at in places if grads[at].dim() > 1]
        vectors = [at for at in places if grads[at].dim() <= 1]
        own = _common.picked((params, grads, row_vars, col_vars), matrices)
        write_lists(optimiser_steps.adafactor, static, numbers, own, (0, 2, 3))
        own = _common.picked((params, grads, variances), vectors)
        write_lists(optimiser_steps.adafactor, static, numbers, own, (0, 2))
