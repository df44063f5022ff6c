"""The random number generators against the installed PyTorch: recorded programs and random ones."""

from __future__ import annotations

import json
import random
import warnings

import numpy as np
import pytest

from compat_tests.helpers.paths import GOLDEN
from jtorch import _random

torch = pytest.importorskip("torch")
from compat_tests.random import test_random_core as ours  # noqa: E402
from tools.record_goldens import random_core as recorder  # noqa: E402

pytestmark = pytest.mark.oracle


def test_recorded_programs_are_what_pytorch_says():
    recorded = json.loads((GOLDEN / "random_core.json").read_text())
    assert json.loads(json.dumps(recorder.record())) == recorded


def random_draw(source: random.Random) -> list:
    """Return one draw in the recorder's notation."""
    floating = source.choice(recorder.FLOATING)
    integer = source.choice(recorder.INTEGERS)
    size = [source.choice((1, 2, 3, 15, 16, 17, 33, 640, source.randrange(1, 5000)))]
    mean, std = source.uniform(-3, 3), source.choice((1.0, 0.02, source.uniform(0.1, 4)))
    low = source.choice((0, -1, source.randrange(-100, 20)))
    wide = source.choice((2, 10, 256, 1000, 2**28, 2**40, 2**62))
    return source.choice(
        [
            ["uniform", size, floating, [mean, mean + std]],
            ["uniform", size, floating, [0, 1]],
            ["normal", size, floating, [mean, std]],
            ["normal", size, "complex64", [mean, std]],
            ["strided_normal", [size[0] + 1], floating, [mean, std]],
            ["log_normal", size, floating, [mean / 10, std]],
            ["exponential", size, floating, [std]],
            ["cauchy", size, floating, [mean, std]],
            ["geometric", size, floating, [source.uniform(0.01, 0.99)]],
            ["bernoulli", size, integer, [source.random()]],
            ["bernoulli_tensor", size, floating, [source.choice(recorder.FLOATING)]],
            ["random_", size, integer, []],
            ["random_", size, "int64", [low, low + wide]],
            ["random_", size, floating, [low, low + source.randrange(1, 50)]],
            ["randperm", size, "int64", []],
            ["multinomial", size, "float64", [source.randrange(1, size[0] + 1), False]],
            ["multinomial", size, "float32", [source.randrange(1, 100), True]],
            ["truncated_normal", size, "float32", [0, std, -2 * std, source.random() * std]],
        ]
    )


@pytest.mark.parametrize("seed", range(40))
def test_random_programs(seed):
    source = random.Random(seed)
    draws = [random_draw(source) for _ in range(12)]
    program = {"name": "random", "seed": source.randrange(-(2**63), 2**64), "draws": draws}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = recorder.run(program)
        assert ours.run(program) == (expected["results"], expected["state"]), draws


@pytest.mark.parametrize("parameters", [(0.0, 1.0), (0.3, 0.7), (-2.0, 1e-3)])
def test_two_million_normals(parameters):
    generator = torch.Generator().manual_seed(11)
    expected = torch.empty(2_000_003).normal_(*parameters, generator=generator).numpy()
    got = _random.normal(_random.CPUGenerator(11), (2_000_003,), np.float32, *parameters)
    assert np.array_equal(got.view(np.int32), expected.view(np.int32))


def test_states_travel_both_ways():
    generator = torch.Generator().manual_seed(5)
    torch.randn(3, generator=generator)
    engine = _random.CPUGenerator()
    engine.set_state(generator.get_state().numpy())
    assert np.array_equal(_random.normal(engine, (9,)), torch.randn(9, generator=generator).numpy())
    generator.set_state(torch.from_numpy(engine.get_state()))
    assert np.array_equal(
        _random.rand(engine, (900,)), torch.rand(900, generator=generator).numpy()
    )


@pytest.mark.parametrize(
    "offset, value", [(8, 0), (8, 625), (8, 624), (12, 0), (16, 625), (16, 624)]
)
def test_damaged_states(offset, value):
    state = torch.Generator().get_state()
    state[offset : offset + 4] = torch.tensor(list(value.to_bytes(4, "little")), dtype=torch.uint8)

    def verdict(generator, given):
        try:
            generator.set_state(given)
        except RuntimeError as error:
            return str(error).split("\nException raised")[0]
        return "accepted"

    assert verdict(_random.CPUGenerator(), state.numpy()) == verdict(torch.Generator(), state)
