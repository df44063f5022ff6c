"""``summation`` in NumPy: the same terms in the same order, in few calls.

A reduction over a dimension that is not the last one adds slices one after another, which is what
PyTorch's kernels do with their registers. Over the last dimension NumPy adds in an order of its
own, and ``accumulate`` has to stand in.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from .._shared.widening import is_half
from .summation import LIMIT, adds_in_order, lanes_of, merged

# Terms of a group, registers in flight and levels of groups, as in ``summation``.
_GROUP, _FLIGHT, _LEVELS = 16, 4, 4

_merged = functools.lru_cache(4096)(merged)


def sum_on_host(array: Any, axes: tuple[int, ...], keepdim: bool, device: str) -> Any:
    """Add over dimensions, see ``summation.ordered_sum``."""
    if is_half(array.dtype):
        return sum_on_host(array.astype(np.float32), axes, keepdim, device).astype(array.dtype)
    if device != "cpu" or array.dtype.char not in "fd" or not 0 < array.size < LIMIT:
        return np.add.reduce(array, axes, array.dtype, keepdims=keepdim)  # type: ignore[call-overload]
    sizes, reduced = _merged(array.shape, axes)
    if not adds_in_order(array.size, sizes, reduced):
        return np.add.reduce(array, axes, array.dtype, keepdims=keepdim)  # type: ignore[call-overload]
    total = _sum_groups(array.reshape(sizes), reduced) + array.dtype.type(0)  # -0 becomes 0
    shape = [1 if axis in axes else size for axis, size in enumerate(array.shape)]
    if not keepdim:
        shape = [size for axis, size in enumerate(array.shape) if axis not in axes]
    return total.reshape(shape)


def mean_on_host(array: Any, axes: tuple[int, ...], keepdim: bool, device: str) -> Any:
    """Average over dimensions, see ``summation.ordered_mean``."""
    if is_half(array.dtype):
        return mean_on_host(array.astype(np.float32), axes, keepdim, device).astype(array.dtype)
    count = math.prod([array.shape[axis] for axis in axes])
    return np.divide(sum_on_host(array, axes, keepdim, device), array.dtype.type(count))


def _sum_groups(array: Any, reduced: tuple[bool, ...]) -> Any:
    axis = len(reduced) - 1 - reduced[::-1].index(True)
    count = array.shape[axis]
    before = array.shape[:axis]
    columns = array.shape[axis + 1] if axis + 1 < array.ndim else 1
    rows = array.reshape(-1, count, columns)
    lanes = lanes_of(array.dtype)
    if columns == 1:
        total = _sum_row(rows, lanes)
    elif sum(reduced) > 1:
        total = _in_flight(rows)
    else:
        total = _sum_columns(rows, lanes)
    if sum(reduced) == 1:
        return total
    outer = reduced.index(True)
    total = total.reshape(math.prod(before[:outer]), before[outer], -1)
    return _one_by_one(total)


def _one_by_one(rows: Any) -> Any:
    """Add along dimension 1 of three, one after another; that dimension stays, with size 1."""
    if rows.shape[1] == 1:
        return rows
    if rows.shape[2] > 1:
        return np.add.reduce(rows, 1, keepdims=True)
    return np.add.accumulate(rows, 1)[:, -1:]


def _sum_row(rows: Any, lanes: int) -> Any:
    outer, count, _ = rows.shape
    whole = count // lanes
    if whole == 0:
        return _in_flight(rows)
    registers = rows[:, : whole * lanes]
    partial = _in_flight(registers.reshape(outer, whole, lanes)).reshape(outer, lanes, 1)
    if count % lanes:
        partial = np.concatenate([rows[:, whole * lanes :], partial], 1)
    return _one_by_one(partial)


def _sum_columns(rows: Any, lanes: int) -> Any:
    columns = rows.shape[2]
    block = _FLIGHT * lanes if columns >= lanes else _FLIGHT
    blocked = columns // block * block
    if blocked == columns:
        return _cascade(rows)
    if blocked == 0:
        return _in_flight(rows)
    return np.concatenate([_cascade(rows[:, :, :blocked]), _in_flight(rows[:, :, blocked:])], 2)


def _in_flight(rows: Any) -> Any:
    outer, count, columns = rows.shape
    whole = count // _FLIGHT
    if whole == 0:
        return _one_by_one(rows)
    split = rows[:, : whole * _FLIGHT].reshape(outer, whole, _FLIGHT * columns)
    sums = _cascade(split).reshape(outer, _FLIGHT, columns)
    if count % _FLIGHT:
        sums = np.concatenate([sums[:, :1], rows[:, whole * _FLIGHT :], sums[:, 1:]], 1)
    return _one_by_one(sums)


def _cascade(rows: Any) -> Any:
    total: Any = None
    for level in range(_LEVELS):
        outer, count, columns = rows.shape
        whole, rest = divmod(count, _GROUP)
        if level == _LEVELS - 1 or whole == 0:
            last = _one_by_one(rows)
            return last if total is None else total + last
        if rest:
            last = _one_by_one(rows[:, whole * _GROUP :])
            total = last if total is None else total + last
        groups = rows[:, : whole * _GROUP].reshape(outer * whole, _GROUP, columns)
        rows = _one_by_one(groups).reshape(outer, whole, columns)
    raise AssertionError("the last level returns")
