"""Whole numbers: bounded and unbounded integers, Bernoulli trials, permutations, multinomial."""

from __future__ import annotations

import math
import warnings

import numpy as np

from . import messages
from .continuous import exponential
from .mt19937 import CPUGenerator
from .rounding import BFLOAT16, Numeric, compute_dtype, is_floating
from .uniform import finfo

# From this width on, a bounded integer takes two words. (PyTorch's own internal builds keep the
# older switch point of 2**32.)
_TWO_WORD_RANGE = 2**28
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
# Beyond this many elements PyTorch shuffles with 64-bit numbers, from the other end.
_WIDE_PERMUTATION = (2**32 - 1) // 20


def _digits(dtype: np.dtype) -> int:
    """Return the bits of a floating dtype's significand, the hidden one included."""
    return finfo(dtype).nmant + 1


def _from_int64(values: Numeric, dtype: np.dtype) -> np.ndarray:
    """Cast int64 as C++ does: the half formats go through float32."""
    if dtype.itemsize == 2 and is_floating(dtype):
        values = values.astype(np.float32)
    return values.astype(dtype, copy=False)


def _remainder(values: np.ndarray, divisor: int) -> np.ndarray:
    if divisor & (divisor - 1) == 0:
        values &= values.dtype.type(divisor - 1)
        return values
    divisor = values.dtype.type(divisor)
    quotient = values // divisor  # vectorised in NumPy, unlike %
    quotient *= divisor
    values -= quotient
    return values


# ---- integers between bounds


def randint(
    generator: CPUGenerator,
    low: int,
    high: int,
    shape: tuple[int, ...] = (),
    dtype: np.typing.DTypeLike = np.int64,
) -> np.ndarray:
    """Draw integers from [low, high): what ``torch.randint(low, high, shape)`` draws."""
    return random_(generator, shape, dtype, low, high)


def random_(
    generator: CPUGenerator,
    shape: tuple[int, ...] = (),
    dtype: np.typing.DTypeLike = np.int64,
    low: int | None = None,
    high: int | None = None,
) -> np.ndarray:
    """Draw what ``Tensor.random_()``, ``random_(to)`` or ``random_(from, to)`` draws.

    Args:
        generator: engine; one word an element, two for wide ranges and 64-bit dtypes.
        shape: shape of the result, filled in row-major order.
        dtype: an integer, bool or real floating dtype.
        low: lowest number; None for PyTorch's ``random_()`` without bounds (or 0 if high is given).
        high: one above the highest number; None for the largest that the dtype counts to.
    Raises:
        RuntimeError: bounds that are reversed or beyond the dtype.
        NotImplementedError: a dtype that PyTorch does not draw this way.
    """
    dtype = np.dtype(dtype)
    count = math.prod(shape)
    if low is None and high is None:
        return _unbounded(generator, count, dtype).reshape(shape)
    if low is None:
        low = 0
    if high is None and low == _INT64_MIN:
        return _full_range(generator, count, dtype).reshape(shape)
    if dtype.kind == "c" or dtype.name.startswith("float8"):
        if high is None:
            raise messages.random_bounds_of_complex()
        if not low < high:
            raise messages.random_reversed(low, high)
        if dtype.kind == "c":
            raise RuntimeError(
                "check_random_bounds handles only integral, floating-point and boolean types"
            )
        raise messages.not_implemented("random_update_from_to", messages.scalar_type(dtype))
    low, last = _checked_bounds(dtype, low, high)
    width = (last - low + 1) % 2**64
    if count == 0:
        return np.empty(shape, dtype)
    if width >= _TWO_WORD_RANGE:
        draws = _remainder(generator.words64(count), width).view(np.int64)
    else:
        draws = _remainder(generator.words(count), width).astype(np.int64)
    draws += low
    return _from_int64(draws, dtype).reshape(shape)


def _checked_bounds(dtype: np.dtype, low: int, high: int | None) -> tuple[int, int]:
    """Return the first and the last number to draw, after PyTorch's checks."""
    if high is not None:
        if not low < high:
            raise messages.random_reversed(low, high)
        if is_floating(dtype):
            low, high = _representable_low(low, dtype), _representable_high(high, dtype)
            if not low < high:
                raise messages.random_reversed_after_cast(low, high)
        last = high - 1
    elif is_floating(dtype):
        last = 2 ** _digits(dtype)
        low = _representable_low(low, dtype)
        if not low < last:
            raise messages.random_from_beyond_dtype(low, last)
    elif dtype.kind == "b":
        last = 1
    else:
        last = int(np.iinfo(dtype).max)
        if last > _INT64_MAX:  # uint64: PyTorch's largest becomes -1 as a signed number
            last = -1
    _check_range(dtype, low, last)
    return low, last


