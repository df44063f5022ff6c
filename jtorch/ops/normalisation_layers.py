"""Layers that normalise: over trailing dimensions, over channels, over groups of channels.

Gradients are written by hand where the one that JAX derives is slow. For ``layer_norm`` (J. L. Ba,
J. R. Kiros, G. E. Hinton: Layer Normalization, 2016) means are products with a vector of ones,
which XLA's CPU backend runs faster than reductions over short rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._core import dtypes, messages_reduction
from .._core import messages_normalisation as words
from .._engine.declare import FUNCTIONS, NN_FUNCTIONS, op
from .._engine.kinds import Custom, cast
from .._engine.kinds_pointwise import FLOATING
from .._engine.op import Operand, Plan
from .._engine.storage import overwrite
from .._engine.trace import local
from .._engine.values import Meta, make_meta
from ._calls import bound_function
from ._memory_order import suggested_strides

_HALVES = (dtypes.float16, dtypes.bfloat16)
_DTYPE_NAMES = {
    dtypes.float16: "Half",
    dtypes.bfloat16: "BFloat16",
    dtypes.float32: "Float",
    dtypes.float64: "Double",
}


def _type_name(meta: Meta) -> str:
    return _DTYPE_NAMES.get(meta.dtype, meta.dtype._legacy_name)


def _widen(array: Any) -> Any:
    """Return half precision as float32, which PyTorch normalises in."""
    return array.astype(jnp.float32) if array.dtype.itemsize == 2 else array


def _mixed(meta: Meta, parameters: list[Operand], kernel: str) -> bool:
    """Check the dtypes of an input and its parameters; return whether they differ.

    PyTorch takes parameters of the input's dtype, or float32 for an input of half precision.
    """
    if meta.dtype not in FLOATING:
        raise messages_reduction.not_implemented(kernel, meta.dtype._legacy_name)
    if not parameters:
        return False
    if parameters[0].meta.dtype is not meta.dtype:
        if any(each.meta.dtype is not dtypes.float32 for each in parameters):
            raise words.parameters_float()
        if meta.dtype not in _HALVES:
            raise words.same_dtype()
        return True
    for each in parameters[1:]:
        if each.meta.dtype is not meta.dtype:
            raise words.scalar_type(_type_name(meta), _type_name(each.meta))
    return False


def _flags(operands: list[Operand], mode: Any) -> list[bool]:
    """Return which operands get a gradient."""
    return [bool(mode.grad and operand.meta.grad) for operand in operands]


# Over trailing dimensions


def _row_mean(rows: Any, exact: bool) -> Any:
    """Return the means of rows, with the dimension kept.

    Args:
        rows: array of shape (..., length).
        exact: whether to use a reduction: off the CPU a product may be rounded to fewer bits.
    """
    length = rows.shape[-1]
    if exact or not length or rows.ndim < 2:
        return jnp.mean(rows, -1, keepdims=True)
    # The sum of ones, then the division: whole numbers stay exact.
    return (rows @ jnp.ones((length, 1), rows.dtype)) / length


def _row_moments(rows: Any, eps: float, exact: bool) -> tuple[Any, Any]:
    """Return the centred rows and one over their standard deviations."""
    centred = rows - _row_mean(rows, exact)
    variance = _row_mean(centred * centred, exact)
    return centred, jax.lax.rsqrt(variance + jnp.asarray(eps, rows.dtype))


def _column_sum(array: Any, exact: bool) -> Any:
    """Return the sum over all dimensions but the last."""
    if array.ndim == 1:
        return array
    leading = tuple(range(array.ndim - 1))
    if exact or 0 in array.shape:
        return jnp.sum(array, leading)
    ones = jnp.ones(array.shape[:-1], array.dtype)
    return jax.lax.dot_general(ones, array, ((leading, leading), ((), ())))


def _check_normalized_shape(meta: Meta, normalized: tuple[int, ...], rms: bool = False) -> None:
    if not normalized:
        raise words.no_normalized_shape(normalized)
    rank = len(normalized)
    if meta.ndim < rank or meta.shape[meta.ndim - rank :] != tuple(normalized):
        raise words.normalized_shape(normalized, meta.shape, rms)


def _check_parameter(name: str, operand: Operand | None, normalized: tuple[int, ...]) -> None:
    if operand is not None and operand.meta.shape != tuple(normalized):
        raise words.parameter_shape(name, operand.meta.shape, normalized)


class _LayerNorm:
    """The arithmetic of one ``layer_norm``: what its operands are and how rows are formed."""

    def __init__(self, bound: dict[str, Any], mode: Any):
        operand = bound["input"]
        self.meta = meta = operand.meta
        normalized = tuple(bound["normalized_shape"])
        weight, bias = bound.get("weight"), bound.get("bias")
        # PyTorch looks at the shape to normalise over, the weight, the bias, then the input.
        if not normalized:
            raise words.no_normalized_shape(normalized)
        _check_parameter("weight", weight, normalized)
        _check_parameter("bias", bias, normalized)
        _check_normalized_shape(meta, normalized)
        parameters = [each for each in (weight, bias) if each is not None]
        self.mixed = _mixed(meta, parameters, "LayerNormKernelImpl")
        self.operands = [operand, *parameters]
        self.has_weight, self.has_bias = weight is not None, bias is not None
        self.wanted = _flags(self.operands, mode)
        self.eps = float(bound.get("eps", 1e-5))
        lead = meta.shape[: meta.ndim - len(normalized)]
        self.rows = (*lead, math.prod(normalized))
        self.exact = meta.device.type != "cpu"

    def moments(self, input: Any) -> tuple[Any, Any]:
        return _row_moments(_widen(input).reshape(self.rows), self.eps, self.exact)

    def run(self, input: Any, *parameters: Any) -> Any:
        centred, scale = self.moments(input)
        result = centred * scale
        given = [_widen(each).reshape(-1) for each in parameters]
        if self.has_weight:
            result = result * given[0]
        if self.has_bias:
            result = result + given[-1]
        return cast(result.reshape(self.meta.shape), self.meta.dtype)

    def vjp(self, cotangents: list, results: list, operands: list) -> list:
        upstream = _widen(cotangents[0]).reshape(self.rows)
        centred, scale = self.moments(operands[0])
        normal = centred * scale
        exact = self.exact
        gradients = []
        for position, wanted in enumerate(self.wanted):
            if not wanted:
                continue
            if not position:
                inner = upstream
                if self.has_weight:
                    inner = upstream * _widen(operands[1]).reshape(-1)
                mean = _row_mean(inner, exact)
                share = _row_mean(inner * normal, exact)
                found = (inner - mean - normal * share) * scale
            elif position == 1 and self.has_weight:
                found = _column_sum(upstream * normal, exact)
            else:
                found = _column_sum(upstream, exact)
            given = operands[position]
            gradients.append(found.reshape(given.shape).astype(given.dtype))
        return gradients


def _layer_norm_plan(operation, bound, mode) -> Plan:
    layer = _LayerNorm(bound, mode)
    meta = layer.meta
    saves = (0, 1) if layer.has_weight else (0,)
    return Plan(
        layer.run,
        layer.operands,
        (make_meta(meta.shape, meta.dtype, meta.device),),
        saves=saves,
        vjp=layer.vjp,
    )


@op(
    "_layer_norm(Tensor input, SymIntArrayRef normalized_shape, Tensor? weight, Tensor? bias, "
    "double eps)",
    kind=Custom(_layer_norm_plan),
    method=False,
    function=False,
    node_name="NativeLayerNormBackward0",
)
def _layer_norm(input, normalized_shape, weight, bias, eps):
    """Normalise rows and apply weight and bias."""
    raise AssertionError("planned by _layer_norm_plan")


def _layer_moments_plan(operation, bound, mode) -> Plan:
    layer = _LayerNorm({**bound, "weight": None, "bias": None}, mode)
    meta = layer.meta
    dtype = dtypes.float32 if bound["mixed"] else meta.dtype
    rank = len(bound["normalized_shape"])
    shape = (*meta.shape[: meta.ndim - rank], *(1,) * rank)

    def run(input):
        _, scale = layer.moments(input)
        mean = _row_mean(_widen(input).reshape(layer.rows), layer.exact)
        if not layer.rows[-1]:
            mean = jnp.zeros_like(mean)
        return cast(mean.reshape(shape), dtype), cast(scale.reshape(shape), dtype)

    made = make_meta(shape, dtype, meta.device)
    return Plan(run, layer.operands, (made, made))


@op(
    "_layer_moments(Tensor input, SymIntArrayRef normalized_shape, double eps, bool mixed)",
    kind=Custom(_layer_moments_plan),
    method=False,
    function=False,
    differentiable=False,
)
def _layer_moments(input, normalized_shape, eps, mixed):
    """Return the means of rows and one over their standard deviations."""
    raise AssertionError("planned by _layer_moments_plan")


@bound_function(
    "layer_norm(Tensor input, SymIntArrayRef normalized_shape, Tensor? weight=None, "
    "Tensor? bias=None, double eps=1e-05, bool cudnn_enable=True)",
    method=False,
)
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    """Bring the trailing dimensions to mean 0 and variance 1.

    Args:
        input: tensor of a floating point dtype.
        normalized_shape: sizes of the dimensions to normalise over.
        weight, bias: tensors of that shape to scale and to shift by.
        eps: added to the variance.
        cudnn_enable: without meaning.
    Returns:
        Contiguous tensor of the input's shape and dtype.
    """
    return _layer_norm.call(input, tuple(normalized_shape), weight, bias, eps)


@bound_function(
    "native_layer_norm(Tensor input, SymIntArrayRef normalized_shape, Tensor? weight, "
    "Tensor? bias, double eps)",
    method=False,
)
def native_layer_norm(input, normalized_shape, weight, bias, eps):
    """Return ``layer_norm`` with the means of the rows and one over their standard deviations."""
    shape = tuple(normalized_shape)
    result = _layer_norm.call(input, shape, weight, bias, eps)
    parameters = [each for each in (weight, bias) if each is not None]
    mixed = any(each.dtype is not input.dtype for each in parameters)
    return (result, *_layer_moments.call(input, shape, eps, mixed))


def _nn_layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Apply ``torch.layer_norm``.

    Args:
        input: tensor of a floating point dtype.
        normalized_shape: sizes of the trailing dimensions to normalise over.
        weight, bias: tensors of that shape to scale and to shift by.
        eps: added to the variance.
    """
    if normalized_shape.__class__ is tuple and eps.__class__ is float:
        return _layer_norm.call(input, normalized_shape, weight, bias, eps)
    return layer_norm(input, normalized_shape, weight, bias, eps, True)


