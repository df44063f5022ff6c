"""Other dtypes and other devices: ``to``, ``type``, ``float``, ``cpu``, ``cuda``, ...."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from .._core import dtypes, messages, once
from .._core.device import CPU, META, Device, no_backend
from .._core.dtypes import dtype as DType
from .._core.layout import strided
from .._core.schema.schema import Schema
from .._engine.declare import op, publish
from .._engine.execution import devices, transfer
from .._engine.graph.op import Spec
from .._engine.graph.values import NO_GRAD, is_tensor, make_meta
from .._engine.recording import record
from .._engine.recording.kinds.base import Custom, cast
from .._engine.recording.storage import current_value
from .._engine.recording.trace import local, materialise
from ..ops.shape.copying import format_strides, has_format
from .legacy_types import by_name, tensortype, type_name


def _to_copy_spec(operation, bound, mode) -> Spec:
    operand, dtype = bound["input"], bound["dtype"]
    meta = operand.meta
    strides = format_strides(meta, bound.get("memory_format"))
    result = make_meta(meta.shape, dtype, meta.device, strides)
    return Spec([operand], (result,), {"dtype": dtype}, saves=())


@op(
    "_to_copy(Tensor input, ScalarType dtype, MemoryFormat? memory_format=None)",
    kind=Custom(_to_copy_spec),
    method=False,
    function=False,
    saves=(),
    node_name="ToCopyBackward0",
    numbers_as_tensors=True,
)
def _to_copy(array: Any, *, dtype: DType) -> Any:
    """Convert the elements of a tensor to another dtype."""
    return cast(array, dtype)


_TO = Schema(
    "to(Tensor input, Device? device=None, ScalarType? dtype=None, bool non_blocking=False, "
    "bool copy=False, *, MemoryFormat? memory_format=None)",
    "to(Tensor input, ScalarType dtype, bool non_blocking=False, bool copy=False, *, "
    "MemoryFormat? memory_format=None)",
    "to(Tensor input, Tensor tensor, bool non_blocking=False, bool copy=False, *, "
    "MemoryFormat? memory_format=None)",
    method=(
        "to(Device? device=None, ScalarType? dtype=None, bool non_blocking=False, "
        "bool copy=False, *, MemoryFormat? memory_format=None)",
        "to(ScalarType dtype, bool non_blocking=False, bool copy=False, *, "
        "MemoryFormat? memory_format=None)",
        "to(Tensor tensor, bool non_blocking=False, bool copy=False, *, "
        "MemoryFormat? memory_format=None)",
    ),
    numbers_as_tensors=True,
)


_DTYPES_OF_NUMBERS = {bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64}


def to(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the tensor in another dtype or on another device; itself where nothing changes.

    Args:
        dtype, device: what it should be; or another tensor, to be like it.
        non_blocking: accepted; a copy between devices never waits here.
        copy: whether to copy even where nothing changes.
        memory_format: how the result lies in memory; by default as this tensor does.
    """
    if len(args) == 1 and not kwargs:
        wanted = args[0]
        if wanted.__class__ is DType:
            return converted(self, wanted, None)
        if wanted is self._value.meta.device:
            return self
    _, bound = _TO.bind(args, kwargs, True)
    other = bound.get("tensor")
    if other is not None and not is_tensor(other):
        dtype: Any
        place: Any
        dtype, place = _DTYPES_OF_NUMBERS.get(other.__class__, dtypes.complex128), CPU
    elif other is not None:
        dtype, place = other.dtype, other.device
    else:
        dtype = bound.get("dtype")
        device = bound.get("device")
        place = None if device is None else devices.resolve(device)
    return converted(self, dtype, place, bound["copy"], bound["memory_format"])


def converted(
    tensor: Any,
    dtype: DType | None,
    device: Device | None,
    copy: bool = False,
    memory_format: Any = None,
) -> Any:
    """Return a tensor in another dtype or on another device; itself where nothing changes.

    Args:
        tensor: the tensor.
        dtype, device: ``None`` for those that it has.
        copy: whether to copy even where nothing changes.
        memory_format: of the result.
    """
    meta = tensor._value.meta
    if device is not None and device is not meta.device:
        moved = _moved(tensor, device)
        if dtype is not None and dtype is not meta.dtype:
            return converted(moved, dtype, None, False, memory_format)
        return moved
    if dtype is None or dtype is meta.dtype:
        if copy or (memory_format is not None and not _lies_in(meta, memory_format)):
            return _to_copy.call(tensor, meta.dtype, memory_format)
        return tensor
    if meta.dtype.is_complex and not dtype.is_complex and dtype is not dtypes.bool_:
        _warn_imaginary_lost()
    if memory_format is None:
        return _to_copy.call(tensor, dtype)
    return _to_copy.call(tensor, dtype, memory_format)


