"""Batch and instance normalisation: over the examples and positions of each channel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ...._core import dtypes
from ...._core.dtypes import dtype as DType
from ...._engine.declare import NN_FUNCTIONS, op, publish
from ...._engine.graph.op import Operand, Spec
from ...._engine.graph.values import Meta, make_meta
from ...._engine.recording.kinds.base import Custom, cast
from ...._engine.recording.record import write_result
from ...._engine.recording.storage import count_write, current_value, overwrite
from ...._engine.recording.trace import local
from ..._shared.memory_order import suggested_strides
from ..._shared.widening import widen
from ...pointwise.division import divided_by_count
from . import _messages
from .group_norm import check_values_per_channel
from .layer_norm import check_dtypes, wanted_gradients


def _channels_of(meta: Meta) -> int:
    if meta.ndim < 2:
        # PyTorch asks for the size of dimension 1 before anything else.
        raise IndexError(
            "Dimension out of range (expected to be in range of [-1, 0], but got 1)"
            if meta.ndim
            else "Dimension specified as 1 but tensor has no dimensions"
        )
    return meta.shape[1]


class _BatchNorm(NamedTuple):
    """The arithmetic of one ``batch_norm``, for input of any size.

    Inside, channels are the last dimension, as in convolutions, so that the turns between the two
    cancel. With channels second, XLA's reductions over products of two arrays made a copy of each:
    two thirds more time outside of the convolutions of a residual network.

    Attributes:
        dtype: of the input.
        mixed: whether the parameters have another one.
        has_weight, has_bias: which parameters follow the input.
        wanted: whether each operand's gradient is wanted.
        eps: added to the variance.
    """

    dtype: DType
    mixed: bool
    has_weight: bool
    has_bias: bool
    wanted: tuple[bool, ...]
    eps: float

    @staticmethod
    def channels_last(array: Any) -> Any:
        """Return an array of the input's shape as it is computed with."""
        return jnp.moveaxis(widen(array), 1, -1)

    def statistics_of(self, wide: Any) -> tuple[Any, Any]:
        """Return the means of the channels, and the sums of squares of the distances to them."""
        mean = self.mean(wide)
        # Once more, so that a constant channel has its mean exactly, as in PyTorch.
        mean = mean + self.mean(wide - mean)
        centred = wide - mean
        return self.kept(mean), self.kept(_channel_sum(centred * centred))

    def mean(self, array: Any) -> Any:
        return divided_by_count(_channel_sum(array), _per_channel(array))

    def kept(self, number: Any) -> Any:
        """Round as PyTorch does, which keeps statistics in the dtype of the parameters."""
        if self.dtype in dtypes.HALVES and not self.mixed:
            return number.astype(self.dtype._numpy).astype(jnp.float32)
        return number

    def normalised(self, input: Any) -> tuple[Any, Any]:
        """Return the normalised input, channels last, and one over the standard deviations."""
        wide = self.channels_last(input)
        mean, squares = self.statistics_of(wide)
        variance = self.kept(divided_by_count(squares, _per_channel(wide)))
        scale = self.kept(self.inverse(variance))
        return (wide - mean) * scale, scale

    def standing(self, input: Any, mean: Any, variance: Any) -> tuple[Any, Any]:
        """Return the centred input, channels last, and one over the standard deviations.

        Args:
            input: array of the input's shape.
            mean, variance: running statistics.
        """
        mean, variance = [widen(statistic).reshape(-1) for statistic in (mean, variance)]
        return self.channels_last(input) - mean, self.inverse(variance)

    def inverse(self, variance: Any) -> Any:
        return jax.lax.rsqrt(variance + jnp.asarray(self.eps, variance.dtype))

    def affine(self, normal: Any, parameters: tuple) -> Any:
        given = [widen(each).reshape(-1) for each in parameters]
        if self.has_weight:
            normal = normal * given[0]
        if self.has_bias:
            normal = normal + given[-1]
        return cast(jnp.moveaxis(normal, -1, 1), self.dtype)

    def scaled(self, scale: Any, operands: list) -> Any:
        return scale * widen(operands[1]).reshape(-1) if self.has_weight else scale

    def gradients(
        self, upstream: Any, normal: Any, operands: list, of_input: Callable[[Any, Any], Any]
    ) -> list:
        """Return the wanted gradients; ``of_input`` makes the input's of the two sums.

        Arrays of the input's shape are channels last.
        """
        total = _channel_sum(upstream)
        product = _channel_sum(upstream * normal)
        found = []
        for position, wanted in enumerate(self.wanted):
            if not wanted:
                continue
            given = operands[position]
            if not position:
                gradient = jnp.moveaxis(of_input(total, product), -1, 1)
            else:
                gradient = product if position == 1 and self.has_weight else total
            found.append(gradient.reshape(given.shape).astype(given.dtype))
        return found

    def training_vjp(self, cotangents: list, results: list, operands: list) -> list:
        upstream = self.channels_last(cotangents[0])
        normal, scale = self.normalised(operands[0])

        def of_input(total, product):
            part = upstream - (total + normal * product) / _per_channel(upstream)
            return part * self.scaled(scale, operands)

        return self.gradients(upstream, normal, operands, of_input)

    def evaluation_vjp(self, cotangents: list, results: list, operands: list) -> list:
        upstream = self.channels_last(cotangents[0])
        centred, scale = self.standing(operands[0], *operands[-2:])
        return self.gradients(
            upstream,
            centred * scale,
            operands,
            lambda total, product: upstream * self.scaled(scale, operands),
        )


