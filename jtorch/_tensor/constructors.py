"""Tensors from data: ``torch.tensor``, ``as_tensor``, ``asarray`` and ``new_tensor``."""

from __future__ import annotations

import warnings
import weakref
from typing import Any

import numpy as np

from .._core import dtypes, messages
from .._core.device import (
    CPU,
    META,
    Device,
    default_device,
    named_default_device,
    tensor_type_device,
)
from .._core.dtypes import dtype as DType
from .._core.schema.schema import Schema, set_type
from .._engine.declare import publish
from .._engine.execution import devices, transfer
from .._engine.graph.values import LEAF, NO_GRAD, SparseBase, is_tensor, make_meta
from .._engine.memory.adoption import adopt
from .._engine.memory.from_host import as_dtype, fresh_tensor
from .._engine.memory.from_jax import from_jax, is_jax
from .._engine.recording import overrides, record
from .._engine.recording.dispatch_modes import without_operators
from .._engine.recording.overrides import without_subclasses
from .._engine.recording.storage import current_value
from .._engine.recording.trace import local
from ..ops.shape.views import alias
from . import _messages
from . import numpy_bridge as _numpy_bridge
from .sequences import array_of_nested

set_type("Device", Device)


def tensor_of_array(
    array: Any,
    dtype: DType,
    device: Device = CPU,
    requires_grad: bool = False,
    strides: tuple[int, ...] | None = None,
) -> Any:
    """Wrap an array that has no other writer.

    Args:
        array: array of JAX or NumPy, where the device is.
        dtype, device: of the tensor.
        requires_grad: whether gradients flow to it.
        strides: in elements; contiguous unless given.
    """
    meta = make_meta(array.shape, dtype, device, strides, LEAF if requires_grad else NO_GRAD)
    tensor = record.fresh(array, meta)
    if requires_grad:
        tensor._value.owner = weakref.ref(tensor)
    return tensor


def check_pinned(pin_memory: Any, device: Device = CPU) -> None:
    """Refuse ``pin_memory=True`` where there is no accelerator."""
    if pin_memory and device is CPU and not devices.gpus():
        raise messages.pinned()


_TENSOR = Schema(
    "tensor(PyObject* data, *, ScalarType dtype=None, Device? device=None, bool pin_memory=False, "
    "bool requires_grad=False)"
)
_PYTHON_DTYPES = {
    float: dtypes.float64,
    int: dtypes.int64,
    bool: dtypes.bool_,
    complex: dtypes.complex128,
}


def tensor(*args: Any, **kwargs: Any) -> Any:
    """Make a tensor of a copy of ``data``.

    Args:
        data: number, nested sequence of numbers, NumPy array or tensor.
        dtype: dtype of the elements; by default that of the data, and the default dtype for Python
            floats.
        device: where to put it; by default where data that are a tensor are, else the default
            device.
        pin_memory: whether to lie in page-locked memory, which only matters beside a GPU.
        requires_grad: whether gradients flow to it.
    Returns:
        A leaf tensor.
    """
    if len(args) == 1 and not kwargs:
        data = args[0]
        if data.__class__ is float and -3e38 < data < 3e38:
            mode = local.trace.mode
            if mode.default_dtype is dtypes.float32 and default_device() is CPU:
                return record.fresh(np.array(data, np.float32), _FLOAT_SCALAR)
        dtype = device = None
        requires_grad = False
    else:
        _, bound = _TENSOR.bind(args, kwargs)
        data, dtype, device = bound["data"], bound["dtype"], bound["device"]
        requires_grad = bound["requires_grad"]
        check_pinned(bound["pin_memory"])
    if device is None:
        device = devices.named_default()
    if is_tensor(data):
        warnings.warn(_messages.copy_construct("torch.tensor"), UserWarning, stacklevel=2)
        with without_subclasses():
            return copied(data, dtype, device, requires_grad)
    if isinstance(data, SparseBase):
        warnings.warn(_messages.copy_construct("torch.tensor"), UserWarning, stacklevel=2)
        return data.detach().clone().to(device, dtype).requires_grad_(requires_grad)
    if is_jax(data):
        source = from_jax(data)
        place = source.device if device is None else devices.resolve(device)
        return source.to(place, dtype or source.dtype).requires_grad_(requires_grad)
    place = devices.default() if device is None else devices.resolve(device)
    array, dtype = array_of_data(data, dtype)
    return fresh_tensor(array, dtype, place, requires_grad)


_FLOAT_SCALAR = make_meta((), dtypes.float32, CPU)


def copied(source: Any, dtype: DType | None, device: Any, requires_grad: bool) -> Any:
    """Return a leaf tensor with a copy of the elements of another."""
    place = source.device if device is None else devices.resolve(device)
    result = source.detach().to(place, dtype or source.dtype, copy=True)
    return result.requires_grad_() if requires_grad else result


