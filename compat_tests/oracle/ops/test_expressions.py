"""The recorded outcomes are those of the installed PyTorch; conversions of every dtype to every."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest

from compat_tests.helpers.expressions import families, outcome, read

FAMILIES = families()
DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16",
    "bfloat16", "float32", "float64", "complex64", "complex128",
)  # fmt: skip
NUMBERS = [0.0, -0.0, 0.5, -1.5, 2.0, 127.0, 128.0, 255.7, 300.0, -300.0, 65504.0]
BEYOND = [2.0**31, -(2.0**31), 3e9, 2.0**62, 1e20, -1e20, float("inf"), float("nan")]


def test_families_are_found():
    """A folder that moved would leave nothing to compare, and each test below would be skipped."""
    assert {"conversion", "padding", "random"} <= set(FAMILIES)


def _outcomes_of_pytorch(family: str) -> dict[str, str]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # which of two bad indices is named depends on the threads
    try:
        return {expression: outcome(torch, expression) for expression in read(family)}
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("family", FAMILIES)
def test_recorded_outcomes_are_pytorchs(family):
    recorded = read(family)
    assert recorded
    outcomes = _outcomes_of_pytorch(family)
    if outcomes != recorded:
        # Some warnings come once in a process, which an earlier test may have seen.
        with multiprocessing.get_context("spawn").Pool(1) as fresh:
            outcomes = fresh.apply(_outcomes_of_pytorch, (family,))
    assert outcomes == recorded


@pytest.mark.filterwarnings("ignore:Casting complex values")
@pytest.mark.parametrize("source", DTYPES)
def test_conversions(source):
    import torch

    import jtorch

    numbers = NUMBERS + (BEYOND if source in ("float32", "float64") else [])
    plain = torch.tensor(numbers, dtype=torch.float64).to(getattr(torch, source))
    mine = jtorch.tensor(numbers, dtype=jtorch.float64).to(getattr(jtorch, source))
    for target in DTYPES:
        expected = plain.to(getattr(torch, target)).tolist()
        found = mine.to(getattr(jtorch, target)).tolist()
        if target == "uint32":  # what PyTorch makes of the others depends on where they stand
            known = [place for place, number in enumerate(numbers) if abs(number) < 2**31]
            found, expected = ([each[place] for place in known] for each in (found, expected))
        np.testing.assert_equal(found, expected, err_msg=f"{source} to {target}")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("seed", range(40))
def test_ranges(seed, dtype):
    import torch

    import jtorch

    draw = np.random.default_rng(seed)
    start, width, step = draw.uniform(-9, 9), draw.uniform(0, 30), draw.uniform(0.01, 1)
    arguments = (start, start + width, step if dtype != "int64" else 1 + step)
    expected = torch.arange(*arguments, dtype=getattr(torch, dtype))
    result = jtorch.arange(*arguments, dtype=getattr(jtorch, dtype))
    assert result.tolist() == expected.tolist()
    if dtype != "int64":
        count = int(draw.integers(0, 100))
        expected = torch.linspace(start, start + width, count, dtype=getattr(torch, dtype))
        result = jtorch.linspace(start, start + width, count, dtype=getattr(jtorch, dtype))
        assert result.tolist() == expected.tolist()
