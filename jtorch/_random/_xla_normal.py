"""The float32 normal transform as one compiled XLA program, equal to NumPy's to the bit.

XLA's CPU compiler fuses a product that is used once with the addition that follows, on machines
that can, which is what the compiler of PyTorch's kernels does. Where it must not fuse (or fold two
constants into one) the value passes ``_opaque``. Whether all this holds on the machine at hand is
not taken on trust: each compiled size is compared with NumPy before its first use, and NumPy keeps
the job if a single bit differs.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from . import box_muller as _exact

# Elements per call, smallest first; a draw is cut into calls of the size that suits it, so that
# these few programs serve every shape.
_SIZES = (1 << 10, 1 << 14, 1 << 16, 1 << 18)
# Seconds that NumPy may have spent on draws of a size before compiling for it pays, and
# what it spends, measured: a fixed cost per draw and a cost per element.
_BUDGET, _PER_DRAW, _PER_ELEMENT = 0.2, 3e-4, 4e-8

_programs: dict[int, Callable | None] = {}
_spent = dict.fromkeys(_SIZES, 0.0)
if hasattr(os, "register_at_fork"):
    # Executables belong to the process that loaded them, so a forked one leaves all to NumPy.
    os.register_at_fork(after_in_child=lambda: _programs.update(dict.fromkeys(_SIZES)))


def _size_class(count: int) -> int:
    for size in _SIZES:
        if count <= 2 * size:
            return size
    return _SIZES[-1]


def is_worthwhile(count: int) -> bool:
    """Tell whether a draw of this size should be compiled, given how many came before."""
    size = _size_class(count)
    if size not in _programs:
        _spent[size] += _PER_DRAW + _PER_ELEMENT * count
        if _spent[size] < _BUDGET:
            return False
        _programs[size] = _verified(size)
    return _programs[size] is not None


def transform_words(words: np.ndarray, mean: np.float32, std: np.float32, out: np.ndarray) -> None:
    """Do what ``box_muller.transform_words`` does; ``is_worthwhile`` must have said yes."""
    count, size = words.size, _size_class(words.size)
    program = _programs[size]
    assert program is not None
    if count < size:
        words = np.concatenate([words, np.zeros(size - count, np.uint32)])
    # The last call of several begins early enough to be a full one.
    starts = [*range(0, max(count - size, 0), size), max(count - size, 0)]
    pending = [(start, program(words[start : start + size], mean, std)) for start in starts]
    for start, halves in pending:
        rows = out[start : start + size].reshape(-1, 2, 8)
        for place, half in enumerate(halves):
            rows[:, place] = np.asarray(half)[: len(rows)]


def _verified(size: int) -> Callable | None:
    """Compile the program for one size; return None where its bits are not NumPy's."""
    program = _compiled(size)
    if program is None:
        return None
    count = min(size, 1 << 15)
    words = np.random.RandomState(size % 2**32).randint(0, 2**32, size=size, dtype=np.uint32)
    mean, std = np.float32(0.3), np.float32(0.7)
    expected = np.empty(count, np.float32)
    _exact.transform_words_numpy(words[:count], mean, std, expected)
    halves = program(words, mean, std)
    found = np.stack([np.asarray(half)[: count // 16] for half in halves], axis=1)
    same = np.array_equal(found.reshape(-1).view(np.int32), expected.view(np.int32))
    return program if same else None


def _compiled(size: int) -> Callable | None:
    import jax

    try:
        device = jax.devices("cpu")[0]
    except RuntimeError:  # a process restricted to accelerators
        return None
    scalar = jax.ShapeDtypeStruct((), np.float32)
    arguments = (
        jax.ShapeDtypeStruct((size,), np.uint32),
        scalar,
        scalar,
        jax.ShapeDtypeStruct((), np.int32),
    )
    # Compiled ahead of time, so that a call neither looks at JAX's settings nor joins a
    # trace that a user's own ``jax.jit`` may have open.
    with jax.default_device(device):
        compiled = jax.jit(_transform).lower(*arguments).compile()
    nothing = np.int32(0)

    def program(words: np.ndarray, mean: np.float32, std: np.float32) -> tuple:
        return compiled(words, mean, std, nothing)

    return program


def _transform(words, mean, std, nothing):
    """Transform a vector of words; return the first and the second halves of all blocks."""
    import jax.numpy as jnp
    from jax import lax

    float32 = np.float32

    def _opaque(value):
        # ``nothing`` is zero, which the compiler cannot know.
        return lax.bitcast_convert_type(
            lax.bitcast_convert_type(value, jnp.int32) | nothing, jnp.float32
        )

    def _with_sign(value, sign):
        return lax.bitcast_convert_type(
            lax.bitcast_convert_type(value, jnp.int32) ^ (sign << 29), jnp.float32
        )

    def _horner(variable, coefficients):
        value = coefficients[0]
        for coefficient in coefficients[1:]:
            value = value * variable + coefficient
        return value

    def _log(x):
        bits = lax.bitcast_convert_type(x, jnp.int32)
        exponent = ((bits >> 23) - 126).astype(jnp.float32)
        mantissa = lax.bitcast_convert_type((bits & 0x7FFFFF) | 0x3F000000, jnp.float32)
        small = mantissa < _exact.SQRT_HALF
        exponent = jnp.where(small, exponent - float32(1), exponent)
        reduced = mantissa - float32(1)
        x = jnp.where(small, reduced + mantissa, reduced)
        square = x * x
        y = _horner(x, _exact.LOG) * x
        y = y * square + _opaque(exponent * _exact.LOG_TWO_LOW)
        y = square * float32(-0.5) + y
        return exponent * _exact.LOG_TWO_HIGH + (x + y)

    def _sincos(angle):
        octant = ((angle * _exact.FOUR_OVER_PI).astype(jnp.int32) + 1) & ~1
        turns, t = octant.astype(jnp.float32), angle
        for part in _exact.QUARTER_TURN:
            t = turns * part + t
        square = t * t
        cosine = _horner(square, _exact.COSINE) * square
        cosine = (cosine * square - _opaque(float32(0.5) * square)) + float32(1)
        sine = _horner(square, _exact.SINE) * square
        sine = sine * t + t
        swapped = (octant & 2) != 0
        sine, cosine = jnp.where(swapped, cosine, sine), jnp.where(swapped, sine, cosine)
        return _with_sign(sine, octant & 4), _with_sign(cosine, ~(octant - 2) & 4)

    units = (words & np.uint32(0xFFFFFF)).astype(jnp.int32).astype(jnp.float32)
    units = (units * float32(2.0**-24)).reshape(-1, 2, 8)
    radius = jnp.sqrt(float32(-2) * _log(float32(1) - units[:, 0]))
    sine, cosine = _sincos(_opaque(_exact.TWO_PI * units[:, 1]))
    return (radius * cosine) * std + mean, (radius * sine) * std + mean
