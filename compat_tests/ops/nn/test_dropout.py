"""Dropout: masks and outcomes recorded from PyTorch, and how masks enter programs."""

from __future__ import annotations

import pytest

from compat_tests.helpers.expressions import outcome, read

RECORDED = read("dropout")


@pytest.mark.parametrize("expression", RECORDED)
def test_outcome_is_pytorchs(torch, expression):
    assert outcome(torch, expression) == RECORDED[expression]


def test_without_training_the_input_is_returned(torch):
    x = torch.ones(3)
    assert torch.nn.functional.dropout(x, 0.5, False) is x
    assert torch.nn.functional.dropout(x, 0.0) is x


def test_masks_are_inputs_of_one_program(torch):
    x = torch.ones(16)

    def step():
        return torch.nn.functional.dropout(x * 2, 0.5).tolist()

    torch.manual_seed(0)
    drawn = [step() for _ in range(4)]
    before = torch.compiler.stats()
    drawn += [step() for _ in range(20)]
    after = torch.compiler.stats()
    assert after.programs_compiled == before.programs_compiled
    assert after.flushes - before.flushes == 20
    assert len({tuple(each) for each in drawn}) > 20


def test_the_low_words_decide_where_the_high_ones_are_equal(torch):
    torch.manual_seed(2)
    few = torch.empty(200_000).bernoulli_(2.0**-20)
    assert 0 < few.sum().item() < 10
