"""NumPy arrays and other arrays of the host: shared memory in both directions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._core import dtypes, once
from .._core.device import CPU
from .._core.dtypes import dtype as DType
from .._core.schema.schema import Schema
from .._engine.declare import PYTHON_OPERATORS, publish
from .._engine.execution import interchange, transfer
from .._engine.graph.values import NO_GRAD, is_tensor, make_meta
from .._engine.memory import from_jax as jax_arrays
from .._engine.memory import host_memory
from .._engine.memory.views import storage_offset
from .._engine.recording import record
from .._engine.recording.storage import Alias, Storage, current_value, is_flipped, storage_of
from .._engine.recording.trace import local, materialise
from . import _messages


def dtype_of_array(array: np.ndarray) -> DType:
    """Return the dtype of a NumPy array.

    Raises:
        ValueError: it is of the other byte order.
        TypeError: PyTorch has no such dtype.
    """
    dtype = dtypes.BY_NUMPY.get(array.dtype)
    if dtype is not None:
        return dtype
    if array.dtype.kind in "biufc" and not array.dtype.isnative:
        raise _messages.numpy_byte_order()
    raise _messages.numpy_type(array.dtype)


def check_strides(array: np.ndarray) -> None:
    """Refuse strides that PyTorch cannot have.

    Raises:
        ValueError: a stride is negative, or no multiple of the elements' size.
    """
    for stride in array.strides:
        if stride < 0:
            raise _messages.numpy_negative_stride()
        if stride % array.itemsize:
            raise _messages.numpy_stride_unit()


def from_numpy(*args: Any) -> Any:
    """Make a tensor that shares the memory of a NumPy array.

    What is written to one of them is seen by the other. As long as the array is alive outside of
    the tensor, each use of the tensor reads the array again.

    Args:
        ndarray: the array.
    Raises:
        TypeError, ValueError: a tensor cannot have its dtype or its strides.
    """
    if len(args) != 1:
        raise TypeError(
            "torch._VariableFunctionsClass.from_numpy() takes exactly one argument "
            f"({len(args)} given)"
        )
    array = args[0]
    if not isinstance(array, np.ndarray):
        name = type(array).__name__
        if isinstance(array, np.generic):
            name = f"numpy.{name}"
        raise TypeError(f"expected np.ndarray (got {name})")
    if not array.flags.writeable:
        once.warn("array", _messages.not_writable())
    return _shared_tensor(array)


def _shared_tensor(array: np.ndarray) -> Any:
    dtype = dtype_of_array(array)
    check_strides(array)
    strides = tuple([stride // array.itemsize for stride in array.strides])
    meta = make_meta(array.shape, dtype, CPU, strides)
    tensor = record.fresh(transfer.put(np.array(array, order="C", subok=False), CPU), meta)
    shared = Storage(tensor._value)
    tensor._alias = Alias(shared, (), None)
    host_memory.share(shared, array)
    return tensor


def _compared(other: Any) -> Any:
    """Return the tensor of an array that a tensor is compared with by ``==``, as PyTorch's does."""
    if not isinstance(other, np.ndarray):
        return _of_jax(other)
    try:
        return from_numpy(other)
    except TypeError:
        return NotImplemented


def _of_jax(other: Any) -> Any:
    """Return the tensor of an array of JAX; of a tracer JAX itself makes what there is to make."""
    if not jax_arrays.is_jax(other) or jax_arrays.is_traced(other):
        return NotImplemented
    return jax_arrays.from_jax(other)


_WITH_ARRAYS = (*PYTHON_OPERATORS, "__matmul__")
record.CONVERSIONS.update(dict.fromkeys(_WITH_ARRAYS, _of_jax), __eq__=_compared)


def numpy_array(tensor: Any) -> np.ndarray:
    """Return a NumPy array that shares the memory of a tensor of the CPU."""
    meta = current_value(tensor).meta
    shared = storage_of(tensor)
    if meta.dtype is not shared.meta.dtype:
        whole = _whole_array(shared)
        flat = whole.reshape(-1).view(meta.dtype._numpy)
        steps = tuple([stride * flat.itemsize for stride in meta.strides])
        start = flat[storage_offset(tensor) :]
        return np.lib.stride_tricks.as_strided(start, meta.shape, steps)
    host_memory.expose(shared)
    return host_memory.view_at(shared, meta, storage_offset(tensor))


