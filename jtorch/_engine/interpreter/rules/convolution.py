"""Convolutions as products of matrices: the windows of the input as rows (im2col).

XLA's own takes half the time, but 100 ms to compile for each shape. So NumPy runs a convolution
until what that has cost beyond XLA's time reaches the price of compiling, by counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...graph.equations import terms_of
from .base import HALVES, by_xla, dtype_of, rule

#: Microseconds: of a multiplication, of an element of a window, to compile for XLA.
_MULTIPLICATION, _ELEMENT, _COMPILE = 0.00008, 0.001, 100_000.0
#: Bytes of windows that are laid out at a time.
_MOST_BYTES = 1 << 25


@rule("conv_general_dilated")
def _conv_general_dilated(equation: Any) -> Callable | None:
    """Return a convolution as JAX defines it.

    The order of dimensions is in ``dimension_numbers``: batch, features and space of the input,
    outputs, features and space of the kernel, batch, features and space of the result.
    """
    params = equation.params
    kind = dtype_of(equation)
    wanted = equation.outvars[0].aval.dtype
    if kind in HALVES or wanted != kind or kind.kind not in "fc":
        return None
    left, right, out = params["dimension_numbers"]
    strides, padding = params["window_strides"], params["padding"]
    spread, apart = params["lhs_dilation"], params["rhs_dilation"]
    groups, batch_groups = params["feature_group_count"], params["batch_group_count"]
    back = np.argsort(out)

    def convolve(inputs: Any, kernel: Any) -> Any:
        inputs = _padded(np.transpose(inputs, left), spread, padding)
        kernel = np.transpose(kernel, right)
        sizes = kernel.shape[2:]
        room = [
            1 + (size - 1 - gap * (taps - 1)) // step
            for size, taps, step, gap in zip(inputs.shape[2:], sizes, strides, apart, strict=True)
        ]
        total = groups * batch_groups
        batch, features = inputs.shape[0] // batch_groups, inputs.shape[1] // groups
        outputs = kernel.shape[0] // total
        made = np.empty((batch, total * outputs, *[max(size, 0) for size in room]), inputs.dtype)
        if made.size:
            for group in range(total):
                row = batch * group if batch_groups > 1 else 0
                column = features * group if groups > 1 else 0
                own = slice(group * outputs, (group + 1) * outputs)
                part = inputs[row : row + batch, column : column + features]
                _of_group(part, kernel[own], strides, apart, made[:, own])
        return np.transpose(made, back)

    result, terms = equation.outvars[0].aval, terms_of(equation)
    cost = result.size * terms * (_MULTIPLICATION + _ELEMENT / max(1, result.shape[out[1]]))
    return _until_paid(convolve, by_xla(equation), 2 * _COMPILE / (1.0 + cost))


def _until_paid(first: Callable, later: Callable, runs: float) -> Callable:
    """Return a function that is another one after a number of runs."""
    left = runs

    def run(*arrays: Any) -> Any:
        nonlocal left
        left -= 1
        return (first if left > 0 else later)(*arrays)

    return run


def _padded(inputs: Any, spread: Sequence[int], padding: Sequence[tuple[int, int]]) -> Any:
    """Put zeros between the elements and around them, or take away what is padded negatively."""
    sizes = inputs.shape[2:]
    if all(gap == 1 for gap in spread) and not any(any(pair) for pair in padding):
        return inputs
    wide = [(size - 1) * gap + 1 if size else 0 for size, gap in zip(sizes, spread, strict=True)]
    whole = [size + low + high for size, (low, high) in zip(wide, padding, strict=True)]
    result = np.zeros((*inputs.shape[:2], *[max(size, 0) for size in whole]), inputs.dtype)
    source, target = [slice(None)] * 2, [slice(None)] * 2
    for size, length, gap, (low, _) in zip(sizes, whole, spread, padding, strict=True):
        first = max(0, -(low // gap))  # the first element that is not cut away
        last = min(size, (length - 1 - low) // gap + 1)
        if last <= first:
            return result
        source.append(slice(first, last))
        start = low + first * gap
        target.append(slice(start, start + (last - first - 1) * gap + 1, gap))
    result[tuple(target)] = inputs[tuple(source)]
    return result


def _of_group(
    inputs: Any, kernel: Any, strides: Sequence[int], apart: Sequence[int], out: Any
) -> None:
    """Convolve the features of one group."""
    batch, features = inputs.shape[:2]
    outputs, _, *taps = kernel.shape
    room = out.shape[2:]
    length, positions = features * math.prod(taps), math.prod(room)
    matrix = kernel.reshape(outputs, length)
    steps = inputs.strides[2:]
    of_taps = [step * gap for step, gap in zip(steps, apart, strict=True)]
    of_room = [step * stride for step, stride in zip(steps, strides, strict=True)]
    own, of_features = inputs.strides[:2]
    few = max(1, _MOST_BYTES // max(1, length * positions * inputs.dtype.itemsize))
    windows = np.lib.stride_tricks.as_strided
    # What is longer in the last dimension of space is copied row by row.
    if not room or taps[-1] <= room[-1]:
        shape, all_steps = (features, *taps, *room), (of_features, *of_taps, *of_room)
        whole = windows(inputs, (batch, *shape), (own, *all_steps), writeable=False)
        for first in range(0, batch, few):
            columns = whole[first : first + few].reshape(-1, length, positions)
            out[first : first + few] = np.matmul(matrix, columns).reshape(-1, outputs, *room)
        return
    shape, all_steps = (*room, features, *taps), (*of_room, of_features, *of_taps)
    whole = windows(inputs, (batch, *shape), (own, *all_steps), writeable=False)
    for first in range(0, batch, few):
        rows = whole[first : first + few].reshape(-1, length)
        made = np.matmul(rows, matrix.T).reshape(-1, positions, outputs)
        out[first : first + few] = made.transpose(0, 2, 1).reshape(-1, outputs, *room)
