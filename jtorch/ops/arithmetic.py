"""Arithmetic of elements: add, sub, mul, div, pow and their kin."""

from __future__ import annotations

import jax.numpy as jnp

from .._core import dtypes, messages
from .._engine.declare import op
from .._engine.kinds import Pointwise


def _no_bool_subtraction(operands) -> None:
    if any(o.meta is not None and o.meta.dtype is dtypes.bool_ for o in operands) and all(
        o.meta is not None or isinstance(o.number, bool) for o in operands
    ):
        raise messages.bool_subtraction()


@op(
    "add(Tensor input, Tensor other, *, Scalar alpha=1, Tensor out=None)",
    kind=Pointwise(operands=("input", "other", "alpha")),
    arity="binary",
    inplace=True,
    saves=(),
    special=(),
)
def add(input, other, alpha=1):
    """Add ``other``, times ``alpha``, to ``input``.

    Args:
        input, other: tensors or numbers that broadcast together.
        alpha: number that multiplies ``other``.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    if alpha is not None and not (isinstance(alpha, int) and alpha == 1):
        other = other * alpha
    return jnp.logical_or(input, other) if input.dtype == bool else input + other


@op(
    "sub(Tensor input, Tensor other, *, Scalar alpha=1, Tensor out=None)",
    kind=Pointwise(operands=("input", "other", "alpha"), check_operands=_no_bool_subtraction),
    arity="binary",
    inplace=True,
    aliases=("subtract",),
    saves=(),
)
def sub(input, other, alpha=1):
    """Subtract ``other``, times ``alpha``, from ``input``.

    Args:
        input, other: tensors or numbers that broadcast together, not bool.
        alpha: number that multiplies ``other``.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    if not (isinstance(alpha, int) and alpha == 1):
        other = other * alpha
    return input - other


@op(
    "mul(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Pointwise(),
    arity="binary",
    inplace=True,
    aliases=("multiply",),
    saves="cross",
)
def mul(input, other):
    """Multiply two tensors element by element.

    Args:
        input, other: tensors or numbers that broadcast together.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return jnp.logical_and(input, other) if input.dtype == bool else input * other
