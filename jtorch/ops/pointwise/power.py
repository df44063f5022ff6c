"""Powers and roots of elements."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from ..._core import dtypes
from ..._core.dtypes import is_inexact
from ..._engine.declare import Autocast, InPlace, Out, op, publish
from ..._engine.graph.values import is_tensor
from ..._engine.recording.kinds.base import cast
from ..._engine.recording.kinds.pointwise import (
    COMPLEX,
    FLOATING,
    INTEGRAL,
    Pointwise,
    check_fits,
    only,
)
from .._shared import out_dtypes
from .._shared.gradient_rules import from_result, with_partials
from . import _messages
from .arithmetic import reflected

#: Exponents that are constants of a program, since they have a better formulation.
_SPECIAL = (
    0, 1, 2, 3, 4, -1, -2, -3, 0.0, 1.0, 2.0, 3.0, 4.0, 0.5, 1.5, -0.5, -1.0, -1.5, -2.0, -3.0,
)  # fmt: skip


def _no_negative_exponent(op, operands, static) -> None:
    exponent, base = operands["exponent"], operands.get("input")
    number = exponent.number
    if (
        exponent.meta is None
        and isinstance(number, int)
        and number < 0
        and base is not None
        and not is_inexact(base.meta.dtype)
    ):
        # The number may be only an example of those to come. Refusing it makes no node, so that
        # the next call is looked at too, until one passes.
        raise _messages.negative_integer_power()


def _power_name(operands, static):
    if operands["exponent"].meta is None:
        return "PowBackward0"
    return "PowBackward2" if "self" in operands else "PowBackward1"


class _Power(Pointwise):
    """A power; a constant exponent selects a formula."""

    def plan(self, op, bound, mode):
        exponent = bound["exponent"]
        constant = exponent.meta is None and exponent.reference is None
        number = exponent.number if constant and not isinstance(exponent.number, complex) else None
        # Nothing is computed for 0 and 1, so that every dtype will do.
        self.check = _any_dtype if number in (0, 1) else _powers
        plan = super().plan(op, bound, mode)
        compute = plan.metas[0].dtype
        if isinstance(exponent.number, int) and number is None:
            check_fits(exponent.number, compute)
        formula = None if number is None else _formula(number)
        if formula is not None:
            # torch 2.13 rounds the square to bfloat16 before it multiplies again.
            rounds = number in (3, -2) and compute is dtypes.bfloat16
            work = compute if rounds else dtypes.working_dtype(compute)
            place = next(i for i, o in enumerate(plan.operands) if o.name == "input")
            plan.function = lambda *arrays: cast(formula(cast(arrays[place], work)), compute)
        return plan


_powers = only(INTEGRAL, FLOATING, COMPLEX, kernel="pow")


def _any_dtype(op, dtype) -> None:
    pass


def _square(x):
    return x & x if x.dtype == bool else x * x


_FORMULAS = {
    0: lambda x: jnp.ones_like(x),
    1: lambda x: x,
    2: _square,
    3: lambda x: _square(x) * x,
    0.5: lambda x: jnp.sqrt(x),
    -0.5: lambda x: 1 / jnp.sqrt(x),
    -1: lambda x: 1 / x,
    -2: lambda x: 1 / (x * x),
}


@functools.cache
def _formula(number):
    """Return the function of a power by a constant, with PyTorch's derivative; or ``None``."""
    value = _FORMULAS.get(number)
    if value is None:
        return None
    if number in (1, 2, 3):
        return value  # JAX's derivative is the same

    def slope(tangent, x):
        if number == 0:
            return tangent * 0
        lower = _formula(number - 1)
        power = _nonzero_power(x, number - 1) if lower is None else lower(x)
        return tangent * (number * power)

    return with_partials(value, slope)


def _nonzero_power(x, number):
    return _power(x, jnp.asarray(number, x.dtype))


def _saves_of_power(operands):
    return ("input",) if operands["exponent"].meta is None else ("input", "exponent")


@op(
    "pow(Tensor input, Tensor exponent, *, Tensor out=None)",
    "pow(Scalar self, Tensor exponent, *, Tensor out=None)",
    "pow(Tensor input, Scalar exponent, *, Tensor out=None)",
    kind=_Power(
        operands=("input", "self", "exponent"),
        check_operands=_no_negative_exponent,
        names=_power_name,
        saves=_saves_of_power,
    ),
    arity="binary",
    keeps={"result": "exponent"},
    inplace=InPlace(python=("__ipow__",)),
    special=_SPECIAL,
    autocast=Autocast(cuda="float32"),
    python=("__pow__",),
    foreach="binary",
)
def pow(exponent, input=None, self=None):
    """Raise ``input`` to the power ``exponent``.

    Args:
        input, exponent: tensors or numbers, not both numbers, that broadcast together.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    Raises:
        RuntimeError: integers are raised to a negative Python number.
    """
    base = self if input is None else input
    if base.dtype.kind in "iub":
        return _integer_power(base, exponent)
    return _power(base, exponent)