def array_of_data(data: Any, dtype: DType | None) -> tuple[np.ndarray, DType]:
    """Return a fresh NumPy array of data that are no tensor, and its dtype."""
    if isinstance(data, (np.ndarray, np.generic)):
        inferred_dtype = _numpy_bridge.dtype_of_array(np.asarray(data))
        _numpy_bridge.check_strides(np.asarray(data))
        dtype = dtype or inferred_dtype
        return np.asarray(as_dtype(np.array(data), dtype)), dtype
    if hasattr(data, "__array_interface__") and not isinstance(data, (str, bytes)):
        return array_of_data(np.asarray(data), dtype)
    if hasattr(data, "__dlpack__"):
        return array_of_data(np.array(np.from_dlpack(data)), dtype)
    return array_of_nested(data, dtype, local.trace.mode.default_dtype)


def on_device(array: np.ndarray, device: Device) -> Any:
    """Return the array where the device is."""
    return transfer.put(array, device)


_AS_TENSOR = Schema("as_tensor(PyObject* data, *, ScalarType dtype=None, Device? device=None)")


def as_tensor(*args: Any, **kwargs: Any) -> Any:
    """Make a tensor of data, of the same memory where that can be.

    Args:
        data: as of ``torch.tensor``; a tensor that already fits is returned itself, the memory of
            a NumPy array is shared.
        dtype, device: as of ``torch.tensor``.
    """
    if len(args) == 1 and not kwargs and is_jax(args[0]) and named_default_device() is None:
        return from_jax(args[0])
    _, bound = _AS_TENSOR.bind(args, kwargs)
    device = devices.named_default() if bound["device"] is None else bound["device"]
    return _sharing(bound["data"], bound["dtype"], device)


def _sharing(data: Any, dtype: DType | None, device: Any) -> Any:
    if isinstance(data, SparseBase):
        return data.to(device=device, dtype=dtype)
    if is_tensor(data):
        with without_subclasses():
            place = data.device if device is None else devices.resolve(device)
            return data.to(place, dtype or data.dtype)
    place = devices.default() if device is None else devices.resolve(device)
    if isinstance(data, np.ndarray):
        shared = _numpy_bridge.from_numpy(data)
        return shared.to(place, dtype or shared.dtype)
    if is_jax(data):
        tensor = from_jax(data)
        return tensor.to(tensor.device if device is None else place, dtype or tensor.dtype)
    if not isinstance(data, (list, tuple, int, float, np.generic)) and hasattr(data, "__dlpack__"):
        tensor = _numpy_bridge.from_dlpack(data)
        return tensor.to(place, dtype or tensor.dtype)
    array, dtype = array_of_data(data, dtype)
    return fresh_tensor(array, dtype, place)


_ASARRAY = Schema(
    "asarray(PyObject* obj, *, ScalarType? dtype=None, Device? device=None, bool? copy=None, "
    "bool? requires_grad=None)"
)


def asarray(*args: Any, **kwargs: Any) -> Any:
    """Make a tensor of an object, by the rules of the array API.

    Args:
        obj: tensor, NumPy array, object with DLPack, buffer, number or nested sequence.
        dtype, device: of the tensor; by default those of the object.
        copy: whether to copy; ``None``: only where that is needed.
        requires_grad: whether the tensor requires grad; by default as the object does.
    Raises:
        ValueError: ``copy=False`` where a copy is needed.
    """
    _, bound = _ASARRAY.bind(args, kwargs)
    obj, dtype, device, copy = (bound[name] for name in ("obj", "dtype", "device", "copy"))
    requires_grad = bound["requires_grad"]
    place = devices.named_default() if device is None else devices.resolve(device)
    source: Any = None
    if is_tensor(obj):
        source = obj
        if requires_grad is None and obj.requires_grad:
            warnings.warn(
                "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad "
                "instead of False. Pass requires_grad=False explicitly to get the old behavior "
                "and silence this warning.",
                UserWarning,
                stacklevel=2,
            )
    elif is_jax(obj):
        source = from_jax(obj)
    elif isinstance(obj, np.ndarray):
        source = _numpy_bridge.from_numpy(obj)
    elif isinstance(obj, np.generic) and copy is not False:
        source = _numpy_bridge.from_numpy(np.array(obj))
    elif isinstance(obj, (bytes, bytearray, memoryview)):
        wanted = dtype or local.trace.mode.default_dtype
        source = _numpy_bridge.frombuffer(obj, dtype=wanted)
    elif not isinstance(obj, (list, tuple, int, float, complex)) and hasattr(obj, "__dlpack__"):
        source = _numpy_bridge.from_dlpack(obj)
    elif hasattr(obj, "__array_interface__"):
        source = _numpy_bridge.from_numpy(np.array(obj))
    if source is None:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        array, dtype = array_of_data(obj, dtype)
        return fresh_tensor(array, dtype, place or devices.default(), bool(requires_grad))
    place = place or source.device
    if copy is False:
        if place is not source.device:
            raise ValueError(f"can't alias tensor from device '{source.device}' to '{place}'.")
        if dtype is not None and dtype is not source.dtype:
            raise ValueError(
                f"can't alias tensor with dtype '{source.dtype._legacy_name}' into dtype "
                f"'{dtype._legacy_name}'."
            )
    result = source.to(place, dtype or source.dtype, copy=bool(copy))
    if requires_grad is None:
        return result
    if not requires_grad and result.requires_grad:
        return result.detach()
    if requires_grad and not result.requires_grad:
        result.requires_grad_()
    return result