@bound_function(
    "rms_norm(Tensor input, SymIntArrayRef normalized_shape, Tensor? weight=None, "
    "double? eps=None)",
    method=False,
)
def rms_norm(input, normalized_shape, weight=None, eps=None):
    """Divide by the root of the mean of squares over the trailing dimensions.

    B. Zhang, R. Sennrich: Root Mean Square Layer Normalization, NeurIPS 2019.

    Args:
        input: tensor of a floating point or complex dtype.
        normalized_shape: sizes of the dimensions to normalise over.
        weight: tensor of that shape to scale by.
        eps: added to the mean of squares; the resolution of the dtype computed in unless given.
    Returns:
        Tensor of the input's shape and dtype.
    """
    shape = tuple(normalized_shape)
    if not shape:
        raise words.no_normalized_shape(shape)
    if weight is not None and tuple(weight.shape) != shape:
        raise words.parameter_shape("weight", weight.shape, shape)
    _check_normalized_shape(input._value.meta, shape, True)
    dtype = input.dtype
    if not (dtype.is_floating_point or dtype.is_complex):
        raise messages_reduction.not_implemented("rms_norm", dtype._legacy_name)
    compute = dtypes.float32 if dtype in _HALVES else dtype
    if eps is None:
        eps = float(np.finfo(compute.to_real()._numpy).eps)
    wide = input if compute is dtype else input.to(compute)
    dims = list(range(input.dim() - len(shape), input.dim()))
    scale = (wide.pow(2).mean(dims, True) + eps).rsqrt()
    result = wide.mul(scale)
    if weight is not None:
        result = result.mul(weight)
    return result if result.dtype is dtype else result.to(dtype)


