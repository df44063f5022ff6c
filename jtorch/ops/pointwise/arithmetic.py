"""Arithmetic of elements: add, sub, mul, signs and fused products."""

from __future__ import annotations

import functools

import jax.numpy as jnp

from ..._core import dtypes, messages
from ..._core.cpp_names import type_name
from ..._core.dtypes import is_inexact
from ..._core.promotion import promote_types
from ..._engine.declare import Autocast, InPlace, Out, op
from ..._engine.graph.op import Operand
from ..._engine.graph.values import is_tensor
from ..._engine.recording import overrides
from ..._engine.recording.kinds.pointwise import (
    BOOL,
    COMPLEX,
    FLOATING,
    INTEGRAL,
    Pointwise,
    check_fits,
    only,
)
from ..._engine.recording.planning import is_operand
from .._shared import out_dtypes
from .._shared.gradient_rules import with_partials
from . import _messages

_add_dtypes = only(BOOL, INTEGRAL, FLOATING, COMPLEX, kernel="add_stub")


def is_bool(operand) -> bool:
    """Return whether an operand is a bool tensor or a Python bool."""
    if operand.meta is None:
        return isinstance(operand.number, bool)
    return operand.meta.dtype is dtypes.bool_


def _no_bool_subtraction(op, operands, static) -> None:
    bools = [is_bool(operands[name]) for name in ("input", "other")]
    if all(bools):
        raise messages.bool_subtraction()
    if any(bools):
        raise messages.bool_mixed_subtraction()


class Sum(Pointwise):
    """A sum, whose ``alpha`` has to suit the dtype of the result."""

    def __init__(self, **options):
        super().__init__(operands=("input", "other", "alpha"), check=_add_dtypes, **options)

    def check_factor(self, operands, compute) -> None:
        alpha = operands.get("alpha")
        if alpha is None or alpha.meta is not None:
            return
        number = alpha.number
        if isinstance(number, bool):
            if compute is not dtypes.bool_:
                raise _messages.bool_alpha()
        elif isinstance(number, int):
            return  # see ``_check_alpha``
        elif not is_inexact(compute):
            raise _messages.float_alpha()
        elif isinstance(number, complex) and not compute.is_complex:
            raise _messages.complex_alpha()

    def plan(self, op, bound, mode):
        given = {name: bound[name] for name in self.operands if hasattr(bound.get(name), "meta")}
        factorless = [operand for name, operand in given.items() if name != "alpha"]
        self.given_check(op, given)
        self.check_factor(given, self.compute_dtype(factorless, {}, mode))
        return super().plan(op, bound, mode)

    def given_check(self, op, given) -> None:
        if self.check_operands is not None:
            self.check_operands(op, given, {})


def _check_alpha(args: tuple, kwargs: dict) -> None:
    """Refuse a factor that the integers cannot hold which it multiplies."""
    alpha = kwargs.get("alpha")
    if alpha.__class__ is not int:
        return
    given = [each for each in (*args, kwargs.get("other")) if each is not None and is_tensor(each)]
    if not given:
        return
    compute = functools.reduce(promote_types, [tensor._value.meta.dtype for tensor in given])
    check_fits(alpha, compute)


