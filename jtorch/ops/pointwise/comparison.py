"""Comparison of elements, and of whole tensors."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from ..._core import dtypes, messages
from ..._core.device import META
from ..._engine.declare import op, publish
from ..._engine.graph.op import Op
from ..._engine.graph.values import is_tensor, make_meta
from ..._engine.recording.kinds.pointwise import BOOL, FLOATING, INTEGRAL, Pointwise, only
from ..._engine.recording.storage import current_value
from ..._engine.recording.trace import materialise
from . import _messages

_ORDERED = (BOOL, INTEGRAL, FLOATING)


class _Equality(Pointwise):
    """An equality: its result exists also where PyTorch compares in complex32."""

    def compute_dtype(self, operands, static, mode):
        try:
            return super().compute_dtype(operands, static, mode)
        except NotImplementedError:
            return dtypes.complex64


def _declare(
    name: str, aliases: tuple[str, ...], relation: str, function: Callable, *groups: frozenset
) -> Op:
    def pure(input, other):
        return function(input, other)

    pure.__doc__ = (
        f"Tell where ``input`` is {relation} ``other``.\n\n    Args:\n        input: tensor.\n"
        "        other: tensor or number that broadcasts with it.\n    Returns:\n"
        "        Tensor of bool of the broadcast shape.\n    "
    )
    return op(
        f"{name}(Tensor input, Tensor other, *, Tensor out=None)",
        f"{name}(Tensor input, Scalar other, *, Tensor out=None)",
        kind=(Pointwise if groups else _Equality)(
            result="bool",
            check=only(*groups, kernel=f"{name}_cpu") if groups else None,
        ),
        arity="binary",
        inplace=True,
        aliases=aliases,
        differentiable=False,
        python=(f"__{name}__",),
    )(pure)


eq = _declare("eq", (), "equal to", lambda a, b: a == b)
ne = _declare("ne", ("not_equal",), "not equal to", lambda a, b: a != b)
lt = _declare("lt", ("less",), "less than", lambda a, b: a < b, *_ORDERED)
le = _declare("le", ("less_equal",), "at most", lambda a, b: a <= b, *_ORDERED)
gt = _declare("gt", ("greater",), "greater than", lambda a, b: a > b, *_ORDERED)
ge = _declare("ge", ("greater_equal",), "at least", lambda a, b: a >= b, *_ORDERED)


def _check_close(op_, operands, static) -> None:
    first, second = (operands[name].meta.dtype for name in ("input", "other"))
    if first is not second:
        raise _messages.did_not_match(first._legacy_name, second._legacy_name)
    for name in ("rtol", "atol"):
        if static.get(name, 0) < 0:
            raise _messages.negative_tolerance(name, static[name])


def _close(a, b, rtol, atol, equal_nan):
    close = a == b
    if equal_nan and a.dtype.kind in "fc":
        close = close | (jnp.isnan(a) & jnp.isnan(b))
    if rtol == 0 and atol == 0:
        return close
    if a.dtype.kind in "iub":
        a, b = a.astype(jnp.float64), b.astype(jnp.float64)
    allowed = atol + jnp.abs(rtol * b)
    difference = jnp.abs(a - b)
    return close | (jnp.isfinite(difference) & (difference <= allowed))


@op(
    "isclose(Tensor input, Tensor other, double rtol=1e-05, double atol=1e-08, "
    "bool equal_nan=False)",
    kind=Pointwise(result="bool", check_operands=_check_close, wide=False),
    differentiable=False,
)
def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Tell where two tensors are nearly equal: ``abs(input - other) <= atol + rtol * abs(other)``.

    Args:
        input, other: tensors of one dtype that broadcast together.
        rtol, atol: relative and absolute tolerance.
        equal_nan: whether NaN counts as equal to NaN.
    Returns:
        Tensor of bool.
    """
    return _close(input, other, rtol, atol, equal_nan)


class _Everywhere(Pointwise):
    """A comparison that has to hold for all elements: its result has no dimensions."""

    def plan(self, op, bound, mode):
        plan = super().plan(op, bound, mode)
        plan.metas = (make_meta((), plan.metas[0].dtype, plan.metas[0].device),)
        return plan


@op(
    "allclose(Tensor input, Tensor other, double rtol=1e-05, double atol=1e-08, "
    "bool equal_nan=False)",
    kind=_Everywhere(result="bool", check_operands=_check_close, wide=False),
    method=False,
    function=False,
    differentiable=False,
)
def _all_close(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Tell whether two tensors are nearly equal everywhere."""
    return jnp.all(_close(input, other, rtol, atol, equal_nan))


@op(
    "equal(Tensor input, Tensor other)",
    kind=_Everywhere(result="bool"),
    method=False,
    function=False,
    differentiable=False,
)
def _all_equal(input, other):
    """Tell whether two tensors are equal everywhere."""
    return jnp.all(input == other)


def _truth(tensor, name: str) -> bool:
    value = current_value(tensor)
    if value.meta.device is META:
        raise messages.no_meta_kernel(name)
    return bool(materialise(value, "equal"))


def allclose(*args, **kwargs) -> bool:
    """Tell whether two tensors are nearly equal everywhere.

    Args:
        input, other: tensors of one dtype that broadcast together.
        rtol, atol: relative and absolute tolerance.
        equal_nan: whether NaN counts as equal to NaN.
    Returns:
        A Python bool.
    """
    return _truth(_all_close.call(*args, **kwargs), "allclose")


def equal(*args, **kwargs) -> bool:
    """Tell whether two tensors have the same shape and equal elements.

    Args:
        input, other: tensors.
    Returns:
        A Python bool; NaN equals nothing.
    """
    if len(args) == 2 and all(is_tensor(tensor) for tensor in args):
        first, second = (tensor._value.meta for tensor in args)
        if first.shape != second.shape:
            return False
    return _truth(_all_equal.call(*args, **kwargs), "equal")


allclose.__module__ = equal.__module__ = "torch"
publish(
    "allclose",
    allclose,
    method=allclose,
    signatures=_all_close,
    refused=(
        "(Tensor input, Tensor other, double rtol=1e-05, double atol=1e-08, bool equal_nan=False)",
    ),
)
publish(
    "equal", equal, method=equal, signatures=_all_equal, refused=("(Tensor input, Tensor other)",)
)
