"""NumPy stand-ins for tensors, and hand-made files: reading and writing apart from all else."""

from __future__ import annotations

import io
import struct
import zipfile

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
        itemsize = self.dtype.itemsize
        # NumPy's strides know nothing of small floating point types.
        kind = f"u{itemsize}" if itemsize < 16 else "c16"
        flat = self.memory.data.view(kind)[self.offset :]
        steps = tuple(step * itemsize for step in self.stride)
        return np.lib.stride_tricks.as_strided(flat, self.size, steps).view(self.dtype._numpy)

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
        "settle": lambda storage: None,
        "hooks": lambda tensor: [],
        "storage_object": _storage_object,
        "apply_metadata": _apply_metadata,
        "make_parameter": _make_parameter,
        "make_meta_tensor": _make_meta_tensor,
        "describe": _describe,
        "describe_storage": _describe_storage,
        "python_state": lambda tensor: tensor.state,
    }
    for name, function in replacements.items():
        monkeypatch.setattr(_adapter, name, function)


def plain(value):
    """Return nested values with tensors as tuples, so that they can be compared."""
    if isinstance(value, Tensor):
        contents = value.numpy().tobytes()
        return (type(value), value.dtype, value.size, value.stride, value.requires_grad, contents,
                value.offset, value.metadata, value.state)  # fmt: skip
    if isinstance(value, dict):
        return [(key, plain(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def archive_of(pickled, records=(), root="archive"):
    """Return an archive of a hand-made pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{root}/data.pkl", pickled)
        archive.writestr(f"{root}/version", "3\n")
        for name, contents in records:
            archive.writestr(f"{root}/{name}", contents)
    return buffer.getvalue()


def storage_id(key="0", kind="FloatStorage", numel=4, location="cpu"):
    """Return the opcodes that push a storage."""
    return (
        b"(X\x07\x00\x00\x00storagectorch\n"
        + kind.encode()
        + b"\n"
        + text(key)
        + text(location)
        + number(numel)
        + b"tQ"
    )


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value):
    length = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([length]) + value.to_bytes(length, "little", signed=True)


def tensor_pickle(size, stride, offset=0, **storage):
    shape = b"(" + b"".join(map(number, size)) + b"t"
    steps = b"(" + b"".join(map(number, stride)) + b"t"
    return (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n("
        + storage_id(**storage)
        + number(offset)
        + shape
        + steps
        + b"\x89ccollections\nOrderedDict\n)RtR."
    )
