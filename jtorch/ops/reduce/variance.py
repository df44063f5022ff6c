"""Variance and standard deviation, alone or with the mean."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import jax.numpy as jnp

from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._engine.declare import op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, cast
from ..._engine.recording.kinds.reduction import kept_shape, reduced_axes, reduced_shape
from .._shared.widening import widen
from . import _messages_reduction


def _correction(bound) -> float:
    if bound.get("correction") is not None:
        return bound["correction"]
    return 1 if bound.get("unbiased", True) else 0


def _component_dtype(array):
    """Return the dtype of one component of an array."""
    return jnp.real(array).dtype


class _Moments(NamedTuple):
    """The arithmetic of a variance, for input of any size.

    Attributes:
        axes: what is reduced.
        keepdim: whether these dimensions stay.
        correction: what is subtracted from the number of elements.
        gradient_of_one: whether the gradient takes one element for their number: PyTorch 2.13's
            divides by that where ``dim=()``.
        is_std: whether the first result is the root.
        dtype: of the input.
    """

    axes: tuple[int, ...]
    keepdim: bool
    correction: float
    gradient_of_one: bool
    is_std: bool
    dtype: DType

    def count(self, array: Any) -> Any:
        return math.prod([array.shape[axis] for axis in self.axes])

    def of(self, array: Any) -> tuple[Any, Any]:
        """Return the first result, and the mean with all dimensions.

        Half precision is added up in float32, as PyTorch does.
        """
        freedom = max(self.count(array) - self.correction, 0)
        array = widen(array)
        mean = jnp.mean(array, self.axes, keepdims=True)
        deviation = array - mean
        square = (
            jnp.real(deviation * jnp.conj(deviation))
            if array.dtype.kind == "c"
            else (deviation * deviation)
        )
        total = jnp.sum(square, self.axes, keepdims=self.keepdim)
        variance = total / jnp.asarray(freedom, total.dtype)
        return cast(jnp.sqrt(variance) if self.is_std else variance, self.dtype.to_real()), mean

    def vjp(self, cotangents: list, results: list, operands: list) -> list:
        (array,) = operands
        count = self.count(array)
        # This also where the forward result divides by 0.
        slope = (1 if self.gradient_of_one else count) - self.correction
        kept = kept_shape(array.shape, self.axes)
        array = widen(array)
        slopes = [
            cotangent.astype(
                array.dtype if cotangent.dtype.kind == "c" else _component_dtype(array)
            )
            for cotangent in cotangents
        ]
        first = slopes[0]
        if self.is_std:
            root = results[0].astype(first.dtype)
            first = jnp.where(root == 0, 0, first / jnp.where(root == 0, 1, 2 * root))
        deviation = array - jnp.mean(array, self.axes, keepdims=True)
        factor = jnp.asarray(2, first.dtype) / jnp.asarray(slope, first.dtype)
        gradient = factor * first.reshape(kept) * deviation
        if len(slopes) == 2:
            gradient = gradient + slopes[1].reshape(kept) / jnp.asarray(count, first.dtype)
        return [cast(gradient, self.dtype)]


def _moments_spec(operation, bound, mode) -> Spec:
    """Check that the dtype is not an integer one; warn where no degree of freedom is left."""
    operand = bound["input"]
    meta = operand.meta
    name = operation.name
    if not is_inexact(meta.dtype):
        raise _messages_reduction.moments_of_integers(
            name if name.endswith("_mean") else "std and var"
        )
    keepdim = bound.get("keepdim", False)
    axes = reduced_axes(meta, bound.get("dim"))
    moments = _Moments(
        axes=axes,
        keepdim=bool(keepdim),
        correction=_correction(bound),
        gradient_of_one=bound.get("dim") == () and meta.ndim > 0,
        is_std=name.startswith("std"),
        dtype=meta.dtype,
    )
    shape = reduced_shape(meta, axes, keepdim)
    if math.prod([meta.shape[axis] for axis in axes]) <= moments.correction:
        warnings.warn(_messages_reduction.no_freedom(name), UserWarning, stacklevel=6)
    metas = [make_meta(shape, meta.dtype.to_real(), meta.device)]
    if name.endswith("_mean"):
        metas.append(make_meta(shape, meta.dtype, meta.device))
    return Spec([operand], metas, {"moments": moments}, vjp=moments.vjp)


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
def var(array: Any, *, moments: _Moments) -> Any:
    """Variance ``sum_i (x_i - mean)^2 / (n - correction)`` over dimensions.

    Args:
        dim: the dimensions to reduce; all of them where it is absent.
        unbiased: whether to divide by one less than the number of elements.
        correction: what to subtract from that number instead (default 1).
        keepdim: whether the reduced dimensions stay, with size 1.
    Returns:
        Tensor without the reduced dimensions.
    """
    return moments.of(array)[0]


@op(
    *_signatures("std", _OUT),
    kind=Custom(_moments_spec),
    static=("correction",),
    saves=("input", "result"),
)
def std(array: Any, *, moments: _Moments) -> Any:
    """Standard deviation, the root of ``var``, over dimensions; its gradient at 0 is 0.

    Args:
        dim: the dimensions to reduce; all of them where it is absent.
        unbiased: whether to divide by one less than the number of elements.
        correction: what to subtract from that number instead (default 1).
        keepdim: whether the reduced dimensions stay, with size 1.
    Returns:
        Tensor without the reduced dimensions.
    """
    return moments.of(array)[0]


@op(
    *_signatures("var_mean", ""),
    kind=Custom(_moments_spec),
    static=("correction",),
    saves=("input",),
    method=False,
)
def var_mean(array: Any, *, moments: _Moments) -> tuple[Any, Any]:
    """Variance and mean over dimensions, see ``var``."""
    first, mean = moments.of(array)
    return first, mean.reshape(first.shape).astype(array.dtype)


@op(
    *_signatures("std_mean", ""),
    kind=Custom(_moments_spec),
    static=("correction",),
    saves=("input", "result"),
    method=False,
)
def std_mean(array: Any, *, moments: _Moments) -> tuple[Any, Any]:
    """Standard deviation and mean over dimensions, see ``std``."""
    first, mean = moments.of(array)
    return first, mean.reshape(first.shape).astype(array.dtype)
