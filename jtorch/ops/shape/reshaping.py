"""The same elements in another shape: view, reshape, flatten and related functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._core.memory_format import contiguous_format
from ..._core.schema.schema import Schema
from ..._engine.declare import op, publish
from ..._engine.graph.values import NO_GRAD, Meta, is_tensor
from ..._engine.memory.views import record_view
from ..._engine.recording.kinds.base import normalise_dim
from ..._engine.recording.record import record, wrap
from ..._engine.recording.storage import is_flipped
from . import _messages_views
from .copying import clone
from .dtype import view_dtype
from .views import _reshape_alias, _unsafe_view, _view, infer_shape, view_strides


def plain_sizes(args: tuple) -> tuple[int, ...] | None:
    """Return sizes given one by one or as a sequence, ``None`` where they are not plain ints."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    for size in args:
        if size.__class__ is not int:
            return None
    return args


def as_view(tensor: Any, shape: tuple[int, ...]) -> Any:
    """Return a view of another shape."""
    return record_view(_view, tensor, (shape,), ((tuple, *shape),))


_VIEW = ("(Tensor input, ScalarType dtype)", "(Tensor input, SymIntArrayRef size)")
_VIEW_SCHEMA = Schema(*("view" + text for text in _VIEW))
_RESHAPE = "(Tensor input, SymIntArrayRef shape)"
_RESHAPE_SCHEMA = Schema("reshape" + _RESHAPE)


