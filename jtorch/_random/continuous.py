"""Exponential, geometric and Cauchy draws: double precision throughout, two words an element."""

from __future__ import annotations

import math

import numpy as np

from . import messages
from .mt19937 import CPUGenerator
from .rounding import each, fma64, is_floating, transform


def exponential(
    generator: CPUGenerator,
    shape: tuple[int, ...] = (),
    dtype: np.typing.DTypeLike = np.float32,
    rate: float = 1.0,
) -> np.ndarray:
    """Draw what ``Tensor.exponential_(rate)`` draws: ``-log(1 - u) / rate``."""
    dtype, rate = np.dtype(dtype), float(rate)
    if not rate > 0:
        raise messages.exponential_rate(rate)
    count = math.prod(shape)
    if count and not is_floating(dtype):
        raise messages.not_continuous("Exponential", messages.scalar_type(dtype))
    factor = -1.0 / rate

    def exact(units: np.ndarray) -> np.ndarray:
        return factor * each(math.log1p, -units)

    units = generator.doubles(count)
    return transform(units, dtype, lambda u: factor * np.log1p(-u), exact).reshape(shape)


def cauchy(
    generator: CPUGenerator,
    shape: tuple[int, ...] = (),
    dtype: np.typing.DTypeLike = np.float32,
    median: float = 0.0,
    scale: float = 1.0,
) -> np.ndarray:
    """Draw what ``Tensor.cauchy_(median, sigma)`` draws: ``median + sigma * tan(pi (u - 1/2))``."""
    dtype, median, scale = np.dtype(dtype), float(median), float(scale)
    if not scale > 0:
        raise messages.cauchy_scale(scale)
    if not is_floating(dtype):
        raise messages.not_continuous("Cauchy", messages.type_name(dtype))

    def exact(units: np.ndarray) -> np.ndarray:
        return fma64(each(math.tan, math.pi * (units - 0.5)), scale, median)

    def quick(units: np.ndarray) -> np.ndarray:
        return median + scale * np.tan(math.pi * (units - 0.5))

    units = generator.doubles(math.prod(shape))
    return transform(units, dtype, quick, exact, abs(median)).reshape(shape)


def geometric(
    generator: CPUGenerator,
    shape: tuple[int, ...] = (),
    dtype: np.typing.DTypeLike = np.float32,
    probability: float = 0.5,
) -> np.ndarray:
    """Draw what ``Tensor.geometric_(p)`` draws: ``ceil(log(u) / log(1 - p))``."""
    dtype, probability = np.dtype(dtype), float(probability)
    if not 0 < probability < 1:
        raise messages.geometric_probability(probability)
    count = math.prod(shape)
    signed_or_byte = dtype.kind == "i" or dtype == np.uint8
    if count and not (is_floating(dtype) or signed_or_byte):
        raise messages.not_implemented("geometric_cpu", messages.scalar_type(dtype))
    divisor = math.log1p(-probability)
    units = generator.doubles(count)
    with np.errstate(divide="ignore", over="ignore"):
        trials = np.log(units) / divisor
        # np.log is a unit or so off the C library's; that decides only next to an integer.
        doubtful = np.abs(trials - np.rint(trials)) <= trials * 1e-14
        if doubtful.any():
            trials[doubtful] = each(_log, units[doubtful]) / divisor
        return _from_double(np.ceil(trials), dtype).reshape(shape)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _from_double(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.itemsize == 2 and is_floating(dtype):
        return values.astype(np.float32).astype(dtype)
    if dtype.kind in "iu" and dtype.itemsize < 4:
        # C++ converts by way of int, which wraps.
        return values.astype(np.int32).astype(dtype)
    return values.astype(dtype)
