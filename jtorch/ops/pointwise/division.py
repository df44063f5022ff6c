"""Division of elements: quotients, remainders and reciprocals."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes
from ..._core.dtypes import is_inexact
from ..._engine.declare import Autocast, InPlace, op, publish
from ..._engine.graph.tracing import for_numpy
from ..._engine.graph.values import is_tensor
from ..._engine.recording.kinds.base import broadcast_shapes
from ..._engine.recording.kinds.pointwise import COMPLEX, FLOATING, INTEGRAL, Pointwise, only
from .._shared.data_checks import elements
from .._shared.gradient_rules import from_result, not_differentiable, with_partials
from . import _messages
from .arithmetic import reflected


def no_zero_divisor(op, operands, compute) -> None:
    """Refuse the Python number 0 as the divisor of integers.

    A number may be only an example of those to come, but refusing it leaves nothing behind. Zeros
    inside a tensor are found by ``_no_zeros``, in every call.
    """
    other = operands["other"]
    if not is_inexact(compute) and other.meta is None and other.number == 0:
        raise _messages.zero_division()


def _no_zeros(args: tuple, kwargs: dict) -> None:
    """Refuse integers divided by a tensor of integers with a zero in it."""
    other = args[1] if len(args) > 1 else kwargs.get("other")
    if not is_tensor(other) or is_inexact(other._value.meta.dtype):
        return
    dividend = args[0] if args else kwargs.get("input", kwargs.get("self"))
    if is_tensor(dividend):
        meta = dividend._value.meta
        if is_inexact(meta.dtype) or meta.dtype is other._value.meta.dtype is dtypes.bool_:
            return  # PyTorch has no kernel for bool alone
        shape = meta.shape
    elif isinstance(dividend, (int, np.integer)):
        shape = ()
    else:
        return
    divisors = elements(other, "integer division")
    if divisors is None or divisors.all():
        return
    if 0 not in broadcast_shapes([shape, other._value.meta.shape]):
        raise _messages.zero_division()


def _no_zeros_when_rounded(args: tuple, kwargs: dict) -> None:
    if kwargs.get("rounding_mode") in ("trunc", "floor"):
        _no_zeros(args, kwargs)


class Quotient(Pointwise):
    """A division; ``rounding_mode`` decides whether integers stay integers."""

    def plan(self, op, bound, mode):
        rounding = bound.get("rounding_mode")
        if rounding not in (None, "trunc", "floor"):
            raise _messages.rounding_mode(rounding)
        if rounding is None:
            return _PLAIN.plan(op, bound, mode)
        return _ROUNDED[rounding, _in_narrow_steps(bound)].plan(op, bound, mode)


class FloorQuotient:
    """A division that is rounded down, without a gradient."""

    refuses_self_overlap = True

    def plan(self, op, bound, mode):
        return _FLOORED[_in_narrow_steps(bound)].plan(op, bound, mode)


def _in_narrow_steps(bound) -> bool:
    """Return whether halves are rounded in each step.

    torch 2.13 does not where all have one divisor, which then is not rounded either.
    """
    other = bound["other"]
    return other.meta is not None and other.meta.numel != 1


class Rounded(Pointwise):
    """A division whose integers stay integers."""

    def compute_dtype(self, operands, static, mode):
        compute = super().compute_dtype(operands, static, mode)
        no_zero_divisor(None, {o.name: o for o in operands}, compute)
        return compute


_PLAIN = Pointwise(
    promote="float",
    exact_numbers=True,
    names=lambda operands, static: "DivBackward2" if "rounding_mode" in static else None,
    # The divisor for the dividend's gradient, both for its own.
    saves=lambda operands: ("input", "other") if _differentiable(operands["other"]) else ("other",),
)
_ROUNDED = {
    (mode, narrow): Rounded(
        wide=not narrow,
        exact_numbers=not narrow,
        check=only(INTEGRAL, FLOATING, kernel=f"div_{mode}_cpu"),
        names=lambda operands, static: "DivBackward2",
        saves=lambda operands: (
            ("input", "other") if _differentiable(operands["other"]) else ("other",)
        ),
    )
    for mode in ("trunc", "floor")
    for narrow in (False, True)
}


_FLOORED = {
    narrow: Rounded(
        wide=not narrow,
        exact_numbers=not narrow,
        check=only(INTEGRAL, FLOATING, kernel="div_floor_cpu"),
    )
    for narrow in (False, True)
}


def _differentiable(operand) -> bool:
    return operand.meta is not None and bool(operand.meta.grad)


def _one_by_one(a, b):
    """Divide floats of one shape, each by its own divisor.

    Where all have one, XLA would multiply with its reciprocal, and 49 / 49 would not be 1. So the
    divisor looks like one that depends on the element.
    """
    return a / b if for_numpy() else a / jnp.where(jnp.isnan(a), a, b)


def _true_value(a, b):
    a, b = jnp.asarray(a), jnp.asarray(b)
    if not for_numpy() and a.dtype.kind == "f" and b.size < a.size:
        return _one_by_one(*jnp.broadcast_arrays(a, b))
    return a / b


true_quotient = with_partials(
    _true_value,
    lambda tangent, a, b: tangent / b,
    lambda tangent, a, b: -tangent * ((a / b) / b),
)


def divided_by_count(total, count):
    """Return floats divided by one Python number, each rounded once."""
    return _one_by_one(total, jnp.full(total.shape, count, total.dtype))


@op(
    "div(Tensor input, Tensor other, *, Tensor out=None)",
    "div(Tensor input, Tensor other, *, std::string_view? rounding_mode, Tensor out=None)",
    "div(Tensor input, Scalar other, *, std::string_view? rounding_mode)",
    kind=Quotient(),
    arity="binary",
    inplace=InPlace(python=("__itruediv__", "__idiv__")),
    aliases={
        "divide": (
            "(Tensor input, Tensor other, *, Tensor out=None)",
            "(Tensor input, Tensor other, *, std::string_view? rounding_mode, Tensor out=None)",
            "(Tensor input, Scalar other)",
            "(Tensor input, Scalar other, *, std::string_view? rounding_mode)",
        )
    },
    numbers_as_tensors=True,
    check_data=_no_zeros_when_rounded,
    python=("__truediv__", "__div__"),
    foreach="binary",
)
def div(input, other, rounding_mode=None):
    """Divide ``input`` by ``other``.

    Args:
        input, other: tensors or numbers that broadcast together.
        rounding_mode: ``None`` for a true quotient, ``"trunc"`` for one rounded to zero and
            ``"floor"`` for one rounded down; the last two leave integers integers.
    Returns:
        Tensor of the broadcast shape.
    Raises:
        RuntimeError: the mode is none of these.
    """
    if rounding_mode is None:
        return true_quotient(input, other)
    return (
        floor_quotient(input, other) if rounding_mode == "floor" else trunc_quotient(input, other)
    )


@op(
    "true_divide(Tensor input, Tensor other, *, Tensor out=None)",
    "true_divide(Tensor input, Scalar other)",
    kind=_PLAIN,
    arity="binary",
    inplace=True,
    node_name="DivBackward0",
    numbers_as_tensors=True,
)
def true_divide(input, other):
    """Divide ``input`` by ``other``, integers too becoming floating point.

    Args:
        input, other: tensors or numbers that broadcast together.
    Returns:
        Tensor of the broadcast shape.
    """
    return true_quotient(input, other)


def _in_steps(a, b):
    """Return numbers as they are computed with, and how to round what a step gives.

    XLA computes with halves in float32 and is free not to round in between.
    """
    bits = {"float16": (5, 10), "bfloat16": (8, 7)}.get(str(a.dtype))
    if bits is None:
        return a, b, lambda step: step

    def to_dtype(step):
        rounded = jax.lax.reduce_precision(step, *bits)
        if bits[0] == 8:
            return rounded
        # That makes zero of numbers below the normal ones, which are multiples of 2 ** -24.
        return jnp.where(jnp.abs(step) < 2.0**-14, (step + 0.75) - 0.75, rounded)

    return a.astype(jnp.float32), b.astype(jnp.float32), to_dtype


def _floor_value(a, b):
    if a.dtype.kind in "iub":
        quotient = jax.lax.div(a, b)
        wrong = (jax.lax.rem(a, b) != 0) & ((a < 0) != (b < 0))
        return quotient - wrong.astype(a.dtype)
    a, b, to_dtype = _in_steps(a, b)
    remainder = jax.lax.rem(a, b)
    quotient = to_dtype(to_dtype(a - remainder) / b)
    different = (remainder != 0) & ((b < 0) != (remainder < 0))
    quotient = jnp.where(different, to_dtype(quotient - 1), quotient)
    floor = jnp.floor(quotient)
    floor = jnp.where(to_dtype(quotient - floor) > 0.5, to_dtype(floor + 1), floor)
    floor = jnp.where(quotient != 0, floor, jnp.copysign(jnp.zeros_like(a), a / b))
    return jnp.where(b == 0, to_dtype(a / b), floor)


def _same_shape(a, b):
    return jnp.broadcast_arrays(a, b)


# PyTorch gives these the gradient zero, NaN or not.
floor_quotient = with_partials(lambda a, b: _floor_value(*_same_shape(a, b)), None, None)


def _trunc_value(a, b):
    a, b = _same_shape(a, b)
    if a.dtype.kind in "iub":
        return jax.lax.div(a, b)
    a, b, to_dtype = _in_steps(a, b)
    return jnp.trunc(to_dtype(_one_by_one(a, b)))


trunc_quotient = with_partials(_trunc_value, None, None)


@op(
    "floor_divide(Tensor input, Tensor other, *, Tensor out=None)",
    "floor_divide(Tensor input, Scalar other)",
    kind=FloorQuotient(),
    check_data=_no_zeros,
    inplace=InPlace(python=("__ifloordiv__",)),
    special=(0,),
    saves=(),
    node_name="NotImplemented",
    vjp=not_differentiable("floor_divide"),
    numbers_as_tensors=True,
    python=("__floordiv__",),
)
def floor_divide(input, other):
    """Divide ``input`` by ``other`` and round down.

    Args:
        input, other: tensors or numbers that broadcast together.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return floor_quotient(input, other)