def _nn_rms_norm(input, normalized_shape, weight=None, eps=None):
    """Apply ``torch.rms_norm``."""
    return rms_norm(input, normalized_shape, weight, eps)


# Over channels


def _channels_of(meta: Meta) -> int:
    if meta.ndim < 2:
        # PyTorch asks for the size of dimension 1 before anything else.
        raise IndexError(
            "Dimension out of range (expected to be in range of [-1, 0], but got 1)"
            if meta.ndim
            else "Dimension specified as 1 but tensor has no dimensions"
        )
    return meta.shape[1]


class _BatchNorm:
    """The arithmetic of one ``batch_norm``."""

    def __init__(self, bound: dict[str, Any], mode: Any):
        operand = bound["input"]
        self.meta = meta = operand.meta
        weight, bias = bound.get("weight"), bound.get("bias")
        statistics = [bound[n] for n in ("running_mean", "running_var") if bound.get(n) is not None]
        parameters = [each for each in (weight, bias) if each is not None]
        self.mixed = _mixed(meta, [*parameters, *statistics], "batch_norm")
        self.operands = [operand, *parameters]
        self.wanted = _flags(self.operands, mode)
        self.has_weight, self.has_bias = weight is not None, bias is not None
        self.statistics = statistics
        self.eps = float(bound["eps"])
        self.axes = (0, *range(2, meta.ndim))
        self.broadcast = (1, -1, *(1,) * (meta.ndim - 2))
        self.count = meta.numel // max(meta.shape[1], 1)

    def centred(self, input: Any) -> tuple[Any, Any]:
        """Return the centred input and the variance of the channels."""
        wide = _widen(input)
        mean = jnp.mean(wide, self.axes, keepdims=True)
        centred = wide - mean
        return centred, jnp.mean(centred * centred, self.axes, keepdims=True)

    def inverse(self, variance: Any) -> Any:
        return jax.lax.rsqrt(variance + jnp.asarray(self.eps, variance.dtype))

    def affine(self, normal: Any, parameters: tuple) -> Any:
        given = [_widen(each).reshape(self.broadcast) for each in parameters]
        if self.has_weight:
            normal = normal * given[0]
        if self.has_bias:
            normal = normal + given[-1]
        return cast(normal, self.meta.dtype)

    def scaled(self, scale: Any, operands: list) -> Any:
        return scale * _widen(operands[1]).reshape(self.broadcast) if self.has_weight else scale

    def gradients(
        self, upstream: Any, normal: Any, operands: list, of_input: Callable[[Any, Any], Any]
    ) -> list:
        """Return the wanted gradients; ``of_input`` makes the input's of the two sums."""
        total = jnp.sum(upstream, self.axes, keepdims=True)
        product = jnp.sum(upstream * normal, self.axes, keepdims=True)
        found = []
        for position, wanted in enumerate(self.wanted):
            if not wanted:
                continue
            given = operands[position]
            if not position:
                gradient = of_input(total, product)
            else:
                gradient = product if position == 1 and self.has_weight else total
            found.append(gradient.reshape(given.shape).astype(given.dtype))
        return found

    def result(self) -> Meta:
        meta = self.meta
        return make_meta(meta.shape, meta.dtype, meta.device, suggested_strides(meta))


