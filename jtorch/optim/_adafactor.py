"""Adafactor."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._engine.recording.multi_tensor import advance, equal_numbers, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from ._driver import SteppedOptimizer, counter
from .optimizer import ParamsT, _to_scalar

__all__ = ["Adafactor", "adafactor"]


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
    """Take a step of ``Adafactor`` on lists of tensors, in place.

    Args:
        params, grads: parameters and their gradients.
        row_vars, col_vars: second moments of the rows and columns of matrices, ``None`` for others.
        variances: second moments of other parameters, ``None`` for matrices.
        state_steps: step counters.
        foreach, has_complex: accepted as in PyTorch.
        grad_scale, found_inf: refused, where they are given.
        d, lr, beta2_decay, weight_decay, eps1, eps2, maximize: as for ``Adafactor``.
    """
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
    for step, positions in equal_numbers(advance(state_steps)):
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
        matrices = [at for at in positions if grads[at].dim() > 1]
        vectors = [at for at in positions if grads[at].dim() <= 1]
        own = _common.picked((params, grads, row_vars, col_vars), matrices)
        write_lists(optimiser_steps.adafactor, static, numbers, own, (0, 2, 3))
        own = _common.picked((params, grads, variances), vectors)
        write_lists(optimiser_steps.adafactor, static, numbers, own, (0, 2))


class Adafactor(SteppedOptimizer):
    """Adafactor: Adam without first moment, its second moment of a matrix factored in two vectors.

    For a matrix ``p`` with gradient ``g`` at step ``t = 1, 2, ...``, means ``r`` of the rows and
    ``c`` of the columns that start at 0, and ``RMS(x)`` the root mean square of all elements::

        b = 1 - t^beta2_decay
        r = b r + (1 - b) mean(g^2, columns)
        c = b c + (1 - b) mean(g^2, rows)
        v = r c / max(mean(r), eps[0])
        u = g / max(sqrt(v), eps[0])
        a = max(eps[1], RMS(p)) min(lr, 1 / sqrt(t))
        p = p - a u / max(1, RMS(u) / d)

    The second moment ``v`` of a vector is ``b v + (1 - b) g^2``. Shazeer and Stern, Adafactor:
    Adaptive learning rates with sublinear memory cost (ICML 2018), algorithms 4 and 5.

    Here ``_collect`` adds states that only matrices have and those that only others have.

    Args:
        params: parameters or parameter groups.
        lr: upper bound of the step size relative to ``RMS(p)``, a number or a tensor of one
            element.
        beta2_decay: exponent of the step number in the decay rate, at most 0.
        eps: lower bounds of the second moments (by default the dtype's machine epsilon) and of
            ``RMS(p)``.
        d: threshold of ``RMS(u)`` above which updates are scaled down, at least 1.
        weight_decay: decoupled weight decay: ``p`` is multiplied by ``1 - lr weight_decay``.
        foreach: accepted as in PyTorch; a step is one program either way.
        maximize: ascend the gradient instead: ``g`` is replaced by ``-g``.
    Raises:
        ValueError: a number is out of range.
    """

    _elementwise = False
    _step_function = staticmethod(adafactor)
    _states = ("step",)
    _hyperparameters = ("d", "lr", "beta2_decay", "weight_decay", "foreach", "maximize")
    _paired_hyperparameters = {"eps": ("eps1", "eps2")}
    _has_differentiable = False
    _takes_grad_scale = True
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
        state["step"] = counter(param, {})
        if grad.dim() > 1:
            shape = list(grad.shape)
            state["row_var"] = grad.new_zeros([*shape[:-1], 1])
            state["col_var"] = grad.new_zeros([*shape[:-2], 1, shape[-1]])
        else:
            state["variance"] = ready_full(grad)

    def _collect(self, group: dict[str, Any]) -> list[list[Any]]:
        for param in group["params"]:
            if param.grad is not None and param.is_complex():
                raise _messages.no_complex("Adafactor")
        params, grads, steps = super()._collect(group)
        states = [self.state[param] for param in params]
        moments = [
            [state.get(name) for state in states] for name in ("row_var", "col_var", "variance")
        ]
        return [params, grads, *moments, steps]
