"""Loss functions of ``torch.nn.functional``."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...._core import dtypes, messages
from ...._core.dtypes import is_inexact
from ...._core.promotion import can_cast
from ...._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ...._engine.graph.op import Spec
from ...._engine.graph.tracing import for_numpy
from ...._engine.graph.values import NO_GRAD, make_meta
from ...._engine.recording.kinds.base import Custom, broadcast_shapes, cast, promoted_dtype
from ..._shared.data_checks import known_elements
from ...pointwise import arithmetic
from ...pointwise.division import div
from ...pointwise.select import where
from ...reduce import sums
from ...reduce.counting import host_array
from ...reduce.softmax import log_softmax
from .. import _messages as nn_messages
from ..activations import log_sigmoid_part
from . import _messages

#: Above this many classes a lookup of the target's logarithm beats a comparison with all classes.
_COMPARED_CLASSES = 1024


def legacy_reduction(name: str, size_average: Any, reduce: Any) -> str:
    """Return the reduction that the deprecated arguments mean, or ``name``."""
    if size_average is None and reduce is None:
        return name
    average = True if size_average is None else size_average
    whole = True if reduce is None else reduce
    name = ("mean" if average else "sum") if whole else "none"
    nn_messages.warn_legacy_reduction(name)
    return name


def checked_reduction(name: Any) -> str:
    """Return the name of a reduction, which may be given by its old name.

    Raises:
        ValueError: there is no such reduction.
    """
    if name == "elementwise_mean":
        nn_messages.warn_elementwise_mean()
        return "mean"
    if name not in ("none", "mean", "sum"):
        raise nn_messages.reduction(name)
    return name


def reduce_elements(array, name: str):
    """Reduce elements: half precision is added up in float32, as PyTorch does."""
    if name == "mean":
        return jnp.mean(array, dtype=array.dtype)
    return jnp.sum(array, dtype=array.dtype) if name == "sum" else array


def reduced(loss: Any, reduction: str) -> Any:
    """Return the mean or the sum of a tensor, as an operator of its own, or the tensor."""
    if reduction == "none":
        return loss
    return (sums.mean if reduction == "mean" else sums.sum).call(loss)


def _mse_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["target"]]
    compute = promoted_dtype(operands, mode.default_dtype)
    shape = broadcast_shapes([operand.meta.shape for operand in operands])
    name = bound["reduction"]
    if not compute.is_floating_point:
        raise messages.not_implemented("mse_cpu", compute._legacy_name)

    meta = make_meta(shape if name == "none" else (), compute, operands[0].meta.device)
    return Spec(operands, (meta,), {"name": name, "compute": compute})


@op(
    "_mse_loss(Tensor input, Tensor target, std::string reduction)",
    kind=Custom(_mse_spec),
    method=False,
    function=False,
    node_name="MseLossBackward0",
)
def _mse_loss(input: Any, target: Any, *, name: Any, compute: Any) -> Any:
    """Reduce the squares of differences."""
    difference = cast(input, compute) - cast(target, compute)
    return reduce_elements(difference * difference, name)


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """Mean squared error: ``(input - target)^2``, averaged unless asked otherwise.

    Args:
        input, target: tensors of one shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: what to multiply each square with; ``"mean"`` then divides by the sum of weights.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of the inputs' shape for ``"none"``.
    """
    if target.shape != input.shape:
        _messages.warn_target_size(input.shape, target.shape)
    reduction = legacy_reduction(reduction, size_average, reduce)
    if weight is not None:
        return weighted_loss(_mse_loss.call(input, target, "none"), weight, input, reduction)
    reduction = checked_reduction(reduction)
    return _mse_loss.call(input, target, reduction)


publish("mse_loss", mse_loss, registry=NN_FUNCTIONS, autocast="float32")


def weighted_loss(elements: Any, weight: Any, input: Any, reduction: str) -> Any:
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    weighted = arithmetic.mul.call(elements, weight)
    if reduction == "none":
        return weighted
    if reduction not in ("mean", "sum"):
        raise _messages.reduction_mode(reduction)
    total = sums.sum.call(weighted)
    if reduction == "sum":
        return total
    return div.call(total, sums.sum.call(weight))


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """L1 loss (absolute error): ``abs(input - target)``, averaged unless asked otherwise.

    Args:
        input, target: tensors of one shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: what to multiply each difference with.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of the inputs' shape for ``"none"``.
    """
    if target.shape != input.shape:
        _messages.warn_target_size(input.shape, target.shape)
    reduction = legacy_reduction(reduction, size_average, reduce)
    if weight is None:
        reduction = checked_reduction(reduction)
    difference = arithmetic.abs.call(arithmetic.sub.call(input, target))
    if weight is not None:
        return weighted_loss(difference, weight, input, reduction)
    return reduced(difference, reduction)


publish("l1_loss", l1_loss, registry=NN_FUNCTIONS, autocast="float32")


# Class numbers


def check_targets(target: Any, classes: int, ignore_index: int) -> None:
    """Refuse class numbers that do not exist, as far as they are known without waiting.

    That is the case for data in host memory that no pending operator made.
    """
    array = known_elements(target)
    if array is None or not array.size:
        return
    # Read without a sign, negative numbers are large ones: one pass instead of two.
    if array.view(f"u{array.itemsize}").max() < classes:
        return
    wrong = array[(array != ignore_index) & ((array < 0) | (array >= classes))]
    if wrong.size:
        raise _messages.target_out_of_bounds(int(wrong.flat[0]))


def _nll_spec(operation, bound, mode) -> Spec:
    operand, target, weight = bound["input"], bound["target"], bound["weight"]
    name, ignore_index = bound["reduction"], bound["ignore_index"]
    meta, target_meta = operand.meta, target.meta
    if target_meta.dtype not in (dtypes.int64, dtypes.uint8):
        raise _messages.target_dtype(target_meta.dtype._legacy_name)
    axis = 1 if meta.ndim > 1 else 0
    classes = meta.shape[axis]
    if weight is not None and weight.meta.shape != (classes,):
        raise _messages.class_weights(classes, weight.meta.shape)
    if not meta.dtype.is_floating_point:
        kernel = "nll_loss_out_frame" if meta.ndim < 3 else "nll_loss2d_forward_out_frame"
        raise messages.not_implemented(kernel, meta.dtype._legacy_name)
    if weight is not None and weight.meta.dtype is not meta.dtype:
        raise _messages.scalar_type(meta.dtype._legacy_name, weight.meta.dtype._legacy_name)
    shape = target_meta.shape if name == "none" else ()
    operands = [operand, target] if weight is None else [operand, target, weight]
    return Spec(
        operands,
        (make_meta(shape, meta.dtype, meta.device),),
        {"axis": axis, "ignore_index": ignore_index, "name": name},
        saves=tuple(range(1, len(operands))),
        node_name="NllLossBackward0" if meta.ndim < 3 else "NllLoss2DBackward0",
    )


def _at_targets(logarithms, numbers, axis: int):
    """Return the elements of ``logarithms`` at the class numbers."""
    classes = logarithms.shape[axis]
    numbers = jnp.expand_dims(numbers, axis)
    if for_numpy() or classes > _COMPARED_CLASSES:
        return jnp.take_along_axis(logarithms, numbers, axis).squeeze(axis)
    positions = jax.lax.broadcasted_iota(jnp.int32, logarithms.shape, axis)
    return jnp.sum(jnp.where(positions == numbers, logarithms, 0), axis)


@op(
    "_nll_loss(Tensor input, Tensor target, Tensor? weight, int64_t ignore_index, "
    "std::string reduction)",
    kind=Custom(_nll_spec),
    method=False,
    function=False,
    keeps={"input": None},
)
def _nll_loss(
    logarithms: Any, targets: Any, *weights: Any, axis: Any, ignore_index: Any, name: Any
) -> Any:
    """Reduce the negative logarithms at the targets."""
    counted = targets != ignore_index
    classes = jnp.where(counted, targets, 0).astype(jnp.int32)
    picked = _at_targets(logarithms, classes, axis)
    share = weights[0][classes] if weights else jnp.ones((), logarithms.dtype)
    share = jnp.where(counted, share, 0).astype(logarithms.dtype)
    # An ignored target's logarithm may be infinite, and 0 times infinity is no number.
    losses = jnp.where(share == 0, 0, -picked * share)
    if name == "none":
        return losses
    total = jnp.sum(losses)
    return total / jnp.sum(share) if name == "mean" else total


def nll_loss(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
):
    """Negative log likelihood loss: ``-weight[target] * input[target]``, of log probabilities.

    Args:
        input: logarithms of probabilities, of shape (classes), (batch, classes) or (batch,
            classes, ...).
        target: class numbers (int64), of the shape without the classes.
        weight: of each class.
        ignore_index: a class number that does not count.
        reduction: ``"mean"`` (weighted), ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of the target's shape for ``"none"``.
    """
    reduction = legacy_reduction(reduction, size_average, reduce)
    reduction = checked_reduction(reduction)
    return _nll(input, target, weight, ignore_index, reduction)


publish("nll_loss", nll_loss, registry=NN_FUNCTIONS, autocast="float32")


def _nll(input, target, weight, ignore_index, reduction):
    ndim, target_ndim = input.dim(), target.dim()
    if ndim < 1:
        raise ValueError(f"Expected 1 or more dimensions (got {ndim})")
    if ndim != 1 and target_ndim and input.shape[0] != target.shape[0]:
        raise _messages.batch_sizes(input.shape[0], target.shape[0])
    if ndim <= 2:
        if target_ndim > 1:
            raise _messages.multi_target()
    elif ndim == 4:
        if target_ndim != 3:
            raise _messages.spatial_targets(target_ndim)
    else:
        return _nll_of_any_rank(input, target, weight, ignore_index, reduction)
    result = _nll_loss.call(input, target, weight, ignore_index, reduction)
    check_targets(target, input.shape[1 if ndim > 1 else 0], ignore_index)
    return result


def _nll_of_any_rank(input, target, weight, ignore_index, reduction):
    """Fold the dimensions after the classes into two, as PyTorch does."""
    batch, classes, *rest = input.shape
    expected = (batch, *rest)
    if tuple(target.shape[1:]) != tuple(rest):
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(target.shape)}")
    folded = input.reshape(batch, classes, 1, -1)
    result = _nll_loss.call(folded, target.reshape(batch, 1, -1), weight, ignore_index, reduction)
    check_targets(target, classes, ignore_index)
    return result.view(expected) if reduction == "none" else result


def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
):
    """Cross entropy of logits: ``-weight[target] * log(softmax(input)[target])``.

    Args:
        input: logits, of shape (classes), (batch, classes) or (batch, classes, ...).
        target: class numbers of the shape without the classes, or probabilities of the same shape.
        weight: of each class.
        ignore_index: a class number that does not count.
        reduction: ``"mean"`` (weighted), ``"sum"`` or ``"none"``.
        label_smoothing: share of the uniform distribution in the targets.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of the shape without classes for ``"none"``.
    """
    reduction = legacy_reduction(reduction, size_average, reduce)
    reduction = checked_reduction(reduction)
    if label_smoothing > 1.0:
        raise _messages.smoothing(label_smoothing)
    class_dim = 0 if input.dim() == 1 else 1
    same_shape = input.shape == target.shape
    if same_shape:
        if not target.dtype.is_floating_point:
            raise _messages.probabilities_dtype(target.dtype._legacy_name)
        if ignore_index >= 0:
            raise _messages.ignored_index()
        classes = input.shape[class_dim] if input.dim() else 1
        if weight is not None and (weight.dim() != 1 or weight.numel() != classes):
            raise _messages.class_weights_of_entropy(classes, weight.shape)
        logarithms = log_softmax.call(input, class_dim)
        return _soft(logarithms, target, weight, reduction, label_smoothing, class_dim)
    if input.dim() > 1 and target.dim() and input.shape[0] != target.shape[0]:
        raise _messages.batch_sizes(input.shape[0], target.shape[0])
    logarithms = log_softmax.call(input, class_dim)
    loss = _nll(logarithms, target, weight, ignore_index, reduction)
    if label_smoothing <= 0:  # torch 2.13 takes negative shares for none
        return loss
    return _smoothed(
        logarithms, target, weight, ignore_index, reduction, label_smoothing, class_dim, loss
    )


cross_entropy_function = publish(
    "cross_entropy", cross_entropy, registry=NN_FUNCTIONS, autocast=Autocast(cpu="float32")
)


def _soft(logarithms, target, weight, reduction, label_smoothing, class_dim):
    """Return the cross entropy with probabilities as targets."""
    classes = logarithms.shape[class_dim]
    if label_smoothing > 0:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    terms = logarithms * target
    if weight is not None:
        shape = [1] * logarithms.dim()
        shape[class_dim] = classes
        terms = terms * weight.view(shape)
    if reduction == "none":
        return -terms.sum(class_dim)
    total = -terms.sum()
    if reduction == "sum":
        return total
    count = logarithms.numel() // max(classes, 1)
    return _divide_by.call(total, count)


def _divide_by_spec(operation, bound, mode) -> Spec:
    operand, count = bound["input"], bound["count"]
    return Spec([operand], (operand.meta.with_grad(NO_GRAD),), {"count": count})


@op(
    "_divide_by(Tensor input, int64_t count)",
    kind=Custom(_divide_by_spec),
    host=lambda array, count: np.divide(array, np.asarray(count, array.dtype)),
    host_vjp=lambda cotangents, results, operands, wanted, count: (
        np.divide(cotangents[0], np.asarray(count, cotangents[0].dtype)),
    ),
    method=False,
    function=False,
    saves=(),
    node_name="DivBackward1",
)
def _divide_by(array: Any, *, count: Any) -> Any:
    """Divide by a number."""
    return array / jnp.asarray(count, array.dtype)


def _smoothed(
    logarithms, target, weight, ignore_index, reduction, label_smoothing, class_dim, loss
):
    """Mix in the uniform distribution, for targets that are class numbers."""
    classes = logarithms.shape[class_dim]
    if weight is None:
        uniform = -logarithms.sum(class_dim)
    else:
        shape = [1] * logarithms.dim()
        shape[class_dim] = classes
        uniform = -(logarithms * weight.view(shape)).sum(class_dim)
    ignored = target == ignore_index
    uniform = where.call(ignored, 0.0, uniform)
    if reduction == "sum":
        uniform = uniform.sum()
    elif reduction == "mean":
        if weight is not None:
            safe = where.call(ignored, 0, target)
            shares = weight.index_select(0, safe.flatten())
            shares = where.call(ignored.flatten(), 0.0, shares)
            uniform = uniform.sum() / shares.sum()
        else:
            uniform = uniform.sum() / (target != ignore_index).sum()
    return loss * (1 - label_smoothing) + uniform * (label_smoothing / classes)


# Two classes


def _bce_spec(operation, bound, mode) -> Spec:
    operand, target, weight = bound["input"], bound["target"], bound["weight"]
    name = bound["reduction"]
    operands = [o for o in (operand, target, weight) if o is not None]
    meta = operand.meta
    if not meta.dtype.is_floating_point:
        raise messages.not_implemented("binary_cross_entropy", meta.dtype._legacy_name)
    if target.meta.dtype is not meta.dtype:
        raise RuntimeError(
            f"Found dtype {target.meta.dtype._legacy_name} but expected {meta.dtype._legacy_name}"
        )

    shape = meta.shape if name == "none" else ()
    return Spec(operands, (make_meta(shape, meta.dtype, meta.device),), {"name": name})


@jax.custom_jvp
def _bce_elements(input, target):
    """Return the cross entropies, with logarithms no smaller than -100."""
    return (target - 1) * jnp.maximum(jnp.log1p(-input), -100) - target * jnp.maximum(
        jnp.log(input), -100
    )


@_bce_elements.defjvp
def _bce_elements_jvp(primals, tangents):
    input, target = primals
    input_tangent, target_tangent = tangents
    slope = (input - target) / jnp.maximum((1 - input) * input, 1e-12)
    by_target = jnp.log1p(-input) - jnp.log(input)
    return _bce_elements(input, target), slope * input_tangent + by_target * target_tangent


@op(
    "_binary_cross_entropy(Tensor input, Tensor target, Tensor? weight, std::string reduction)",
    kind=Custom(_bce_spec),
    method=False,
    function=False,
    node_name="BinaryCrossEntropyBackward0",
)
def _binary_cross_entropy(input: Any, target: Any, *weights: Any, name: Any) -> Any:
    """Reduce the cross entropies of probabilities."""
    losses = _bce_elements(input, target)
    if weights:
        losses = losses * weights[0]
    return reduce_elements(losses, name)


def _check_probabilities(name: str, tensor: Any) -> None:
    """Refuse numbers outside [0, 1], as far as they are known without waiting."""
    array = known_elements(tensor)
    if array is not None and not ((array >= 0) & (array <= 1)).all():
        raise _messages.no_probabilities(name)


def binary_cross_entropy(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """Binary cross entropy: ``-(t * log(x) + (1 - t) * log(1 - x))``, of probabilities ``x``.

    Args:
        input: probabilities.
        target: of the same shape.
        weight: what to multiply each element with.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of the inputs' shape for ``"none"``.
    """
    reduction = legacy_reduction(reduction, size_average, reduce)
    reduction = checked_reduction(reduction)
    if target.shape != input.shape:
        raise _messages.bce_size(target.shape, input.shape)
    if weight is not None:
        weight = weight.expand(broadcast_shapes([tuple(target.shape), tuple(weight.shape)]))
    result = _binary_cross_entropy.call(input, target, weight, reduction)
    for name, tensor in (("input", input), ("target", target)):
        _check_probabilities(name, tensor)
    return result


publish(
    "binary_cross_entropy",
    binary_cross_entropy,
    registry=NN_FUNCTIONS,
    autocast=Autocast(cpu="float32", cuda="banned"),
)


def _logits_spec(operation, bound, mode) -> Spec:
    operand, target = bound["input"], bound["target"]
    extra = [bound[name] for name in ("weight", "pos_weight") if bound[name] is not None]
    has_weight, has_positive = bound["weight"] is not None, bound["pos_weight"] is not None
    name = bound["reduction"]
    operands = [operand, target, *extra]
    compute = promoted_dtype(operands, mode.default_dtype)
    result = _dtype_of_logits_loss(operand.meta, target.meta, promoted_dtype(operands[:2], compute))
    shape = broadcast_shapes([o.meta.shape for o in operands])

    def vjp(cotangents, results, operands):
        input, target = operands[0], operands[1]
        (cotangent,) = cotangents
        scale = cotangent / input.size if name == "mean" else cotangent
        others = list(operands[2:])
        if has_weight:
            scale = scale * others.pop(0)
        probability = jax.nn.sigmoid(input)
        if has_positive:
            positive = others.pop(0) * target
            return [((positive + 1 - target) * probability - positive) * scale]
        return [(probability - target) * scale]

    plain = (
        mode.grad
        and operand.meta.grad
        and not any([o.meta.grad for o in operands[1:]])
        and compute is operand.meta.dtype
        and shape == operand.meta.shape
    )
    meta = make_meta(shape if name == "none" else (), result, operand.meta.device)
    params = {"has_positive": has_positive, "has_weight": has_weight, "name": name}
    return Spec(
        operands,
        (meta,),
        {**params, "compute": compute, "result": result},
        vjp=vjp if plain else None,
    )


def _dtype_of_logits_loss(logits: Any, target: Any, compute: Any) -> Any:
    """Return the dtype of the loss: PyTorch computes it in the memory of ``1 - target``."""
    if target.dtype is dtypes.bool_:
        raise messages.bool_subtraction()
    if logits.dtype.is_complex or not is_inexact(logits.dtype):
        raise messages.not_implemented("log_sigmoid_cpu", logits.dtype._legacy_name)
    if not can_cast(compute, target.dtype):
        raise messages.cannot_cast_result(compute._legacy_name, target.dtype._legacy_name)
    return target.dtype


@op(
    "_bce_with_logits(Tensor input, Tensor target, Tensor? weight, Tensor? pos_weight, "
    "std::string reduction)",
    kind=Custom(_logits_spec),
    method=False,
    function=False,
    node_name="BinaryCrossEntropyWithLogitsBackward0",
)
def bce_with_logits(
    input: Any,
    target: Any,
    *others: Any,
    has_positive: Any,
    has_weight: Any,
    name: Any,
    compute: Any,
    result: Any,
) -> Any:
    """Reduce the cross entropies of logits."""
    input, target = cast(input, compute), cast(target, compute)
    rest = list(others)
    weight = cast(rest.pop(0), compute) if has_weight else None
    # Its slope at 0 is stated: JAX's of a minimum and a magnitude do not add up to 1/2.
    log_sigmoid = log_sigmoid_part(input)
    if has_positive:
        positive = (cast(rest.pop(0), compute) - 1) * target + 1
        losses = (1 - target) * input - positive * log_sigmoid
    else:
        losses = (1 - target) * input - log_sigmoid
    if weight is not None:
        losses = losses * weight
    return reduce_elements(cast(losses, result), name)


def binary_cross_entropy_with_logits(
    input,
    target,
    weight=None,
    size_average=None,
    reduce=None,
    reduction="mean",
    pos_weight=None,
):
    """Binary cross entropy of logits: that of ``sigmoid(input)``, computed stably.

    Args:
        input: logits.
        target: of the same shape.
        weight: what to multiply each element with.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        pos_weight: weight of the positive class.
        size_average, reduce: deprecated forms of ``reduction``.
    Returns:
        Tensor without dimensions, or of the inputs' shape for ``"none"``.
    """
    reduction = legacy_reduction(reduction, size_average, reduce)
    reduction = checked_reduction(reduction)
    if target.shape != input.shape:
        raise _messages.logits_size(target.shape, input.shape)
    return bce_with_logits.call(input, target, weight, pos_weight, reduction)


publish("binary_cross_entropy_with_logits", binary_cross_entropy_with_logits, registry=NN_FUNCTIONS)


def one_hot(input, num_classes=-1):
    """One-hot encoding of class numbers: rows of zeros with a single 1.

    Args:
        input: class numbers (int64).
        num_classes: how many there are; one more than the largest number where it is -1.
    Returns:
        int64 tensor with one more dimension.
    """
    if input.dtype is not dtypes.int64:
        raise _messages.one_hot_dtype()
    if not input.numel():
        if num_classes == -1:
            raise _messages.one_hot_of_nothing()
        if num_classes <= 0:
            raise _messages.one_hot_classes()
    else:
        classes = host_array(input, "one_hot")
        if classes.min() < 0:
            raise _messages.one_hot_negative()
        if num_classes == -1:
            num_classes = int(classes.max()) + 1
        elif classes.max() >= num_classes:
            raise _messages.one_hot_range()
    return _one_hot.call(input, num_classes)


publish(
    "one_hot",
    one_hot,
    registry=NN_FUNCTIONS,
    refused=("(Tensor input, int64_t num_classes=-1)",),
)


def _one_hot_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    classes = bound["num_classes"]
    meta = make_meta((*operand.meta.shape, classes), dtypes.int64, operand.meta.device)

    return Spec([operand], (meta,), {"classes": classes})


@op(
    "_one_hot(Tensor input, int64_t num_classes)",
    kind=Custom(_one_hot_spec),
    method=False,
    function=False,
    differentiable=False,
    host=lambda array, classes: (array[..., None] == np.arange(classes)).astype(np.int64),
)
def _one_hot(array: Any, *, classes: Any) -> Any:
    """Compare class numbers with all classes."""
    return (array[..., None] == jnp.arange(classes)).astype(jnp.int64)
