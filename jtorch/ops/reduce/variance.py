"""Variance and standard deviation, alone or with the mean."""

from __future__ import annotations

import warnings
from typing import Any

import jax.numpy as jnp

from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._engine.declare import op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, cast
from ..._engine.recording.kinds.reduction import reduced_axes, reduced_shape
from .._shared.widening import widen
from . import _messages_reduction


def _correction(bound) -> float:
    if bound.get("correction") is not None:
        return bound["correction"]
    return 1 if bound.get("unbiased", True) else 0


def _component_dtype(array):
    """Return the dtype of one component of an array."""
    return jnp.real(array).dtype


def _moments_of(
    array: Any, axes: tuple[int, ...], freedom: float, keepdim: bool
) -> tuple[Any, Any]:
    """Return the variance, and the mean with all dimensions.

    Half precision is added up in float32, as PyTorch does.
    """
    array = widen(array)
    mean = jnp.mean(array, axes, keepdims=True)
    deviation = array - mean
    square = (
        jnp.real(deviation * jnp.conj(deviation))
        if array.dtype.kind == "c"
        else (deviation * deviation)
    )
    total = jnp.sum(square, axes, keepdims=keepdim)
    return total / jnp.asarray(freedom, total.dtype), mean


def _moments_spec(operation, bound, mode) -> Spec:
    """Check that the dtype is not an integer one; warn where no degree of freedom is left."""
    operand = bound["input"]
    meta = operand.meta
    name = operation.name
    is_std = name.startswith("std")
    if not is_inexact(meta.dtype):
        raise _messages_reduction.moments_of_integers(
            name if name.endswith("_mean") else "std and var"
        )
    keepdim = bound.get("keepdim", False)
    axes = reduced_axes(meta, bound.get("dim"))
    correction = _correction(bound)
    shape = reduced_shape(meta, axes, keepdim)
    count = 1
    for axis in axes:
        count *= meta.shape[axis]
    freedom = max(count - correction, 0)
    # PyTorch 2.13's gradient divides by this, also where the forward result divides by 0.
    slope = (1 if bound.get("dim") == () and meta.ndim else count) - correction
    if freedom <= 0:
        warnings.warn(_messages_reduction.no_freedom(name), UserWarning, stacklevel=6)
    real = meta.dtype.to_real()

    def vjp(cotangents, results, operands):
        (array,) = operands
        array = widen(array)
        slopes = [
            cotangent.astype(
                array.dtype if cotangent.dtype.kind == "c" else _component_dtype(array)
            )
            for cotangent in cotangents
        ]
        first = slopes[0]
        if is_std:
            root = results[0].astype(first.dtype)
            first = jnp.where(root == 0, 0, first / jnp.where(root == 0, 1, 2 * root))
        kept = reduced_shape(meta, axes, True)
        deviation = array - jnp.mean(array, axes, keepdims=True)
        factor = jnp.asarray(2, first.dtype) / jnp.asarray(slope, first.dtype)
        gradient = factor * first.reshape(kept) * deviation
        if len(slopes) == 2:
            gradient = gradient + slopes[1].reshape(kept) / jnp.asarray(count, first.dtype)
        return [cast(gradient, meta.dtype)]

    metas = [make_meta(shape, real, meta.device)]
    if name.endswith("_mean"):
        metas.append(make_meta(shape, meta.dtype, meta.device))
    params = {"axes": axes, "freedom": freedom, "keepdim": keepdim, "real": real}
    return Spec([operand], metas, params, vjp=vjp)


def _signatures(name: str, out: str) -> tuple[str, ...]:
    more = "" if not out else ", *, Tensor out=None"
    return (
        f"{name}(Tensor input, IntArrayRef[1]? dim, bool unbiased=True, bool keepdim=False{more})",
        f"{name}(Tensor input, IntArrayRef[1]? dim=None, *, Scalar? correction=None, "
        f"bool keepdim=False{out})",
        f"{name}(Tensor input, bool unbiased=True)",
    )


_OUT = ", Tensor out=None"


@op(
    *_signatures("var", _OUT),
    kind=Custom(_moments_spec),
    static=("correction",),
    saves=("input",),
)
def var(array: Any, *, axes: tuple[int, ...], freedom: float, keepdim: bool, real: DType) -> Any:
    """Variance ``sum_i (x_i - mean)^2 / (n - correction)`` over dimensions.

    Args:
        dim: the dimensions to reduce; all of them where it is absent.
        unbiased: whether to divide by one less than the number of elements.
        correction: what to subtract from that number instead (default 1).
        keepdim: whether the reduced dimensions stay, with size 1.
    Returns:
        Tensor without the reduced dimensions.
    """
    variance, _ = _moments_of(array, axes, freedom, keepdim)
    return cast(variance, real)


@op(
    *_signatures("std", _OUT),
    kind=Custom(_moments_spec),
    static=("correction",),
    saves=("input", "result"),
)
def std(array: Any, *, axes: tuple[int, ...], freedom: float, keepdim: bool, real: DType) -> Any:
    """Standard deviation, the root of ``var``, over dimensions; its gradient at 0 is 0.

    Args:
        dim: the dimensions to reduce; all of them where it is absent.
        unbiased: whether to divide by one less than the number of elements.
        correction: what to subtract from that number instead (default 1).
        keepdim: whether the reduced dimensions stay, with size 1.
    Returns:
        Tensor without the reduced dimensions.
    """
    variance, _ = _moments_of(array, axes, freedom, keepdim)
    return cast(jnp.sqrt(variance), real)


@op(
    *_signatures("var_mean", ""),
    kind=Custom(_moments_spec),
    static=("correction",),
    saves=("input",),
    method=False,
)
def var_mean(
    array: Any, *, axes: tuple[int, ...], freedom: float, keepdim: bool, real: DType
) -> tuple[Any, Any]:
    """Variance and mean over dimensions, see ``var``."""
    variance, mean = _moments_of(array, axes, freedom, keepdim)
    first = cast(variance, real)
    return first, mean.reshape(first.shape).astype(array.dtype)


@op(
    *_signatures("std_mean", ""),
    kind=Custom(_moments_spec),
    static=("correction",),
    saves=("input", "result"),
    method=False,
)
def std_mean(
    array: Any, *, axes: tuple[int, ...], freedom: float, keepdim: bool, real: DType
) -> tuple[Any, Any]:
    """Standard deviation and mean over dimensions, see ``std``."""
    variance, mean = _moments_of(array, axes, freedom, keepdim)
    first = cast(jnp.sqrt(variance), real)
    return first, mean.reshape(first.shape).astype(array.dtype)
