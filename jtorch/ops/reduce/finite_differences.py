"""Gradients of sampled functions, by finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..._core import dtypes
from ..._engine.declare import op
from ..._engine.graph.values import is_tensor
from ..._engine.recording.kinds.base import normalise_dim
from ..shape.joining import cat
from . import _messages_finite_differences


def _checked_dims(input: Any, dim: Any, edge_order: int, spacings: int | None) -> list[int]:
    """Return the dimensions along which to differentiate."""
    if input.dtype is dtypes.uint8:
        raise _messages_finite_differences.gradient_of_bytes()
    if spacings is not None and dim is None and spacings != input.ndim:
        raise _messages_finite_differences.spacings_without_dim(input.ndim, spacings)
    given = None if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if spacings is not None and given is not None and spacings != len(given):
        raise _messages_finite_differences.spacings_and_dims(spacings, len(given))
    if edge_order not in (1, 2):
        raise _messages_finite_differences.edge_order()
    if given is None:
        dims = list(range(input.ndim))
    else:
        dims = [normalise_dim(each, input.ndim) for each in given]
        for each in dims:
            if dims.count(each) > 1:
                raise _messages_finite_differences.repeated_dim(each)
    if any((input.shape[each] if input.ndim else 1) < edge_order + 1 for each in dims):
        raise _messages_finite_differences.too_short()
    return dims


def _part(input: Any, dim: int, start: int | None, end: int | None = None) -> Any:
    size = input.shape[dim]
    first, last, _ = slice(start, end).indices(size)
    return input.narrow(dim, first, max(last - first, 0))


def _joined(center: Any, first: Any, last: Any, dim: int) -> Any:
    return cat.call([first, center, last], dim)


def _even(input: Any, step: Any, dim: int, edge_order: int) -> Any:
    """Differentiate along a dimension of samples that are ``step`` apart."""

    def part(start: int, end: int | None) -> Any:
        return _part(input, dim, start, end)

    if edge_order == 1:
        first = (part(1, 2) - part(0, 1)) / step
        last = (part(-1, None) - part(-2, -1)) / step
    else:
        first = (-1.5 * part(0, 1) + 2 * part(1, 2) - 0.5 * part(2, 3)) / step
        last = (1.5 * part(-1, None) - 2 * part(-2, -1) + 0.5 * part(-3, -2)) / step
    center = (part(2, None) - part(0, -2)) / step
    return _joined(center / 2, first, last, dim)


def _uneven(input: Any, coordinates: Any, dim: int, edge_order: int) -> Any:
    """Differentiate along a dimension of samples at the given coordinates."""

    def part(start: int, end: int | None) -> Any:
        return _part(input, dim, start, end)

    def lying(vector: Any) -> Any:
        shape = [1] * input.ndim
        shape[dim] = -1
        return vector.reshape(shape)

    steps = coordinates.diff(n=1, dim=0)
    before, behind = lying(steps[:-1]), lying(steps[1:])
    first_step, last_step = steps.select(0, 0), steps.select(0, -1)
    center = (
        -behind / (before * (before + behind)) * part(0, -2)
        + (behind - before) / (before * behind) * part(1, -1)
        + before / (behind * (before + behind)) * part(2, None)
    )
    if edge_order == 1:
        first = (part(1, 2) - part(0, 1)) / first_step
        last = (part(-1, None) - part(-2, -1)) / last_step
        return _joined(center, first, last, dim)
    near, far = first_step, steps.select(0, 1)
    first = (
        -(2.0 * near + far) / (near * (near + far)) * part(0, 1)
        + (near + far) / (near * far) * part(1, 2)
        + -near / (far * (near + far)) * part(2, 3)
    )
    far, near = steps.select(0, -2), last_step
    last = (
        near / (far * (far + near)) * part(-3, -2)
        - (near + far) / (far * near) * part(-2, -1)
        + (2 * near + far) / (near * (far + near)) * part(-1, None)
    )
    return _joined(center, first, last, dim)


def _each(input: Any, dims: Sequence[int], how: Callable, spacings: Sequence, order: int) -> tuple:
    return tuple(
        [how(input, spacing, dim, order) for dim, spacing in zip(dims, spacings, strict=True)]
    )


@op(
    "gradient(Tensor input, *, IntArrayRef dim, int64_t edge_order=1)",
    "gradient(Tensor input, *, Scalar spacing, IntArrayRef dim, int64_t edge_order=1)",
    "gradient(Tensor input, *, Scalar? spacing=None, int64_t? dim=None, int64_t edge_order=1)",
    "gradient(Tensor input, *, ScalarList spacing, int64_t? dim=None, int64_t edge_order=1)",
    "gradient(Tensor input, *, ScalarList spacing, IntArrayRef dim, int64_t edge_order=1)",
    "gradient(Tensor input, *, TensorList spacing, int64_t? dim=None, int64_t edge_order=1)",
    "gradient(Tensor input, *, TensorList spacing, IntArrayRef dim, int64_t edge_order=1)",
    method=False,
)
def gradient(input, spacing=None, dim=None, edge_order=1):
    """Gradient by central differences, one-sided at the edges.

    Args:
        input: samples of a function.
        spacing: distance of the samples (1), one for each dimension, or their coordinates.
        dim: dimension or dimensions along which to differentiate; by default all.
        edge_order: 1 or 2, order of the estimate at the edges.
    Returns:
        Tuple of a tensor for each dimension.
    """
    several = isinstance(spacing, (tuple, list))
    if several and len(spacing) and is_tensor(spacing[0]):
        dims = _checked_dims(input, dim, edge_order, len(spacing))
        for each in spacing:
            if each.ndim != 1:
                raise _messages_finite_differences.coordinates_rank(each.ndim)
        return _each(input, dims, _uneven, spacing, edge_order)
    dims = _checked_dims(input, dim, edge_order, len(spacing) if several else None)
    steps = list(spacing) if several else [1 if spacing is None else spacing] * len(dims)
    return _each(input, dims, _even, steps, edge_order)
