"""Norms, and exponentials that are normalised: softmax and its kin."""

from __future__ import annotations

import math
import warnings
from typing import Any

import jax
import jax.numpy as jnp

from ..._core import messages
from ..._core.dtypes import is_inexact
from ..._engine.declare import FUNCTIONS, METHODS, NN_FUNCTIONS, Autocast, Out, op
from ..._engine.graph.op import Plan, Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, cast, normalise_dim
from ..._engine.recording.kinds.reduction import reduced_axes, reduced_shape
from .._shared import out_dtypes
from .._shared.widening import widen
from . import _messages_reduction


def _norm_plan(operation, bound, mode) -> Plan:
    operand = bound["x"]
    meta = operand.meta
    order = float(bound.get("ord", 2))
    wanted = bound.get("dtype")
    if not is_inexact(meta.dtype):
        raise messages.norm_of_integers(meta.dtype._legacy_name)
    compute = wanted or meta.dtype
    if compute.is_complex != meta.dtype.is_complex:
        raise _messages_reduction.norm_dtype(meta.dtype.is_complex, compute._legacy_name)
    keepdim = bound.get("keepdim", False)
    dim = bound.get("dim")
    axes = reduced_axes(meta, dim)
    if order < 0 or order == math.inf:
        _check_not_empty(meta, order, dim)
    result = compute.to_real()
    shape = reduced_shape(meta, axes, keepdim)
    kept = reduced_shape(meta, axes, True)

    def run(array):
        return cast(vector_norm_of(widen(cast(array, compute)), order, axes, keepdim), result)

    def vjp(cotangents, results, operands):
        array = widen(cast(operands[0], compute))
        cotangent = cotangents[0].reshape(kept)
        norm = results[0].reshape(kept)
        component = jnp.real(array).dtype
        cotangent, norm = cotangent.astype(component), norm.astype(component)
        gradient = _norm_gradient(array, cotangent, norm, order, axes)
        return [cast(gradient, meta.dtype)]

    plan = Plan(run, [operand], (make_meta(shape, result, meta.device),), vjp=vjp)
    plan.undefined = order == 0
    return plan


def _check_not_empty(meta, order, dim) -> None:
    """Refuse the norms that have no value for nothing."""
    if dim is None or dim == ():
        if not meta.numel:
            raise _messages_reduction.norm_of_nothing(order)
        return
    for each in dim:
        if meta.ndim and not meta.shape[each]:
            raise _messages_reduction.norm_of_empty_dim(order, each)


def vector_norm_of(array, order: float, axes: tuple[int, ...], keepdim: bool):
    """Return the norm of order ``order`` (any number, or an infinity) over dimensions."""
    size = jnp.abs(array)
    if order == 2:
        return jnp.sqrt(jnp.sum(size * size, axes, keepdims=keepdim))
    if order == 1:
        return jnp.sum(size, axes, keepdims=keepdim)
    if order == 0:
        return jnp.sum(size != 0, axes, keepdims=keepdim).astype(size.dtype)
    if order == math.inf:
        return jnp.max(size, axes, keepdims=keepdim, initial=0)
    if order == -math.inf:
        return jnp.min(size, axes, keepdims=keepdim, initial=jnp.inf)
    return jnp.sum(size**order, axes, keepdims=keepdim) ** (1 / order)


def _norm_gradient(array, cotangent, norm, order: float, axes: tuple[int, ...]):
    """Return the gradient, 0 where the norm is 0 (a subgradient), as PyTorch chooses it."""

    def ratio(above, below):
        zero = below == 0
        return jnp.where(zero, 0, above / jnp.where(zero, 1, below))

    if order == 0:
        return jnp.zeros_like(array)
    if order == 1:
        return _sign(array) * cotangent
    if order == 2:
        # Not by ``ratio``: PyTorch's second gradient where the norm is 0 is NaN.
        return cotangent * jnp.where(norm == 0, 0, array / norm)
    size = jnp.abs(array)
    if math.isinf(order):
        same = (size == norm) | (jnp.isnan(size) & jnp.isnan(norm))
        count = jnp.sum(same, axes, keepdims=True)
        return _sign(array) * jnp.where(same, cotangent / count, 0 * cotangent)
    if order < 1:
        safe = jnp.where(size == 0, 1, size)
        scaled = _sign(array) * jnp.where(size == 0, 0, safe ** (order - 1))
        return scaled * (cotangent * norm ** (1 - order))
    if order < 2:
        return _sign(array) * size ** (order - 1) * ratio(cotangent, norm ** (order - 1))
    return array * size ** (order - 2) * ratio(cotangent, norm ** (order - 1))