def _check_range(dtype: np.dtype, low: int, last: int) -> None:
    if is_floating(dtype):
        largest = int(float(finfo(dtype).max))
        smallest = -largest
    elif dtype.kind == "b":
        smallest, largest = 0, 1
    else:
        smallest, largest = int(np.iinfo(dtype).min), min(int(np.iinfo(dtype).max), _INT64_MAX)
    for name, bound in (("from", low), ("to - 1", last)):
        if not smallest <= bound <= largest:
            raise messages.out_of_bounds(name, dtype)
    if is_floating(dtype):
        digits = _digits(dtype)
        for name, bound in (("from", low), ("to - 1", last)):
            if abs(bound) > 2**digits:
                warnings.warn(messages.beyond_precision(name, digits, dtype), stacklevel=4)


def _through(value: int, dtype: np.dtype) -> int:
    """Cast an integer to a floating dtype and back, what does not fit giving the lowest int64."""
    with np.errstate(over="ignore"):
        cast = float(_from_int64(np.int64(value), dtype))
    return int(cast) if -(2.0**63) <= cast < 2.0**63 else _INT64_MIN


def _representable_low(low: int, dtype: np.dtype) -> int:
    """Move a lower bound up to a number of the dtype if casting would fall below the bound."""
    above = low + 1 if low < _INT64_MAX else _INT64_MIN
    cast = _through(above, dtype)
    if cast < low:
        return cast + 2 ** max(abs(above).bit_length() - _digits(dtype), 0)
    return low


def _representable_high(high: int, dtype: np.dtype) -> int:
    """Move an upper bound down to a number of the dtype if casting would reach the bound."""
    below = high - 1
    cast = _through(below, dtype)
    if cast >= high:
        return cast - 2 ** max(abs(below).bit_length() - _digits(dtype), 0)
    return high


# ---- integers without bounds


def _unbounded(generator: CPUGenerator, count: int, dtype: np.dtype) -> np.ndarray:
    if count == 0:
        return np.empty(0, dtype)
    if dtype.kind == "b":
        return (generator.words(count) & np.uint32(1)).astype(bool)
    if is_floating(dtype):
        width = 2 ** _digits(dtype) + 1
    elif dtype.kind == "i" or dtype == np.uint8:
        width = int(np.iinfo(dtype).max) + 1
    else:
        raise messages.not_implemented("random_kernel_cpu", messages.scalar_type(dtype))
    if dtype in (np.int64, np.float64):
        draws = _remainder(generator.words64(count), width).view(np.int64)
    else:
        draws = _remainder(generator.words(count), width).astype(np.int64)
    return _from_int64(draws, dtype)


def _full_range(generator: CPUGenerator, count: int, dtype: np.dtype) -> np.ndarray:
    if count == 0:
        return np.empty(0, dtype)
    if dtype not in (np.int64, np.float64, np.float32) and dtype != BFLOAT16:
        if dtype.kind == "i" or dtype == np.uint8:
            raise messages.random_full_range_dtype()
        raise messages.not_implemented(
            "random_full_64_bits_range_kernel_cpu", messages.scalar_type(dtype)
        )
    return _from_int64(generator.words64(count).view(np.int64), dtype)


# ---- Bernoulli


def _check_bernoulli_dtype(kernel: str, dtype: np.dtype) -> None:
    if not (is_floating(dtype) or dtype.kind in "bi" or dtype == np.uint8):
        raise messages.not_implemented(kernel, messages.scalar_type(dtype))


