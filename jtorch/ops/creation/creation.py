"""Tensors of known content: zeros, ones, full, arange, linspace, eye and related functions.

None of them is recorded: what they make is ready at once. Tensors of one number, such as the ones
that a loop makes on every turn, share one array.
"""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core import dtypes, messages
from ..._core.cpp_names import c_type
from ..._core.device import CPU, META, Device, default_device
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._core.layout import layout as Layout
from ..._core.layout import strided
from ..._core.memory_format import preserve_format
from ..._core.schema.schema import Schema, set_type
from ..._core.strides import strides_of_order
from ..._engine.declare import publish
from ..._engine.execution import devices, failures, transfer
from ..._engine.graph.values import LEAF, NO_GRAD, Meta, is_tensor, make_meta, ready
from ..._engine.memory.from_host import as_dtype
from ..._engine.recording import record
from ..._engine.recording.trace import local
from ..shape.copying import format_strides
from . import _messages

set_type("Device", Device)
set_type("Layout", Layout)

_OPTIONS = (
    "ScalarType dtype=None, Layout layout=None, Device device=None, bool pin_memory=False, "
    "bool requires_grad=False)"
)
_CACHED_BYTES = 1 << 20
_CACHED_ARRAYS = 256
_cache: OrderedDict[tuple, Any] = OrderedDict()


def publish_function(name: str, function: Callable, **options: Any) -> None:
    """Name a function as it is called in public, and publish it.

    Args:
        name: the name.
        function: the function, which binds its own arguments.
        **options: see ``publish``.
    """
    function.__name__ = function.__qualname__ = name
    function.__module__ = "torch"
    publish(name, function, **options)


def _filled(meta: Meta, number: Any) -> Any:
    """Return an array of one number; the same one where it is asked for again."""
    if meta.device is META:
        return devices.NO_ELEMENTS
    if meta.nbytes > _CACHED_BYTES:
        return transfer.put(_full(meta, number), meta.device)
    key = (meta.shape, meta.dtype, meta.device, number, number.__class__, repr(number))
    array = _cache.get(key)
    if array is None:
        host = _full(meta, number)
        array = _cache[key] = (
            transfer.settle(host, meta) if meta.device is CPU else transfer.put(host, meta.device)
        )
        if len(_cache) > _CACHED_ARRAYS:
            _cache.popitem(last=False)
    return array


def _full(meta: Meta, number: Any) -> np.ndarray:
    try:
        if number == 0 and not isinstance(number, complex) and math.copysign(1, number) > 0:
            return np.zeros(meta.shape, meta.dtype._numpy)
        return np.full(meta.shape, number, meta.dtype._numpy)
    except MemoryError:
        raise failures.out_of_memory(meta.nbytes, meta.device) from None


def filled_tensor(meta: Meta, number: Any, requires_grad: bool = False) -> Any:
    """Return a tensor all of whose elements are one number.

    Args:
        meta: its Meta, without its part in differentiation.
        number: the number, in the range of the dtype.
        requires_grad: whether it is a leaf that requires grad.
    """
    if requires_grad:
        if not is_inexact(meta.dtype):
            raise messages.integer_requires_grad()
        meta = meta.with_grad(LEAF)
    tensor = record.fresh(_filled(meta, number), meta)
    if requires_grad:
        tensor._value.owner = weakref.ref(tensor)
    return tensor


def device_of(argument: Any, other: Device | None = None) -> Device:
    """Return the device that ``device=`` means, else the given one, else the default one."""
    if argument is not None:
        return devices.resolve(argument)
    return devices.default() if other is None else other


def device_for(argument: Any, out: Any) -> Device:
    """Return the device that a function makes a tensor on, or writes to a tensor of.

    Args:
        argument: ``device=``.
        out: the tensor to write to, or ``None``.
    Raises:
        RuntimeError: ``out`` is on a device of another type.
    """
    if out is None:
        return device_of(argument)
    device = devices.named_default() if argument is None else devices.resolve(argument)
    if device is not None and device.type != out.device.type:
        raise _messages.device_of_out(device.type, out.device.type)
    return out.device