@op(
    "add(Tensor input, Tensor other, *, Scalar alpha=1, Tensor out=None)",
    "add(Tensor input, Scalar alpha, Tensor other)|deprecated",
    "add(Tensor input, Scalar alpha, Tensor other, *, Tensor out)|deprecated",
    kind=Sum(),
    check_data=_check_alpha,
    arity="binary",
    inplace=InPlace(python=("__iadd__",)),
    saves=(),
    numbers_as_tensors=True,
    python=(
        "__add__",
        "__radd__",
    ),
    foreach="binary",
)
def add(input, other, alpha=1):
    """Add ``other``, times ``alpha``, to ``input``.

    Args:
        input, other: tensors or numbers that broadcast together.
        alpha: number that multiplies ``other``.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return _bool_or_sum(input, _scaled(other, alpha))


def _scaled(array, factor):
    if isinstance(factor, int) and factor == 1:
        return array
    return jnp.logical_and(array, factor) if array.dtype == bool else array * factor


def _bool_or_sum(input, other):
    return jnp.logical_or(input, other) if input.dtype == bool else input + other


@op(
    "sub(Tensor input, Tensor other, *, Scalar alpha=1, Tensor out=None)",
    "sub(Tensor input, Scalar alpha, Tensor other)|deprecated",
    "sub(Tensor input, Scalar alpha, Tensor other, *, Tensor out)|deprecated",
    kind=Sum(check_operands=_no_bool_subtraction),
    check_data=_check_alpha,
    arity="binary",
    inplace=InPlace(python=("__isub__",)),
    aliases={
        "subtract": (
            "(Tensor input, Tensor other, *, Scalar alpha=1, Tensor out=None)",
            "(Tensor input, Scalar other, Scalar alpha=1)",
        )
    },
    saves=(),
    numbers_as_tensors=True,
    python=("__sub__",),
    foreach="binary",
)
def sub(input, other, alpha=1):
    """Subtract ``other``, times ``alpha``, from ``input``.

    Args:
        input, other: tensors or numbers that broadcast together, not bool.
        alpha: number that multiplies ``other``.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return input - _scaled(other, alpha)


@op(
    "rsub(Tensor input, Tensor other, *, Scalar alpha=1)",
    "rsub(Tensor input, Scalar other, Scalar alpha=1)",
    kind=Sum(
        check_operands=_no_bool_subtraction,
        names=lambda operands, static: (
            "RsubBackward1" if operands["other"].meta is None else "RsubBackward0"
        ),
    ),
    arity="binary",
    method=False,
    saves=(),
    python=("__rsub__",),
)
def rsub(input, other, alpha=1):
    """Subtract ``input``, times ``alpha``, from ``other``.

    Args:
        input, other: tensors or numbers that broadcast together, not bool.
        alpha: number that multiplies ``input``.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return other - _scaled(input, alpha)


@op(
    "mul(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Pointwise(exact_numbers=True),
    arity="binary",
    inplace=InPlace(python=("__imul__",)),
    aliases={
        "multiply": (
            "(Tensor input, Tensor other, *, Tensor out=None)",
            "(Tensor input, Scalar other)",
        )
    },
    saves="cross",
    numbers_as_tensors=True,
    python=(
        "__mul__",
        "__rmul__",
    ),
    foreach="binary",
)
def mul(input, other):
    """Multiply two tensors element by element.

    Args:
        input, other: tensors or numbers that broadcast together.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return jnp.logical_and(input, other) if input.dtype == bool else input * other


def _no_bool_negation(op, operands, static) -> None:
    if operands["input"].meta.dtype is dtypes.bool_:
        raise _messages.bool_negation()


@op(
    "neg(Tensor input, *, Tensor out=None)",
    kind=Pointwise(
        operands=("input",),
        check_operands=_no_bool_negation,
        check=only(INTEGRAL, FLOATING, COMPLEX),
    ),
    arity="unary",
    inplace=True,
    inplace_function=True,
    aliases=("negative",),
    saves=(),
    out=Out(dtype=out_dtypes.found_dtype),
    python=("__neg__",),
    foreach="unary",
)
def neg(input):
    """Change the sign of each element.

    Args:
        input: tensor, not bool.
    Returns:
        Tensor of the same dtype.
    """
    return -input


@op("positive(Tensor input)", python=("__pos__",), arguments="count")
def positive(input):
    """Return ``input`` itself.

    Args:
        input: tensor, not bool.
    Raises:
        RuntimeError: it is bool.
    """
    if input.dtype is dtypes.bool_:
        raise _messages.bool_positive()
    return input


def _no_complex_in_place(op, operands, static) -> None:
    if operands["input"].meta.dtype.is_complex:
        raise _messages.inplace_abs()


