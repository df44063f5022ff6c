"""Functions of two elements: angles, lengths and logarithms of sums."""

from __future__ import annotations

import math

import jax.numpy as jnp

from ..._engine.declare import Autocast, Out, op
from ..._engine.recording.kinds.pointwise import COMPLEX, FLOATING, Pointwise, only
from .._shared import out_dtypes
from .._shared.gradient_rules import with_partials

_hypot = with_partials(
    jnp.hypot,
    lambda tangent, x, y: tangent * x / jnp.hypot(x, y),
    lambda tangent, x, y: tangent * y / jnp.hypot(x, y),
)


@op(
    "hypot(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Pointwise(check=only(FLOATING)),
    arity="binary",
    inplace=True,
    keeps={"result": None},
)
def hypot(input, other):
    """Hypotenuse ``sqrt(input^2 + other^2)`` of right triangles with the given legs.

    Args:
        input, other: tensors of a floating point dtype that broadcast together.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return _hypot(input, other)


def _over_square(value, x, y):
    square = x * x + y * y
    # torch 2.13 gives the origin the gradient 0.
    return jnp.where(square == 0, 0, value / jnp.where(square == 0, 1, square))


_atan2 = with_partials(
    jnp.arctan2,
    lambda tangent, y, x: tangent * _over_square(x, y, x),
    lambda tangent, y, x: tangent * _over_square(-y, y, x),
)


@op(
    "atan2(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Pointwise(promote="float", check=only(FLOATING)),
    arity="binary",
    inplace=True,
    aliases=("arctan2",),
    autocast=Autocast(cuda="promote"),
)
def atan2(input, other):
    """Arctangent of ``input / other`` by quadrant, in radians between -pi and pi.

    Args:
        input, other: tensors that broadcast together.
    Returns:
        Tensor of a floating point dtype.
    """
    return _atan2(input, other)


def _xlogy_value(x, y):
    safe = jnp.where(x == 0, 0, x * jnp.log(y))
    return jnp.where(jnp.isnan(y), jnp.nan, safe)


_xlogy = with_partials(
    _xlogy_value,
    lambda tangent, x, y: jnp.where(
        (x == 0) & (y <= 0), 0, tangent * jnp.log(jnp.where((x == 0) & (y <= 0), 1, y))
    ),
    lambda tangent, x, y: tangent * x / y,
)


def _xlogy_name(operands, static):
    if "self" in operands:
        return "XlogyBackward1"
    return "XlogyBackward2" if operands["other"].meta is None else "XlogyBackward0"


@op(
    "xlogy(Tensor input, Tensor other, *, Tensor out=None)",
    "xlogy(Scalar self, Tensor other, *, Tensor out=None)",
    "xlogy(Tensor input, Scalar other, *, Tensor out=None)",
    kind=Pointwise(
        operands=("input", "self", "other"),
        promote="float",
        wide=False,
        check=only(FLOATING),
        names=_xlogy_name,
    ),
    arity="binary",
    inplace=True,
    inplace_function=True,
)
def xlogy(other, input=None, self=None):
    """Return ``input * log(other)``, 0 where ``input`` is 0.

    Args:
        input, other: tensors or numbers, not both numbers, that broadcast together.
    Returns:
        Tensor of a floating point dtype.
    """
    return _xlogy(self if input is None else input, other)


def _logaddexp_value(x, y):
    if x.dtype.kind == "c":
        first = jnp.real(x) >= jnp.real(y)
        high, low = jnp.where(first, x, y), jnp.where(first, y, x)
        return high + jnp.log1p(jnp.exp(low - high))
    high = jnp.maximum(x, y)
    same = jnp.isinf(x) & (x == y)
    return jnp.where(same, x, high + jnp.log1p(jnp.exp(-jnp.abs(x - y))))


def _logaddexp2_value(x, y):
    high = jnp.maximum(x, y)
    same = jnp.isinf(x) & (x == y)
    return jnp.where(same, x, high + jnp.log1p(jnp.exp2(-jnp.abs(x - y))) / math.log(2))


_logaddexp = with_partials(
    _logaddexp_value,
    lambda tangent, x, y: tangent / (1 + jnp.exp(y - x)),
    lambda tangent, x, y: tangent / (1 + jnp.exp(x - y)),
)
_logaddexp2 = with_partials(
    _logaddexp2_value,
    lambda tangent, x, y: tangent / (1 + jnp.exp2(y - x)),
    lambda tangent, x, y: tangent / (1 + jnp.exp2(x - y)),
)


@op(
    "logaddexp(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Pointwise(check=only(FLOATING, COMPLEX)),
    arity="binary",
)
def logaddexp(input, other):
    """Logaddexp ``log(exp(input) + exp(other))``, without overflow.

    Args:
        input, other: tensors of a floating point or complex dtype that broadcast together.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return _logaddexp(input, other)


@op(
    "logaddexp2(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Pointwise(check=only(FLOATING)),
    arity="binary",
)
def logaddexp2(input, other):
    """Logaddexp of base 2, ``log2(2 ** input + 2 ** other)``, without overflow.

    Args:
        input, other: tensors of a floating point dtype that broadcast together.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return _logaddexp2(input, other)


@op(
    "ldexp(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Pointwise(promote="float", check=only(FLOATING, COMPLEX)),
    arity="binary",
    inplace=True,
    inplace_function=True,
    keeps={"result": "other"},
    copies=("input",),
    out=Out(uncastable=out_dtypes.ldexp),
)
def ldexp(input, other):
    """Return ``input * 2 ** other``.

    Args:
        input, other: tensors that broadcast together.
    Returns:
        Tensor of a floating point or complex dtype.
    """
    if input.dtype.kind == "c":
        return input * jnp.exp(other * math.log(2))
    return input * jnp.exp2(other)
