"""The random number generators against numbers, states and errors recorded from PyTorch."""

from __future__ import annotations

import hashlib
import json
import math
import warnings

import ml_dtypes
import numpy as np
import pytest

from compat_tests.helpers.paths import GOLDEN
from jtorch import _random
from jtorch._random import CPUGenerator, _xla_normal, _xla_words, box_muller, philox, rounding

RECORDED = json.loads((GOLDEN / "random_core.json").read_text())
OWN_DTYPES = {"bfloat16": ml_dtypes.bfloat16}


def numpy_dtype(name: str) -> np.dtype:
    return np.dtype(OWN_DTYPES.get(name, name))


def weights(shape: list[int], dtype: str) -> np.ndarray:
    """Return the weights that the recorder uses."""
    values = [(3 * place % 7 + 1) / 7 for place in range(math.prod(shape))]
    return rounding.from_double(np.array(values, np.float64), numpy_dtype(dtype)).reshape(shape)


def draw(generator, name: str, shape: list[int], dtype: str, arguments: list) -> bytes:
    """Draw once and return the bytes of the result."""
    inner = numpy_dtype(dtype)
    if name == "multinomial":
        result = _random.multinomial(generator, weights(shape, dtype), *arguments)
    elif name in ("poisson", "standard_gamma", "dirichlet"):
        given = weights(shape, dtype)
        given = (given * np.asarray(arguments[0], given.dtype)).astype(given.dtype)
        result = getattr(_random, name)(generator, given)
    elif name == "binomial":
        counts = np.full(shape, *arguments, inner)
        result = _random.binomial(generator, counts, weights(shape, dtype))
    elif name == "randperm":
        result = _random.randperm(generator, *shape, inner)
    elif name == "strided_normal":
        result = _random.normal(generator, shape, inner, *arguments, contiguous=False)
    elif name == "bernoulli":
        result = _random.bernoulli(generator, *arguments, shape, inner)
    elif name == "bernoulli_tensor":
        result = _random.bernoulli_tensor(generator, weights(shape, arguments[0]), inner)
    else:
        result = getattr(_random, name)(generator, shape, inner, *arguments)
    return result.tobytes()


def digest(data: bytes) -> str:
    """Write data as the recorder does."""
    return data.hex() if len(data) <= 40 else "sha256:" + hashlib.sha256(data).hexdigest()[:32]


def run(program: dict) -> tuple[list, str]:
    """Return the results of a recorded program's draws and the state after them."""
    generator, results = _random.CPUGenerator(), []
    try:
        generator.manual_seed(program["seed"])
        for one in program["draws"]:
            results.append(digest(draw(generator, *one)))
    except (RuntimeError, ValueError) as error:
        results.append([type(error).__name__, str(error)])
    return results, digest(generator.get_state().tobytes())


@pytest.mark.parametrize("name", sorted({program["name"] for program in RECORDED}))
def test_recorded_programs(name):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* is out of bounds .*")
        for program in RECORDED:
            if program["name"] == name:
                assert run(program) == (program["results"], program["state"]), program


def test_compiled_transform_draws_the_recorded_numbers(monkeypatch):
    if _xla_normal._verified(_xla_normal._SIZES[0]) is None:
        pytest.skip("XLA does not fuse multiply-adds on this machine")
    monkeypatch.setattr(_xla_normal, "_BUDGET", 0.0)
    monkeypatch.setattr(_xla_normal, "_programs", {})
    programs = [program for program in RECORDED if program["name"].startswith("randn")]
    programs += [program for program in RECORDED if program["name"] == "normal float32"]
    for program in programs:
        assert run(program) == (program["results"], program["state"])
    assert set(_xla_normal._programs) == {1 << 10, 1 << 16, 1 << 18}