@op(
    "abs(Tensor input, *, Tensor out=None)",
    kind=Pointwise(operands=("input",), result="real", check=only(INTEGRAL, FLOATING, COMPLEX)),
    arity="unary",
    inplace=InPlace(
        kind=Pointwise(
            operands=("input",), check_operands=_no_complex_in_place, check=only(INTEGRAL, FLOATING)
        )
    ),
    inplace_function=("abs",),
    aliases=("absolute",),
    saves=("input",),
    out=Out(dtype=out_dtypes.found_dtype),
    python=("__abs__",),
    foreach="unary",
)
def abs(input):
    """Take the absolute value of each element.

    Args:
        input: tensor, not bool.
    Returns:
        Tensor of the same dtype; the real one for a complex tensor. Its gradient at 0 is 0.
    """
    if input.dtype.kind in "biu" or input.dtype.kind == "c":
        return jnp.abs(input)
    return _abs(input)


# JAX gives abs the gradient NaN at NaN, PyTorch 0.
_abs = with_partials(jnp.abs, lambda tangent, x: tangent * _sign(x))


def _sign(x):
    """Return the sign of real numbers; 0 for NaN, as in PyTorch."""
    return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)


def _no_complex_sign(op, operands, static) -> None:
    if operands["input"].meta.dtype.is_complex:
        raise _messages.sign_of_complex()


@op(
    "sign(Tensor input, *, Tensor out=None)",
    kind=Pointwise(
        operands=("input",), check_operands=_no_complex_sign, check=only(BOOL, INTEGRAL, FLOATING)
    ),
    arity="unary",
    inplace=True,
    saves=(),
    out=Out(dtype=out_dtypes.found_dtype),
    foreach="unary",
)
def sign(input):
    """Return -1, 0 or 1 for negative elements, zeros and positive ones.

    Args:
        input: tensor, not complex.
    Returns:
        Tensor of the same dtype; 0 for NaN.
    """
    return input if input.dtype == bool else _sign(input)


@op(
    "sgn(Tensor input, *, Tensor out=None)",
    kind=Pointwise(
        operands=("input",), check=only(BOOL, INTEGRAL, FLOATING, COMPLEX, kernel="sign_cpu")
    ),
    arity="unary",
    inplace=True,
    saves=("input", "result"),
    out=Out(dtype=out_dtypes.found_dtype),
)
def sgn(input):
    """Return each element divided by its absolute value, 0 for 0.

    Args:
        input: tensor.
    Returns:
        Tensor of the same dtype.
    """
    if input.dtype == bool:
        return input
    if input.dtype.kind != "c":
        return _sign(input)
    zero = input == 0
    return jnp.where(zero, 0, input / jnp.abs(jnp.where(zero, 1, input)))


def _other_factors(operands: dict[str, Operand]) -> list[str]:
    """Return which factors the gradients of the other ones need."""
    wanted = [
        name
        for name in ("tensor1", "tensor2")
        if operands[name].meta is not None and operands[name].meta.grad
    ]
    return [name for name in ("tensor1", "tensor2") if any(other != name for other in wanted)]