def _lies_in(meta: Any, memory_format: Any) -> bool:
    return repr(memory_format) == "torch.preserve_format" or has_format(meta, memory_format)


def _warn_imaginary_lost() -> None:
    once.warn("imaginary", "Casting complex values to real discards the imaginary part")


def _moved(tensor: Any, device: Device) -> Any:
    """Return a copy of a tensor on another device."""
    value = current_value(tensor)
    meta = value.meta
    if meta.device is META:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    if meta.grad != NO_GRAD and local.trace.mode.grad:
        return _differentiable_move()(tensor, device)
    target = make_meta(
        meta.shape, meta.dtype, device, format_strides(meta.with_grad(NO_GRAD), None)
    )
    if device is META:
        return record.fresh(devices.NO_ELEMENTS, target)
    if local.trace.captures:
        local.trace.check_move(value)
    array = materialise(value, "copy to another device")
    return record.fresh(transfer.transferred(array, device), target)


_move: list[Any] = []


def _differentiable_move() -> Any:
    """Return the function that copies to another device and its gradient back."""
    if not _move:
        from ..autograd.function import Function

        class ToCopy(Function):
            """A copy on another device."""

            @staticmethod
            def forward(tensor, device):
                return _moved(tensor.detach(), device)

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.device = inputs[0].device

            @staticmethod
            def backward(ctx, gradient):
                return gradient.to(ctx.device), None

        ToCopy.__name__ = ToCopy.__qualname__ = "ToCopy"
        _move.append(ToCopy.apply)
    return _move[0]


def _caster(name: str, dtype: DType) -> Any:
    schema = Schema(
        f"{name}(Tensor input, *, MemoryFormat? memory_format=None)",
        method=(f"{name}(*, MemoryFormat? memory_format=None)",),
    )

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        layout = None
        if args or kwargs:
            _, bound = schema.bind(args, kwargs, True)
            layout = bound["memory_format"]
        return converted(self, dtype, None, False, layout)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Return the tensor as {dtype!r}; itself where it is."
    return method


_CASTS = {
    "float": dtypes.float32,
    "double": dtypes.float64,
    "half": dtypes.float16,
    "bfloat16": dtypes.bfloat16,
    "int": dtypes.int32,
    "long": dtypes.int64,
    "short": dtypes.int16,
    "char": dtypes.int8,
    "byte": dtypes.uint8,
    "bool": dtypes.bool_,
    "cfloat": dtypes.complex64,
    "cdouble": dtypes.complex128,
}
for _name, _dtype in _CASTS.items():
    publish(_name, method=_caster(_name, _dtype))

_TYPE = Schema(
    "type(Tensor input, PyObject* dtype=None, bool non_blocking=False, *, "
    "MemoryFormat? memory_format=None)",
    method=(
        "type(PyObject* dtype=None, bool non_blocking=False, *, MemoryFormat? memory_format=None)",
    ),
)


