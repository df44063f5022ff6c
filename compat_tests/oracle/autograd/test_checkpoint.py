"""Checkpointed functions beside PyTorch's."""

from __future__ import annotations

import pytest

from compat_tests.helpers import checkpoint_programs as programs

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("way", ["plain", "reentrant", "not reentrant", "sequential"])
def test_gradients(both, way):
    both(lambda torch: [t.detach() for t in programs.gradients(torch, way)])


@pytest.mark.parametrize("looked_at", [False, True])
def test_nested(both, looked_at):
    both(lambda torch: programs.nested(torch, looked_at))


@pytest.mark.parametrize("case", [0, 1])
def test_refused(both, case):
    both(lambda torch: programs.refused(torch, case))