def bernoulli(
    generator: CPUGenerator,
    probability: float,
    shape: tuple[int, ...] = (),
    dtype: np.typing.DTypeLike = np.float32,
) -> np.ndarray:
    """Draw what ``Tensor.bernoulli_(p)`` draws for a number p: two words an element."""
    dtype, probability = np.dtype(dtype), float(probability)
    if not 0 <= probability <= 1:
        raise messages.bernoulli_probability(probability)
    count = math.prod(shape)
    if count:
        _check_bernoulli_dtype("bernoulli_scalar_cpu_", dtype)
    if not count:
        return np.empty(shape, dtype)
    below = generator.below(count, math.ceil(math.ldexp(probability, 53)))  # u * 2**-53 < p
    return below.astype(dtype, copy=False).reshape(shape)


def bernoulli_tensor(
    generator: CPUGenerator, probability: np.ndarray, dtype: np.typing.DTypeLike | None = None
) -> np.ndarray:
    """Draw what ``torch.bernoulli(p)`` or ``Tensor.bernoulli_(p)`` draws for a tensor p.

    Args:
        generator: engine; one word an element, two for a float64 p.
        probability: array of the result's shape (broadcast it first).
        dtype: dtype of the result; that of ``probability`` by default.
    """
    probability = np.asarray(probability)
    dtype = probability.dtype if dtype is None else np.dtype(dtype)
    if probability.size == 0:
        return np.empty(probability.shape, dtype)
    _check_bernoulli_dtype("bernoulli_tensor_cpu_self_", dtype)
    if not is_floating(probability.dtype):
        raise messages.not_implemented(
            "bernoulli_tensor_cpu_p_", messages.scalar_type(probability.dtype)
        )
    if not ((probability >= 0) & (probability <= 1)).all():
        raise messages.bernoulli_tensor_probability()
    if probability.dtype == np.float64:
        units = generator.doubles(probability.size)
    else:
        units = generator.floats(probability.size)
        probability = probability.astype(np.float32)
    return (units.reshape(probability.shape) < probability).astype(dtype)


# ---- permutations


def randperm(
    generator: CPUGenerator, count: int, dtype: np.typing.DTypeLike = np.int64
) -> np.ndarray:
    """Draw what ``torch.randperm(n)`` draws: n - 1 words.

    Raises:
        RuntimeError: a negative n, or one that the dtype cannot count to.
        NotImplementedError: a dtype that PyTorch does not permute, or n beyond 214,748,364.
    """
    dtype = np.dtype(dtype)
    _check_permutation(count, dtype)
    if count >= _WIDE_PERMUTATION:
        raise NotImplementedError(
            "randperm of 214,748,364 or more elements: PyTorch uses another algorithm there"
        )
    if count < 2:
        return np.arange(count).astype(dtype)
    steps = np.arange(count, dtype=np.int64)
    targets = generator.words(count - 1).astype(np.int64)
    targets %= count - steps[:-1]
    targets += steps[:-1]
    order = _swaps(targets) if count < 200 else _swaps_at_once(targets, steps)
    return _from_int64(order, dtype)


def _check_permutation(count: int, dtype: np.dtype) -> None:
    if count < 0:
        raise messages.permutation_negative(count)
    if dtype.kind in "iu" and count - 1 > np.iinfo(dtype).max:
        raise messages.permutation_overflow(dtype)
    # torch 2.13 does not hold bfloat16 to its precision.
    if is_floating(dtype) and dtype != BFLOAT16 and count > 2 ** _digits(dtype) + 1:
        raise messages.permutation_imprecise(2 ** _digits(dtype) + 1, dtype)
    if not (is_floating(dtype) or dtype.kind == "i" or dtype == np.uint8):
        raise messages.not_implemented("randperm", messages.scalar_type(dtype))


def _swaps(targets: np.ndarray) -> np.ndarray:
    """Swap place i with place ``targets[i]`` for i = 0, 1, ..., starting from 0, 1, 2, ..."""
    order = list(range(len(targets) + 1))
    for place, target in enumerate(targets.tolist()):
        order[place], order[target] = order[target], order[place]
    return np.array(order, np.int64)


