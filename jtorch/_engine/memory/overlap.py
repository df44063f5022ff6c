"""Writing through views of which several elements are one place in memory.

Most view steps can be undone one by one: ``put`` gives the elements back to where the step took
them from. A step that repeats elements (``expand``, ``unfold``, overlapping ``as_strided``) cannot.
What lies behind it may be any of the copies, so that the positions of the whole rest of the chain
are found at once, in the memory before the repetition, and only those are written.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..graph.values import Meta


@functools.lru_cache(maxsize=10_000)
def repeats_elements(meta: Meta) -> bool:
    """Return whether a tensor may have several elements at one place of its memory.

    As for PyTorch, this is asked of sizes and strides alone: each dimension has to step over all
    that the dimensions of smaller strides reach.
    """
    reach = 0
    steps = sorted((s, n) for n, s in zip(meta.shape, meta.strides, strict=True) if n > 1)
    if not meta.numel:
        return False
    for stride, size in steps:
        if stride <= reach:
            return True
        reach += stride * (size - 1)
    return False


def groups(metas: Sequence[Meta], flips: Sequence[bool]) -> list[tuple[int, int]]:
    """Split a chain into steps that are undone by themselves and runs that are undone at once.

    Args:
        metas: of the tensor that the chain starts from and of the result of each step.
        flips: whether each step changes elements (and not only where they lie).
    Returns:
        ``(first step, step after the last)`` of each part.
    """
    found = []
    start, count = 0, len(flips)
    while start < count:
        end = start + 1
        moved = not flips[start] and metas[start].dtype is metas[start + 1].dtype
        if moved and repeats_elements(metas[end]) and not repeats_elements(metas[start]):
            while end < count and not flips[end] and metas[end].dtype is metas[end + 1].dtype:
                end += 1
        found.append((start, end))
        start = end
    return found


def put_at_positions(view: Callable, base: Any, new: Any, changed: Any = None) -> Any:
    """Return ``base`` with ``new`` where the view lies.

    The view of the flat positions says which elements they are; XLA folds that away for static
    views. Of elements that the view repeats, the last one is what is in memory afterwards.

    Args:
        view: ``array -> array``, the view.
        base: what is viewed.
        new: the elements of the view.
        changed: which of them were written, ``None`` for all.
    """
    positions = view(jnp.arange(base.size).reshape(base.shape)).reshape(-1)
    if changed is not None:
        positions = jnp.where(changed.reshape(-1), positions, base.size)  # beyond: dropped
    flat = base.reshape(-1).at[positions].set(new.reshape(-1), mode="drop")
    return flat.reshape(base.shape)


def differs(new: Any, old: Any) -> Any:
    """Return which elements were written, as far as that can be seen: NaN over NaN was not."""
    unequal = new != old
    if np.dtype(new.dtype).kind in "fcV":
        unequal &= ~(jnp.isnan(new) & jnp.isnan(old))
    return unequal
