"""The memory format that PyTorch's kernels of images lay their results out in."""

from __future__ import annotations

from ..._core.strides import strides_of_order
from ..._engine.graph.values import Meta

_CHANNELS_LAST = {4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


def suggests_channels_last(meta: Meta) -> bool:
    """Return whether the strides of a tensor are those of a ``channels_last`` format.

    Gaps do not matter. Where sizes of 1 leave both formats open, the order of the strides decides,
    as in PyTorch: a batch of one row of pixels with one channel counts as contiguous.
    """
    order = _CHANNELS_LAST.get(meta.ndim)
    if order is None:
        return False
    strides, least = meta.strides, 0
    if strides[1] == 0:
        return False
    for dim in (1, *reversed(order[1:-1]), 0):
        size, stride = meta.shape[dim], strides[dim]
        if size == 0 or stride < least:
            return False
        if dim == 0 and least == strides[1]:
            return False
        least = stride * size if size > 1 else stride
    return True


def suggested_strides(meta: Meta, shape: tuple[int, ...] | None = None) -> tuple[int, ...] | None:
    """Return the strides of a result in the format that an input suggests.

    Args:
        meta: of the input.
        shape: of the result; that of the input unless given.
    Returns:
        Strides, ``None`` for contiguous ones.
    """
    shape = meta.shape if shape is None else shape
    if not suggests_channels_last(meta) or len(shape) != meta.ndim:
        return None
    return strides_of_order(shape, _CHANNELS_LAST[meta.ndim])
