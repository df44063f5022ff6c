"""Arithmetic of the indices of sparse tensors, by NumPy on the host.

Indices of the coordinate layout are arrays of shape (sparse dimensions, elements).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def linear(indices: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Return one number for each column of indices, in lexicographic order.

    Args:
        indices: of shape (dimensions, elements).
        sizes: of these dimensions; further ones are ignored.
    """
    dimensions = indices.shape[0]
    count = indices.shape[1]
    if not dimensions:
        return np.zeros(count, np.int64)
    lows = [int(row.min()) if count else 0 for row in indices]
    highs = [int(row.max()) if count else 0 for row in indices]
    spans = [
        max(size - min(low, 0), high - min(low, 0) + 1)
        for size, low, high in zip(sizes, lows, highs, strict=False)
    ]
    if math.prod(spans) < 2**63:
        number = np.zeros(count, np.int64)
        for row, span, low in zip(indices, spans, lows, strict=True):
            number = number * span + (row - min(low, 0))
        return number
    return np.unique(indices, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def unique(indices: np.ndarray, sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the different columns of indices in order.

    Returns:
        The columns; where each stands first; and for each given column which of them it is.
    """
    _, first, inverse = np.unique(linear(indices, sizes), return_index=True, return_inverse=True)
    return indices[:, first], first, inverse.reshape(-1).astype(np.int64)


def positions(wanted: np.ndarray, among: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Return where each wanted column stands among others that are sorted, -1 where nowhere."""
    both = linear(np.concatenate([wanted, among], axis=1), sizes)
    keys, sorted_keys = both[: wanted.shape[1]], both[wanted.shape[1] :]
    if not sorted_keys.size:
        return np.full(keys.shape, -1, np.int64)
    place = np.minimum(np.searchsorted(sorted_keys, keys), sorted_keys.size - 1)
    return np.where(sorted_keys[place] == keys, place, -1)


def compress(rows: np.ndarray, count: int) -> np.ndarray:
    """Return where each of ``count`` rows begins, given the row of each element, sorted."""
    counts = np.bincount(rows, minlength=count) if rows.size else np.zeros(count, np.int64)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def expand(starts: np.ndarray) -> np.ndarray:
    """Return the row of each element, given where rows begin: the inverse of ``compress``."""
    return np.repeat(np.arange(starts.size - 1, dtype=np.int64), np.diff(starts))


def pairs(left: np.ndarray, right: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return every pair of an element of ``left`` and one of ``right`` with equal keys.

    Args:
        left: keys of the left elements, in any order.
        right: keys of the right elements, sorted.
        count: number of keys.
    Returns:
        For each pair the number of its left and that of its right element.
    """
    starts = compress(right, count)
    lengths = np.diff(starts)[left] if left.size else np.zeros(0, np.int64)
    first = np.repeat(np.arange(left.size, dtype=np.int64), lengths)
    offsets = np.arange(first.size, dtype=np.int64) - np.repeat(
        np.cumsum(lengths) - lengths, lengths
    )
    return first, starts[left[first]] + offsets if first.size else np.zeros(0, np.int64)


def merge(both: np.ndarray, count: int, sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Merge two lists of columns that need not be sorted: at each step the smaller head is taken.

    Args:
        both: the columns of the first, then those of the second.
        count: how many of them are the first's.
        sizes: of the dimensions.
    Returns:
        The columns; and for each given column which of them it is.
    """
    keys = linear(both, sizes).tolist()
    total = len(keys)
    left, right = 0, count
    kept: list[int] = []
    inverse = [0] * total
    while left < count or right < total:
        if left >= count:
            order = -1
        elif right >= total:
            order = 1
        else:
            order = (keys[left] < keys[right]) - (keys[left] > keys[right])
        place = len(kept)
        kept.append(left if order >= 0 else right)
        if order >= 0:
            inverse[left] = place
            left += 1
        if order <= 0:
            inverse[right] = place
            right += 1
    return both[:, np.array(kept, np.int64)], np.array(inverse, np.int64)
