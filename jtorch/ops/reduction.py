"""Reductions: sums, means, products and tests over dimensions."""

from __future__ import annotations

import jax.numpy as jnp

from .._core import messages_reduction
from .._engine.declare import op
from .._engine.kinds_reduction import Reduction


@op(
    "sum(Tensor input, *, ScalarType? dtype=None)",
    "sum(Tensor input, IntArrayRef[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, "
    "Tensor out=None)",
    kind=Reduction(result="sum", names=("SumBackward0", "SumBackward1")),
    arity="unary",
    saves=(),
)
def sum(input, axes, keepdim):
    """Add up the elements.

    Args:
        dim: the dimensions to add over; all of them where it is absent, ``None`` or empty.
        keepdim: whether the reduced dimensions stay, with size 1.
        dtype: what to add in; integers and bool are added in int64 otherwise.
    Returns:
        Tensor without the reduced dimensions.
    """
    return jnp.sum(input, axes, keepdims=keepdim, dtype=input.dtype)


def _no_integers(op, meta, dtype, axes) -> None:
    if not (dtype.is_floating_point or dtype.is_complex):
        raise messages_reduction.mean_of_integers(dtype._legacy_name)


@op(
    "mean(Tensor input, *, ScalarType? dtype=None, Tensor out=None)",
    "mean(Tensor input, IntArrayRef[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, "
    "Tensor out=None)",
    kind=Reduction(names=("MeanBackward0", "MeanBackward1"), check=_no_integers),
    arity="unary",
    saves=(),
)
def mean(input, axes, keepdim):
    """Average the elements.

    Args:
        dim: the dimensions to average over; all of them where it is absent, ``None`` or empty.
        keepdim: whether the reduced dimensions stay, with size 1.
        dtype: what to compute in.
    Returns:
        Tensor without the reduced dimensions.
    Raises:
        RuntimeError: the dtype is neither floating point nor complex.
    """
    return jnp.mean(input, axes, keepdims=keepdim, dtype=input.dtype)