def _swaps_at_once(targets: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Do what ``_swaps`` does by following, for all places at once, where a number came from.

    Step k leaves at place ``targets[k]`` what place k held before. So what place i holds before
    step i is what place k held before step k, k being the last earlier step that aimed at i; the
    result at i is the same question asked of ``targets[i]``. Chains of such steps are short.
    """
    count = len(steps)
    # Sorting (target, step) pairs packed in one number puts the steps of a target in a row.
    packed = np.empty(count, np.int64)
    packed[:-1] = targets
    packed[-1] = count - 1  # a last step that swaps the last place with itself
    packed <<= 32
    packed |= steps
    packed.sort()
    step, target = packed & 0xFFFFFFFF, packed >> 32
    follows = target[1:] == target[:-1]
    # Last step before i that had the target of step i; -1 if none.
    same = np.full(count, -1, np.int64)
    same[step[1:][follows]] = step[:-1][follows]
    # Last step before i that aimed at i; i where there is none. A step that aims at its own
    # place is the last one to do so, hence the question of ``same``.
    aims = np.append(targets, count - 1)
    final = np.append(~follows, True)
    source = steps.copy()
    source[target[final]] = step[final]
    source = np.where(aims == steps, np.where(same >= 0, same, steps), source)
    while not np.array_equal(further := source[source], source):
        source = further
    return np.where(same >= 0, source[same], aims)


# ---- multinomial


#: PyTorch's limit: float32 tells these whole numbers apart.
_MOST_CATEGORIES = 1 << 24


def multinomial(
    generator: CPUGenerator, weights: np.ndarray, samples: int, replacement: bool = False
) -> np.ndarray:
    """Draw what ``torch.multinomial(weights, samples, replacement)`` draws, as int64 indices.

    Args:
        generator: engine; two words for every weight, or for every sample if several are drawn
            with replacement.
        weights: one or two dimensions, of a floating dtype; a row is one distribution.
        samples: how many indices to draw per row.
        replacement: whether an index may be drawn again.
    Raises:
        RuntimeError: PyTorch's complaints about weights and numbers.
    """
    weights = np.asarray(weights)
    if weights.ndim not in (1, 2):
        raise messages.multinomial_dimensions()
    if not is_floating(weights.dtype):
        raise messages.multinomial_dtype(weights.dtype)
    if samples <= 0:
        raise messages.multinomial_no_samples()
    if not replacement and samples > weights.shape[-1]:
        raise messages.multinomial_too_many()
    if weights.shape[-1] > _MOST_CATEGORIES:
        raise messages.multinomial_categories()
    rows = np.atleast_2d(weights)
    if len(rows) == 0:
        return np.empty((*weights.shape[:-1], samples), np.int64)
    if not replacement or samples == 1:
        found = _race(generator, rows, samples)
    else:
        found = _from_cumulative(generator, rows, samples)
    return found.reshape(*weights.shape[:-1], samples)


def _race(generator: CPUGenerator, rows: np.ndarray, samples: int) -> np.ndarray:
    """Let every category wait an exponential time over its weight; the first ones win."""
    if rows.size == 0:
        raise messages.multinomial_empty()
    wide = rows.astype(np.float64)
    if not (np.isfinite(wide).all() and (wide >= 0).all()):
        raise messages.multinomial_bad_entry()
    if (wide.sum(axis=1) == 0).any():
        raise messages.multinomial_bad_sum()
    compute = compute_dtype(rows.dtype)
    waits = exponential(generator, rows.shape, rows.dtype).astype(compute)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        speed = (rows.astype(compute) / waits).astype(rows.dtype).astype(compute)
    speed = np.where(np.isnan(speed), np.inf, speed)  # PyTorch ranks NaN highest
    if samples == 1:
        return speed.argmax(axis=1, keepdims=True).astype(np.int64)
    return np.argsort(-speed, axis=1, kind="stable")[:, :samples].astype(np.int64)


def _from_cumulative(generator: CPUGenerator, rows: np.ndarray, samples: int) -> np.ndarray:
    """Look one uniform number per sample up in the running sums of each row."""
    found = np.empty((len(rows), samples), np.int64)
    for row, out in zip(rows, found, strict=True):
        wide = row.astype(np.float64)
        if not (wide >= 0).all():
            raise messages.multinomial_bad_cumulative("encountering probability entry < 0")
        if not np.isfinite(wide).all():
            raise messages.multinomial_bad_cumulative(
                "encountering probability entry = infinity or NaN"
            )
        sums: np.ndarray = np.cumsum(row, dtype=compute_dtype(row.dtype))
        if not sums.size or not sums[-1] > 0:
            raise messages.multinomial_bad_sum()
        sums /= sums[-1]
        sums[-1] = 1.0
        out[:] = np.searchsorted(sums.astype(np.float64), generator.doubles(samples), side="left")
    return found