def _batch_norm_training_plan(operation, bound, mode) -> Plan:
    layer = _BatchNorm(bound, mode)
    layer.statistics.clear()

    def run(input, *parameters):
        centred, variance = layer.centred(input)
        return layer.affine(centred * layer.inverse(variance), parameters)

    def vjp(cotangents, results, operands):
        upstream = _widen(cotangents[0])
        centred, variance = layer.centred(operands[0])
        scale = layer.inverse(variance)
        normal = centred * scale

        def of_input(total, product):
            part = upstream - (total + normal * product) / layer.count
            return part * layer.scaled(scale, operands)

        return layer.gradients(upstream, normal, operands, of_input)

    saves = (0, 1) if layer.has_weight else (0,)
    return Plan(run, layer.operands, (layer.result(),), saves=saves, vjp=vjp)


@op(
    "_batch_norm_training(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, double eps)",
    kind=Custom(_batch_norm_training_plan),
    method=False,
    function=False,
    node_name="NativeBatchNormBackward0",
)
def _batch_norm_training(input, weight, bias, running_mean, running_var, eps):
    """Normalise by the statistics of the batch; the running ones only have their dtype checked."""
    raise AssertionError("planned by _batch_norm_training_plan")


def _batch_norm_evaluation_plan(operation, bound, mode) -> Plan:
    layer = _BatchNorm(bound, mode)
    first = len(layer.operands)

    def moments(arrays):
        mean, variance = [_widen(each).reshape(layer.broadcast) for each in arrays[first:]]
        return _widen(arrays[0]) - mean, layer.inverse(variance)

    def run(*arrays):
        centred, scale = moments(arrays)
        return layer.affine(centred * scale, arrays[1:first])

    def vjp(cotangents, results, operands):
        upstream = _widen(cotangents[0])
        centred, scale = moments(operands)
        return layer.gradients(
            upstream,
            centred * scale,
            operands,
            lambda total, product: upstream * layer.scaled(scale, operands),
        )

    saves = (0, 1) if layer.has_weight else (0,)
    return Plan(
        run,
        [*layer.operands, *layer.statistics],
        (layer.result(),),
        saves=(*saves, first, first + 1),
        vjp=vjp,
    )


