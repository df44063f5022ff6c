"""Fake quantisation: levels, gradients and refusals recorded from PyTorch."""

from __future__ import annotations

import pytest

from compat_tests.helpers.expressions import outcome, read

RECORDED = read("fake_quantization")


@pytest.mark.parametrize("expression", RECORDED)
def test_outcome_is_pytorchs(torch, expression):
    assert outcome(torch, expression) == RECORDED[expression]


def test_other_scales_run_the_same_program(torch):
    x = torch.linspace(-1, 1, 64)

    def step(scale: float) -> float:
        return torch.fake_quantize_per_tensor_affine(x, scale, 0, -8, 7).sum().item()

    def programs() -> int:
        stats = torch.compiler.stats()
        return stats.programs_interpreted + stats.programs_compiled

    step(0.1)
    before = programs()
    assert len({step(0.01 * count) for count in range(1, 9)}) > 4
    assert programs() == before
