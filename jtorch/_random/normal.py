"""Normal draws: PyTorch's two Box-Muller paths, log-normal and truncated normal.

G. E. P. Box, M. E. Muller: A note on the generation of random normal deviates, Ann. Math. Stat. 29
(1958). Fewer than 16 elements (or a non-contiguous tensor) are drawn one pair at a time in double
precision; larger tensors in blocks of 16, in the tensor's own precision, float32 by
``box_muller``.
"""

from __future__ import annotations

import math
import warnings

import numpy as np

from . import messages
from .box_muller import transform_words
from .mt19937 import CPUGenerator
from .rounding import Numeric, compute_dtype, each, fma64, from_double, is_floating, transform
from .uniform import uniform

_BLOCK = 16


def normal(
    generator: CPUGenerator,
    shape: tuple[int, ...] = (),
    dtype: np.typing.DTypeLike = np.float32,
    mean: float = 0.0,
    std: float = 1.0,
    contiguous: bool = True,
) -> np.ndarray:
    """Draw normal numbers: what ``Tensor.normal_(mean, std)`` and ``torch.randn`` draw.

    Args:
        generator: engine; its cached normal takes part when elements are drawn one by one.
        shape: shape of the result, filled in row-major order.
        dtype: float16, bfloat16, float32, float64, complex64 or complex128.
        mean, std: parameters; the variance of a complex number is shared by its two components.
        contiguous: whether PyTorch would see a contiguous tensor; if not, elements are drawn one
            by one whatever their number.
    Raises:
        RuntimeError: negative std.
        NotImplementedError: another dtype.
    """
    dtype = np.dtype(dtype)
    mean, std = float(mean), float(std)
    if not std >= 0:
        raise messages.normal_negative_std(std)
    count = math.prod(shape)
    if dtype.kind == "c":
        real = np.dtype(f"f{dtype.itemsize // 2}")
        parts = normal(generator, (2 * count,), real, mean, std / math.sqrt(2.0), contiguous)
        return parts.view(dtype).reshape(shape)
    if count == 0:
        return np.empty(shape, dtype)
    if not is_floating(dtype):
        raise messages.not_implemented("normal_kernel_cpu", messages.scalar_type(dtype))
    if count < _BLOCK or not contiguous:
        flat = _scaled_singles(generator, count, dtype, mean, std)
    elif dtype == np.float64:
        flat = _blocks64(generator, count, mean, std)
    else:
        flat = _blocks32(generator, count, np.float32(mean), np.float32(std), dtype)
    return flat.reshape(shape)


def log_normal(
    generator: CPUGenerator,
    shape: tuple[int, ...] = (),
    dtype: np.typing.DTypeLike = np.float32,
    mean: float = 1.0,
    std: float = 2.0,
) -> np.ndarray:
    """Draw what ``Tensor.log_normal_(mean, std)`` draws: always one by one, in double precision."""
    dtype = np.dtype(dtype)
    mean, std = float(mean), float(std)
    if not std > 0:
        raise messages.log_normal_std(std)
    count = math.prod(shape)
    if count and not is_floating(dtype):
        raise messages.not_implemented("log_normal_cpu", messages.scalar_type(dtype))
    exponents = _scaled_singles(generator, count, np.dtype(np.float64), mean, std)
    return transform(exponents, dtype, np.exp, lambda v: each(_exp, v)).reshape(shape)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


# ---- one pair at a time


def _singles(generator: CPUGenerator, count: int) -> np.ndarray:
    """Draw standard normals in pairs, beginning with a cached one and caching a left-over one."""
    kept = generator.cached_normal
    first = 0 if kept is None else 1
    pairs = (count - first + 1) // 2
    units = generator.doubles(2 * pairs).reshape(pairs, 2)
    radius = np.sqrt(-2.0 * each(math.log1p, -units[:, 1]))
    angle = 2.0 * math.pi * units[:, 0]
    samples = np.empty(first + 2 * pairs)
    if first:
        samples[0] = kept
    samples[first::2] = radius * each(math.cos, angle)
    samples[first + 1 :: 2] = radius * each(math.sin, angle)
    generator.cached_normal = float(samples[-1]) if samples.size > count else None
    return samples[:count]


