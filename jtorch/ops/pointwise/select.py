"""Selection between elements: clamp, maximum, minimum, where, and neighbours of numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from ..._core import dtypes, messages
from ..._core.dtypes import dtype as DType
from ..._core.schema.schema import Schema
from ..._engine.declare import Out, op, publish
from ..._engine.graph.op import Op, Operand
from ..._engine.graph.values import is_tensor
from ..._engine.recording.kinds.base import cast
from ..._engine.recording.kinds.pointwise import (
    BOOL,
    FLOATING,
    INTEGRAL,
    Pointwise,
    check_fits,
    only,
)
from .._shared import out_dtypes
from .._shared.gradient_rules import not_differentiable, with_partials
from ..reduce.counting import nonzero
from . import _messages


def _real(meta_dtype) -> None:
    if meta_dtype.is_complex:
        raise messages.clamp_of_complex()


class Clamp(Pointwise):
    """A clamp by numbers or tensors."""

    def __init__(self, bounds: tuple[str, ...], kernel: str):
        super().__init__(operands=("input", *bounds))
        self.bounds = bounds
        self.kernel = kernel

    def plan(self, operator, bound, mode):
        given = {n: bound[n] for n in self.bounds if isinstance(bound.get(n), Operand)}
        if not given:
            raise _messages.clamp_without_bounds()
        tensors = [o for o in given.values() if o.meta is not None]
        by_tensor = bool(tensors)
        self.check = only(*((BOOL,) if by_tensor else ()), INTEGRAL, FLOATING,
                          kernel=self._kernel(given, by_tensor))  # fmt: skip
        single = len(self.bounds) == 1
        if not (single and by_tensor):
            _real(bound["input"].meta.dtype)
            if any(isinstance(o.number, complex) for o in given.values()):
                raise messages.clamp_of_complex()
        self.names = lambda operands, static: f"{self.kernel}Backward{int(by_tensor == single)}"
        self.saves = lambda operands: tuple(operands)
        plan = super().plan(operator, bound, mode)
        for operand in given.values():
            if operand.meta is None and not isinstance(operand.number, bool):
                check_fits(operand.number, plan.metas[0].dtype)
        return plan

    def _kernel(self, given, by_tensor):
        if by_tensor:
            if "min" in given and "max" in given:
                return "clamp_cpu"
            return "maximum_cpu" if "min" in given else "minimum_cpu"
        if "min" in given and "max" in given:
            return "clamp_scalar_cpu"
        return "clamp_min_scalar_cpu" if "min" in given else "clamp_max_scalar_cpu"


def _clamp_both(x, low, high):
    return jnp.minimum(jnp.maximum(x, low), high)


_both = with_partials(
    _clamp_both,
    lambda tangent, x, low, high: jnp.where((x >= low) & (x <= high), tangent, 0),
    lambda tangent, x, low, high: jnp.where((low < high) & (x < low), tangent, 0),
    lambda tangent, x, low, high: jnp.where((x > high) | (high < low), tangent, 0),
)
_lower = with_partials(
    jnp.maximum,
    lambda tangent, x, low: jnp.where(x >= low, tangent, 0),
    lambda tangent, x, low: jnp.where(x < low, tangent, 0),
)
_upper = with_partials(
    jnp.minimum,
    lambda tangent, x, high: jnp.where(x <= high, tangent, 0),
    lambda tangent, x, high: jnp.where(x > high, tangent, 0),
)


def clamp_value(input, min=None, max=None):
    """Clamp an array, with PyTorch's gradient at the bounds."""
    if max is None:
        return _lower(input, min)
    if min is None:
        return _upper(input, max)
    return _both(input, min, max)


@op(
    "clamp(Tensor input, Tensor? min=None, Tensor? max=None, *, Tensor out=None)",
    "clamp(Tensor input, Scalar? min=None, Scalar? max=None, *, Tensor out=None)",
    kind=Clamp(("min", "max"), "Clamp"),
    inplace=True,
    inplace_function=True,
    aliases=("clip",),
)
def clamp(input, min=None, max=None):
    """Replace elements below ``min`` by it, and those above ``max`` by that.

    Args:
        input: tensor.
        min, max: numbers, or tensors that broadcast with it; one of them may be absent.
    Returns:
        Tensor of the broadcast shape in the promoted dtype. The gradient at a bound is 1.
    """
    return clamp_value(input, min, max)