def _sign(array):
    if array.dtype.kind == "c":
        size = jnp.abs(array)
        return jnp.where(size == 0, 0, array / jnp.where(size == 0, 1, size))
    return jnp.where(array > 0, 1, jnp.where(array < 0, -1, 0)).astype(array.dtype)


@op(
    "linalg_vector_norm(Tensor x, Scalar ord=2, IntArrayRef[1]? dim=None, bool keepdim=False, *, "
    "ScalarType? dtype=None, Tensor out=None)",
    kind=Custom(_norm_plan),
    static=("ord",),
    saves=("x", "result"),
    method=False,
    function=False,
    autocast=Autocast(cuda="float32"),
)
def linalg_vector_norm(x):
    """Return a vector norm.

    Args:
        ord: order of the norm, any number.
        dim: the dimensions to reduce; all of them where it is absent.
        keepdim: whether they stay, with size 1.
        dtype: what to compute in.
    Returns:
        Real tensor without the reduced dimensions.
    """
    raise AssertionError("planned by _norm_plan")


_vector_norm = linalg_vector_norm.call


def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    """Return a vector norm, or the Frobenius or nuclear norm of matrices.

    Args:
        p: order of the norm, ``"fro"`` or ``"nuc"``.
        dim: the dimensions to reduce; all of them where it is absent.
        keepdim: whether they stay, with size 1.
        dtype: what to compute in.
    Returns:
        Real tensor without the reduced dimensions.
    """
    dims = [dim] if isinstance(dim, int) else dim
    options = {} if out is None else {"out": out}
    if isinstance(p, str):
        if p == "fro" and (dims is None or len(dims) <= 2):
            return _vector_norm(input, 2, dims, keepdim, dtype=dtype, **options)
        matrix_norm = FUNCTIONS.get("_linalg_matrix_norm")
        if matrix_norm is None:
            raise NotImplementedError(f"torch.norm(p={p!r}) needs torch.linalg.matrix_norm")
        dims = list(range(input.dim())) if dims is None else dims
        return matrix_norm(input, p, dims, keepdim, dtype=dtype, **options)
    return _vector_norm(input, 2.0 if p is None else p, dims, keepdim, dtype=dtype, **options)


def _norm_method(self, p="fro", dim=None, keepdim=False, dtype=None):
    """See ``torch.norm``."""
    return norm(self, p, dim, keepdim, dtype=dtype)


FUNCTIONS["norm"] = norm
METHODS["norm"] = _norm_method


def _logsumexp_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    inexact = is_inexact(meta.dtype)
    compute = meta.dtype if inexact else mode.default_dtype
    keepdim = bound.get("keepdim", False)
    axes = reduced_axes(meta, bound["dim"])
    kept = reduced_shape(meta, axes, True)

    def vjp(cotangents, results, operands):
        result = results[0].reshape(kept)
        gradient = cotangents[0].reshape(kept) * jnp.exp(operands[0] - result)
        return [gradient]

    shape = reduced_shape(meta, axes, keepdim)
    return Spec(
        [operand],
        (make_meta(shape, compute, meta.device),),
        {"compute": compute, "axes": axes, "shape": shape, "keepdim": keepdim},
        vjp=None if meta.dtype.is_complex else vjp,
    )


