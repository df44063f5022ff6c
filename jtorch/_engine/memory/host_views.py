"""Views in NumPy, for the interpreter: written through, and differentiated.

A view operator's host function gives a view in NumPy's sense too, so that an assignment to it
writes where the view lies. Where it cannot (a reshape that NumPy has to copy, a dimension of stride
0) the view of the flat positions says which elements they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def written(read: Callable[[Any], Any], base: Any, new: Any) -> Any:
    """Return a copy of ``base`` with the elements ``new`` in the view that ``read`` makes of it."""
    return overwritten(read, np.array(base), new)


def overwritten(read: Callable[[Any], Any], base: Any, new: Any) -> Any:
    """Write the elements ``new`` to the view that ``read`` makes of ``base``; return ``base``."""
    view = read(base)
    if view.base is base:
        view.flags.writeable = True  # NumPy lets diagonals only be read
        view[...] = new
    elif view.flags.writeable and np.may_share_memory(view, base):
        view[...] = new
    else:
        base.reshape(-1)[_positions(read, base.shape)] = new
    return base


def _positions(read: Callable[[Any], Any], shape: tuple[int, ...]) -> Any:
    return read(np.arange(np.prod(shape, dtype=np.int64)).reshape(shape))


def spread(read: Callable[[Any], Any], shape: tuple[int, ...], cotangent: Any) -> Any:
    """Return the gradient of an array that a view was read from: zeros, but for the view."""
    result = np.zeros(shape, cotangent.dtype)
    view = read(result)
    if view.flags.writeable and np.may_share_memory(view, result) and not _repeats(view):
        view[...] = cotangent
        return result
    flat = result.reshape(-1).astype(np.result_type(result.dtype, np.float32))
    np.add.at(flat, _positions(read, shape).reshape(-1), cotangent.reshape(-1))
    return flat.reshape(shape).astype(result.dtype)


def _repeats(view: Any) -> bool:
    """Return whether an element may stand at several places of a view."""
    span = 1
    for stride, size in sorted(zip(map(abs, view.strides), view.shape, strict=True)):
        if size > 1:
            if stride < span:
                return True
            span = stride * size
    return False


def view_vjp(host: Callable) -> Callable:
    """Return the ``host_vjp`` of an operator that gives a view, of its ``host``."""

    def vjp(
        cotangents: Sequence[Any],
        results: Sequence[Any],
        operands: Sequence[Any],
        wanted: tuple[int, ...],
        **params: Any,
    ) -> tuple[Any]:
        (cotangent,) = cotangents
        return (spread(lambda base: host(base, **params), operands[0].shape, cotangent),)

    return vjp


def reshape_vjp(
    cotangents: Sequence[Any],
    results: Sequence[Any],
    operands: Sequence[Any],
    wanted: tuple[int, ...],
    **params: Any,
) -> tuple[Any]:
    """The ``host_vjp`` of an operator that gives all elements in their order."""
    return (cotangents[0].reshape(operands[0].shape),)


def parts_vjp(host: Callable) -> Callable:
    """Return the ``host_vjp`` of an operator that gives several views side by side."""

    def vjp(
        cotangents: Sequence[Any],
        results: Sequence[Any],
        operands: Sequence[Any],
        wanted: tuple[int, ...],
        **params: Any,
    ) -> tuple[Any]:
        result = np.empty(operands[0].shape, cotangents[0].dtype)
        for part, cotangent in zip(host(result, **params), cotangents, strict=True):
            part[...] = cotangent
        return (result,)

    return vjp


def summed_to(array: Any, shape: tuple[int, ...]) -> Any:
    """Return the sum of an array over what broadcasting from a shape has repeated."""
    lead = array.ndim - len(shape)
    axes = [
        dim
        for dim, size in enumerate(array.shape)
        if dim < lead or (shape[dim - lead] == 1 and size != 1)
    ]
    return (summed(array, tuple(axes)) if axes else array).reshape(shape)


def summed(array: Any, axes: tuple[int, ...]) -> Any:
    """Return the sum over dimensions, in the dtype of the array; halves add up in float32."""
    if array.dtype.itemsize == 2 and array.dtype.kind in "fV":
        return np.add.reduce(array.astype(np.float32), axes).astype(array.dtype)
    return np.add.reduce(array, axes, array.dtype)
