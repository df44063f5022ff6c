"""``linear_cross_entropy``: a linear layer and the cross entropy of its results."""

from __future__ import annotations

import math

from ...._core import dtypes
from ...._engine.declare import NN_FUNCTIONS, publish
from ...linalg.matmul import linear_function
from . import _messages
from .classification import cross_entropy_function


def linear_cross_entropy(
    input,
    linear_weight,
    target,
    *,
    linear_bias=None,
    weight=None,
    reduction="mean",
    ignore_index=None,
    label_smoothing=0.0,
    options=None,
):
    """Linear layer followed by cross entropy: ``cross_entropy(x W^T + b, target)``.

    XLA sees both as one program and decides itself what it keeps in memory: ``options``, by which
    PyTorch computes the logits in parts, changes nothing but what is checked.

    Args:
        input: of shape ``(N, in_features)`` or ``(in_features,)``.
        linear_weight: of shape ``(classes, ..., in_features)``.
        target: class numbers, or probabilities of the shape of the logits.
        linear_bias: of shape ``(classes, ...)``.
        weight: of each class.
        reduction: ``"mean"`` (weighted), ``"sum"`` or ``"none"``.
        ignore_index: a class number that does not count.
        label_smoothing: share of the uniform distribution in the targets.
        options: a ``LinearCrossEntropyOptions``.
    Returns:
        Tensor without dimensions, or of the target's shape for ``"none"``.
    """
    if input.dim() not in (1, 2):
        raise _messages.linear_input_ndim(input.dim())
    if linear_weight.dim() < 2:
        raise _messages.linear_weight_ndim(linear_weight.dim())
    batch, features = tuple(input.shape[:-1]), input.shape[-1]
    if features != linear_weight.shape[-1]:
        raise _messages.linear_features(features, linear_weight.shape[-1])
    classes, *further = linear_weight.shape[:-1]
    logits_shape = (*batch, classes, *further)
    if linear_bias is not None and tuple(linear_bias.shape) != (classes, *further):
        raise _messages.linear_bias_shape((classes, *further), tuple(linear_bias.shape))
    if further and not batch:
        raise _messages.linear_unbatched(tuple(linear_weight.shape), features, tuple(input.shape))
    if ignore_index is not None and tuple(target.shape) == logits_shape:
        raise _messages.ignored_probabilities()
    if options is not None:
        in_parts = (
            not further
            and reduction in ("mean", "sum", "none")
            and label_smoothing == 0.0
            and target.dtype is dtypes.int64
        )
        if in_parts:
            options._adjust(
                num_batches=batch[0] if batch else 1,
                in_features=features,
                num_classes=classes,
                dtype=input.dtype,
                device=input.device,
            )
        else:
            bias_shape = None if linear_bias is None else tuple(linear_bias.shape)
            _messages.warn_options_ignored(
                reduction, label_smoothing, target.dtype, tuple(further), bias_shape
            )
    if further:
        rows = math.prod(further, start=classes)
        linear_weight = linear_weight.reshape((rows, features))
        linear_bias = None if linear_bias is None else linear_bias.reshape(rows)
    logits = linear_function(input, linear_weight, linear_bias).reshape(logits_shape)
    return cross_entropy_function(
        logits,
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )


publish("linear_cross_entropy", linear_cross_entropy, registry=NN_FUNCTIONS)
