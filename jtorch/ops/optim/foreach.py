"""Functions of lists of tensors: ``torch._foreach_add`` and the others of that prefix.

They stand for one call per tensor, as in PyTorch on the CPU. Where no gradient flows and all
tensors have one floating point dtype, the few that training loops use are one operator for the
whole list (see ``_engine.recording.multi_tensor``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from ..._engine.declare import publish
from ..._engine.graph.op import REGISTRY, Op
from ..._engine.graph.values import is_tensor
from ..._engine.recording.multi_tensor import ListOp, map_lists, write_lists
from ..._engine.recording.overrides import DISPATCHING, seeing_operators
from ..._engine.recording.trace import local
from ..linalg.matmul import mm
from ..pointwise import arithmetic, division, power, rounding, select, unary  # noqa: F401
from .steps import _wide, add, lerp, times

#: Which bound of ``clamp`` an operator is where its second argument is a number.
_BOUNDS = {"maximum": "min", "minimum": "max"}


def _checked(tensors: Any, name: str) -> list[Any]:
    if not isinstance(tensors, (list, tuple)) or not all(map(is_tensor, tensors)):
        raise TypeError(
            f"_foreach_{name}(): argument 'self' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    if not tensors:
        raise RuntimeError("Tensor list must have at least one tensor.")
    return list(tensors)


def _spread(value: Any, count: int) -> list[Any]:
    """Return one argument for each tensor of a list."""
    if not isinstance(value, (list, tuple)):
        if is_tensor(value) and value.dim() != 0:
            raise RuntimeError(
                f"scalar tensor expected to be 0 dim but it has {value.dim()} dimensions and "
                f"{value.numel()} elements."
            )
        return [value] * count
    if len(value) != count:
        if value and not is_tensor(value[0]):
            raise RuntimeError("Tensor list must have same number of elements as scalar list.")
        raise RuntimeError(
            f"Tensor lists must have the same number of tensors, got {count} and {len(value)}"
        )
    return list(value)


def _together(*lists: Sequence[Any]) -> bool:
    """Return whether one operator can take whole lists: of floats of one dtype, without grad."""
    if DISPATCHING and seeing_operators(lists):
        return False
    first = lists[0][0]._value.meta
    if not first.dtype.is_floating_point:
        return False
    tracking = local.trace.mode.grad
    for tensors in lists:
        for tensor in tensors:
            meta = tensor._value.meta
            if meta.dtype is not first.dtype or meta.device is not first.device:
                return False
            if tracking and meta.grad:
                return False
    return all(
        left._value.meta.shape == right._value.meta.shape
        for other in lists[1:]
        for left, right in zip(lists[0], other, strict=True)
    )


def _scalar_in_bounds(value: Any) -> bool:
    if is_tensor(value):
        meta = value._value.meta
        tracked = local.trace.mode.grad and meta.grad
        return not meta.ndim and meta.dtype.is_floating_point and not tracked
    return value.__class__ in (int, float)


# One operator for a whole list

_SCALE = ListOp("foreach_mul", lambda static, numbers, arrays: (times(arrays[0], numbers[0]),))
_ADD = ListOp(
    "foreach_add", lambda static, numbers, arrays: (add(arrays[0], arrays[1], numbers[0]),)
)
_LERP = ListOp(
    "foreach_lerp", lambda static, numbers, arrays: (lerp(arrays[0], arrays[1], numbers[0]),)
)
_ZERO = ListOp("foreach_zero", lambda static, numbers, arrays: (jnp.zeros_like(arrays[0]),))


def _norms(static: Any, numbers: Any, arrays: Any) -> tuple[Any]:
    (order,) = static
    wide = jnp.abs(_wide(arrays[0]))
    if order == float("inf"):
        return (jnp.max(wide, initial=0.0),)
    if order == 1:
        return (jnp.sum(wide),)
    return (jnp.sqrt(jnp.sum(wide * wide)),)


_NORM = ListOp("foreach_norm", _norms, node_name="LinalgVectorNormBackward0")


def _declare(name: str, function: Callable) -> None:
    public = f"_foreach_{name}"
    function.__name__ = function.__qualname__ = public
    function.__module__ = "torch"
    publish(public, function)


def _declare_unary(name: str, operator: Op) -> None:
    def out_of_place(self: Any) -> tuple[Any, ...]:
        function = operator.call
        return tuple([function(tensor) for tensor in _checked(self, name)])

    def in_place(self: Any) -> Any:
        function = operator.inplace_twin.call
        for tensor in _checked(self, name + "_"):
            function(tensor)
        return self

    _declare(name, out_of_place)
    _declare(name + "_", in_place)


def _write_together(name: str, tensors: list[Any], other: Any, alpha: Any) -> bool:
    """Write to a whole list by one operator; return whether that was possible."""
    if name == "mul" and _scalar_in_bounds(other) and _together(tensors):
        write_lists(_SCALE, None, (other,), (tensors,), (0,))
        return True
    if (
        name in ("add", "sub")
        and isinstance(other, (list, tuple))
        and len(other) == len(tensors)
        and all(map(is_tensor, other))
        and _scalar_in_bounds(alpha)
        and _together(tensors, other)
    ):
        factor = alpha if name == "add" else -alpha
        write_lists(_ADD, None, (factor,), (tensors, other), (0,))
        return True
    return False


def _declare_binary(name: str, operator: Op) -> None:
    is_bound = operator.name in _BOUNDS

    def out_of_place(self: Any, other: Any, *, alpha: Any = 1) -> tuple[Any, ...]:
        function = operator.call
        if name == "pow" and not isinstance(self, (list, tuple)):
            return tuple([function(self, exponent) for exponent in _checked(other, name)])
        tensors = _checked(self, name)
        options = {} if alpha == 1 else {"alpha": alpha}
        return tuple(
            [
                _applied(operator, tensor, argument, options)
                for tensor, argument in zip(tensors, _spread(other, len(tensors)), strict=True)
            ]
        )

    def in_place(self: Any, other: Any, *, alpha: Any = 1) -> Any:
        tensors = _checked(self, name + "_")
        if _write_together(name, tensors, other, alpha):
            return self
        options = {} if alpha == 1 else {"alpha": alpha}
        for tensor, argument in zip(tensors, _spread(other, len(tensors)), strict=True):
            if is_bound:
                tensor.copy_(_applied(operator, tensor, argument, options))
            else:
                operator.inplace_twin.call(tensor, argument, **options)
        return self

    _declare(name, out_of_place)
    _declare(name + "_", in_place)


def _applied(operator: Op, tensor: Any, other: Any, options: dict) -> Any:
    if is_tensor(other) or operator.name not in _BOUNDS:
        return operator.call(tensor, other, **options)
    return select.clamp.call(tensor, **{_BOUNDS[operator.name]: other})


def _declare_ternary(name: str, operator: Op) -> None:
    def values_of(value: Any, count: int) -> list[Any]:
        if is_tensor(value):
            value = value.tolist()
            value = value if isinstance(value, list) else [value]
        return _spread(value, count)

    def out_of_place(self: Any, tensor1: Any, tensor2: Any, value: Any = 1) -> tuple[Any, ...]:
        tensors = _checked(self, name)
        count = len(tensors)
        return tuple(
            [
                operator.call(tensor, left, right, value=number)
                for tensor, left, right, number in zip(
                    tensors,
                    _spread(tensor1, count),
                    _spread(tensor2, count),
                    values_of(value, count),
                    strict=True,
                )
            ]
        )

    def in_place(self: Any, tensor1: Any, tensor2: Any, value: Any = 1) -> Any:
        tensors = _checked(self, name + "_")
        count = len(tensors)
        for tensor, left, right, number in zip(
            tensors,
            _spread(tensor1, count),
            _spread(tensor2, count),
            values_of(value, count),
            strict=True,
        ):
            operator.inplace_twin.call(tensor, left, right, value=number)
        return self

    _declare(name, out_of_place)
    _declare(name + "_", in_place)


def _foreach_lerp(self: Any, tensors1: Any, weight: Any) -> tuple[Any, ...]:
    tensors = _checked(self, "lerp")
    count = len(tensors)
    ends, weights = _spread(tensors1, count), _spread(weight, count)
    return tuple(
        [arithmetic.lerp.call(a, b, w) for a, b, w in zip(tensors, ends, weights, strict=True)]
    )


def _foreach_lerp_(self: Any, tensors1: Any, weight: Any) -> Any:
    tensors = _checked(self, "lerp_")
    count = len(tensors)
    ends = _spread(tensors1, count)
    if _scalar_in_bounds(weight) and _together(tensors, ends):
        write_lists(_LERP, None, (weight,), (tensors, ends), (0,))
        return self
    for a, b, w in zip(tensors, ends, _spread(weight, count), strict=True):
        arithmetic.lerp.inplace_twin.call(a, b, w)
    return self


def _foreach_norm(self: Any, ord: Any = 2, dtype: Any = None) -> tuple[Any, ...]:
    tensors = _checked(self, "norm")
    order = float(ord)
    if dtype is None and order in (1.0, 2.0, float("inf")) and _together(tensors):
        (norms,) = map_lists(_NORM, (order,), (), (tensors,), (-1,))
        return tuple(norms)
    options = {} if dtype is None else {"dtype": dtype}
    return tuple([tensor.norm(p=ord, **options) for tensor in tensors])


def _foreach_zero_(self: Any) -> Any:
    tensors = _checked(self, "zero_")
    if _together(tensors):
        write_lists(_ZERO, None, (), (tensors,), (0,))
    else:
        for tensor in tensors:
            tensor.zero_()
    return self


def _foreach_copy_(self: Any, src: Any, non_blocking: bool = False) -> Any:
    tensors = _checked(self, "copy_")
    for tensor, source in zip(tensors, _spread(src, len(tensors)), strict=True):
        tensor.copy_(source, non_blocking)
    return self


def _foreach_clone(self: Any, *, memory_format: Any = None) -> tuple[Any, ...]:
    options = {} if memory_format is None else {"memory_format": memory_format}
    return tuple([tensor.clone(**options) for tensor in _checked(self, "clone")])


def _foreach_max(self: Any) -> tuple[Any, ...]:
    return tuple([tensor.max() for tensor in _checked(self, "max")])


def _foreach_mm(self: Any, mat2: Any) -> tuple[Any, ...]:
    tensors = _checked(self, "mm")
    others = _spread(mat2, len(tensors))
    return tuple([mm.call(a, b) for a, b in zip(tensors, others, strict=True)])


def _foreach_powsum(self: Any, ord: Any = 2, dtype: Any = None) -> tuple[Any, ...]:
    options = {} if dtype is None else {"dtype": dtype}
    return tuple([(t.abs() ** ord).sum(**options) for t in _checked(self, "powsum")])


_DECLARE = {"unary": _declare_unary, "binary": _declare_binary, "ternary": _declare_ternary}
for _operator in list(REGISTRY.values()):
    for _name, _arity in (_operator.foreach or {}).items():
        _DECLARE[_arity](_name, _operator)
for _name, _function in (
    ("lerp", _foreach_lerp),
    ("lerp_", _foreach_lerp_),
    ("norm", _foreach_norm),
    ("zero_", _foreach_zero_),
    ("copy_", _foreach_copy_),
    ("clone", _foreach_clone),
    ("max", _foreach_max),
    ("mm", _foreach_mm),
    ("powsum", _foreach_powsum),
):
    _declare(_name, _function)