def _numbered(name):
    """Return the rule of node names by whether a number is the divisor."""
    return lambda operands, static: (
        f"{name}Backward0" if operands["other"].meta is None else f"{name}Backward1"
    )


def _saves_of_remainder(operands):
    return ("input", "other") if _differentiable(operands["other"]) else ()


def _remainder_value(a, b):
    a, b = _same_shape(a, b)
    remainder = jax.lax.rem(a, b)
    return jnp.where((remainder != 0) & ((b < 0) != (remainder < 0)), remainder + b, remainder)


_remainder = with_partials(
    _remainder_value,
    lambda tangent, a, b: tangent,
    lambda tangent, a, b: -tangent * floor_quotient(a, b),
)
_fmod = with_partials(
    lambda a, b: jax.lax.rem(*_same_shape(a, b)),
    lambda tangent, a, b: tangent,
    lambda tangent, a, b: -tangent * trunc_quotient(a, b),
)


class _Remainder(Rounded):
    """A remainder; the number may be the dividend (``self``)."""

    def compute_dtype(self, operands, static, mode):
        for operand in operands:
            if operand.name == "self":
                return Pointwise.compute_dtype(self, operands, static, mode)
        return super().compute_dtype(operands, static, mode)


@op(
    "remainder(Tensor input, Tensor other, *, Tensor out=None)",
    "remainder(Scalar self, Tensor other)",
    "remainder(Tensor input, Scalar other, *, Tensor out=None)",
    kind=_Remainder(
        operands=("input", "self", "other"),
        check=only(INTEGRAL, FLOATING, kernel="remainder_cpu"),
        names=lambda operands, static: (
            "NotImplemented" if "self" in operands else _numbered("Remainder")(operands, static)
        ),
        saves=_saves_of_remainder,
    ),
    check_data=_no_zeros,
    inplace=InPlace(python=("__imod__",)),
    special=(0,),
    python=("__mod__",),
)
def remainder(other, input=None, self=None):
    """Return what is left of ``input`` after floor division by ``other``, as ``%`` does.

    Args:
        input, other: tensors or numbers that broadcast together, not bool or complex.
    Returns:
        Tensor of the broadcast shape in the promoted dtype, with the sign of ``other``.
    """
    return _remainder(self if input is None else input, other)


