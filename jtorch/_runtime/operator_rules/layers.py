"""Layers and losses as the operators that PyTorch makes them of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jtorch as torch

from ...ops.compat import aten
from ...ops.compat.matching import match
from .table import RULES, rule


def _lists(count: int, *values: Any) -> list[list[int]]:
    return [list(v) if isinstance(v, (tuple, list)) else [v] * count for v in values]


def _convolution(dims: int, transposed: bool = False) -> Callable:
    def forward(
        input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1,
    ) -> Any:  # fmt: skip
        if isinstance(padding, str) or input.ndim != dims + 2:
            return NotImplemented
        sizes = _lists(dims, stride, padding, dilation, 0)
        return aten.convolution.default(input, weight, bias, *sizes[:3], False, sizes[3], groups)

    def backward(
        input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
        output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
    ) -> Any:  # fmt: skip
        if input.ndim != dims + 2:
            return NotImplemented
        sizes = _lists(dims, stride, padding, dilation, output_padding)
        return aten.convolution.default(input, weight, bias, *sizes[:3], True, sizes[3], groups)

    return backward if transposed else forward


for _dims in (1, 2, 3):
    RULES[f"conv{_dims}d"] = _convolution(_dims)
    RULES[f"conv_transpose{_dims}d"] = _convolution(_dims, transposed=True)


def _softmax_rule(operator: str) -> Callable:
    def softmax(input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
        if dim is None or isinstance(dim, str):
            return NotImplemented
        if dtype is not None and dtype is not input.dtype:
            input = aten._to_copy.default(input, dtype=dtype)
        return getattr(aten, operator).default(input, dim, False)

    return softmax


RULES["softmax"] = _softmax_rule("_softmax")
RULES["log_softmax"] = _softmax_rule("_log_softmax")


@rule("layer_norm")
def _layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Any:  # fmt: skip
    return aten.native_layer_norm.default(input, list(normalized_shape), weight, bias, eps)[0]


@rule("group_norm")
def _group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Any:  # fmt: skip
    batch, channels, *rest = input.shape
    return aten.native_group_norm.default(
        input, weight, bias, batch, channels, math.prod(rest), num_groups, eps
    )[0]


@rule("batch_norm")
def _batch_norm(
    input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5, cudnn_enabled: bool = True,
) -> Any:  # fmt: skip
    return aten.native_batch_norm.default(
        input, weight, bias, running_mean, running_var, training, momentum, eps
    )[0]


@rule("dropout")
def _dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    if inplace or not 0 < p < 1:
        return NotImplemented
    if not training:
        return input
    likelihood = [] if p == 0.5 else [1 - p]  # what is so by default is left out
    noise = aten.bernoulli_.float(aten.empty_like.default(input), *likelihood)
    return aten.mul.Tensor(input, aten.div_.Scalar(noise, 1 - p))


@rule("embedding")
def _embedding(
    input: Any, weight: Any, padding_idx: Any = None, max_norm: Any = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Any:  # fmt: skip
    if not isinstance(scale_grad_by_freq, bool) or max_norm is not None:
        return NotImplemented
    if padding_idx is None and not (scale_grad_by_freq or sparse):
        return aten.embedding.default(weight, input)
    place = -1 if padding_idx is None else padding_idx % weight.shape[0]
    return aten.embedding.default(weight, input, place, scale_grad_by_freq, sparse)


@rule("nll_loss")
def _nll_loss(
    input: Any, target: Any, weight: Any = None, size_average: Any = None,
    ignore_index: int = -100, reduce: Any = None, reduction: str = "mean",
) -> Any:  # fmt: skip
    if size_average is not None or reduce is not None or input.ndim not in (1, 2, 4):
        return NotImplemented
    number = ("none", "mean", "sum").index(reduction)
    packet = aten.nll_loss2d_forward if input.ndim == 4 else aten.nll_loss_forward
    return packet.default(input, target, weight, number, ignore_index)[0]


@rule("cross_entropy", "cross_entropy_loss")
def _cross_entropy(
    input: Any, target: Any, weight: Any = None, size_average: Any = None,
    ignore_index: int = -100, reduce: Any = None, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    if target.is_floating_point() or label_smoothing or input.ndim not in (1, 2, 4):
        return NotImplemented
    logarithms = aten._log_softmax.default(input, min(1, input.ndim - 1), False)
    return _nll_loss(logarithms, target, weight, size_average, ignore_index, reduce, reduction)


@rule("max_pool2d")
def _max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    packet = aten.max_pool2d_with_indices
    found = match(packet, (input, kernel_size, stride or [], padding, dilation, ceil_mode), {})
    if found is None:
        return NotImplemented
    results = packet.default(*found[1], **found[2])
    return results if return_indices else results[0]


def _added_to_scores(mask: Any, query: Any) -> Any:
    """Return a mask of what is kept as 0 there and -inf elsewhere; another one as it is."""
    if mask is None or mask.dtype != torch.bool:
        return mask
    left_out = aten.scalar_tensor.default(-math.inf, dtype=query.dtype, device=query.device)
    kept = aten.scalar_tensor.default(
        0.0, dtype=query.dtype, layout=torch.strided, device=query.device
    )
    return aten.where.self(mask, kept, left_out)


@rule("scaled_dot_product_attention")
def _attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: Any = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    learned = attn_mask is not None and attn_mask.requires_grad
    if enable_gqa or (query.ndim == 4 and not dropout_p and not learned):
        return NotImplemented  # one operator
    factor = math.sqrt(1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    attn_mask = _added_to_scores(attn_mask, query)
    query = aten.mul.Scalar(query, factor)
    if is_causal:
        whole = aten.ones.default(
            [query.shape[-2], key.shape[-2]], dtype=torch.bool, layout=torch.strided,
            device=query.device,
        )  # fmt: skip
        attn_mask = _added_to_scores(aten.tril.default(whole), query)
    scores = torch.matmul(query, aten.mul.Scalar(aten.transpose.int(key, -2, -1), factor))
    if attn_mask is not None:
        scores = aten.add.Tensor(scores, attn_mask)
    weights = aten._safe_softmax.default(scores, -1)
    return torch.matmul(_dropout(weights, dropout_p) if dropout_p else weights, value)
