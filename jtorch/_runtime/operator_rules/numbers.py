"""Numbers, dtypes and memory as the operators that PyTorch makes them of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jtorch as torch

from ..._engine.graph.values import is_tensor
from ..._engine.recording import overrides
from ..._engine.recording.dispatch_modes import without_operators
from ...ops.compat import aten
from .table import RULES, rule


@rule("tensor")
def _tensor(*args: Any, **kwargs: Any) -> Any:
    with without_operators():
        made = torch.tensor(*args, **kwargs)
    return aten.lift_fresh.default(made)


@rule("item")
def _item(input: Any) -> Any:
    return aten._local_scalar_dense.default(input)


def _as_number(kind: type) -> Callable:
    return lambda input: kind(aten._local_scalar_dense.default(input))


for _number in (int, float, bool, complex):
    RULES[f"__{_number.__name__}__"] = _as_number(_number)
RULES["__index__"] = _as_number(int)


@rule("to")
def _to(input: Any, *args: Any, **kwargs: Any) -> Any:
    names = [each for each in args if not isinstance(each, (bool, torch.memory_format))]
    wanted = [*names, kwargs.get("dtype"), kwargs.get("other")]
    dtype = next((w for w in wanted if isinstance(w, torch.dtype)), input.dtype)
    other = next((w for w in wanted if is_tensor(w)), None)
    device = next((w for w in (*names, kwargs.get("device")) if _is_device(w)), None)
    if other is not None:
        dtype, device = other.dtype, other.device
    options: dict[str, Any] = {}
    if dtype is not input.dtype:
        options["dtype"] = dtype
    if device is not None and torch.device(device) != input.device:
        options["device"] = torch.device(device)
    if not options and not kwargs.get("copy"):
        return input
    return aten._to_copy.default(input, **options)


def _is_device(value: Any) -> bool:
    return isinstance(value, (str, torch.device))


def _to_dtype(dtype: Any) -> Callable:
    return lambda input, memory_format=None: _to(input, dtype)


for _dtype in (
    "float",
    "double",
    "half",
    "bfloat16",
    "int",
    "long",
    "short",
    "char",
    "byte",
    "bool",
):
    RULES[_dtype] = _to_dtype(
        {"char": torch.int8, "byte": torch.uint8}.get(_dtype) or getattr(torch, _dtype)
    )


@rule("type_as")
def _type_as(input: Any, other: Any) -> Any:
    return _to(input, other.dtype)


def _spread(function: str) -> Callable:
    """Return the rule of a standard deviation or variance, with Bessel's correction as a number."""

    def spread(input: Any, dim: Any = None, unbiased: Any = None, **kwargs: Any) -> Any:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if kwargs.get("out") is not None:
            return NotImplemented
        kwargs = {name: value for name, value in kwargs.items() if value not in (None, False)}
        if "correction" not in kwargs and (dim is not None or unbiased is not None):
            kwargs["correction"] = int(unbiased is not False)
        places = [] if dim is None else [list(dim) if isinstance(dim, (list, tuple)) else [dim]]
        return getattr(aten, function).correction(input, *places, **kwargs)

    return spread


for _function in ("std", "var", "std_mean", "var_mean"):
    RULES[_function] = _spread(_function)


# What reads memory, which a tensor without elements has not


def _refuses(words: str) -> Callable:
    def refuse(input: Any, *args: Any, **kwargs: Any) -> Any:
        if not overrides.sees_operators(type(input)):
            return NotImplemented
        raise RuntimeError(words.format(type(input).__name__))

    return refuse


RULES["data_ptr"] = _refuses("Cannot access data pointer of a tensor without elements, {}")
RULES["numpy"] = _refuses(".numpy() is not supported for tensor subclasses.")
RULES["tolist"] = _refuses(".tolist() is not supported for tensor subclasses, got {}")
