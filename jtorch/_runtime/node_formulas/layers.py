"""Nodes of activations, losses and layers."""

from __future__ import annotations

import math
from typing import Any

from ..._engine.backward.seen import NotSaved
from ..._engine.recording.dispatch_modes import without_operators
from .table import aten, node, result_of, signed


@node("ReluBackward0")
def _relu(call: Any, gradient: Any) -> tuple:
    return (aten.threshold_backward.default(gradient, result_of(call), 0),)


@node("ThresholdBackward0")
def _threshold(call: Any, gradient: Any) -> tuple:
    return (aten.threshold_backward.default(gradient, call.self, call.threshold),)


@node("GeluBackward0")
def _gelu(call: Any, gradient: Any) -> tuple:
    approximate = call.approximate
    options = {} if approximate == "none" else {"approximate": approximate}
    return (aten.gelu_backward.default(gradient, call.self, **options),)


@node("SiluBackward0")
def _silu(call: Any, gradient: Any) -> tuple:
    return (aten.silu_backward.default(gradient, call.self),)


@node("EluBackward0")
def _elu(call: Any, gradient: Any) -> tuple:
    numbers = (
        (call.alpha, 1, 1) if call.operator in ("elu", "elu_") else (call.alpha, call.scale, 1)
    )
    return (aten.elu_backward.default(gradient, *numbers, False, call.self),)


@node("LeakyReluBackward0")
def _leaky_relu(call: Any, gradient: Any) -> tuple:
    slope = call.negative_slope
    return (aten.leaky_relu_backward.default(gradient, call.self, slope, False),)


@node("HardtanhBackward0")
def _hardtanh(call: Any, gradient: Any) -> tuple:
    bounds = (call.min_val, call.max_val)
    return (aten.hardtanh_backward.default(gradient, call.self, *bounds),)


@node("HardswishBackward0")
def _hardswish(call: Any, gradient: Any) -> tuple:
    return (aten.hardswish_backward.default(gradient, call.self),)


@node("HardsigmoidBackward0")
def _hardsigmoid(call: Any, gradient: Any) -> tuple:
    return (aten.hardsigmoid_backward.default(gradient, call.self),)


@node("SoftplusBackward0")
def _softplus(call: Any, gradient: Any) -> tuple:
    return (aten.softplus_backward.default(gradient, call.self, call.beta, call.threshold),)


@node("SoftmaxBackward0")
def _softmax(call: Any, gradient: Any) -> tuple:
    dim = signed(call.dim)
    result = result_of(call)
    return (aten._softmax_backward_data.default(gradient, result, dim, call.dtype(0)),)


@node("LogSoftmaxBackward0")
def _log_softmax(call: Any, gradient: Any) -> tuple:
    dim = signed(call.dim)
    result = result_of(call)
    return (aten._log_softmax_backward_data.default(gradient, result, dim, call.dtype(0)),)


# Losses


@node("NllLossBackward0")
def _nll_loss(call: Any, gradient: Any) -> tuple:
    operand, target, weight = call.self, call.target, call.weight
    reduction, ignore_index = call.reduction, signed(call.ignore_index)
    with without_operators():
        _, total = aten.nll_loss_forward(operand, target, weight, reduction, ignore_index)
    options = (target, weight, reduction, ignore_index, total)
    return (aten.nll_loss_backward.default(gradient, operand, *options),)


def _loss(name: str, option: str | None = None) -> None:
    """Declare a loss whose gradient is one operator, for its operand and for its target."""
    operator = getattr(aten, f"{name}_loss_backward").default
    title = "".join(part.capitalize() for part in name.split("_"))

    @node(f"{title}LossBackward0")
    def formula(call: Any, gradient: Any) -> tuple:
        pair = (call.self, call.target)
        options = (call.reduction,) if option is None else (call.reduction, getattr(call, option))
        return tuple(
            [
                operator(gradient, *(pair[::-1] if place else pair), *options)
                if place in call.needs
                else None
                for place in (0, 1)
            ]
        )


_loss("mse")
_loss("smooth_l1", "beta")
_loss("huber", "delta")


@node("BinaryCrossEntropyBackward0")
def _binary_cross_entropy(call: Any, gradient: Any) -> tuple:
    if 1 in call.needs:
        raise NotSaved("target")
    options = (call.self, call.target, call.weight, call.reduction)
    return (aten.binary_cross_entropy_backward.default(gradient, *options),)


