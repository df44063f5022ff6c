"""Softmax, log-softmax, softmin and logsumexp."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import messages
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._engine.declare import NN_FUNCTIONS, Autocast, Out, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, cast, cast_on_host, normalise_dim
from ..._engine.recording.kinds.reduction import kept_shape, reduced_axes, reduced_shape
from .._shared import out_dtypes
from .._shared.on_host import widened_on_host
from .._shared.widening import widen
from . import _messages_reduction


def _logsumexp_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    inexact = is_inexact(meta.dtype)
    compute = meta.dtype if inexact else mode.default_dtype
    keepdim = bound.get("keepdim", False)
    axes = reduced_axes(meta, bound["dim"])

    def vjp(cotangents, results, operands):
        kept = kept_shape(operands[0].shape, axes)
        result = results[0].reshape(kept)
        gradient = cotangents[0].reshape(kept) * jnp.exp(operands[0] - result)
        return [gradient]

    shape = reduced_shape(meta, axes, keepdim)
    return Spec(
        [operand],
        (make_meta(shape, compute, meta.device),),
        {"compute": compute, "axes": axes, "keepdim": keepdim},
        vjp=None if meta.dtype.is_complex else vjp,
    )


@op(
    "logsumexp(Tensor input, IntArrayRef[1] dim, bool keepdim=False, *, Tensor out=None)",
    kind=Custom(_logsumexp_spec),
    saves=("input", "result"),
    autocast=Autocast(cuda="float32"),
    out=Out(uncastable=out_dtypes.logsumexp),
)
def logsumexp(array: Any, *, compute: Any, axes: Any, keepdim: Any) -> Any:
    """Logsumexp ``log(sum_i exp(x_i))`` over dimensions, without overflow.

    Args:
        dim: the dimensions to reduce.
        keepdim: whether they stay, with size 1.
    Returns:
        Tensor without the reduced dimensions.
    """
    array = cast(array, compute)
    if 0 in array.shape:
        return jnp.log(jnp.sum(jnp.exp(array), axes, keepdims=keepdim))
    top = jnp.max(jnp.real(array), axes, keepdims=True)
    top = jax.lax.stop_gradient(jnp.where(jnp.isfinite(top), top, 0))
    total = jnp.log(jnp.sum(jnp.exp(array - top), axes, keepdims=True)) + top
    return total if keepdim else jnp.squeeze(total, axes)


def _softmax_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    compute = bound.get("dtype") or meta.dtype
    axis = normalise_dim(bound["dim"], meta.ndim)
    if not compute.is_floating_point:
        last = "_lastdim" if axis == max(meta.ndim - 1, 0) else ""
        kernel = f"{operation.name}{last}_kernel_impl"
        raise messages.not_implemented(kernel, compute._legacy_name)
    logarithmic, dtype = operation.name == "log_softmax", meta.dtype

    def vjp(cotangents, results, operands):
        (cotangent,), (result,) = cotangents, results
        cotangent, result = widen(cotangent), widen(result)
        if not result.ndim:
            return [jnp.zeros((), dtype._numpy)]
        if logarithmic:
            gradient = cotangent - jnp.exp(result) * jnp.sum(cotangent, axis, keepdims=True)
        else:
            product = cotangent * result
            gradient = product - result * jnp.sum(product, axis, keepdims=True)
        return [cast(gradient, dtype)]

    metas = (make_meta(meta.shape, compute, meta.device),)
    return Spec([operand], metas, {"axis": axis, "dtype": compute}, vjp=vjp)


def _shifted(array: Any, axis: int, dtype: DType) -> tuple[Any, Any, Any]:
    """Return ``x - max(x)`` of at least one dimension, its exponentials and their sum."""
    array = widen(cast(array, dtype))
    if not array.ndim:
        array = array[None]
    top = jax.lax.stop_gradient(jnp.max(array, axis, keepdims=True, initial=-jnp.inf))
    shifted = array - top
    exponential = jnp.exp(shifted)
    return shifted, exponential, jnp.sum(exponential, axis, keepdims=True)


def _shifted_on_host(array: Any, axis: int, dtype: DType) -> tuple[Any, Any, Any]:
    """Return what ``_shifted`` does, as arrays of NumPy."""
    array = widened_on_host(cast_on_host(array, dtype))
    if not array.ndim:
        array = array[None]
    shifted = array - np.maximum.reduce(array, axis, keepdims=True, initial=-np.inf)
    exponential = np.exp(shifted)
    return shifted, exponential, np.add.reduce(exponential, axis, keepdims=True)


def _softmax_on_host(array: Any, axis: int, dtype: DType) -> Any:
    _, exponential, total = _shifted_on_host(array, axis, dtype)
    return cast_on_host((exponential / total).reshape(array.shape), dtype)


def _log_softmax_on_host(array: Any, axis: int, dtype: DType) -> Any:
    shifted, _, total = _shifted_on_host(array, axis, dtype)
    return cast_on_host((shifted - np.log(total)).reshape(array.shape), dtype)


def _softmax_vjp_on_host(cotangents, results, operands, wanted, axis, dtype):
    cotangent, result = widened_on_host(cotangents[0]), widened_on_host(results[0])
    if not result.ndim:
        return (np.zeros((), operands[0].dtype),)
    product = cotangent * result
    gradient = product - result * np.add.reduce(product, axis, keepdims=True)
    return (gradient.astype(operands[0].dtype, copy=False),)


def _log_softmax_vjp_on_host(cotangents, results, operands, wanted, axis, dtype):
    cotangent, result = widened_on_host(cotangents[0]), widened_on_host(results[0])
    if not result.ndim:
        return (np.zeros((), operands[0].dtype),)
    gradient = cotangent - np.exp(result) * np.add.reduce(cotangent, axis, keepdims=True)
    return (gradient.astype(operands[0].dtype, copy=False),)


@op(
    "softmax(Tensor input, int64_t dim, ScalarType? dtype=None, *, Tensor out=None)",
    kind=Custom(_softmax_spec),
    saves=("result",),
    autocast=Autocast(cuda="float32"),
    out=Out(dtype=out_dtypes.expected_cpp_name),
    host=_softmax_on_host,
    host_vjp=_softmax_vjp_on_host,
)
def softmax(array: Any, *, axis: int, dtype: DType) -> Any:
    """Softmax ``exp(x_i) / sum_j exp(x_j)`` along a dimension.

    Args:
        dim: the dimension along which they do.
        dtype: what to compute in.
    Returns:
        Tensor of the same shape.
    """
    _, exponential, total = _shifted(array, axis, dtype)
    return cast((exponential / total).reshape(array.shape), dtype)


@op(
    "log_softmax(Tensor input, int64_t dim, ScalarType? dtype=None, *, Tensor out=None)",
    kind=Custom(_softmax_spec),
    saves=("result",),
    autocast=Autocast(cuda="float32"),
    out=Out(dtype=out_dtypes.expected_cpp_name),
    host=_log_softmax_on_host,
    host_vjp=_log_softmax_vjp_on_host,
)
def log_softmax(array: Any, *, axis: int, dtype: DType) -> Any:
    """Log-softmax ``x_i - log(sum_j exp(x_j))`` along a dimension.

    Args:
        dim: the dimension that is normalised.
        dtype: what to compute in.
    Returns:
        Tensor of the same shape.
    """
    shifted, _, total = _shifted(array, axis, dtype)
    return cast((shifted - jnp.log(total)).reshape(array.shape), dtype)


def _functional(name: str, recorder):
    def call(input, dim=None, _stacklevel=3, dtype=None):
        if dim is None:
            warnings.warn(_messages_reduction.implicit_dim(name), stacklevel=_stacklevel - 1)
            dim = 0 if input.dim() in (0, 1, 3) else 1
        if dtype is None:
            return recorder(input, dim)
        return recorder(input, dim, dtype=dtype)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"""Apply ``torch.{name}``.

    Args:
        input: tensor.
        dim: the dimension that is normalised.
        dtype: what to compute in.
    """
    return call


_softmax_with_default_dim = _functional("softmax", softmax.call)
publish("softmax", _softmax_with_default_dim, registry=NN_FUNCTIONS)
publish("log_softmax", _functional("log_softmax", log_softmax.call), registry=NN_FUNCTIONS)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """Softmin ``exp(-x_i) / sum_j exp(-x_j)`` along a dimension.

    Args:
        input: tensor.
        dim: the dimension that is normalised.
        dtype: what to compute in.
    """
    if dim is None:
        warnings.warn(_messages_reduction.implicit_dim("softmin"), stacklevel=_stacklevel - 1)
        dim = 0 if input.dim() in (0, 1, 3) else 1
    return _softmax_with_default_dim(-input, dim, dtype=dtype)


publish("softmin", softmin, registry=NN_FUNCTIONS)
