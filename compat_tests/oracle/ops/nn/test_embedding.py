"""Look-ups in tables against PyTorch, with gradients."""

from __future__ import annotations

import pytest

from ...helpers.vision_programs import with_gradients

POSITIONS = "torch.tensor([1, 2, 2, 4, 0, 3, 2])"
EXPRESSIONS = [
    f"F.embedding({POSITIONS}, table)",
    f"F.embedding({POSITIONS}.int().reshape(1, 7), table, padding_idx=2)",
    f"F.embedding({POSITIONS}, table, scale_grad_by_freq=True)",
    *[
        f"F.embedding_bag({POSITIONS}, table, torch.tensor([0, 2, 2, {last}]), mode={mode!r}{more})"
        for mode in ("sum", "mean", "max")
        for more, last in (("", 5), (", padding_idx=2", 5), (", include_last_offset=True", 7))
    ],
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_result_and_gradients(both, expression):
    second = "bag" not in expression and "freq" not in expression
    both(with_gradients(expression, second), relative=1e-9, absolute=1e-9, strides=False)


def test_seeded_tables(both):
    def program(torch):
        module = torch.nn.Embedding(11, 5, padding_idx=3, max_norm=1.0)
        return module(torch.tensor([[1, 3], [5, 1]])), module.weight, torch.nn.EmbeddingBag(4, 3)

    both(program, relative=1e-6)