@op(
    "logsumexp(Tensor input, IntArrayRef[1] dim, bool keepdim=False, *, Tensor out=None)",
    kind=Custom(_logsumexp_spec),
    saves=("input", "result"),
    autocast=Autocast(cuda="float32"),
    out=Out(uncastable=out_dtypes.logsumexp),
)
def logsumexp(array: Any, *, compute: Any, axes: Any, shape: Any, keepdim: Any) -> Any:
    """Return the logarithm of the sum of exponentials, without overflow.

    Args:
        dim: the dimensions to reduce.
        keepdim: whether they stay, with size 1.
    Returns:
        Tensor without the reduced dimensions.
    """
    array = cast(array, compute)
    if not array.size:
        return jnp.log(jnp.sum(jnp.exp(array), axes, keepdims=keepdim))
    top = jnp.max(jnp.real(array), axes, keepdims=True)
    top = jax.lax.stop_gradient(jnp.where(jnp.isfinite(top), top, 0))
    total = jnp.log(jnp.sum(jnp.exp(array - top), axes, keepdims=True)) + top
    return total.reshape(shape)


def _softmax_plan(operation, bound, mode) -> Plan:
    operand = bound["input"]
    meta = operand.meta
    compute = bound.get("dtype") or meta.dtype
    axis = normalise_dim(bound["dim"], meta.ndim)
    if not compute.is_floating_point:
        last = "_lastdim" if axis == max(meta.ndim - 1, 0) else ""
        kernel = f"{operation.name}{last}_kernel_impl"
        raise messages.not_implemented(kernel, compute._legacy_name)
    logarithmic = operation.name == "log_softmax"

    def run(array):
        array = widen(cast(array, compute))
        if not array.ndim:
            array = array[None]
        top = jax.lax.stop_gradient(jnp.max(array, axis, keepdims=True, initial=-jnp.inf))
        shifted = array - top
        exponential = jnp.exp(shifted)
        total = jnp.sum(exponential, axis, keepdims=True)
        found = shifted - jnp.log(total) if logarithmic else exponential / total
        return cast(found.reshape(meta.shape), compute)

    def vjp(cotangents, results, operands):
        (cotangent,), (result,) = cotangents, results
        cotangent, result = widen(cotangent), widen(result)
        if not result.ndim:
            return [jnp.zeros((), meta.dtype._numpy)]
        if logarithmic:
            gradient = cotangent - jnp.exp(result) * jnp.sum(cotangent, axis, keepdims=True)
        else:
            product = cotangent * result
            gradient = product - result * jnp.sum(product, axis, keepdims=True)
        return [cast(gradient, meta.dtype)]

    return Plan(run, [operand], (make_meta(meta.shape, compute, meta.device),), vjp=vjp)


@op(
    "softmax(Tensor input, int64_t dim, ScalarType? dtype=None, *, Tensor out=None)",
    kind=Custom(_softmax_plan),
    saves=("result",),
    autocast=Autocast(cuda="float32"),
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def softmax(input):
    """Return exponentials that add up to 1 along a dimension.

    Args:
        dim: the dimension along which they do.
        dtype: what to compute in.
    Returns:
        Tensor of the same shape.
    """
    raise AssertionError("planned by _softmax_plan")


@op(
    "log_softmax(Tensor input, int64_t dim, ScalarType? dtype=None, *, Tensor out=None)",
    kind=Custom(_softmax_plan),
    saves=("result",),
    autocast=Autocast(cuda="float32"),
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def log_softmax(input):
    """Return the logarithm of ``softmax``, without loss of precision.

    Args:
        dim: the dimension that is normalised.
        dtype: what to compute in.
    Returns:
        Tensor of the same shape.
    """
    raise AssertionError("planned by _softmax_plan")


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


NN_FUNCTIONS["softmax"] = _functional("softmax", softmax.call)
NN_FUNCTIONS["log_softmax"] = _functional("log_softmax", log_softmax.call)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """Return ``softmax`` of the negated input.

    Args:
        input: tensor.
        dim: the dimension that is normalised.
        dtype: what to compute in.
    """
    if dim is None:
        warnings.warn(_messages_reduction.implicit_dim("softmin"), stacklevel=_stacklevel - 1)
        dim = 0 if input.dim() in (0, 1, 3) else 1
    return NN_FUNCTIONS["softmax"](-input, dim, dtype=dtype)


NN_FUNCTIONS["softmin"] = softmin
