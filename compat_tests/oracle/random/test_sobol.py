"""Sobol points beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from jtorch.quasirandom import SobolEngine


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("dimension", "scramble"), [(1, False), (7, True), (300, True), (21201, False)]
)
def test_points_are_equal(dimension: int, scramble: bool) -> None:
    from torch.quasirandom import SobolEngine as Theirs

    ours, theirs = (kind(dimension, scramble=scramble, seed=5) for kind in (SobolEngine, Theirs))
    for _ in range(2):
        np.testing.assert_array_equal(ours.draw(33).numpy(), theirs.draw(33).numpy())
        ours.fast_forward(100)
        theirs.fast_forward(100)
    np.testing.assert_array_equal(ours.sobolstate.numpy(), theirs.sobolstate.numpy())
