"""Defaults of dtype and device, and questions about dtypes: ``finfo``, ``result_type``, ..."""

from __future__ import annotations

import sys
from typing import Any

import ml_dtypes
import numpy as np

from .._core import dtypes, modes
from .._core.device import CPU, Device, push_default_device, set_tensor_type_device
from .._core.dtypes import dtype as DType
from .._core.dtypes import is_inexact
from .._core.modes import intern_mode
from .._core.promotion import can_cast as _can_cast
from .._core.promotion import promote_types as _promote_types
from .._core.promotion import result_type as _result_type
from .._core.schema.schema import Schema
from .._engine.declare import publish
from .._engine.execution import devices
from .._engine.graph.values import is_tensor as _is_tensor
from .._engine.recording import record
from .._engine.recording.refusals import without_arguments
from .._engine.recording.storage import current_value
from .._engine.recording.trace import local
from .._tensor.conversion import default_tensor_device
from .._tensor.legacy_types import by_name, tensortype
from ..storage import TypedStorage, UntypedStorage


@without_arguments
def get_default_dtype() -> DType:
    """Return the dtype of Python floats and of tensors made without one."""
    return local.trace.mode.default_dtype


def set_default_dtype(d: DType, /) -> None:
    """Set the dtype of Python floats and of tensors made without one.

    Raises:
        TypeError: it is no floating point dtype.
    """
    if not isinstance(d, DType):
        raise TypeError(
            "invalid dtype object: only floating-point types are supported as the default type"
        )
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    trace = local.trace
    trace.set_mode(intern_mode(trace.mode._replace(default_dtype=d)))
    modes.DEFAULT = intern_mode(modes.DEFAULT._replace(default_dtype=d))  # of new threads


def set_default_tensor_type(t: Any, /) -> None:
    """Set default dtype and device by an old type or its name, such as ``"torch.DoubleTensor"``."""
    tensor_type = by_name(t) if isinstance(t, str) else t
    if not isinstance(tensor_type, tensortype):
        if isinstance(t, str):
            raise ValueError(f"invalid type: '{t}'")
        raise TypeError(
            "invalid type object: only floating-point types are supported as the default type"
        )
    if tensor_type._device is not CPU and not devices.gpus():
        raise TypeError(
            f"type {tensor_type.__module__}.{tensor_type.__name__} not available. "
            "Torch not compiled with CUDA enabled."
        )
    place = devices.check(tensor_type._device)
    if not tensor_type._dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    set_default_dtype(tensor_type._dtype)
    set_tensor_type_device(place)
    default_tensor_device[0] = place.type


def get_default_device() -> Device:
    """Return the device that tensors are made on where none is named."""
    return devices.default()


def set_default_device(device: Any) -> None:
    """Set the device that tensors are made on where none is named; ``None`` for the CPU."""
    if device is None:
        push_default_device(None)
        return
    place = Device(device)
    push_default_device(place)


def get_device_module(device: Any = None) -> Any:
    """Return ``torch.cpu`` or ``torch.cuda``, whichever a device belongs to.

    Args:
        device: a device or its name; the GPU where there is one, unless given.

    Raises:
        RuntimeError: there is no such module.
    """
    if device is None:
        kind = "cuda" if devices.gpus() else "cpu"
    elif isinstance(device, (str, Device)):
        kind = Device(device).type
    else:
        raise RuntimeError(f"Invalid value of device '{device}', expect torch.device, str, or None")
    module = getattr(sys.modules[__name__.partition(".")[0]], kind, None)
    if module is None:
        raise RuntimeError(
            f"Device '{kind}' does not have a corresponding module registered as 'torch.{kind}'."
        )
    return module


def is_tensor(obj: Any, /) -> bool:
    """Return whether an object is a tensor."""
    return isinstance(obj, record.Tensor)


def is_storage(obj: Any, /) -> bool:
    """Return whether an object is a storage."""
    return isinstance(obj, (TypedStorage, UntypedStorage))


def _dtype_question(name: str, attribute: str, words: str) -> Any:
    schema = Schema(f"{name}(Tensor input)")

    def ask(*args: Any, **kwargs: Any) -> bool:
        _, bound = schema.bind(args, kwargs)
        return getattr(bound["input"].dtype, attribute)

    ask.__name__ = ask.__qualname__ = name
    ask.__doc__ = f"Return whether the dtype of a tensor {words}."
    return ask


is_floating_point = _dtype_question(
    "is_floating_point", "is_floating_point", "is a floating point one"
)
is_complex = _dtype_question("is_complex", "is_complex", "is complex")
is_signed = _dtype_question("is_signed", "is_signed", "has negative numbers")

_NUMEL = Schema("numel(Tensor input)")
_IS_NONZERO = Schema("is_nonzero(Tensor input)")
_CAN_CAST = Schema("can_cast(ScalarType from_, ScalarType to)")
_PROMOTE = Schema("promote_types(ScalarType type1, ScalarType type2)")
_RESULT = Schema(
    "result_type(Tensor tensor, Tensor other)",
    "result_type(Scalar scalar, Tensor tensor)",
    "result_type(Tensor tensor, Scalar other)",
    "result_type(Scalar scalar1, Scalar scalar2)",
)


