"""Distributions drawn by rejection: Poisson, gamma, Dirichlet, binomial.

How many words a draw takes depends on the words, so elements are drawn one after another, as in
PyTorch. Its arithmetic mixes the tensor's own precision with double precision; NumPy scalars of
both kinds follow it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import TracebackType

import numpy as np

from . import messages
from .mt19937 import CPUGenerator
from .rounding import from_double, is_floating
from .summation import sum_last
from .uniform import finfo

_THIRD = float(np.float32(1) / np.float32(3))
_SQUEEZE = float(np.float32(0.0331))
# ln k! less Stirling's approximation of it, for k below 10 (Hormann 1993, cited below).
_STIRLING = (
    0.0810614667953272,
    0.0413406959554092,
    0.0276779256849983,
    0.02079067210376509,
    0.0166446911898211,
    0.0138761288230707,
    0.0118967099458917,
    0.0104112652619720,
    0.00925546218271273,
    0.00833056343336287,
)


class _Samples:
    """Uniforms and normals one by one, drawn from the generator in bulk and paid for at the end."""

    def __init__(self, generator: CPUGenerator, count: int) -> None:
        self._generator = generator
        self._ahead = generator.clone_state()
        self._bulk = min(max(4 * count, 64), 1 << 16)
        self._waiting: list[float] = []
        self._used = 0

    def __enter__(self) -> _Samples:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._generator.words(2 * self._used)

    def uniform(self) -> float:
        if not self._waiting:
            self._waiting = self._ahead.doubles(self._bulk).tolist()
            self._waiting.reverse()
        self._used += 1
        return self._waiting.pop()

    def normal(self) -> float:
        kept = self._generator.cached_normal
        if kept is not None:
            self._generator.cached_normal = None
            return kept
        first, second = self.uniform(), self.uniform()
        radius = math.sqrt(-2.0 * math.log1p(-second))
        angle = 2.0 * math.pi * first
        self._generator.cached_normal = radius * math.sin(angle)
        return radius * math.cos(angle)


def _elementwise(
    generator: CPUGenerator, dtype: np.dtype, sample: Callable, *parameters: np.ndarray
) -> np.ndarray:
    """Call ``sample(samples, *scalars)`` for every element, as float64 rounded to the dtype."""
    shape = parameters[0].shape
    flat = [np.ravel(parameter).tolist() for parameter in parameters]
    with _Samples(generator, parameters[0].size) as samples:
        values = [sample(samples, *scalars) for scalars in zip(*flat, strict=True)]
    return from_double(np.array(values, np.float64), dtype).reshape(shape)


# ---- Poisson


def poisson(generator: CPUGenerator, rate: np.ndarray) -> np.ndarray:
    """Draw what ``torch.poisson(rate)`` draws, in the dtype and shape of ``rate``.

    W. Hormann: The transformed rejection method for generating Poisson random variables, Insurance:
    Mathematics and Economics 12 (1993), for rates from 10; a product of uniforms below.
    """
    rate = np.asarray(rate)
    if not is_floating(rate.dtype):
        raise messages.not_implemented("poisson_cpu", messages.scalar_type(rate.dtype))
    if not (rate >= 0).all():
        raise messages.poisson_rate()
    return _elementwise(generator, rate.dtype, _poisson, rate.astype(np.float64))


def _poisson(samples: _Samples, rate: float) -> float:
    if rate >= 10:
        return _poisson_transformed(samples, rate)
    if rate == 0:
        return 0
    limit, product, count = math.exp(-rate), 1.0, 0
    while True:
        product *= samples.uniform()
        if product <= limit:
            return count
        count += 1


def _poisson_transformed(samples: _Samples, rate: float) -> float:
    if math.isinf(rate):
        raise NotImplementedError("poisson with an infinite rate, where PyTorch does not return")
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = samples.uniform() - 0.5
        v = samples.uniform()
        tail = 0.5 - abs(u)
        if tail == 0:
            continue
        count = math.floor((2 * a / tail + b) * u + rate + 0.43)
        if tail >= 0.07 and v <= squeeze:
            return count
        if count < 0 or (tail < 0.013 and v > tail):
            continue
        left = _log(v) + math.log(inverse_alpha) - math.log(a / (tail * tail) + b)
        if left <= -rate + count * log_rate - math.lgamma(count + 1.0):
            return count


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


# ---- gamma and Dirichlet


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:  # a negative concentration, which PyTorch lets pass
        return math.inf


def standard_gamma(generator: CPUGenerator, concentration: np.ndarray) -> np.ndarray:
    """Draw what ``torch._standard_gamma(alpha)`` draws, never below the dtype's smallest normal.

    G. Marsaglia, W. W. Tsang: A simple method for generating gamma variables, ACM TOMS 26 (2000).
    """
    concentration = np.asarray(concentration)
    dtype = concentration.dtype
    if dtype not in (np.float32, np.float64):
        raise messages.not_implemented("gamma_cpu", messages.scalar_type(dtype))
    smallest = finfo(dtype).tiny
    with np.errstate(over="ignore"):
        draws = _elementwise(generator, dtype, _gamma_of(dtype), concentration)
    return np.where(draws > smallest, draws, smallest)  # NaN becomes the smallest, too


def _gamma_of(dtype: np.dtype) -> Callable[[_Samples, float], float]:
    own = dtype.type

    def gamma(samples: _Samples, given: float) -> float:
        alpha, scale = own(given), 1.0
        if alpha < 1:
            if alpha == 0:
                return 0.0
            scale = _power(1 - samples.uniform(), float(own(1) / alpha))
            alpha = alpha + own(1)
        d = float(alpha - own(_THIRD))
        c = 1.0 / math.sqrt(9.0 * d) if d > 0 else math.nan
        while True:
            while True:
                x = samples.normal()
                y = 1.0 + c * x
                if not y <= 0:
                    break
            v = y * y * y
            u = 1 - samples.uniform()
            square = x * x
            if u < 1.0 - _SQUEEZE * square * square:
                return scale * d * v
            if math.log(u) < 0.5 * square + d * (1.0 - v + math.log(v)):
                return scale * d * v

    return gamma


def dirichlet(generator: CPUGenerator, concentration: np.ndarray) -> np.ndarray:
    """Draw what ``torch._sample_dirichlet(alpha)`` draws: each row is a distribution."""
    concentration = np.asarray(concentration)
    dtype = concentration.dtype
    if dtype not in (np.float32, np.float64):
        raise messages.not_implemented("dirichlet", messages.scalar_type(dtype))
    gamma = standard_gamma(generator, concentration.astype(np.float64))
    shares = from_double(gamma / sum_last(gamma)[..., None], dtype)
    below_one = np.nextafter(dtype.type(1), dtype.type(0))
    return np.minimum(below_one, np.maximum(finfo(dtype).tiny, shares))


# ---- binomial


def binomial(generator: CPUGenerator, count: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Draw what ``torch.binomial(count, prob)`` draws.

    W. Hormann: The generation of binomial random variates, J. Stat. Comput. Simul. 46 (1993), where
    ten or more successes are expected; sums of geometric waiting times below.

    Args:
        generator: engine.
        count, probability: arrays of one shape and one dtype, float32 or float64.
    """
    count, probability = np.asarray(count), np.asarray(probability)
    dtype = count.dtype
    for name, given in (("count", dtype), ("prob", probability.dtype)):
        if not is_floating(given):
            raise messages.binomial_dtype(name, given)
    if dtype.itemsize == 2:
        raise messages.not_implemented("binomial_cpu", messages.scalar_type(dtype))
    own = dtype.type

    def sample(samples: _Samples, trials: float, chance: float) -> float:
        return float(_binomial(samples, own(trials), own(chance)))

    return _elementwise(generator, dtype, sample, count, probability)


