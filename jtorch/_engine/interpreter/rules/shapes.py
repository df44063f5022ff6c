"""Operators that move elements: shapes, slices, joining, padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .base import rule, shape_of


@rule("broadcast_in_dim")
def _broadcast_in_dim(equation: Any) -> Callable | None:
    shape, dims = equation.params["shape"], equation.params["broadcast_dimensions"]
    own = shape_of(equation)
    if len(equation.invars) > 1:
        return None
    if not own:
        return lambda array: np.broadcast_to(array, shape)
    inner = [1] * len(shape)
    for dim, size in zip(dims, own, strict=True):
        inner[dim] = size
    middle = tuple(inner)
    if middle == shape:
        return lambda array: array.reshape(middle)
    if middle == own:
        return lambda array: np.broadcast_to(array, shape)
    return lambda array: np.broadcast_to(array.reshape(middle), shape)


@rule("reshape")
def _reshape(equation: Any) -> Callable:
    shape, order = equation.params["new_sizes"], equation.params["dimensions"]
    if order is not None:  # the elements are taken in another order
        return lambda array, *_: np.reshape(np.transpose(array, order), shape)
    return lambda array, *_: np.reshape(array, shape)


@rule("squeeze", "expand_dims")
def _squeeze(equation: Any) -> Callable:
    shape = equation.outvars[0].aval.shape
    return lambda array: np.reshape(array, shape)


@rule("transpose")
def _transpose(equation: Any) -> Callable:
    permutation = equation.params["permutation"]
    return lambda array: np.transpose(array, permutation)


@rule("rev")
def _rev(equation: Any) -> Callable:
    dims = tuple(equation.params["dimensions"])
    return lambda array: np.flip(array, dims)


@rule("iota")
def _iota(equation: Any) -> Callable:
    shape, dim = equation.params["shape"], equation.params["dimension"]
    column = [1] * len(shape)
    column[dim] = shape[dim]
    numbers = np.arange(shape[dim]).astype(np.dtype(equation.params["dtype"])).reshape(column)
    result = np.broadcast_to(numbers, shape)
    return lambda *_: result


@rule("dim_as_value")
def _dim_as_value(equation: Any) -> Callable:
    size = np.asarray(equation.params["dim"], equation.outvars[0].aval.dtype)
    return lambda: size


@rule("concatenate")
def _concatenate(equation: Any) -> Callable:
    dim = equation.params["dimension"]
    return lambda *arrays: np.concatenate(arrays, axis=dim)


@rule("stack")
def _stack(equation: Any) -> Callable:
    dim = equation.params["axis"]
    return lambda *arrays: np.stack(arrays, axis=dim)


@rule("unstack")
def _unstack(equation: Any) -> Callable:
    before = (slice(None),) * equation.params["axis"]
    # With the ellipsis, what is left of a vector are arrays too, not NumPy's numbers.
    places = [(*before, index, ...) for index in range(len(equation.outvars))]
    return lambda array: [array[place] for place in places]


@rule("split")
def _split(equation: Any) -> Callable:
    ends = np.cumsum(equation.params["sizes"])[:-1].tolist()
    dim = equation.params["axis"]
    return lambda array: np.split(array, ends, axis=dim)


@rule("slice")
def _slice(equation: Any) -> Callable:
    starts, limits = equation.params["start_indices"], equation.params["limit_indices"]
    strides = equation.params["strides"] or (1,) * len(starts)
    index = tuple(map(slice, starts, limits, strides))
    return lambda array: array[index]


@rule("pad")
def _pad(equation: Any) -> Callable:
    shape = equation.outvars[0].aval.shape
    into, out_of = [], []
    for size, (low, _high, interior), whole in zip(
        shape_of(equation), equation.params["padding_config"], shape, strict=True
    ):
        step = interior + 1
        # Of the elements, which stand at ``low + step * i``, those inside the result.
        first = max(0, -(low // step)) if low < 0 else 0
        last = min(size, max(first, -(-(whole - low) // step)))
        begin = low + step * first
        into.append(slice(begin, begin + max(0, (last - first - 1) * step + 1), step))
        out_of.append(slice(first, last))
    target, source = tuple(into), tuple(out_of)
    empty = any(s.stop <= s.start for s in out_of)

    def pad(array: Any, value: Any) -> Any:
        result = np.full(shape, value, array.dtype)
        if not empty:
            result[target] = array[source]
        return result

    return pad


def _start(index: Any, size: int, length: int) -> int:
    return min(max(int(index), 0), size - length)


@rule("dynamic_slice")
def _dynamic_slice(equation: Any) -> Callable:
    lengths, shape = equation.params["slice_sizes"], shape_of(equation)

    def take(array: Any, *indices: Any) -> Any:
        starts = map(_start, indices, shape, lengths)
        return array[tuple([slice(s, s + n) for s, n in zip(starts, lengths, strict=False)])]

    return take


@rule("dynamic_update_slice")
def _dynamic_update_slice(equation: Any) -> Callable:
    lengths, shape = shape_of(equation, 1), shape_of(equation)

    def update(array: Any, new: Any, *indices: Any) -> Any:
        result = np.array(array)
        starts = map(_start, indices, shape, lengths)
        result[tuple([slice(s, s + n) for s, n in zip(starts, lengths, strict=False)])] = new
        return result

    return update


@rule("optimization_barrier")
def _optimization_barrier(equation: Any) -> Callable:
    return lambda *arrays: arrays


@rule("device_put")
def _device_put(equation: Any) -> Callable:
    return lambda *arrays: arrays
