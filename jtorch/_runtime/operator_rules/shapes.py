"""Indexing and shapes as the operators that PyTorch makes them of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jtorch as torch

from ..._engine.graph.values import is_tensor
from ..._engine.recording.dispatch_modes import without_operators
from ..._engine.recording.storage import current_value
from ...ops.compat import aten
from ...ops.shape.views import view_strides
from .table import RULES, rule


@rule("__get__:T")
def _t(input: Any) -> Any:
    return aten.permute.default(input, list(range(input.ndim))[::-1])


@rule("__get__:mT")
def _mt(input: Any) -> Any:
    return aten.transpose.int(input, -2, -1)


@rule("__get__:data")
def _data(input: Any) -> Any:
    return aten.detach.default(input)


def _shape_of(function: str, input: Any, *args: Any, **kwargs: Any) -> list[int]:
    with without_operators():
        like = torch.empty(input.shape, device="meta")
        return list(getattr(like, function)(*args, **kwargs).shape)


def _reshaped(function: str) -> Callable:
    def reshaped(input: Any, *args: Any, **kwargs: Any) -> Any:
        if any(is_tensor(value) for value in (*args, *kwargs.values())):
            shape = list((args[0] if args else kwargs["other"]).shape)
        else:
            shape = _shape_of(function, input, *args, **kwargs)
        if shape == list(input.shape) and function == "flatten":
            return input
        if view_strides(current_value(input).meta, tuple(shape)) is not None:
            given: Any = args[0] if args else kwargs.get("shape")
            if function == "reshape" and not is_tensor(given):  # a -1 stays
                shape = list(args) if isinstance(given, int) else list(given)
            return aten.view.default(input, shape)
        whole = aten.clone.default(input, memory_format=torch.contiguous_format)
        return aten._unsafe_view.default(whole, shape)

    return reshaped


for _name_of_shape in ("reshape", "flatten", "unflatten", "reshape_as", "ravel"):
    RULES[_name_of_shape] = _reshaped(_name_of_shape)


@rule("view_as")
def _view_as(input: Any, other: Any) -> Any:
    return aten.view.default(input, list(other.shape))


@rule("contiguous")
def _contiguous(input: Any, memory_format: Any = None) -> Any:
    wanted = memory_format or torch.contiguous_format
    if input.is_contiguous(memory_format=wanted):
        return input
    return aten.clone.default(input, memory_format=wanted)


@rule("expand_as")
def _expand_as(input: Any, other: Any) -> Any:
    return aten.expand.default(input, list(other.shape))


@rule("chunk")
def _chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    size = -(-input.shape[dim] // chunks)
    return aten.split.Tensor(input, size, *([dim] if dim else []))


@rule("movedim", "moveaxis")
def _movedim(input: Any, source: Any, destination: Any) -> Any:
    sources, places = (
        [dim % max(input.ndim, 1) for dim in ([dims] if isinstance(dims, int) else dims)]
        for dims in (source, destination)
    )
    if len(set(sources)) < len(sources) or len(set(places)) < len(sources) != len(places):
        return NotImplemented  # which is refused
    order = [dim for dim in range(input.ndim) if dim not in sources]
    for place, dim in sorted(zip(places, sources)):
        order.insert(place, dim)
    return aten.permute.default(input, order)


@rule("narrow")
def _narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    if is_tensor(start):
        start = start.item()
    size = input.shape[dim]
    start = start + size if start < 0 else start
    if not 0 <= start <= start + length <= size:
        return NotImplemented  # which is refused
    return aten.slice.Tensor(input, dim, start, start + length)


@rule("__get__:real", "real")
def _real(input: Any) -> Any:
    if not input.dtype.is_complex:
        return input
    return aten.select.int(aten.view_as_real.default(input), input.ndim, 0)


@rule("__get__:imag", "imag")
def _imag(input: Any) -> Any:
    if not input.dtype.is_complex:
        return NotImplemented  # which is refused
    return aten.select.int(aten.view_as_real.default(input), input.ndim, 1)


@rule("split")
def _split(input: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    if isinstance(split_size_or_sections, int):
        return NotImplemented  # one operator
    sizes = list(split_size_or_sections)
    return aten.split_with_sizes.default(input, sizes, *([dim] if dim else []))


@rule("__iter__")
def _iter(input: Any) -> Any:
    return iter(aten.unbind.int(input))


@rule("__getitem__")
def _getitem(input: Any, index: Any) -> Any:
    items = list(index) if isinstance(index, tuple) else [index]
    if any(isinstance(item, (list, bool)) or _is_array(item) for item in items):
        return NotImplemented
    taken = sum(_dims_taken(item) for item in items)
    if Ellipsis in [item for item in items if not is_tensor(item)]:
        place = next(i for i, item in enumerate(items) if item is Ellipsis)
        items[place : place + 1] = [slice(None)] * (input.ndim - taken)
    dim, result = 0, input
    tensors: dict[int, Any] = {}
    for item in items:
        if item is None:
            result = aten.unsqueeze.default(result, dim)
            dim += 1
        elif is_tensor(item):
            tensors[dim] = item
            dim += _dims_taken(item)
        elif isinstance(item, slice):
            if item != slice(None):
                result = _slice(result, dim, item)
            dim += 1
        else:
            result = aten.select.int(result, dim, int(item))
    if tensors:
        indices = [tensors.get(place) for place in range(max(tensors) + 1)]
        return aten.index.Tensor(result, indices)
    return aten.alias.default(input) if result is input else result


def _is_array(item: Any) -> bool:
    return type(item).__module__ == "numpy" and getattr(item, "ndim", 0) > 0


def _dims_taken(item: Any) -> int:
    if item is None or item is Ellipsis:
        return 0
    if is_tensor(item) and item.dtype in (torch.bool, torch.uint8):
        return item.ndim
    return 1


def _slice(input: Any, dim: int, item: slice) -> Any:
    start = 0 if item.start is None else int(item.start)
    stop = 2**63 - 1 if item.stop is None else int(item.stop)
    step = [] if item.step in (None, 1) else [int(item.step)]
    return aten.slice.Tensor(input, dim, start, stop, *step)


@rule("__setitem__")
def _setitem(input: Any, index: Any, value: Any) -> Any:
    items = index if isinstance(index, tuple) else (index,)
    if any(isinstance(item, (list, bool)) or _is_array(item) for item in items):
        return NotImplemented
    if not is_tensor(value):
        value = aten.lift_fresh.default(_number_as_tensor(value, input))
    tensors = [item for item in items if is_tensor(item)]
    if tensors:
        if len(tensors) < len(items) or value.dtype is not input.dtype:
            return NotImplemented
        aten.index_put_.default(input, list(tensors), value)
        return None
    target = _getitem(input, index)
    if value.ndim == 0:
        aten.fill_.Tensor(target, value)
    else:
        aten.copy_.default(target, value)
    return None


def _number_as_tensor(value: Any, like: Any) -> Any:
    """Return a number as a tensor of another's dtype, which no mode sees."""
    with without_operators():
        return torch.tensor(value, dtype=like.dtype, device=like.device)
