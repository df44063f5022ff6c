"""Layers that normalise rows: over trailing dimensions, or neighbouring channels.

Gradients are written by hand where the one that JAX derives is slow. For ``layer_norm`` (J. L. Ba,
J. R. Kiros, G. E. Hinton: Layer Normalization, 2016) means are products with a vector of ones,
which XLA's CPU backend runs faster than reductions over short rows.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ...._core import dtypes, messages
from ...._core.dtypes import dtype as DType
from ...._core.dtypes import is_inexact
from ...._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ...._engine.graph.op import Operand, Spec
from ...._engine.graph.tracing import for_numpy
from ...._engine.graph.values import Meta, make_meta
from ...._engine.recording.kinds.base import Custom, cast
from ...._engine.recording.kinds.pointwise import FLOATING, Pointwise
from ..._shared.on_host import widened_on_host
from ..._shared.widening import widen
from ...pointwise.division import div, divided_by_count
from .. import _messages as nn_messages
from ..padding import pad
from ..pool.pooling import avg_pool2d, avg_pool3d
from . import _messages


def check_dtypes(meta: Meta, parameters: list[Operand], kernel: str) -> bool:
    """Check the dtypes of an input and its parameters; return whether they differ.

    PyTorch takes parameters of the input's dtype, or float32 for an input of half precision.
    """
    if meta.dtype not in FLOATING:
        raise messages.not_implemented(kernel, meta.dtype._legacy_name)
    if not parameters:
        return False
    if parameters[0].meta.dtype is not meta.dtype:
        if any(each.meta.dtype is not dtypes.float32 for each in parameters):
            raise _messages.parameters_float()
        if meta.dtype not in dtypes.HALVES:
            raise _messages.same_dtype()
        return True
    for each in parameters[1:]:
        if each.meta.dtype is not meta.dtype:
            raise nn_messages.scalar_type(meta.dtype._legacy_name, each.meta.dtype._legacy_name)
    return False


def wanted_gradients(operands: list[Operand], mode: Any) -> list[bool]:
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
    if exact or for_numpy() or not length or rows.ndim < 2:
        return divided_by_count(jnp.sum(rows, -1, keepdims=True), length)
    return divided_by_count(rows @ jnp.ones((length, 1), rows.dtype), length)


def _row_moments(rows: Any, eps: float, exact: bool) -> tuple[Any, Any]:
    """Return the centred rows and one over their standard deviations.

    The rows are centred twice, so that a constant one becomes exactly 0, as in PyTorch: the first
    mean may be off by a unit in the last place, and one over the deviation is 316 there.
    """
    centred = rows - _row_mean(rows, exact)
    centred = centred - _row_mean(centred, exact)
    variance = _row_mean(centred * centred, exact)
    return centred, jax.lax.rsqrt(variance + jnp.asarray(eps, rows.dtype))


def _column_sum(array: Any, exact: bool) -> Any:
    """Return the sum over all dimensions but the last."""
    if array.ndim == 1:
        return array
    leading = tuple(range(array.ndim - 1))
    if exact or for_numpy() or 0 in array.shape:
        return jnp.sum(array, leading)
    ones = jnp.ones(array.shape[:-1], array.dtype)
    return jax.lax.dot_general(ones, array, ((leading, leading), ((), ())))


def _check_normalized_shape(meta: Meta, normalized: tuple[int, ...], rms: bool = False) -> None:
    if not normalized:
        raise _messages.no_normalized_shape(normalized)
    rank = len(normalized)
    if meta.ndim < rank or meta.shape[meta.ndim - rank :] != tuple(normalized):
        raise _messages.normalized_shape(normalized, meta.shape, rms)


def _check_parameter(name: str, operand: Operand | None, normalized: tuple[int, ...]) -> None:
    if operand is not None and operand.meta.shape != tuple(normalized):
        raise _messages.parameter_shape(name, operand.meta.shape, normalized)


class _LayerNorm(NamedTuple):
    """The arithmetic of one ``layer_norm``, for input of any size.

    Attributes:
        rank: how many trailing dimensions make a row.
        eps: added to the variance.
        exact: whether sums are made in the order of the CPU.
        has_weight, has_bias: which parameters follow the input.
        wanted: whether each operand's gradient is wanted.
    """

    rank: int
    eps: float
    exact: bool
    has_weight: bool
    has_bias: bool
    wanted: tuple[bool, ...]

    def rows(self, input: Any) -> Any:
        """Return an array whose last dimension is what is normalised over."""
        lead = input.shape[: input.ndim - self.rank]
        return input.reshape(*lead, math.prod(input.shape[input.ndim - self.rank :]))

    def moments(self, input: Any) -> tuple[Any, Any]:
        return _row_moments(self.rows(widen(input)), self.eps, self.exact)

    def vjp(self, cotangents: list, results: list, operands: list) -> list:
        upstream = self.rows(widen(cotangents[0]))
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
                    inner = upstream * widen(operands[1]).reshape(-1)
                mean = _row_mean(inner, exact)
                share = _row_mean(inner * normal, exact)
                gradient = (inner - mean - normal * share) * scale
            elif position == 1 and self.has_weight:
                gradient = _column_sum(upstream * normal, exact)
            else:
                gradient = _column_sum(upstream, exact)
            given = operands[position]
            gradients.append(gradient.reshape(given.shape).astype(given.dtype))
        return gradients

    def rows_on_host(self, array: Any) -> Any:
        lead = array.shape[: array.ndim - self.rank]
        return widened_on_host(array).reshape(
            *lead, math.prod(array.shape[array.ndim - self.rank :])
        )

    def moments_on_host(self, input: Any) -> tuple[Any, Any]:
        rows = self.rows_on_host(input)
        centred = rows - _mean_on_host(rows)
        centred -= _mean_on_host(centred)
        variance = _mean_on_host(centred * centred)
        one = rows.dtype.type(1)
        return centred, one / np.sqrt(variance + rows.dtype.type(self.eps))


def _mean_on_host(rows: Any) -> Any:
    return np.add.reduce(rows, -1, keepdims=True) / rows.dtype.type(rows.shape[-1])


def _layer_norm_on_host(input: Any, *parameters: Any, layer: _LayerNorm) -> Any:
    centred, scale = layer.moments_on_host(input)
    result = centred * scale
    if layer.has_weight:
        result *= widened_on_host(parameters[0]).reshape(-1)
    if layer.has_bias:
        result += widened_on_host(parameters[-1]).reshape(-1)
    return result.reshape(input.shape).astype(input.dtype, copy=False)


def _layer_norm_vjp_on_host(cotangents, results, operands, wanted, layer):
    upstream = layer.rows_on_host(cotangents[0])
    centred, scale = layer.moments_on_host(operands[0])
    normal = centred * scale
    columns = tuple(range(upstream.ndim - 1))
    gradients = []
    for position in wanted:
        if not position:
            inner = upstream
            if layer.has_weight:
                inner = upstream * widened_on_host(operands[1]).reshape(-1)
            gradient = inner - _mean_on_host(inner)
            gradient -= normal * _mean_on_host(inner * normal)
            gradient *= scale
        elif position == 1 and layer.has_weight:
            gradient = np.add.reduce(upstream * normal, columns)
        else:
            gradient = np.add.reduce(upstream, columns)
        given = operands[position]
        gradients.append(gradient.reshape(given.shape).astype(given.dtype, copy=False))
    return gradients


def _layer_norm_of(
    bound: dict[str, Any], mode: Any, has_parameters: bool = True
) -> tuple[_LayerNorm, list[Operand], bool]:
    """Check the arguments; return the arithmetic, the operands, and whether dtypes are mixed."""
    operand = bound["input"]
    meta = operand.meta
    normalized = tuple(bound["normalized_shape"])
    weight = bound.get("weight") if has_parameters else None
    bias = bound.get("bias") if has_parameters else None
    # PyTorch looks at the shape to normalise over, the weight, the bias, then the input.
    if not normalized:
        raise _messages.no_normalized_shape(normalized)
    _check_parameter("weight", weight, normalized)
    _check_parameter("bias", bias, normalized)
    _check_normalized_shape(meta, normalized)
    parameters = [parameter for parameter in (weight, bias) if parameter is not None]
    mixed = check_dtypes(meta, parameters, "LayerNormKernelImpl")
    operands = [operand, *parameters]
    layer = _LayerNorm(
        rank=len(normalized),
        eps=float(bound.get("eps", 1e-5)),
        exact=meta.device.type != "cpu",
        has_weight=weight is not None,
        has_bias=bias is not None,
        wanted=tuple(wanted_gradients(operands, mode)),
    )
    return layer, operands, mixed


def _layer_norm_spec(operation, bound, mode) -> Spec:
    layer, operands, _ = _layer_norm_of(bound, mode)
    meta = operands[0].meta
    return Spec(
        operands,
        (make_meta(meta.shape, meta.dtype, meta.device),),
        {"layer": layer},
        saves=(0, 1) if layer.has_weight else (0,),
        vjp=layer.vjp,
    )


@op(
    "_layer_norm(Tensor input, SymIntArrayRef normalized_shape, Tensor? weight, Tensor? bias, "
    "double eps)",
    kind=Custom(_layer_norm_spec),
    method=False,
    function=False,
    keeps={"bias": None},
    node_name="NativeLayerNormBackward0",
    host=_layer_norm_on_host,
    host_vjp=_layer_norm_vjp_on_host,
)
def _layer_norm(input: Any, *parameters: Any, layer: _LayerNorm) -> Any:
    """Normalise rows and apply weight and bias."""
    centred, scale = layer.moments(input)
    result = centred * scale
    rows = [widen(parameter).reshape(-1) for parameter in parameters]
    if layer.has_weight:
        result = result * rows[0]
    if layer.has_bias:
        result = result + rows[-1]
    return result.reshape(input.shape).astype(input.dtype)


def _layer_moments_spec(operation, bound, mode) -> Spec:
    layer, operands, _ = _layer_norm_of(bound, mode, has_parameters=False)
    meta = operands[0].meta
    dtype = dtypes.float32 if bound["mixed"] else meta.dtype
    shape = (*meta.shape[: meta.ndim - layer.rank], *(1,) * layer.rank)
    moment = make_meta(shape, dtype, meta.device)
    return Spec(operands, (moment, moment), {"layer": layer, "dtype": dtype})


@op(
    "_layer_moments(Tensor input, SymIntArrayRef normalized_shape, double eps, bool mixed)",
    kind=Custom(_layer_moments_spec),
    method=False,
    function=False,
    differentiable=False,
)
def _layer_moments(input: Any, *, layer: _LayerNorm, dtype: DType) -> Any:
    """Return the means of rows and one over their standard deviations."""
    _, scale = layer.moments(input)
    rows = layer.rows(widen(input))
    mean = _row_mean(rows, layer.exact)
    if not rows.shape[-1]:
        mean = jnp.zeros_like(mean)
    shape = (*input.shape[: input.ndim - layer.rank], *(1,) * layer.rank)
    return cast(mean.reshape(shape), dtype), cast(scale.reshape(shape), dtype)


@op(
    "layer_norm(Tensor input, SymIntArrayRef normalized_shape, Tensor? weight=None, "
    "Tensor? bias=None, double eps=1e-05, bool cudnn_enable=True)",
    method=False,
    autocast=Autocast(cuda="float32"),
)
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    """Layer normalisation: ``(x - mean) / sqrt(variance + eps) * weight + bias``.

    Mean and variance are those of the trailing dimensions.

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


