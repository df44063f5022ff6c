"""``flex_attention``: attention by mask and score functions, against plain formulas."""

from __future__ import annotations

import pytest

import jtorch as torch
from jtorch.nn.attention.flex_attention import (
    AuxRequest,
    BlockMask,
    and_masks,
    create_block_mask,
    create_mask,
    flex_attention,
    or_masks,
)


def causal(b, h, q, k):
    return q >= k


def near(b, h, q, k):
    return (q - k).abs() <= 2


def make(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=generator)


def test_a_block_mask() -> None:
    mask = create_block_mask(causal, None, None, 8, 8, device="cpu", BLOCK_SIZE=4)
    assert mask.kv_num_blocks.tolist() == [[[1, 1]]]
    assert mask.kv_indices.tolist() == [[[[0, 1], [1, 0]]]]
    assert mask.full_kv_num_blocks.tolist() == [[[0, 1]]]
    assert mask.full_kv_indices.tolist() == [[[[0, 1], [0, 1]]]]
    assert mask.kv_indices.dtype is torch.int32 and mask.BLOCK_SIZE == (4, 4)
    assert (mask.shape, mask.numel(), mask.sparsity()) == ((1, 1, 8, 8), 64, 25.0)
    assert mask.to_dense().tolist() == [[[[1, 0], [1, 1]]]]
    assert str(mask) == "BlockMask(shape=(1, 1, 8, 8), sparsity=25.00%, \n(0, 0)\n██  \n████\n)"


def test_masks_of_functions() -> None:
    whole = create_mask(causal, None, None, 4, 4)
    assert torch.equal(whole[0, 0], torch.ones(4, 4, dtype=torch.bool).tril())
    both = create_mask(and_masks(causal, near), None, 2, 5, 5)
    either = create_mask(or_masks(causal, near), 1, None, 5, 5)
    assert both.shape == (1, 2, 5, 5) and int(both[0, 0].sum()) == 12
    assert int(either.sum()) == 15 + 4 + 3


@pytest.mark.parametrize("length", [7, 16])
def test_masked_attention_and_its_gradients(length: int) -> None:
    parts = [make(2, 3, length, 4).requires_grad_() for _ in range(2)] + [
        make(2, 3, length, 5).requires_grad_()
    ]
    mask = create_block_mask(and_masks(causal, near), None, None, length, length, BLOCK_SIZE=4)
    ours = flex_attention(*parts, block_mask=mask)
    plain = torch.nn.functional.scaled_dot_product_attention(
        *parts, attn_mask=create_mask(and_masks(causal, near), None, None, length, length)
    )
    assert torch.allclose(ours, plain, atol=1e-6)
    weight = make(2, 3, length, 5)
    found = torch.autograd.grad((ours * weight).sum(), parts)
    expected = torch.autograd.grad((plain * weight).sum(), parts)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, expected))


def test_scores_by_a_function() -> None:
    q, k, v = make(2, 2, 5, 4), make(2, 2, 6, 4), make(2, 2, 6, 4)
    table = make(2, 11)
    slope = torch.tensor([0.5, 0.25])

    def relative(score, b, h, i, j):
        return score * (b + 1) + table[h, i - j + 5] - slope[h] * (i - j)

    scores = (q @ k.transpose(-2, -1)) / 2
    i, j = torch.arange(5)[:, None], torch.arange(6)[None]
    for b in range(2):
        for h in range(2):
            scores[b, h] = scores[b, h] * (b + 1) + table[h][i - j + 5] - slope[h] * (i - j)
    out, lse = flex_attention(q, k, v, score_mod=relative, return_lse=True)
    assert torch.allclose(out, scores.softmax(-1) @ v, atol=1e-6)
    assert torch.allclose(lse, scores.logsumexp(-1), atol=1e-6)
    _, more = flex_attention(q, k, v, return_aux=AuxRequest(max_scores=True))
    assert more.lse is None
    assert torch.allclose(more.max_scores, ((q @ k.mT) / 2).amax(-1), atol=1e-6)


def test_heads_are_shared_and_rows_may_be_empty() -> None:
    q, k, v = make(1, 4, 3, 4), make(1, 2, 3, 4), make(1, 2, 3, 4)
    with pytest.raises(ValueError, match="Try setting enable_gqa=True for GQA"):
        flex_attention(q, k, v)
    shared = flex_attention(q, k, v, enable_gqa=True)
    wide = flex_attention(q, k.repeat_interleave(2, 1), v.repeat_interleave(2, 1))
    assert torch.equal(shared, wide)
    nothing = create_block_mask(lambda b, h, i, j: i > j, None, None, 3, 3)
    assert flex_attention(q, q, q, block_mask=nothing)[:, :, 0].abs().sum().item() == 0
    with pytest.raises(ValueError, match=r"block_mask was created for block_mask.shape"):
        flex_attention(q[:, :, :2], q, q, block_mask=nothing)


def test_a_mask_of_block_numbers() -> None:
    count, order = torch.tensor([[[1, 2]]]), torch.tensor([[[[1, 0], [0, 1]]]])
    mask = BlockMask.from_kv_blocks(count, order, BLOCK_SIZE=2)
    assert mask.seq_lengths == (4, 4) and mask.to_dense().tolist() == [[[[0, 1], [1, 1]]]]
    x = make(1, 1, 4, 2)
    allowed = torch.tensor([[0, 0, 1, 1]] * 2 + [[1, 1, 1, 1]] * 2, dtype=torch.bool)
    plain = torch.nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=allowed)
    assert torch.allclose(flex_attention(x, x, x, block_mask=mask), plain, atol=1e-6)
