"""Look-ups in tables of embeddings: outcomes recorded from PyTorch."""

from __future__ import annotations

import pytest

from compat_tests.helpers.expressions import outcome, read

RECORDED = read("embedding")


@pytest.mark.parametrize("expression", RECORDED)
def test_outcome_is_pytorchs(torch, expression):
    assert outcome(torch, expression) == RECORDED[expression]


def test_a_large_norm_is_cut_in_the_table(torch):
    table = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    torch.nn.functional.embedding(torch.tensor([0, 0]), table, max_norm=1.0)
    assert torch.allclose(table, torch.tensor([[0.6, 0.8], [0.3, 0.4]]))
    assert table._version == 1


def test_pending_positions_are_looked_at(torch):
    with pytest.raises(IndexError, match="index out of range in self"):
        torch.nn.functional.embedding(torch.tensor([1, 2]) * 3, torch.ones(5, 2))
