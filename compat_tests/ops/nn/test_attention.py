"""Attention and transformers: values against the definition, masks, nodes, inference, words."""

from __future__ import annotations

import math

import numpy as np
import pytest

import jtorch as torch

F = torch.nn.functional


def attend(q, k, v, mask=None, scale=None):
    """Attention as the definition has it, in NumPy; rows that see nothing are 0."""
    scores = q @ np.swapaxes(k, -1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total) @ v


def operands(heads: int = 2):
    random = np.random.RandomState(0)
    shapes = ((2, heads, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4))
    return [random.randn(*shape) for shape in shapes]


MASK = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
CASES = {
    "plain": ({}, {}),
    "hidden": ({"attn_mask": MASK}, {"mask": MASK}),
    "added": ({"attn_mask": MASK * 2.0}, {"mask": MASK * 2.0}),
    "causal": ({"is_causal": True}, {"mask": np.tril(np.ones((3, 5), bool))}),
    "scaled": ({"scale": 0.3}, {"scale": 0.3}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("backend", ["FLASH_ATTENTION", "MATH"])
def test_both_ways_are_the_definition(case, backend):
    options, own = CASES[case]
    arrays = operands()
    options = {
        name: torch.tensor(value) if isinstance(value, np.ndarray) else value
        for name, value in options.items()
    }
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend[backend]):
        found = F.scaled_dot_product_attention(*map(torch.tensor, arrays), **options)
    np.testing.assert_allclose(found.numpy(), attend(*arrays, **own), rtol=1e-12, atol=1e-15)


def test_both_ways_have_one_gradient():
    arrays = operands(heads=4)
    found, nodes = [], []
    for backend in ("FLASH_ATTENTION", "MATH"):
        leaves = [torch.tensor(array).requires_grad_() for array in arrays]
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend[backend]):
            result = F.scaled_dot_product_attention(
                *leaves, attn_mask=torch.tensor(MASK), enable_gqa=True
            )
        nodes.append(type(result.grad_fn).__name__)
        found.append(torch.autograd.grad((result**3).sum(), leaves))
    assert nodes == ["ScaledDotProductFlashAttentionForCpuBackward0", "UnsafeViewBackward0"]
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(first.numpy(), second.numpy(), rtol=1e-10, atol=1e-14)


def test_nodes_have_pytorchs_names():
    q, k, v = [torch.tensor(array).requires_grad_() for array in operands()]

    def name(**options):
        return type(F.scaled_dot_product_attention(q, k, v, **options).grad_fn).__name__

    assert name() == "ScaledDotProductFlashAttentionForCpuBackward0"
    assert name(dropout_p=0.5) == "UnsafeViewBackward0"
    assert name(attn_mask=torch.zeros(3, 5, dtype=torch.float64, requires_grad=True)) == (
        "UnsafeViewBackward0"
    )


def test_the_result_lies_in_memory_as_the_query():
    q = torch.zeros(2, 3, 2, 4).transpose(1, 2)
    k = torch.zeros(2, 2, 5, 4)
    assert F.scaled_dot_product_attention(q, k, k).stride() == q.stride()


def test_dropout_draws_pytorchs_numbers():
    torch.manual_seed(0)
    q = torch.zeros(1, 1, 2, 2)
    kept = F.scaled_dot_product_attention(q, q, torch.eye(2)[None, None], dropout_p=0.5)
    assert kept.tolist() == [[[[0.0, 0.0], [1.0, 0.0]]]]  # torch 2.13.0


def layer(**options):
    torch.manual_seed(0)
    return torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)


def test_a_mask_that_is_causal_is_found_without_a_flush():
    encoder = torch.nn.TransformerEncoder(layer(dropout=0.0), 2, enable_nested_tensor=False)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(4)
    encoder(torch.ones(1, 4, 8), mask)
    torch.synchronize()
    before = torch.compiler.stats().flushes
    result = encoder(torch.ones(1, 4, 8), mask)
    after = torch.compiler.stats().flushes
    assert before == after
    later = torch.ones(4, 4, dtype=torch.bool).triu(1)
    np.testing.assert_allclose(
        encoder(torch.ones(1, 4, 8), later).detach().numpy(), result.detach().numpy(), rtol=1e-6
    )


