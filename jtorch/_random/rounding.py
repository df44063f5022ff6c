"""Arithmetic with PyTorch's roundings: fused multiply-add, casts, and libm values in bulk.

PyTorch's CPU kernels are compiled for AVX2, where the compiler fuses ``a * b + c`` into one
rounding. NumPy has no such operation, so it is built here from error-free transformations
(S. Boldo, G. Melquiond: Emulation of a FMA and correctly rounded sums, IEEE Trans. Comput. 2008).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np

# A NumPy array or scalar, or a Python number.
Numeric = Any

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_SPLITTER = 2.0**27 + 1.0


def is_floating(dtype: np.dtype) -> bool:
    """Tell whether PyTorch draws this dtype from the real line (float16 to float64)."""
    return dtype in (np.float16, np.float32, np.float64) or dtype == BFLOAT16


def compute_dtype(dtype: np.dtype) -> Any:
    """Return the type in which PyTorch computes for a dtype: float64 for itself, else float32."""
    return np.float64 if dtype == np.float64 else np.float32


def from_double(values: Numeric, dtype: np.dtype) -> np.ndarray:
    """Cast float64 to a dtype as C++ does: the half formats go through float32."""
    if dtype.itemsize == 2 and is_floating(dtype):
        values = values.astype(np.float32)
    return values.astype(dtype, copy=False)


def _two_sum(first: Numeric, second: Numeric) -> tuple[Numeric, Numeric]:
    total = first + second
    shadow = total - first
    return total, (first - (total - shadow)) + (second - shadow)


def _odd_sum(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Add with rounding to odd, which leaves a later, coarser rounding correct."""
    total, error = _two_sum(first, second)
    bits = np.asarray(total).view(np.int64)
    nudge = (error != 0) & ((bits & 1) == 0)
    step = np.where((error > 0) == (total > 0), 1, -1)
    return (bits + np.where(nudge, step, 0)).view(np.float64)


def fma32(first: Numeric, second: Numeric, third: Numeric) -> np.ndarray:
    """Compute ``first * second + third`` of float32 operands with one rounding to float32."""
    product = np.multiply(first, second, dtype=np.float64)  # 24 + 24 bits fit in 53
    addend = np.broadcast_to(np.asarray(third, np.float64), product.shape)
    return _odd_sum(product, addend).astype(np.float32)


def fma32_in_double(first: np.ndarray, second: Numeric, third: Numeric) -> np.ndarray:
    """Do what ``fma32`` does, operands and result held in float64: several times faster.

    The float64 sum may be rounded already. Rounding it again to float32 can only go wrong where the
    first rounding landed half-way between two float32 numbers, which is looked for.
    """
    total = first * second
    total += third
    rounded = total.astype(np.float32).astype(np.float64)
    bits = total.view(np.int64) & 0x1FFFFFFF
    if (bits == 0x10000000).any():
        return fma32(first, second, third).astype(np.float64)
    return rounded


def _split(values: Numeric) -> tuple[Numeric, Numeric]:
    scaled = values * _SPLITTER
    high = scaled - (scaled - values)
    return high, values - high


def fma64(first: np.ndarray, second: float, third: float) -> np.ndarray:
    """Compute ``first * second + third`` in float64 with one rounding.

    Args:
        first: finite float64 array.
        second, third: finite Python floats.
    """
    if third == 0.0:
        return first * second + third  # still an addition: it turns -0 into +0
    if second == 1.0:
        return first + third
    if not 1e-140 < abs(second) < 1e140 or not 1e-140 < abs(third) < 1e140:
        # The error-free product would overflow or underflow: rational arithmetic instead.
        exact = (Fraction(value) * Fraction(second) + Fraction(third) for value in first.tolist())
        return np.fromiter((float(value) for value in exact), np.float64, first.size)
    product = first * second
    first_high, first_low = _split(first)
    second_high, second_low = _split(np.float64(second))
    error = first_low * second_low - (
        ((product - first_high * second_high) - first_low * second_high) - first_high * second_low
    )
    addend, addend_low = _two_sum(np.float64(third), error)
    total, total_low = _two_sum(product, addend)
    return total + _odd_sum(addend_low, total_low)


def each(function: Callable[[float], float], values: np.ndarray) -> np.ndarray:
    """Apply one of ``math``'s functions, the C library's own, to every element of a vector.

    NumPy's ``log``, ``log1p``, ``exp`` and ``tan`` are vector code whose last bit differs.
    """
    return np.fromiter(map(function, values.tolist()), np.float64, values.size)


def transform(
    values: np.ndarray,
    dtype: np.dtype,
    quick: Callable[[np.ndarray], np.ndarray],
    exact: Callable[[np.ndarray], np.ndarray],
    scale: float = 0.0,
) -> np.ndarray:
    """Cast ``exact(values)`` to a dtype, calling the slow ``exact`` only where it matters.

    Args:
        values: float64 vector of samples.
        quick, exact: the same function of a vector, within some units of the last place and to
            the bit.
        scale: largest magnitude of a term whose cancellation could enlarge ``quick``'s error.
    """
    if dtype == np.float64 or values.size < 16:
        return from_double(exact(values), dtype)
    with np.errstate(all="ignore"):
        guess = quick(values)
        slack = (np.abs(guess) + scale) * 2.0**-46
        lower = from_double(guess - slack, dtype)
        doubtful = lower != from_double(guess + slack, dtype)
    if doubtful.any():
        lower[doubtful] = from_double(exact(values[doubtful]), dtype)
    return lower