@op(
    "fmod(Tensor input, Tensor other, *, Tensor out=None)",
    "fmod(Tensor input, Scalar other, *, Tensor out=None)",
    kind=Rounded(
        check=only(INTEGRAL, FLOATING, kernel="fmod_cpu"),
        names=_numbered("Fmod"),
        saves=_saves_of_remainder,
    ),
    check_data=_no_zeros,
    inplace=True,
    special=(0,),
)
def fmod(input, other):
    """Return what is left of ``input`` after division by ``other`` rounded to zero.

    Args:
        input, other: tensors or numbers that broadcast together, not bool or complex.
    Returns:
        Tensor of the broadcast shape in the promoted dtype, with the sign of ``input``.
    """
    return _fmod(input, other)


@op(
    "reciprocal(Tensor input, *, Tensor out=None)",
    kind=Pointwise(operands=("input",), promote="float", check=only(FLOATING, COMPLEX)),
    arity="unary",
    inplace=True,
    inplace_function=True,
    saves=("result",),
    vjp=from_result(lambda gradient, result: -gradient * (result * result)),
    autocast=Autocast(cuda="float32"),
    foreach="unary",
)
def reciprocal(input):
    """Reciprocal ``1 / x`` of each element.

    Args:
        input: tensor.
    Returns:
        Tensor of a floating point or complex dtype.
    """
    return 1 / input


def _reflected_division(self, other):
    return self.reciprocal() * other  # what PyTorch's method asks of anything


publish("__rtruediv__", method=_reflected_division)
publish("__rdiv__", method=_reflected_division)
publish("__rfloordiv__", method=reflected(lambda self, other: floor_divide.call(other, self)))
publish("__rmod__", method=reflected(lambda self, other: remainder.call(other, self)))