#: Makes a tensor of a sparse layout: ``(name, size, dtype, device, layout, requires_grad)``.
_sparse_factory: list[Callable[..., Any]] = []


def set_sparse_factory(function: Callable[..., Any]) -> None:
    """Tell how ``zeros`` and related functions make tensors of sparse layouts."""
    _sparse_factory[:] = [function]


def _is_sparse(bound: dict[str, Any]) -> bool:
    """Return whether a sparse layout is asked for."""
    layout = bound.get("layout")
    return layout is not None and layout is not strided and layout._name.startswith("sparse")


def _of_sparse_layout(name: str, size: Any, dtype: Any, device: Any, bound: dict[str, Any]) -> Any:
    device = device_of(bound["device"], device)
    dtype = dtype or local.trace.mode.default_dtype
    return _sparse_factory[0](name, size, dtype, device, bound["layout"], bound["requires_grad"])


def check_options(bound: dict[str, Any], device: Device) -> None:
    """Refuse the options that nothing here has.

    Raises:
        NotImplementedError: another layout than ``torch.strided``.
        RuntimeError: page-locked memory without an accelerator.
    """
    if bound.get("layout") not in (None, strided):
        raise NotImplementedError(f"jtorch has no tensors of layout {bound['layout']}")
    if bound.get("pin_memory") and device is CPU and not devices.gpus():
        raise messages.pinned()
    if bound.get("pin_memory") and device.type == "cuda":
        raise _messages.pinned_on_device()


def check_size(
    size: tuple[int, ...], dtype: DType, function: str | None, device: Device = CPU
) -> None:
    """Refuse a size that is negative or more than memory can be.

    Args:
        size: the size.
        dtype: of the elements.
        function: whose words to use; ``None`` for those of what allocates memory.
        device: whose memory.
    """
    count = 1
    for n in size:
        if n < 0:
            if function is None:
                raise messages.negative_dimension(size)
            raise _messages.negative_size(function)
        count *= n
    if count > 1 << 40:
        if count * dtype.itemsize >= 2**63:
            raise _messages.size_overflow(size)
        raise failures.out_of_memory(count * dtype.itemsize, device)


def write_out(out: Any, array: np.ndarray, dtype: DType, name: str) -> Any:
    """Write to the tensor given as ``out``, whose dtype decides."""
    if local.trace.mode.grad and out.requires_grad:
        raise _messages.fill_gradient(name)
    elements = transfer.put(as_dtype(array, out.dtype), out.device)
    if tuple(out.shape) != array.shape:
        out.resize_(array.shape)  # without the warning of other operators
    meta = make_meta(array.shape, out.dtype, out.device)
    record.assign_out(out, ready(elements, meta))
    return out


def check_out_dtype(dtype: DType | None, out: Any) -> None:
    """Refuse ``dtype=`` that is not that of ``out=``."""
    if dtype is not None and dtype is not out.dtype:
        raise messages.out_dtype(dtype._legacy_name, out.dtype._legacy_name)