def view(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the same elements in another shape, or their bytes as another dtype.

    Args:
        *args: the sizes, one of which may be -1; or a dtype.
    Returns:
        A view.
    Raises:
        RuntimeError: the strides do not allow it.
    """
    shape = plain_sizes(args) if args and not kwargs else None
    if shape is None:
        _, bound = _VIEW_SCHEMA.bind(args, kwargs, True)
        if "dtype" in bound:
            if bound["dtype"] is not self.dtype:
                if is_flipped(self, "_conj"):
                    raise _messages_views.flipped_as_dtype("conjugate")
                if is_flipped(self, "_neg_view"):
                    raise _messages_views.flipped_as_dtype("negative")
            viewed = view_dtype.call(self, bound["dtype"])
            if viewed._value.meta.grad == NO_GRAD:
                viewed._alias.base = None  # PyTorch does not call it a view
            return viewed
        shape = tuple(bound["size"])
    return as_view(self, shape)


#: The operator that views a tensor of this meta in this shape, ``None`` where it is copied.
_viewers: dict[tuple[Meta, tuple[int, ...]], Any] = {}


def reshaped(tensor: Any, shape: tuple[int, ...]) -> Any:
    """Return a view of another shape where that is possible, else a copy."""
    meta = tensor._value.meta
    key = (meta, shape)
    try:
        viewer = _viewers[key]
    except KeyError:
        full = infer_shape(shape, meta.numel)
        if len(_viewers) > 100_000:
            _viewers.clear()
        viewable = view_strides(meta, full) is not None
        viewer = (_view if meta.contiguous else _reshape_alias) if viewable else None
        _viewers[key] = viewer
    if viewer is not None:
        return record_view(viewer, tensor, (shape,), ((tuple, *shape),))
    copied = clone.call(tensor, memory_format=contiguous_format)
    return wrap(record(_unsafe_view, (copied, shape), {}))


def reshape(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the same elements in another shape: a view where possible, else a copy.

    Args:
        *args: the sizes, one of which may be -1.
    """
    shape = plain_sizes(args) if args and not kwargs else None
    if shape is None:
        _, bound = _RESHAPE_SCHEMA.bind(args, kwargs, True)
        shape = tuple(bound["shape"])
    return reshaped(self, shape)


def reshape_function(*args: Any, **kwargs: Any) -> Any:
    """Return the elements of ``input`` in another shape: a view where possible, else a copy."""
    sizes = None if kwargs or len(args) != 2 else plain_sizes(args[1:])
    if sizes is None or not is_tensor(args[0]):
        _, bound = _RESHAPE_SCHEMA.bind(args, kwargs)
        return reshaped(bound["input"], tuple(bound["shape"]))
    return reshaped(args[0], sizes)


publish("view", method=view, signatures=_VIEW)
publish("reshape", reshape_function, method=reshape, signatures=(_RESHAPE,))


@op("view_as(Tensor input, Tensor other)", function=False, arguments="count")
def view_as(input, other):
    """Return a view in the shape of ``other``."""
    return as_view(input, other._value.meta.shape)


@op("reshape_as(Tensor input, Tensor other)", function=False, arguments="count")
def reshape_as(input, other):
    """Return the elements in the shape of ``other``."""
    return reshaped(input, other._value.meta.shape)


@op("expand_as(Tensor input, Tensor other)", function=False, arguments="count")
def expand_as(input, other):
    """Repeat dimensions of size 1 to the shape of ``other``, without copying."""
    return input.expand(other._value.meta.shape)


@op("sum_to_size(Tensor input, SymIntArrayRef size)", function=False, arguments="count")
def sum_to_size(input, size):
    """Add up the dimensions that broadcasting from ``size`` would have repeated.

    Raises:
        RuntimeError: ``size`` does not broadcast to the shape.
    """
    own = tuple(input.shape)
    wanted = (size,) if isinstance(size, int) else tuple(size)
    lead = len(own) - len(wanted)
    fits = lead >= 0 and all(a in (1, b) for a, b in zip(wanted, own[max(lead, 0) :], strict=True))
    if not fits:
        raise _messages_views.not_expandable(wanted, own)
    if not wanted:
        return input.sum()
    dims = [dim for dim in range(lead)]
    dims += [dim for dim in range(lead, len(own)) if wanted[dim - lead] == 1 and own[dim] != 1]
    result = input.sum(dims, True) if dims else input
    return result.view(wanted) if lead > 0 else result


@op("flatten(Tensor input, int64_t start_dim=0, int64_t end_dim=-1)", arguments="count")
def flatten(input, start_dim=0, end_dim=-1):
    """Merge the dimensions from ``start_dim`` to ``end_dim``.

    Returns:
        The tensor itself where there is nothing to merge, a view or a copy.
    """
    meta = input._value.meta
    start = normalise_dim(start_dim, meta.ndim)
    end = normalise_dim(end_dim, meta.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if meta.ndim == 0:
        return reshaped(input, (1,))
    if start == end:
        return input
    merged = 1
    for size in meta.shape[start : end + 1]:
        merged *= size
    return reshaped(input, (*meta.shape[:start], merged, *meta.shape[end + 1 :]))


@op("unflatten(Tensor input, int64_t dim, SymIntArrayRef sizes)", arguments="count")
def unflatten(input, dim, sizes):
    """Split one dimension into several, one of whose sizes may be -1.

    Returns:
        A view.
    """
    sizes = tuple(sizes) if isinstance(sizes, (tuple, list)) else (sizes,)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    meta = input._value.meta
    dim = normalise_dim(dim, meta.ndim)
    try:
        full = infer_shape(sizes, meta.shape[dim])
    except RuntimeError as error:
        if "is invalid for input" not in str(error):
            raise
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({meta.shape[dim]}) in the input tensor"
        ) from None
    return as_view(input, (*meta.shape[:dim], *full, *meta.shape[dim + 1 :]))


@op("ravel(Tensor input)", arguments="count")
def ravel(input):
    """Return the elements in one dimension, a view where possible."""
    return as_view(input.contiguous(), (-1,))


def _publish_atleast(name: str, grow: Callable) -> None:
    def call(*tensors):
        if len(tensors) == 1:
            if isinstance(tensors[0], (tuple, list)):
                return tuple([grow(tensor) for tensor in tensors[0]])
            return grow(tensors[0])
        return tuple([grow(tensor) for tensor in tensors])

    call.__name__ = call.__qualname__ = name
    call.__module__ = "torch"
    call.__doc__ = f"Return tensors of at least {name[8]} dimensions: the same ones, or views."
    publish(name, call)


def _atleast_1d(tensor):
    return tensor if tensor.ndim else reshaped(tensor, (1,))


def _atleast_2d(tensor):
    if tensor.ndim == 0:
        return reshaped(tensor, (1, 1))
    return tensor.unsqueeze(0) if tensor.ndim == 1 else tensor


def _atleast_3d(tensor):
    if tensor.ndim == 0:
        return reshaped(tensor, (1, 1, 1))
    if tensor.ndim == 1:
        return tensor.unsqueeze(0).unsqueeze(-1)
    return tensor.unsqueeze(-1) if tensor.ndim == 2 else tensor


_publish_atleast("atleast_1d", _atleast_1d)
_publish_atleast("atleast_2d", _atleast_2d)
_publish_atleast("atleast_3d", _atleast_3d)
