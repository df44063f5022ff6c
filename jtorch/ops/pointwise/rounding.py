"""Rounding of elements, and tests of what they are."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from ..._engine.declare import Out, op
from ..._engine.graph.op import Op
from ..._engine.recording.kinds.pointwise import (
    FLOATING,
    INTEGRAL,
    WIDE_UNSIGNED,
    Pointwise,
    only,
)
from .._shared import out_dtypes
from .._shared.gradient_rules import with_partials
from . import _messages


def _is_exact(array) -> bool:
    return array.dtype.kind in "iub"


def _declare_rounding(
    name: str, summary: str, function: Callable, aliases: tuple[str, ...] = (), *, foreach: str
) -> Op:
    def pure(input):
        return input if _is_exact(input) else function(input)

    def check_complex(op_, operands, static) -> None:
        if operands["input"].meta.dtype.is_complex:
            raise _messages.not_for_complex(name)

    pure.__doc__ = (
        f"{summary}\n\n    Args:\n        input: tensor, not complex.\n    Returns:\n"
        "        Tensor of the same dtype; integers are returned as they are.\n    "
    )
    return op(
        f"{name}(Tensor input, *, Tensor out=None)",
        kind=Pointwise(
            operands=("input",),
            check_operands=check_complex,
            check=only(INTEGRAL, WIDE_UNSIGNED, FLOATING, kernel=f"{name}_vml_cpu"),
        ),
        arity="unary",
        inplace=True,
        inplace_function=True,
        aliases=aliases,
        saves=(),
        out=Out(dtype=out_dtypes.found_dtype),
        foreach=foreach,
    )(pure)


# PyTorch's gradient of them is zero, also where the element is not finite.
floor = _declare_rounding(
    "floor",
    "Round each element down.",
    with_partials(lambda x: jnp.floor(x), None),
    foreach="unary",
)
ceil = _declare_rounding(
    "ceil", "Round each element up.", with_partials(lambda x: jnp.ceil(x), None), foreach="unary"
)
trunc = _declare_rounding(
    "trunc",
    "Round each element to zero.",
    with_partials(lambda x: jnp.trunc(x), None),
    aliases=("fix",),
    foreach="unary",
)

_round = with_partials(lambda x: jnp.round(x), None)


class _Round(Pointwise):
    def plan(self, operator, bound, mode):
        decimals = "decimals" in bound
        groups = (FLOATING,) if decimals else (INTEGRAL, WIDE_UNSIGNED, FLOATING)
        self.check = only(*groups, kernel="round_cpu" if decimals else "round_vml_cpu")
        return super().plan(operator, bound, mode)


@op(
    "round(Tensor input, *, Tensor out=None)",
    "round(Tensor input, *, int64_t decimals, Tensor out=None)",
    kind=_Round(
        operands=("input",),
        names=lambda operands, static: "RoundBackward1" if "decimals" in static else None,
    ),
    arity="unary",
    inplace=True,
    inplace_function=True,
    saves=(),
    out=Out(dtype=out_dtypes.found_dtype),
    foreach="unary",
)
def round(input, decimals=0):
    """Round each element to the nearest integer, halves to the even one.

    Args:
        input: tensor, not complex.
        decimals: how many digits after the point to keep; negative for those before it.
    Returns:
        Tensor of the same dtype.
    """
    if _is_exact(input):
        return input
    if decimals == 0:
        return _round(input)
    power = np.asarray(10.0 ** abs(decimals), input.dtype)
    if decimals > 0:
        return _round(input * power) / power
    return _round(input / power) * power


@op(
    "frac(Tensor input, *, Tensor out=None)",
    kind=Pointwise(operands=("input",), check=only(FLOATING)),
    arity="unary",
    inplace=True,
    inplace_function=True,
    saves=(),
    out=Out(dtype=out_dtypes.found_dtype),
    foreach="unary",
)
def frac(input):
    """Return the part of each element after the point, with its sign.

    Args:
        input: tensor of a floating point dtype.
    Returns:
        Tensor of the same dtype.
    """
    return _frac(input)


_frac = with_partials(lambda x: x - jnp.trunc(x), lambda tangent, x: tangent)


def _declare_test(
    name: str,
    summary: str,
    function: Callable,
    out: bool = False,
    check_operands: Callable | None = None,
) -> Op:
    def pure(input):
        return function(input)

    arguments = "    Args:\n        input: tensor.\n"
    pure.__doc__ = f"{summary}\n\n{arguments}    Returns:\n        Tensor of bool.\n    "
    return op(
        f"{name}(Tensor input, *, Tensor out=None)" if out else f"{name}(Tensor input)",
        kind=Pointwise(operands=("input",), result="bool", check_operands=check_operands),
        arity="unary",
        differentiable=False,
        out=Out(dtype=out_dtypes.no_other_than_bool) if out else None,
    )(pure)


def _refuse_complex(error: Callable) -> Callable:
    def check(operator, operands, static) -> None:
        if operands["input"].meta.dtype.is_complex:
            raise error()

    return check


def _never(x):
    return jnp.zeros(x.shape, bool)


isnan = _declare_test(
    "isnan", "Tell which elements are NaN.", lambda x: _never(x) if _is_exact(x) else jnp.isnan(x)
)
isinf = _declare_test(
    "isinf", "Tell which elements are infinite.",
    lambda x: _never(x) if _is_exact(x) else jnp.isinf(x),
)  # fmt: skip
isfinite = _declare_test(
    "isfinite", "Tell which elements are neither infinite nor NaN.",
    lambda x: ~_never(x) if _is_exact(x) else jnp.isfinite(x),
)  # fmt: skip
isposinf = _declare_test(
    "isposinf", "Tell which elements are plus infinity.",
    lambda x: _never(x) if _is_exact(x) else x == jnp.inf, out=True,
    check_operands=_refuse_complex(lambda: _messages.no_complex_inputs("isposinf")),
)  # fmt: skip
isneginf = _declare_test(
    "isneginf", "Tell which elements are minus infinity.",
    lambda x: _never(x) if _is_exact(x) else x == -jnp.inf, out=True,
    check_operands=_refuse_complex(lambda: _messages.no_complex_inputs("isneginf")),
)  # fmt: skip
isreal = _declare_test(
    "isreal", "Tell which elements have no imaginary part.",
    lambda x: jnp.imag(x) == 0 if x.dtype.kind == "c" else ~_never(x),
)  # fmt: skip
signbit = _declare_test(
    "signbit", "Tell which elements have their sign bit set: those below zero, and -0.0.",
    lambda x: x < 0 if _is_exact(x) else jnp.signbit(x), out=True,
    check_operands=_refuse_complex(_messages.signbit_of_complex),
)  # fmt: skip


@op(
    "nan_to_num(Tensor input, double? nan=None, double? posinf=None, double? neginf=None, *, "
    "Tensor out=None)",
    kind=Pointwise(operands=("input",), wide=False, real_gradient=True),
    inplace=True,
    inplace_function=True,
    saves=("input",),
    out=Out(dtype=out_dtypes.nan_to_num),
)
def nan_to_num(input, nan=None, posinf=None, neginf=None):
    """Replace NaN and the infinities by finite numbers.

    Args:
        input: tensor.
        nan: what replaces NaN; 0 unless given.
        posinf, neginf: what replaces the infinities; the largest and the least number of the dtype
            unless given.
    Returns:
        Tensor of the same dtype.
    """
    if _is_exact(input):
        return input
    if input.dtype.kind == "c":
        parts = [_finite(part, nan, posinf, neginf) for part in (jnp.real(input), jnp.imag(input))]
        return parts[0] + 1j * parts[1]
    return _finite(input, nan, posinf, neginf)


def _finite(x, nan, posinf, neginf):
    limits = jnp.finfo(x.dtype)
    high = limits.max if posinf is None else posinf
    low = limits.min if neginf is None else neginf

    def value(x):
        x = jnp.where(jnp.isnan(x), jnp.asarray(nan or 0.0, x.dtype), x)
        x = jnp.where(x == jnp.inf, jnp.asarray(high, x.dtype), x)
        return jnp.where(x == -jnp.inf, jnp.asarray(low, x.dtype), x)

    return with_partials(value, lambda tangent, x: tangent * jnp.isfinite(x))(x)