def _channel_sum(array: Any) -> Any:
    return jnp.sum(array, tuple(range(array.ndim - 1)))


def _per_channel(array: Any) -> Any:
    """Return the number of elements of a channel; channels are last."""
    return math.prod(array.shape[:-1])


def _batch_norm_of(
    bound: dict[str, Any], mode: Any
) -> tuple[_BatchNorm, list[Operand], list[Operand]]:
    """Check the dtypes; return the arithmetic, input and parameters, and running statistics."""
    operand, weight, bias = bound["input"], bound.get("weight"), bound.get("bias")
    statistics = [bound[n] for n in ("running_mean", "running_var") if bound.get(n) is not None]
    parameters = [each for each in (weight, bias) if each is not None]
    mixed = check_dtypes(operand.meta, [*parameters, *statistics], "batch_norm")
    operands = [operand, *parameters]
    layer = _BatchNorm(
        dtype=operand.meta.dtype,
        mixed=mixed,
        has_weight=weight is not None,
        has_bias=bias is not None,
        wanted=tuple(wanted_gradients(operands, mode)),
        eps=float(bound["eps"]),
    )
    return layer, operands, statistics


def _result_of(meta: Meta) -> Meta:
    return make_meta(meta.shape, meta.dtype, meta.device, suggested_strides(meta))


def _batch_norm_training_spec(operation, bound, mode) -> Spec:
    layer, operands, _ = _batch_norm_of(bound, mode)
    saves = (0, 1) if layer.has_weight else (0,)
    return Spec(
        operands,
        (_result_of(operands[0].meta),),
        {"layer": layer},
        saves=saves,
        vjp=layer.training_vjp,
        node_name=bound["node"],
    )


@op(
    "_batch_norm_training(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, double eps, std::string node)",
    kind=Custom(_batch_norm_training_spec),
    method=False,
    function=False,
)
def _batch_norm_training(input: Any, *parameters: Any, layer: Any) -> Any:
    """Normalise by the statistics of the batch; the running ones only have their dtype checked."""
    return layer.affine(layer.normalised(input)[0], parameters)


def _batch_norm_evaluation_spec(operation, bound, mode) -> Spec:
    layer, operands, statistics = _batch_norm_of(bound, mode)
    first = len(operands)
    saves = (0, 1) if layer.has_weight else (0,)
    return Spec(
        [*operands, *statistics],
        (_result_of(operands[0].meta),),
        {"layer": layer},
        saves=(*saves, first, first + 1),
        vjp=layer.evaluation_vjp,
        node_name=bound["node"],
    )


