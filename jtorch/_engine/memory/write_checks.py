"""Which writes in place are refused: to memory that an operand shares, or by autograd."""

from __future__ import annotations

import functools
from typing import Any

from ..._core import messages
from ..._core.strides import memory_order
from ..graph.values import LEAF, NO_GRAD, RESULT, Meta, is_tensor
from ..recording import storage
from ..recording.storage import current_value
from ..recording.trace import local
from .views import storage_offset


def check_partial_overlap(target: Any, source: Any) -> None:
    """Raise where a tensor that is written shares some, not all, of its memory with an operand."""
    if _overlap(target, source) == "partial":
        check_write(target, (source,))
        raise messages.partly_overlapping()


def check_no_overlap(target: Any, source: Any) -> None:
    """Raise where a tensor that is written shares any of its memory with an operand."""
    if _overlap(target, source) is not None:
        raise messages.partly_overlapping()


def _overlap(target: Any, source: Any) -> str | None:
    """Return whether two tensors share ``"full"`` or ``"partial"`` memory.

    As in PyTorch, only tensors without gaps are looked at.
    """
    first, second = target._alias, source._alias
    if target is not source and (
        first is None or second is None or first.storage is not second.storage
    ):
        return None
    mine, its = target._value.meta, source._value.meta
    if not _is_gapless(mine) or not _is_gapless(its):
        return None
    if target is source:
        return "full"
    start, other = storage_offset(target), storage_offset(source)
    if start == other and mine.numel == its.numel and mine.strides == its.strides:
        return "full"
    return "partial" if start < other + its.numel and other < start + mine.numel else None


@functools.lru_cache(maxsize=4096)
def _is_gapless(meta: Meta) -> bool:
    return memory_order(meta.shape, meta.strides) is not None


def check_write(tensor: Any, others: tuple = ()) -> None:
    """Raise where autograd forbids to write to a tensor in place, whatever is written.

    Args:
        tensor: the tensor.
        others: the other arguments of the operator.
    """
    if not is_tensor(tensor):
        return
    meta = current_value(tensor).meta
    if meta.inference and not local.trace.mode.inference:
        raise messages.inference_inplace()
    if not local.trace.mode.grad:
        return
    grad = meta.grad
    alias = tensor._alias
    if alias is not None and alias.base is not None:
        recorded = grad != NO_GRAD or any(
            is_tensor(other) and other._value.meta.grad != NO_GRAD for other in others
        )
        if recorded and alias.remark is not None:
            raise messages.view_inplace(*alias.remark._replace(outdated=False))
        if grad != NO_GRAD and current_value(alias.base).meta.grad != RESULT:
            raise messages.leaf_view_inplace()
    if grad == LEAF:
        raise messages.leaf_inplace()


storage.slow.check_write = check_write  # type: ignore[method-assign]
storage.slow.check_overlap = check_partial_overlap  # type: ignore[method-assign]
storage.slow.refuse_overlap = check_no_overlap  # type: ignore[method-assign]
