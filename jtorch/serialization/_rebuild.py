"""The functions that a file names to put tensors together again, under PyTorch's names.

They are called with what the file says, so they believe none of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._core import dtypes
from .._core.dtypes import dtype as DType
from .._core.dtypes import is_inexact
from . import _adapter, _limits
from ._storage import LoadedStorage


def check_geometry(nbytes: int, itemsize: int, offset: int, size: tuple, stride: tuple) -> None:
    """Check that a tensor lies within its storage.

    Args:
        nbytes: of the storage.
        itemsize: of an element.
        offset, size, stride: in elements.
    Raises:
        TypeError: for what are no integers.
        RuntimeError: for what is out of bounds.
    """
    for numbers in (size, stride, (offset,)):
        if not isinstance(numbers, (tuple, list)) or not all(type(n) is int for n in numbers):
            raise TypeError(
                "set_(): storage offset, size and stride must be integers, but the file has "
                f"{type(offset).__name__}, {type(size).__name__} and {type(stride).__name__} "
                "of something else"
            )
    if len(size) != len(stride):
        raise RuntimeError(f"unequal size length ({len(size)}) and stride length ({len(stride)})")
    if len(size) > _limits.MAX_DIMS:
        raise RuntimeError(f"a tensor of {len(size)} dimensions; at most {_limits.MAX_DIMS}")
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    if any(n < 0 for n in size) or math.prod(size) > _limits.MAX_NUMEL:
        raise RuntimeError("numel: integer multiplication overflow")
    if any(n < 0 for n in stride):
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes={list(size)} and "
            f"strides={list(stride)}"
        )
    if 0 in size:
        return
    needed = (offset + 1 + sum((n - 1) * step for n, step in zip(size, stride))) * itemsize
    if needed > nbytes:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, "
            f"and itemsize {itemsize} requiring a storage size of {needed} are out of bounds "
            f"for storage of size {nbytes}"
        )


def _rebuild(
    storage: Any, dtype: DType | None, offset: int, size: tuple, stride: tuple, requires_grad: Any
) -> Any:
    if not isinstance(storage, LoadedStorage):
        described = _adapter.describe_storage(storage)
        if described is None:
            raise TypeError(f"a tensor needs a storage, but the file has {type(storage).__name__}")
        storage = LoadedStorage(described[0].contents(), described[1], described[0].device)
    if dtype is None:
        dtype = storage.class_dtype or dtypes.uint8
    if type(dtype) is not DType:
        raise TypeError(f"a tensor needs a dtype, but the file has {type(dtype).__name__}")
    check_geometry(storage.nbytes(), dtype.itemsize, offset, size, stride)
    if requires_grad and not is_inexact(dtype):
        raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
    if storage.dtype is None:
        storage.dtype = dtype
        storage.normalise()
    storage.bare_references -= 1
    start, rest = divmod(storage.byte_offset, dtype.itemsize)
    if rest:
        raise RuntimeError("a storage does not begin at a whole element of its tensor")
    return _adapter.tensor_from_storage(
        storage.root, dtype, start + offset, tuple(size), tuple(stride), bool(requires_grad)
    )


def _rebuild_tensor(storage: Any, storage_offset: int, size: tuple, stride: tuple) -> Any:
    """Return a tensor, as files of PyTorch 0.1 and 0.2 describe it."""
    return _rebuild(storage, None, storage_offset, size, stride, False)


def _rebuild_tensor_v2(
    storage: Any,
    storage_offset: int,
    size: tuple,
    stride: tuple,
    requires_grad: bool,
    backward_hooks: Any,
    metadata: dict | None = None,
) -> Any:
    """Return a tensor whose storage knows its dtype."""
    tensor = _rebuild(storage, None, storage_offset, size, stride, requires_grad)
    return _adapter.apply_metadata(tensor, metadata) if metadata else tensor


def _rebuild_tensor_v3(
    storage: Any,
    storage_offset: int,
    size: tuple,
    stride: tuple,
    requires_grad: bool,
    backward_hooks: Any,
    dtype: DType,
    metadata: dict | None = None,
) -> Any:
    """Return a tensor whose storage is untyped."""
    tensor = _rebuild(storage, dtype, storage_offset, size, stride, requires_grad)
    return _adapter.apply_metadata(tensor, metadata) if metadata else tensor


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Any:
    """Return a parameter."""
    return _adapter.make_parameter(data, bool(requires_grad))


def _rebuild_parameter_with_state(
    data: Any, requires_grad: bool, backward_hooks: Any, state: Any
) -> Any:
    """Return a parameter with attributes that its user gave it."""
    return _set_state(_adapter.make_parameter(data, bool(requires_grad)), state)


def _rebuild_from_type_v2(function: Callable, new_type: type, args: tuple, state: Any) -> Any:
    """Return a tensor with attributes that its user gave it, or one of a subclass."""
    tensor = function(*args)
    if type(tensor) is not new_type:
        if not isinstance(new_type, type) or not hasattr(tensor, "as_subclass"):
            raise TypeError(
                f"cannot make a tensor of the type that the file names of {type(tensor).__name__}"
            )
        tensor = tensor.as_subclass(new_type)
    setstate = getattr(new_type, "__setstate__", None)
    if setstate is not None and setstate is not getattr(
        _adapter.tensor_type(), "__setstate__", None
    ):
        tensor.__setstate__(state)
        return tensor
    return _set_state(tensor, state)


def _set_state(tensor: Any, state: Any) -> Any:
    slots = None
    if isinstance(state, tuple):
        if len(state) != 2:
            raise RuntimeError(f"Invalid serialized state: a tuple of {len(state)} items")
        state, slots = state
    for attributes in (state, slots):
        if not isinstance(attributes, (dict, type(None))):
            raise RuntimeError(f"Invalid serialized state: {type(attributes).__name__}")
        for name, value in (attributes or {}).items():
            # A file may add attributes, never replace what a tensor is made of.
            if type(name) is not str or hasattr(type(tensor), name):
                raise RuntimeError(f"Invalid serialized state: an attribute named {name!r}")
            setattr(tensor, name, value)
    return tensor


def _rebuild_meta_tensor_no_storage(
    dtype: DType, size: tuple, stride: tuple, requires_grad: bool
) -> Any:
    """Return a tensor of the meta device."""
    check_geometry(2**200, 1, 0, size, stride)
    return _adapter.make_meta_tensor(dtype, tuple(size), tuple(stride), bool(requires_grad))


def _rebuild_device_tensor_from_cpu_tensor(
    data: Any, dtype: DType, device: str, requires_grad: bool
) -> Any:
    """Return a tensor of a device whose tensors have no storage, such as a TPU's, on the CPU."""
    tensor = data.to(dtype)
    return tensor.requires_grad_(True) if requires_grad else tensor


