"""Strides as bookkeeping: what PyTorch would report for an array that JAX keeps without strides."""

from __future__ import annotations

from collections.abc import Sequence


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Return row-major strides in elements; a dimension of size 0 counts as 1."""
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= size if size > 1 else 1
    return tuple(reversed(strides))


def is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Tell whether elements lie in row-major order without gaps (sizes of 1 do not matter)."""
    if 0 in shape:
        return True
    step = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1:
            if stride != step:
                return False
            step *= size
    return True


def memory_order(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, ...] | None:
    """Return the dimensions from outermost to innermost in memory, ``None`` if there are gaps.

    A tensor with such an order is "non-overlapping and dense": permuted by it, it is contiguous.
    """
    if 0 in shape:
        return tuple(range(len(shape)))
    order = sorted(range(len(shape)), key=lambda dim: (-strides[dim], dim))
    # Dimensions of one element may claim any stride: they take no place in memory.
    step = 1
    for dim in reversed(order):
        if shape[dim] != 1:
            if strides[dim] != step:
                return None
            step *= shape[dim]
    return tuple(order)


def strides_of_order(shape: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    """Return the strides of a dense tensor laid out in the given order, outermost first."""
    strides = [0] * len(shape)
    step = 1
    for dim in reversed(order):
        strides[dim] = step
        step *= max(shape[dim], 1)
    return tuple(strides)


def elementwise_strides(
    shape: tuple[int, ...], operands: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> tuple[int, ...]:
    """Return the strides of an elementwise result as PyTorch's TensorIterator lays it out.

    Dimensions are sorted by the operands' strides, the first operand deciding first; an operand
    that is broadcast along a dimension says nothing about it.

    Args:
        shape: shape of the result.
        operands: (shape, strides) of each tensor operand.
    """
    ndim = len(shape)
    if ndim < 2 or all(is_contiguous(s, t) and tuple(s) == shape for s, t in operands):
        return contiguous_strides(shape)
    if operands and all(tuple(s) == shape for s, _ in operands):
        first = tuple(operands[0][1])
        if all(tuple(t) == first for _, t in operands) and memory_order(shape, first) is not None:
            return first
    aligned = []
    for operand_shape, operand_strides in operands:
        lead = ndim - len(operand_shape)
        padded = [0] * lead
        for size, stride, full in zip(operand_shape, operand_strides, shape[lead:], strict=True):
            padded.append(0 if size == 1 and full != 1 else stride)
        aligned.append(padded)

    def compare(left: int, right: int) -> int:
        for strides in aligned:
            a, b = strides[left], strides[right]
            if a == 0 or b == 0:
                continue
            if a != b:
                return -1 if a < b else 1
            if shape[left] > shape[right]:
                return 1
        return 0

    # PyTorch's insertion sort, from the innermost dimension outwards: comparisons may be
    # ambiguous (0), so the order of the comparisons matters.
    perm = list(range(ndim - 1, -1, -1))
    for i in range(1, ndim):
        dim1 = i
        for dim0 in range(i - 1, -1, -1):
            decided = compare(perm[dim0], perm[dim1])
            if decided > 0:
                perm[dim0], perm[dim1] = perm[dim1], perm[dim0]
                dim1 = dim0
            elif decided < 0:
                break
    strides = [0] * ndim
    step = 1
    for dim in perm:
        strides[dim] = step
        step *= shape[dim]  # nothing at all where a dimension is empty, as in PyTorch
    if list(perm) == list(range(ndim - 1, -1, -1)):
        return contiguous_strides(shape)
    return tuple(strides)