def _binomial(samples: _Samples, count: np.floating, chance: np.floating) -> np.floating:
    own = type(count)
    if count <= 0 or chance <= 0:
        return own(0)
    if chance >= 1:
        return count
    if math.isnan(chance):
        return own(math.nan)
    mirrored = chance > 0.5
    if mirrored:
        chance = own(1.0 - float(chance))
    method = _binomial_transformed if count * chance >= 10 else _binomial_waiting
    successes = method(samples, count, chance)
    return count - successes if mirrored else successes


def _binomial_waiting(samples: _Samples, count: np.floating, chance: np.floating) -> np.floating:
    own = type(count)
    log_failure = float(own(math.log1p(-float(chance))))
    trials, successes = 0.0, 0
    while True:
        trials += np.ceil(_log(samples.uniform()) / log_failure)
        if trials > count:
            return own(successes)
        successes += 1


def _binomial_transformed(
    samples: _Samples, count: np.floating, chance: np.floating
) -> np.floating:
    own = type(count)
    one = own(1)
    deviation = float(np.sqrt(count * chance * (one - chance)))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * float(chance)
    c = float(count * chance) + 0.5
    squeeze = 0.92 - 4.2 / b
    odds = float(chance / (one - chance))
    alpha = (2.83 + 5.1 / b) * deviation
    mode = float(np.floor((count + one) * chance))
    trials = float(count)
    while True:
        u = samples.uniform() - 0.5
        v = samples.uniform()
        tail = 0.5 - abs(u)
        if tail == 0:
            continue
        k = own(math.floor((2 * a / tail + b) * u + c))
        if k < 0 or k > count:
            continue
        if tail >= 0.07 and v <= squeeze:
            return k
        v = _log(v * alpha / (a / (tail * tail) + b))
        rest, successes = float(count - k + one), float(k + one)
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (odds * (trials - mode + 1)))
            + float(count + one) * math.log((trials - mode + 1) / rest)
            + (float(k) + 0.5) * math.log(odds * rest / successes)
            + _stirling_tail(mode)
            + _stirling_tail(trials - mode)
            - _stirling_tail(float(k))
            - _stirling_tail(float(count - k))
        )
        if v <= bound:
            return k


def _stirling_tail(k: float) -> float:
    if k < len(_STIRLING):
        return _STIRLING[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)