def type_(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the old name of dtype and device, or the tensor as one of another type.

    Args:
        dtype: a dtype, an old type such as ``torch.DoubleTensor``, or its name.
    """
    if not args and not kwargs:
        return type_name(self)
    _, bound = _TYPE.bind(args, kwargs, True)
    wanted = bound["dtype"]
    if wanted is None:
        return type_name(self)
    if isinstance(wanted, DType):
        return converted(self, wanted, None, False, bound["memory_format"])
    if isinstance(wanted, tensortype):
        tensor_type: Any = wanted
    elif isinstance(wanted, (str, type)):
        text = wanted if isinstance(wanted, str) else wanted.__name__
        tensor_type = by_name(text)
        if tensor_type is None:
            raise ValueError(f"invalid type: '{text}'")
    else:
        raise TypeError("dtype must be a type, str, or dtype object")
    place = devices.check(tensor_type._device)
    return converted(self, tensor_type._dtype, place, False, bound["memory_format"])


def type_as(self: Any, other: Any) -> Any:
    """Return the tensor in the dtype and on the device of another one."""
    return converted(self, other.dtype, other.device)


def cpu(self: Any, *, memory_format: Any = None) -> Any:
    """Return the tensor on the CPU; itself where it is."""
    return converted(self, None, CPU, False, memory_format)


_CUDA = Schema(
    "cuda(Tensor input, Device? device=None, bool non_blocking=False, *, "
    "MemoryFormat? memory_format=None)",
    method=(
        "cuda(Device? device=None, bool non_blocking=False, *, MemoryFormat? memory_format=None)",
    ),
)


def cuda(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the tensor on a CUDA device, the current one unless another is named.

    Raises:
        AssertionError: there is none.
    """
    _, bound = _CUDA.bind(args, kwargs, True)
    device = bound["device"]
    if isinstance(device, int):
        device = Device("cuda", device)
    place = devices.check(Device("cuda") if device is None else Device(device))
    if place.type != "cuda":
        raise RuntimeError("Invalid device, must be cuda device")
    return converted(self, None, place, False, bound["memory_format"])


def is_floating_point(self: Any) -> bool:
    """Return whether the dtype is a floating point one."""
    return self._value.meta.dtype.is_floating_point


def is_complex(self: Any) -> bool:
    """Return whether the dtype is complex."""
    return self._value.meta.dtype.is_complex


def is_signed(self: Any) -> bool:
    """Return whether the dtype has negative numbers."""
    return self._value.meta.dtype.is_signed


def get_device(self: Any) -> int:
    """Return the index of the device, -1 for the CPU."""
    device = self._value.meta.device
    return -1 if device.type != "cuda" else device.index or 0


def is_pinned(self: Any, device: Any = None) -> bool:
    """Return whether the tensor lies in page-locked memory: never, here."""
    return False


def pin_memory(self: Any, device: Any = None) -> Any:
    """Return the tensor itself where there is a GPU; JAX manages page-locked memory.

    Raises:
        RuntimeError: there is no accelerator.
    """
    if not devices.gpus():
        raise messages.no_accelerator()
    return self


def _moving_to(kind: str) -> Callable:
    def move(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise no_backend(kind)

    move.__name__ = move.__qualname__ = kind
    move.__doc__ = f"""Refuse the call: there are no {kind} devices here."""
    return move


def is_same_size(self: Any, other: Any) -> bool:
    """Return whether two tensors have the same size."""
    return self._value.meta.shape == other._value.meta.shape


def _is_on(kind: str) -> property:
    return property(
        lambda self: self._value.meta.device.type == kind, doc=f"Whether it is on {kind}."
    )


def share_memory_(self: Any) -> Any:
    """Return the tensor itself: its elements are immutable arrays, which threads share anyway."""
    return self


for _kind in ("ipu", "mtia", "xpu"):
    publish(_kind, method=_moving_to(_kind))
publish("is_same_size", method=is_same_size, refused=("(Tensor input, Tensor other)",))
publish("is_distributed", method=lambda self: False, refused=("(Tensor input)",))
publish("is_ipu", method=_is_on("ipu"))
publish("is_maia", method=_is_on("maia"))
publish("is_mtia", method=_is_on("mtia"))
publish("is_vulkan", method=_is_on("vulkan"))
publish("share_memory_", method=share_memory_)
publish("is_shared", method=lambda self: False)
publish("to", method=to)
publish("type", method=type_)
publish("type_as", method=type_as, refused=("(Tensor input, Tensor other)",))
publish("cpu", method=cpu, refused=("(Tensor input, *, MemoryFormat? memory_format=None)",))
publish("cuda", method=cuda)
publish("is_floating_point", method=is_floating_point, refused=("(Tensor input)",))
publish("is_complex", method=is_complex, refused=("(Tensor input)",))
publish("is_signed", method=is_signed, refused=("(Tensor input)",))
publish("get_device", method=get_device, refused=("(Tensor input)",))
publish("is_pinned", method=is_pinned)
publish("pin_memory", method=pin_memory)
publish("is_cuda", method=_is_on("cuda"))
publish("is_cpu", method=_is_on("cpu"))
publish("is_meta", method=_is_on("meta"))
publish("is_mps", method=_is_on("mps"))
publish("is_xpu", method=_is_on("xpu"))
publish("is_xla", method=_is_on("xla"))
publish("layout", method=property(lambda self: strided, doc="How the elements are kept."))
publish(
    "is_sparse",
    method=property(lambda self: False, doc="Whether the layout is ``torch.sparse_coo``."),
)
publish(
    "is_sparse_csr",
    method=property(lambda self: False, doc="Whether the layout is ``torch.sparse_csr``."),
)
publish("is_quantized", method=property(lambda self: False, doc="Whether it is quantised."))
publish(
    "is_mkldnn", method=property(lambda self: False, doc="Whether it lies in MKL-DNN's own order.")
)
publish("is_nested", method=property(lambda self: False, doc="Whether it is a nested tensor."))