@op(
    "native_layer_norm(Tensor input, SymIntArrayRef normalized_shape, Tensor? weight, "
    "Tensor? bias, double eps)",
    method=False,
    autocast=Autocast(cuda="float32"),
)
def native_layer_norm(input, normalized_shape, weight, bias, eps):
    """Layer normalisation, with the means of the rows and one over their standard deviations."""
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


@op(
    "rms_norm(Tensor input, SymIntArrayRef normalized_shape, Tensor? weight=None, "
    "double? eps=None)",
    method=False,
    autocast=Autocast(cuda="float32"),
)
def rms_norm(input, normalized_shape, weight=None, eps=None):
    """RMS normalisation over the trailing dimensions: ``x / sqrt(mean(x**2) + eps) * weight``.

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
        raise _messages.no_normalized_shape(shape)
    if weight is not None and tuple(weight.shape) != shape:
        raise _messages.parameter_shape("weight", weight.shape, shape)
    _check_normalized_shape(input._value.meta, shape, True)
    dtype = input.dtype
    if not is_inexact(dtype):
        raise messages.not_implemented("rms_norm", dtype._legacy_name)
    compute = dtypes.working_dtype(dtype)
    if eps is None:
        eps = float(np.finfo(compute.to_real()._numpy).eps)
    wide = input if compute is dtype else input.to(compute)
    dims = list(range(input.dim() - len(shape), input.dim()))
    scale = _plus.call(wide.pow(2).mean(dims, True), eps).rsqrt()
    result = wide.mul(scale)
    if weight is not None:
        result = result.mul(weight)
    return result if result.dtype is dtype else result.to(dtype)


@op(
    "_plus(Tensor input, Scalar number)",
    kind=Pointwise(operands=("input", "number")),
    method=False,
    function=False,
    saves=(),
    node_name="AddBackward1",
)
def _plus(input, number):
    """Add a number, as the sum in PyTorch's C++ is called."""
    return input + number