def _constant(name: str, number: int, *, memory_format: bool = False) -> Callable:
    """Make ``torch.zeros`` and related functions."""
    layout = "MemoryFormat? memory_format=None, " if memory_format else ""
    schema = Schema(f"{name}(SymIntArrayRef size, *, Tensor out=None, {layout}{_OPTIONS}")

    def make(*args: Any, **kwargs: Any) -> Any:
        if not kwargs and args:
            size = args[0] if len(args) == 1 and args[0].__class__ in (tuple, list) else args
            for n in size:
                if n.__class__ is not int or n < 0:
                    break
            else:
                device = default_device()
                size = tuple(size)
                dtype = local.trace.mode.default_dtype
                if device is CPU and math.prod(size) < 1 << 40:
                    meta = make_meta(size, dtype, device)
                    return record.fresh(_filled(meta, number), meta)
        _, bound = schema.bind(args, kwargs)
        size, dtype, out = bound["size"], bound["dtype"], bound["out"]
        if _is_sparse(bound):
            return _of_sparse_layout(name, size, dtype, None, bound)
        if out is not None:
            check_out_dtype(dtype, out)
            dtype = out.dtype
        device = device_for(bound["device"], out)
        check_options(bound, device)
        dtype = dtype or local.trace.mode.default_dtype
        check_size(size, dtype, name if name == "zeros" else None, device)
        strides = None
        if bound.get("memory_format") is not None:
            if bound["memory_format"] is preserve_format:
                raise RuntimeError("unsupported memory format option Preserve")
            plain = make_meta(size, dtype, device)
            strides = format_strides(plain, bound["memory_format"])
        if out is not None:
            return write_out(out, np.full(size, number, dtype._numpy), dtype, name)
        return filled_tensor(
            make_meta(size, dtype, device, strides), number, bound["requires_grad"]
        )

    return make


_ZEROS_DOC = """Make a tensor filled with {what}.

    Args:
        size: its size, ints or a sequence of them.
        out: tensor to write to, resized to fit.
        dtype: the default dtype unless given.
        layout: only ``torch.strided``.
        device: the default device unless given.
        pin_memory: accepted where there is a GPU, and without effect.
        requires_grad: whether gradients flow to it.
    """

zeros = _constant("zeros", 0)
zeros.__doc__ = _ZEROS_DOC.format(what="zeros")
ones = _constant("ones", 1)
ones.__doc__ = _ZEROS_DOC.format(what="ones")
empty = _constant("empty", 0, memory_format=True)
empty.__doc__ = _ZEROS_DOC.format(
    what="whatever: PyTorch leaves the memory as it is, here it is zeros"
)


def _sliced(tensor: Any, other: Any) -> Any:
    """Return a new tensor, one for each slice of ``vmap`` where another one is a slice."""
    return local.trace.alike(tensor, other) if local.trace.captures else tensor


def _like(name: str, number: int | None) -> Callable:
    """Make ``torch.zeros_like`` and related functions."""
    fill = ", Scalar fill_value" if number is None else ""
    schema = Schema(f"{name}(Tensor input{fill}, *, MemoryFormat? memory_format=None, {_OPTIONS}")

    def make(*args: Any, **kwargs: Any) -> Any:
        if not kwargs and len(args) == 1 and number is not None and is_tensor(args[0]):
            meta = args[0]._value.meta.with_grad(NO_GRAD)
            if meta.contiguous or meta.device is META:
                if not meta.contiguous:
                    meta = make_meta(meta.shape, meta.dtype, META, format_strides(meta, None))
                return _sliced(record.fresh(_filled(meta, number), meta), args[0])
        _, bound = schema.bind(args, kwargs)
        like = bound["input"]._value.meta
        dtype = bound["dtype"] or like.dtype
        if _is_sparse(bound):
            return _of_sparse_layout(name, like.shape, dtype, like.device, bound)
        device = device_of(bound["device"], like.device)
        check_options(bound, device)
        strides = format_strides(like, bound["memory_format"])
        meta = make_meta(like.shape, dtype, device, strides)
        value = number
        if value is None:
            value = number_for(bound["fill_value"], dtype)
        return _sliced(filled_tensor(meta, value, bound["requires_grad"]), bound["input"])

    make.__doc__ = f"""Make a tensor of the size, dtype, device and order in memory of another.

    Args:
        input: the other tensor.{
        ""
        if number is not None
        else '''
        fill_value: the number that it is filled with.'''
    }
        memory_format: how it lies in memory; by default as ``input`` does.
        dtype, layout, device, pin_memory, requires_grad: as of ``torch.zeros``.
    """
    return make


zeros_like = _like("zeros_like", 0)
ones_like = _like("ones_like", 1)
empty_like = _like("empty_like", 0)
full_like = _like("full_like", None)


