"""Adam and AMSGrad."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import advance, equal_numbers, ready_full, write_lists
from .._tensor.tensor import Tensor
from ..ops.optim import steps as optimiser_steps
from . import _common, _messages
from .optimizer import ParamsT, _to_scalar, _use_grad_for_differentiable

__all__ = ["Adam", "adam"]


class Adam(_common.SteppedOptimizer):
    """Adam (Kingma and Ba 2015): steps scaled by running moments of the gradient.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, a number or a tensor of one element.
        betas: decay of the running mean and of the running mean of squares.
        eps: added to the denominator.
        weight_decay: factor of the parameters added to the gradient.
        amsgrad: divide by the largest second moment so far (Reddi et al. 2018).
        foreach, fused: accepted as in PyTorch; a step is one program either way.
        maximize: go uphill.
        capturable: refused where PyTorch refuses it.
        differentiable: record gradients through the step.
        decoupled_weight_decay: shrink the parameters instead, as ``AdamW`` does.
    Raises:
        ValueError: a number is out of range.
        RuntimeError: options exclude each other.
    """

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

    _added_options = {
        "amsgrad": False,
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
        "fused": None,
    }

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        if group["fused"]:
            _common.check_fused_param(param)
        state["step"] = _common.counter(param, group)
        state["exp_avg"] = ready_full(param)
        state["exp_avg_sq"] = ready_full(param)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = ready_full(param)

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model anew and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            amsgrad = group["amsgrad"]
            if (
                group["foreach"]
                and isinstance(group["lr"], Tensor)
                and not group["capturable"]
                and any(param.grad is not None for param in group["params"])
            ):
                raise _messages.tensor_with_foreach_in_step("lr")
            names = ("exp_avg", "exp_avg_sq", "step")
            lists = self._gathered(group, *names, *(("max_exp_avg_sq",) if amsgrad else ()))
            params, grads, averages, squares, steps = lists[:5]
            largest = lists[5] if amsgrad else []
            if group["differentiable"] and any(step.requires_grad for step in steps):
                raise _messages.step_requires_grad()
            beta1, beta2 = group["betas"]
            adam(
                params,
                grads,
                averages,
                squares,
                largest,
                steps,
                amsgrad=amsgrad,
                beta1=beta1,
                beta2=beta2,
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=group["maximize"],
                foreach=group["foreach"],
                capturable=group["capturable"],
                differentiable=group["differentiable"],
                fused=group["fused"],
                grad_scale=getattr(self, "grad_scale", None),
                found_inf=getattr(self, "found_inf", None),
                decoupled_weight_decay=group["decoupled_weight_decay"],
            )
        return loss


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
    """Take a step of ``Adam`` on lists of tensors.

    Args:
        params, grads: parameters and their gradients.
        exp_avgs, exp_avg_sqs: running means of the gradients and of their squares.
        max_exp_avg_sqs: the largest of the latter, with ``amsgrad``.
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
    decays = _common.decays(weight_decay)
    rest = (
        1 - lr * weight_decay if decays and decoupled_weight_decay else weight_decay,
        1 - beta1,
        beta2,
        1 - beta2,
        eps,
    )
    near = optimiser_steps.is_near(rest[1])
    static = (maximize, decays, decoupled_weight_decay, amsgrad, near)
    lists: Any = [params, grads, exp_avgs, exp_avg_sqs]
    written: tuple[int, ...] = (0, 2, 3)
    if amsgrad:
        lists.append(max_exp_avg_sqs)
        written = (0, 2, 3, 4)
    groups = equal_numbers(advance(state_steps))
    for step, places in groups:
        step_size = lr / (1 - beta1**step)
        numbers = (-step_size, (1 - beta2**step) ** 0.5, *rest)
        own = lists if len(groups) == 1 else _common.picked(lists, places)
        write_lists(optimiser_steps.adam, static, numbers, own, written)