@op(
    "_batch_norm_evaluation(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, double eps, std::string node)",
    kind=Custom(_batch_norm_evaluation_spec),
    method=False,
    function=False,
)
def _batch_norm_evaluation(input: Any, *others: Any, layer: _BatchNorm) -> Any:
    """Normalise by running statistics, which are the last two operands."""
    *parameters, mean, variance = others
    centred, scale = layer.standing(input, mean, variance)
    return layer.affine(centred * scale, tuple(parameters))


def _running_spec(operation, bound, mode) -> Spec:
    layer, operands, statistics = _batch_norm_of({**bound, "eps": 0.0}, mode)
    metas = [statistic.meta for statistic in statistics]
    return Spec([operands[0], *statistics, bound["momentum"]], metas, {"layer": layer})


@op(
    "_running_statistics(Tensor input, Tensor running_mean, Tensor running_var, double momentum)",
    kind=Custom(_running_spec),
    method=False,
    function=False,
    differentiable=False,
    dynamic=("momentum",),
)
def _running_statistics(input: Any, mean: Any, variance: Any, momentum: Any, *, layer: Any) -> Any:
    """Return running statistics after a batch."""
    wide = layer.channels_last(input)
    found, squares = layer.statistics_of(wide)
    spread = divided_by_count(squares, _per_channel(wide) - 1)
    made = []
    for running, new in ((mean, found), (variance, spread)):
        wide = widen(running).reshape(-1)
        share = jnp.asarray(momentum, wide.dtype)
        mixed = share * new.astype(wide.dtype) + (1 - share) * wide
        made.append(mixed.reshape(running.shape).astype(running.dtype))
    return tuple(made)


def _set_buffer(tensor: Any, new: Any) -> None:
    """Replace the elements of a buffer. torch 2.13 does not count this as a write."""
    value = new._value
    if value.meta.inference is not tensor._value.meta.inference:
        tensor.copy_(new)  # a buffer of another mode
        count_write(tensor, -1)
    elif tensor._alias is None:
        tensor._value = value
    else:
        overwrite(tensor, value)
        count_write(tensor, -1)


def _batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
    node: str = "NativeBatchNormBackward0",
) -> Any:
    """Run ``batch_norm``, after its arguments were bound.

    Args:
        node: class name of the result's ``grad_fn``.
    """
    trace = local.trace
    if trace.captures and training and running_mean is not None and running_var is not None:
        own = (current_value(running_mean), current_value(running_var))
        if trace.is_mapped(current_value(input)) and not all(map(trace.is_mapped, own)):
            raise _messages.statistics_under_vmap()
    if training and (running_mean is None) != (running_var is None):
        raise _messages.statistics_incomplete()
    if not input.numel():
        return _batch_norm_of_nothing(input, weight, bias)
    channels = _channels_of(input._value.meta)
    given = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    for name, tensor in given.items():
        if tensor is None:
            if name.startswith("running") and not training:
                raise _messages.statistics_missing(name)
        elif tensor.numel() != channels:
            raise _messages.channel_count(name, channels, tensor.numel())
    for name in ("running_mean", "running_var"):
        tensor = given[name]
        if tensor is not None and tensor.requires_grad and local.trace.mode.grad:
            raise _messages.statistics_gradient("native_batch_norm", name)
    if not training:
        return _batch_norm_evaluation.call(
            input, weight, bias, running_mean, running_var, eps, node
        )
    result = _batch_norm_training.call(input, weight, bias, running_mean, running_var, eps, node)
    if running_mean is not None:
        mean, variance = _running_statistics.call(input, running_mean, running_var, momentum)
        _set_buffer(running_mean, mean)
        _set_buffer(running_var, variance)
    return result


