"""``torch.Tensor(...)``, ``torch.FloatTensor`` and the other old names of a dtype and a device."""

from __future__ import annotations

from typing import Any

from .._core import cpp_names, dtypes, messages
from .._core.device import CPU, Device
from .._core.dtypes import dtype as DType
from .._core.layout import strided
from .._core.schema.schema import Schema
from .._engine.declare import publish
from .._engine.execution import devices
from .._engine.graph.values import is_tensor, make_meta
from .._engine.recording import record
from ..ops.creation.creation import filled_tensor
from . import _messages

_NEW = Schema(
    "new(*, Device? device=None)",
    "new(Storage storage)",
    "new(Tensor other)",
    "new(SymIntArrayRef size, *, Device? device=None)",
    "new(PyObject* data, *, Device? device=None)",
)


def construct(args: tuple, kwargs: dict, dtype: DType, device: Device) -> Any:
    """Make the tensor that an old constructor makes.

    Args:
        args, kwargs: a size, a tensor to share the memory of, or a sequence of numbers.
        dtype, device: of the type that is constructed.
    """
    from .constructors import array_of_data, fresh_tensor

    if len(args) == 1 and not kwargs and is_tensor(args[0]):
        other = args[0]
        return other.detach()
    if args and args[0].__class__ in (list, tuple) and len(args) == 1:
        bound: dict[str, Any]
        index, bound = 4, {"data": args[0], "device": kwargs.get("device")}
        if kwargs.keys() - {"device"}:
            index, bound = _NEW.bind(args, kwargs)
    else:
        index, bound = _NEW.bind(args, kwargs)
    place = device
    if bound.get("device") is not None:
        place = devices.resolve(bound["device"])
        if place.type != device.type:
            raise RuntimeError(
                f"legacy constructor expects device type: {device.type} but device type: "
                f"{place.type} was passed"
            )
    if index == 0:
        return filled_tensor(make_meta((0,), dtype, place), 0)
    if index == 2:
        return bound["other"].detach()
    if index == 3:
        size = bound["size"]
        if any(n < 0 for n in size):
            raise messages.negative_dimension(size)
        return filled_tensor(make_meta(tuple(size), dtype, place), 0)
    data = bound["data"]
    if isinstance(data, (str, bytes)):
        raise _messages.invalid_data(data)
    if not hasattr(data, "__len__") and not is_tensor(data):
        name = type(data).__name__
        if type(data).__module__ == "numpy":
            name = f"numpy.{name}"
        raise TypeError(f"new(): data must be a sequence (got {name})")
    array, dtype = array_of_data(data, dtype)
    return fresh_tensor(array, dtype, place)


class tensortype(type):
    """The class of ``torch.FloatTensor`` and the other legacy types."""

    _dtype: DType
    _device: Device

    def __instancecheck__(cls, value: object) -> bool:
        return (
            isinstance(value, record.Tensor)
            and value.dtype is cls._dtype
            and value.device.type == cls._device.type
        )

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls._device is not CPU and not devices.gpus():
            raise TypeError(
                f"type {cls.__module__}.{cls.__name__} not available. Torch not compiled with CUDA "
                "enabled."
            )
        tensor = construct(args, kwargs, cls._dtype, devices.check(cls._device))
        if tensor.dtype is not cls._dtype:
            raise TypeError(
                f"expected {_options(cls._dtype, cls._device)} (got "
                f"{_options(tensor.dtype, tensor.device)})"
            )
        return tensor

    @property
    def dtype(cls) -> DType:
        """The dtype that it stands for."""
        return cls._dtype

    @property
    def is_cuda(cls) -> bool:
        """Whether it is a type of CUDA tensors."""
        return cls._device.type == "cuda"

    @property
    def layout(cls) -> Any:
        """The layout that it stands for."""
        return strided


def _options(dtype: DType, device: Device) -> str:
    return (
        f"TensorOptions(dtype={cpp_names.type_name(dtype)}, device={device}, layout=Strided, "
        "requires_grad=false (default), pinned_memory=false (default), memory_format=(nullopt))"
    )


_NAMES = (
    "Float", "Double", "Half", "BFloat16", "Byte", "Char", "Short", "Int", "Long", "Bool",
)  # fmt: skip


def _make(module: str, device: Device) -> dict[str, tensortype]:
    types = {}
    for name in _NAMES:
        body = {
            "__module__": module,
            "_dtype": dtypes.BY_LEGACY_NAME[name],
            "_device": device,
            "__doc__": f"Tensors of {dtypes.BY_LEGACY_NAME[name]} on {device.type}.",
        }
        types[f"{name}Tensor"] = tensortype(f"{name}Tensor", (), body)
    return types


CPU_TYPES = _make("torch", CPU)
CUDA_TYPES = _make("torch.cuda", Device("cuda"))


def by_name(name: str) -> tensortype | None:
    """Return the type of a name such as ``"torch.cuda.FloatTensor"``."""
    if name.startswith("torch.cuda."):
        return CUDA_TYPES.get(name.removeprefix("torch.cuda."))
    return CPU_TYPES.get(name.removeprefix("torch.")) if name.startswith("torch.") else None


def type_name(tensor: Any) -> str:
    """Return the old name of a tensor's dtype and device."""
    meta = tensor._value.meta
    place = "" if meta.device is CPU else f"{meta.device.type}."
    return f"torch.{place}{meta.dtype._legacy_name}Tensor"


def new(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Make a tensor of the same dtype and device, as the old constructors do."""
    return construct(args, kwargs, self.dtype, self.device)


publish("new", method=new)
