"""Bits and truth values of elements; greatest common divisors."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from ..._core.dtypes import is_inexact
from ..._engine.declare import InPlace, Out, op, publish
from ..._engine.graph.op import Op
from ..._engine.recording.kinds.pointwise import (
    BOOL,
    COMPLEX,
    FLOATING,
    INTEGRAL,
    WIDE_UNSIGNED,
    Pointwise,
    only,
)
from .._shared import out_dtypes
from . import _messages
from .arithmetic import reflected

_OPERANDS = ("input", "self", "other")


def _declare(
    name: str, summary: str, function: Callable, check: Callable, symbol: str, has_reflected: bool
) -> Op:
    """Declare an operator of integers; the left operand may be a number (``self``).

    Args:
        symbol: what Python calls the operator, ``and`` for ``__and__``.
        has_reflected: whether ``__rand__`` is the same.
    """

    def pure(other, input=None, self=None):
        return function(self if input is None else input, other)

    pure.__doc__ = (
        f"{summary}\n\n    Args:\n        input, other: tensors or numbers, not both numbers, that "
        "broadcast together.\n    Returns:\n        Tensor of the promoted dtype.\n    "
    )
    return op(
        f"{name}(Tensor input, Tensor other, *, Tensor out=None)",
        f"{name}(Scalar self, Tensor other)",
        f"{name}(Tensor input, Scalar other, *, Tensor out=None)",
        kind=Pointwise(operands=_OPERANDS, check=check),
        arity="binary",
        inplace=InPlace(python=(f"__i{symbol}__",)),
        differentiable=False,
        python=(f"__{symbol}__", *([f"__r{symbol}__"] if has_reflected else [])),
    )(pure)


def _declare_of_bits(symbol: str, function: Callable) -> Op:
    return _declare(
        f"bitwise_{symbol}",
        f"Combine the bits of two tensors by *{symbol}*.",
        function,
        only(BOOL, INTEGRAL, WIDE_UNSIGNED, kernel=f"bitwise_{symbol}_cpu"),
        symbol,
        True,
    )


bitwise_and = _declare_of_bits("and", jnp.bitwise_and)
bitwise_or = _declare_of_bits("or", jnp.bitwise_or)
bitwise_xor = _declare_of_bits("xor", jnp.bitwise_xor)


def _shift_left(a, b):
    bits = a.dtype.itemsize * 8
    inside = (b >= 0) & (b < bits)
    return jnp.where(inside, jnp.left_shift(a, jnp.where(inside, b, 0)), 0).astype(a.dtype)


def _shift_right(a, b):
    most = a.dtype.itemsize * 8 - (1 if a.dtype.kind == "i" else 0)
    inside = (b >= 0) & (b < most)
    # Shifting by all bits leaves the sign, and nothing of an unsigned number.
    beyond = jnp.right_shift(a, a.dtype.itemsize * 8 - 1) if a.dtype.kind == "i" else a * 0
    return jnp.where(inside, jnp.right_shift(a, jnp.where(inside, b, 0)), beyond).astype(a.dtype)


bitwise_left_shift = _declare(
    "bitwise_left_shift",
    "Shift bits to the left.",
    _shift_left,
    only(INTEGRAL, kernel="lshift_cpu"),
    "lshift",
    False,
)
bitwise_right_shift = _declare(
    "bitwise_right_shift",
    "Shift bits to the right, keeping the sign.",
    _shift_right,
    only(INTEGRAL, kernel="rshift_cpu"),
    "rshift",
    False,
)


@op(
    "bitwise_not(Tensor input, *, Tensor out=None)",
    kind=Pointwise(operands=("input",), check=only(BOOL, INTEGRAL)),
    arity="unary",
    inplace=True,
    differentiable=False,
    out=Out(dtype=out_dtypes.found_dtype),
)
def bitwise_not(input):
    """Invert the bits of integers, and truth values.

    Args:
        input: tensor of integers or bool.
    Returns:
        Tensor of the same dtype.
    """
    return jnp.logical_not(input) if input.dtype == bool else jnp.bitwise_not(input)


def _declare_logical(name: str, summary: str, function: Callable) -> Op:
    def pure(input, other):
        return function(input != 0, other != 0)

    pure.__doc__ = (
        f"{summary}\n\n    Args:\n        input, other: tensors that broadcast together; what is "
        "not zero is true.\n    Returns:\n        Tensor of bool.\n    "
    )
    return op(
        f"{name}(Tensor input, Tensor other, *, Tensor out=None)",
        kind=Pointwise(
            result="bool", check=only(BOOL, INTEGRAL, FLOATING, COMPLEX, kernel=f"{name}_cpu")
        ),
        arity="binary",
        inplace=True,
        differentiable=False,
    )(pure)


logical_and = _declare_logical("logical_and", "Tell where both elements are true.", jnp.logical_and)
logical_or = _declare_logical(
    "logical_or", "Tell where one element at least is true.", jnp.logical_or
)
logical_xor = _declare_logical(
    "logical_xor", "Tell where exactly one element is true.", jnp.logical_xor
)


@op(
    "logical_not(Tensor input, *, Tensor out=None)",
    kind=Pointwise(
        operands=("input",), result="bool", check=only(BOOL, INTEGRAL, FLOATING, COMPLEX)
    ),
    arity="unary",
    inplace=True,
    differentiable=False,
)
def logical_not(input):
    """Tell where elements are zero.

    Args:
        input: tensor.
    Returns:
        Tensor of bool.
    """
    return input == 0


def _gcd(a, b):
    return jnp.gcd(a, b)


@op(
    "gcd(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Pointwise(check=only(INTEGRAL)),
    arity="binary",
    inplace=True,
    inplace_function=True,
    differentiable=False,
)
def gcd(input, other):
    """Return the greatest common divisor of each pair of elements.

    Args:
        input, other: tensors of integers that broadcast together.
    Returns:
        Tensor of the promoted dtype, not negative.
    """
    return _gcd(*jnp.broadcast_arrays(input, other))


@op(
    "lcm(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Pointwise(check=only(INTEGRAL)),
    arity="binary",
    inplace=True,
    inplace_function=True,
    differentiable=False,
)
def lcm(input, other):
    """Return the least common multiple of each pair of elements.

    Args:
        input, other: tensors of integers that broadcast together.
    Returns:
        Tensor of the promoted dtype, not negative.
    """
    input, other = jnp.broadcast_arrays(input, other)
    divisor = _gcd(input, other)
    return jnp.where(divisor == 0, 0, jnp.abs(input // jnp.where(divisor == 0, 1, divisor) * other))


def _operator_invert(self):
    """Invert bits and truth values: ``~tensor``."""
    dtype = self.dtype
    if is_inexact(dtype):
        raise _messages.invert_of_float()
    return bitwise_not.call(self)


publish("__invert__", method=_operator_invert)
publish("__rlshift__", method=reflected(lambda self, other: bitwise_left_shift.call(other, self)))
publish("__rrshift__", method=reflected(lambda self, other: bitwise_right_shift.call(other, self)))
