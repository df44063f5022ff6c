"""Loss functions of pairs of elements: Huber's, logistic, Poisson's, and divergences."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from ...._core.dtypes import dtype as DType
from ...._core.modes import intern_mode
from ...._engine.declare import NN_FUNCTIONS, op, publish
from ...._engine.graph.op import Op, Operand, Plan
from ...._engine.graph.values import make_meta
from ...._engine.recording.kinds.base import promoted_dtype
from ...._engine.recording.kinds.pointwise import FLOATING, Pointwise, only
from ...._engine.recording.trace import local
from ..._shared.gradient_rules import with_partials
from ...creation.creation import ones_like
from ...pointwise.arithmetic import mul
from ...pointwise.binary import xlogy
from ...reduce import sums
from .. import _messages as nn_messages
from . import _messages
from .classification import (
    bce_with_logits,
    checked_reduction,
    l1_loss,
    legacy_reduction,
    reduce_elements,
    reduced,
    weighted_loss,
)

#: PyTorch's numbers of reductions; any other number is none.
_REDUCTIONS = {1: "mean", 2: "sum"}


def reduction_of_number(number: int) -> str:
    """Return the name of a reduction that ``torch.*`` takes as a number."""
    return _REDUCTIONS.get(number, "none")


class ReducedPointwise(Pointwise):
    """An operator of elements that also reduces them: its parameter ``reduction`` says how."""

    def compute_dtype(self, operands: list[Operand], static: dict[str, Any], mode: Any) -> DType:
        tensors = [operand for operand in operands if operand.meta is not None]
        return promoted_dtype(tensors, mode.default_dtype)

    def plan(self, op: Op, bound: dict[str, Any], mode: Any) -> Plan:
        reduction = bound.pop("reduction")
        plan = super().plan(op, bound, mode)
        if reduction != "none":
            elements = plan.function
            (meta,) = plan.metas
            plan.function = lambda *arrays: reduce_elements(elements(*arrays), reduction)
            plan.metas = (make_meta((), meta.dtype, meta.device),)
        return plan


def _declare(signature: str, kernel: str, operands: tuple[str, ...], node_name: str, **kind: Any):
    return op(
        signature,
        kind=ReducedPointwise(
            operands=operands, check=only(FLOATING, kernel=kernel), wide=True, **kind
        ),
        method=False,
        function=False,
        node_name=node_name,
        saves=operands,
    )


def _smooth_value(difference, beta):
    size = jnp.abs(difference)
    return jnp.where(size < beta, 0.5 * size * size / beta, size - 0.5 * beta)


def _smooth_slope(tangent, difference, beta):
    inside = jnp.where(difference >= beta, 1, difference / beta)
    return tangent * jnp.where(difference <= -beta, -1, inside)


_smooth_part = with_partials(_smooth_value, _smooth_slope, None)


@_declare(
    "_smooth_l1(Tensor input, Tensor target, Scalar beta, std::string reduction)",
    "smooth_l1_cpu",
    ("input", "target", "beta"),
    "SmoothL1LossBackward0",
)
def _smooth_l1(input, target, beta):
    """Return the absolute difference, squared within ``beta`` of 0."""
    return _smooth_part(input - target, beta)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """Smooth L1 loss: ``d^2 / (2 beta)`` where ``d = |x - y| < beta``, else ``d - beta / 2``.

    Args:
        input, target: tensors of one shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        beta: how near, not negative.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of the inputs' shape for ``"none"``.
    """
    if target.shape != input.shape:
        _messages.warn_target_size(input.shape, target.shape)
    reduction = legacy_reduction(reduction, size_average, reduce)
    if beta == 0.0:
        return l1_loss(input, target, reduction=reduction)
    reduction = checked_reduction(reduction)
    if isinstance(beta, str):
        raise _messages.float_argument("smooth_l1_loss", "beta", 4, beta)
    if beta < 0:
        raise _messages.negative_beta()
    return _smooth_l1.call(input, target, beta, reduction)


publish("smooth_l1_loss", smooth_l1_loss, registry=NN_FUNCTIONS, autocast="float32")


def _huber_value(difference, delta):
    size = jnp.abs(difference)
    return jnp.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))


def _huber_slope(tangent, difference, delta):
    return tangent * jnp.clip(difference, -delta, delta)


_huber_part = with_partials(_huber_value, _huber_slope, None)


@_declare(
    "_huber(Tensor input, Tensor target, Scalar delta, std::string reduction)",
    "huber_cpu",
    ("input", "target", "delta"),
    "HuberLossBackward0",
)
def _huber(input, target, delta):
    """Return half the squared difference, going on straight from ``delta`` on."""
    return _huber_part(input - target, delta)


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Huber loss: ``d^2 / 2`` where ``d = |x - y| <= delta``, else ``delta * (d - delta / 2)``.

    Huber, *Robust estimation of a location parameter*, 1964.

    Args:
        input, target: tensors of one shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        delta: the difference from which on it is straight.
        weight: what to multiply each element's loss with.
    Returns:
        Tensor without dimensions, or of the inputs' shape for ``"none"``.
    """
    if target.shape != input.shape:
        _messages.warn_target_size(input.shape, target.shape)
    if weight is None:
        reduction = checked_reduction(reduction)
    elif weight.shape != input.shape:
        raise _messages.weights_size()
    if delta <= 0:
        raise _messages.huber_delta()
    if weight is None:
        return _huber.call(input, target, delta, reduction)
    elements = _huber.call(input, target, delta, "none")
    if reduction == "mean":
        return sums.mean.call(mul.call(elements, weight))
    return weighted_loss(elements, weight, input, reduction)