def number_for(number: Any, dtype: DType) -> Any:
    """Return a number as one of a dtype.

    Raises:
        RuntimeError: it does not fit.
    """
    if is_tensor(number):
        number = number.item()
    name = c_type(dtype)
    kind = dtype._kind
    if kind == dtypes.BOOL:
        return bool(number)
    if isinstance(number, complex):
        if kind == dtypes.COMPLEX:
            return number
        if number.imag:
            raise messages.overflow(name)
        number = number.real
    if kind in (dtypes.SIGNED, dtypes.UNSIGNED):
        if isinstance(number, float):
            if not math.isfinite(number):
                raise messages.overflow(name)
            number = int(number)
        bits = 8 * dtype.itemsize
        if kind == dtypes.UNSIGNED:
            if not -(2**bits) < number < 2**bits:
                raise messages.overflow(name)
            return int(number) % 2**bits
        if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
            raise messages.overflow(name)
        return int(number)
    if kind == dtypes.FLOATING:
        number = float(number)
        if math.isfinite(number) and abs(number) > _largest(dtype):
            raise messages.overflow(name)
    return number


def _largest(dtype: DType) -> float:
    import ml_dtypes

    return float(ml_dtypes.finfo(dtype._numpy).max)


_FULL = Schema(f"full(SymIntArrayRef size, Scalar fill_value, *, Tensor out=None, {_OPTIONS}")


def full(*args: Any, **kwargs: Any) -> Any:
    """Make a tensor filled with one number.

    Args:
        size: its size.
        fill_value: the number; its kind decides the dtype unless that is given.
        out, dtype, layout, device, pin_memory, requires_grad: as of ``torch.zeros``.
    """
    _, bound = _FULL.bind(args, kwargs)
    size, number, dtype, out = (bound[name] for name in ("size", "fill_value", "dtype", "out"))
    if _is_sparse(bound):
        return _of_sparse_layout("full", size, dtype, None, bound)
    if is_tensor(number):
        number = number.item()
    device = device_for(bound["device"], out)
    check_options(bound, device)
    if out is not None:
        check_out_dtype(dtype, out)
        dtype = out.dtype
    if dtype is None:
        dtype = dtype_of_number(number)
    check_size(size, dtype, None, device)
    number = number_for(number, dtype)
    if out is not None:
        return write_out(out, np.full(size, number, dtype._numpy), dtype, "full")
    return filled_tensor(make_meta(size, dtype, device), number, bound["requires_grad"])


def dtype_of_number(number: Any) -> DType:
    """Return the dtype of a tensor made of one Python number."""
    if isinstance(number, bool):
        return dtypes.bool_
    if isinstance(number, int):
        return dtypes.int64
    default = local.trace.mode.default_dtype
    return default.to_complex() if isinstance(number, complex) else default


_SCALAR_TENSOR = Schema(f"scalar_tensor(Scalar s, *, {_OPTIONS}")


def scalar_tensor(*args: Any, **kwargs: Any) -> Any:
    """Make a tensor without dimensions of a number, of the default dtype unless one is given."""
    _, bound = _SCALAR_TENSOR.bind(args, kwargs)
    device = device_of(bound["device"])
    check_options(bound, device)
    dtype = bound["dtype"] or local.trace.mode.default_dtype
    number = number_for(bound["s"], dtype)
    return filled_tensor(make_meta((), dtype, device), number, bound["requires_grad"])


_EMPTY_STRIDED = Schema(f"empty_strided(SymIntArrayRef size, SymIntArrayRef stride, *, {_OPTIONS}")


def empty_strided(*args: Any, **kwargs: Any) -> Any:
    """Make a tensor of a size and strides (in elements), filled with zeros.

    Raises:
        RuntimeError: their lengths differ, or a stride is negative.
    """
    _, bound = _EMPTY_STRIDED.bind(args, kwargs)
    return _strided(bound, bound["dtype"] or local.trace.mode.default_dtype, None)