def test_inference_returns_zeros_for_padding():
    encoder = torch.nn.TransformerEncoder(layer(), 2).eval()
    padding = torch.tensor([[False, False, False, True], [False, False, True, True]])
    x = torch.randn(2, 4, 8)
    with torch.no_grad():
        result = encoder(x, src_key_padding_mask=padding)
    assert (result[padding] == 0).all()
    slow = encoder(x, src_key_padding_mask=padding)
    assert (slow[padding] != 0).all()
    np.testing.assert_allclose(
        result[~padding].numpy(), slow[~padding].detach().numpy(), rtol=1e-4, atol=1e-5
    )


def test_inference_of_a_layer_is_that_of_training():
    for options in ({}, {"norm_first": True, "activation": "gelu"}):
        module = layer(**options).eval()
        x = torch.randn(2, 3, 8)
        with torch.no_grad():
            fast = module(x)
        np.testing.assert_allclose(fast.numpy(), module(x).detach().numpy(), rtol=1e-4, atol=1e-5)


def test_weights_of_a_seed_are_pytorchs():
    torch.manual_seed(0)
    module = torch.nn.MultiheadAttention(4, 2)
    assert [name for name, _ in module.named_parameters()] == [
        "in_proj_weight",
        "in_proj_bias",
        "out_proj.weight",
        "out_proj.bias",
    ]
    assert module.out_proj.weight[0].tolist() == pytest.approx(
        [-0.0037434101, 0.26822180, -0.41152257, -0.36796951], rel=1e-6
    )  # torch 2.13.0: drawn before the other weight
    assert type(module).__module__.endswith("activation")


def test_key_and_value_may_have_other_sizes():
    torch.manual_seed(0)
    module = torch.nn.MultiheadAttention(4, 2, kdim=3, vdim=5, add_bias_kv=True, add_zero_attn=True)
    output, weights = module(torch.randn(2, 1, 4), torch.randn(6, 1, 3), torch.randn(6, 1, 5))
    assert output.shape == (2, 1, 4)
    assert weights.shape == (1, 2, 8)
    np.testing.assert_allclose(weights.sum(-1).detach().numpy(), 1, rtol=1e-5)


def test_a_causal_mask_is_minus_infinity_above_the_diagonal():
    mask = torch.nn.Transformer.generate_square_subsequent_mask(2)
    assert mask.tolist() == [[0.0, -math.inf], [0.0, 0.0]]
    assert mask.dtype is torch.float32


def attention(*tensors, **options):
    return F.multi_head_attention_forward(
        *tensors, 4, 2, torch.ones(12, 4), None, None, None, False, 0.0, torch.ones(4, 4), None,
        **options,
    )  # fmt: skip


Q, X = torch.zeros(1, 1, 2, 4), torch.zeros(3, 1, 4)
REFUSALS = {
    "Expected query, key, and value to have the same dtype, but got query.dtype: float key.dtype: "
    "double and value.dtype: float instead.": lambda: F.scaled_dot_product_attention(
        Q, Q.double(), Q
    ),
    "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: 1 "
    "key.dim: 1 and value.dim: 1 instead.": lambda: F.scaled_dot_product_attention(
        Q[0, 0, 0], Q[0, 0, 0], Q[0, 0, 0]
    ),
    "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
    "attn_mask.dtype: long int and  query.dtype: float instead.": lambda: (
        F.scaled_dot_product_attention(Q, Q, Q, torch.ones(2, 2, dtype=torch.int64))
    ),
    "query should be unbatched 2D or batched 3D tensor but received 4-D query tensor": lambda: (
        attention(Q, Q, Q)
    ),
    "The shape of the 2D attn_mask is torch.Size([2, 3]), but should be (3, 3).": lambda: attention(
        X, X, X, attn_mask=torch.zeros(2, 3)
    ),
    "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
    "`generate_square_subsequent_mask` to create this mask.": lambda: attention(
        X, X, X, is_causal=True
    ),
    "embed_dim must be divisible by num_heads": lambda: torch.nn.MultiheadAttention(4, 3),
    "activation should be relu/gelu, not swish": lambda: layer(activation="swish"),
}


@pytest.mark.parametrize("words", REFUSALS)
def test_words_are_pytorchs(words):
    with pytest.raises((RuntimeError, AssertionError)) as caught:
        REFUSALS[words]()
    assert str(caught.value) == words