@op(
    "clamp_min(Tensor input, Tensor min, *, Tensor out=None)",
    "clamp_min(Tensor input, Scalar min, *, Tensor out=None)",
    kind=Clamp(("min",), "ClampMin"),
    arity="binary",
    inplace=True,
    inplace_function=True,
)
def clamp_min(input, min):
    """Replace elements below ``min`` by it.

    Args:
        input: tensor.
        min: number, or tensor that broadcasts with it.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return _lower(input, min)


@op(
    "clamp_max(Tensor input, Tensor max, *, Tensor out=None)",
    "clamp_max(Tensor input, Scalar max, *, Tensor out=None)",
    kind=Clamp(("max",), "ClampMax"),
    arity="binary",
    inplace=True,
    inplace_function=True,
)
def clamp_max(input, max):
    """Replace elements above ``max`` by it.

    Args:
        input: tensor.
        max: number, or tensor that broadcasts with it.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return _upper(input, max)


def _half_at_ties(wins):
    """Return the partial of an operand: all where it wins, half at ties, all at NaN."""

    def partial(tangent, first, second):
        return jnp.where(wins(second, first), 0, jnp.where(first == second, tangent / 2, tangent))

    return partial


def _first(wins):
    return _half_at_ties(wins)


def _second(wins):
    partial = _half_at_ties(wins)
    return lambda tangent, first, second: partial(tangent, second, first)


def _greater(a, b):
    return a > b


def _less(a, b):
    return a < b


_maximum = with_partials(jnp.maximum, _first(_greater), _second(_greater))
_minimum = with_partials(jnp.minimum, _first(_less), _second(_less))


def _fmax_first(x, y):
    return (x >= y) | jnp.isnan(y)


def _fmin_first(x, y):
    return (x <= y) | jnp.isnan(y)


_fmax = with_partials(
    jnp.fmax,
    lambda tangent, x, y: jnp.where(_fmax_first(x, y), tangent, 0),
    lambda tangent, x, y: jnp.where(_fmax_first(x, y), 0, tangent),
)
_fmin = with_partials(
    jnp.fmin,
    lambda tangent, x, y: jnp.where(_fmin_first(x, y), tangent, 0),
    lambda tangent, x, y: jnp.where(_fmin_first(x, y), 0, tangent),
)


def _declare_extremum(
    name: str,
    summary: str,
    function: Callable,
    kernel: str,
    foreach: dict[str, str] | None = None,
) -> Op:
    def check_complex(operator, operands, static) -> None:
        if any(operand.meta.dtype.is_complex for operand in operands.values()):
            raise _messages.extremum_of_complex(name)

    def pure(input, other):
        if input.dtype.kind in "iub":
            return jnp.maximum(input, other) if "max" in name else jnp.minimum(input, other)
        return function(input, other)

    pure.__doc__ = (
        f"{summary}\n\n    Args:\n        input, other: tensors, not complex, that broadcast "
        "together.\n    Returns:\n        Tensor of the broadcast shape and promoted dtype.\n    "
    )
    return op(
        f"{name}(Tensor input, Tensor other, *, Tensor out=None)",
        kind=Pointwise(
            check_operands=check_complex, check=only(BOOL, INTEGRAL, FLOATING, kernel=kernel)
        ),
        arity="binary",
        foreach=foreach,
    )(pure)


maximum = _declare_extremum(
    "maximum",
    "Return the larger of each pair of elements, NaN if one is.",
    _maximum,
    "maximum_cpu",
    foreach={"maximum": "binary", "clamp_min": "binary"},
)
minimum = _declare_extremum(
    "minimum", "Return the smaller of each pair of elements, NaN if one is.", _minimum,
    "minimum_cpu",
foreach={"minimum": "binary", "clamp_max": "binary"})  # fmt: skip
fmax = _declare_extremum(
    "fmax", "Return the larger of each pair of elements, NaN only if both are.", _fmax,
    "maximum_cpu",
)  # fmt: skip
fmin = _declare_extremum(
    "fmin", "Return the smaller of each pair of elements, NaN only if both are.", _fmin,
    "minimum_cpu",
)  # fmt: skip


class _Where(Pointwise):
    """A choice: the condition has no say in the dtype."""

    def compute_dtype(self, operands, static, mode):
        return super().compute_dtype([o for o in operands if o.name != "condition"], static, mode)

    def plan(self, operator, bound, mode):
        dtype = bound["condition"].meta.dtype
        if dtype is dtypes.uint8:
            _messages.warn_byte_condition()
        elif dtype is not dtypes.bool_:
            raise _messages.condition_dtype(dtype._legacy_name)
        plan = super().plan(operator, bound, mode)
        compute = plan.metas[0].dtype
        for operand in plan.operands:
            if operand.meta is None and not isinstance(operand.number, bool):
                check_fits(operand.number, compute)

        plan.function = functools.partial(operator.function, dtype=compute)
        return plan


def _as(array, dtype):
    return cast(array if hasattr(array, "dtype") else jnp.asarray(array), dtype)