def _integer_power(base, exponent):
    """Multiply with wrapping; a negative exponent leaves only 1 and -1."""
    base, exponent = jnp.broadcast_arrays(base, exponent)
    signed = base.dtype.kind == "i"
    negative = exponent < 0 if signed else jnp.zeros(base.shape, bool)
    odd = (exponent & 1) == 1

    def step(state):
        result, square, left = state
        result = jnp.where((left & 1) == 1, result * square, result)
        return result, square * square, left >> 1

    start = (jnp.ones_like(base), base, jnp.where(negative, 0, exponent))
    result, _, _ = jax.lax.while_loop(lambda state: jnp.any(state[2] != 0), step, start)
    inverse = jnp.where(base == 1, 1, jnp.where(base == -1, jnp.where(odd, -1, 1), 0))
    return jnp.where(negative, inverse.astype(base.dtype), result) if signed else result


def _power_value(x, y):
    if x.dtype.kind != "c":
        return jnp.power(x, y)
    # A complex zero has no logarithm: PyTorch gives 0 for powers of positive real part.
    zero = x == 0
    power = jnp.power(jnp.where(zero, 1, x), y)
    return jnp.where(zero, jnp.where(jnp.real(y) > 0, 0, jnp.nan), power)


def _by_base(tangent, x, y):
    zero = y == 0
    return tangent * jnp.where(zero, 0, y * _power_value(x, jnp.where(zero, 1, y - 1)))


def _by_exponent(tangent, x, y):
    zero = (x == 0) & (jnp.real(y) >= 0)
    return tangent * jnp.where(zero, 0, _power_value(x, y) * jnp.log(jnp.where(zero, 1, x)))


_power = with_partials(_power_value, _by_base, _by_exponent)


publish("__rpow__", method=reflected(lambda self, other: pow.call(other, self)))


@op("square(Tensor input, *, Tensor out=None)", arguments="count")
def square(input, *, out=None):
    """Multiply each element with itself.

    Args:
        input: tensor.
    Returns:
        Tensor of the same dtype (int64 for bool).
    """
    return pow.call(input, 2) if out is None else pow.call(input, 2, out=out)


@op("square_(Tensor input)", arguments="count")
def square_(input):
    """Multiply each element with itself, in place."""
    return pow.inplace_twin.call(input, 2)


def _wide_dtype(*values):
    complex_ = any(
        isinstance(v, complex) or (hasattr(v, "dtype") and v.dtype.is_complex) for v in values
    )
    return dtypes.complex128 if complex_ else dtypes.float64


@op(
    "float_power(Tensor input, Tensor exponent, *, Tensor out=None)",
    "float_power(Scalar self, Tensor exponent, *, Tensor out=None)",
    "float_power(Tensor input, Scalar exponent, *, Tensor out=None)",
    out=Out(dtype=out_dtypes.float_power),
)
def float_power(input=None, exponent=None, self=None):
    """Raise ``input`` to the power ``exponent`` in float64 (complex128).

    Args:
        input, exponent: tensors or numbers, not both numbers, that broadcast together.
    Returns:
        Tensor of float64, or complex128 where an operand is complex.
    """
    base = self if input is None else input
    dtype = _wide_dtype(base, exponent)
    operands = [v.to(dtype) if is_tensor(v) else v for v in (base, exponent)]
    return pow.call(*operands)


def float_power_(self, exponent):
    """Raise to the power ``exponent`` in place; the tensor has to be float64 or complex128."""
    wanted = _wide_dtype(self, exponent)
    if self.dtype is not wanted:
        raise _messages.float_power_base(self.dtype._legacy_name, wanted._legacy_name)
    if is_tensor(exponent):
        exponent = exponent.to(wanted)
    return pow.inplace_twin.call(self, exponent)


publish(
    "float_power_",
    method=float_power_,
    refused=("(Tensor input, Tensor exponent)", "(Tensor input, Scalar exponent)"),
)


@op(
    "sqrt(Tensor input, *, Tensor out=None)",
    kind=Pointwise(operands=("input",), promote="float", check=only(FLOATING, COMPLEX)),
    arity="unary",
    inplace=True,
    inplace_function=True,
    saves=("result",),
    vjp=from_result(lambda gradient, result: gradient / (2 * result)),
    foreach="unary",
)
def sqrt(input):
    """Square root of each element.

    Args:
        input: tensor.
    Returns:
        Tensor of a floating point or complex dtype; NaN for negative real numbers.
    """
    return jnp.sqrt(input)


@op(
    "rsqrt(Tensor input, *, Tensor out=None)",
    kind=Pointwise(operands=("input",), promote="float", check=only(FLOATING, COMPLEX)),
    arity="unary",
    inplace=True,
    inplace_function=True,
    saves=("result",),
    vjp=from_result(lambda gradient, result: -0.5 * gradient * (result * result * result)),
    autocast=Autocast(cuda="float32"),
    foreach="unary",
)
def rsqrt(input):
    """Reciprocal square root ``x^(-1/2)`` of each element.

    Args:
        input: tensor.
    Returns:
        Tensor of a floating point or complex dtype; NaN for negative real numbers.
    """
    return 1 / jnp.sqrt(input)