def _whole_array(shared: Storage) -> np.ndarray:
    host_memory.expose(shared)
    count = shared.meta.numel
    flat = make_meta((count,), shared.meta.dtype, CPU)
    return host_memory.view_at(shared, flat, 0)


def _numpy(self: Any, *, force: bool = False) -> np.ndarray:
    """Return a NumPy array that shares the memory of the tensor.

    Args:
        force: detach it, copy it to the host and resolve conjugation first, where that is needed.
    Raises:
        RuntimeError: the tensor requires grad.
        TypeError: it is on another device than the CPU, or NumPy has no such dtype.
    """
    meta = current_value(self).meta
    if force:
        self = self.detach()
        if meta.device is not CPU:
            self = self.cpu()
        if is_flipped(self):
            self = self.clone()
    elif meta.device is not CPU:
        raise TypeError(
            f"can't convert {meta.device} device type tensor to numpy. Use Tensor.cpu() to copy "
            "the tensor to host memory first."
        )
    elif meta.grad != NO_GRAD and local.trace.mode.grad:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    if not force and is_flipped(self):
        bit, resolve = ("conjugate", "conj") if is_flipped(self, "_conj") else ("negative", "neg")
        raise RuntimeError(
            f"Can't call numpy() on Tensor that has {bit} bit set. Use "
            f"tensor.resolve_{resolve}().numpy() instead."
        )
    if meta.dtype._numpy.kind == "V" or meta.dtype in _NOT_NUMPY:
        raise TypeError(f"Got unsupported ScalarType {meta.dtype._legacy_name}")
    return numpy_array(self)


_NOT_NUMPY = frozenset((dtypes.bfloat16, *dtypes.FLOAT8))
_NUMPY = Schema("numpy(Tensor input, *, bool force=False)")


def numpy(self: Any, *args: Any, **kwargs: Any) -> np.ndarray:
    """Return a NumPy array that shares the memory of the tensor; ``force=True`` may copy."""
    if not args and not kwargs:
        return _numpy(self)
    _, bound = _NUMPY.bind(args, kwargs, True)
    return _numpy(self, force=bound["force"])


def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    """Return the array that NumPy's functions see: shared memory unless it has to be a copy."""
    array = _numpy(self)
    if dtype is not None and np.dtype(dtype) != array.dtype:
        return array.astype(dtype)
    return array.copy() if copy else array


def __array_wrap__(
    self: Any, array: np.ndarray, context: Any = None, return_scalar: bool = False
) -> Any:
    """Make the result of NumPy's function a tensor."""
    if array.dtype == bool:
        array = array.astype(np.uint8)  # as PyTorch: from before there were bool tensors
    return from_numpy(np.asarray(array))


_FROMBUFFER = Schema(
    "frombuffer(PyObject* buffer, *, ScalarType dtype, int64_t count=-1, int64_t offset=0, "
    "bool requires_grad=False)"
)


def frombuffer(*args: Any, **kwargs: Any) -> Any:
    """Make a tensor of one dimension that shares the memory of a Python buffer.

    Args:
        buffer: bytes, bytearray, array.array, mmap...
        dtype: of the elements.
        count: number of elements, -1 for as many as there are.
        offset: bytes to skip.
        requires_grad: whether gradients flow to it.
    Raises:
        ValueError: the buffer does not hold that.
    """
    _, bound = _FROMBUFFER.bind(args, kwargs)
    buffer, dtype, count, offset = (bound[n] for n in ("buffer", "dtype", "count", "offset"))
    try:
        view = memoryview(buffer)
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    size, itemsize = view.nbytes, dtype.itemsize
    if size == 0 or count == 0:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({size} bytes) minus 1"
        )
    if count < 0:
        if (size - offset) % itemsize:
            raise ValueError(
                f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a "
                f"multiple of element size ({itemsize})"
            )
        count = (size - offset) // itemsize
    elif offset + count * itemsize > size:
        raise ValueError(
            f"requested buffer length ({count} * {itemsize} bytes) after offset ({offset} bytes) "
            f"must not be greater than actual buffer length ({size} bytes)"
        )
    if view.readonly and once.is_due("buffer"):
        warnings.warn(
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. "
            "This means you can write to the underlying (supposedly non-writable) buffer using the "
            "tensor. You may want to copy the buffer to protect its data or make it writable "
            "before converting it to a tensor. This type of warning will be suppressed for the "
            "rest of this program.",
            UserWarning,
            stacklevel=2,
        )
    raw = np.frombuffer(view.cast("B"), np.uint8, count * itemsize, offset)
    tensor = _shared_tensor(raw.view(dtype._numpy))
    return tensor.requires_grad_() if bound["requires_grad"] else tensor