@op(
    "_batch_norm_evaluation(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, double eps)",
    kind=Custom(_batch_norm_evaluation_plan),
    method=False,
    function=False,
    node_name="NativeBatchNormBackward0",
)
def _batch_norm_evaluation(input, weight, bias, running_mean, running_var, eps):
    """Normalise by running statistics."""
    raise AssertionError("planned by _batch_norm_evaluation_plan")


def _running_plan(operation, bound, mode) -> Plan:
    layer = _BatchNorm({**bound, "eps": 0.0}, mode)
    mean_operand, variance_operand = layer.statistics
    count = layer.count

    def run(input, mean, variance, momentum):
        found = jnp.mean(_widen(input), layer.axes)
        _, spread = layer.centred(input)
        spread = spread.reshape(-1) * (count / (count - 1) if count > 1 else math.nan)
        made = []
        for running, new in ((mean, found), (variance, spread)):
            wide = _widen(running).reshape(-1)
            share = jnp.asarray(momentum, wide.dtype)
            mixed = share * new.astype(wide.dtype) + (1 - share) * wide
            made.append(mixed.reshape(running.shape).astype(running.dtype))
        return tuple(made)

    operands = [layer.operands[0], mean_operand, variance_operand, bound["momentum"]]
    return Plan(run, operands, (mean_operand.meta, variance_operand.meta))


@op(
    "_running_statistics(Tensor input, Tensor running_mean, Tensor running_var, double momentum)",
    kind=Custom(_running_plan),
    method=False,
    function=False,
    differentiable=False,
    dynamic=("momentum",),
)
def _running_statistics(input, running_mean, running_var, momentum):
    """Return running statistics after a batch."""
    raise AssertionError("planned by _running_plan")


def _set_buffer(tensor: Any, new: Any) -> None:
    """Replace the elements of a buffer. torch 2.13 does not count this as a write."""
    if tensor._alias is None:
        tensor._value = new._value
    else:
        overwrite(tensor, new._value)
        tensor._alias.counter[0] -= 1


