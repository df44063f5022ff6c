"""The same object in the other library: tensors, dtypes, functions of the database.

Tensors keep their strides, offset, leafness and every bit; functions that the database wrote in
Python are run as they are, over globals in which ``torch`` is jtorch.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import jtorch

#: NumPy has no such dtype, so the bits travel as integers.
_AS_BITS = {torch.bfloat16: torch.int16, torch.complex32: torch.int32}
_AS_BITS |= {
    getattr(torch, name): torch.uint8
    for name in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
}
#: Where the public functions of PyTorch are looked for, best name first.
_NAMESPACES = (
    "nn.functional",
    "linalg",
    "fft",
    "special",
    "signal.windows",
    "masked",
    "",
    "Tensor",
    "nn.init",
    "autograd",
    "_C._nn",
    "_C._linalg",
    "_C._fft",
    "_C._special",
    "_C",
)


class OutOfScopeError(Exception):
    """The object has no counterpart by design: sparse, nested, quantised and foreign tensors."""


class MissingError(Exception):
    """jtorch has no such public name."""


@functools.cache
def _names() -> dict[int, str]:
    """Return the qualified name of every function of PyTorch, by identity."""
    found: dict[int, str] = {}
    for namespace in _NAMESPACES:
        holder = _resolve(torch, namespace)
        for name in dir(holder):
            with contextlib.suppress(Exception):
                value = getattr(holder, name)
                if callable(value):
                    found.setdefault(id(value), f"{namespace}.{name}".lstrip("."))
    return found


def _resolve(root: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        root = getattr(root, part)
    return root


def ours(path: str) -> Any:
    """Return jtorch's object of a qualified name.

    Raises:
        MissingError: there is none.
    """
    try:
        return _resolve(jtorch, path)
    except AttributeError:
        raise MissingError(f"no torch.{path}") from None


class Converter:
    """Converts one sample: what occurs in it twice is one object afterwards too."""

    def __init__(self) -> None:
        self._tensors: dict[int, tuple[Any, Any]] = {}
        self._shared: dict[int, Any] = {}

    def expect(self, values: Any) -> None:
        """Look for tensors that share memory among values: their counterparts will, too."""
        found: dict[int, set[int]] = {}
        for each in _tensors_in(values):
            if each.layout == torch.strided and each.device.type == "cpu" and each.numel():
                found.setdefault(each.untyped_storage().data_ptr(), set()).add(id(each))
        self._shared = {place: None for place, several in found.items() if len(several) > 1}

    def _tensor(self, value: torch.Tensor) -> Any:
        plain = value.layout == torch.strided and value.device.type == "cpu"
        place = value.untyped_storage().data_ptr() if plain and value.numel() else 0
        if place not in self._shared or value.is_conj() or value.is_neg():
            return tensor(value)
        if self._shared[place] is None:
            self._shared[place] = _whole(value.detach())
        base = self._shared[place]
        if str(base.dtype) != str(value.dtype):
            return tensor(value)
        view = jtorch.as_strided(base, tuple(value.shape), value.stride(), value.storage_offset())
        return view.detach().requires_grad_(True) if value.requires_grad else view

    def _without_history(self, value: torch.Tensor) -> Any:
        """Return a view of the counterpart of the base, made under ``no_grad`` as the value was."""
        base, first = self(value._base), value.storage_offset()
        with jtorch.no_grad():
            if base.dtype.is_complex == value.dtype.is_complex:
                view = base.as_strided(tuple(value.shape), value.stride(), first)
                view = view.conj() if value.is_conj() != value._base.is_conj() else view
                return view.requires_grad_() if _has_gradient(value) else view
            part = (base.real, base.imag)[first % 2]  # a vector, see ``_lost_history``
            start, step = first // 2 - base.storage_offset(), value.stride(0) // 2
            return part[start :: step // base.stride(0)][: len(value)]

    def __call__(self, value: Any) -> Any:
        """Return the counterpart of a value of PyTorch, containers included.

        Raises:
            OutOfScopeError: it is a sparse, nested or quantised tensor.
            MissingError: it is a function that jtorch does not have.
        """
        if isinstance(value, torch.Tensor):
            if id(value) not in self._tensors:
                made = self._without_history(value) if _lost_history(value) else self._tensor(value)
                self._tensors[id(value)] = (value, made)
            return self._tensors[id(value)][1]
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            return value
        if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
            return ours(str(value).partition(".")[2])
        if isinstance(value, torch.device):
            return jtorch.device(str(value))
        if isinstance(value, torch.Generator):
            generator = jtorch.Generator()
            generator.set_state(tensor(value.get_state()))
            return generator
        if isinstance(value, torch.Size):
            return jtorch.Size(value)
        if isinstance(value, list):
            return [self(item) for item in value]
        if isinstance(value, tuple):
            items = [self(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        if isinstance(value, slice):
            return slice(self(value.start), self(value.stop), self(value.step))
        if isinstance(value, torch.nn.Module):
            return self._module(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._record(value)
        if callable(value):
            return function(value)
        return value

    def _record(self, value: Any) -> Any:
        """Return a data class of the same name with the same fields."""
        fields = {
            field.name: self(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.init
        }
        kind = type(value)
        if not kind.__module__.startswith("torch.nn"):
            return kind(**fields)
        return ours(f"{kind.__module__.partition('.')[2]}.{kind.__name__}")(**fields)

    def _module(self, module: torch.nn.Module) -> Any:
        """Return a module of the same class with the same attributes."""
        counterpart = ours(f"nn.{type(module).__name__}").__new__(
            ours(f"nn.{type(module).__name__}")
        )
        jtorch.nn.Module.__init__(counterpart)
        for name, value in vars(module).items():
            if not name.startswith("_"):
                setattr(counterpart, name, self(value))
        return counterpart


def tensor(value: torch.Tensor) -> Any:
    """Return jtorch's tensor with the same elements, strides, offset and part in autograd."""
    if value.layout != torch.strided or value.is_quantized or value.is_mkldnn or value.is_nested:
        raise OutOfScopeError(f"a tensor with layout {value.layout}")
    if value.device.type != "cpu":
        raise OutOfScopeError(f"a tensor on {value.device.type}")
    detached = value.detach()
    if detached.is_conj():
        result = tensor(detached.conj()).conj()
    elif detached.is_neg():
        result = jtorch._neg_view(tensor(detached._neg_view()))
    else:
        result = _strided(detached)
    if isinstance(value, torch.nn.Parameter):
        return jtorch.nn.Parameter(result, requires_grad=value.requires_grad)
    if value.requires_grad:
        result = result.detach().requires_grad_(True)
    return result


