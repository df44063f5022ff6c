"""Loss functions with a margin: hinges, rankings, triplets."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ...._core import dtypes, messages
from ...._engine.declare import NN_FUNCTIONS, op, publish
from ...._engine.graph.op import Spec
from ...._engine.graph.values import make_meta
from ...._engine.recording.kinds.base import Custom
from ...creation.creation import zeros_like
from ...linalg.pairwise import pairwise_distance
from ...pointwise.select import clamp_min, minimum, where
from .. import _messages as nn_messages
from ..activations import log_sigmoid
from . import _messages
from .classification import checked_reduction, legacy_reduction, reduce_elements, reduced
from .pointwise import reduction_of_number

_NUMBERS = {"none": 0, "mean": 1, "sum": 2}
_DOUBLE_FLOAT = (dtypes.float32, dtypes.float64)


def _number_of(reduction: Any, size_average: Any, reduce: Any) -> int:
    return _NUMBERS[checked_reduction(legacy_reduction(reduction, size_average, reduce))]


@op(
    "margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, double margin=0.0, "
    "int64_t reduction=at::Reduction::Mean)",
    method=False,
    autocast="float32",
)
def margin_ranking_loss(input1, input2, target, margin=0.0, reduction=0):
    """Margin ranking loss: ``max(0, -target * (input1 - input2) + margin)``.

    Args:
        input1, input2: scores.
        target: 1 where the first should be larger, else -1.
        margin: the lead.
        reduction: PyTorch's number of the reduction.
    Returns:
        Tensor of the broadcast shape, or without dimensions.
    """
    loss = (-target * (input1 - input2) + margin).clamp_min(0)
    return reduced(loss, reduction_of_number(reduction))


def margin_ranking_loss_function(
    input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"
):
    """Margin ranking loss: ``max(0, -target * (input1 - input2) + margin)``.

    Args:
        input1, input2: scores.
        target: 1 where the first should be larger, else -1.
        margin: the lead.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    """
    number = _number_of(reduction, size_average, reduce)
    if not input1.dim() == input2.dim() == target.dim():
        raise _messages.ranking_dims(input1.shape, input2.shape, target.shape)
    return margin_ranking_loss(input1, input2, target, margin, number)


margin_ranking_loss_function.__name__ = "margin_ranking_loss"
margin_ranking_loss_function.__qualname__ = "margin_ranking_loss"
publish("margin_ranking_loss", margin_ranking_loss_function, registry=NN_FUNCTIONS)


@op(
    "hinge_embedding_loss(Tensor input, Tensor target, double margin=1.0, "
    "int64_t reduction=at::Reduction::Mean)",
    method=False,
    autocast="float32",
)
def hinge_embedding_loss(input, target, margin=1.0, reduction=0):
    """Hinge embedding loss: ``input`` for target 1, ``max(0, margin - input)`` for target -1.

    Args:
        input: distances.
        target: 1 or -1 each.
        margin: the margin.
        reduction: PyTorch's number of the reduction.
    Returns:
        Tensor of the broadcast shape, or without dimensions.
    """
    zeros = zeros_like(input)
    short = where.call(target != 1, (margin - input).clamp_min(0), zeros)
    loss = short + where.call(target != -1, input, zeros)
    return reduced(loss, reduction_of_number(reduction))


def hinge_embedding_loss_function(
    input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"
):
    """Hinge embedding loss: ``input`` for target 1, ``max(0, margin - input)`` for target -1.

    Args:
        input: distances.
        target: 1 or -1 each.
        margin: the margin.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    """
    return hinge_embedding_loss(input, target, margin, _number_of(reduction, size_average, reduce))


hinge_embedding_loss_function.__name__ = "hinge_embedding_loss"
hinge_embedding_loss_function.__qualname__ = "hinge_embedding_loss"
publish("hinge_embedding_loss", hinge_embedding_loss_function, registry=NN_FUNCTIONS)


@op(
    "cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, double margin=0.0, "
    "int64_t reduction=at::Reduction::Mean)",
    method=False,
    autocast="float32",
)
def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction=0):
    """Cosine embedding loss: ``1 - cos(x1, x2)`` for target 1, ``max(0, cos - margin)`` for -1.

    Args:
        input1, input2: vectors, of shape ``(N, D)`` or ``(D,)``.
        target: 1 for vectors that belong together, else -1; of shape ``(N,)`` or ``()``.
        margin: the cosine that others may have.
        reduction: PyTorch's number of the reduction.
    Returns:
        Tensor of the target's shape, or without dimensions.
    """
    ndim = target.dim()
    if ndim > 1:
        raise _messages.multi_target()
    if input1.dim() != ndim + 1 or input2.dim() != ndim + 1:
        raise _messages.cosine_dims(ndim, input1.shape, input2.shape)
    tiny = 1e-12
    product = (input1 * input2).sum(ndim)
    square1 = (input1 * input1).sum(ndim) + tiny
    square2 = (input2 * input2).sum(ndim) + tiny
    cosine = product / (square1 * square2).sqrt()
    zeros = zeros_like(cosine)
    together = where.call(target == 1, 1 - cosine, zeros)
    apart = where.call(target == -1, (cosine - margin).clamp_min(0), zeros)
    return reduced(together + apart, reduction_of_number(reduction))


def cosine_embedding_loss_function(
    input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"
):
    """Cosine embedding loss: ``1 - cos(x1, x2)`` for target 1, ``max(0, cos - margin)`` for -1.

    Args:
        input1, input2: vectors, of shape ``(N, D)`` or ``(D,)``.
        target: 1 for vectors that belong together, else -1.
        margin: the cosine that others may have.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    """
    number = _number_of(reduction, size_average, reduce)
    return cosine_embedding_loss(input1, input2, target, margin, number)


cosine_embedding_loss_function.__name__ = "cosine_embedding_loss"
cosine_embedding_loss_function.__qualname__ = "cosine_embedding_loss"
publish("cosine_embedding_loss", cosine_embedding_loss_function, registry=NN_FUNCTIONS)


# Triplets


@op(
    "triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, double margin=1.0, "
    "double p=2, double eps=1e-06, bool swap=False, int64_t reduction=at::Reduction::Mean)",
    method=False,
    autocast="float32",
)
def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, reduction=0
):
    """Triplet margin loss: ``max(0, d(anchor, positive) - d(anchor, negative) + margin)``.

    Args:
        anchor, positive, negative: vectors of shape ``(N, D)`` or ``(D,)``.
        margin: the margin.
        p: of the norm.
        eps: added to differences.
        swap: whether the distance of positive and negative counts where it is smaller.
        reduction: PyTorch's number of the reduction.
    Returns:
        Tensor of shape ``(N,)`` or ``()``.
    """
    _check_triplet(anchor, positive, negative)
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = far.min(pairwise_distance(positive, negative, p, eps))
    return reduced((margin + near - far).clamp_min(0), reduction_of_number(reduction))


def _check_triplet(anchor: Any, positive: Any, negative: Any) -> None:
    ndims = anchor.dim(), positive.dim(), negative.dim()
    if len(set(ndims)) > 1:
        raise _messages.triplet_dims(*ndims)


def triplet_margin_loss_function(
    anchor,
    positive,
    negative,
    margin=1.0,
    p=2,
    eps=1e-6,
    swap=False,
    size_average=None,
    reduce=None,
    reduction="mean",
):
    """Triplet margin loss: ``max(0, d(anchor, positive) - d(anchor, negative) + margin)``.

    Balntas et al., *Learning shallow convolutional feature descriptors with triplet losses*, 2016.

    Args:
        anchor, positive, negative: vectors of shape ``(N, D)`` or ``(D,)``.
        margin: the margin, positive.
        p: of the norm.
        eps: added to differences.
        swap: whether the distance of positive and negative counts where it is smaller.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    """
    number = _number_of(reduction, size_average, reduce)
    if margin <= 0:
        raise _messages.margin_not_positive(margin)
    return triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, number)


triplet_margin_loss_function.__name__ = "triplet_margin_loss"
triplet_margin_loss_function.__qualname__ = "triplet_margin_loss"
publish("triplet_margin_loss", triplet_margin_loss_function, registry=NN_FUNCTIONS)


def triplet_margin_with_distance_loss(
    anchor,
    positive,
    negative,
    *,
    distance_function=None,
    margin=1.0,
    swap=False,
    reduction="mean",
):
    """Triplet margin loss with any distance function.

    Args:
        anchor, positive, negative: what the distance takes.
        distance_function: of two tensors; the Euclidean distance by default.
        margin: the margin, positive.
        swap: whether the distance of positive and negative counts where it is smaller.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    """
    if reduction not in _NUMBERS:
        raise nn_messages.reduction(reduction)
    if margin <= 0:
        raise _messages.margin_not_positive(margin)
    _check_triplet(anchor, positive, negative)
    distance = distance_function or pairwise_distance
    near = distance(anchor, positive)
    far = distance(anchor, negative)
    if swap:
        far = minimum.call(far, distance(positive, negative))
    return reduced(clamp_min.call(margin + near - far, 0), reduction)


publish(
    "triplet_margin_with_distance_loss", triplet_margin_with_distance_loss, registry=NN_FUNCTIONS
)


# Classes


def _known(tensor: Any) -> np.ndarray | None:
    """Return the elements of a tensor, where they are there without waiting."""
    value = tensor._value
    if value.array is None or value.meta.device.type != "cpu":
        return None
    return np.asarray(value.array)


def _multi_margin_spec(operation, bound, mode) -> Spec:
    operand, target, weight = bound["input"], bound["target"], bound["weight"]
    margin, p, reduction = bound["margin"], bound["p"], bound["reduction"]
    meta, target_meta = operand.meta, target.meta
    shape = meta.shape
    if len(shape) > 2 or (shape and shape[-1] == 0):
        raise _messages.margin_input(shape)
    count = shape[0] if len(shape) == 2 else 1
    classes = shape[-1] if shape else 1
    if target_meta.ndim > 1 or target_meta.numel != count:
        raise _messages.margin_targets(count, target_meta.shape, shape, len(shape) < 2)
    if weight is not None and (weight.meta.ndim > 1 or weight.meta.numel != classes):
        raise _messages.margin_weights(classes, weight.meta.shape)
    if meta.dtype not in _DOUBLE_FLOAT:
        kernel = "multi_margin_loss_cpu_kernel"
        raise messages.not_implemented(kernel, meta.dtype._legacy_name)
    if target_meta.dtype is not dtypes.int64:
        raise _messages.scalar_type("Long", target_meta.dtype._legacy_name)
    if weight is not None and weight.meta.dtype is not meta.dtype:
        raise _messages.scalar_type(meta.dtype._legacy_name, weight.meta.dtype._legacy_name)
    operands = [operand, target, margin] + ([] if weight is None else [weight])
    kept = reduction == "none" and target_meta.ndim > 0

    result = make_meta((count,) if kept else (), meta.dtype, meta.device)
    return Spec(
        operands,
        (result,),
        {"count": count, "classes": classes, "reduction": reduction, "p": p, "kept": kept},
    )


@op(
    "_multi_margin_loss(Tensor input, Tensor target, int64_t p, Scalar margin, Tensor? weight, "
    "std::string reduction)",
    kind=Custom(_multi_margin_spec),
    method=False,
    function=False,
    node_name="MultiMarginLossBackward0",
)
def _multi_margin_loss(
    input: Any,
    target: Any,
    margin: Any,
    *weights: Any,
    count: Any,
    classes: Any,
    reduction: Any,
    p: Any,
    kept: Any,
) -> Any:
    """Reduce the hinge losses of the right class against the others."""
    rows = input.reshape(count, classes)
    target = target.reshape(count, 1)
    right = jnp.take_along_axis(rows, jnp.clip(target, 0, classes - 1), axis=1)
    short = jnp.asarray(margin, rows.dtype) - right + rows
    counts = (jnp.arange(classes) != target) & (short > 0)
    short = jnp.where(counts, short, 0)
    loss = short if p == 1 else short * short
    if weights:
        loss = loss * weights[0].reshape(-1)[target]
    losses = jnp.sum(loss, axis=1) / classes
    if reduction == "none":
        return losses if kept else losses.reshape(())
    return reduce_elements(losses, reduction)


def multi_margin_loss(
    input,
    target,
    p=1,
    margin=1.0,
    weight=None,
    size_average=None,
    reduce=None,
    reduction="mean",
):
    """Multi-class margin (hinge) loss: ``sum_i max(0, margin - x[y] + x[i])^p / C``, ``i != y``.

    Args:
        input: scores of shape ``(N, C)`` or ``(C,)``.
        target: class numbers (int64) of shape ``(N,)`` or ``()``.
        p: 1, or 2 for squares.
        margin: the margin.
        weight: of each class.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of the target's shape for ``"none"``.
    """
    reduction = checked_reduction(legacy_reduction(reduction, size_average, reduce))
    if p not in (1, 2):
        raise _messages.margin_power()
    if weight is not None and weight.dim() != 1:
        raise _messages.weight_ndim()
    loss = _multi_margin_loss.call(input, target, p, margin, weight, reduction)
    numbers = _known(target)
    if numbers is not None and numbers.size:
        classes = input.shape[-1] if input.dim() else 1
        if numbers.min() < 0 or numbers.max() >= classes:
            raise _messages.target_range()
    return loss


publish("multi_margin_loss", multi_margin_loss, registry=NN_FUNCTIONS, autocast="float32")


def _multilabel_spec(operation, bound, mode) -> Spec:
    operand, target, reduction = bound["input"], bound["target"], bound["reduction"]
    meta, target_meta = operand.meta, target.meta
    shape = meta.shape
    if len(shape) > 2 or (shape and shape[-1] == 0):
        raise _messages.margin_input(shape)
    count = shape[0] if len(shape) == 2 else 1
    classes = shape[-1] if shape else 1
    fits = target_meta.shape == shape if len(shape) == 2 else target_meta.numel == classes
    if not fits or target_meta.ndim > max(len(shape), 1):
        raise _messages.labels_size(target_meta.shape, shape)
    if meta.dtype not in _DOUBLE_FLOAT:
        kernel = "multilabel_margin_loss_forward_out_frame"
        raise messages.not_implemented(kernel, meta.dtype._legacy_name)
    if target_meta.dtype is not dtypes.int64:
        raise _messages.scalar_type("Long", target_meta.dtype._legacy_name)
    kept = reduction == "none" and len(shape) == 2

    result = make_meta((count,) if kept else (), meta.dtype, meta.device)
    return Spec(
        [operand, target],
        (result,),
        {"count": count, "classes": classes, "reduction": reduction, "kept": kept},
    )


@op(
    "_multilabel_margin_loss(Tensor input, Tensor target, std::string reduction)",
    kind=Custom(_multilabel_spec),
    method=False,
    function=False,
    node_name="MultilabelMarginLossBackward0",
)
def _multilabel_margin_loss(
    input: Any, target: Any, *, count: Any, classes: Any, reduction: Any, kept: Any
) -> Any:
    """Reduce the hinge losses of right classes against wrong ones."""
    rows = input.reshape(count, classes)
    labels = target.reshape(count, classes)
    given = jnp.cumsum(labels < 0, axis=1) == 0  # those before the first -1
    labels = jnp.where(given, labels, 0)
    named = (labels[:, :, None] == jnp.arange(classes)) & given[:, :, None]
    right = jnp.take_along_axis(rows, labels, axis=1)
    short = 1 - right[:, :, None] + rows[:, None, :]
    counts = given[:, :, None] & ~named.any(axis=1)[:, None, :] & (short > 0)
    losses = jnp.sum(jnp.where(counts, short, 0), axis=(1, 2)) / classes
    if reduction == "none":
        return losses if kept else losses.reshape(())
    return reduce_elements(losses, reduction)


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """Multi-label margin (hinge) loss: ``sum_ij max(0, 1 - (x[y_j] - x[i])) / C``.

    Args:
        input: scores of shape ``(N, C)`` or ``(C,)``.
        target: class numbers (int64) of that shape; those from the first -1 on do not count.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of shape ``(N,)`` for ``"none"``.
    """
    reduction = checked_reduction(legacy_reduction(reduction, size_average, reduce))
    loss = _multilabel_margin_loss.call(input, target, reduction)
    numbers = _known(target)
    if numbers is not None and numbers.size:
        classes = input.shape[-1] if input.dim() else 1
        if numbers.min() < -1 or numbers.max() >= classes:
            raise _messages.labels_range()
    return loss


publish("multilabel_margin_loss", multilabel_margin_loss, registry=NN_FUNCTIONS, autocast="float32")


def multilabel_soft_margin_loss(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """Multi-label soft margin loss: binary cross entropy of logits, averaged over the classes.

    Args:
        input: logits of shape ``(N, C)``.
        target: 1 or 0 each.
        weight: of each class.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or without the last dimension for ``"none"``.
    """
    reduction = legacy_reduction(reduction, size_average, reduce)
    loss = -(target * log_sigmoid.call(input) + (1 - target) * log_sigmoid.call(-input))
    if weight is not None:
        loss = loss * weight
    dim = input.dim() - 1
    loss = loss.sum(dim=dim) / input.shape[dim]
    if reduction not in _NUMBERS:
        raise _messages.invalid_reduction(reduction)
    return reduced(loss, reduction)


publish("multilabel_soft_margin_loss", multilabel_soft_margin_loss, registry=NN_FUNCTIONS)
