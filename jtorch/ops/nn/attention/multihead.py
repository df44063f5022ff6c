"""Attention of several heads: ``multi_head_attention_forward``, and what inference runs instead.

Source: Vaswani et al., "Attention is all you need" (2017).
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ...._core import dtypes
from ...._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ...._engine.graph.values import is_tensor
from ...._engine.recording.storage import current_value
from ...._engine.recording.trace import materialise
from ...creation.creation import zeros_like
from ...linalg.matmul import baddbmm, bmm, linear, matmul
from ...reduce.softmax import softmax
from ...shape.joining import cat
from ..activations import _gelu, relu
from ..dropout import dropout_function
from ..norm.layer_norm import layer_norm
from . import _messages
from .scaled_dot_product import scaled_dot_product_attention


def _canonical_mask(
    mask: Any,
    mask_name: str,
    other_type: Any,
    other_name: str,
    target_type: Any,
    check_other: bool = True,
) -> Any:
    """Return a mask as what is added to scores.

    Args:
        mask: a bool tensor that is true where attention is forbidden, a tensor to add, or ``None``.
        mask_name, other_name: what messages call this mask and the other one.
        other_type: dtype of the other mask, or ``None``.
        target_type: dtype of the result where the mask is bool.
        check_other: whether to warn where the dtypes of the two differ.
    """
    if mask is None:
        return None
    if mask.dtype.is_floating_point:
        floating = True
    elif mask.dtype is dtypes.bool_:
        floating = False
    else:
        raise _messages.mask_kind(mask_name)
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(_messages.mismatched_masks(mask_name, other_name), stacklevel=2)
    if floating:
        return mask
    zeros = zeros_like(mask, dtype=target_type)
    return zeros.masked_fill_(mask, -math.inf)


def _none_or_dtype(input: Any) -> Any:
    """Return the dtype of a tensor, ``None`` for ``None``."""
    if input is None:
        return None
    if is_tensor(input):
        return input.dtype
    raise RuntimeError("input to _none_or_dtype() must be None or torch.Tensor")


def _is_causal_mask(mask: Any, size: int) -> bool:
    """Tell whether a mask hides exactly what comes later; it is read on the host.

    Args:
        mask: a bool tensor, true where attention is forbidden, or a tensor to add.
        size: how long the sequence is.
    """
    if tuple(mask.shape) != (size, size):
        return False
    array = np.asarray(materialise(current_value(mask), "is the mask causal"))
    later = np.triu(np.ones((size, size), bool), 1)
    if array.dtype == bool:
        return bool((array == later).all())
    return bool((array == np.where(later, -np.inf, 0)).all())


def _is_left_aligned(mask: Any) -> bool:
    """Tell whether, in every row, what is true comes before what is false."""
    array = np.asarray(materialise(current_value(mask), "is the mask left aligned"))
    return bool((array[:, :-1] >= array[:, 1:]).all()) if array.ndim == 2 else False


@op("_nested_tensor_from_mask_left_aligned(Tensor t, Tensor mask)", method=False)
def _nested_tensor_from_mask_left_aligned(t, mask):
    """Tell whether sequences of different lengths begin at the left.

    Args:
        t: of shape (batch, time, features).
        mask: bool, of shape (batch, time), true where a sequence has a step.
    """
    return _is_left_aligned(mask)


def _check_shapes(query: Any, key: Any, value: Any, padding: Any, mask: Any, heads: int) -> bool:
    """Check ranks; return whether there is a batch."""
    if query.dim() == 3:
        if key.dim() != 3 or value.dim() != 3:
            raise _messages.batched_ranks(key.dim(), value.dim())
        if padding is not None and padding.dim() != 2:
            raise _messages.batched_padding_rank(padding.dim())
        if mask is not None and mask.dim() not in (2, 3):
            raise _messages.mask_rank(True, mask.dim())
        return True
    if query.dim() != 2:
        raise _messages.query_rank(query.dim())
    if key.dim() != 2 or value.dim() != 2:
        raise _messages.unbatched_ranks(key.dim(), value.dim())
    if padding is not None and padding.dim() != 1:
        raise _messages.unbatched_padding_rank(padding.dim())
    if mask is not None:
        if mask.dim() not in (2, 3):
            raise _messages.mask_rank(False, mask.dim())
        if mask.dim() == 3:
            wanted = (heads, query.shape[0], key.shape[0])
            if tuple(mask.shape) != wanted:
                raise _messages.unbatched_mask_shape(wanted, mask.shape)
    return False


def _packed_projections(query: Any, key: Any, value: Any, weight: Any, bias: Any) -> list[Any]:
    """Project with the three weights in one, as few products as the operands allow."""
    size = query.shape[-1]
    if key is not value:
        weights = weight.chunk(3)
        biases = (None,) * 3 if bias is None else bias.chunk(3)
        return [linear(*each) for each in zip((query, key, value), weights, biases, strict=True)]
    if query is key:
        return list(linear(query, weight, bias).chunk(3, -1))
    of_query, of_both = weight.split([size, 2 * size])
    query_bias, both_bias = (None, None) if bias is None else bias.split([size, 2 * size])
    both = linear(key, of_both, both_bias)
    return [linear(query, of_query, query_bias), *both.chunk(2, -1)]


def _padded_by_one(mask: Any) -> Any:
    """Return a mask with one more position, which is visible."""
    if mask is None:
        return None
    return cat.call([mask, mask.new_zeros((*mask.shape[:-1], 1))], -1)


class _Heads:
    """Sizes of one call, and how tensors are cut into heads."""

    def __init__(self, query: Any, heads: int):
        self.steps, self.batch, self.features = query.shape
        self.heads = heads
        self.size = self.features // heads

    def cut(self, projected: Any) -> Any:
        """Return (time, batch, features) as (batch, heads, time, size)."""
        shape = (projected.shape[0], self.batch, self.heads, self.size)
        return projected.view(shape).permute(1, 2, 0, 3)

    def static(self, tensor: Any, name: str) -> Any:
        """Return a given key or value as (batch, heads, time, size)."""
        count = self.batch * self.heads
        if tensor.size(0) != count:
            raise _messages.static_size(name, 0, count, tensor.size(0))
        if tensor.size(2) != self.size:
            raise _messages.static_size(name, 2, self.size, tensor.size(2))
        return tensor.reshape(self.batch, self.heads, tensor.shape[1], self.size)

    def checked_mask(self, mask: Any, positions: int) -> Any:
        """Return a mask of three dimensions."""
        if mask.dim() == 2:
            wanted: tuple = (self.steps, positions)
            if tuple(mask.shape) != wanted:
                raise _messages.mask_shape(2, mask.shape, wanted)
            return mask.unsqueeze(0)
        if mask.dim() != 3:
            raise _messages.mask_rank_unsupported(mask.dim())
        wanted = (self.batch * self.heads, self.steps, positions)
        if tuple(mask.shape) != wanted:
            raise _messages.mask_shape(3, mask.shape, wanted)
        return mask

    def merged_mask(self, mask: Any, padding: Any, positions: int) -> Any:
        """Return the sum of a mask and a padding mask."""
        if padding is None:
            return mask
        for dim, wanted in enumerate((self.batch, positions)):
            if padding.shape[dim] != wanted:
                raise _messages.padding_size(dim, wanted, padding.shape[dim])
        padding = padding.view(self.batch, 1, 1, positions)
        padding = padding.expand(-1, self.heads, -1, -1)
        padding = padding.reshape(self.batch * self.heads, 1, positions)
        return padding if mask is None else mask + padding


def _projections(
    query, key, value, in_weight, in_bias, separate, q_weight, k_weight, v_weight
) -> list[Any]:
    if not separate:
        if in_weight is None:
            raise _messages.no_weight(False, "in_proj_weight")
        return _packed_projections(query, key, value, in_weight, in_bias)
    weights = (q_weight, k_weight, v_weight)
    for name, weight in zip("qkv", weights, strict=True):
        if weight is None:
            raise _messages.no_weight(True, f"{name}_proj_weight")
    biases = (None,) * 3 if in_bias is None else in_bias.chunk(3)
    return [linear(*each) for each in zip((query, key, value), weights, biases, strict=True)]


def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Any, Any]:
    """Multi-head attention: scaled dot-product attention of each head between two projections.

    Args:
        query: of shape (time, batch, features), or (time, features).
        key, value: of shape (positions, batch, features), or without a batch.
        embed_dim_to_check: the number of features of the query.
        num_heads: the number of heads.
        in_proj_weight, in_proj_bias: weights of query, key and value in one, and their biases.
        bias_k, bias_v: one more key and value, of shape (1, 1, features), or ``None``.
        add_zero_attn: whether to add a key and value of zeros.
        dropout_p: the probability that a weight is dropped in training.
        out_proj_weight, out_proj_bias: of the last projection.
        training: whether weights are dropped.
        key_padding_mask: of shape (batch, positions): true where a key is padding, or what to add.
        need_weights: whether to return the attention weights.
        attn_mask: of shape (time, positions) or (batch * heads, time, positions).
        use_separate_proj_weight: whether the next three are used instead of ``in_proj_weight``.
        q_proj_weight, k_proj_weight, v_proj_weight: weights of query, key and value.
        static_k, static_v: key and value of all heads, (batch * heads, positions, size).
        average_attn_weights: whether the weights are averaged over the heads.
        is_causal: says that ``attn_mask`` hides what comes later.
    Returns:
        The result, and the attention weights or ``None``.
    """
    is_batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not is_batched:
        same_key, same_value = key is query, value is key
        query = query.unsqueeze(1)
        key = query if same_key else key.unsqueeze(1)
        value = key if same_value else value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    positions = key.shape[0]
    padding = _canonical_mask(
        key_padding_mask,
        "key_padding_mask",
        _none_or_dtype(attn_mask),
        "attn_mask",
        query.dtype,
    )
    if is_causal and attn_mask is None:
        raise _messages.causal_without_mask()
    if is_causal and padding is None and not need_weights:
        attn_mask = None  # the hint says it all
    else:
        attn_mask = _canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, False)
        if padding is not None:
            is_causal = False
    cut = _Heads(query, num_heads)
    if cut.features != embed_dim_to_check:
        raise _messages.embed_dim(embed_dim_to_check, cut.features)
    if cut.size * num_heads != cut.features:
        raise _messages.heads_of_embed_dim(cut.features, num_heads)
    if use_separate_proj_weight:
        if tuple(key.shape[:2]) != tuple(value.shape[:2]):
            raise _messages.key_value_lengths(key.shape[:2], value.shape[:2])
    elif tuple(key.shape) != tuple(value.shape):
        raise _messages.key_value_shapes(key.shape, value.shape)
    q, k, v = _projections(
        query, key, value, in_proj_weight, in_proj_bias, use_separate_proj_weight,
        q_proj_weight, k_proj_weight, v_proj_weight,
    )  # fmt: skip
    mask = None if attn_mask is None else cut.checked_mask(attn_mask, positions)
    if bias_k is not None and bias_v is not None:
        for name, static in (("key", static_k), ("value", static_v)):
            if static is not None:
                raise _messages.bias_with_static(name)
        k = cat.call([k, bias_k.repeat(1, cut.batch, 1)])
        v = cat.call([v, bias_v.repeat(1, cut.batch, 1)])
        mask, padding = _padded_by_one(mask), _padded_by_one(padding)
    elif bias_k is not None:
        raise _messages.one_bias("bias_k", "bias_v")
    elif bias_v is not None:
        raise _messages.one_bias("bias_v", "bias_k")
    q = cut.cut(q)
    k = cut.cut(k) if static_k is None else cut.static(static_k, "static_k")
    v = cut.cut(v) if static_v is None else cut.static(static_v, "static_v")
    if add_zero_attn:
        zeros = k.new_zeros((cut.batch, num_heads, 1, cut.size))
        k, v = [cat.call([each, zeros], 2) for each in (k, v)]
        mask, padding = _padded_by_one(mask), _padded_by_one(padding)
    mask = cut.merged_mask(mask, padding, k.shape[2])
    dropout_p = dropout_p if training else 0.0
    if need_weights:
        output, weights = _with_weights(cut, q, k, v, mask, dropout_p, is_causal)
    else:
        output, weights = _without_weights(cut, q, k, v, mask, dropout_p, is_causal), None
    output = linear(output, out_proj_weight, out_proj_bias)
    output = output.view(cut.steps, cut.batch, output.shape[1])
    if weights is not None:
        weights = weights.view(cut.batch, num_heads, cut.steps, k.shape[2])
        if average_attn_weights:
            weights = weights.mean(1)
    if not is_batched:
        output = output.squeeze(1)
        weights = None if weights is None else weights.squeeze(0)
    return output, weights


def _with_weights(cut, q, k, v, mask, dropout_p, is_causal) -> tuple[Any, Any]:
    """Attend step by step; return rows of the result, and weights of all heads in one dimension."""
    q = q * math.sqrt(1.0 / float(cut.size))
    if is_causal and mask is None:
        raise _messages.causal_with_weights()
    q, k, v = [each.reshape(cut.batch * cut.heads, -1, cut.size) for each in (q, k, v)]
    if mask is None:
        scores = bmm.call(q, k.transpose(-2, -1))
    else:
        scores = baddbmm.call(mask, q, k.transpose(-2, -1))
    weights = softmax.call(scores, -1)
    if dropout_p > 0.0:
        weights = dropout_function(weights, dropout_p)
    output = bmm.call(weights, v).transpose(0, 1)
    return output.reshape(cut.steps * cut.batch, cut.features), weights


def _without_weights(cut, q, k, v, mask, dropout_p, is_causal) -> Any:
    """Attend in one; return rows of the result."""
    if mask is not None:
        if mask.size(0) == 1 and mask.dim() == 3:
            mask = mask.unsqueeze(0)
        else:
            mask = mask.view(cut.batch, cut.heads, -1, k.shape[2])
    output = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
    return output.permute(2, 0, 1, 3).reshape(cut.batch * cut.steps, cut.features)


publish(
    "multi_head_attention_forward",
    multi_head_attention_forward,
    registry=NN_FUNCTIONS,
    remembered=True,
)
publish("_canonical_mask", _canonical_mask, registry=NN_FUNCTIONS)
publish("_none_or_dtype", _none_or_dtype, registry=NN_FUNCTIONS)


# What inference runs


def _native_heads(query, key, value, weight, bias, heads: int) -> list[Any]:
    """Return the projections as (batch, heads, time, size)."""
    features = weight.shape[0] // 3
    if query is key and key is value:
        projected = linear(query, weight, bias).chunk(3, -1)
    else:
        projected = [
            linear(each, part, addend)
            for each, part, addend in zip(
                (query, key, value), weight.chunk(3), bias.chunk(3), strict=True
            )
        ]
    return [
        each.reshape(each.shape[0], each.shape[1], heads, features // heads).transpose(1, 2)
        for each in projected
    ]


def _hidden(mask: Any, mask_type: int | None) -> Any:
    """Return, as a bool tensor of four dimensions, what a mask hides."""
    mask = mask.to(dtypes.bool_)
    if mask_type == 1:
        return mask.view(mask.shape[0], 1, 1, mask.shape[1])
    return mask


@op(
    "_native_multi_head_attention(Tensor query, Tensor key, Tensor value, int64_t embed_dim, "
    "int64_t num_head, Tensor qkv_weight, Tensor qkv_bias, Tensor proj_weight, Tensor proj_bias, "
    "Tensor? mask=None, bool need_weights=True, bool average_attn_weights=True, "
    "int64_t? mask_type=None)",
    method=False,
    autocast=Autocast(cpu="lower"),
)
def _native_multi_head_attention(
    query,
    key,
    value,
    embed_dim,
    num_head,
    qkv_weight,
    qkv_bias,
    proj_weight,
    proj_bias,
    mask=None,
    need_weights=True,
    average_attn_weights=True,
    mask_type=None,
):
    """Multi-head self-attention, for inference.

    Args:
        query, key, value: of shape (batch, time, features).
        embed_dim, num_head: the numbers of features and heads.
        qkv_weight, qkv_bias, proj_weight, proj_bias: of the projections.
        mask: not 0 where attention is forbidden.
        need_weights, average_attn_weights: as of ``multi_head_attention_forward``.
        mask_type: 0 for a mask of (time, time), 1 for one of (batch, time), 2 for one of all.
    Returns:
        The result, and the attention weights or ``None``.
    """
    q, k, v = _native_heads(query, key, value, qkv_weight, qkv_bias, num_head)
    scores = matmul(q * (1 / math.sqrt(embed_dim // num_head)), k.transpose(-2, -1))
    if mask is not None:
        scores = scores.masked_fill(_hidden(mask, mask_type), -math.inf)
    weights = softmax.call(scores, -1)
    output = matmul(weights, v).transpose(1, 2).reshape(query.shape)
    output = linear(output, proj_weight, proj_bias)
    if not need_weights:
        return output, None
    return output, (weights.mean(1) if average_attn_weights else weights)


@op(
    "_transformer_encoder_layer_fwd(Tensor src, int64_t embed_dim, int64_t num_heads, "
    "Tensor qkv_weight, Tensor qkv_bias, Tensor proj_weight, Tensor proj_bias, bool use_gelu, "
    "bool norm_first, double eps, Tensor norm_weight_1, Tensor norm_bias_1, Tensor norm_weight_2, "
    "Tensor norm_bias_2, Tensor ffn_weight_1, Tensor ffn_bias_1, Tensor ffn_weight_2, "
    "Tensor ffn_bias_2, Tensor? mask=None, int64_t? mask_type=None)",
    method=False,
)
def _transformer_encoder_layer_fwd(
    src,
    embed_dim,
    num_heads,
    qkv_weight,
    qkv_bias,
    proj_weight,
    proj_bias,
    use_gelu,
    norm_first,
    eps,
    norm_weight_1,
    norm_bias_1,
    norm_weight_2,
    norm_bias_2,
    ffn_weight_1,
    ffn_bias_1,
    ffn_weight_2,
    ffn_bias_2,
    mask=None,
    mask_type=None,
):
    """Layer of a transformer's encoder, for inference.

    Args:
        src: of shape (batch, time, features).
        embed_dim, num_heads, mask, mask_type, qkv_weight, qkv_bias, proj_weight, proj_bias: as of
            ``_native_multi_head_attention``.
        use_gelu: whether the activation is ``gelu``, not ``relu``.
        norm_first: whether to normalise before the blocks instead of behind them.
        eps, norm_weight_1, norm_bias_1, norm_weight_2, norm_bias_2: of the normalisations.
        ffn_weight_1, ffn_bias_1, ffn_weight_2, ffn_bias_2: of the feed-forward block.
    """
    shape = (embed_dim,)

    def attend(x):
        return _native_multi_head_attention(
            x, x, x, embed_dim, num_heads, qkv_weight, qkv_bias, proj_weight, proj_bias, mask,
            False, True, mask_type,
        )[0]  # fmt: skip

    def feed(x):
        inner = linear(x, ffn_weight_1, ffn_bias_1)
        inner = _gelu.call(inner) if use_gelu else relu.call(inner)
        return linear(inner, ffn_weight_2, ffn_bias_2)

    if norm_first:
        src = src + attend(layer_norm(src, shape, norm_weight_1, norm_bias_1, eps))
        return src + feed(layer_norm(src, shape, norm_weight_2, norm_bias_2, eps))
    src = layer_norm(src + attend(src), shape, norm_weight_1, norm_bias_1, eps)
    return layer_norm(src + feed(src), shape, norm_weight_2, norm_bias_2, eps)