@op(
    "where(Tensor condition)",
    "where(Tensor condition, Tensor input, Tensor other, *, Tensor out=None)",
    "where(Tensor condition, Scalar self, Tensor other)",
    "where(Tensor condition, Tensor input, Scalar other)",
    "where(Tensor condition, Scalar self, Scalar other)",
    kind=_Where(operands=("condition", "input", "self", "other")),
    method=False,
    function=False,
    saves=("condition",),
    out=Out(dtype=out_dtypes.where),
)
def where(condition: Any, input: Any, other: Any, *, dtype: DType) -> Any:
    """Choose each element from ``input`` where the condition is true, else from ``other``."""
    return jnp.where(condition != 0, _as(input, dtype), _as(other, dtype))


def where_function(*args, **kwargs):
    """Choose each element from ``input`` where the condition is true, else from ``other``.

    Args:
        condition: tensor of bool.
        input, other: tensors or numbers that broadcast with it; without them, the positions of the
            true elements are returned.
    Returns:
        Tensor of the broadcast shape in the promoted dtype of the last two; or a tuple with one
        tensor of positions for each dimension.
    """
    if len(args) + len(kwargs) == 1:
        _, bound = where.schema.bind(args, kwargs)
        return nonzero(bound["condition"], as_tuple=True)
    return where.call(*args, **kwargs)


def where_method(self, condition, other):
    """Keep each element where the condition is true, and take that of ``other`` elsewhere.

    Args:
        condition: tensor of bool.
        other: tensor or number.
    """
    if not is_tensor(condition):
        _METHOD.bind((condition, other), {}, True)  # raises with PyTorch's words
    return where.call(condition, self, other)


_METHOD = Schema(
    "where(Tensor condition, Tensor other)",
    "where(Tensor condition, Scalar other)",
    method=("where(Tensor condition, Tensor other)", "where(Tensor condition, Scalar other)"),
)

for _call in (where_function, where_method):
    _call.__name__ = _call.__qualname__ = "where"
    _call.__module__ = "torch"
publish("where", where_function, signatures=where)
publish(
    "where",
    method=where_method,
    refused=(
        "(Tensor condition, Tensor input, Tensor other)",
        "(Tensor condition, Tensor input, Scalar other)",
    ),
)


def _check_heaviside(operator, operands, static) -> None:
    first, second = (operands[name].meta.dtype for name in ("input", "values"))
    if first.is_complex or second.is_complex:
        raise _messages.heaviside_complex()
    if first is not second:
        raise _messages.heaviside_dtypes()


@op(
    "heaviside(Tensor input, Tensor values, *, Tensor out=None)",
    kind=Pointwise(
        operands=("input", "values"),
        check_operands=_check_heaviside,
        check=only(BOOL, INTEGRAL, FLOATING),
    ),
    inplace=True,
    saves=(),
    node_name="NotImplemented",
    vjp=not_differentiable("heaviside"),
    out=Out(dtype=out_dtypes.heaviside),
)
def heaviside(input, values):
    """Heaviside step function: 0 below 0, 1 above, ``values`` at 0.

    Args:
        input, values: tensors of one dtype that broadcast together.
    Returns:
        Tensor of the broadcast shape.
    """
    return jnp.where(input == 0, values, (input > 0).astype(input.dtype))


def _copysign_slope(tangent, x, y):
    return tangent * jnp.where(x == 0, 0, jnp.copysign(x, y) / jnp.where(x == 0, 1, x))


_copysign = with_partials(jnp.copysign, _copysign_slope, None)


@op(
    "copysign(Tensor input, Tensor other, *, Tensor out=None)",
    "copysign(Tensor input, Scalar other, *, Tensor out=None)",
    kind=Pointwise(
        promote="float",
        check=only(FLOATING),
        names=lambda operands, static: (
            "CopysignBackward1" if operands["other"].meta is None else "CopysignBackward0"
        ),
    ),
    arity="binary",
    inplace=True,
    keeps={"result": None},
    copies=("other",),
)
def copysign(input, other):
    """Give each element of ``input`` the sign of that of ``other``.

    Args:
        input: tensor.
        other: tensor or number that broadcasts with it.
    Returns:
        Tensor of a floating point dtype.
    """
    return _copysign(input, other)


_nextafter = with_partials(jnp.nextafter, lambda tangent, x, y: jnp.where(x != y, tangent, 0), None)


@op(
    "nextafter(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Pointwise(check=only(FLOATING), wide=False),
    arity="binary",
    inplace=True,
)
def nextafter(input, other):
    """Return the number of the dtype that comes after each element, towards ``other``.

    Args:
        input, other: tensors of a floating point dtype that broadcast together.
    Returns:
        Tensor of the broadcast shape.
    """
    return _nextafter(input, other)
