"""Philox4x32-10, the counter-based generator of CUDA devices, in NumPy or inside a jitted program.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: Parallel random numbers: as easy as 1, 2, 3, SC
2011. Being pure integer arithmetic of (seed, offset, element), it needs no state on the device. How
elements map to counters and how words become numbers follows PyTorch's CUDA kernels and cuRAND:
which thread draws an element depends, for large tensors, on the number of threads of the GPU.

Every function takes ``xp``, which is ``numpy`` or ``jax.numpy``. Seeds and offsets are Python
integers or, so that a compiled program can have them as inputs, arrays of two uint32 (low, high).
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from . import messages
from .mt19937 import DEFAULT_SEED, CPUGenerator
from .rounding import compute_dtype, fma32, is_floating

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_BLOCK_THREADS = 256
# Threads that an H100 or H200 (SXM) holds at once: 132 multiprocessors of 2048.
DEFAULT_THREADS = 132 * 2048
# Of launches that are not held to the threads that run at once.
_ANY = 2**40
_STATE = np.dtype([("seed", "<u8"), ("offset", "<i8")])


class PhiloxGenerator:
    """The state of a CUDA device's generator: a seed and how far its threads have drawn.

    Attributes:
        offset: words drawn by every thread since seeding, always a multiple of 4.
        threads: threads that the GPU holds at once.
    """

    __slots__ = ("__weakref__", "_seed", "offset", "threads")

    def __init__(self, seed: int = DEFAULT_SEED, threads: int = DEFAULT_THREADS) -> None:
        self.threads = threads
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> PhiloxGenerator:
        """Start over with a seed, under the same rules as the CPU generator's."""
        self._seed = CPUGenerator(seed).initial_seed()
        self.offset = 0
        return self

    def seed(self) -> int:
        """Seed from the operating system's entropy and return that seed."""
        self.manual_seed(CPUGenerator().seed())
        return self._seed

    def initial_seed(self) -> int:
        """Return the last seed that was set, as a number from 0 to 2**64 - 1."""
        return self._seed

    def get_state(self) -> np.ndarray:
        """Return the state as 16 bytes: the seed, then the offset."""
        record = np.array((self._seed, self.offset), _STATE)
        return np.frombuffer(record.tobytes(), np.uint8).copy()

    def set_state(self, state: np.ndarray) -> None:
        """Continue from a state that ``get_state`` saved."""
        if not isinstance(state, np.ndarray) or state.dtype != np.uint8:
            raise messages.state_is_no_byte_tensor(state)
        if state.size != _STATE.itemsize:
            raise messages.philox_state_size()
        record = np.frombuffer(np.ascontiguousarray(state).tobytes(), _STATE)[0]
        self._seed, self.offset = int(record["seed"]), int(record["offset"])

    def take(self, count: int, unroll: int = 4) -> tuple[int, int]:
        """Return (seed, offset) for a draw of ``count`` elements and move past it."""
        return self.advance(offset_increment(count, self.threads, unroll))

    def advance(self, words: int) -> tuple[int, int]:
        """Return (seed, offset) and move past this many words of a thread, whole calls of four."""
        start = self.offset
        self.offset += -(-words // 4) * 4
        return self._seed, start


def offset_increment(count: int, threads: int = DEFAULT_THREADS, unroll: int = 4) -> int:
    """Return by how much a draw of ``count`` elements moves the offset.

    Args:
        count: number of elements.
        threads: threads that the GPU holds at once.
        unroll: elements that a thread draws from one counter value: 4, or 2 for 64-bit dtypes.
    """
    if count == 0:
        return 0
    return ((count - 1) // (_launched(count, threads) * unroll) + 1) * 4


def _launched(count: int, threads: int) -> int:
    """Return how many threads PyTorch launches: whole blocks, no more than the GPU holds."""
    blocks = min(-(-count // _BLOCK_THREADS), threads // _BLOCK_THREADS)
    return blocks * _BLOCK_THREADS


def _halves(value: Any, xp: ModuleType) -> tuple[Any, Any]:
    """Return the low and the high 32 bits of a Python integer or of a pair of uint32."""
    if isinstance(value, (int, np.integer)):
        number = int(value) % 2**64
        return np.uint32(number & 0xFFFFFFFF), np.uint32(number >> 32)
    return xp.asarray(value)[0], xp.asarray(value)[1]


def _product(value: Any, factor: int) -> tuple[Any, Any]:
    """Return the high and the low 32 bits of ``value * factor`` with 32-bit arithmetic alone."""
    mask, shift = np.uint32(0xFFFF), np.uint32(16)
    low, high = value & mask, value >> shift
    factor_low, factor_high = np.uint32(factor & 0xFFFF), np.uint32(factor >> 16)
    middle = high * factor_low + (low * factor_low >> shift)
    other = low * factor_high + (middle & mask)
    upper = high * factor_high + (middle >> shift) + (other >> shift)
    return upper, value * np.uint32(factor)


def philox_words(seed: Any, counter: tuple[Any, Any, Any, Any], xp: ModuleType = np) -> tuple:
    """Return the four words of a Philox4x32-10 counter, each an array of the counter's shape.

    Args:
        seed: key, 64 bits.
        counter: four uint32 arrays that broadcast together.
        xp: ``numpy`` or ``jax.numpy``.
    """
    keys = list(_halves(seed, xp))
    words = list(xp.broadcast_arrays(*counter))
    with np.errstate(over="ignore"):
        for _ in range(10):
            upper_0, lower_0 = _product(words[0], _MULTIPLIERS[0])
            upper_2, lower_2 = _product(words[2], _MULTIPLIERS[1])
            words = [
                upper_2 ^ words[1] ^ keys[0],
                lower_2,
                upper_0 ^ words[3] ^ keys[1],
                lower_0,
            ]
            keys = [key + np.uint32(step) for key, step in zip(keys, _KEY_STEPS, strict=True)]
    return tuple(words)


def _thread_words(
    seed: Any, offset: Any, count: int, threads: int, unroll: int, xp: ModuleType
) -> tuple[list, int, int]:
    """Return the words of every counter value of a launch, shaped (rounds, threads)."""
    launched = _launched(count, threads)
    rounds = -(-count // (launched * unroll))
    low, high = _halves(offset, xp)
    with np.errstate(over="ignore"):
        start = (low >> np.uint32(2)) | (high << np.uint32(30))
        position = start + xp.arange(rounds, dtype=np.uint32)[:, None]
        carry = (position < start).astype(np.uint32)
        thread = xp.arange(launched, dtype=np.uint32)[None, :]
        above = (high >> np.uint32(2)) + carry
        counter = (position, above, thread, xp.zeros_like(thread))
    return list(philox_words(seed, counter, xp)), rounds, launched


def _in_order(parts: list, count: int, shape: tuple[int, ...], xp: ModuleType) -> Any:
    """Lay out what every thread drew: part i of a round follows part i - 1 of all threads."""
    return xp.stack(parts, axis=1).reshape(-1)[:count].reshape(shape)


def _unit64(first: Any, second: Any, xp: ModuleType) -> Any:
    mixed = first.astype(np.uint64) ^ (second.astype(np.uint64) << np.uint64(21))
    return mixed.astype(np.float64) * 2.0**-53 + 2.0**-54


def _unit32(word: Any, scale: float = 1.0) -> Any:
    # The product by a power of two is exact; where scale is 2 pi a GPU fuses as we do not.
    unit = np.float32(scale * 2.0**-32)
    return word.astype(np.float32) * unit + unit / np.float32(2)


def philox_units(
    seed: Any, offset: Any, shape: tuple[int, ...], wide: bool, threads: int, xp: ModuleType = np
) -> Any:
    """Draw uniformly from (0, 1]: what most of PyTorch's CUDA kernels transform.

    Args:
        seed, offset, shape, threads, xp: as for ``philox_uniform``.
        wide: whether they are float64 and not float32.
    """
    count = math.prod(shape)
    if count == 0:
        return xp.zeros(shape, np.float64 if wide else np.float32)
    words, _, _ = _thread_words(seed, offset, count, threads, 2 if wide else 4, xp)
    if wide:
        parts = [_unit64(words[0], words[1], xp), _unit64(words[2], words[3], xp)]
    else:
        parts = [_unit32(word) for word in words]
    return _in_order(parts, count, shape, xp)


def dropout_vector(count: int) -> int:
    """Return how many elements that lie side by side a thread of the dropout kernel takes."""
    return next(size for size in (4, 2, 1) if count % size == 0)


def philox_dropout(
    seed: Any, offset: Any, shape: tuple[int, ...], keep: Any, threads: int, xp: ModuleType = np
) -> Any:
    """Draw which elements PyTorch's CUDA kernel of dropout keeps, in the order of memory.

    Args:
        seed, offset, shape, threads, xp: as for ``philox_uniform``.
        keep: the probability, a float32, or a float64 for elements of float64.
    """
    count = math.prod(shape)
    vector = dropout_vector(count)
    if vector == 1 or count == 0:
        return philox_units(seed, offset, shape, False, threads, xp) < keep
    words, _, _ = _thread_words(seed, offset, count, threads, vector, xp)
    units = xp.stack([_unit32(word) for word in words[:vector]], axis=-1)
    return units.reshape(-1)[:count].reshape(shape) < keep


def philox_coins(seed: Any, offset: Any, probability: Any, xp: ModuleType = np) -> Any:
    """Draw what ``bernoulli_`` of a tensor of probabilities draws on a CUDA device, as booleans.

    A thread takes four elements that lie side by side, and there are as many threads as that needs.

    Args:
        seed, offset, xp: as for ``philox_uniform``.
        probability: float32, or float64 for elements of float64, in the order of memory.
    """
    count = probability.size
    words, _, _ = _thread_words(seed, offset, -(-count // 4), _ANY, 1, xp)
    units = xp.stack([_unit32(word) for word in words], axis=-1)
    return units.reshape(-1)[:count].reshape(probability.shape) <= probability


class KernelWords:
    """Words of a CUDA generator on the host, in the order of PyTorch's kernels for integers.

    Whatever draws integers from the words of a ``CPUGenerator`` draws what a CUDA device would.
    """

    def __init__(self, generator: PhiloxGenerator):
        self._generator = generator

    def words(self, count: int) -> np.ndarray:
        """Return one uint32 for each of ``count`` elements."""
        seed, offset = self._generator.take(count, 4)
        words, _, _ = _thread_words(seed, offset, count, self._generator.threads, 4, np)
        return _in_order(words, count, (count,), np)

    def words64(self, count: int) -> np.ndarray:
        """Return one uint64 for each of ``count`` elements."""
        seed, offset = self._generator.take(count, 2)
        words, _, _ = _thread_words(seed, offset, count, self._generator.threads, 2, np)
        wide = [word.astype(np.uint64) for word in words]
        pairs = [high << np.uint64(32) | low for high, low in (wide[:2], wide[2:])]
        return _in_order(pairs, count, (count,), np)


def philox_permutation(generator: PhiloxGenerator, count: int) -> np.ndarray:
    """Draw a permutation of 0 to ``count`` - 1 as ``torch.randperm`` does on a CUDA device.

    Random keys are sorted, which have as many bits as leave all of them different in nine draws of
    ten; among equal ones it goes on with a shuffle (Fisher, Yates).
    """
    if count == 0:
        return np.zeros(0, np.int64)
    least = count - (6.0 * count * count + 1) / (12 * math.log(0.9))
    bits = min(64, math.ceil(math.log2(least)))
    kind = np.int32 if bits <= 32 else np.int64
    bounds = np.iinfo(kind)
    words = KernelWords(generator).words64(count)
    keys = (words % np.uint64(int(bounds.max) - int(bounds.min))).astype(np.int64)
    keys = (keys + int(bounds.min)).astype(kind)
    keys = keys if bits == bounds.bits else keys & kind(2**bits - 1)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    start = generator.offset
    generator.offset += -(-count // 4) * 4
    equal = np.flatnonzero(keys[1:] == keys[:-1])
    for first in (int(place) for place in equal if place == 0 or keys[place - 1] != keys[place]):
        size = int(np.searchsorted(keys[first:], keys[first], "right"))
        for step, last in enumerate(range(size - 1, 0, -1)):
            low, high = _halves(start // 4 + step // 4, np)
            at = (low, high, np.uint32(first), np.uint32(0))
            word = philox_words(generator.initial_seed(), at)[step % 4]
            other = first + int(word) % (last + 1)
            order[[first + last, other]] = order[[other, first + last]]
    return order


def philox_uniform(
    seed: Any,
    offset: Any,
    shape: tuple[int, ...],
    dtype: np.typing.DTypeLike = np.float32,
    low: float = 0.0,
    high: float = 1.0,
    threads: int = DEFAULT_THREADS,
    xp: ModuleType = np,
) -> Any:
    """Draw what ``uniform_(low, high)`` draws on a CUDA device.

    Args:
        seed, offset: of the generator before the draw (``PhiloxGenerator.take``).
        shape, dtype: of the result; a real floating dtype.
        low, high: bounds.
        threads: threads that the GPU holds at once.
        xp: ``numpy`` or ``jax.numpy``.
    Returns:
        Array in [low, high). float32 equals PyTorch's bits; float64 follows cuRAND's formulas.
    """
    dtype = np.dtype(dtype)
    if not is_floating(dtype):
        raise messages.not_implemented("check_uniform_bounds", messages.scalar_type(dtype))
    inner = compute_dtype(dtype)
    units = philox_units(seed, offset, shape, dtype == np.float64, threads, xp)
    start, end = inner(low), inner(high)
    if (low, high) != (0.0, 1.0):
        units = _fused(units, end - start, start, xp)
    values = units.astype(dtype)
    # cuRAND's interval is closed above; PyTorch turns it around.
    return xp.where(values == end.astype(dtype), start.astype(dtype), values)


def _fused(units: Any, factor: Any, addend: Any, xp: ModuleType) -> Any:
    if xp is np and units.dtype == np.float32:
        return fma32(units, factor, addend)
    return units * factor + addend


def philox_normal(
    seed: Any,
    offset: Any,
    shape: tuple[int, ...],
    dtype: np.typing.DTypeLike = np.float32,
    mean: float = 0.0,
    std: float = 1.0,
    threads: int = DEFAULT_THREADS,
    xp: ModuleType = np,
) -> Any:
    """Draw what ``normal_(mean, std)`` draws on a CUDA device, to about the last digit.

    The GPU's approximate logarithm, sine and cosine cannot be had elsewhere to the bit.

    Args:
        seed, offset, shape, dtype, threads, xp: as for ``philox_uniform``.
        mean, std: parameters.
    """
    dtype = np.dtype(dtype)
    if not is_floating(dtype):
        raise messages.not_implemented("normal_kernel_cuda", messages.scalar_type(dtype))
    if not std >= 0:
        raise messages.normal_negative_std(std)
    count, inner = math.prod(shape), compute_dtype(dtype)
    if count == 0:
        return xp.zeros(shape, dtype)
    unroll = 2 if dtype == np.float64 else 4
    words, _, _ = _thread_words(seed, offset, count, threads, unroll, xp)
    if dtype == np.float64:
        pairs = [(_unit64(words[0], words[1], xp), _unit64(words[2], words[3], xp) * 2 * np.pi)]
    else:
        pairs = [
            (_unit32(words[0]), _unit32(words[1], 2 * np.pi)),
            (_unit32(words[2]), _unit32(words[3], 2 * np.pi)),
        ]
    parts = []
    for unit, angle in pairs:
        radius = xp.sqrt(inner(-2) * xp.log(unit))
        parts += [radius * xp.sin(angle), radius * xp.cos(angle)]
    samples = _in_order(parts, count, shape, xp)
    return _fused(samples, inner(std), inner(mean), xp).astype(dtype)
