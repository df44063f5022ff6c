"""Gathering from positions that are data, and scattering to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax import lax

from .base import HALVES, RULES, Rule, dtype_of, rule, shape_of

#: Modes in which windows that do not fit are moved inside, or said not to exist.
_TRUSTED = (lax.GatherScatterMode.CLIP, lax.GatherScatterMode.PROMISE_IN_BOUNDS)


class _Windows:
    """Where the windows of a ``gather`` or ``scatter`` lie, as index arrays of NumPy.

    Args:
        shape: of the operand.
        sizes: of a window, for each dimension of the operand.
        mapped: which dimension of the operand each component of an index vector is for.
        batch: pairs of a batching dimension of the operand and of the indices.
        indices_shape: of the indices, the last dimension being the vector.
        clip: whether windows are moved inside; otherwise those that do not fit are left out.
    """

    def __init__(
        self,
        shape: Sequence[int],
        sizes: Sequence[int],
        mapped: Sequence[int],
        batch: Sequence[tuple[int, int]],
        indices_shape: Sequence[int],
        clip: bool,
    ):
        self.shape, self.sizes, self.mapped = shape, sizes, mapped
        self.clip = clip
        self.outer = tuple(indices_shape[:-1])
        self.inner = tuple(sizes)
        self.most = [shape[dim] - sizes[dim] for dim in mapped]
        self.fixed: dict[int, Any] = {}
        for dim, its_dim in batch:
            column = [1] * len(self.outer)
            column[its_dim] = -1
            self.fixed[dim] = np.arange(self.outer[its_dim]).reshape(column)

    def locate(self, indices: Any) -> tuple[tuple[Any, ...], Any]:
        """Return an index for each dimension of the operand, and which windows fit (or ``None``).

        The indices broadcast to the shape of the windows one after the other: that of the index
        vectors, then that of a window.
        """
        fits = None
        starts: dict[int, Any] = dict(self.fixed)
        for component, (dim, most) in enumerate(zip(self.mapped, self.most, strict=True)):
            start = indices[..., component]
            if start.dtype.kind == "u":
                start = start.astype(np.int64)
            if not self.clip:
                inside = (start >= 0) & (start <= most)
                if not inside.all():
                    fits = inside if fits is None else fits & inside
            starts[dim] = np.clip(start, 0, most)
        index = []
        ndim, outer = len(self.shape), len(self.outer)
        for dim in range(ndim):
            offsets = np.arange(self.sizes[dim]).reshape(
                (1,) * (outer + dim) + (-1,) + (1,) * (ndim - 1 - dim)
            )
            start = starts.get(dim)
            if start is None:
                index.append(offsets)
            else:
                index.append(start.reshape(start.shape + (1,) * ndim) + offsets)
        return tuple(index), fits


@rule("gather")
def _gather(equation: Any) -> Callable:
    numbers, params = equation.params["dimension_numbers"], equation.params
    shape, indices_shape = shape_of(equation), shape_of(equation, 1)
    sizes = params["slice_sizes"]
    mode = lax.GatherScatterMode.from_any(params["mode"])
    dtype = dtype_of(equation)
    clip = mode in _TRUSTED
    fill = params["fill_value"]
    if fill is None:
        if dtype.kind in "iu":
            fill = np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max
        else:
            fill = True if dtype.kind == "b" else np.nan
    mapped = numbers.start_index_map
    batching = tuple(
        zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True)
    )
    dropped = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    kept = [dim for dim in range(len(shape)) if dim not in dropped]
    outer = len(indices_shape) - 1
    # From (the index vectors' dimensions, the window's) to the result's order.
    order = [0] * (outer + len(kept))
    offsets = list(numbers.offset_dims)
    rest = [dim for dim in range(outer + len(kept)) if dim not in offsets]
    for position, dim in enumerate((*rest, *offsets)):
        order[dim] = position
    stays = order == list(range(len(order)))
    windows = _Windows(shape, sizes, mapped, batching, indices_shape, clip)
    window = tuple([sizes[dim] for dim in kept])
    whole_rows = (
        not batching
        and all(dim in mapped for dim in dropped)
        and len(dropped) == len(mapped)
        and all(sizes[dim] == shape[dim] for dim in kept)
    )
    to_front = (*mapped, *kept)
    rows_stay = to_front == tuple(range(len(shape)))

    def gather(array: Any, indices: Any) -> Any:
        fits = None
        if whole_rows:  # an embedding, ``take`` and most of the rest
            index = []
            for component, most in enumerate(windows.most):
                start = indices[..., component]
                if not clip:
                    inside = (start >= 0) & (start <= most)
                    if not inside.all():
                        fits = inside if fits is None else fits & inside
                index.append(np.clip(start, 0, most))
            rows = array if rows_stay else array.transpose(to_front)
            result = rows[tuple(index)]
        else:
            located, fits = windows.locate(indices)
            result = array[located].reshape(windows.outer + window)
        if fits is not None:
            fits = np.broadcast_to(fits, windows.outer)
            fits = fits.reshape(fits.shape + (1,) * len(window))
            result = np.where(fits, result, np.asarray(fill, dtype))
        return result if stays else np.transpose(result, order)

    return gather


def _scatter(combine: Any) -> Rule:
    def make(equation: Any) -> Callable | None:
        numbers = equation.params["dimension_numbers"]
        shape, indices_shape = shape_of(equation), shape_of(equation, 1)
        updates_shape = shape_of(equation, 2)
        mode = lax.GatherScatterMode.from_any(equation.params["mode"])
        dtype = dtype_of(equation)
        if combine is not None and dtype in HALVES:
            return None
        dropped = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
        kept = [dim for dim in range(len(shape)) if dim not in dropped]
        sizes = [1] * len(shape)
        for dim, position in zip(kept, numbers.update_window_dims, strict=True):
            sizes[dim] = updates_shape[position]
        windows = _Windows(
            shape,
            sizes,
            numbers.scatter_dims_to_operand_dims,
            tuple(
                zip(
                    numbers.operand_batching_dims,
                    numbers.scatter_indices_batching_dims,
                    strict=True,
                )
            ),
            indices_shape,
            mode in _TRUSTED,
        )
        inner = set(numbers.update_window_dims)
        outer_first = (
            *[dim for dim in range(len(updates_shape)) if dim not in inner],
            *numbers.update_window_dims,
        )
        whole = (*windows.outer, *sizes)
        steps = [math.prod(shape[dim + 1 :]) for dim in range(len(shape))]

        def scatter(array: Any, indices: Any, updates: Any) -> Any:
            result = np.array(array, order="C")
            index, fits = windows.locate(indices)
            updates = np.transpose(updates, outer_first).reshape(whole)
            if fits is not None:
                fits = np.broadcast_to(fits, windows.outer)
                index = tuple([_where_fits(each, fits, windows.outer) for each in index])
                updates = updates[fits]
            if combine is None:
                result[index] = updates
            else:
                # One index for each element: NumPy's ``at`` is three times as quick that way, and
                # still takes one after the other.
                flat = sum([each * step for each, step in zip(index, steps, strict=True)])
                flat = np.broadcast_to(flat, updates.shape).reshape(-1)
                combine.at(result.reshape(-1), flat, updates.reshape(-1))
            return result

        return scatter

    return make


def _where_fits(index: Any, fits: Any, outer: tuple[int, ...]) -> Any:
    """Return the part of an index array that belongs to the windows that fit."""
    return np.broadcast_to(index, outer + index.shape[len(outer) :])[fits]


_function: Any
for _name, _function in {
    "scatter": None,
    "scatter-add": np.add,
    "scatter-mul": np.multiply,
    "scatter_mul": np.multiply,
    "scatter_min": np.minimum,
    "scatter-min": np.minimum,
    "scatter_max": np.maximum,
    "scatter-max": np.maximum,
}.items():
    RULES[_name] = _scatter(_function)
