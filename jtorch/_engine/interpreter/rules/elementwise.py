"""Functions of one element, or of elements that stand at the same position."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from jax import lax

from .base import BFLOAT16, HALVES, RULES, SAME, Rule, dtype_of, rule


def _always(function: Callable) -> Rule:
    return lambda equation: function


_PLAIN: dict[str, Callable] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "add": np.add,
    "add_any": np.add,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "atanh": np.arctanh,
    "cbrt": np.cbrt,
    "ceil": np.ceil,
    "conj": np.conj,
    "copy": SAME,
    "copy_p": SAME,
    "cos": np.cos,
    "cosh": np.cosh,
    "eq": np.equal,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "floor": np.floor,
    "ge": np.greater_equal,
    "gt": np.greater,
    "imag": np.imag,
    "is_finite": np.isfinite,
    "le": np.less_equal,
    "log": np.log,
    "log1p": np.log1p,
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "nextafter": np.nextafter,
    "and": np.bitwise_and,
    "not": np.invert,
    "or": np.bitwise_or,
    "real": np.real,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "square": np.square,
    "stop_gradient": SAME,
    "sub": np.subtract,
    "tan": np.tan,
    "tanh": np.tanh,
    "xor": np.bitwise_xor,
}
for _name, _function in _PLAIN.items():
    RULES[_name] = _always(_function)


@rule("div")
def _div(equation: Any) -> Callable:
    kind = dtype_of(equation).kind
    if kind == "u":
        return _divide_unsigned
    return _divide_integers if kind == "i" else np.divide


def _divide_integers(a: Any, b: Any) -> Any:
    """Round towards zero; what is divided by zero is -1."""
    divisor = np.where(b == 0, b.dtype.type(1), b)
    quotient = np.floor_divide(a, divisor)
    inexact = (quotient * divisor != a) & ((a < 0) != (divisor < 0))
    return np.where(b == 0, b.dtype.type(-1), quotient + inexact.astype(quotient.dtype))


def _divide_unsigned(a: Any, b: Any) -> Any:
    divisor = np.where(b == 0, b.dtype.type(1), b)
    return np.where(b == 0, np.iinfo(b.dtype).max, np.floor_divide(a, divisor)).astype(b.dtype)


@rule("rem")
def _rem(equation: Any) -> Callable:
    if dtype_of(equation).kind not in "iu":
        return np.fmod

    def remainder(a: Any, b: Any) -> Any:
        return np.where(b == 0, a, np.fmod(a, np.where(b == 0, b.dtype.type(1), b)))

    return remainder


@rule("pow")
def _pow(equation: Any) -> Callable | None:
    base, exponent = dtype_of(equation), dtype_of(equation, 1)
    if base.kind not in "fc" and base != BFLOAT16:
        return None
    if base == exponent:
        return np.power
    return lambda a, b: np.power(a, b.astype(base))


@rule("integer_pow")
def _integer_pow(equation: Any) -> Callable:
    exponent = equation.params["y"]
    one = dtype_of(equation).type(1)

    def power(array: Any) -> Any:
        # Repeated squaring, as XLA's expansion of it does.
        result = None
        rest = abs(exponent)
        while rest:
            if rest & 1:
                result = array if result is None else np.multiply(result, array)
            rest >>= 1
            if rest:
                array = np.multiply(array, array)
        if result is None:
            return np.ones_like(array)
        return np.divide(one, result) if exponent < 0 else result

    return np.square if exponent == 2 else power


@rule("sign")
def _sign(equation: Any) -> Callable:
    if dtype_of(equation).kind in "iub":
        return np.sign
    return lambda array: np.where(array == 0, array, np.sign(array))


@rule("rsqrt")
def _rsqrt(equation: Any) -> Callable:
    one = dtype_of(equation).type(1)
    return lambda array: np.divide(one, np.sqrt(array))


@rule("logistic")
def _logistic(equation: Any) -> Callable:
    one = dtype_of(equation).type(1)
    return lambda array: np.divide(one, np.add(one, np.exp(np.negative(array))))


@functools.cache
def _special(name: str) -> Callable:
    return getattr(importlib.import_module("scipy.special"), name)


def _of_scipy(name: str) -> Rule:
    def make(equation: Any) -> Callable | None:
        if dtype_of(equation) not in (np.dtype(np.float32), np.dtype(np.float64)):
            return None
        return lambda array: _special(name)(array)

    return make


for _name, _its_name in {"erf": "erf", "erfc": "erfc", "erf_inv": "erfinv"}.items():
    RULES[_name] = _of_scipy(_its_name)


@rule("round")
def _round(equation: Any) -> Callable:
    if equation.params["rounding_method"] == lax.RoundingMethod.TO_NEAREST_EVEN:
        return np.rint
    return _round_away


def _round_away(array: Any) -> Any:
    whole = np.trunc(array)
    far = np.abs(array - whole) >= array.dtype.type(0.5)
    return np.where(far, whole + np.copysign(array.dtype.type(1), array), whole)


@rule("convert_element_type")
def _convert(equation: Any) -> Callable:
    source, target = dtype_of(equation), np.dtype(equation.params["new_dtype"])
    if source == target:
        return SAME
    if target.kind == "b":
        return lambda array: array != 0
    floating = source.kind in "fc" or source == BFLOAT16
    if target.kind in "iu" and floating:
        return functools.partial(_to_integer, target=target)
    if source.kind == "c" and target.kind != "c":
        return lambda array: array.real.astype(target)
    return lambda array: array.astype(target)


def _to_integer(array: Any, target: np.dtype) -> Any:
    """Drop the fraction; what does not fit becomes the nearest that does, NaN becomes 0."""
    if array.dtype.kind == "c":
        array = array.real
    if array.dtype in HALVES:
        array = array.astype(np.float32)
    limits = np.iinfo(target)
    low, high = array.dtype.type(limits.min), array.dtype.type(limits.max)
    safe = np.where((array > low) & (array < high), array, array.dtype.type(0)).astype(target)
    safe = np.where(array >= high, target.type(limits.max), safe)
    return np.where(array <= low, target.type(limits.min), safe)


@rule("reduce_precision")
def _reduce_precision(equation: Any) -> Callable | None:
    bits = equation.params["exponent_bits"], equation.params["mantissa_bits"]
    source = dtype_of(equation)
    for narrow, its_bits in ((np.dtype(np.float16), (5, 10)), (BFLOAT16, (8, 7))):
        if bits == its_bits:
            return lambda array: array.astype(narrow).astype(source)
    if (bits == (8, 23) and source == np.float32) or bits == (11, 52):
        return SAME
    return None


@rule("bitcast_convert_type")
def _bitcast(equation: Any) -> Callable | None:
    source, target = dtype_of(equation), np.dtype(equation.params["new_dtype"])
    if source.itemsize != target.itemsize or "b" in (source.kind, target.kind):
        return None
    return lambda array: np.asarray(array).view(target)


@rule("complex")
def _complex(equation: Any) -> Callable:
    whole = equation.outvars[0].aval  # in JAX's own gradients one of the parts is a scalar 0
    shape, dtype = whole.shape, np.dtype(whole.dtype)

    def combine(real: Any, imaginary: Any) -> Any:
        result = np.empty(shape, dtype)
        result.real = real
        result.imag = imaginary
        return result

    return combine


@rule("population_count")
def _population_count(equation: Any) -> Callable | None:
    dtype = dtype_of(equation)
    if dtype.kind != "u":
        return None
    return lambda array: np.bitwise_count(array).astype(dtype)


def _shift(function: Callable, unsigned: bool, lost: Callable) -> Rule:
    """Return the rule of a shift, of which XLA says what it does by more bits than there are."""

    def make(equation: Any) -> Callable:
        dtype = dtype_of(equation)
        work = np.dtype(f"{'u' if unsigned else 'i'}{dtype.itemsize}")
        bits = dtype.itemsize * 8

        def shift(array: Any, by: Any) -> Any:
            beyond = (by < 0) | (by >= bits)
            by = np.where(beyond, by.dtype.type(0), by).astype(work)
            array = np.asarray(array)
            shifted = function(array.view(work), by).astype(work)
            return np.where(beyond, lost(array), np.asarray(shifted).view(dtype))

        return shift

    return make


def _filled_with_the_sign(array: Any) -> Any:
    negative = array.view(f"i{array.dtype.itemsize}") < 0
    return np.where(negative, -1, 0).astype(array.dtype)


RULES["shift_left"] = _shift(np.left_shift, True, np.zeros_like)
RULES["shift_right_logical"] = _shift(np.right_shift, True, np.zeros_like)
RULES["shift_right_arithmetic"] = _shift(np.right_shift, False, _filled_with_the_sign)


@rule("select_n")
def _select(equation: Any) -> Callable | None:
    if dtype_of(equation).kind == "b":
        return lambda which, no, yes: np.where(which, yes, no)

    def select(which: Any, *cases: Any) -> Any:
        result = cases[0]
        for number, case in enumerate(cases[1:], 1):
            result = np.where(which >= number, case, result)
        return result

    return select


@rule("clamp")
def _clamp(equation: Any) -> Callable:
    return lambda low, array, high: np.minimum(np.maximum(array, low), high)
