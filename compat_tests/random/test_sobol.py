"""Sobol points bit for bit: figures of PyTorch 2.13."""

from __future__ import annotations

import pytest

import jtorch as torch
from jtorch.quasirandom import SobolEngine


def test_the_first_points() -> None:
    engine = SobolEngine(3)
    assert engine.draw(7).tolist() == [
        [0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25], [0.25, 0.75, 0.75],
        [0.375, 0.375, 0.625], [0.875, 0.875, 0.125], [0.625, 0.125, 0.875],
    ]  # fmt: skip
    assert engine.fast_forward(3).draw(1).tolist() == [[0.9375, 0.0625, 0.6875]]
    assert engine.num_generated == 11 and engine.reset().draw().tolist() == [[0.0, 0.0, 0.0]]
    assert engine.sobolstate[:, :4].tolist() == [
        [536870912, 268435456, 134217728, 67108864],
        [536870912, 805306368, 671088640, 1006632960],
        [536870912, 805306368, 402653184, 603979776],
    ]


def test_scrambled_points() -> None:
    engine = SobolEngine(4, scramble=True, seed=7)
    assert engine.shift.tolist() == [214182645, 183537049, 804615878, 197905403]
    assert engine.sobolstate[:, :3].tolist() == [
        [554835435, 340034322, 247382165],
        [787699910, 1056862665, 594353573],
        [559436723, 980300398, 289405400],
        [741637927, 975203523, 167409132],
    ]
    found = [[round(x, 4) for x in point] for point in engine.draw(3).tolist()]
    assert found == [
        [0.1995, 0.1709, 0.7494, 0.1843], [0.7162, 0.5627, 0.2293, 0.625],
        [0.8996, 0.4217, 0.8244, 0.4668],
    ]  # fmt: skip


def test_scrambling_without_a_seed_draws_from_the_default_generator() -> None:
    torch.manual_seed(3)
    found = SobolEngine(2, scramble=True).draw(2)
    assert [round(x, 4) for x in found.flatten().tolist()] == [0.0685, 0.2245, 0.6215, 0.7231]
    assert round(torch.rand(1).item(), 4) == 0.4729


@pytest.mark.parametrize("scramble", [False, True])
def test_every_dimension_is_spread_evenly(scramble: bool) -> None:
    points = SobolEngine(1000, scramble=scramble, seed=1).draw_base2(6)
    cells = (points * 64).long().sort(0).values
    assert torch.equal(cells, torch.arange(64)[:, None].expand(64, 1000))


def test_it_continues_where_it_stopped() -> None:
    whole, parts = SobolEngine(21201), SobolEngine(21201)
    apart = torch.cat([parts.draw(1), parts.draw(4), parts.fast_forward(2).draw(2)])
    assert torch.equal(torch.cat([whole.draw(5), whole.draw(4)[2:]]), apart)


def test_the_points_have_the_dtype_that_is_asked_for() -> None:
    engine, out = SobolEngine(2), torch.empty(0)
    assert engine.draw(2, dtype=torch.float64).dtype is torch.float64
    assert engine.draw(2, out=out) is out and out.shape == (2, 2)


def test_it_is_printed() -> None:
    assert repr(SobolEngine(3)) == "SobolEngine(dimension=3)"
    scrambled = SobolEngine(3, scramble=True, seed=7)
    assert repr(scrambled) == "SobolEngine(dimension=3, scramble=True, seed=7)"


def test_it_refuses() -> None:
    for dimension in (0, 21202):
        with pytest.raises(ValueError) as found:
            SobolEngine(dimension)
        words = "Supported range of dimensionality for SobolEngine is [1, 21201]"
        assert str(found.value) == words
    engine = SobolEngine(2)
    engine.draw(8)
    with pytest.raises(ValueError) as unbalanced:
        engine.draw_base2(2)
    assert str(unbalanced.value) == (
        "The balance properties of Sobol' points require n to be a power of 2. 8 points have been "
        "previously generated, then: n=8+2**2=12. If you still want to do this, please use "
        "'SobolEngine.draw()' instead."
    )
    with pytest.raises(RuntimeError, match=r"dimension -1: \[-1, 2\]"):
        SobolEngine(2).draw(0)