publish("huber_loss", huber_loss, registry=NN_FUNCTIONS, autocast="float32")


class _SoftMargin(ReducedPointwise):
    """The result has the dtype of the input, and gradients flow to the input alone."""

    def plan(self, op: Op, bound: dict[str, Any], mode: Any) -> Plan:
        dtype = bound["input"].meta.dtype
        if not dtype.is_floating_point:
            raise _messages.float_result(dtype._legacy_name)
        if mode.grad and bound["target"].meta.grad:
            raise _messages.not_differentiable_by("soft_margin_loss", "target")
        return super().plan(op, bound, mode)


@op(
    "_soft_margin(Tensor input, Tensor target, std::string reduction)",
    # PyTorch runs four operators one after the other: halves are rounded, and overflow, in each.
    kind=_SoftMargin(operands=("input", "target"), wide=False),
    method=False,
    function=False,
    node_name="SoftMarginLossBackward0",
)
def _soft_margin(input, target):
    """Return the logistic loss of scores and signs."""
    return jnp.log1p(jnp.exp(-target * input))


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """Soft margin (logistic) loss: ``log(1 + exp(-target * input))``.

    Args:
        input: scores.
        target: 1 or -1 each.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of the inputs' shape for ``"none"``.
    """
    reduction = checked_reduction(legacy_reduction(reduction, size_average, reduce))
    return _soft_margin.call(input, target, reduction)


publish("soft_margin_loss", soft_margin_loss, registry=NN_FUNCTIONS, autocast="float32")


@op(
    "kl_div(Tensor input, Tensor target, int64_t reduction=at::Reduction::Mean, *, "
    "bool log_target=False)",
    method=False,
    autocast="float32",
)
def kl_div(input, target, reduction=0, log_target=False):
    """Kullback-Leibler divergence: ``target * (log(target) - input)``, of log probabilities.

    Args:
        input: logarithms of probabilities.
        target: probabilities, or their logarithms where ``log_target``.
        reduction: PyTorch's number of the reduction.
        log_target: whether the target is a logarithm.
    Returns:
        Tensor of the broadcast shape, or without dimensions.
    """
    for tensor in (input, target):
        if tensor.dtype.is_complex:
            raise _messages.kl_div_inputs("Complex")
    for tensor in (input, target):
        if not tensor.dtype.is_floating_point:
            raise _messages.kl_div_inputs("Integral")
    if log_target:
        loss = target.exp() * (target - input)
    else:
        loss = xlogy.call(target, target) - target * input
    return reduced(loss, reduction_of_number(reduction))


def kl_div_function(
    input, target, size_average=None, reduce=None, reduction="mean", log_target=False
):
    """Kullback-Leibler divergence: ``target * (log(target) - input)``, of log probabilities.

    Args:
        input: logarithms of probabilities.
        target: probabilities, or their logarithms where ``log_target``.
        reduction: ``"mean"``, ``"batchmean"`` (the divergence), ``"sum"`` or ``"none"``.
        log_target: whether the target is a logarithm.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of the inputs' shape for ``"none"``.
    """
    if size_average is not None or reduce is not None:
        name = legacy_reduction(reduction, size_average, reduce)
    elif reduction == "batchmean":
        name = "sum"
    else:
        if reduction == "mean":
            _messages.warn_kl_div_mean()
        name = checked_reduction(reduction)
    number = {"none": 0, "mean": 1, "sum": 2}[name]
    loss = kl_div(input, target, number, log_target=bool(log_target))
    if reduction == "batchmean" and input.dim():
        loss = loss / input.shape[0]
    return loss


