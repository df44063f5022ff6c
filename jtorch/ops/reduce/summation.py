"""Sums of few numbers in the order in which PyTorch's CPU kernels add them, for equal bits.

PyTorch adds a contiguous row in the lanes of one AVX2 register (on every processor), with four
registers in flight, each of them a cascade: sixteen terms make a group, sixteen groups a larger
one. A column of a matrix is such a cascade, with or without the four. XLA chooses the order within
a ``reduce`` itself, but keeps that of separate additions: hence the additions of slices here.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._engine.graph.tracing import in_any_order
from .._shared.widening import is_half

#: PyTorch splits larger sums over its threads, so that their bits depend on how many it has.
LIMIT = 32768
#: From this number of terms on, the sum of all of them is made in lanes.
_LONG = 2048
# Bytes of a register, registers in flight, terms of a group and levels of groups.
_REGISTER, _FLIGHT, _GROUP, _LEVELS = 32, 4, 16, 4
# Contiguous rows longer than the first, of more elements in all than the second, are slower to add
# in PyTorch's order than in XLA's: by a half and more.
_LONG_ROW, _MANY = 256, 8192
# More whole sums than this, added one by one, take longer to compile than the last bit is worth.
_MOST_ROWS = 64


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def ordered_sum(array, axes: tuple[int, ...], keepdim: bool = False):
    """Add over dimensions as PyTorch does on the CPU, to the bit where that is worth it.

    Float32 and float64 arrays of fewer than ``LIMIT`` elements, contiguous in PyTorch's memory, are
    added in PyTorch's order; others, and many long rows, in any accurate order.

    Args:
        array: what to add up, in the dtype to add in.
        axes: the dimensions to add over, counted from the front.
        keepdim: whether they stay, with size 1.
    Returns:
        Array without these dimensions.
    """
    if is_half(array.dtype):
        return ordered_sum(array.astype(jnp.float32), axes, keepdim).astype(array.dtype)
    if in_any_order():  # by NumPy in a gradient; operators have functions of NumPy arrays
        return jnp.sum(array, axes, keepdims=keepdim, dtype=array.dtype)
    if array.dtype not in (jnp.float32, jnp.float64) or not 0 < array.size < LIMIT:
        return _any_order(array, axes, keepdim)
    sizes, reduced = merged(array.shape, axes)
    if not adds_in_order(array.size, sizes, reduced):
        return _any_order(array, axes, keepdim)
    # LLVM would contract ``x * y + total``: a product is rounded when zero is added to it first.
    rounded = array + _hidden(0, array)
    total = _sum_groups(rounded.reshape(sizes), reduced)
    return total.reshape(
        [1 if axis in axes else size for axis, size in enumerate(array.shape)]
        if keepdim
        else [size for axis, size in enumerate(array.shape) if axis not in axes]
    )


@ordered_sum.defjvp
def _ordered_sum_jvp(axes, keepdim, primals, tangents):
    return ordered_sum(primals[0], axes, keepdim), _any_order(tangents[0], axes, keepdim)


def ordered_mean(array, axes: tuple[int, ...], keepdim: bool = False):
    """Average over dimensions as PyTorch does on the CPU: see ``ordered_sum``.

    Args:
        array: what to average, in the dtype to compute in.
        axes: the dimensions to average over, counted from the front.
        keepdim: whether they stay, with size 1.
    Returns:
        Array without these dimensions.
    """
    if is_half(array.dtype):
        return ordered_mean(array.astype(jnp.float32), axes, keepdim).astype(array.dtype)
    if array.dtype not in (jnp.float32, jnp.float64):
        return jnp.mean(array, axes, keepdims=keepdim, dtype=array.dtype)
    count = math.prod(array.shape[axis] for axis in axes)
    total = ordered_sum(array, axes, keepdim)
    # XLA would multiply by the reciprocal of a constant.
    return total / (jnp.asarray(count, total.dtype) if in_any_order() else _hidden(count, total))


def _hidden(number: int, array):
    """Return a number for each element, in a way that XLA does not see that it is a constant."""
    numbers = jnp.full_like(array, number)
    return lax.select(array == array, numbers, jnp.full_like(array, jnp.nan))


def _any_order(array, axes, keepdim):
    if (
        not in_any_order()
        and len(axes) == array.ndim
        and array.size >= _LONG
        and array.dtype in (jnp.float32, jnp.float64)
    ):
        return _lanes(array.reshape(-1)).reshape((1,) * array.ndim if keepdim else ())
    return jnp.sum(array, axes, keepdims=keepdim, dtype=array.dtype)


def _lanes(array):
    """Add up a vector in sixteen lanes, so that what makes its elements is vectorised with it.

    XLA's own ``reduce`` to one number runs a fused chain of 200 operators on 11,000 numbers in 140
    to 190 us, this one in 50 to 75.
    """
    whole = array.size - array.size % 16
    total = jnp.sum(jnp.sum(array[:whole].reshape(-1, 16), axis=0))
    return total if whole == array.size else total + jnp.sum(array[whole:])


def adds_in_order(count: int, sizes: tuple[int, ...], reduced: tuple[bool, ...]) -> bool:
    """Return whether a sum is made in PyTorch's order.

    Args:
        count: the number of elements.
        sizes, reduced: the merged dimensions.
    """
    rows = [size for size, is_reduced in zip(sizes, reduced, strict=True) if is_reduced]
    # Of two reduced dimensions PyTorch adds the sums over the inner one after another.
    if len(rows) not in (1, 2) or (len(rows) == 2 and rows[0] > _MOST_ROWS):
        return False
    return not (reduced[-1] and rows[-1] > _LONG_ROW and count > _MANY)


def lanes_of(dtype: Any) -> int:
    """Return how many elements a register holds."""
    return _REGISTER // dtype.itemsize


def merged(
    shape: tuple[int, ...], axes: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Merge neighbouring dimensions of which all or none are reduced, and drop those of size 1."""
    sizes: list[int] = []
    reduced: list[bool] = []
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        if reduced and reduced[-1] == (axis in axes):
            sizes[-1] *= size
        else:
            sizes.append(size)
            reduced.append(axis in axes)
    return tuple(sizes), tuple(reduced)