def _rebuild_sparse_tensor(layout: Any, data: tuple) -> Any:
    """Return a sparse tensor."""
    return _adapter.make_sparse_tensor(layout, data)


def _get_layout(name: str) -> Any:
    """Return the layout of this name, such as ``"torch.strided"``."""
    return _adapter.layout(name)


def _missing(name: str, what: str) -> Callable:
    def refuse(*args: Any) -> Any:
        raise NotImplementedError(f"the file holds {what}; jtorch has none")

    refuse.__name__ = refuse.__qualname__ = name
    return refuse


#: Every function of ``torch._utils`` that a file may call when only weights are allowed.
FUNCTIONS: dict[str, Callable] = {
    "_rebuild_tensor": _rebuild_tensor,
    "_rebuild_tensor_v2": _rebuild_tensor_v2,
    "_rebuild_tensor_v3": _rebuild_tensor_v3,
    "_rebuild_parameter": _rebuild_parameter,
    "_rebuild_parameter_with_state": _rebuild_parameter_with_state,
    "_rebuild_meta_tensor_no_storage": _rebuild_meta_tensor_no_storage,
    "_rebuild_sparse_tensor": _rebuild_sparse_tensor,
    "_rebuild_device_tensor_from_cpu_tensor": _rebuild_device_tensor_from_cpu_tensor,
    "_rebuild_device_tensor_from_numpy": _missing(
        "_rebuild_device_tensor_from_numpy", "a device tensor stored as a NumPy array"
    ),
    "_rebuild_qtensor": _missing("_rebuild_qtensor", "a quantized tensor"),
    "_rebuild_nested_tensor": _missing("_rebuild_nested_tensor", "a nested tensor"),
    "_rebuild_wrapper_subclass": _missing("_rebuild_wrapper_subclass", "a wrapper subclass"),
}
