"""Small questions about tensors and types, and numbers that PyTorch may trace as symbols."""

from __future__ import annotations

import itertools
import math
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from .._core.cpp_names import type_name
from .._core.dtypes import dtype as DType
from .._core.memory_format import channels_last
from .._core.memory_format import memory_format as MemoryFormat
from .._core.schema.schema import Schema
from .._engine.declare import publish
from .._engine.graph.values import is_tensor
from .._engine.recording.storage import OWN_DTYPE, extra_of

# Tensors


_SAME_SIZE = Schema("is_same_size(Tensor input, Tensor other)")


def _is_same_size(*args: Any, **kwargs: Any) -> bool:
    """Return whether two tensors have one shape."""
    _, bound = _SAME_SIZE.bind(args, kwargs)
    return tuple(bound["input"].shape) == tuple(bound["other"].shape)


def _is_inference(input: Any) -> bool:
    """Return whether a tensor was made in ``inference_mode``."""
    return input._value.meta.inference


def _is_distributed(input: Any) -> bool:
    """Return False, as PyTorch does."""
    return False


def _get_device(input: Any) -> int:
    """Return the index of the GPU that a tensor is on, -1 on the CPU."""
    return input.get_device()


def _dim_order(self: Any, *, ambiguity_check: Any = False) -> tuple[int, ...]:
    """Return the dimensions from outermost to innermost in memory.

    Args:
        ambiguity_check: whether to raise where strides allow several orders; or memory formats,
            in exactly one of which the tensor has to be then.

    Raises:
        RuntimeError: several orders are possible.
        TypeError: the check is neither a bool nor a list of memory formats.
    """
    formats = [] if isinstance(ambiguity_check, bool) else ambiguity_check
    if not isinstance(formats, list) or not all(isinstance(f, MemoryFormat) for f in formats):
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    strides, shape = self.stride(), self.shape
    if ambiguity_check is not False:
        several = 1 in shape or any(a == b for a, b in itertools.pairwise(strides))
        if (
            several
            and sum(self.is_contiguous(memory_format=memory_format) for memory_format in formats)
            != 1
        ):
            raise RuntimeError(
                "The tensor does not have unique dim order, or cannot map to exact one of the "
                "given memory formats."
            )
    dims = self.dim()
    row_major = self.is_contiguous()
    last = dims == 4 and self.is_contiguous(memory_format=channels_last)
    if dims < 2 or (row_major and not last):
        return tuple(range(dims))
    if last and not row_major:
        return (0, 2, 3, 1)
    order = _by_strides(shape, strides)
    if ambiguity_check and any(
        _inside(shape, strides, a, b) != 1 for a, b in itertools.pairwise(order)
    ):
        raise RuntimeError("The tensor does not have unique dim order.")
    return tuple(order)


def _inside(shape: Sequence[int], strides: Sequence[int], outer: int, inner: int) -> int:
    """Return 1 where the second dimension lies inside the first, -1 the other way, 0 unknown."""
    a, b = strides[inner], strides[outer]
    if not a or not b:
        return 0
    if a == b:
        return 0 if shape[outer] >= shape[inner] else -1
    return 1 if b > a else -1