def _nn_rms_norm(input, normalized_shape, weight=None, eps=None):
    """Apply ``torch.rms_norm``."""
    return rms_norm(input, normalized_shape, weight, eps)


def _nn_local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """Local response normalisation: ``x / (k + alpha * mean) ** beta``.

    The mean is that of the squares of neighbouring channels.

    A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet Classification, NeurIPS 2012.

    Args:
        input: tensor of shape (batch, channels, ...), of three dimensions at least.
        size: how many channels count as neighbours.
        alpha, beta, k: numbers of the formula.
    """
    ndim = input.dim()
    if ndim < 3:
        raise _messages.response_rank(ndim)
    if not input.numel():
        return input
    before, after = size // 2, (size - 1) // 2
    squares = input.mul(input)
    if ndim == 3:
        padded = pad(squares.unsqueeze(1), (0, 0, before, after))
        mean = avg_pool2d(padded, (size, 1), stride=1).squeeze(1)
    else:
        sizes = input.shape
        squares = squares.view(sizes[0], 1, sizes[1], sizes[2], -1)
        padded = pad(squares, (0, 0, 0, 0, before, after))
        mean = avg_pool3d(padded, (size, 1, 1), stride=1).squeeze(1).view(sizes)
    return input / mean.mul(alpha).add(k).pow(beta)


def _nn_normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """Normalisation to unit length: ``x / max(norm(x), eps)`` along a dimension.

    Args:
        input: tensor.
        p: order of the norm.
        dim: dimension, or dimensions, to take the norm over.
        eps: least divisor.
        out: tensor to write to.
    """
    norm = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return input / norm if out is None else div.call(input, norm, out=out)


publish("layer_norm", _nn_layer_norm, registry=NN_FUNCTIONS, remembered=True)
publish("rms_norm", _nn_rms_norm, registry=NN_FUNCTIONS, remembered=True)
publish("local_response_norm", _nn_local_response_norm, registry=NN_FUNCTIONS)
publish("normalize", _nn_normalize, registry=NN_FUNCTIONS, remembered=True)
