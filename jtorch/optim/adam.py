"""Adam and AMSGrad."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from ._driver import SteppedOptimizer, counter
from ._seen import zeros_for
from .optimizer import ParamsT, _to_scalar

__all__ = ["Adam", "adam"]


def adam(
    params: list[Any],
    grads: list[Any],
    exp_avgs: list[Any],
    exp_avg_sqs: list[Any],
    max_exp_avg_sqs: list[Any],
    state_steps: list[Any],
    foreach: bool | None = None,
    capturable: bool = False,
    differentiable: bool = False,
    fused: bool | None = None,
    grad_scale: Any = None,
    found_inf: Any = None,
    has_complex: bool = False,
    decoupled_weight_decay: bool = False,
    *,
    amsgrad: bool,
    beta1: Any,
    beta2: Any,
    lr: Any,
    weight_decay: Any,
    eps: float,
    maximize: bool,
) -> None:
    """Take a step of ``Adam`` on lists of tensors, in place.

    Args:
        params, grads: parameters and their gradients.
        exp_avgs, exp_avg_sqs: running means of the gradients and of their squares.
        max_exp_avg_sqs: the largest of the latter so far, with ``amsgrad``.
        state_steps: step counters.
        grad_scale, found_inf: what a ``GradScaler`` leaves to a fused step.
        foreach, capturable, differentiable, fused, has_complex: accepted as in PyTorch.
        decoupled_weight_decay, amsgrad, beta1, beta2, lr, weight_decay, eps, maximize: as for
            ``Adam``.
    """
    if foreach and params:
        for name, number in (("lr", lr), ("beta1", beta1), ("beta2", beta2)):
            if isinstance(number, Tensor) and not capturable:
                kind = _messages.tensor_with_foreach_in_step
                raise (kind if name == "lr" else _messages.tensor_with_foreach)(name)
    _common.check_call(params, state_steps, foreach, differentiable, capturable and not fused)
    if not params:
        return
    if not _common.unscaled(grads, grad_scale, found_inf, fused):
        return
    lr = _to_scalar(lr)
    beta1 = _to_scalar(beta1)
    beta2 = _to_scalar(beta2)
    rest = (
        _common.decay_factor(lr, weight_decay, decoupled_weight_decay),
        1 - beta1,
        beta2,
        1 - beta2,
        eps,
    )
    near = optimiser_steps.is_near(rest[1])
    decays = _common.decays(weight_decay)
    static = (maximize, decays, decoupled_weight_decay, amsgrad, near)
    lists = [params, grads, exp_avgs, exp_avg_sqs]
    written: tuple[int, ...] = (0, 2, 3)
    if amsgrad:
        lists.append(max_exp_avg_sqs)
        written = (0, 2, 3, 4)
    for step, own in _common.grouped_by(advance(state_steps), lists):
        step_size = lr / (1 - beta1**step)
        numbers = (-step_size, (1 - beta2**step) ** 0.5, *rest)
        write_lists(optimiser_steps.adam, static, numbers, own, written)


class Adam(SteppedOptimizer):
    """Adam: the running mean of the gradient over the root of that of its square.

    For a parameter ``p`` with gradient ``g`` at step ``t = 1, 2, ...``, and moments ``m`` and
    ``v`` that start at 0::

        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2
        p = p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)

    Kingma and Ba, Adam: A method for stochastic optimization (ICLR 2015), algorithm 1. AMSGrad
    replaces ``v`` in the last line by its maximum over all steps: Reddi, Kale and Kumar, On the
    convergence of Adam and beyond (ICLR 2018).

    Args:
        params: parameters or parameter groups.
        lr: learning rate, at least 0, a number or a tensor of one element.
        betas: decay rates of the first and of the second moment, in [0, 1): numbers or tensors of
            one element.
        eps: added to the denominator, in units of the gradient.
        weight_decay: coefficient of the L2 penalty: ``weight_decay p`` is added to ``g``.
        amsgrad: use AMSGrad.
        foreach, fused: accepted as in PyTorch; a step is one program either way.
        maximize: ascend the gradient instead: ``g`` is replaced by ``-g``.
        capturable: refused where PyTorch refuses it.
        differentiable: record the step for differentiation.
        decoupled_weight_decay: multiply ``p`` by ``1 - lr weight_decay`` instead, as ``AdamW``.
    Raises:
        ValueError: a number is out of range.
        RuntimeError: options exclude each other.
    """

    _step_function = staticmethod(adam)
    _states = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "step")
    _optional_states = {"max_exp_avg_sq": lambda group: group["amsgrad"]}
    _hyperparameters = (
        *("amsgrad", "lr", "weight_decay", "eps", "maximize", "foreach", "capturable"),
        *("differentiable", "fused", "decoupled_weight_decay"),
    )
    _paired_hyperparameters = {"betas": ("beta1", "beta2")}
    _takes_grad_scale = True
    _added_options = {
        "amsgrad": False,
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
        "fused": None,
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor):
            if foreach and not capturable:
                raise _messages.tensor_with_foreach("lr")
            if lr.numel() != 1:
                raise _messages.tensor_not_single("lr")
        if not 0.0 <= lr:
            raise _messages.invalid("learning rate", lr)
        if not 0.0 <= eps:
            raise _messages.invalid("epsilon value", eps)
        for index, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise _messages.invalid(f"beta parameter at index {index}", beta)
        if not 0.0 <= weight_decay:
            raise _messages.invalid("weight_decay value", weight_decay)
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
            raise _messages.betas_of_two_kinds()
        for index, beta in enumerate(betas):
            if isinstance(beta, Tensor):
                if not capturable and foreach:
                    raise _messages.tensor_with_foreach(f"betas[{index}]")
                if beta.numel() != 1:
                    raise _messages.tensor_not_single(f"betas[{index}]")
        defaults = {
            "lr": lr,
            "betas": tuple(map(_to_scalar, betas)),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        _common.check_fused_options(self, defaults)

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        if group["fused"]:
            _common.check_fused_param(param)
        state["step"] = counter(param, group)
        state["exp_avg"] = zeros_for(param)
        state["exp_avg_sq"] = zeros_for(param)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_for(param)

    def _collect(self, group: dict[str, Any]) -> list[list[Any]]:
        if (
            group["foreach"]
            and isinstance(group["lr"], Tensor)
            and not group["capturable"]
            and any(param.grad is not None for param in group["params"])
        ):
            raise _messages.tensor_with_foreach_in_step("lr")
        lists = super()._collect(group)
        if group["differentiable"] and any(step.requires_grad for step in lists[-1]):
            raise _messages.step_requires_grad()
        return lists