_NEW_TENSOR = Schema(
    "new_tensor(PyObject* data, *, ScalarType dtype=None, Device? device=None, "
    "bool requires_grad=False)"
)


def new_tensor(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Make a tensor of data, by default of the dtype and on the device of this one."""
    _, bound = _NEW_TENSOR.bind(args, kwargs)
    meta = self._value.meta
    data, dtype = bound["data"], bound["dtype"]
    place = meta.device if bound["device"] is None else devices.resolve(bound["device"])
    if is_tensor(data):
        warnings.warn(_messages.copy_construct("tensor.new_tensor"), UserWarning, stacklevel=2)
        return copied(data, dtype or meta.dtype, place, bound["requires_grad"])
    if is_jax(data):
        made = from_jax(data).to(place, dtype or meta.dtype)
        return made.requires_grad_(bound["requires_grad"])
    array, dtype = array_of_data(data, dtype or meta.dtype)
    return fresh_tensor(array, dtype, place, bound["requires_grad"])


def scalar_of(value: Any) -> Any:
    """Return a Python number of a number, which may be a tensor without dimensions."""
    return value.item() if is_tensor(value) else value


def legacy_constructor(cls: type, *args: Any, **kwargs: Any) -> Any:
    """Make what ``torch.Tensor(...)`` makes."""
    from .legacy_types import construct

    tensor = construct(args, kwargs, local.trace.mode.default_dtype, tensor_type_device())
    if cls is record.Tensor:
        return tensor
    return _as_subclass(tensor, cls)


def _as_subclass(tensor: Any, cls: type) -> Any:
    """Return a tensor of a subclass that shares the memory."""
    with without_subclasses():
        return _in_class(tensor.detach(), cls)


def _in_class(tensor: Any, cls: type) -> Any:
    """Return what a tensor is as an instance of a subclass; the tensor is used nowhere else."""
    result: Any = object.__new__(cls)
    for slot in ("_value", "_alias", "_writes", "_extra"):
        setattr(result, slot, getattr(tensor, slot))
    return result


def _check_subclass(cls: Any) -> None:
    if not isinstance(cls, type):
        raise TypeError(f"cls must be a type (got {type(cls).__name__})")
    if not issubclass(cls, record.Tensor):
        raise TypeError(
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not "
            "possible. Make sure your class inherits from Tensor."
        )


def _make_subclass(cls: Any, data: Any, require_grad: bool = False, **options: Any) -> Any:
    """Return a leaf of a subclass in the memory of another tensor.

    Args:
        cls: the subclass.
        data: the tensor.
        require_grad: whether gradients flow to it.
        **options: what PyTorch's tensors without memory take; nothing here.
    """
    _check_subclass(cls)
    if require_grad and not dtypes.is_inexact(data._value.meta.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    result: Any = object.__new__(cls)
    result._alias = None
    result._writes = 0
    result._extra = None
    with without_subclasses():
        adopt(result, data, bool(require_grad))
    return result


def _make_wrapper_subclass(
    cls: Any,
    size: Any,
    *,
    strides: Any = None,
    storage_offset: int | None = None,
    memory_format: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    **options: Any,
) -> Any:
    """Return a tensor of a subclass that has a size and no elements.

    What is done with it is up to the class's ``__torch_dispatch__``.

    Args:
        cls: the subclass.
        size, strides, dtype, device: what it says it has.
        storage_offset, memory_format, layout, pin_memory: accepted; there is no memory.
        requires_grad: whether it says that gradients flow to it.
        **options: what PyTorch takes for tensors whose sizes another class answers.
    Raises:
        TypeError: the class has no ``__torch_dispatch__``.
    """
    _check_subclass(cls)
    if cls not in overrides.DISPATCHING:
        raise TypeError(f"{cls.__name__} must define __torch_dispatch__")
    shape = tuple([int(each) for each in size])
    kind = local.trace.mode.default_dtype if dtype is None else dtype
    memory = np.broadcast_to(np.zeros((), kind._numpy), shape)
    place = None if strides is None else tuple([int(each) for each in strides])
    with without_subclasses(), without_operators():
        whole = tensor_of_array(memory, kind, Device(device or "cpu"), bool(requires_grad), place)
        made = _in_class(whole, cls)
    if requires_grad:
        made._value.owner = weakref.ref(made)
    return made


def as_subclass(self: Any, cls: type) -> Any:
    """Return a tensor of a subclass that shares the memory and the history."""
    _check_subclass(cls)
    with without_subclasses():
        return _in_class(alias.call(self), cls)


def is_meta_value(tensor: Any) -> bool:
    """Return whether a tensor has no elements because of its device."""
    return current_value(tensor).meta.device is META


for _function in (as_tensor, asarray, tensor):
    _function.__module__ = "torch"
    publish(_function.__name__, _function)
publish("new_tensor", method=new_tensor)
publish("as_subclass", method=as_subclass)
for _maker in (_make_subclass, _make_wrapper_subclass):
    publish(_maker.__name__, method=staticmethod(_maker))