def _batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    """Run ``batch_norm``, after its arguments were bound."""
    channels = _channels_of(input._value.meta)
    if training and (running_mean is None) != (running_var is None):
        raise words.statistics_incomplete()
    given = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    empty = not input.numel()
    for name, tensor in given.items():
        if tensor is None:
            if name.startswith("running") and not training and not empty:
                raise words.statistics_missing(name)
        elif tensor.numel() != channels and not empty:
            raise words.channel_count(name, channels, tensor.numel())
    if empty:
        return _batch_norm_of_nothing(input, weight, bias)
    for name in ("running_mean", "running_var"):
        tensor = given[name]
        if tensor is not None and tensor.requires_grad and local.trace.mode.grad:
            raise words.statistics_gradient("native_batch_norm", name)
    if not training:
        return _batch_norm_evaluation.call(input, weight, bias, running_mean, running_var, eps)
    result = _batch_norm_training.call(input, weight, bias, running_mean, running_var, eps)
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


@bound_function(
    "batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, bool training, double momentum, double eps, bool cudnn_enabled)",
    method=False,
)
def batch_norm(
    input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled
):
    """Bring each channel to mean 0 and variance 1.

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


def _batch_moments_plan(operation, bound, mode) -> Plan:
    layer = _BatchNorm(bound, mode)
    meta = layer.meta
    dtype = dtypes.float32 if bound["mixed"] else meta.dtype

    def run(input):
        mean = jnp.mean(_widen(input), layer.axes)
        _, variance = layer.centred(input)
        return cast(mean, dtype), cast(layer.inverse(variance).reshape(-1), dtype)

    made = make_meta((meta.shape[1],), dtype, meta.device)
    return Plan(run, layer.operands, (made, made))


@op(
    "_batch_moments(Tensor input, double eps, bool mixed)",
    kind=Custom(_batch_moments_plan),
    method=False,
    function=False,
    differentiable=False,
)
def _batch_moments(input, eps, mixed):
    """Return the means of the channels and one over their standard deviations."""
    raise AssertionError("planned by _batch_moments_plan")


@bound_function(
    "native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, bool training, double momentum, double eps, *, TensorList[3] out=None)",
    method=False,
)
def native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps):
    """Return ``batch_norm`` with the means and one over the standard deviations that it used.

    The latter two are empty in evaluation.
    """
    parameters = [t for t in (weight, bias, running_mean, running_var) if t is not None]
    result = _batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)
    mixed = any(each.dtype is not input.dtype for each in parameters)
    if not training:
        dtype = dtypes.float32 if mixed else input.dtype
        return result, input.new_empty(0, dtype=dtype), input.new_empty(0, dtype=dtype)
    return (result, *_batch_moments.call(input, eps, mixed))


def _check_values_per_channel(size: Any) -> None:
    count = size[0]
    for each in size[2:]:
        count *= each
    if count == 1:
        raise words.one_value(size)


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
        _check_values_per_channel(input.shape)
        if eps <= 0.0:
            raise words.epsilon_positive(eps)
    elif eps < 0.0:
        raise words.epsilon_not_negative(eps)
    return batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, True)


@bound_function(
    "instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, bool use_input_stats, double momentum, double eps, bool cudnn_enabled)",
    method=False,
)
def instance_norm(
    input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled
):
    """Bring each channel of each example to mean 0 and variance 1.

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
        raise words.instance_statistics_missing()
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
        raise words.one_spatial_element(input.shape)
    return instance_norm(
        input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True
    )


# Over groups of channels