def _sum_groups(array, reduced: tuple[bool, ...]):
    """Add over merged dimensions: the innermost by a kernel, the others one after another."""
    lanes = lanes_of(array.dtype)
    axis = len(reduced) - 1 - reduced[::-1].index(True)
    count = array.shape[axis]
    before = array.shape[:axis]
    columns = array.shape[axis + 1] if axis + 1 < array.ndim else 1
    rows = array.reshape(-1, count, columns)
    if columns == 1:
        total = _sum_row(rows, lanes)
    elif sum(reduced) > 1:
        total = _in_flight(rows)
    else:
        total = _sum_columns(rows, lanes)
    if sum(reduced) == 1:
        return total
    total = total.reshape(*before, columns)
    for outer in range(axis - 1, -1, -1):
        if reduced[outer]:
            total = _one_by_one(total, outer, 1, total.shape[outer])
    return total


def _sum_row(rows, lanes: int):
    """Add contiguous rows, along dimension 1 of three of which the last has size 1."""
    count = rows.shape[1]
    whole = count // lanes
    if whole == 0:
        return _in_flight(rows)
    registers = rows[:, : whole * lanes] if count % lanes else rows
    partial = _in_flight(registers.reshape(-1, whole, lanes)).reshape(-1, lanes, 1)
    if count % lanes:
        partial = lax.concatenate([rows[:, whole * lanes :], partial], 1)
    return _one_by_one(partial, 1, 1, partial.shape[1])


def _sum_columns(rows, lanes: int):
    """Add the columns of matrices: whole blocks of columns without more sums in flight."""
    columns = rows.shape[2]
    block = _FLIGHT * lanes if columns >= lanes else _FLIGHT
    blocked = columns // block * block
    if blocked == columns:
        return _cascade(rows)
    if blocked == 0:
        return _in_flight(rows)
    return lax.concatenate([_cascade(rows[:, :, :blocked]), _in_flight(rows[:, :, blocked:])], 2)


def _in_flight(rows):
    """Add along dimension 1 of three with several independent sums."""
    outer, count, columns = rows.shape
    whole = count // _FLIGHT
    if whole == 0:
        return _one_by_one(rows, 1, 1, count)
    split = rows[:, : whole * _FLIGHT] if count % _FLIGHT else rows
    sums = _cascade(split.reshape(outer, whole, _FLIGHT * columns)).reshape(outer, -1, columns)
    if count % _FLIGHT:
        sums = lax.concatenate([sums[:, :1], rows[:, whole * _FLIGHT :], sums[:, 1:]], 1)
    return _one_by_one(sums, 1, 1, sums.shape[1])


def _cascade(rows):
    """Add along dimension 1 of three, groups by groups; that dimension stays, with size 1."""
    total = None
    for level in range(_LEVELS):
        count = rows.shape[1]
        whole, rest = divmod(count, _GROUP)
        if level == _LEVELS - 1 or whole == 0:
            last = _one_by_one(rows, 1, 1, count)
            return last if total is None else total + last
        if rest:
            # Zeros change no sum: the incomplete group is added along with the others.
            rows = lax.pad(rows, np.zeros((), rows.dtype)[()], _padding(_GROUP - rest))
        rows = _one_by_one(rows, 1, _GROUP, _GROUP)
        if rest:
            last = rows[:, whole:]
            total = last if total is None else total + last
            rows = rows[:, :whole]
    raise AssertionError("the last level returns")


def _padding(high: int) -> list[tuple[int, int, int]]:
    return [(0, 0, 0), (0, high, 0), (0, 0, 0)]


def _one_by_one(array, axis: int, stride: int, terms: int):
    """Add ``terms`` slices along a dimension: that dimension stays, divided by ``terms``.

    Args:
        array: what to add.
        axis: the dimension.
        stride: the size of a group when every group is added at once, else 1.
        terms: how many elements are added together.
    """
    total = None
    for first in range(terms):
        limit = array.shape[axis] if stride > 1 else first + 1
        part = lax.slice_in_dim(array, first, limit, stride, axis)
        total = part if total is None else total + part
    return total
