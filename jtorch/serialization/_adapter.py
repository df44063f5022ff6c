"""All that saving and loading ask of tensors; nothing else in this package knows them."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

import jtorch as torch

from .._core import dtypes
from .._core import layout as layouts
from .._core.device import Device
from .._core.dtypes import dtype as DType
from .._core.strides import is_contiguous, memory_order
from .._engine.graph.values import LEAF, NO_GRAD, Meta, Value, make_meta, ready
from .._engine.memory import chains, views
from .._engine.recording import record
from .._engine.recording import storage as engine_storage
from .._engine.recording.storage import is_flipped
from .._engine.recording.trace import materialise
from ..ops.creation.creation import empty_strided
from ..ops.shape.flips import _neg_view
from ..ops.shape.strided import _as_strided, as_strided
from ..ops.shape.views import _slice, _view, permute
from ..storage import TypedStorage, UntypedStorage, extent, flat_elements
from . import _limits

if TYPE_CHECKING:
    from ._storage import LoadedStorage, StorageDescription, TensorDescription


# Devices and classes


def device(name: str) -> Device:
    """Return the device of this name."""
    return Device(name)


def is_device(value: Any) -> bool:
    """Tell whether a value is a device."""
    return isinstance(value, Device)


def device_count(kind: str) -> int:
    """Return how many devices of a kind such as ``"cuda"`` there are."""
    return torch.cuda.device_count() if kind == "cuda" else 0


def tensor_type() -> type:
    """Return the class of tensors."""
    return record.Tensor


def parameter_type() -> type:
    """Return the class of parameters."""
    return torch.nn.Parameter


def module_type() -> type:
    """Return the class of neural network modules."""
    return torch.nn.Module


# From a file to tensors


#: What a view has seen of its storage that is to be read, as a recorded view, when it is used.
_UNREAD = -1


class _Memory:
    """What a ``LoadedStorage`` keeps: the tensor that owns the memory, and the values to settle.

    Attributes:
        owner: covers the whole storage.
        values: every value that still lies in the NumPy array of the file.
    """

    __slots__ = ("owner", "values")

    def __init__(self, owner: Any):
        self.owner = owner
        self.values: list[Value] = [owner._value]


def _strided(data: np.ndarray, dtype: DType, offset: int, size: tuple, stride: tuple) -> np.ndarray:
    """Return the elements of a tensor as a view of the bytes of its storage."""
    flat = data[: len(data) // dtype.itemsize * dtype.itemsize].view(dtype._numpy)
    if 0 in size:
        return np.empty(size, dtype._numpy)
    if is_contiguous(size, stride):
        count = 1
        for n in size:
            count *= n
        return flat[offset : offset + count].reshape(size)
    # NumPy's strides know nothing of small floating point types: take integers of their size.
    unit = flat.view(f"u{dtype.itemsize}") if dtype.itemsize < 16 else flat
    steps = tuple(step * dtype.itemsize for step in stride)
    view = np.lib.stride_tricks.as_strided(unit[offset:], size, steps, writeable=False)
    return view.view(dtype._numpy)


def _wrap(array: np.ndarray, meta: Meta) -> Any:
    value = ready(array, meta)
    tensor = record.wrap(value)
    if meta.grad == LEAF:
        value.owner = weakref.ref(tensor)  # type: ignore[attr-defined]
    return tensor


def tensor_from_storage(
    storage: LoadedStorage,
    dtype: DType,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    requires_grad: bool,
) -> Any:
    """Return a tensor that lies in a storage; its bounds have been checked."""
    if storage.data is None:
        return make_meta_tensor(dtype, size, stride, requires_grad)
    place = Device(storage.location)
    grad = LEAF if requires_grad else NO_GRAD
    meta = make_meta(size, dtype, place, stride, grad)
    array = _strided(storage.data, dtype, offset, size, stride)
    numel = len(storage.data) // dtype.itemsize
    whole = offset == 0 and meta.numel == numel and memory_order(size, stride) is not None
    if storage.handle is None and (whole or not meta.numel):
        tensor = _wrap(array, meta)
        if whole:
            storage.handle = _Memory(tensor)
        return tensor
    memory = _memory(storage, dtype)
    if memory.owner.dtype is not dtype:
        return _of_other_dtype(memory, dtype, offset, size, stride, requires_grad)
    tensor = _wrap(array, meta)
    shared = engine_storage.storage_of(memory.owner)
    steps = _steps(memory.owner._value.meta, offset, size, stride)
    # PyTorch's loaded tensors share memory and yet are no views: they have no base.
    tensor._alias = alias = engine_storage.Alias(shared, steps, None)
    alias.offset = offset
    if array.nbytes > storage.nbytes() and not requires_grad:
        alias.seen = _UNREAD
    memory.values.append(tensor._value)
    return tensor


def _memory(storage: LoadedStorage, dtype: DType) -> _Memory:
    """Return what a storage keeps, with a vector of a dtype as its owner where it has none."""
    if storage.handle is None:
        assert storage.data is not None
        numel = len(storage.data) // dtype.itemsize
        flat = make_meta((numel,), dtype, Device(storage.location))
        storage.handle = _Memory(_wrap(_strided(storage.data, dtype, 0, (numel,), (1,)), flat))
    return storage.handle


def _of_other_dtype(
    memory: _Memory,
    dtype: DType,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    requires_grad: bool,
) -> Any:
    """Return a tensor in memory whose owner has another dtype: files call both untyped.

    Raises:
        NotImplementedError: for a tensor that is not contiguous.
    """
    owner = memory.owner
    if not is_contiguous(size, stride):
        raise NotImplementedError(
            f"two tensors of the file see one storage as {owner.dtype} and as {dtype}, with strides"
        )
    numel = owner.numel()
    flat = as_strided(owner.detach(), (numel,), (1,), 0)
    whole_elements = numel * owner.dtype.itemsize // dtype.itemsize
    flat = flat[: whole_elements * dtype.itemsize // owner.dtype.itemsize].view(dtype)
    tensor = flat[offset : offset + math.prod(size)].view(size)
    tensor._alias.base = None
    return tensor.requires_grad_(requires_grad)


def _steps(owner: Meta, offset: int, size: tuple, stride: tuple) -> tuple:
    """Return the view steps that lead from the owner of a storage to a tensor in it."""
    if (owner.shape, owner.strides, 0) == (size, stride, offset):
        return ()
    steps = []
    order = memory_order(owner.shape, owner.strides)
    assert order is not None
    if order != tuple(range(owner.ndim)):
        steps.append(chains.Step(permute, (order,)))
    if owner.ndim != 1:
        steps.append(chains.Step(_view, ((owner.numel,),)))
    numel = 1
    for n in size:
        numel *= n
    if is_contiguous(size, stride):
        if numel != owner.numel:
            steps.append(chains.Step(_slice, (0, offset, numel, 1)))
        if len(size) != 1:
            steps.append(chains.Step(_view, (size,)))
        return tuple(steps)
    steps.append(chains.Step(_as_strided, (size, stride, offset)))
    return tuple(steps)


def settle(storage: LoadedStorage) -> None:
    """Move the contents of a storage to its device, after everything has been read.

    A file that is mapped stays where it is until it is used: XLA takes what is aligned as it is,
    and the rest remains a NumPy array. So do views that as arrays of their own would take many
    times the room of their storage: a file of some bytes can tell of a tensor of gigabytes.
    """
    from .._tensor.constructors import on_device

    if storage.handle is None:
        return
    place = Device(storage.location)
    room = _limits.VIEW_RATIO * storage.nbytes()
    for value in storage.handle.values:
        array = value.array
        if not isinstance(array, np.ndarray):
            continue
        aligned = array.flags.c_contiguous and array.ctypes.data % 64 == 0
        if aligned:
            value.array = on_device(array, place)
        elif not storage.lazy and array.nbytes <= room:
            room -= array.nbytes
            value.array = on_device(np.asarray(array, order="C"), place)


def storage_object(storage: LoadedStorage) -> Any:
    """Return what a user knows as a storage; as in PyTorch, bytes are elements of uint8 there.

    Raises:
        NotImplementedError: for a part of a storage, which PyTorch wrote before 0.4.
    """
    dtype = storage.class_dtype or dtypes.uint8
    if storage.root is not storage:
        raise NotImplementedError("the file holds a part of a storage outside a tensor")
    if storage.data is None:
        numel = storage.nbytes() // dtype.itemsize
        owner = make_meta_tensor(dtype, (numel,), (1,), False)
    else:
        owner = _memory(storage, dtype).owner
    return TypedStorage._of(UntypedStorage._of_tensor(owner), dtype)


def apply_metadata(tensor: Any, metadata: Any) -> Any:
    """Return a tensor with the lazy conjugation or negation that a file tells of."""
    if not isinstance(metadata, dict):
        raise TypeError(f"expected dict, got {type(metadata).__name__}")
    if metadata.get("conj"):
        tensor = tensor.conj()
    return _neg_view.call(tensor) if metadata.get("neg") else tensor


def make_parameter(data: Any, requires_grad: bool) -> Any:
    """Return a parameter of a tensor."""
    if not isinstance(data, tensor_type()):
        raise TypeError(f"a parameter needs a tensor, but the file has {type(data).__name__}")
    return parameter_type()(data, requires_grad)  # type: ignore[call-arg]


def make_meta_tensor(
    dtype: DType, size: tuple[int, ...], stride: tuple[int, ...], requires_grad: bool
) -> Any:
    """Return a tensor without contents."""
    return empty_strided(size, stride, dtype=dtype, device="meta", requires_grad=requires_grad)


def make_sparse_tensor(layout: Any, data: Any) -> Any:
    """Return a sparse tensor of what a file holds.

    Args:
        layout: its layout.
        data: in coordinate layout indices, values, shape and, in newer files, whether it is
            coalesced; in compressed layouts compressed and plain indices, values and shape.

    Raises:
        RuntimeError: that is not what it is.
    """
    from ..sparse import _tensor as sparse
    from ..sparse._construction import sparse_compressed_tensor, sparse_coo_tensor
    from ..sparse._invariants import check_sparse_tensor_invariants

    checked = check_sparse_tensor_invariants.is_enabled()
    tensor = tensor_type()
    parts = list(data) if isinstance(data, tuple) else []
    if layout is layouts.sparse_coo and len(parts) in (3, 4):
        indices, values, size, *coalesced = parts
        if isinstance(indices, tensor) and isinstance(values, tensor):
            result = sparse_coo_tensor(indices, values, tuple(size), check_invariants=checked)
            if coalesced and coalesced[0]:
                result._coalesced = True
            return result
    if layout in sparse.COMPRESSED and len(parts) == 4:
        of_tensors = all(isinstance(each, tensor) for each in parts[:3])
        if of_tensors:
            return sparse_compressed_tensor(
                *parts[:3], tuple(parts[3]), layout=layout, check_invariants=checked
            )
    raise RuntimeError("Invalid serialized sparse tensor")


def describe_sparse(tensor: Any) -> tuple:
    """Return the layout of a sparse tensor and what a file holds of it."""
    indices = tensor._index_tensors
    values = tensor._elements.detach()
    if tensor.is_sparse:
        return tensor.layout, (*indices, values, tensor.shape, tensor.is_coalesced())
    return tensor.layout, (*indices, values, tensor.shape)


def layout(name: str) -> layouts.layout:
    """Return the layout of this name, such as ``"torch.strided"``."""
    if type(name) is not str or not name.startswith("torch."):
        raise KeyError(name)
    named = getattr(layouts, name.removeprefix("torch."), None)
    if type(named) is not layouts.layout:
        raise NotImplementedError(f"the file names the layout {name[:50]}; jtorch has none")
    return named


# From tensors to a file


def describe(tensor: Any) -> TensorDescription:
    """Return what saving needs to know of a tensor."""
    from ._storage import StorageDescription, TensorDescription

    value = engine_storage.current_value(tensor)
    meta = value.meta
    alias = tensor._alias
    offset = 0
    strides = meta.strides
    if meta.device.type == "meta":
        memory = StorageDescription(id(tensor), meta.nbytes, lambda: None, "meta")
    elif alias is None:
        if memory_order(meta.shape, meta.strides) is None:
            strides = make_meta(meta.shape, meta.dtype, meta.device).strides
        # The function keeps the tensor alive, so that no other can get its identity.
        memory = StorageDescription(
            ("tensor", id(tensor)), meta.nbytes, lambda: _flat(tensor._value), str(meta.device)
        )
    else:
        shared = alias.storage
        whole = meta.nbytes == shared.meta.nbytes and memory_order(meta.shape, strides) is not None
        if alias.steps and not whole:
            offset = views.storage_offset(tensor)
        memory = _describe_shared(shared)
    metadata = {name: True for name, step in _FLIPS.items() if is_flipped(tensor, step)}
    return TensorDescription(
        memory, meta.dtype, offset, meta.shape, strides, meta.grad != NO_GRAD, metadata or None
    )


#: What PyTorch's files call the view steps that change elements on the way.
_FLIPS = {"conj": "_conj", "neg": "_neg_view"}


def _describe_shared(shared: engine_storage.Storage) -> StorageDescription:
    """Return what saving needs to know of the memory that tensors share."""
    from ._storage import StorageDescription

    meta = shared.meta
    return StorageDescription(
        shared.key,
        extent(meta) * meta.dtype.itemsize,
        lambda: flat_elements(shared).view(np.uint8),
        str(meta.device),
    )


def _flat(value: Value) -> np.ndarray:
    """Return the bytes of a value in the order of its strides."""
    array = np.asarray(materialise(value, "save"))
    order = memory_order(value.meta.shape, value.meta.strides)
    if order is not None:
        array = array.transpose(order)
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def describe_storage(obj: Any) -> tuple[StorageDescription, DType | None] | None:
    """Return what saving needs to know of a storage and its dtype, ``None`` for anything else.

    Raises:
        NotImplementedError: for a storage of the meta device, which has no contents.
    """
    if not isinstance(obj, (TypedStorage, UntypedStorage)):
        return None
    if obj.device.type == "meta":
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    dtype = obj.dtype if isinstance(obj, TypedStorage) else None
    return _describe_shared(obj.untyped()._shared), dtype


def python_state(tensor: Any) -> dict[str, Any]:
    """Return the attributes that a user gave a tensor."""
    return dict(tensor.__dict__)


def hooks(tensor: Any) -> list[Any]:
    """Return the hooks on the gradient of a tensor, which no file can hold."""
    extra = tensor._extra
    return [] if extra is None or not extra.hooks else list(extra.hooks.values())
