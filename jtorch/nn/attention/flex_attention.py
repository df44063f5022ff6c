"""Attention with scores and masks that Python functions say: ``torch.nn.attention.flex_attention``.

A function is called once, with indices that broadcast to all batches, heads, queries and keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jtorch as torch

from ..._runtime import absent as _absent
from ..._tensor.tensor import Tensor
from ._block_mask import BlockMask, create_block_mask, create_mask, noop_mask, positions

__all__ = [
    "AuxOutput",
    "AuxRequest",
    "BlockMask",
    "and_masks",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "noop_mask",
    "or_masks",
]


class AuxRequest(NamedTuple):
    """What ``flex_attention`` is to return beside the attention."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What ``flex_attention`` returned beside the attention."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


def _joined(name: str, mask_mods: tuple, combine: Callable) -> Callable:
    if not all(callable(each) for each in mask_mods):
        raise RuntimeError(f"All inputs should be callable mask_mods: {mask_mods}")

    def mask(b: Any, h: Any, q_idx: Any, kv_idx: Any) -> Any:
        found = mask_mods[0](b, h, q_idx, kv_idx)
        for each in mask_mods[1:]:
            found = combine(found, each(b, h, q_idx, kv_idx))
        return found

    mask.__name__ = mask.__qualname__ = name
    return mask


def and_masks(*mask_mods: Callable) -> Callable:
    """Return the mask function that is true where all of the given ones are."""
    return _joined("and_mask", mask_mods, lambda a, b: a & b)


def or_masks(*mask_mods: Callable) -> Callable:
    """Return the mask function that is true where one of the given ones is."""
    return _joined("or_mask", mask_mods, lambda a, b: a | b)


def _check(query: Tensor, key: Tensor, value: Tensor, mask: BlockMask | None, gqa: bool) -> None:
    if query.dim() != 4 or key.dim() != 4 or value.dim() != 4:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    if not gqa and query.shape[1] != key.shape[1]:
        raise ValueError(
            f"Expect query and key/value to have the same number of heads but got "
            f"Hq={query.shape[1]} and Hkv={key.shape[1]}. Try setting enable_gqa=True for GQA."
        )
    if gqa and query.shape[1] % key.shape[1] != 0:
        raise ValueError(
            f"Expect number of query heads to be a multiple of kv heads for GQA but got "
            f"Hq={query.shape[1]} and Hkv={key.shape[1]}."
        )
    if mask is not None and mask.seq_lengths != (query.shape[2], key.shape[2]):
        raise ValueError(
            f"block_mask was created for block_mask.shape={mask.shape} but got "
            f"q_len={query.shape[2]} and kv_len={key.shape[2]}."
        )


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: Callable | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: Any = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """Return ``softmax(score_mod(query @ key.T * scale)) @ value`` where the mask allows it.

    Args:
        query: (B, Hq, L, E).
        key: (B, Hkv, S, E).
        value: (B, Hkv, S, Ev).
        score_mod: of (score, batch, head, query, key): another score.
        block_mask: which queries attend to which keys; all to all by default.
        scale: of the products; ``1 / sqrt(E)`` by default.
        enable_gqa: whether several query heads share a head of keys and values.
        return_lse: whether to return the logarithms of the sums of exponentials too: (B, Hq, L).
        kernel_options: accepted.
        return_aux: which more to return: a pair of the attention and an ``AuxOutput``.
    Returns:
        (B, Hq, L, Ev). A query that attends to no key has zeros.

    Example:
        >>> import jtorch as torch
        >>> from jtorch.nn.attention.flex_attention import create_block_mask, flex_attention
        >>> x = torch.eye(3)[None, None]
        >>> causal = create_block_mask(lambda b, h, q, k: q >= k, None, None, 3, 3)
        >>> flex_attention(x, x, x, block_mask=causal)[0, 0, 0]
        tensor([1., 0., 0.])
    """
    _check(query, key, value, block_mask, enable_gqa)
    batches, heads, queries, width = query.shape
    if enable_gqa:
        key = key.repeat_interleave(heads // key.shape[1], 1)
        value = value.repeat_interleave(heads // value.shape[1], 1)
    scale = width**-0.5 if scale is None else scale
    precise = torch.float64 if query.dtype == torch.float64 else torch.float32
    scores = (query @ key.transpose(-2, -1)).to(precise) * scale
    if score_mod is not None:
        where = positions(batches, heads, queries, key.shape[2], query.device)
        scores = score_mod(scores, *where).to(precise).expand(scores.shape)
    if block_mask is not None:
        allowed = block_mask.elements(heads, query.device)
        scores = torch.where(allowed, scores, -float("inf"))
    largest = scores.amax(-1, keepdim=True)
    without = largest == -float("inf")
    total = scores.logsumexp(-1, keepdim=True)
    shares = torch.where(without, 0.0, (scores - torch.where(without, 0.0, total)).exp())
    result = shares.to(query.dtype) @ value
    lse = total.squeeze(-1)
    if return_aux is not None:
        most = largest.squeeze(-1) if return_aux.max_scores else None
        return result, AuxOutput(lse if return_aux.lse else None, most)
    return (result, lse) if return_lse else result


#: The size of blocks that PyTorch's masks are cut into; read by other libraries.
_DEFAULT_SPARSE_BLOCK_SIZE = 128

__getattr__ = _absent.attributes(__name__)
