"""AdamW: Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from .._tensor.tensor import Tensor
from .adam import Adam, adam
from .optimizer import ParamsT

__all__ = ["AdamW", "adamw"]


class AdamW(Adam):
    """AdamW: Adam with decoupled weight decay, which shrinks the parameters themselves.

    A step multiplies each parameter ``p`` by ``1 - lr weight_decay``, and then goes as ``Adam``
    does without weight decay::

        p = (1 - lr weight_decay) p
        p = p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)

    Loshchilov and Hutter, Decoupled weight decay regularization (ICLR 2019), algorithm 2, where the
    decay is not multiplied by ``lr``.

    Args:
        params: parameters or parameter groups.
        weight_decay: decoupled weight decay, per step and in units of ``1 / lr``.
        lr, betas, eps, amsgrad, maximize, foreach, capturable, differentiable, fused: as for
            ``Adam``.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


def adamw(
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
    **options: Any,
) -> None:
    """Take a step of ``AdamW`` on lists of tensors, in place; arguments as for ``adam``."""
    adam(
        params,
        grads,
        exp_avgs,
        exp_avg_sqs,
        max_exp_avg_sqs,
        state_steps,
        foreach=foreach,
        capturable=capturable,
        differentiable=differentiable,
        fused=fused,
        grad_scale=grad_scale,
        found_inf=found_inf,
        has_complex=has_complex,
        decoupled_weight_decay=True,
        **options,
    )
