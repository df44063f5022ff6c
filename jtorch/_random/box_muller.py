"""The float32 normal transform: 16 uniforms in, 16 normals out, with every rounding of PyTorch's.

The logarithm and the sine are the single-precision ones of S. Moshier's Cephes library, evaluated
with fused multiply-adds as the AVX2 kernels of PyTorch evaluate them. (On machines without AVX2
PyTorch's own last bits differ from these.)
"""

from __future__ import annotations

import numpy as np

from .rounding import fma32, fma32_in_double

# Pairs per pass of the float32 transform: a dozen float64 temporaries of it stay in the cache.
_CHUNK = 4096

LOG = np.array(
    [7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1]
    + [-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1],
    np.float32,
)
LOG_TWO_LOW, LOG_TWO_HIGH = np.float32(-2.12194440e-4), np.float32(0.693359375)
SQRT_HALF = np.float32(0.707106781186547524)
COSINE = np.array([2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2], np.float32)
SINE = np.array([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1], np.float32)
# A quarter of pi in three parts, so that the reduced angle keeps its precision.
QUARTER_TURN = np.array(
    [-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8], np.float32
)
FOUR_OVER_PI = np.float32(1.27323954473516)
TWO_PI = np.float32(2.0 * np.pi)


def transform_words(words: np.ndarray, mean: np.float32, std: np.float32, out: np.ndarray) -> None:
    """Turn blocks of 16 words into blocks of 16 float32 normals, compiled where that pays.

    Args:
        words: uint32 vector, its size a multiple of 16.
        mean, std: parameters.
        out: contiguous float32 vector of the same size.
    """
    from . import _xla_normal  # only now: small programs never need the compiler

    if _xla_normal.is_worthwhile(words.size):
        _xla_normal.transform_words(words, mean, std, out)
    else:
        transform_words_numpy(words, mean, std, out)


def transform_words_numpy(
    words: np.ndarray, mean: np.float32, std: np.float32, out: np.ndarray
) -> None:
    """Do what ``transform_words`` does with NumPy alone: the definition of the right bits."""
    words, out = words.reshape(-1, 2, 8), out.reshape(-1, 2, 8)
    rows = _CHUNK // 8
    for start in range(0, len(words), rows):
        part = words[start : start + rows] & np.uint32(0xFFFFFF)
        units = part.view(np.int32).astype(np.float32) * np.float32(2.0**-24)
        radius = np.sqrt(np.float32(-2) * _log32(np.float32(1) - units[:, 0]))
        sine, cosine = _sincos32(TWO_PI * units[:, 1])
        out[start : start + rows, 0] = _scale32(radius * cosine, mean, std)
        out[start : start + rows, 1] = _scale32(radius * sine, mean, std)


def _scale32(samples: np.ndarray, mean: np.float32, std: np.float32) -> np.ndarray:
    if mean == 0:
        return samples * std + mean
    return fma32(samples, std, mean)


def _horner(variable: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    value = np.full_like(variable, coefficients[0])
    for coefficient in coefficients[1:].tolist():
        value = fma32_in_double(value, variable, coefficient)
    return value


def _round(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).astype(np.float64)


def _log32(x: np.ndarray) -> np.ndarray:
    """Compute Cephes' single-precision logarithm of numbers in (0, 1], every a*b+c fused."""
    bits = x.view(np.int32)
    exponent = ((bits >> 23) - 126).astype(np.float32)
    mantissa = ((bits & 0x7FFFFF) | 0x3F000000).view(np.float32)
    small = mantissa < SQRT_HALF
    exponent -= small
    reduced = mantissa - np.float32(1)
    reduced += np.where(small, mantissa, np.float32(0))
    # From here on float64 arrays hold float32 numbers; products of two are exact.
    exponent, x = exponent.astype(np.float64), reduced.astype(np.float64)
    square = _round(x * x)
    y = _round(_horner(x, LOG) * x)
    y = fma32_in_double(y, square, _round(exponent * float(LOG_TWO_LOW)))
    y = fma32_in_double(square, -0.5, y)
    y = fma32_in_double(exponent, float(LOG_TWO_HIGH), _round(x + y))
    return y.astype(np.float32)


def _sincos32(angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute Cephes' single-precision sine and cosine of angles >= 0, every a*b+c fused."""
    octant = ((angle * FOUR_OVER_PI).astype(np.int32) + 1) & ~1
    turns, t = octant.astype(np.float64), angle.astype(np.float64)
    for part in QUARTER_TURN.tolist():
        t = fma32_in_double(turns, part, t)
    square = _round(t * t)
    cosine = _round(_horner(square, COSINE) * square)
    cosine = _round(fma32_in_double(cosine, square, -0.5 * square) + 1.0)
    sine = _round(_horner(square, SINE) * square)
    sine = fma32_in_double(sine, t, t)
    swapped = (octant & 2) != 0
    sine, cosine = np.where(swapped, cosine, sine), np.where(swapped, sine, cosine)
    sine = np.where(octant & 4, -sine, sine)
    cosine = np.where(~(octant - 2) & 4, -cosine, cosine)
    return sine.astype(np.float32), cosine.astype(np.float32)