def numel(*args: Any, **kwargs: Any) -> int:
    """Return the number of elements of a tensor."""
    _, bound = _NUMEL.bind(args, kwargs)
    return bound["input"].numel()


def is_nonzero(*args: Any, **kwargs: Any) -> bool:
    """Return whether the only element of a tensor is not zero."""
    _, bound = _IS_NONZERO.bind(args, kwargs)
    count = bound["input"].numel()
    if count != 1:
        description = "no values" if count == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {description} is ambiguous")
    return bool(bound["input"])


def can_cast(*args: Any, **kwargs: Any) -> bool:
    """Return whether PyTorch's rules let results of one dtype be written to another."""
    if "from" in kwargs:
        kwargs["from_"] = kwargs.pop("from")
    _, bound = _CAN_CAST.bind(args, kwargs)
    return _can_cast(bound["from_"], bound["to"])


def promote_types(*args: Any, **kwargs: Any) -> DType:
    """Return the smallest dtype that both dtypes convert to."""
    _, bound = _PROMOTE.bind(args, kwargs)
    return _promote_types(bound["type1"], bound["type2"])


def result_type(*args: Any, **kwargs: Any) -> DType:
    """Return the dtype that an operator of these tensors or numbers computes in."""
    _, bound = _RESULT.bind(args, kwargs)
    described = []
    for value in bound.values():
        if _is_tensor(value):
            meta = current_value(value).meta
            described.append((meta.dtype, "dim" if meta.ndim else "zero"))
        else:
            kind = {bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64}
            described.append((kind.get(type(value), dtypes.complex128), "number"))
    return _result_type(described, get_default_dtype())


class finfo:
    """Limits of a floating point dtype, the default one unless one is given.

    Attributes:
        bits: bits of one number.
        max, min: the largest finite number and its negative.
        eps: distance from 1 to the next larger number.
        tiny, smallest_normal: the smallest positive normal number.
        resolution: a power of ten that decimal digits are sure of.
        dtype: the name of the dtype.
    """

    __module__ = "torch"
    __slots__ = ("bits", "eps", "max", "min", "smallest_normal", "tiny", "resolution", "dtype")

    def __init__(self, type: DType | None = None):
        given = get_default_dtype() if type is None else type
        if given is float:
            given = dtypes.float64
        if not isinstance(given, DType):
            raise TypeError(
                f"finfo(): argument 'type' (position 1) must be torch.dtype, not "
                f"{given.__class__.__name__}"
            )
        real = given.to_real()
        if not real.is_floating_point:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                "'torch.finfo'"
            )
        info = ml_dtypes.finfo(real._numpy)
        self.bits = real.itemsize * 8
        self.max = float(info.max)
        self.min = float(info.min)
        self.eps = float(info.eps)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        self.resolution = 10.0 ** -int(np.floor(-np.log10(self.eps)))  # C++'s digits10
        self.dtype = real._name

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={getattr(self, name):g}"
            for name in ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        )
        return f"finfo({shown}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


_ABSENT = object()


class iinfo:
    """Limits of an integer dtype.

    Attributes:
        bits: bits of one number.
        max, min: the largest and the smallest number.
        dtype: the name of the dtype.
    """

    __module__ = "torch"
    __slots__ = ("bits", "max", "min", "dtype")

    def __init__(self, type: Any = _ABSENT):
        if type is _ABSENT:
            raise TypeError('iinfo() missing 1 required positional arguments: "type"')
        if type is int:
            type = dtypes.int64
        if not isinstance(type, DType):
            raise TypeError(
                f"iinfo(): argument 'type' (position 1) must be torch.dtype, not "
                f"{type.__class__.__name__}"
            )
        if is_inexact(type):
            raise TypeError(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle "
                "'torch.iinfo'"
            )
        if type is dtypes.bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        info = np.iinfo(type._numpy)
        self.bits, self.max, self.min = info.bits, int(info.max), int(info.min)
        self.dtype = type._name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


_threads = {"intra": 0, "inter": 0}


def get_num_threads() -> int:
    """Return how many threads an operator may use."""
    import os

    return _threads["intra"] or len(os.sched_getaffinity(0))


def set_num_threads(num: int, /) -> None:
    """Note how many threads an operator may use; XLA itself decides."""
    if not isinstance(num, int) or isinstance(num, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    _threads["intra"] = num


def get_num_interop_threads() -> int:
    """Return how many operators may run at once."""
    import os

    return _threads["inter"] or len(os.sched_getaffinity(0))


def set_num_interop_threads(num: int, /) -> None:
    """Note how many operators may run at once; XLA itself decides."""
    if not isinstance(num, int) or isinstance(num, bool):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(num).__name__}")
    if num <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _threads["inter"] = num


for _function in (
    get_default_dtype,
    set_default_dtype,
    set_default_tensor_type,
    get_default_device,
    set_default_device,
    get_device_module,
    is_tensor,
    is_storage,
    is_floating_point,
    is_complex,
    is_signed,
    is_nonzero,
    numel,
    can_cast,
    promote_types,
    result_type,
    get_num_threads,
    set_num_threads,
    get_num_interop_threads,
    set_num_interop_threads,
):
    _function.__module__ = "torch"
    publish(_function.__name__, _function)