kl_div_function.__name__ = kl_div_function.__qualname__ = "kl_div"
publish("kl_div", kl_div_function, registry=NN_FUNCTIONS)


@op(
    "poisson_nll_loss(Tensor input, Tensor target, bool log_input, bool full, double eps, "
    "int64_t reduction)",
    method=False,
    autocast="float32",
)
def poisson_nll_loss(input, target, log_input, full, eps, reduction):
    """Poisson negative log likelihood: ``exp(input) - target * input``, of log rates.

    Args:
        input: means, or their logarithms where ``log_input``.
        target: counts.
        log_input: whether the input is a logarithm.
        full: whether to add Stirling's approximation of the term without the mean.
        eps: added to a mean before its logarithm is taken.
        reduction: PyTorch's number of the reduction.
    Returns:
        Tensor of the broadcast shape, or without dimensions.
    """
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss += stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction_of_number(reduction))


def poisson_nll_loss_function(
    input,
    target,
    log_input=True,
    full=False,
    size_average=None,
    eps=1e-8,
    reduce=None,
    reduction="mean",
):
    """Poisson negative log likelihood: ``exp(input) - target * input``, of log rates.

    Args:
        input: means, or their logarithms where ``log_input``.
        target: counts.
        log_input: whether the input is a logarithm.
        full: whether to add Stirling's approximation of the term without the mean.
        eps: added to a mean before its logarithm is taken.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of the inputs' shape for ``"none"``.
    """
    reduction = legacy_reduction(reduction, size_average, reduce)
    if reduction not in ("none", "mean", "sum"):
        raise nn_messages.reduction(reduction)
    number = {"none": 0, "mean": 1, "sum": 2}[reduction]
    return poisson_nll_loss(input, target, log_input, full, eps, number)


poisson_nll_loss_function.__name__ = poisson_nll_loss_function.__qualname__ = "poisson_nll_loss"
publish("poisson_nll_loss", poisson_nll_loss_function, registry=NN_FUNCTIONS)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """Gaussian negative log likelihood: ``(log(var) + (input - target)^2 / var) / 2``.

    Args:
        input: means.
        target: numbers.
        var: variances, of the same shape, or one for each row; or one number.
        full: whether to add the constant.
        eps: the least variance.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    Returns:
        Tensor without dimensions, or of the inputs' shape for ``"none"``.
    Raises:
        ValueError: a variance is negative, or their shape does not fit.
    """
    if isinstance(var, float):
        if var < 0:
            raise _messages.negative_variance()
        var = var * ones_like(input)
    elif (var < 0).any():
        raise _messages.negative_variance()
    if var.shape != input.shape:
        if input.shape[:-1] == var.shape:
            var = var.unsqueeze(-1)
        elif (
            input.dim() != var.dim()
            or sum(own for each, own in zip(input.shape, var.shape, strict=True) if each != own)
            != 1
        ):
            raise _messages.variance_size()
    if reduction not in ("none", "mean", "sum"):
        raise _messages.invalid_reduction(reduction)
    var = var.clone()
    mode = local.trace.mode
    local.trace.set_mode(intern_mode(mode._replace(grad=False)))
    try:
        var.clamp_(min=eps)
    finally:
        local.trace.set_mode(mode)
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss += 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)


publish("gaussian_nll_loss", gaussian_nll_loss, registry=NN_FUNCTIONS)


@op(
    "binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, "
    "Tensor? pos_weight=None, int64_t reduction=at::Reduction::Mean)",
    method=False,
    autocast="float32",
)
def binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction=0):
    """Binary cross entropy of logits: that of ``sigmoid(input)``, computed stably.

    Args:
        input: logits.
        target: of the same shape.
        weight: what to multiply each element with.
        pos_weight: weight of the positive class.
        reduction: PyTorch's number of the reduction.
    """
    name = reduction_of_number(reduction)
    return bce_with_logits.call(input, target, weight, pos_weight, name)