def test_a_program_whose_bits_differ_is_not_used(monkeypatch):
    def wrong(size):
        half = np.zeros((size // 16, 8), np.float32)
        return lambda words, mean, std: (half, half)

    monkeypatch.setattr(_xla_normal, "_compiled", wrong)
    assert _xla_normal._verified(1024) is None


def test_small_programs_do_not_compile(monkeypatch):
    monkeypatch.setattr(_xla_normal, "_programs", {})
    monkeypatch.setattr(_xla_normal, "_spent", dict.fromkeys(_xla_normal._SIZES, 0.0))
    _random.normal(_random.CPUGenerator(0), (10_000,))
    assert _xla_normal._programs == {}


def test_state_round_trip_at_every_kind_of_position():
    generator = _random.CPUGenerator(7)
    for count in (0, 1, 600, 23, 624, 3):
        generator.words(count)
        _random.normal(generator, (1,))
        state = generator.get_state()
        other = _random.CPUGenerator(0)
        other.set_state(state)
        assert np.array_equal(other.get_state(), state)
        twin = generator.clone_state()
        for draws in (1, 700):
            expected = _random.normal(other, (draws,))
            assert np.array_equal(_random.normal(twin, (draws,)), expected)


def test_state_of_a_fresh_and_of_a_used_up_block():
    generator = _random.CPUGenerator(0)
    fields = generator.get_state()[8:24].view(np.int32)
    assert fields.tolist() == [1, 1, 0, 0]
    generator.words(624)
    fields = generator.get_state()[8:24].view(np.int32)
    assert fields.tolist() == [1, 1, 624, 0]


@pytest.mark.parametrize(
    ("state", "error", "text"),
    [
        ([1, 2], TypeError, "expected a torch.ByteTensor, but got list"),
        (np.zeros(5056), TypeError, "RNG state must be a torch.ByteTensor"),
        (
            np.zeros(10, np.uint8),
            RuntimeError,
            "Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size "
            "to be 10",
        ),
        (np.zeros(5056, np.uint8), RuntimeError, "Invalid mt19937 state"),
    ],
)
def test_bad_states(state, error, text):
    with pytest.raises(error) as caught:
        _random.CPUGenerator().set_state(state)
    assert str(caught.value) == text


@pytest.mark.parametrize("seed", [1.5, "a", True, None])
def test_seeds_of_another_type(seed):
    with pytest.raises(RuntimeError) as caught:
        _random.CPUGenerator().manual_seed(seed)
    assert str(caught.value) == f"manual_seed expected a long, but got {type(seed).__name__}"


def test_initial_seed():
    assert _random.CPUGenerator().initial_seed() == 67280421310721
    assert _random.CPUGenerator(-1).initial_seed() == 2**64 - 1
    generator = _random.CPUGenerator()
    seeds = {generator.seed() for _ in range(3)}
    assert len(seeds) == 3
    assert generator.initial_seed() in seeds


def test_bounds_beyond_precision_warn():
    with pytest.warns(UserWarning) as caught:
        _random.random_(_random.CPUGenerator(0), (2,), np.float16, 0, 5000)
    assert str(caught[0].message).startswith("to - 1 is out of bounds [-(2^11), 2^11]. Due to")


def test_far_mean_warns():
    with pytest.warns(UserWarning, match=r"mean is more than 2 std from \[a, b\]"):
        _random.truncated_normal(_random.CPUGenerator(0), (2,), np.float32, 5.0, 1.0, -2.0, 2.0)


def test_fused_multiply_add_where_rounding_twice_goes_wrong():
    # The exact sum, 1 + 2**-23 + 2**-24 - 2**-54, lies just below half-way between two float32
    # numbers; float64 drops the 2**-54, and float32 then rounds up to even.
    first = np.array([2.0**-12 * (1 + 2.0**-15)], np.float32)
    second = np.float32(2.0**-12 * (1 - 2.0**-15))
    third = np.float32(1 + 2.0**-23)
    twice = np.float32(float(first[0]) * float(second) + float(third))
    assert twice == 1 + 2.0**-22
    assert rounding.fma32(first, second, third).tolist() == [1 + 2.0**-23]
    doubles = (first.astype(np.float64), float(second), np.array([float(third)]))
    assert rounding.fma32_in_double(*doubles).tolist() == [1 + 2.0**-23]


def test_fused_multiply_add_in_double_precision():
    from fractions import Fraction

    source = np.random.default_rng(1)
    first = source.random(2000)
    for second, third in ((0.3, -0.1), (7.5, 1e-9), (-2.0, 1e10), (1e200, 1e190), (1.0, 0.25)):
        exact = [float(Fraction(x) * Fraction(second) + Fraction(third)) for x in first.tolist()]
        assert rounding.fma64(first, second, third).tolist() == exact


def test_quick_and_slow_fused_multiply_add_agree():
    source = np.random.default_rng(0)
    first, second, third = source.standard_normal((3, 5000)).astype(np.float32)
    slow = rounding.fma32(first, second, third)
    quick = rounding.fma32_in_double(*(x.astype(np.float64) for x in (first, second, third)))
    assert np.array_equal(quick, slow.astype(np.float64))


def test_permutation_by_chains_equals_swapping():
    steps = np.arange(3000)
    for seed in range(5):
        source = np.random.default_rng(seed)
        targets = source.integers(steps[:-1], 3000)
        expected = _random.discrete._swaps(targets)
        assert np.array_equal(_random.discrete._swaps_at_once(targets, steps), expected)


# ---- Philox: the vectors of its authors, and CUDA's well-known first numbers

ZERO, ONES = np.uint32(0), np.uint32(0xFFFFFFFF)


@pytest.mark.parametrize(
    ("seed", "word", "expected"),
    [
        (0, ZERO, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (2**64 - 1, ONES, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ],
)
def test_philox_known_answers(seed, word, expected):
    assert tuple(int(x) for x in philox.philox_words(seed, (word,) * 4)) == expected


def test_philox_draws_what_cuda_draws():
    uniform = philox.philox_uniform(0, 0, (5,))
    assert [f"{x:.4f}" for x in uniform] == ["0.3990", "0.5167", "0.0249", "0.9401", "0.9459"]
    normal = philox.philox_normal(0, 0, (3,))
    assert [f"{x:.4f}" for x in normal] == ["-0.9247", "-0.4253", "-2.6438"]
    rows = philox.philox_normal(42, 0, (1, 64, 2048))[0]
    shown = [f"{x:.4f}" for x in (*rows[0, :3], *rows[0, -3:], *rows[1, :3])]
    assert shown[:6] == ["0.1940", "2.1614", "-0.1721", "1.4540", "-2.7733", "-0.8932"]
    assert shown[6:] == ["-0.4574", "0.8063", "0.1580"]


@pytest.mark.parametrize("count", [1, 1000, 5000])
def test_philox_inside_a_program_equals_numpy(count):
    import jax
    import jax.numpy as jnp

    def both(seed, offset):
        return (
            philox.philox_uniform(seed, offset, (count,), threads=1024, xp=jnp),
            philox.philox_normal(seed, offset, (count,), threads=1024, xp=jnp),
        )

    # An offset whose counter overflows its low word on the second round.
    seed, offset = np.array([3, 1], np.uint32), np.array([0xFFFFFFFC, 3], np.uint32)
    uniform, normal = jax.jit(both)(seed, offset)
    number = 0xFFFFFFFC + 3 * 2**32
    expected = philox.philox_uniform(3 + 2**32, number, (count,), threads=1024)
    assert np.array_equal(np.asarray(uniform), expected)
    expected = philox.philox_normal(3 + 2**32, number, (count,), threads=1024)
    np.testing.assert_allclose(np.asarray(normal), expected, rtol=1e-5, atol=1e-6)


def test_philox_offsets():
    assert philox.offset_increment(0) == 0
    assert philox.offset_increment(1) == 4
    assert philox.offset_increment(132 * 2048 * 4) == 4
    assert philox.offset_increment(132 * 2048 * 4 + 1) == 8
    assert philox.offset_increment(132 * 2048 * 2 + 1, unroll=2) == 8
    generator = philox.PhiloxGenerator(5)
    assert generator.take(10) == (5, 0)
    assert generator.take(10) == (5, 4)
    state = generator.get_state()
    assert state.tobytes() == (5).to_bytes(8, "little") + (8).to_bytes(8, "little")
    other = philox.PhiloxGenerator()
    other.set_state(state)
    assert other.take(1) == (5, 8)


def test_numpy_transform_is_the_definition():
    words = np.zeros(16, np.uint32)
    out = np.empty(16, np.float32)
    box_muller.transform_words_numpy(words, np.float32(2), np.float32(3), out)
    assert out.tolist() == [2.0] * 16  # log(1) is 0


@pytest.mark.parametrize("used", [0, 1, 2, 623, 624, 700, 701])
def test_compiled_words_are_those_of_numpy(used, monkeypatch):
    """Long stretches come from compiled programs: their words, and the state behind them."""
    ours, numpys = CPUGenerator(5), CPUGenerator(5)
    draws = [
        lambda g: g.words(used),
        lambda g: g.below(20_001, 0x1CCCCCCCCCCCCD),
        lambda g: g.words(170_003),
        lambda g: np.array(g.double()),
        lambda g: g.below(90_000, 0x10000000000001),
        lambda g: g.words(16_384),
        lambda g: g.get_state(),
        lambda g: g.words(3),
    ]
    calls = []
    for name in ("words", "coins"):
        compiled = getattr(_xla_words, name)
        monkeypatch.setattr(
            _xla_words, name, lambda *args, f=compiled: calls.append(f.__name__) or f(*args)
        )
    for draw in draws:
        monkeypatch.setattr(_xla_words, "_BUDGET", -1.0)
        found = draw(ours)
        monkeypatch.setattr(_xla_words, "_BUDGET", np.inf)
        np.testing.assert_array_equal(found, draw(numpys))
    assert calls == ["coins", "words", "coins", "words"]


def test_bounds_are_compared_to_the_last_bit(monkeypatch):
    """Where the high words are equal, the low ones decide."""
    key, rows = CPUGenerator(1), CPUGenerator(1)
    pairs = key.words(40_000).reshape(-1, 2).astype(np.uint64)
    numbers = ((pairs[:, 0] & np.uint64(2**21 - 1)) << np.uint64(32)) | pairs[:, 1]
    monkeypatch.setattr(_xla_words, "_BUDGET", -1.0)
    for bound in (int(numbers[7]), int(numbers[7]) + 1, 0, 2**53):
        generator = rows.clone_state()
        np.testing.assert_array_equal(
            generator.below(20_000, bound), numbers < np.uint64(bound), strict=True
        )
