"""Attention of several heads as a module."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from ..._tensor.tensor import Tensor
from ...backends import mha
from .. import functional as F
from ..init import constant_, xavier_normal_, xavier_uniform_
from ..parameter import Parameter
from .linear import NonDynamicallyQuantizableLinear
from .module import Module

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Multi-head scaled dot-product attention: ``softmax(q k^T / sqrt(d)) v`` in each head.

    Source: Vaswani et al., "Attention is all you need" (2017).

    Args:
        embed_dim: features of the query and of the result.
        num_heads: the number of heads; it divides ``embed_dim``.
        dropout: the probability that an attention weight is dropped in training.
        bias: whether the projections have biases.
        add_bias_kv: whether there is a learnt key and value that every step sees.
        add_zero_attn: whether there is a key and value of zeros.
        kdim, vdim: features of key and value, ``embed_dim`` unless given.
        batch_first: whether tensors are (batch, time, features), not (time, batch, features).
        device, dtype: of the parameters.
    Raises:
        ValueError: ``embed_dim`` or ``num_heads`` is not positive.
        AssertionError: ``num_heads`` does not divide ``embed_dim``.
    """

    __constants__ = ["batch_first"]
    bias_k: Tensor | None
    bias_v: Tensor | None
    in_proj_weight: Any
    in_proj_bias: Any
    q_proj_weight: Any
    k_proj_weight: Any
    v_proj_weight: Any

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0,"
                f" got embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        super().__init__()
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")

        def weight(*shape: int) -> Parameter:
            return Parameter(torch.empty(shape, **options))

        parts = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        if self._qkv_same_embed_dim:
            self.in_proj_weight = weight(3 * embed_dim, embed_dim)
            for name in parts:
                self.register_parameter(name, None)
        else:
            for name, features in parts.items():
                setattr(self, name, weight(embed_dim, features))
            self.register_parameter("in_proj_weight", None)
        self.register_parameter("in_proj_bias", weight(3 * embed_dim) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **options)
        if add_bias_kv:
            self.bias_k = weight(1, 1, embed_dim)
            self.bias_v = weight(1, 1, embed_dim)
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        if self._qkv_same_embed_dim:
            xavier_uniform_(self.in_proj_weight)
        else:
            for projection in (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
                xavier_uniform_(projection)
        if self.in_proj_bias is not None:
            constant_(self.in_proj_bias, 0.0)
            assert self.out_proj.bias is not None
            constant_(self.out_proj.bias, 0.0)
        if self.bias_k is not None:
            xavier_normal_(self.bias_k)
        if self.bias_v is not None:
            xavier_normal_(self.bias_v)

    def __setstate__(self, state: dict[str, Any]) -> None:
        state.setdefault("_qkv_same_embed_dim", True)  # absent in files of PyTorch 1.1
        super().__setstate__(state)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Args:
            query: of shape (time, batch, embed_dim), (batch, time, embed_dim) if ``batch_first``,
                or (time, embed_dim).
            key, value: likewise, of ``kdim`` and ``vdim`` features.
            key_padding_mask: of shape (batch, positions), true where a key is padding.
            need_weights: whether to return the attention weights.
            attn_mask: of shape (time, positions) or (batch * heads, time, positions), true where
                attention is forbidden, or what to add to the scores.
            average_attn_weights: whether the weights are averaged over the heads.
            is_causal: says that ``attn_mask`` hides what comes later.
        Returns:
            The result in the query's shape, and the weights or ``None``.
        """
        floating = any(
            mask is not None and torch.is_floating_point(mask)
            for mask in (attn_mask, key_padding_mask)
        )
        batched = query.dim() == 3
        padding = F._canonical_mask(
            mask=key_padding_mask,
            mask_name="key_padding_mask",
            other_type=F._none_or_dtype(attn_mask),
            other_name="attn_mask",
            target_type=query.dtype,
        )
        mask = F._canonical_mask(
            mask=attn_mask,
            mask_name="attn_mask",
            other_type=None,
            other_name="",
            target_type=query.dtype,
            check_other=False,
        )
        if not floating and self._fast_path_applies(query, key, value):
            merged, mask_type = self.merge_masks(mask, padding, query)
            return torch._native_multi_head_attention(
                query,
                key,
                value,
                self.embed_dim,
                self.num_heads,
                self.in_proj_weight,
                self.in_proj_bias,
                self.out_proj.weight,
                self.out_proj.bias,
                merged,
                need_weights,
                average_attn_weights,
                mask_type,
            )
        turn = self.batch_first and batched
        if turn:
            same_key, same_value = key is query, value is key
            query = query.transpose(1, 0)
            key = query if same_key else key.transpose(1, 0)
            value = key if same_value else value.transpose(1, 0)
        output, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=padding,
            need_weights=need_weights,
            attn_mask=mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (output.transpose(1, 0) if turn else output), weights

    def _fast_path_applies(self, query: Tensor, key: Tensor, value: Tensor) -> bool:
        """Tell whether PyTorch would run its operator for inference."""
        weight, bias = self.in_proj_weight, self.in_proj_bias
        if self.training or not mha.get_fastpath_enabled() or query.dim() != 3:
            return False
        if query is not key or key is not value or weight is None or bias is None:
            return False
        if query.dtype != weight.dtype or query.dtype != bias.dtype:
            return False
        if self.num_heads % 2 or not self.batch_first or self.add_zero_attn:
            return False
        if self.bias_k is not None or self.bias_v is not None:
            return False
        tensors: tuple[Any, ...] = (
            query,
            weight,
            bias,
            self.out_proj.weight,
            self.out_proj.bias,
        )
        return not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors))

    def merge_masks(
        self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, query: Tensor
    ) -> tuple[Tensor | None, int | None]:
        """Merge two masks for the operator of inference.

        Returns:
            The mask and its type: 1 for one of (batch, positions), 2 for one of all four
            dimensions; twice ``None`` where there is none.
        """
        if attn_mask is None:
            return key_padding_mask, None if key_padding_mask is None else 1
        batch, length, _ = query.shape
        if attn_mask.dim() == 3:
            merged = attn_mask.view(batch, -1, length, length)
        else:
            merged = attn_mask.view(1, 1, length, length).expand(batch, self.num_heads, -1, -1)
        if key_padding_mask is not None:
            padding = key_padding_mask.view(batch, 1, 1, length)
            merged = merged + padding.expand(-1, self.num_heads, -1, -1)
        return merged, 2


# PyTorch keeps the class in another module, under whose name it is pickled.
MultiheadAttention.__module__ = "torch.nn.modules.activation"