class _GroupNorm:
    """The arithmetic of one ``group_norm``."""

    def __init__(self, bound: dict[str, Any], mode: Any):
        operand = bound["input"]
        self.meta = meta = operand.meta
        weight, bias = bound.get("weight"), bound.get("bias")
        parameters = [each for each in (weight, bias) if each is not None]
        groups = bound["num_groups"]
        if groups <= 0:
            raise words.group_count(groups)
        if meta.ndim < 2:
            raise words.group_rank(meta.ndim)
        if meta.shape[1] % groups:
            raise words.groups_of_channels(meta.shape, groups)
        for name, each in (("weight", weight), ("bias", bias)):
            if each is not None and each.meta.shape != (meta.shape[1],):
                raise words.channel_vector(name, each.meta.shape, meta.shape)
        self.mixed = _mixed(meta, parameters, "GroupNormKernelImpl")
        self.operands = [operand, *parameters]
        self.wanted = _flags(self.operands, mode)
        self.has_weight, self.has_bias = weight is not None, bias is not None
        self.eps = float(bound["eps"])
        batch, channels = meta.shape[:2]
        self.grouped = (batch, groups, channels // groups, math.prod(meta.shape[2:]))
        self.broadcast = (1, groups, channels // groups, 1)

    def moments(self, input: Any) -> tuple[Any, Any, Any]:
        wide = _widen(input).reshape(self.grouped)
        mean = jnp.mean(wide, (2, 3), keepdims=True)
        centred = wide - mean
        variance = jnp.mean(centred * centred, (2, 3), keepdims=True)
        return mean, centred, jax.lax.rsqrt(variance + jnp.asarray(self.eps, wide.dtype))

    def run(self, input: Any, *parameters: Any) -> Any:
        _, centred, scale = self.moments(input)
        result = centred * scale
        given = [_widen(each).reshape(self.broadcast) for each in parameters]
        if self.has_weight:
            result = result * given[0]
        if self.has_bias:
            result = result + given[-1]
        return cast(result.reshape(self.meta.shape), self.meta.dtype)

    def vjp(self, cotangents: list, results: list, operands: list) -> list:
        upstream = _widen(cotangents[0]).reshape(self.grouped)
        _, centred, scale = self.moments(operands[0])
        normal = centred * scale
        gradients = []
        for position, wanted in enumerate(self.wanted):
            if not wanted:
                continue
            if not position:
                inner = upstream
                if self.has_weight:
                    inner = inner * _widen(operands[1]).reshape(self.broadcast)
                mean = jnp.mean(inner, (2, 3), keepdims=True)
                share = jnp.mean(inner * normal, (2, 3), keepdims=True)
                found = (inner - mean - normal * share) * scale
            elif position == 1 and self.has_weight:
                found = jnp.sum(upstream * normal, (0, 3))
            else:
                found = jnp.sum(upstream, (0, 3))
            given = operands[position]
            gradients.append(found.reshape(given.shape).astype(given.dtype))
        return gradients

    def result(self) -> Meta:
        meta = self.meta
        strides = suggested_strides(meta) if meta.device.type == "cpu" else None
        return make_meta(meta.shape, meta.dtype, meta.device, strides)


def _group_norm_plan(operation, bound, mode) -> Plan:
    layer = _GroupNorm(bound, mode)
    saves = (0, 1) if layer.has_weight else (0,)
    return Plan(layer.run, layer.operands, (layer.result(),), saves=saves, vjp=layer.vjp)


@op(
    "_group_norm(Tensor input, int64_t num_groups, Tensor? weight, Tensor? bias, double eps)",
    kind=Custom(_group_norm_plan),
    method=False,
    function=False,
    node_name="NativeGroupNormBackward0",
)
def _group_norm(input, num_groups, weight, bias, eps):
    """Normalise groups of channels."""
    raise AssertionError("planned by _group_norm_plan")


def _native_group_norm_plan(operation, bound, mode) -> Plan:
    layer = _GroupNorm({**bound, "num_groups": bound["group"]}, mode)
    meta = layer.meta
    dtype = dtypes.float32 if layer.mixed else meta.dtype
    made = make_meta(layer.grouped[:2], dtype, meta.device)

    def run(input, *parameters):
        mean, _, scale = layer.moments(input)
        if not math.prod(layer.grouped[2:]):
            mean = jnp.zeros_like(mean)
        short = [cast(each.reshape(made.shape), dtype) for each in (mean, scale)]
        return (layer.run(input, *parameters), *short)

    return Plan(run, layer.operands, (layer.result(), made, made))


@op(
    "native_group_norm(Tensor input, Tensor? weight, Tensor? bias, SymInt N, SymInt C, "
    "SymInt HxW, int64_t group, double eps)",
    kind=Custom(_native_group_norm_plan),
    method=False,
)
def native_group_norm(input, weight, bias, N, C, HxW, group, eps):
    """Return ``group_norm`` with the groups' means and one over their standard deviations."""
    raise AssertionError("planned by _native_group_norm_plan")


@bound_function(
    "group_norm(Tensor input, int64_t num_groups, Tensor? weight=None, Tensor? bias=None, "
    "double eps=1e-05, bool cudnn_enabled=True)",
    method=False,
)
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
    """Bring groups of channels to mean 0 and variance 1.

    Y. Wu, K. He: Group Normalization, ECCV 2018.

    Args:
        input: tensor of a floating point dtype, of shape (batch, channels, ...).
        num_groups: how many groups the channels are divided into.
        weight, bias: tensors of one element for each channel to scale and to shift by.
        eps: added to the variance.
        cudnn_enabled: without meaning.
    Returns:
        Tensor of the input's shape, dtype and memory format.
    """
    return _group_norm.call(input, num_groups, weight, bias, eps)


def _nn_group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """Apply ``torch.group_norm``, after a check that there is something to normalise.

    Args:
        input: tensor of shape (batch, channels, ...).
        num_groups: how many groups the channels are divided into.
        weight, bias: tensors of one element for each channel to scale and to shift by.
        eps: added to the variance.
    """
    if input.dim() < 2:
        raise words.group_rank(input.dim())
    batch, channels, *rest = input.shape
    _check_values_per_channel([batch * channels // num_groups, num_groups, *rest])
    return group_norm(input, num_groups, weight, bias, eps, True)


def _nn_local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """Divide by a power of the mean of squares over neighbouring channels.

    A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet Classification, NeurIPS 2012.

    Args:
        input: tensor of shape (batch, channels, ...), of three dimensions at least.
        size: how many channels count as neighbours.
        alpha, beta, k: the divisor is ``(k + alpha * mean) ** beta``.
    """
    ndim = input.dim()
    if ndim < 3:
        raise words.response_rank(ndim)
    if not input.numel():
        return input
    pad, before, after = NN_FUNCTIONS["pad"], size // 2, (size - 1) // 2
    squares = input.mul(input)
    if ndim == 3:
        padded = pad(squares.unsqueeze(1), (0, 0, before, after))
        mean = NN_FUNCTIONS["avg_pool2d"](padded, (size, 1), stride=1).squeeze(1)
    else:
        sizes = input.shape
        squares = squares.view(sizes[0], 1, sizes[1], sizes[2], -1)
        padded = pad(squares, (0, 0, 0, 0, before, after))
        mean = NN_FUNCTIONS["avg_pool3d"](padded, (size, 1, 1), stride=1).squeeze(1).view(sizes)
    return input / mean.mul(alpha).add(k).pow(beta)


def _nn_normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """Divide by the norm along a dimension.

    Args:
        input: tensor.
        p: order of the norm.
        dim: dimension, or dimensions, to take the norm over.
        eps: least divisor.
        out: tensor to write to.
    """
    norm = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return input / norm if out is None else FUNCTIONS["div"](input, norm, out=out)


NN_FUNCTIONS.update(
    layer_norm=_nn_layer_norm,
    rms_norm=_nn_rms_norm,
    batch_norm=_nn_batch_norm,
    instance_norm=_nn_instance_norm,
    group_norm=_nn_group_norm,
    local_response_norm=_nn_local_response_norm,
    normalize=_nn_normalize,
)
for _name in (
    "layer_norm",
    "rms_norm",
    "batch_norm",
    "instance_norm",
    "group_norm",
    "local_response_norm",
    "normalize",
):
    NN_FUNCTIONS[_name].__name__ = NN_FUNCTIONS[_name].__qualname__ = _name
