"""Vector norms: ``(sum_i |x_i|^p)^(1/p)`` for any p, and their gradients."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from ..._core import messages
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._engine.declare import Autocast, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, cast
from ..._engine.recording.kinds.reduction import kept_shape, reduced_axes, reduced_shape
from .._shared.widening import widen
from . import _messages_reduction


def norm_spec(operation, bound, mode) -> Spec:
    """Check the dtypes, and that norms without a value for nothing have something to reduce."""
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
    dtype = meta.dtype

    def vjp(cotangents, results, operands):
        kept = kept_shape(operands[0].shape, axes)
        array = widen(cast(operands[0], compute))
        cotangent = cotangents[0].reshape(kept)
        norm = results[0].reshape(kept)
        component = jnp.real(array).dtype
        cotangent, norm = cotangent.astype(component), norm.astype(component)
        gradient = _norm_gradient(array, cotangent, norm, order, axes)
        return [cast(gradient, dtype)]

    return Spec(
        [operand],
        (make_meta(shape, result, meta.device),),
        {"order": order, "axes": axes, "keepdim": keepdim, "dtype": compute},
        vjp=vjp,
        undefined=order == 0,
    )


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


def vector_norm_in(array: Any, dtype: DType, order: float, axes: tuple[int, ...], keepdim: bool):
    """Return the norm over dimensions, computed in a dtype, of that dtype's real one."""
    wide = widen(cast(array, dtype))
    return cast(vector_norm_of(wide, order, axes, keepdim), dtype.to_real())


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
    kind=Custom(norm_spec),
    static=("ord",),
    saves=("x", "result"),
    method=False,
    function=False,
    autocast=Autocast(cuda="float32"),
)
def linalg_vector_norm(
    array: Any, *, order: float, axes: tuple[int, ...], keepdim: bool, dtype: DType
) -> Any:
    """Vector norm ``(sum_i |x_i|^ord)^(1/ord)`` over dimensions.

    Args:
        ord: order of the norm, any number.
        dim: the dimensions to reduce; all of them where it is absent.
        keepdim: whether they stay, with size 1.
        dtype: what to compute in.
    Returns:
        Real tensor without the reduced dimensions.
    """
    return vector_norm_in(array, dtype, order, axes, keepdim)
