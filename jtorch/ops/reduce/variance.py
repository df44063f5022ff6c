"""Variance and standard deviation, alone or with the mean."""

from __future__ import annotations

import warnings

import jax.numpy as jnp

from ..._core.dtypes import is_inexact
from ..._engine.declare import op
from ..._engine.graph.op import Plan
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, cast
from ..._engine.recording.kinds.reduction import reduced_axes, reduced_shape
from . import _messages_reduction


def _correction(bound) -> float:
    if bound.get("correction") is not None:
        return bound["correction"]
    return 1 if bound.get("unbiased", True) else 0


def _component_dtype(array):
    """Return the dtype of one component of an array."""
    return jnp.real(array).dtype


def _moments_plan(operation, bound, mode) -> Plan:
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
    # Half precision is added up in float32, as PyTorch does.
    wide = jnp.float32 if meta.dtype.itemsize == 2 else None

    def run(array):
        array = array if wide is None else array.astype(wide)
        mean = jnp.mean(array, axes, keepdims=True)
        deviation = array - mean
        square = (
            jnp.real(deviation * jnp.conj(deviation))
            if meta.dtype.is_complex
            else (deviation * deviation)
        )
        total = jnp.sum(square, axes, keepdims=keepdim)
        variance = total / jnp.asarray(freedom, total.dtype)
        first = jnp.sqrt(variance) if is_std else variance
        first = cast(first, real)
        if not name.endswith("_mean"):
            return first
        return first, cast(mean.reshape(shape), meta.dtype)

    def vjp(cotangents, results, operands):
        (array,) = operands
        array = array if wide is None else array.astype(wide)
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
    return Plan(run, [operand], tuple(metas), vjp=vjp)


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
    kind=Custom(_moments_plan),
    static=("correction",),
    saves=("input",),
)
def var(input):
    """Return the variance.

    Args:
        dim: the dimensions to reduce; all of them where it is absent.
        unbiased: whether to divide by one less than the number of elements.
        correction: what to subtract from that number instead (default 1).
        keepdim: whether the reduced dimensions stay, with size 1.
    Returns:
        Tensor without the reduced dimensions.
    """
    raise AssertionError("planned by _moments_plan")


@op(
    *_signatures("std", _OUT),
    kind=Custom(_moments_plan),
    static=("correction",),
    saves=("input", "result"),
)
def std(input):
    """Return the standard deviation, whose gradient is 0 where it is 0.

    Args:
        dim: the dimensions to reduce; all of them where it is absent.
        unbiased: whether to divide by one less than the number of elements.
        correction: what to subtract from that number instead (default 1).
        keepdim: whether the reduced dimensions stay, with size 1.
    Returns:
        Tensor without the reduced dimensions.
    """
    raise AssertionError("planned by _moments_plan")


@op(
    *_signatures("var_mean", ""),
    kind=Custom(_moments_plan),
    static=("correction",),
    saves=("input",),
    method=False,
)
def var_mean(input):
    """Return the variance and the mean, see ``var``."""
    raise AssertionError("planned by _moments_plan")


@op(
    *_signatures("std_mean", ""),
    kind=Custom(_moments_plan),
    static=("correction",),
    saves=("input", "result"),
    method=False,
)
def std_mean(input):
    """Return the standard deviation and the mean, see ``std``."""
    raise AssertionError("planned by _moments_plan")