def _batch_norm_of_nothing(input: Any, weight: Any, bias: Any) -> Any:
    result = input.clone()
    if weight is not None:
        result = result * weight[0]
    return result if bias is None else result + bias[0]


@op(
    "batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, bool training, double momentum, double eps, bool cudnn_enabled)",
    method=False,
)
def batch_norm(
    input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled
):
    """Batch normalisation: ``(x - mean) / sqrt(variance + eps) * weight + bias``.

    Mean and variance are those of a channel, over the batch or over earlier ones.

    S. Ioffe, C. Szegedy: Batch Normalization, ICML 2015.

    Args:
        input: tensor of a floating point dtype, of shape (batch, channels, ...).
        weight, bias: tensors of one element for each channel to scale and to shift by.
        running_mean, running_var: statistics over batches, written to in training.
        training: whether to use the statistics of the batch.
        momentum: share of the batch in the running statistics.
        eps: added to the variance.
        cudnn_enabled: without meaning.
    Returns:
        Tensor of the input's shape, dtype and memory format.
    """
    return _batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def _batch_moments_spec(operation, bound, mode) -> Spec:
    layer, operands, _ = _batch_norm_of(bound, mode)
    meta = operands[0].meta
    dtype = dtypes.float32 if bound["mixed"] else meta.dtype
    made = make_meta((meta.shape[1],), dtype, meta.device)
    return Spec(operands, (made, made), {"layer": layer, "dtype": dtype})


@op(
    "_batch_moments(Tensor input, double eps, bool mixed)",
    kind=Custom(_batch_moments_spec),
    method=False,
    function=False,
    differentiable=False,
)
def _batch_moments(input: Any, *, layer: Any, dtype: Any) -> Any:
    """Return the means of the channels and one over their standard deviations."""
    wide = layer.channels_last(input)
    mean, squares = layer.statistics_of(wide)
    scale = layer.inverse(layer.kept(divided_by_count(squares, _per_channel(wide))))
    return cast(mean, dtype), cast(scale, dtype)


@op(
    "native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, bool training, double momentum, double eps, *, TensorList[3] out=None)",
    method=False,
)
def native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps):
    """Batch normalisation, with the means and one over the standard deviations that it used.

    The latter two are empty in evaluation.
    """
    return _with_moments(
        input,
        weight,
        bias,
        running_mean,
        running_var,
        training,
        momentum,
        eps,
        "NativeBatchNormBackward0",
    )


def _with_moments(input, weight, bias, running_mean, running_var, training, momentum, eps, node):
    """Return ``batch_norm`` and what it normalised by; ``node`` names its ``grad_fn``."""
    parameters = [t for t in (weight, bias, running_mean, running_var) if t is not None]
    result = _batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps, node
    )
    mixed = any(each.dtype is not input.dtype for each in parameters)
    if not training:
        dtype = dtypes.float32 if mixed else input.dtype
        return result, input.new_empty(0, dtype=dtype), input.new_empty(0, dtype=dtype)
    return (result, *_batch_moments.call(input, eps, mixed))


@op(
    "_native_batch_norm_legit(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean, "
    "Tensor running_var, bool training, double momentum, double eps, *, TensorList[3] out=None)",
    "_native_batch_norm_legit(Tensor input, Tensor? weight, Tensor? bias, bool training, "
    "double momentum, double eps, *, TensorList[3] out=None)",
    method=False,
)
def _native_batch_norm_legit(
    input, weight, bias, running_mean=None, running_var=None, training=False, momentum=0.1, eps=1e-5
):
    """Apply ``native_batch_norm``, with or without running statistics."""
    node = "NativeBatchNormLegitBackward" + ("1" if running_mean is None else "0")
    return _with_moments(
        input, weight, bias, running_mean, running_var, training, momentum, eps, node
    )


