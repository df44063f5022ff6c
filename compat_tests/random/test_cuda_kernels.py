"""Draws of a CUDA device, against PyTorch's kernels followed thread by thread.

No device was at hand: what holds here is the layout of the published kernels, not recorded numbers.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from jtorch._random import philox, randint
from jtorch._random.philox import KernelWords, PhiloxGenerator

THREADS = 512  # of a GPU so small that the kernels go around


def words_of(seed, offset, thread, how_many):
    """Return what one thread of ``curand`` draws, word after word."""
    found = []
    for step in range(-(-how_many // 4)):
        counter = offset // 4 + step
        at = tuple(np.uint32(each) for each in (counter % 2**32, counter >> 32, thread, 0))
        found += [int(word) for word in philox.philox_words(seed, at)]
    return found[:how_many]


def launched(count):
    return min(-(-count // 256), THREADS // 256) * 256


def strided(seed, offset, count, unroll, make):
    """Follow a grid-stride loop: ``make`` turns a call's four words into ``unroll`` elements."""
    result, total = [None] * count, launched(count)
    for thread in range(total):
        drawn = iter(range(0, 10**9, 4))
        for start in range(thread, count, total * unroll):
            at = next(drawn)
            words = words_of(seed, offset + at, thread, 4)
            for step, value in enumerate(make(words)):
                if start + total * step < count:
                    result[start + total * step] = value
    return result


@pytest.mark.parametrize("count", [1, 5, 600, 1500, 2500])
@pytest.mark.parametrize(("low", "high"), [(0, 10), (-3, 2**27)])
def test_integers(count, low, high):
    generator = PhiloxGenerator(7, THREADS)
    generator.offset = 8
    drawn = randint(KernelWords(generator), low, high, (count,))
    expected = strided(7, 8, count, 4, lambda words: [w % (high - low) + low for w in words])
    assert drawn.tolist() == expected
    assert generator.offset == 8 + philox.offset_increment(count, THREADS)


@pytest.mark.parametrize("count", [1, 5, 600, 1500])
def test_integers_of_a_wide_range(count):
    generator = PhiloxGenerator(7, THREADS)
    drawn = randint(KernelWords(generator), 0, 2**40, (count,))

    def pairs(words):
        return [((words[i] << 32) + words[i + 1]) % 2**40 for i in (0, 2)]

    assert drawn.tolist() == strided(7, 0, count, 2, pairs)
    assert generator.offset == philox.offset_increment(count, THREADS, 2)


@pytest.mark.parametrize("count", [1, 3, 4, 6, 600, 1022, 2044, 4100])
def test_dropout(count):
    kept = philox.philox_dropout(3, 4, (count,), np.float32(0.7), THREADS)
    vector = 4 if count % 4 == 0 else 2 if count % 2 == 0 else 1
    unit = np.float32(2.0**-32)

    def keeps(word):
        return bool(np.float32(word) * unit + unit / 2 < np.float32(0.7))

    if vector == 1:
        expected = strided(3, 4, count, 4, lambda words: [keeps(word) for word in words])
    else:
        expected, total = [None] * count, launched(count)
        for thread in range(total):
            for step, start in enumerate(range(thread * vector, count, total * vector)):
                words = words_of(3, 4 + 4 * step, thread, 4)
                expected[start : start + vector] = [keeps(word) for word in words[:vector]]
    assert kept.tolist() == expected


@pytest.mark.parametrize("count", [1, 3, 4, 6, 600, 2044, 4100])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_coins(count, kind):
    """There are more threads than the GPU holds at once, as the kernel does not go around."""
    probability = ((np.arange(count) % 11) / 10).astype(kind)
    drawn = philox.philox_coins(3 + 2**35, 8, probability)
    unit, expected = np.float32(2.0**-32), []
    for thread in range(-(-count // 4)):
        for at, word in enumerate(words_of(3 + 2**35, 8, thread, 4), 4 * thread):
            if at < count:
                expected.append(bool(np.float32(word) * unit + unit / 2 <= probability[at]))
    assert drawn.tolist() == expected


@pytest.mark.parametrize("count", [0, 1, 2, 10, 1000, 5000])
def test_permutations(count):
    generator = PhiloxGenerator(11, THREADS)
    drawn = philox.philox_permutation(generator, count)
    assert sorted(drawn.tolist()) == list(range(count))
    if not count:
        assert generator.offset == 0
        return
    assert generator.offset == philox.offset_increment(count, THREADS, 2) + -(-count // 4) * 4
    bits = math.ceil(math.log2(count - (6 * count**2 + 1) / (12 * math.log(0.9))))
    keys = randint(KernelWords(PhiloxGenerator(11, THREADS)), -(2**31), 2**31 - 1, (count,))
    ranked = [int(key) % 2**bits for key in keys[drawn]]
    assert ranked == sorted(ranked)


def test_equal_keys_of_a_permutation_are_shuffled():
    """Islands of equal keys go on with the words of the thread at their beginning."""
    for seed in range(60):
        generator = PhiloxGenerator(seed, THREADS)
        keys = randint(KernelWords(generator), -(2**31), 2**31 - 1, (2000,)) % 2**25
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        (same,) = np.nonzero(ranked[1:] == ranked[:-1])
        if not len(same):
            continue
        first, offset = int(same[0]), generator.offset
        (word,) = words_of(seed, offset, first, 1)
        expected = order[first : first + 2]
        if word % 2 == 0:
            expected = expected[::-1]
        drawn = philox.philox_permutation(PhiloxGenerator(seed, THREADS), 2000)
        assert drawn[first : first + 2].tolist() == expected.tolist()
        return
    pytest.fail("no seed draws equal keys")