def _scaled_singles(
    generator: CPUGenerator, count: int, dtype: np.dtype, mean: float, std: float
) -> np.ndarray:
    if count == 0:
        return np.empty(0, dtype)
    return from_double(fma64(_singles(generator, count), std, mean), dtype)


# ---- blocks of 16


def _blocks64(generator: CPUGenerator, count: int, mean: float, std: float) -> np.ndarray:
    result = np.empty(count)
    full = count - count % _BLOCK
    _transform64(generator.doubles(count)[:full], mean, std, result[:full])
    if full != count:
        _transform64(generator.doubles(_BLOCK), mean, std, result[-_BLOCK:])
    return result


def _transform64(units: np.ndarray, mean: float, std: float, out: np.ndarray) -> None:
    units = units.reshape(-1, 2, 8)
    radius = np.sqrt(-2.0 * each(math.log, (1.0 - units[:, 0]).ravel()))
    angle = (2.0 * math.pi * units[:, 1]).ravel()
    for place, function in enumerate((math.cos, math.sin)):
        values = fma64(radius * each(function, angle), std, mean)
        out.reshape(-1, 2, 8)[:, place] = values.reshape(-1, 8)


def _blocks32(
    generator: CPUGenerator, count: int, mean: np.float32, std: np.float32, dtype: np.dtype
) -> np.ndarray:
    full = count - count % _BLOCK
    # The half formats never draw the uniforms that the last, overlapping block replaces.
    words = generator.words(count if dtype == np.float32 else full)[:full]
    result = np.empty(count, np.float32)
    transform_words(words, mean, std, result[:full])
    if full != count:
        transform_words(generator.words(_BLOCK), mean, std, result[-_BLOCK:])
    return result.astype(dtype, copy=False)


# ---- truncated


def truncated_normal(
    generator: CPUGenerator,
    shape: tuple[int, ...],
    dtype: np.typing.DTypeLike = np.float32,
    mean: float = 0.0,
    std: float = 1.0,
    low: float = -2.0,
    high: float = 2.0,
) -> np.ndarray:
    """Draw what ``torch.nn.init.trunc_normal_`` draws: whole tensors until every element fits."""
    dtype = np.dtype(dtype)
    if mean < low - 2 * std or mean > high + 2 * std:
        warnings.warn(messages.truncated_normal_far_mean(), stacklevel=2)

    def below(value: float) -> float:
        return (1.0 + math.erf(value / math.sqrt(2.0))) / 2.0

    kept = below((high - mean) / std) - below((low - mean) / std)
    if kept > 0.3:
        first, last = (from_double(np.float64(bound), dtype) for bound in (low, high))
        result = normal(generator, shape, dtype, mean, std)
        while (outside := (result < first) | (result > last)).any():
            result = np.where(outside, normal(generator, shape, dtype, mean, std), result)
        return result
    return _truncated_by_density(generator, shape, dtype, mean, std, low, high)


def _truncated_by_density(
    generator: CPUGenerator,
    shape: tuple[int, ...],
    dtype: np.dtype,
    mean: float,
    std: float,
    low: float,
    high: float,
) -> np.ndarray:
    """Propose uniformly, accept by the density: for bounds that keep little of the mass."""
    mode = max(low, min(mean, high))
    peak = -0.5 * ((mode - mean) / std) ** 2
    inner = compute_dtype(dtype)

    def rounded(values: Numeric) -> Numeric:
        return values.astype(dtype).astype(inner)

    def rejected(candidates: np.ndarray) -> np.ndarray:
        density: Numeric = candidates.astype(inner)
        density = rounded(density - inner(mean))
        density = rounded(density / inner(std))
        density = rounded(density * density)
        density = rounded(density * inner(-0.5))
        density = rounded(density - inner(peak))
        with np.errstate(divide="ignore"):
            draw = np.log(uniform(generator, shape, dtype).astype(np.float64))
        return from_double(draw, dtype).astype(inner) > density

    result = uniform(generator, shape, dtype, low, high)
    pending = rejected(result)
    while pending.any():
        candidates = uniform(generator, shape, dtype, low, high)
        result = np.where(pending, candidates, result)
        # Every element draws again; only those still pending look at the outcome.
        pending &= rejected(candidates)
    return result