def batch_norm_with_update(
    input,
    weight,
    bias,
    running_mean,
    running_var,
    momentum,
    eps,
    *,
    out=None,
    save_mean=None,
    save_invstd=None,
    reserve=None,
):
    """Apply ``native_batch_norm`` in training, as ``torch.ops.aten._batch_norm_with_update``.

    Returns:
        The result, the means, one over the standard deviations, and an empty reserve.
    """
    targets = (out, save_mean, save_invstd, reserve)
    if isinstance(out, (tuple, list)):
        raise _messages.single_out("_batch_norm_with_update", type(out).__name__)
    node = "BatchNormWithUpdateBackward0"
    results = _with_moments(
        input, weight, bias, running_mean, running_var, True, momentum, eps, node
    )
    results = (*results, input.new_empty(0, dtype=dtypes.uint8))
    if out is None:
        return results
    for target, result in zip(targets, results, strict=True):
        write_result(target, result, "_batch_norm_with_update", (input,))
    return targets


def _nn_batch_norm(
    input,
    running_mean,
    running_var,
    weight=None,
    bias=None,
    training=False,
    momentum=0.1,
    eps=1e-5,
):
    """Apply ``torch.batch_norm``, after a check that there is something to normalise.

    Args:
        input: tensor of shape (batch, channels, ...).
        running_mean, running_var: statistics over batches, written to in training.
        weight, bias: tensors of one element for each channel to scale and to shift by.
        training: whether to use the statistics of the batch.
        momentum: share of the batch in the running statistics.
        eps: added to the variance.
    """
    if training:
        check_values_per_channel(input.shape)
        if eps <= 0.0:
            raise _messages.epsilon_positive(eps)
    elif eps < 0.0:
        raise _messages.epsilon_not_negative(eps)
    return batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, True)


@op(
    "instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, bool use_input_stats, double momentum, double eps, bool cudnn_enabled)",
    method=False,
)
def instance_norm(
    input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled
):
    """Instance normalisation: ``(x - mean) / sqrt(variance + eps) * weight + bias``.

    Mean and variance are those of a channel of one example, or of earlier ones.

    D. Ulyanov, A. Vedaldi, V. Lempitsky: Instance Normalization, 2016.

    Args:
        input: tensor of a floating point dtype, of shape (batch, channels, ...).
        weight, bias: tensors of one element for each channel to scale and to shift by.
        running_mean, running_var: statistics over batches, written to where the input's are used.
        use_input_stats: whether to use the statistics of the input.
        momentum: share of the batch in the running statistics.
        eps: added to the variance.
        cudnn_enabled: without meaning.
    Returns:
        Contiguous tensor of the input's shape and dtype.
    """
    if not use_input_stats and (running_mean is None or running_var is None):
        raise _messages.instance_statistics_missing()
    batch, channels = input.size(0), input.size(1)

    def repeated(tensor: Any) -> Any:
        return None if tensor is None else tensor.repeat(batch)

    mean, variance = repeated(running_mean), repeated(running_var)
    result = _batch_norm(
        input.contiguous().view(1, batch * channels, *input.shape[2:]),
        repeated(weight),
        repeated(bias),
        mean,
        variance,
        use_input_stats,
        momentum,
        eps,
    )
    if use_input_stats:
        for buffer, new in ((running_mean, mean), (running_var, variance)):
            if buffer is not None:
                buffer.detach().copy_(new.detach().view(batch, channels).mean(0, False))
    return result.view(input.shape)


def _nn_instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    """Apply ``torch.instance_norm``, after a check that there is something to normalise.

    Args:
        input: tensor of shape (batch, channels, ...).
        running_mean, running_var: statistics over batches.
        weight, bias: tensors of one element for each channel to scale and to shift by.
        use_input_stats: whether to use the statistics of the input.
        momentum: share of the batch in the running statistics.
        eps: added to the variance.
    """
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise _messages.one_spatial_element(input.shape)
    return instance_norm(
        input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True
    )


publish("batch_norm", _nn_batch_norm, registry=NN_FUNCTIONS)
publish("instance_norm", _nn_instance_norm, registry=NN_FUNCTIONS)