def _strided(bound: dict[str, Any], dtype: DType, device: Device | None) -> Any:
    size, strides = bound["size"], bound["stride"]
    if len(size) != len(strides):
        raise RuntimeError(
            f"dimensionality of sizes ({len(size)}) must match dimensionality of strides "
            f"({len(strides)})"
        )
    check_size(size, dtype, None)
    if any(stride < 0 for stride in strides):
        raise _messages.size_overflow(size, strides)
    place = device_of(bound["device"], device)
    check_options(bound, place)
    return filled_tensor(make_meta(size, dtype, place, strides), 0, bound["requires_grad"])


_EMPTY_PERMUTED = Schema(
    f"empty_permuted(SymIntArrayRef size, IntArrayRef physical_layout, *, {_OPTIONS}"
)


def empty_permuted(*args: Any, **kwargs: Any) -> Any:
    """Make a tensor whose dimensions lie in memory in the given order, outermost first."""
    _, bound = _EMPTY_PERMUTED.bind(args, kwargs)
    size, order = bound["size"], bound["physical_layout"]
    if len(size) != len(order):
        raise RuntimeError(
            f"Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {len(size)} is not equal to len(physical_layout) = {len(order)}"
        )
    if sorted(order) != list(range(len(size))):
        if any(not 0 <= dim < len(size) for dim in order):
            bad = next(dim for dim in order if not 0 <= dim < len(size))
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got "
                f"{bad} at index {order.index(bad)}).  NB: negative dims not currently supported; "
                "file an issue if you want it."
            )
        raise RuntimeError("Duplicate dim not allowed")
    dtype = bound["dtype"] or local.trace.mode.default_dtype
    check_size(size, dtype, None)
    place = device_of(bound["device"])
    check_options(bound, place)
    meta = make_meta(size, dtype, place, strides_of_order(size, order))
    return filled_tensor(meta, 0, bound["requires_grad"])


def _new(name: str, number: int | None) -> Callable:
    """Make ``Tensor.new_zeros`` and related functions."""
    fill = ", Scalar fill_value" if number is None else ""
    schema = Schema(f"{name}(SymIntArrayRef size{fill}, *, {_OPTIONS}")

    def make(self: Any, *args: Any, **kwargs: Any) -> Any:
        _, bound = schema.bind(args, kwargs)
        meta = self._value.meta
        dtype = bound["dtype"] or meta.dtype
        device = device_of(bound["device"], meta.device)
        check_options(bound, device)
        check_size(bound["size"], dtype, None)
        value = number_for(bound["fill_value"], dtype) if number is None else number
        result = make_meta(bound["size"], dtype, device)
        return _sliced(filled_tensor(result, value, bound["requires_grad"]), self)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = "Make a tensor of a size, by default of the dtype and device of this one."
    return make


_NEW_EMPTY_STRIDED = Schema(
    f"new_empty_strided(SymIntArrayRef size, SymIntArrayRef stride, *, {_OPTIONS}"
)


def new_empty_strided(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Make a tensor of a size and strides, by default of the dtype and device of this one."""
    _, bound = _NEW_EMPTY_STRIDED.bind(args, kwargs)
    meta = self._value.meta
    return _strided(bound, bound["dtype"] or meta.dtype, meta.device)


publish_function("zeros", zeros)
publish_function("ones", ones)
publish_function("empty", empty)
publish_function("full", full)
publish_function("zeros_like", zeros_like)
publish_function("ones_like", ones_like)
publish_function("empty_like", empty_like)
publish_function("full_like", full_like)
publish_function("scalar_tensor", scalar_tensor)
publish_function("empty_strided", empty_strided)
publish_function("empty_permuted", empty_permuted)
publish("new_zeros", method=_new("new_zeros", 0))
publish("new_ones", method=_new("new_ones", 1))
publish("new_empty", method=_new("new_empty", 0))
publish("new_full", method=_new("new_full", None))
publish("new_empty_strided", method=new_empty_strided)
