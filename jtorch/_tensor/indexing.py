"""``tensor[index]`` and ``tensor[index] = value``.

Integers, slices, ``None`` and ``...`` make a chain of views; tensors of positions and masks copy.
What a loop changes (an integer, the start of a slice) is an input of the program.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from .._core import dtypes, messages
from .._core.cpp_names import c_type
from .._core.device import META
from .._core.schema.schema import Schema
from .._engine.declare import Autocast, publish
from .._engine.graph.values import NO_GRAD, is_tensor, make_meta, ready
from .._engine.memory import host_memory
from .._engine.memory.chains import Step, new_step
from .._engine.memory.from_jax import from_jax, is_jax
from .._engine.memory.views import (
    record_chain,
    record_view,
    storage_offset,
)
from .._engine.memory.write_checks import check_no_overlap, check_write
from .._engine.recording import overrides
from .._engine.recording.kinds.base import broadcast_shapes
from .._engine.recording.overrides import Overridden
from .._engine.recording.record import fresh, record, wrap
from .._engine.recording.storage import current_value, overwrite
from .._engine.recording.trace import local, materialise
from ..ops.indexing.advanced import (
    _index,
    _index_put_impl,
    _index_put_number,
    _mask_put_number,
    check_positions,
    index_shape,
)
from ..ops.shape.copying import _fill_with_tensor
from ..ops.shape.views import _select, _slice, alias, unsqueeze
from . import _messages

_SELECT = _select
_SLICE = _slice
_ALIAS = alias
_UNSQUEEZE = unsqueeze
_INDEX = _index
_PUT = _index_put_impl.inplace_twin
_PUT_NUMBER = _index_put_number.inplace_twin
_MASK_PUT_NUMBER = _mask_put_number.inplace_twin

_FILL = _fill_with_tensor.inplace_twin

_ZERO = (int, 0)


def select(tensor: Any, dim: int, index: int, shown_dim: int) -> Any:
    """Return the view of one index of a dimension; arguments as of ``_select_step``."""
    return record_chain(tensor, (_select_step(tensor._value.meta.shape, dim, index, shown_dim),))


def _select_step(shape: tuple[int, ...], dim: int, index: int, shown_dim: int) -> Step:
    """Return the view step that takes one index of a dimension.

    Args:
        shape: of what is indexed.
        dim: the dimension.
        index: the index; negative ones count from the end.
        shown_dim: what an error calls the dimension.
    Raises:
        IndexError: there is no such index.
    """
    if not shape:
        raise (
            _messages.scalar_index() if index == 0 else messages.index_out_of_bounds(index, 0, 0)
        )
    size = shape[dim]
    if not -size <= index < size:
        if not -(2**63) <= index < 2**63:
            raise ValueError("Overflow when unpacking long long")
        raise messages.index_out_of_bounds(index, shown_dim, size)
    if index < 0:
        index += size
    return new_step(_SELECT, (dim, index), (_SELECT, dim, int), (index,))


def take_slice(tensor: Any, dim: int, index: slice, keeps_whole: bool) -> Any:
    """Return the view of a slice of a dimension; arguments as of ``_slice_step``.

    Args:
        tensor: what is indexed.
        dim, index: the dimension and the slice.
        keeps_whole: whether a slice that takes all is the tensor itself, not a view.
    """
    step = _slice_step(tensor._value.meta.shape, dim, index)
    if keeps_whole and _takes_all(step, tensor._value.meta.shape):
        return tensor
    return record_chain(tensor, (step,))


def _takes_all(step: Step, shape: tuple[int, ...]) -> bool:
    """Return whether a slice is all of a dimension."""
    dim, _, length, stride = step.args
    return bool(length == shape[dim] and stride == 1)


def _slice_step(shape: tuple[int, ...], dim: int, index: slice) -> Step:
    """Return the view step that takes a slice of a dimension.

    Args:
        shape: of what is indexed.
        dim: the dimension.
        index: the slice.
    Raises:
        IndexError: there are no dimensions.
        ValueError: the step is not positive.
        TypeError: something in the slice is no integer.
    """
    if not shape:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    start, stop, step = index.start, index.stop, index.step
    step = 1 if step is None else step if step.__class__ is int else _slice_index(step)
    if step <= 0:
        raise ValueError(
            "slice step cannot be zero" if step == 0 else "step must be greater than zero"
        )
    size = shape[dim]
    if start is None:
        start = 0
    else:
        if start.__class__ is not int:
            start = _slice_index(start)
        if start < 0:
            start = max(start + size, 0)
        elif start > size:
            start = size
    if stop is None:
        stop = size
    else:
        if stop.__class__ is not int:
            stop = _slice_index(stop)
        if stop < 0:
            stop = max(stop + size, 0)
        elif stop > size:
            stop = size
    length = -(-(stop - start) // step) if stop > start else 0
    args = (dim, start, length, step)
    if start == 0:
        return new_step(_SLICE, args, (_SLICE, dim, _ZERO, length, step), ())
    return new_step(_SLICE, args, (_SLICE, dim, int, length, step), (start,))


def _sliced(shape: tuple[int, ...], dim: int, index: slice, steps: list[Step]) -> tuple[int, ...]:
    """Add the step that takes a slice, unless it takes all; return the shape after it."""
    if index.start is None and index.stop is None and index.step is None:
        return shape
    step = _slice_step(shape, dim, index)
    if _takes_all(step, shape):
        return shape
    steps.append(step)
    return (*shape[:dim], step.args[2], *shape[dim + 1 :])


def _slice_index(value: Any) -> int:
    if is_tensor(value):
        return _number(value)
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            "slice indices must be integers or None or have an __index__ method"
        ) from None


def _whole_view(tensor: Any) -> Any:
    return record_view(_ALIAS, tensor, (), ())


def _unsqueeze(tensor: Any, dim: int) -> Any:
    return record_view(_UNSQUEEZE, tensor, (dim,), (dim,))


def _plain_steps(shape: tuple[int, ...], index: tuple) -> tuple[Step, ...] | None:
    """Return the view steps of an index of integers and slices, ``None`` for any other.

    Raises:
        IndexError: there is no such index.
    """
    if len(index) > len(shape):
        return None
    steps: list[Step] = []
    dim = 0
    for position, item in enumerate(index):
        cls = item.__class__
        if cls is int:
            steps.append(_select_step(shape, dim, item, position))
            shape = shape[:dim] + shape[dim + 1 :]
        elif cls is slice:
            shape = _sliced(shape, dim, item, steps)
            dim += 1
        else:
            return None
    return tuple(steps)


def getitem(self: Any, index: Any) -> Any:
    """Return ``self[index]``."""
    cls = index.__class__
    if cls is int:
        return select(self, 0, index, 0)
    if cls is slice:
        return take_slice(self, 0, index, False)
    if cls is tuple:
        steps = _plain_steps(self._value.meta.shape, index)
        if steps is not None:
            return record_chain(self, steps) if steps else _whole_view(self)
    if index is None:
        return _unsqueeze(self, 0)
    if index is Ellipsis:
        return _whole_view(self)
    try:
        viewed, indices = apply_views(self, index)
        if not indices:
            return _whole_view(viewed) if viewed is self else viewed
        return take(viewed, indices)
    except Overridden as found:
        function = overrides.operators["__getitem__"]
        return overrides.dispatch_found(function, found, (self, index), {})
    except (TypeError, IndexError):
        values = overrides.overloaded((index,))
        if not values:
            raise
    return overrides.dispatch(overrides.operators["__getitem__"], values, (self, index), {})


def take(tensor: Any, indices: dict[int, Any]) -> Any:
    """Return a copy of the elements at tensors of positions, by dimension."""
    dims, tensors, masked = positions_of(tensor, indices)
    check_bounds(tensor, dims, tensors)
    costly = tensor._alias is not None and host_memory.is_costly_to_read(tensor)
    if masked or costly:
        taken = _take_on_host(tensor, dims, tensors, costly)
        if taken is not None:
            return taken
    return wrap(record(_INDEX, (tensor, tensors, dims), {}))


def _take_on_host(
    tensor: Any, dims: tuple[int, ...], tensors: list[Any], costly: bool = False
) -> Any:
    """Index in NumPy: the shape depends on data, and a program for each shape would not pay.

    Args:
        tensor: what is indexed.
        dims, tensors: the dimensions and the positions in them.
        costly: whether it lies in a lot of memory shared with NumPy, which is not to be read whole.
    """
    value = tensor._value if costly else current_value(tensor)
    meta = value.meta
    if meta.device.type != "cpu" or (meta.grad != NO_GRAD and local.trace.mode.grad):
        return None
    if costly:
        array = host_memory.view_at(tensor._alias.storage, meta, storage_offset(tensor))
    else:
        array = np.asarray(materialise(value, "mask"))
    where: list[Any] = [slice(None)] * meta.ndim
    for dim, index in zip(dims, tensors, strict=True):
        where[dim] = np.asarray(materialise(current_value(index), "mask"))
    metas = [index._value.meta for index in tensors]
    shape, strides = index_shape(meta, metas, dims)
    return fresh(np.array(array[tuple(where)]), make_meta(shape, meta.dtype, meta.device, strides))


# Reading an index


def apply_views(tensor: Any, index: Any) -> tuple[Any, dict[int, Any]]:
    """Apply the views of an index, and return what is left to do by tensors of positions.

    Returns:
        The view, and the index tensors (integers or masks) by the dimension that they start at.
    """
    items = _as_items(index)
    ndim = tensor._value.meta.ndim
    specified = 0
    for item in items:
        if item is None or item is Ellipsis or item.__class__ is bool:
            continue
        if is_tensor(item) and item._value.meta.dtype in (dtypes.bool_, dtypes.uint8):
            specified += item._value.meta.ndim
        else:
            specified += 1
    if specified > ndim:
        raise _messages.too_many_indices(ndim)
    indices: dict[int, Any] = {}
    steps: list[Step] = []
    shape = tensor._value.meta.shape
    dim = 0
    for position, item in enumerate(items):
        cls = item.__class__
        if cls is slice:
            shape = _sliced(shape, dim, item, steps)
            dim += 1
            continue
        if item is Ellipsis:
            dim += ndim - specified
            continue
        flag: bool | None = None
        if cls is bool:
            flag = item
        elif cls is not int and item is not None:
            if not is_tensor(item):
                raise _messages.invalid_index(item)
            meta = item._value.meta
            masks = meta.dtype in (dtypes.bool_, dtypes.uint8)
            if meta.ndim or not (masks or meta.dtype in dtypes.INTEGERS):
                indices[dim] = item
                dim += meta.ndim if masks else 1
                continue
            if masks:
                flag = bool(_number(item))
            else:
                item = _number(item)
        if flag is not None or item is None:
            steps.append(new_step(_UNSQUEEZE, (dim,), (_UNSQUEEZE, dim), ()))
            shape = (*shape[:dim], 1, *shape[dim:])
            if flag is not None:
                indices[dim] = _bool_index(flag)
            dim += 1
            continue
        # PyTorch's error names the place in the index, not the dimension.
        steps.append(_select_step(shape, dim, item, position))
        shape = shape[:dim] + shape[dim + 1 :]
    result = record_chain(tensor, tuple(steps)) if steps else tensor
    return result, indices


def _as_items(index: Any) -> list[Any]:
    if isinstance(index, tuple):
        return [_as_item(item) for item in index]
    if _is_like_tuple(index):
        _messages.warn_sequence_as_tuple()
        return [_as_item(item) for item in index]
    return [_as_item(index)]


def _is_like_tuple(index: Any) -> bool:
    """Tell whether a list is taken for a tuple: where it holds more than numbers."""
    if is_tensor(index) or isinstance(index, (np.ndarray, np.generic)):
        return False
    if not isinstance(index, Sequence) or len(index) >= 32:
        return False
    return any(
        item is None
        or item is Ellipsis
        or isinstance(item, (slice, Sequence, np.ndarray))
        or is_tensor(item)
        for item in index
    )


def _as_item(item: Any) -> Any:
    """Return an element of an index as an int, bool, slice, ``None``, ``...`` or a tensor."""
    if item is None or item is Ellipsis or item.__class__ in (int, bool, slice):
        return item
    if is_tensor(item):
        return item
    if is_jax(item):
        return from_jax(item)
    if isinstance(item, np.ndarray) or (
        isinstance(item, Sequence) and not isinstance(item, (str, bytes))
    ):
        return index_tensor(item)
    if isinstance(item, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(item).__name__}'")
    if isinstance(item, (float, np.bool_)):
        raise _messages.invalid_index(item)
    try:
        return operator.index(item)
    except TypeError:
        raise _messages.invalid_index(item) from None


def index_tensor(data: Any) -> Any:
    """Return a list or NumPy array of positions, or of bools, as a tensor."""
    if isinstance(data, Sequence):
        data = _plain(data)
    array = np.array(data)
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(np.int64)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"new(): invalid data type '{array.dtype}'")
    dtype = {np.dtype(bool): dtypes.bool_, np.dtype(np.uint8): dtypes.uint8}.get(
        array.dtype, dtypes.int64
    )
    array = array.astype(dtype._numpy)
    return wrap(ready(array, make_meta(array.shape, dtype, local.trace.device)))


def _plain(data: Any) -> Any:
    if is_tensor(data):
        return _number(data) if data._value.meta.ndim == 0 else _array(data)
    if isinstance(data, Sequence) and not isinstance(data, str):
        return [_plain(item) for item in data]
    return data


def _array(tensor: Any) -> np.ndarray:
    value = current_value(tensor)
    if value.meta.device is META:
        raise messages.no_meta_kernel("mask")
    return np.asarray(materialise(value, "index"))


def _number(tensor: Any) -> int:
    return _array(tensor).item()


def _bool_index(flag: bool) -> Any:
    array = np.zeros(1 if flag else 0, np.int64)
    return wrap(ready(array, make_meta(array.shape, dtypes.int64, local.trace.device)))


def positions_of(tensor: Any, indices: dict[int, Any]) -> tuple[tuple[int, ...], list[Any], bool]:
    """Replace masks by the positions where they are true.

    Returns:
        The dimensions, a tensor of integers for each, and whether there was a mask.
    Raises:
        IndexError: wrong dtype or shape.
    """
    shape = tensor._value.meta.shape
    dims: list[int] = []
    tensors = []
    masked = False
    device = tensor._value.meta.device
    for dim, index in sorted(indices.items()):
        meta = index._value.meta
        if meta.dtype in (dtypes.bool_, dtypes.uint8):
            if meta.dtype is dtypes.uint8:
                _messages.warn_byte_index()
            check_mask(index, shape, dim)
            masked = True
            for offset, positions in enumerate(np.nonzero(_array(index))):
                dims.append(dim + offset)
                made = make_meta(positions.shape, dtypes.int64, device)
                tensors.append(wrap(ready(positions, made)))
        elif meta.dtype in (dtypes.int64, dtypes.int32):
            dims.append(dim)
            tensors.append(index if meta.device is device else index.to(device))
        else:
            raise _messages.index_dtype()
    return tuple(dims), tensors, masked


def check_mask(mask: Any, shape: tuple[int, ...], dim: int) -> None:
    """Raise where a mask does not fit the dimensions that it stands for."""
    mask_shape = mask._value.meta.shape
    for offset, size in enumerate(mask_shape):
        if size != shape[dim + offset]:
            raise _messages.mask_shape(mask_shape, offset, shape, dim + offset)


def check_bounds(tensor: Any, dims: tuple[int, ...], tensors: list[Any]) -> None:
    """Raise PyTorch's IndexError where a position does not exist.

    Positions usually come from data and are at hand. Those that are still pending are computed
    first: PyTorch raises at the call.
    """
    meta = tensor._value.meta
    if meta.device.type != "cpu":
        return  # PyTorch does not check there, either
    if any(size == 0 for dim, size in enumerate(meta.shape) if dim not in dims):
        return  # no element is taken, and none of the positions looked at
    # torch 2.13 names the place among the index tensors, not the dimension.
    for place, (dim, index) in enumerate(zip(dims, tensors, strict=True)):
        check_positions(index, place, meta.shape[dim])


# Assigning


_PLAIN_INDICES = frozenset((int, slice, type(Ellipsis)))


def _fits_at_once(tensor: Any, index: Any, value: Any) -> bool:
    """Return whether a value is a number that fits, and nothing overrides the assignment."""
    if value.__class__ is not float or not -60000.0 < value < 60000.0:
        return False
    dtype = tensor._value.meta.dtype
    if not dtype.is_floating_point or dtype.itemsize < 4 or tensor.__class__ not in overrides.PLAIN:
        return False
    items = index if index.__class__ is tuple else (index,)
    return _PLAIN_INDICES.issuperset(map(type, items))


def setitem(self: Any, index: Any, value: Any) -> None:
    """Do ``self[index] = value``."""
    meta = self._value.meta
    if not hasattr(value, "_operand") and not _fits_at_once(self, index, value):
        found = overrides.overloaded((self, index, value))
        if found or overrides.active_modes():
            overrides.dispatch(overrides.operators["__setitem__"], found, (self, index, value), {})
            return
        if is_jax(value):
            value = from_jax(value)
        elif not is_tensor(value):
            value = as_number(value, meta.dtype)
    cls = index.__class__
    if cls is int:
        _copy_to(select(self, 0, index, 0), value)
    elif cls is slice:
        _copy_to(take_slice(self, 0, index, True), value)
    elif index is Ellipsis:
        _copy_to(self, value)
    elif index is False:
        return
    elif index is None or index is True:
        _copy_to(_unsqueeze(self, 0), value)
    else:
        try:
            if cls is tuple:
                steps = _plain_steps(meta.shape, index)
                if steps is not None:
                    _copy_to(record_chain(self, steps) if steps else self, value)
                    return
            viewed, indices = apply_views(self, index)
            if indices:
                put(viewed, indices, value)
            else:
                _copy_to(viewed, value)
        except Overridden as found:
            function = overrides.operators["__setitem__"]
            overrides.dispatch_found(function, found, (self, index, value), {})


def as_number(value: Any, dtype: Any) -> Any:
    """Return a Python number to be assigned to elements of a dtype.

    Raises:
        TypeError: it is none.
        RuntimeError, ValueError: it does not fit.
    """
    if isinstance(value, np.integer):
        value = value.item()
    if not isinstance(value, (bool, int, float, complex)):
        raise _messages.cannot_assign(value, dtype._legacy_name)
    return checked_number(value, dtype)


def checked_number(value: Any, dtype: Any) -> Any:
    """Return a number that fits a dtype as PyTorch converts it, or raise."""
    if isinstance(value, complex):
        if not dtype.is_complex:
            if value.imag:
                raise messages.overflow(c_type(dtype))
            return value.real
        return value
    if isinstance(value, bool) or dtype is dtypes.bool_:
        return bool(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("Overflow when unpacking long long")
    if dtype in dtypes.INTEGERS:
        bounds = np.iinfo(dtype._numpy)
        low = -bounds.max - 1 if not bounds.min else bounds.min
        if value != value or not low <= int(value) <= bounds.max:
            raise messages.overflow(c_type(dtype))
        return int(value)
    if (
        dtype.is_floating_point
        and dtype.itemsize < 8
        and 60000 < abs(value) < float("inf")
        and abs(value) > float(ml_dtypes.finfo(dtype._numpy).max)
    ):
        raise messages.overflow(c_type(dtype))
    return value


def _copy_to(target: Any, value: Any) -> None:
    if not is_tensor(value):
        _FILL.call(target, value)
        return
    meta = value._value.meta
    if meta.ndim == 0:
        _FILL.call(target, value)
        return
    shape = target._value.meta.shape
    if meta.shape != shape:
        value = _without_leading_ones(value)
        if value._value.meta.shape != shape:
            value = value.expand(shape)
    target.copy_(value)


def _without_leading_ones(value: Any) -> Any:
    shape = value._value.meta.shape
    first = next((dim for dim, size in enumerate(shape) if size != 1), len(shape))
    return value.view(shape[first:]) if first else value


def put(tensor: Any, indices: dict[int, Any], value: Any) -> None:
    """Write to the elements at tensors of positions or masks, by dimension."""
    check_write(tensor, (value,))
    is_number = not is_tensor(value)
    meta = tensor._value.meta
    if 0 in meta.strides and any(
        n > 1 and stride == 0 for n, stride in zip(meta.shape, meta.strides, strict=True)
    ):
        _messages.warn_expanded_write("index_put_", "indices] = tensor")
    if len(indices) == 1 and (is_number or value._value.meta.ndim == 0):
        ((dim, mask),) = indices.items()
        if dim == 0 and mask._value.meta.dtype is dtypes.bool_:
            check_mask(mask, tensor._value.meta.shape, 0)
            if mask._value.meta.device is not tensor._value.meta.device:
                mask = mask.to(tensor._value.meta.device)
            overwrite(tensor, record(_MASK_PUT_NUMBER, (tensor, mask, value), {}))
            return
    if not is_number:
        check_no_overlap(tensor, value)
    for index in indices.values():
        check_no_overlap(tensor, index)
    dims, tensors, _ = positions_of(tensor, indices)
    check_bounds(tensor, dims, tensors)
    if is_number:
        overwrite(tensor, record(_PUT_NUMBER, (tensor, value, tensors, dims), {}))
        return
    if value._value.meta.device is not tensor._value.meta.device and value._value.meta.ndim == 0:
        value = value.to(tensor._value.meta.device)
    metas = [index._value.meta for index in tensors]
    shape, _ = index_shape(tensor._value.meta, metas, dims)
    given = value._value.meta.shape
    if len(given) and given[0] == 1:
        value = _without_leading_ones(value)
    try:
        fits = broadcast_shapes([value._value.meta.shape, shape]) == shape
    except RuntimeError:
        fits = False
    if not fits:
        raise messages.value_does_not_fit(value._value.meta.shape, shape)
    overwrite(tensor, record(_PUT, (tensor, value, tensors, dims), {}))


# Iteration


def length(self: Any) -> int:
    """Return the size of the first dimension."""
    shape = self._value.meta.shape
    if not shape:
        raise TypeError("len() of a 0-d tensor")
    return shape[0]


def iterate(self: Any) -> Any:
    """Return an iterator over the first dimension."""
    if not self._value.meta.shape:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


def contains(self: Any, element: Any) -> bool:
    """Return whether an element is equal to ``element``."""
    if is_tensor(element) or isinstance(element, (bool, int, float, complex)):
        return bool((element == self).any().item())
    raise RuntimeError(
        f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
    )


_INDEX_PUT = Schema(
    "index_put(Tensor input, c10::List<::std::optional<Tensor>> indices, Tensor values, "
    "bool accumulate=False)"
)
_INDEX_PUT_INPLACE = Schema(
    "index_put_(Tensor input, c10::List<::std::optional<Tensor>> indices, Tensor values, "
    "bool accumulate=False)"
)


def _put_by_list(schema: Schema, method: bool, inplace: bool) -> Callable:
    def call(*args, **kwargs):
        tensor: Any = args[0] if method else None
        _, bound = schema.bind(args[1:] if method else args, kwargs, method)
        tensor = tensor if method else bound["input"]
        indices = dict(enumerate(bound["indices"]))
        specified = sum(
            index.ndim if index.dtype in (dtypes.bool_, dtypes.uint8) else 1
            for index in indices.values()
        )
        if specified > tensor.ndim:
            text = str(_messages.too_many_indices(tensor.ndim))
            raise IndexError(f"{text} (got {specified})")
        dim = 0
        placed = {}
        for index in indices.values():
            placed[dim] = index
            dim += index.ndim if index.dtype in (dtypes.bool_, dtypes.uint8) else 1
        dims, tensors, _ = positions_of(tensor, placed)
        check_bounds(tensor, dims, tensors)
        operands = (tensor, bound["values"], tensors, dims, bool(bound["accumulate"]))
        if inplace:
            overwrite(tensor, record(_PUT, operands, {}))
            return tensor
        return wrap(record(_index_put_impl, operands, {}))

    name = "index_put_" if inplace else "index_put"
    call.__name__ = call.__qualname__ = name
    call.__module__ = "torch"
    call.__doc__ = "Put values at the positions that tensors name, one tensor for each dimension."
    return call


_SHOWN = "(Tensor input, TensorList indices, Tensor values, bool accumulate=False)"
publish(
    "index_put",
    _put_by_list(_INDEX_PUT, method=False, inplace=False),
    method=_put_by_list(_INDEX_PUT, method=True, inplace=False),
    signatures=(_SHOWN,),
    autocast=Autocast(cuda="promote"),
)
publish(
    "index_put_",
    _put_by_list(_INDEX_PUT_INPLACE, method=False, inplace=True),
    method=_put_by_list(_INDEX_PUT_INPLACE, method=True, inplace=True),
    signatures=(_SHOWN,),
)
publish("__getitem__", method=getitem)
publish("__setitem__", method=setitem)
publish("__len__", method=length)
publish("__iter__", method=iterate)
publish("__contains__", method=contains)
