"""NumPy stand-ins for tensors, to test reading and writing files apart from everything else."""

from __future__ import annotations

import numpy as np

from jtorch._core import dtypes
from jtorch._core.device import Device
from jtorch.serialization import _adapter
from jtorch.serialization._storage import StorageDescription, TensorDescription


class Memory:
    """A storage: bytes that tensors share."""

    def __init__(self, data, device="cpu", dtype=None):
        self.data = data
        self.device = device
        self.dtype = dtype


class Tensor:
    """A strided view of a memory."""

    def __init__(self, memory, dtype, offset, size, stride, requires_grad=False, metadata=None):
        self.memory, self.dtype, self.offset = memory, dtype, offset
        self.size, self.stride, self.requires_grad = size, stride, requires_grad
        self.metadata = metadata
        self.state = {}

    def __setattr__(self, name, value):
        if name in ("memory", "dtype", "offset", "size", "stride", "requires_grad", "metadata",
                    "state"):  # fmt: skip
            object.__setattr__(self, name, value)
        else:
            self.state[name] = value

    def numpy(self):
        flat = self.memory.data.view(self.dtype._numpy)[self.offset :]
        steps = tuple(step * self.dtype.itemsize for step in self.stride)
        return np.lib.stride_tricks.as_strided(flat, self.size, steps)

    @property
    def device(self):
        return Device(self.memory.device)


class Parameter(Tensor):
    pass


class Module:
    pass


def from_numpy(array, **options):
    """Return a tensor of an array, which keeps its memory."""
    base = array
    while base.base is not None:
        base = base.base
    start = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    memory = Memory(np.ravel(base, order="K").view(np.uint8))
    stride = tuple(step // array.itemsize for step in array.strides)
    dtype = dtypes.from_numpy(array.dtype)
    return Tensor(memory, dtype, start // array.itemsize, array.shape, stride, **options)


def _tensor_from_storage(storage, dtype, offset, size, stride, requires_grad):
    if storage.handle is None:
        storage.handle = Memory(storage.data, storage.location, storage.dtype)
    return Tensor(storage.handle, dtype, offset, size, stride, requires_grad)


def _refill(storage):
    storage.handle.data = storage.data


def _storage_object(storage):
    if storage.handle is None:
        storage.handle = Memory(storage.data, storage.location, storage.dtype)
    return storage.handle


def _describe_memory(memory):
    return StorageDescription(id(memory), len(memory.data), lambda: memory.data, memory.device)


def _describe(tensor):
    return TensorDescription(
        _describe_memory(tensor.memory), tensor.dtype, tensor.offset, tensor.size, tensor.stride,
        tensor.requires_grad, tensor.metadata,
    )  # fmt: skip


def _describe_storage(obj):
    return (_describe_memory(obj), obj.dtype) if isinstance(obj, Memory) else None


def _apply_metadata(tensor, metadata):
    tensor.metadata = metadata
    return tensor


def _make_parameter(data, requires_grad):
    return Parameter(data.memory, data.dtype, data.offset, data.size, data.stride, requires_grad)


def _parameter_data(parameter):
    # The tensor inside a parameter never requires grad.
    return Tensor(
        parameter.memory, parameter.dtype, parameter.offset, parameter.size, parameter.stride
    )


def _make_meta_tensor(dtype, size, stride, requires_grad):
    return Tensor(Memory(None, "meta"), dtype, 0, size, stride, requires_grad)


def install(monkeypatch, gpus=0):
    """Let the serialization package see these tensors for the time of a test."""
    replacements = {
        "device_count": lambda kind: gpus if kind == "cuda" else 0,
        "tensor_type": lambda: Tensor,
        "parameter_type": lambda: Parameter,
        "module_type": lambda: Module,
        "tensor_from_storage": _tensor_from_storage,
        "refill": _refill,
        "storage_object": _storage_object,
        "apply_metadata": _apply_metadata,
        "make_parameter": _make_parameter,
        "parameter_data": _parameter_data,
        "make_meta_tensor": _make_meta_tensor,
        "describe": _describe,
        "describe_storage": _describe_storage,
        "python_state": lambda tensor: tensor.state,
    }
    for name, function in replacements.items():
        monkeypatch.setattr(_adapter, name, function)
