"""Long stretches of Mersenne Twister words as compiled XLA programs, equal to NumPy's to the bit.

NumPy makes one word after the other; a block of 624 can be made with vectors, in three parts that
follow each other. Dropout alone wants two words for each element of its masks, so there the words
do not leave the processor's cache: what comes out of a program is the truth values.

M. Matsumoto, T. Nishimura: Mersenne Twister: a 623-dimensionally equidistributed uniform
pseudo-random number generator, ACM TOMACS 8 (1998).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.processor import cpu_flags

BLOCK = 624  # words of a state
_ROWS = 512  # blocks that one call can make
_PAIRS = BLOCK // 2
_LAG = 397
_ALIGNMENT = 64  # bytes
# Shorter stretches are NumPy's: a call costs some ten microseconds.
_LEAST = 1 << 14
# Seconds that NumPy may have spent before compiling pays, and what a word costs it, measured.
_BUDGET, _PER_WORD = 0.05, 2e-9

_spent = {"words": 0.0, "coins": 0.0}
if hasattr(os, "register_at_fork"):
    # Executables belong to the process that loaded them, so a forked one leaves all to NumPy.
    os.register_at_fork(after_in_child=lambda: _spent.update(words=-np.inf, coins=-np.inf))


def is_worthwhile(kind: str, words: int) -> bool:
    """Tell whether a stretch of words should be compiled, given how many came before.

    Args:
        kind: "words" or "coins", what is made of them.
        words: their number.
    """
    if words < _LEAST:
        return False
    if _spent[kind] < _BUDGET:
        _spent[kind] += _PER_WORD * words
        return False
    return _program(kind, 0) is not None


def words(key: np.ndarray, position: int, count: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Make words.

    Args:
        key: the generator's 624 words before tempering.
        position: how many of them were used up.
        count: how many words to make.
    Returns:
        A uint32 array, the key and the position behind it.
    """
    result = np.empty(count, np.uint32)
    program = _program("words", 0)
    assert program is not None
    done = 0
    while done < count:
        part = min(count - done, _ROWS * BLOCK - position)
        key, rows, after = _call(program, key, position, part)
        result[done : done + part] = rows.reshape(-1)[position : position + part]
        done, position = done + part, after
    return result, key, position


def coins(
    key: np.ndarray, position: int, count: int, high_bound: int, low_bound: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Tell of pairs of words, of 21 and 32 bits, whether the number they form is below a bound.

    Args:
        key, position: as of ``words``.
        count: how many pairs.
        high_bound, low_bound: the bound's upper 21 and lower 32 bits.
    Returns:
        A bool array, the key and the position behind the words that were used.
    """
    result = _aligned(count)
    odd = position % 2
    program = _program("coins", odd)
    assert program is not None
    bounds = np.uint32(high_bound), np.uint32(low_bound)
    done = 0
    while done < count:
        first = (position + odd) // 2  # in the odd form a row begins with the word before it
        part = min(count - done, _ROWS * _PAIRS - first)
        key, rows, after = _call(program, key, position, 2 * part, *bounds)
        result[done : done + part] = rows.reshape(-1)[first : first + part]
        done, position = done + part, after
    return result, key, position


def _aligned(count: int) -> np.ndarray:
    """Return an empty bool array that begins where XLA wants arrays to."""
    memory = np.empty(count + _ALIGNMENT, np.bool_)
    first = -memory.ctypes.data % _ALIGNMENT
    return memory[first : first + count]


def _call(
    program: Callable, key: np.ndarray, position: int, used: int, *bounds: Any
) -> tuple[np.ndarray, np.ndarray, int]:
    """Run a program; return the key, what it made from each block, and the position."""
    end = position + used
    turns = (end - 1) // BLOCK
    key, rows = program(key, np.int32(turns), *bounds)
    return np.asarray(key), np.asarray(rows), end - turns * BLOCK


@functools.cache
def _program(kind: str, odd: int) -> Callable | None:
    """Compile ``(key, turns[, high_bound, low_bound]) -> key, rows``; row 0 is the key's block."""
    import jax

    try:
        device = jax.devices("cpu")[0]
    except RuntimeError:  # a process restricted to accelerators
        return None
    word = jax.ShapeDtypeStruct((), np.uint32)
    arguments = [jax.ShapeDtypeStruct((BLOCK,), np.uint32), jax.ShapeDtypeStruct((), np.int32)]
    if kind == "coins":
        arguments += [word, word]
    # Compiled ahead of time, so that a call neither looks at JAX's settings nor joins a trace that
    # a user's own ``jax.jit`` may have open.
    with jax.default_device(device):
        jitted = jax.jit(functools.partial(_rows, odd))
        # The wider vectors: 0.86 ns a word instead of 1.15.
        options: dict[str, Any] = {}
        if "avx512f" in cpu_flags():
            options["xla_cpu_prefer_vector_width"] = 512
        return jitted.lower(*arguments).compile(compiler_options=options)


def _rows(odd: int, key: Any, turns: Any, *bounds: Any) -> tuple[Any, Any]:
    """Return the key after some turns, and the words or the truth values of every block."""
    import jax.numpy as jnp
    from jax import lax

    def made_of(key: Any, before: Any) -> Any:
        fresh = _tempered(key)
        if not bounds:
            return fresh
        if odd:
            fresh = jnp.concatenate([_tempered(before), fresh[:-1]])
        pairs = fresh.reshape(_PAIRS, 2)
        high = pairs[:, 0] & np.uint32(2**21 - 1)
        return (high < bounds[0]) | ((high == bounds[0]) & (pairs[:, 1] < bounds[1]))

    def turn(row: Any, carry: Any) -> tuple[Any, Any]:
        key, rows = carry
        following = _turned(key)
        made = made_of(following, key[-1:])
        return following, lax.dynamic_update_slice(rows, made[None], (row, np.int32(0)))

    first = made_of(key, key[-1:])
    rows = jnp.zeros((_ROWS, *first.shape), first.dtype).at[0].set(first)
    return lax.fori_loop(np.int32(1), turns + np.int32(1), turn, (key, rows))


def _turned(key: Any) -> Any:
    """Return the following block of 624 words, before tempering."""
    import jax.numpy as jnp

    def mixed(first: Any, second: Any) -> Any:
        joined = (first & np.uint32(0x80000000)) | (second & np.uint32(0x7FFFFFFF))
        return (joined >> 1) ^ ((np.uint32(0) - (joined & 1)) & np.uint32(0x9908B0DF))

    lead = BLOCK - _LAG  # this many words need old ones only
    one = key[_LAG:] ^ mixed(key[:lead], key[1 : lead + 1])
    two = one ^ mixed(key[lead : 2 * lead], key[lead + 1 : 2 * lead + 1])
    rest = BLOCK - 1 - 2 * lead
    three = two[:rest] ^ mixed(key[2 * lead : -1], key[2 * lead + 1 :])
    last = two[rest : rest + 1] ^ mixed(key[-1:], one[:1])
    return jnp.concatenate([one, two, three, last])


def _tempered(words: Any) -> Any:
    words = words ^ (words >> 11)
    words = words ^ ((words << 7) & np.uint32(0x9D2C5680))
    words = words ^ ((words << 15) & np.uint32(0xEFC60000))
    return words ^ (words >> 18)
