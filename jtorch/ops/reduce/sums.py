"""Reductions: sums, means, products and tests over dimensions."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..._core import dtypes, messages
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._engine.declare import Autocast, Out, op
from ..._engine.graph.op import Plan, Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, cast
from ..._engine.recording.kinds.reduction import Reduction
from ..._engine.recording.trace import local
from .._shared import out_dtypes
from . import _messages_reduction
from .host_summation import mean_on_host, sum_on_host
from .summation import ordered_mean, ordered_sum


class _Summation(Reduction):
    """A reduction whose order of summation depends on the type of the device."""

    def plan(self, op, bound, mode) -> Plan:
        bound["device"] = bound["input"].meta.device.type
        return super().plan(op, bound, mode)


@op(
    "sum(Tensor input, *, ScalarType? dtype=None)",
    "sum(Tensor input, IntArrayRef[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, "
    "Tensor out=None)",
    kind=_Summation(result="sum", names=("SumBackward0", "SumBackward1")),
    arity="unary",
    saves=(),
    autocast=Autocast(cuda="float32"),
    host=sum_on_host,
)
def sum(input, axes, keepdim, device):
    """Sum of all elements, or over dimensions.

    Args:
        dim: the dimensions to add over; all of them where it is absent, ``None`` or empty.
        keepdim: whether the reduced dimensions stay, with size 1.
        dtype: what to add in; integers and bool are added in int64 otherwise.
    Returns:
        Tensor without the reduced dimensions.
    """
    if device == "cpu":
        return ordered_sum(input, axes, keepdim)
    return jnp.sum(input, axes, keepdims=keepdim, dtype=input.dtype)


def _no_integers(op, meta, dtype, wanted) -> None:
    if not is_inexact(dtype):
        given = "Input" if wanted is None else "Optional"
        raise _messages_reduction.mean_of_integers(given, dtype._legacy_name)


def _no_complex(op, meta, dtype, wanted) -> None:
    if dtype.is_complex:
        raise _messages_reduction.no_complex(op.name)


@op(
    "mean(Tensor input, *, ScalarType? dtype=None, Tensor out=None)",
    "mean(Tensor input, IntArrayRef[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, "
    "Tensor out=None)",
    kind=_Summation(names=("MeanBackward0", "MeanBackward1"), check=_no_integers),
    arity="unary",
    saves=(),
    out=Out(uncastable=out_dtypes.mean),
    host=mean_on_host,
)
def mean(input, axes, keepdim, device):
    """Mean of all elements, or over dimensions.

    Args:
        dim: the dimensions to average over; all of them where it is absent, ``None`` or empty.
        keepdim: whether the reduced dimensions stay, with size 1.
        dtype: what to compute in.
    Returns:
        Tensor without the reduced dimensions.
    Raises:
        RuntimeError: the dtype is neither floating point nor complex.
    """
    if device == "cpu":
        return ordered_mean(input, axes, keepdim)
    return jnp.mean(input, axes, keepdims=keepdim, dtype=input.dtype)


@op(
    "nansum(Tensor input, IntArrayRef[1]? dim=None, bool keepdim=False, *, "
    "ScalarType? dtype=None, Tensor out=None)",
    kind=Reduction(result="sum", check=_no_complex),
    out=Out(uncastable=out_dtypes.nansum_kernel),
)
def nansum(input, axes, keepdim):
    """Sum of the elements that are not NaN.

    Args:
        dim: the dimensions to add over; all of them where it is absent, ``None`` or empty.
        keepdim: whether the reduced dimensions stay, with size 1.
        dtype: what to add in; integers and bool are added in int64 otherwise.
    Returns:
        Tensor without the reduced dimensions.
    """
    if jnp.issubdtype(input.dtype, jnp.floating):
        input = jnp.where(jnp.isnan(input), 0, input)
    return jnp.sum(input, axes, keepdims=keepdim, dtype=input.dtype)


@op(
    "nanmean(Tensor input, IntArrayRef[1]? dim=None, bool keepdim=False, *, "
    "ScalarType? dtype=None, Tensor out=None)",
    out=Out(uncastable=out_dtypes.nansum_kernel),
)
def nanmean(input, dim=None, keepdim=False, dtype=None):
    """Mean of the elements that are not NaN.

    Args:
        dim: the dimensions to average over; all of them where it is absent, ``None`` or empty.
        keepdim: whether the reduced dimensions stay, with size 1.
        dtype: what to compute in.
    Returns:
        Tensor without the reduced dimensions; NaN where there is nothing to average.
    Raises:
        RuntimeError: the dtype is not floating point.
    """
    if not is_inexact(input.dtype):
        raise _messages_reduction.nanmean_of_integers(input.dtype._legacy_name)
    count = _count_numbers.call(input, dim, keepdim)
    return nansum.call(input, dim, keepdim, dtype=dtype).div(count)


@op(
    "_count_numbers(Tensor input, IntArrayRef[1]? dim=None, bool keepdim=False)",
    kind=Reduction(result="int64"),
    method=False,
    function=False,
    differentiable=False,
)
def _count_numbers(input, axes, keepdim):
    """Count the elements that are not NaN."""
    return jnp.sum(~jnp.isnan(input), axes, keepdims=keepdim)


@op(
    "prod(Tensor input, *, ScalarType? dtype=None)",
    "prod(Tensor input, int64_t dim, bool keepdim=False, *, ScalarType? dtype=None, "
    "Tensor out=None)",
    kind=Reduction(result="sum", names=("ProdBackward0", "ProdBackward1")),
    saves=("input", "result"),
    autocast="float32",
)
def prod(input, axes, keepdim):
    """Product of all elements, or over a dimension.

    Args:
        dim: the dimension to multiply over; all of them where it is absent.
        keepdim: whether the reduced dimension stays, with size 1.
        dtype: what to multiply in; integers and bool are multiplied in int64 otherwise.
    Returns:
        Tensor without the reduced dimensions.
    """
    return jnp.prod(input, axes, keepdims=keepdim, dtype=input.dtype)


@op(
    "all(Tensor input, *, Tensor out=None)",
    "all(Tensor input, IntArrayRef? dim=None, bool keepdim=False, *, Tensor out=None)",
    "all(Tensor input, int64_t dim, bool keepdim=False, *, Tensor out=None)",
    kind=Reduction(result="bool", empty_is_all=False),
    differentiable=False,
    out=Out(dtype=out_dtypes.only_bool),
)
def all(input, axes, keepdim):
    """Test whether all elements are true (not zero).

    Args:
        dim: the dimensions to test over; all of them where it is absent.
        keepdim: whether the reduced dimensions stay, with size 1.
    Returns:
        Tensor of bool (of uint8 for uint8).
    """
    return jnp.all(input != 0, axes, keepdims=keepdim)


@op(
    "any(Tensor input, *, Tensor out=None)",
    "any(Tensor input, IntArrayRef? dim=None, bool keepdim=False, *, Tensor out=None)",
    "any(Tensor input, int64_t dim, bool keepdim=False, *, Tensor out=None)",
    kind=Reduction(result="bool", empty_is_all=False),
    differentiable=False,
    out=Out(dtype=out_dtypes.only_bool),
)
def any(input, axes, keepdim):
    """Test whether any element is true (not zero).

    Args:
        dim: the dimensions to test over; all of them where it is absent.
        keepdim: whether the reduced dimensions stay, with size 1.
    Returns:
        Tensor of bool (of uint8 for uint8).
    """
    return jnp.any(input != 0, axes, keepdims=keepdim)


@op(
    "count_nonzero(Tensor input, int64_t? dim=None)",
    "count_nonzero(Tensor input, IntArrayRef dim)",
    kind=Reduction(result="int64"),
    differentiable=False,
)
def count_nonzero(input, axes, keepdim):
    """Count the elements that are not zero.

    Args:
        dim: the dimensions to count over; all of them where it is absent.
    Returns:
        Tensor of int64 without the reduced dimensions.
    """
    return jnp.sum(input != 0, axes, keepdims=keepdim, dtype=jnp.int64)


def _trace_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    if meta.dtype is dtypes.bool_:
        raise messages.not_implemented("trace", "Bool")
    if meta.ndim != 2:
        raise _messages_reduction.trace_rank(meta.ndim)
    _, result = Reduction(result="sum").dtypes(meta, None)
    return Spec([operand], (make_meta((), result, meta.device),), {"dtype": result})


@op("trace(Tensor input)", kind=Custom(_trace_spec), saves=(), autocast=Autocast(cpu="float32"))
def trace(array: Any, *, dtype: DType) -> Any:
    """Trace ``sum_i x_ii`` of a matrix.

    Returns:
        Tensor without dimensions.
    """
    return jnp.trace(cast(array, dtype), dtype=dtype._numpy)


@op("_is_all_true(Tensor input)")
def _is_all_true(input):
    """Test whether all elements of a tensor of bools are true."""
    if input.dtype is not dtypes.bool_:
        raise _messages_reduction.not_bools(2144)
    if local.trace.captures:
        input = local.trace.for_all_slices(input)
    return all.call(input)


@op("_is_any_true(Tensor input)")
def _is_any_true(input):
    """Test whether an element of a tensor of bools is true."""
    if input.dtype is not dtypes.bool_:
        raise _messages_reduction.not_bools(2148)
    return any.call(input)