@node("BinaryCrossEntropyWithLogitsBackward0")
def _bce_with_logits(call: Any, gradient: Any) -> tuple:
    if 1 in call.needs or call.weight is not None or call.pos_weight is not None:
        raise NotSaved("target")
    operand = call.self
    difference = aten.sub.Tensor(aten.sigmoid.default(operand), call.target)
    found = aten.mul.Tensor(difference, gradient)
    if call.reduction == 1:
        found = aten.div_.Scalar(found, operand.numel())
    return (found,)


# Layers


def _mask(call: Any) -> list[bool]:
    return [place in call.needs for place in (0, 1, 2)]


def _optional(call: Any, name: str) -> Any:
    try:
        return getattr(call, name)
    except NotSaved:
        return None


@node("ConvolutionBackward0")
def _convolution(call: Any, gradient: Any) -> tuple:
    operand, weight = call.input, call.weight
    if operand is None or weight is None:
        raise NotSaved("input")
    sizes = [weight.shape[0]] if 2 in call.needs else None
    if call.transposed and sizes:
        sizes = [weight.shape[1] * call.groups]
    options = [list(each) for each in (call.stride, call.padding, call.dilation)]
    rest = (call.transposed, list(call.output_padding), call.groups, _mask(call))
    found: tuple = aten.convolution_backward.default(
        gradient, operand, weight, sizes, *options, *rest
    )
    return found


@node("NativeLayerNormBackward0")
def _layer_norm(call: Any, gradient: Any, *_: Any) -> tuple:
    operand, shape = call.input, list(call.normalized_shape)
    eps = call.given("eps")
    with without_operators():
        inner = list(range(operand.ndim - len(shape), operand.ndim))
        mean = operand.mean(inner, keepdim=True)
        rstd = (operand.var(inner, correction=0, keepdim=True) + eps).rsqrt()
    options = (shape, mean, rstd, _optional(call, "weight"), _optional(call, "bias"))
    found: tuple = aten.native_layer_norm_backward.default(gradient, operand, *options, _mask(call))
    return found


@node("NativeBatchNormBackward0")
def _batch_norm(call: Any, gradient: Any, *_: Any) -> tuple:
    if call.operator != "_batch_norm_training":
        raise NotSaved(call.operator)
    operand, eps = call.input, call.eps
    with without_operators():
        others = [0, *range(2, operand.ndim)]
        mean = operand.mean(others)
        rstd = (operand.var(others, correction=0) + eps).rsqrt()
    options = (_optional(call, "weight"), None, None, mean, rstd, True, eps, _mask(call))
    found: tuple = aten.native_batch_norm_backward.default(gradient, operand, *options)
    return found


@node("NativeGroupNormBackward0")
def _group_norm(call: Any, gradient: Any, *_: Any) -> tuple:
    operand, groups, eps = call.input, call.given("num_groups"), call.eps
    batch, channels, *rest = operand.shape
    with without_operators():
        rows = operand.reshape(batch, groups, -1)
        mean = rows.mean(2)
        rstd = (rows.var(2, correction=0) + eps).rsqrt()
    sizes = (batch, channels, math.prod(rest), groups)
    options = (mean, rstd, _optional(call, "weight"), *sizes, _mask(call))
    found: tuple = aten.native_group_norm_backward.default(gradient, operand, *options)
    return found


@node("EmbeddingBackward0")
def _embedding(call: Any, gradient: Any) -> tuple:
    if _optional(call, "sparse"):
        raise NotSaved("sparse")
    options = (call.weight_sym_argsize_0, signed(call.padding_idx), call.scale_grad_by_freq)
    return (aten.embedding_dense_backward.default(gradient, call.indices, *options),)


@node("MaxPool2DWithIndicesBackward0")
def _max_pool(call: Any, gradient: Any, *_: Any) -> tuple:
    operand = call.self
    sizes = [list(each) for each in (call.kernel_size, call.stride, call.padding, call.dilation)]
    sizes[1] = sizes[1] or sizes[0]
    with without_operators():
        _, indices = aten.max_pool2d_with_indices(operand, *sizes, call.ceil_mode)
    found = aten.max_pool2d_with_indices_backward.default(
        gradient, operand, *sizes, call.ceil_mode, indices
    )
    return (found,)