@op(
    "addcmul(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1, Tensor out=None)",
    "addcmul(Tensor input, Scalar value, Tensor tensor1, Tensor tensor2)|deprecated",
    "addcmul(Tensor input, Scalar value, Tensor tensor1, Tensor tensor2, *, Tensor out)|deprecated",
    kind=Pointwise(
        operands=("input", "tensor1", "tensor2", "value"),
        exact_numbers=True,
        check=only(INTEGRAL, FLOATING, COMPLEX, kernel="addcmul_cpu_out"),
        saves=_other_factors,
    ),
    inplace=True,
    autocast=Autocast(cuda="promote"),
    foreach="ternary",
)
def addcmul(input, tensor1, tensor2, value=1):
    """Add ``value * tensor1 * tensor2`` to ``input``.

    Args:
        input, tensor1, tensor2: tensors that broadcast together.
        value: number that multiplies the product.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return input + _scaled(tensor1 * tensor2, value)


def _no_integer_addcdiv(op, operands, static) -> None:
    if not any(is_inexact(operands[name].meta.dtype) for name in ("tensor1", "tensor2")):
        raise _messages.integer_addcdiv()


@op(
    "addcdiv(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1, Tensor out=None)",
    "addcdiv(Tensor input, Scalar value, Tensor tensor1, Tensor tensor2)|deprecated",
    "addcdiv(Tensor input, Scalar value, Tensor tensor1, Tensor tensor2, *, Tensor out)|deprecated",
    kind=Pointwise(
        operands=("input", "tensor1", "tensor2", "value"),
        exact_numbers=True,
        check_operands=_no_integer_addcdiv,
        check=only(FLOATING, COMPLEX, kernel="addcdiv_cpu_out"),
    ),
    inplace=True,
    saves=("tensor1", "tensor2"),
    autocast=Autocast(cuda="promote"),
    foreach="ternary",
)
def addcdiv(input, tensor1, tensor2, value=1):
    """Add ``value * tensor1 / tensor2`` to ``input``.

    Args:
        input, tensor1, tensor2: tensors that broadcast together, the last two not both integers.
        value: number that multiplies the quotient.
    Returns:
        Tensor of the broadcast shape in the promoted dtype.
    """
    return input + _scaled(tensor1, value) / tensor2


def _same_dtype(op, operands, static) -> None:
    wanted = operands["input"].meta.dtype
    for name in ("end", "weight"):
        meta = operands[name].meta
        if meta is not None and meta.dtype is not wanted:
            raise _messages.expected_dtype(type_name(wanted), name, type_name(meta.dtype))


class _Interpolation(Pointwise):
    def compute_dtype(self, operands, static, mode):
        return operands[0].meta.dtype

    def plan(self, op, bound, mode):
        scalar = bound["weight"].meta is None
        self.check = only(
            FLOATING, COMPLEX, kernel=f"lerp_kernel_{'scalar' if scalar else 'tensor'}"
        )
        return super().plan(op, bound, mode)


@op(
    "lerp(Tensor input, Tensor end, Tensor weight, *, Tensor out=None)",
    "lerp(Tensor input, Tensor end, Scalar weight, *, Tensor out=None)",
    kind=_Interpolation(
        operands=("input", "end", "weight"),
        exact_numbers=True,
        check_operands=_same_dtype,
        names=lambda operands, static: (
            "LerpBackward0" if operands["weight"].meta is None else "LerpBackward1"
        ),
        saves=lambda operands: (
            ("input", "end", "weight")
            if operands["weight"].meta is not None and operands["weight"].meta.grad
            else ("weight",)
        ),
    ),
    inplace=True,
)
def lerp(input, end, weight):
    """Linear interpolation ``input + weight * (end - input)``.

    Args:
        input, end: tensors of one floating point or complex dtype that broadcast together.
        weight: tensor of that dtype, or a number.
    Returns:
        Tensor of the broadcast shape.
    """
    return _lerp(input, end, weight)


def _lerp_value(input, end, weight):
    # Starting from the nearer end keeps the result exact at both, as in PyTorch.
    near = jnp.abs(weight) < 0.5
    difference = end - input
    return jnp.where(near, input + weight * difference, end - difference * (1 - weight))


_lerp = with_partials(
    _lerp_value,
    lambda tangent, x, y, w: tangent * (1 - w),
    lambda tangent, x, y, w: tangent * w,
    lambda tangent, x, y, w: tangent * (y - x),
)


def reflected(function):
    """Return the method behind ``number <operator> tensor``."""

    def operator(self, other):
        if not is_operand(other) or not is_tensor(self):
            return overrides.offer(operator.__name__, self, other)
        return function(self, other)

    return operator