def _by_strides(shape: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Sort dimensions by insertion, from innermost; those that cannot be compared stay."""
    order = list(reversed(range(len(shape))))
    for place in range(1, len(order)):
        moved = place
        for before in reversed(range(place)):
            known = _inside(shape, strides, order[moved], order[before])
            if known < 0:
                order[before], order[moved] = order[moved], order[before]
                moved = before
            elif known > 0:
                break
    return order[::-1]


def _const_data_ptr(self: Any) -> int:
    """Return the address of the first element."""
    return self.data_ptr()


def _map2_(self: Any, x: Any, y: Any, callable: Callable) -> Any:
    """Replace each element by what a Python function makes of it and of two others.

    Args:
        x, y: tensors that broadcast to this one.
        callable: takes three numbers.
    """
    shape = self.shape
    numbers = [row.expand(shape).reshape(-1).tolist() for row in (self, x, y)]
    results = [callable(*row) for row in zip(*numbers, strict=True)]
    return self.copy_(self.new_tensor(results).reshape(shape))


def typename(obj: Any, /) -> str:
    """Return the name of an object's type; of a tensor that of its old type."""
    if not isinstance(obj, type) and is_tensor(obj) and hasattr(obj, "type"):
        return obj.type()
    module = getattr(obj, "__module__", "") or ""
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    if name is None:
        module = obj.__class__.__module__ or ""
        name = obj.__class__.__qualname__
    return name if module in ("", "builtins") else f"{module}.{name}"


def _gradient_dtype(self: Any) -> Any:
    """The dtype of a leaf's gradient: its own, another one that was set, or ``None`` for any.

    Gradients are converted to it before hooks see them. With ``None``, ``.grad`` may be set to a
    tensor of any dtype; a backward pass makes gradients of the tensor's own.

    Raises:
        RuntimeError: the tensor is no leaf, or has a gradient of another dtype already.
    """
    if not self.is_leaf:
        raise RuntimeError("grad_dtype can only be accessed on leaf tensors.")
    extra = self._extra
    if extra is None or extra.grad_dtype is OWN_DTYPE:
        return self.dtype
    return extra.grad_dtype


def _set_gradient_dtype(self: Any, dtype: Any) -> None:
    if dtype is not None and not isinstance(dtype, DType):
        raise RuntimeError(
            f"grad_dtype must be a torch.dtype or None, but got {type(dtype).__name__}"
        )
    if not self.is_leaf:
        raise RuntimeError("grad_dtype can only be set on leaf tensors.")
    extra = extra_of(self)
    if dtype is not None and extra.grad is not None and extra.grad.dtype is not dtype:
        raise RuntimeError(
            f"Cannot set grad_dtype to '{dtype._legacy_name}' because there is already a gradient "
            f"with dtype '{type_name(extra.grad.dtype)}'. Please clear the gradient (.grad = None) "
            "before changing grad_dtype, or ensure the new grad_dtype matches the existing "
            "gradient's dtype."
        )
    extra.grad_dtype = dtype
    if extra.hooks is None:
        extra.hooks = OrderedDict()


def _volatile(self: Any) -> bool:
    """False; PyTorch no longer has this either."""
    warnings.warn(
        "volatile was removed (Variable.volatile is always False)", UserWarning, stacklevel=2
    )
    return False


def _set_volatile(self: Any, value: Any) -> None:
    warnings.warn(
        "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
        UserWarning,
        stacklevel=2,
    )


def _exported_name(self: Any) -> None:
    """The name that PyTorch's old exporter gave: none."""


# Numbers


def sym_not(a: Any) -> bool:
    """Return the opposite of a truth value."""
    return not a


def sym_float(a: Any) -> float:
    """Return a number as a float."""
    return float(a)


def sym_int(a: Any) -> int:
    """Return a number as an int, cut towards 0."""
    return int(a)


def sym_max(a: Any, b: Any) -> Any:
    """Return the larger number, a float where either one is."""
    return _chosen(max, a, b)


def sym_min(a: Any, b: Any) -> Any:
    """Return the smaller number, a float where either one is."""
    return _chosen(min, a, b)


def _chosen(choose: Callable, a: Any, b: Any) -> Any:
    result = choose(a, b)
    return float(result) if isinstance(a, float) or isinstance(b, float) else result


def sym_sum(*args: Any) -> Any:
    """Add numbers up, given one by one or as a list."""
    listed = len(args) == 1 and isinstance(args[0], (list, tuple))
    return sum(args[0] if listed else args)


def sym_sqrt(a: Any) -> float:
    """Return a square root."""
    return math.sqrt(a)


def sym_ite(b: bool, t: Any, f: Any) -> Any:
    """Return the second argument where the first is true, else the third."""
    return t if b else f


def sym_constrain_range(size: int, *, min: int | None = None, max: int | None = None) -> None:
    """Check that a number lies between two others.

    Raises:
        RuntimeError: it does not.
    """
    low = -(2**63) if min is None else min
    high = 2**63 - 1 if max is None else max
    if not low <= size <= high:
        raise RuntimeError(f"Invalid value range for {size} between [{low}, {high}].")


def sym_constrain_range_for_size(
    size: int, *, min: int | None = None, max: int | None = None
) -> None:
    """Check that a number can be a size, and lies between two others."""
    sym_constrain_range(size, min=0 if min is None else min, max=max)


def sym_fresh_size(expr: int) -> int:
    """Return a number itself."""
    return expr


_named: tuple[Callable, ...] = (
    typename, sym_not, sym_float, sym_int, sym_max, sym_min, sym_sum, sym_sqrt, sym_ite,
    sym_constrain_range, sym_constrain_range_for_size, sym_fresh_size,
)  # fmt: skip
for _function in _named:
    _function.__module__ = "torch"
    publish(_function.__name__, _function)
publish("is_same_size", _is_same_size, refused=("(Tensor input, Tensor other)",))
publish("is_inference", _is_inference, method=_is_inference, refused=("(Tensor input)",))
publish("is_distributed", _is_distributed, refused=("(Tensor input)",))
publish("get_device", _get_device, refused=("(Tensor input)",))
publish("dim_order", method=_dim_order)
publish("const_data_ptr", method=_const_data_ptr, refused=("(Tensor input)",))
publish("map2_", method=_map2_, refused=("(Tensor input, Tensor x, Tensor y, PyObject* callable)",))
publish("grad_dtype", method=property(_gradient_dtype, _set_gradient_dtype))
publish("volatile", method=property(_volatile, _set_volatile))
publish("name", method=property(_exported_name))