def _strided(value: torch.Tensor) -> Any:
    elements = value.untyped_storage().nbytes() // max(1, value.element_size())
    plain = value.is_contiguous() and value.storage_offset() == 0 and elements == value.numel()
    if plain and all(
        stride == expected
        for stride, expected in zip(value.stride(), _row_major(value.shape), strict=True)
    ):
        return _from_bits(value)
    return jtorch.as_strided(
        _whole(value), tuple(value.shape), value.stride(), value.storage_offset()
    )


def _whole(value: torch.Tensor) -> Any:
    """Return a vector of all elements of a tensor's storage."""
    elements = value.untyped_storage().nbytes() // max(1, value.element_size())
    return _from_bits(torch.as_strided(value, (elements,), (1,), 0))


def _tensors_in(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors_in(item)


def _row_major(shape: Any) -> list[int]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(1, size)
    return strides[::-1]


def _lost_history(value: torch.Tensor) -> bool:
    """Tell whether a tensor is a view made under ``no_grad``: it says that it is a leaf."""
    base = value._base
    if base is None or not (value.is_leaf and value.requires_grad and base.requires_grad):
        return False
    return base.dtype == value.dtype or (base.is_complex() and base.ndim == value.ndim == 1)


def _has_gradient(value: torch.Tensor) -> bool:
    """Tell whether gradients reach such a view: only where its flag was set, not taken over."""
    with torch.enable_grad():
        total = (value * 1).sum()
    seed = torch.ones_like(total)
    return torch.autograd.grad(total, value, seed, allow_unused=True)[0] is not None


def _from_bits(value: torch.Tensor) -> Any:
    value = value.detach().clone()  # an array of the tensor's own memory pins down its size
    if value.numel() == 0:  # NumPy's strides of an empty array are other ones
        dtype = ours(str(value.dtype).partition(".")[2])
        return jtorch.empty(tuple(value.shape), dtype=dtype)
    if value.ndim > 32:  # NumPy's limit, or near it
        return _from_bits(value.reshape(-1)).as_strided(tuple(value.shape), value.stride())
    bits = _AS_BITS.get(value.dtype)
    if bits is None:
        return jtorch.from_numpy(np.array(value.numpy(), copy=True, order="C"))
    plain = jtorch.from_numpy(np.array(value.contiguous().view(bits).numpy(), copy=True))
    return plain.view(ours(str(value.dtype).partition(".")[2])).clone()


def function(value: Callable) -> Callable:
    """Return jtorch's counterpart of a function of PyTorch or of its operator database.

    Raises:
        MissingError: jtorch has no public function of that name.
    """
    if isinstance(value, functools.partial):
        convert = Converter()
        keywords = {key: convert(item) for key, item in value.keywords.items()}
        return functools.partial(function(value.func), *map(convert, value.args), **keywords)
    if isinstance(value, torch._ops.OpOverload | torch._ops.OpOverloadPacket):
        return ours(f"ops.{value!s}")
    name = _names().get(id(value))
    if name is not None:
        return ours(name)
    if isinstance(value, types.FunctionType):
        # boolean_dispatch and the like make one inner function for several public names, and
        # `threshold` is kept under a private one.
        module = value.__module__ or ""
        if module.startswith(("torch.testing", "torch.utils")) or module == "__main__":
            return _rebound(value)
        if module.startswith("torch"):
            path = f"{module.partition('.')[2]}.{value.__qualname__}".lstrip(".")
            return ours(path)
        return _rebound(value)
    if isinstance(value, types.MethodType):
        return types.MethodType(function(value.__func__), Converter()(value.__self__))
    if type(value).__name__ == "_JittedFunction":
        raise OutOfScopeError("a CUDA kernel compiled at run time")
    if isinstance(value, type):
        return value
    raise MissingError(f"no counterpart of {value!r}")


_REBOUND: dict[int, Callable] = {}


def _rebound(value: types.FunctionType) -> Callable:
    """Return a function of the database with ``torch`` and its helpers exchanged for ours."""
    if value.__name__ in _HELPERS:
        return _HELPERS[value.__name__]
    if id(value) in _REBOUND:
        return _REBOUND[id(value)]
    names: dict[str, Any] = dict(value.__globals__)
    for name in _names_in(value.__code__):
        if name in names:
            names[name] = _exchanged(names[name], name)
    cells = None
    copy = types.FunctionType(value.__code__, names, value.__name__, None, value.__closure__)
    _REBOUND[id(value)] = copy
    if value.__closure__ is not None:
        cells = tuple(
            types.CellType(_exchanged(cell.cell_contents, name))
            for cell, name in zip(value.__closure__, value.__code__.co_freevars, strict=True)
        )
        copy = types.FunctionType(value.__code__, names, value.__name__, None, cells)
    convert = Converter()
    copy.__defaults__ = convert(value.__defaults__)
    copy.__kwdefaults__ = convert(value.__kwdefaults__)
    _REBOUND[id(value)] = copy
    _KEPT.append(value)
    return copy


#: Functions whose identity is a key above: they must not be freed.
_KEPT: list[Any] = []


def _names_in(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names_in(constant)
    return names


def _exchanged(value: Any, name: str) -> Any:
    if value is torch:
        return jtorch
    if isinstance(value, types.ModuleType):
        parts = value.__name__.split(".")
        if parts[0] != "torch" or "testing" in parts:
            return value
        return ours(".".join(parts[1:]))
    if name in _HELPERS:
        return _HELPERS[name]
    if isinstance(value, type) and (value.__module__ or "").startswith("torch"):
        with contextlib.suppress(MissingError):
            return ours(f"{value.__module__.partition('.')[2]}.{value.__name__}".lstrip("."))
        with contextlib.suppress(MissingError):
            return ours(value.__name__)
        return value
    if isinstance(value, type) or not _is_of_pytorch(value):
        return value
    return Converter()(value)


def _is_entry(value: Any) -> bool:
    return type(value).__name__.endswith("Info")


def _is_of_pytorch(value: Any) -> bool:
    if isinstance(value, list | tuple) and any(map(_is_entry, value)):
        return False
    return isinstance(
        value,
        torch.Tensor
        | torch.dtype
        | torch.device
        | torch.Generator
        | torch.memory_format
        | torch.layout
        | types.FunctionType
        | types.BuiltinFunctionType
        | types.MethodType
        | types.MethodDescriptorType
        | functools.partial
        | list
        | tuple
        | dict
        | torch._ops.OpOverload
        | torch._ops.OpOverloadPacket,
    )


@contextlib.contextmanager
def _frozen_generator() -> Iterator[None]:
    state = jtorch.get_rng_state()
    try:
        yield
    finally:
        jtorch.set_rng_state(state)


def _with_seed(op: Callable, *arguments: Any, **keywords: Any) -> Any:
    """Call an operator after ``manual_seed(42)``, and leave the generator as it was."""
    with _frozen_generator():
        jtorch.manual_seed(42)
        output = op(*arguments, **keywords)
        return output


#: Helpers of the database that reach into PyTorch's internals, in our words.
_HELPERS: dict[str, Callable] = {
    "wrapper_set_seed": _with_seed,
    "freeze_rng_state": _frozen_generator,
}
