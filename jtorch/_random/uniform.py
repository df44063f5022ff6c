"""Uniform draws on the real line, with PyTorch's 24 or 53 bits and its rounding."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np

from . import messages
from .mt19937 import CPUGenerator
from .rounding import compute_dtype, fma32, fma64, is_floating

# Elements per pass: the temporaries of one pass stay in the cache.
_CHUNK = 1 << 15


def _count(shape: tuple[int, ...]) -> int:
    return math.prod(shape)


def finfo(dtype: np.dtype) -> np.finfo:
    """Return the limits of a floating dtype, bfloat16 included."""
    return ml_dtypes.finfo(dtype)


def check_uniform_bounds(dtype: np.dtype, low: float, high: float) -> None:
    """Raise what ``Tensor.uniform_`` raises for bounds that a dtype cannot honour."""
    if not is_floating(dtype):
        raise messages.not_implemented("check_uniform_bounds", messages.scalar_type(dtype))
    largest = float(finfo(dtype).max)
    for name, bound in (("from", low), ("to", high)):
        if not -largest <= bound <= largest:
            raise messages.out_of_bounds(name, dtype)
    if not low <= high:
        raise messages.uniform_reversed(low, high)
    if not high - low <= largest:
        raise messages.uniform_too_wide(low, high, dtype)


def rand(
    generator: CPUGenerator, shape: tuple[int, ...] = (), dtype: np.typing.DTypeLike = np.float32
) -> np.ndarray:
    """Draw uniformly from [0, 1): what ``torch.rand`` draws."""
    return uniform(generator, shape, dtype)


def uniform(
    generator: CPUGenerator,
    shape: tuple[int, ...] = (),
    dtype: np.typing.DTypeLike = np.float32,
    low: float = 0.0,
    high: float = 1.0,
) -> np.ndarray:
    """Draw uniformly from [low, high): what ``Tensor.uniform_(low, high)`` draws.

    Args:
        generator: engine; one word per element, two for float64; twice that for complex dtypes.
        shape: shape of the result, filled in row-major order.
        dtype: float16, bfloat16, float32, float64, complex64 or complex128.
        low, high: bounds; for a complex dtype, of both components.
    Raises:
        RuntimeError: bounds that are reversed or beyond the dtype.
        NotImplementedError: another dtype.
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        real = np.dtype(f"f{dtype.itemsize // 2}")
        return uniform(generator, (*shape, 2), real, low, high).view(dtype).reshape(shape)
    low, high = float(low), float(high)
    check_uniform_bounds(dtype, low, high)
    count = _count(shape)
    if dtype == np.float64:
        values = generator.doubles(count)
    elif low == 0.0 and high == 1.0:
        values = generator.floats(count)
    else:
        values = _stretched(generator, count, np.float32(low), np.float32(high))
    if dtype == np.float64 and (low, high) != (0.0, 1.0):
        values = fma64(values, high - low, low)
    return _below(values, dtype, low, high).reshape(shape)


def _below(values: np.ndarray, dtype: np.dtype, low: float, high: float) -> np.ndarray:
    """Cast to the dtype; what rounding lifts to the upper bound falls to the lower one."""
    if dtype.itemsize > 2 and low == 0.0 and high == 1.0:
        return values  # 1 - 2**-24 (2**-53) is the largest there is
    values = values.astype(dtype, copy=False)
    bound = np.asarray(compute_dtype(dtype)(high)).astype(dtype)
    lifted = values == bound
    if lifted.any():
        values[lifted] = np.asarray(compute_dtype(dtype)(low)).astype(dtype)
    return values


def _stretched(
    generator: CPUGenerator, count: int, low: np.float32, high: np.float32
) -> np.ndarray:
    """Map 24-bit uniforms to [low, high) in float32 with one rounding, as an FMA does."""
    bits = generator.words(count)
    width = high - low
    result = np.empty(count, np.float32)
    exact = _fits_double(low, high, width)
    scale, offset = float(width) * 2.0**-24, float(low)
    for start in range(0, count, _CHUNK):
        part = bits[start : start + _CHUNK]
        part &= np.uint32(0xFFFFFF)
        if exact:
            values = part.view(np.int32).astype(np.float64)
            values *= scale
            values += offset
            result[start : start + _CHUNK] = values
        else:
            units = part.astype(np.float32) * np.float32(2.0**-24)
            result[start : start + _CHUNK] = fma32(units, width, low)
    return result


def _fits_double(low: np.float32, high: np.float32, width: np.float32) -> bool:
    """Tell whether ``u * width + low`` is exact in float64 for every 24-bit u."""
    top = max(math.frexp(float(low))[1], math.frexp(float(high))[1])
    last = math.frexp(float(width))[1] - 48  # 24 bits of width times 24 bits of u
    if low != 0:
        last = min(last, math.frexp(float(low))[1] - 24)
    return width != 0 and top + 1 - last <= 53
