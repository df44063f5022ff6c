"""From one layout to another: every layout as coordinates, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import jtorch as torch

from .._core import layout as layouts
from . import _messages, _patterns
from ._tensor import (
    COMPRESSED,
    SparseTensor,
    array_of,
    from_array,
    index_array,
    make_compressed,
    make_coo,
    with_values,
)


def take_rows(values: Any, rows: np.ndarray) -> Any:
    """Return rows of a tensor, given as an array."""
    return values.index_select(0, from_array(rows, values.device))


def add_rows(count: int, rows: np.ndarray, values: Any) -> Any:
    """Return ``count`` rows: at each the sum of the values that belong to it.

    Args:
        count: number of rows.
        rows: the row of each value.
        values: of shape (values, ...).
    """
    shape = (count, *values.shape[1:])
    index = from_array(rows, values.device)
    if values.dtype is torch.bool:
        total = torch.zeros(shape, dtype=torch.int64, device=values.device)
        return total.index_add(0, index, values.to(torch.int64)).to(torch.bool)
    return torch.zeros(shape, dtype=values.dtype, device=values.device).index_add(0, index, values)


def coalesce(tensor: SparseTensor) -> SparseTensor:
    """Return a tensor in coordinate layout with sorted indices, none of which stands twice."""
    if tensor._coalesced:
        return tensor
    indices = index_array(tensor)
    kept, first, inverse = _patterns.unique(indices, tensor._size)
    values = tensor._elements
    if kept.shape[1] == indices.shape[1]:
        result = make_coo(kept, take_rows(values, first), tensor._size, True)
    else:
        result = make_coo(kept, add_rows(kept.shape[1], inverse, values), tensor._size, True)
    result._name = "CoalesceBackward0"
    return result


def coordinates(tensor: SparseTensor) -> tuple[np.ndarray, Any]:
    """Return the indices of all elements that are kept, and the elements, in their order.

    Blocks are taken apart; batch dimensions are among the indices.
    """
    if tensor.is_sparse:
        return index_array(tensor), tensor._elements
    dimension, blocks = COMPRESSED[tensor._layout]
    starts, plain = index_array(tensor, 0), index_array(tensor, 1)
    batch = starts.shape[:-1]
    count = plain.shape[-1]
    groups = math.prod(batch)
    starts, plain = starts.reshape(groups, -1), plain.reshape(groups, -1).astype(np.int64)
    main = [_patterns.expand(each.astype(np.int64)) for each in starts]
    main_all = np.concatenate(main) if main else np.zeros(0, np.int64)
    numbers = np.repeat(np.arange(groups, dtype=np.int64), count)
    batches = list(np.unravel_index(numbers, batch)) if batch else []
    pair = [main_all, plain.reshape(-1)]
    if dimension == 1:
        pair.reverse()
    values = tensor._elements.flatten(0, len(batch)) if batch else tensor._elements
    if blocks:
        height, width = tensor.blocksize()
        row = pair[0][:, None, None] * height + np.arange(height)[None, :, None]
        column = pair[1][:, None, None] * width + np.arange(width)[None, None, :]
        shape = (pair[0].size, height, width)
        pair = [np.broadcast_to(row, shape).reshape(-1), np.broadcast_to(column, shape).reshape(-1)]
        batches = [np.repeat(each, height * width) for each in batches]
        values = values.reshape((-1, *values.shape[3:]))
    return np.stack([*batches, *pair]).astype(np.int64), values


def to_coo(tensor: SparseTensor) -> SparseTensor:
    """Return a tensor in coordinate layout."""
    if tensor.is_sparse:
        return tensor
    indices, values = coordinates(tensor)
    if COMPRESSED[tensor._layout] == (0, False):
        return make_coo(indices, values, tensor._size, True)
    kept, first, _ = _patterns.unique(indices, tensor._size)
    return make_coo(kept, take_rows(values, first), tensor._size, True)


def to_dense(tensor: SparseTensor) -> Any:
    """Return all elements."""
    indices, values = coordinates(tensor)
    size = tensor._size
    dimensions = indices.shape[0]
    count = math.prod(size[:dimensions])
    if not count or not indices.shape[1]:
        values = values.sum() * 0 if values.requires_grad else values.new_zeros(())
        return values.to(tensor.dtype).expand(size).clone()
    rows = np.zeros(indices.shape[1], np.int64)
    if dimensions:
        rows = np.ravel_multi_index(tuple(indices), size[:dimensions], mode="clip").astype(np.int64)
    return add_rows(count, rows, values).reshape(size)


def pattern_of(dense: Any, sparse_dim: int) -> np.ndarray:
    """Return the indices of the elements of a dense tensor that are not zero.

    Args:
        dense: the tensor.
        sparse_dim: how many dimensions, from the first, are indexed.
    """
    kept = (dense.detach() != 0).cpu().numpy()
    if kept.ndim > sparse_dim:
        kept = kept.any(axis=tuple(range(sparse_dim, kept.ndim)))
    return np.stack(np.nonzero(kept)) if sparse_dim else np.zeros((0, 1), np.int64)


def values_at(dense: Any, indices: np.ndarray) -> Any:
    """Return the elements of a dense tensor at some indices."""
    dimensions = indices.shape[0]
    if not dimensions:
        return dense.unsqueeze(0)
    flat = dense.flatten(0, dimensions - 1) if dimensions > 1 else dense
    if not indices.shape[1]:
        return flat.narrow(0, 0, 0)
    shape = tuple(dense.shape[:dimensions])
    rows = np.ravel_multi_index(tuple(indices), shape, mode="clip").astype(np.int64)
    return take_rows(flat, rows)


def dense_to_coo(dense: Any, sparse_dim: int) -> SparseTensor:
    """Return the elements of a dense tensor that are not zero, in coordinate layout."""
    indices = pattern_of(dense, sparse_dim)
    return make_coo(indices, values_at(dense, indices), dense.shape, True)


def compress(
    layout: Any,
    indices: np.ndarray,
    values: Any,
    size: Sequence[int],
    blocksize: tuple[int, int] | None = None,
) -> SparseTensor:
    """Return elements given by different coordinates in a compressed layout.

    Args:
        layout: one of the compressed ones.
        indices: of shape (batch dimensions + 2, elements).
        values: of shape (elements, dense dimensions...).
        size: the shape.
        blocksize: of the layouts in blocks.

    Raises:
        RuntimeError: batches have different numbers of elements.
    """
    dimension, blocks = COMPRESSED[layout]
    batch = tuple(size[: indices.shape[0] - 2])
    rows, columns = indices[-2], indices[-1]
    counts = [size[len(batch)], size[len(batch) + 1]]
    inner = None
    if blocks:
        assert blocksize is not None
        height, width = blocksize
        inner = (rows % height) * width + columns % width
        rows, columns = rows // height, columns // width
        counts = [counts[0] // height, counts[1] // width]
    main, other = (rows, columns) if dimension == 0 else (columns, rows)
    order = (counts[dimension], counts[1 - dimension])
    keyed = np.stack([*indices[:-2], main, other])
    kept, first, inverse = _patterns.unique(keyed, (*batch, *order))
    if inner is None:
        values = take_rows(values, first) if (np.diff(first) != 1).any() else values
    else:
        area = height * width
        values = add_rows(kept.shape[1] * area, inverse * area + inner, values)
        values = values.reshape((kept.shape[1], height, width, *values.shape[1:]))
    groups = math.prod(batch)
    number = (
        np.ravel_multi_index(tuple(kept[:-2]), batch)
        if batch
        else np.zeros(kept.shape[1], np.int64)
    )
    lengths = np.bincount(number, minlength=groups) if groups else np.zeros(0, np.int64)
    if lengths.size and (lengths != lengths[0]).any():
        raise _messages.uneven_batches()
    per_batch = int(lengths[0]) if lengths.size else 0
    starts = (
        np.stack([_patterns.compress(kept[-2][number == each], order[0]) for each in range(groups)])
        if groups
        else np.zeros((0, order[0] + 1), np.int64)
    )
    plain = kept[-1].reshape((*batch, per_batch))
    starts = starts.reshape((*batch, order[0] + 1))
    if batch:
        values = values.reshape((*batch, per_batch, *values.shape[1:]))
    return make_compressed(layout, starts, plain, values, size)


def to_compressed(
    tensor: SparseTensor, layout: Any, blocksize: tuple[int, int] | None = None
) -> SparseTensor:
    """Return a sparse tensor in a compressed layout."""
    if tensor.is_sparse:
        tensor = coalesce(tensor)
    indices, values = coordinates(tensor)
    return compress(layout, indices, values, tensor._size, blocksize)


def at_elements_of(value: Any, like: SparseTensor) -> Any:
    """Return the elements of a tensor of any layout at those that a sparse tensor keeps.

    Args:
        value: a tensor of the same shape.
        like: whose elements are meant; the result has the shape of its values.
    """
    wanted, _ = coordinates(like)
    if not isinstance(value, SparseTensor):
        taken = values_at(value, wanted)
    else:
        if value is like or same_indices(value, like):
            return value._elements
        own = to_coo(value)
        own = coalesce(own)
        taken = _looked_up(own, wanted)
    return taken.reshape(like._elements.shape)


def _looked_up(tensor: SparseTensor, wanted: np.ndarray) -> Any:
    indices, values = coordinates(tensor)
    extra = wanted.shape[0] - indices.shape[0]
    if extra:
        dense = to_dense(tensor)
        return values_at(dense, wanted)
    place = _patterns.positions(wanted, indices, tensor._size)
    if not indices.shape[1]:
        return values.new_zeros((wanted.shape[1], *values.shape[1:]))
    taken = take_rows(values, np.maximum(place, 0))
    if (place >= 0).all():
        return taken
    present = from_array(place >= 0, values.device).reshape((-1,) + (1,) * (values.dim() - 1))
    return torch.where(present, taken, torch.zeros((), dtype=values.dtype, device=values.device))


def same_indices(left: SparseTensor, right: SparseTensor) -> bool:
    """Tell whether two tensors of one layout keep elements at the same indices in one order."""
    if left._layout is not right._layout or left._size != right._size:
        return False
    if left.nnz() != right.nnz() or left.blocksize() != right.blocksize():
        return False
    return all(
        mine is other or np.array_equal(array_of(mine), array_of(other))
        for mine, other in zip(left._index_tensors, right._index_tensors, strict=True)
    )


def in_layout_of(tensor: SparseTensor, like: SparseTensor) -> SparseTensor:
    """Return a sparse tensor in the layout of another one."""
    if tensor._layout is like._layout:
        return tensor
    if like._layout is layouts.sparse_coo:
        return to_coo(tensor)
    blocks = like.blocksize() if COMPRESSED[like._layout][1] else None
    return to_compressed(tensor, like._layout, blocks)


def map_values(tensor: SparseTensor, function: Any) -> SparseTensor:
    """Return a tensor with the same indices and a function of the values."""
    return with_values(tensor, function(tensor._elements))