class _Capsule:
    """An object that hands out a DLPack capsule that was made before."""

    def __init__(self, capsule: Any):
        self.capsule = capsule

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Any:
    """Make a tensor of an object that speaks DLPack, sharing its memory on the CPU.

    Args:
        ext_tensor: the object, or a DLPack capsule.
        device: where the tensor should be.
        copy: whether to copy; ``None``: only where that is needed.
    """
    if is_tensor(ext_tensor):
        tensor = ext_tensor.detach()
    elif jax_arrays.is_jax(ext_tensor):
        tensor = jax_arrays.from_jax(ext_tensor)
    elif type(ext_tensor).__name__ == "PyCapsule":
        tensor = _shared_tensor(np.from_dlpack(_Capsule(ext_tensor)))
    elif hasattr(ext_tensor, "__dlpack__"):
        if ext_tensor.__dlpack_device__()[0] != 1:
            tensor = _shared_tensor(interchange.host_copy(ext_tensor)).to("cuda")
        else:
            tensor = _from_host(ext_tensor)
    else:
        raise AttributeError(f"'{type(ext_tensor).__name__}' object has no attribute '__dlpack__'")
    if device is not None:
        tensor = tensor.to(device)
    return tensor.clone() if copy else tensor


def _from_host(exporter: Any) -> Any:
    """Return a tensor of what an object has in the memory of the host."""
    try:
        array = np.from_dlpack(exporter)
    except RuntimeError:  # a dtype that NumPy does not have by itself, such as bfloat16
        return jax_arrays.from_jax(interchange.shared(exporter))
    return _shared_tensor(array)


def __dlpack__(
    self: Any,
    *,
    stream: Any = -1,
    max_version: Any = None,
    dl_device: Any = None,
    copy: bool | None = None,
) -> Any:
    """Return a DLPack capsule of the tensor's memory.

    Raises:
        BufferError: the tensor requires grad.
    """
    meta = current_value(self).meta
    if meta.grad != NO_GRAD:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if meta.device is not CPU:
        return materialise(current_value(self), "dlpack").__dlpack__()
    if meta.dtype in _NOT_NUMPY:
        return jax_arrays.to_jax(self).__dlpack__()
    array = numpy_array(self)
    if copy:
        array = array.copy()
    return array.__dlpack__(max_version=max_version)


def __dlpack_device__(self: Any) -> tuple[int, int]:
    """Return DLPack's number of the kind of device, and its index."""
    device = self._value.meta.device
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"Unknown device type {device.type} for Dlpack")
    return (1, 0) if device is CPU else (2, device.index or 0)


def to_dlpack(tensor: Any) -> Any:
    """Return a DLPack capsule of a tensor's memory."""
    return tensor.__dlpack__()


def __jax_array__(self: Any) -> Any:
    """Return the array of JAX that holds the elements, for JAX's own functions.

    Raises:
        RuntimeError: the tensor requires grad.
    """
    return jax_arrays.as_operand(self)


def _cuda_array_interface(self: Any) -> dict:
    """The memory on a GPU, by the protocol of Numba and CuPy."""
    if self.device.type != "cuda":
        raise AttributeError(
            "Can't get __cuda_array_interface__ on non-CUDA tensor type: "
            f"{self.type()} If CUDA data is required use tensor.cuda() to copy tensor to device "
            "memory."
        )
    return materialise(current_value(self), "cuda").__cuda_array_interface__


for _function in (from_numpy, frombuffer, from_dlpack):
    _function.__module__ = "torch"
publish("from_numpy", from_numpy, signatures=("(PyObject* ndarray)",))
publish("frombuffer", frombuffer)
publish("from_dlpack", from_dlpack)
publish("__cuda_array_interface__", method=property(_cuda_array_interface))
publish("numpy", method=numpy)
publish("__array__", method=__array__)
publish("__array_wrap__", method=__array_wrap__)
publish("__dlpack__", method=__dlpack__)
publish("__dlpack_device__", method=__dlpack_device__)
publish("__jax_array__", method=__jax_array__)
