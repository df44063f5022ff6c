"""Views of parts of a dimension: narrow, select, unbind, split, chunk and related functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ..._core import dtypes
from ..._core.schema.schema import is_index
from ..._engine.declare import op, publish
from ..._engine.graph.values import Meta, is_tensor
from ..._engine.memory.chains import Step
from ..._engine.memory.host_views import parts_vjp
from ..._engine.memory.views import record_view
from ..._engine.recording.kinds.base import View, normalise_dim
from . import _messages_views
from .views import _select, _slice


def slice_view(tensor: Any, dim: int, start: int, length: int, step: int = 1) -> Any:
    """Return the view of ``length`` indices of a dimension; all are in range."""
    if start == 0:
        return record_view(_slice, tensor, (dim, 0, length, step), (dim, (int, 0), length, step))
    return record_view(_slice, tensor, (dim, start, length, step), (dim, int, length, step), start)


@op("select(Tensor input, int64_t dim, SymInt index)", arguments="count")
def select(input, dim, index):
    """Return the view of one index of a dimension, which is dropped."""
    shape = input._value.meta.shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = normalise_dim(dim, len(shape))
    index = _int(index)
    if not -shape[dim] <= index < shape[dim]:
        raise _messages_views.select_out_of_range(index, shape, dim)
    if index < 0:
        index += shape[dim]
    return record_view(_select, input, (dim, index), (dim, int), index)


def _int(value: Any) -> int:
    return int(value.item()) if is_tensor(value) else value.__index__()


@op(
    "narrow(Tensor input, int64_t dim, Tensor start, SymInt length)",
    "narrow(Tensor input, int64_t dim, SymInt start, SymInt length)",
    arguments="count",
)
def narrow(input, dim, start, length):
    """Return the view of ``length`` indices of a dimension, from ``start`` on."""
    shape = input._value.meta.shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if is_tensor(start) and (start.ndim or start.dtype not in dtypes.INTEGERS):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    length, start = _int(length), _int(start)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    dim = normalise_dim(dim, len(shape))
    size = shape[dim]
    if not -size <= start <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    if start < 0:
        start += size
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return slice_view(input, dim, start, length)


# Several views at once


def _unbind_rule(meta: Meta, dim: int = 0) -> list:
    if not meta.shape:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = normalise_dim(dim, meta.ndim)
    laid_out = (
        meta.shape[:dim] + meta.shape[dim + 1 :],
        meta.strides[:dim] + meta.strides[dim + 1 :],
    )
    return [laid_out] * meta.shape[dim]


def _unbind_parts(meta: Meta, dim: int = 0) -> list[Step]:
    dim = normalise_dim(dim, meta.ndim)
    return [Step(_select, (dim, index)) for index in range(meta.shape[dim])]


def _unbind_on_host(array: Any, dim: int = 0) -> tuple:
    rows = np.moveaxis(array, dim, 0)
    # An ellipsis, so that an element is an array that can be written to, and no number.
    return tuple([rows[index, ...] for index in range(len(rows))])


@op(
    "unbind(Tensor input, int64_t dim=0)",
    kind=View(_unbind_rule, parts=_unbind_parts),
    arity="views",
    host=_unbind_on_host,
    host_vjp=parts_vjp(_unbind_on_host),
)
def unbind(input, dim=0):
    """Return a view of each index of a dimension.

    Returns:
        Tuple of views without that dimension.
    """
    dim = dim % input.ndim
    return tuple(
        [jax.lax.index_in_dim(input, i, dim, keepdims=False) for i in range(input.shape[dim])]
    )


def _split_sizes(meta: Meta, split_size: int, dim: int) -> list[int]:
    if not meta.shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = normalise_dim(dim, meta.ndim)
    size = meta.shape[dim]
    if split_size < 0:
        raise RuntimeError(
            f"split expects split_size be non-negative, but got split_size={split_size}"
        )
    if split_size == 0:
        if size:
            raise RuntimeError(
                f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}"
            )
        return [0]
    return [min(split_size, size - start) for start in range(0, size, split_size)] or [0]


def _checked_sizes(meta: Meta, split_sizes: tuple[int, ...], dim: int) -> list[int]:
    if not meta.shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    size = meta.shape[normalise_dim(dim, meta.ndim)]
    shown = list(split_sizes)
    if any(part < 0 for part in split_sizes):
        raise RuntimeError(
            "split_with_sizes expects split_sizes have only non-negative entries, but got "
            f"split_sizes={shown}"
        )
    if sum(split_sizes) != size:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size "
            f"at dimension {normalise_dim(dim, meta.ndim)}), but got split_sizes={shown}"
        )
    return shown


def _parts_rule(meta: Meta, sizes: list[int], dim: int) -> list:
    dim = normalise_dim(dim, meta.ndim)
    return [(meta.shape[:dim] + (n,) + meta.shape[dim + 1 :], meta.strides) for n in sizes]


def _part_steps(meta: Meta, sizes: list[int], dim: int) -> list[Step]:
    dim = normalise_dim(dim, meta.ndim)
    steps = []
    start = 0
    for size in sizes:
        steps.append(Step(_slice, (dim, start, size, 1)))
        start += size
    return steps


def _cut(array: Any, sizes: list[int], dim: int) -> tuple:
    parts = []
    start = 0
    for size in sizes:
        parts.append(jax.lax.slice_in_dim(array, start, start + size, 1, dim % array.ndim))
        start += size
    return tuple(parts)


def _split_with_sizes_on_host(array: Any, split_sizes: Sequence[int], dim: int = 0) -> list[Any]:
    ahead = (slice(None),) * (dim % array.ndim)
    parts, start = [], 0
    for size in split_sizes:
        parts.append(array[(*ahead, slice(start, start + size))])
        start += size
    return parts


class _Sized:
    """Stands in for a Meta where only the shape of an array is at hand."""

    def __init__(self, array: Any):
        self.shape = array.shape
        self.ndim = array.ndim


def _split_on_host(array: Any, split_size: int, dim: int = 0) -> list[Any]:
    return _split_with_sizes_on_host(array, _split_sizes(array, split_size, dim), dim)


@op(
    "split(Tensor input, SymInt split_size, int64_t dim=0)",
    kind=View(
        lambda meta, split_size, dim=0: _parts_rule(meta, _split_sizes(meta, split_size, dim), dim),
        parts=lambda meta, split_size, dim=0: _part_steps(
            meta, _split_sizes(meta, split_size, dim), dim
        ),
    ),
    arity="views",
    name="_split",
    method=False,
    function=False,
    node_name="SplitBackward0",
    host=_split_on_host,
    host_vjp=parts_vjp(_split_on_host),
)
def _split(input, split_size, dim=0):
    """Cut a dimension into parts of one size."""
    return _cut(input, _split_sizes(_Sized(input), split_size, dim), dim)  # type: ignore[arg-type]


@op(
    "split_with_sizes(Tensor input, SymIntArrayRef split_sizes, int64_t dim=0)",
    kind=View(
        lambda meta, split_sizes, dim=0: _parts_rule(
            meta, _checked_sizes(meta, split_sizes, dim), dim
        ),
        parts=lambda meta, split_sizes, dim=0: _part_steps(
            meta, _checked_sizes(meta, split_sizes, dim), dim
        ),
    ),
    arity="views",
    host=_split_with_sizes_on_host,
    host_vjp=parts_vjp(_split_with_sizes_on_host),
)
def split_with_sizes(input, split_sizes, dim=0):
    """Cut a dimension into parts of given sizes.

    Returns:
        Tuple of views.
    """
    return _cut(input, list(split_sizes), dim)


def split_function(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple:
    """Cut a dimension into parts of one size, or of the sizes given.

    Returns:
        Tuple of views.
    """
    if isinstance(split_size_or_sections, (tuple, list)):
        return split_with_sizes.call(tensor, split_size_or_sections, dim)
    if not is_index(split_size_or_sections):
        return split_with_sizes.call(tensor, split_size_or_sections, dim)  # raises
    return _split.call(tensor, split_size_or_sections, dim)


def split(self: Any, split_size: Any, dim: int = 0) -> tuple:
    """Cut a dimension into parts of one size, or of the sizes given."""
    return split_function(self, split_size, dim)


publish("split", split_function, method=split)


@op("chunk(Tensor input, int64_t chunks, int64_t dim=0)", arguments="count")
def chunk(input, chunks, dim=0):
    """Cut a dimension into at most ``chunks`` parts of one size, the last one smaller.

    Returns:
        Tuple of views.
    """
    shape = input._value.meta.shape
    if not shape:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = shape[normalise_dim(dim, len(shape))]
    part = -(-size // chunks)
    if part == 0:
        return split_with_sizes.call(input, (0,) * chunks, dim)
    return _split.call(input, part, dim)


_TENSOR_SPLIT = (
    "(Tensor input, SymInt sections, int64_t dim=0)",
    "(Tensor input, SymIntArrayRef indices, int64_t dim=0)",
    "(Tensor input, Tensor tensor_indices_or_sections, int64_t dim=0)",
)


@op(
    *("tensor_split" + text for text in _TENSOR_SPLIT),
    method=False,
    function=False,
    arguments="count",
)
def _tensor_split(input, sections=None, dim=0, **named):
    given = sections
    for value in named.values():
        given = value
    shape = input._value.meta.shape
    if not shape:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    dim = normalise_dim(dim, len(shape))
    if is_tensor(given):
        if given.dim() > 1:
            raise _messages_views.split_points_rank(given.dim())
        if given.dtype is not dtypes.int64:
            raise _messages_views.split_points_dtype(given.dtype._legacy_name)
        given = given.tolist()
    size = shape[dim]
    if isinstance(given, (tuple, list)):
        views = []
        start = 0
        for end in (*given, size):
            views.append(_python_slice(input, dim, start, end))
            start = end
        return tuple(views)
    if given <= 0:
        raise RuntimeError(f"number of sections must be larger than 0, got {given}")
    least, larger = divmod(size, given)
    views = []
    start = 0
    for index in range(given):
        length = least + (index < larger)
        views.append(slice_view(input, dim, start, length))
        start += length
    return tuple(views)


def tensor_split(input: Any, indices_or_sections: Any = None, dim: int = 0, **named: Any) -> tuple:
    """Cut a dimension into ``n`` nearly equal parts, or at the given indices.

    Returns:
        Tuple of views.
    """
    for value in named.values():
        indices_or_sections = value
    return _tensor_split(input, indices_or_sections, dim)


#: The same in the order in which PyTorch lists them.
_SHOWN = (*_TENSOR_SPLIT[1:], _TENSOR_SPLIT[0])
publish("tensor_split", tensor_split, signatures=_TENSOR_SPLIT, refused=_SHOWN)
publish("tensor_split", method=tensor_split, refused=_SHOWN)


def _python_slice(tensor: Any, dim: int, start: int, end: int) -> Any:
    size = tensor._value.meta.shape[dim]
    first = min(max(start + size if start < 0 else start, 0), size)
    last = min(max(end + size if end < 0 else end, first), size)
    return slice_view(tensor, dim, first, max(last - first, 0))


def _split_along(
    name: str, input: Any, dim: int, least: int, sections: int | None, indices: Any
) -> tuple:
    """Cut a tensor along a dimension.

    Args:
        name: of the function, for messages.
        input: the tensor.
        dim: the dimension.
        least: how many dimensions the tensor has to have.
        sections: into how many equal parts; ``None`` where indices are given.
        indices: where to cut.
    """
    if input.ndim < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor "
            f"with {input.ndim} dimensions!"
        )
    if sections is None:
        return _tensor_split(input, indices, dim)
    size = input.shape[dim]
    if sections <= 0 or size % sections:
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the "
            f"dimension {size} is not divisible by the split_size {sections}!"
        )
    return _tensor_split(input, sections, dim)


@op("hsplit(Tensor input, int64_t sections)", "hsplit(Tensor input, IntArrayRef indices)")
def hsplit(input, sections=None, indices=None):
    """Cut a tensor into equal parts, or at the given indices, along one dimension."""
    return _split_along("hsplit", input, 0 if input.ndim == 1 else 1, 1, sections, indices)


@op("vsplit(Tensor input, int64_t sections)", "vsplit(Tensor input, IntArrayRef indices)")
def vsplit(input, sections=None, indices=None):
    """Cut a tensor into equal parts, or at the given indices, along one dimension."""
    return _split_along("vsplit", input, 0, 2, sections, indices)


@op("dsplit(Tensor input, int64_t sections)", "dsplit(Tensor input, IntArrayRef indices)")
def dsplit(input, sections=None, indices=None):
    """Cut a tensor into equal parts, or at the given indices, along one dimension."""
    return _split_along("dsplit", input, 2, 3, sections, indices)
