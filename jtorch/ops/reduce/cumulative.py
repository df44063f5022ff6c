"""Cumulative sums, products and extrema; differences; the trapezoidal rule."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes, messages
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._engine.declare import Autocast, Out, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, cast, normalise_dim
from .._shared import out_dtypes
from .._shared.calls import named
from .._shared.widening import widen
from ..creation.creation import zeros_like
from ..shape.joining import cat
from . import _messages_cumulative, _messages_reduction
from .extrema import as_ordered, pick


def _log_add(left: Any, right: Any) -> Any:
    """Return ``log(exp(left) + exp(right))`` of complex numbers.

    As PyTorch's, the phase starts from that of the larger number and is not wrapped.
    """
    smaller = left.real < right.real
    less, more = jnp.where(smaller, left, right), jnp.where(smaller, right, left)
    infinite = ~jnp.isfinite(less.real) & (less.real == more.real)
    gap = jnp.where(infinite, 0, less - more)
    share = jnp.where(gap.real == -jnp.inf, 0, jnp.exp(gap))  # an infinite phase would be NaN
    usual = jnp.log1p(share) + more

    def huge(number):
        across, up = jnp.cos(number.imag), jnp.sin(number.imag)
        return [jnp.where(part == 0, part, jnp.inf * part) for part in (across, up)]

    across, up = [one + other for one, other in zip(huge(less), huge(more), strict=True)]
    length = jnp.where(jnp.isinf(across) | jnp.isinf(up), jnp.inf, jnp.nan).astype(up.dtype)
    both = jax.lax.complex(length, jnp.arctan2(up, across))
    edge = jnp.where(less.real < 0, less, both)
    total = jnp.where(infinite, edge, usual)
    either = jnp.isnan(left) | jnp.isnan(right)
    return jnp.where(either, jnp.asarray(complex(np.nan, np.nan), total.dtype), total)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _complex_log_sums(array: Any, axis: int) -> Any:
    # One number after the other: another order would turn the phase by other multiples of 2 pi.
    numbers = jnp.moveaxis(array, axis, 0)
    start = jnp.full(numbers.shape[1:], -np.inf, array.dtype)

    def step(before, number):
        after = _log_add(number, before)
        return after, after

    return jnp.moveaxis(jax.lax.scan(step, start, numbers)[1], 0, axis)


@_complex_log_sums.defjvp
def _complex_log_sums_jvp(axis: int, primals: Any, tangents: Any) -> Any:
    _, slope = jax.jvp(lambda array: jax.lax.cumlogsumexp(array, axis), primals, tangents)
    return _complex_log_sums(*primals, axis), slope


def _log_sums(array: Any, axis: int) -> Any:
    if array.dtype.kind == "c":
        return _complex_log_sums(array, axis)
    return jax.lax.cumlogsumexp(array, axis)


#: What PyTorch adds and multiplies in, on the CPU.
_ACCUMULATORS = {"float16": np.float32, "bfloat16": np.float32, "float32": np.float64}
_ACCUMULATORS |= {"complex64": np.complex128}
#: Rows of at most ``_SHORT`` numbers, or ``_MANY`` rows, are added one column after the other.
_SHORT, _MANY = 2048, 64


def _sums(array: Any, axis: int, sequential: bool) -> Any:
    """Return running sums, in the dtype of the array, from wider ones.

    Args:
        sequential: whether to add in PyTorch's order. XLA's own formulation passes over the array
            as often as a row's length can be halved: 9.8 ms instead of 4 for a million numbers.
    """
    wide = _ACCUMULATORS.get(str(array.dtype), array.dtype)
    if not sequential:
        return jnp.cumsum(array.astype(wide), axis).astype(array.dtype)
    columns = jnp.moveaxis(array, axis, 0)

    def step(total, column):
        total = total + column.astype(wide)
        return total, total.astype(array.dtype)

    _, sums = jax.lax.scan(step, jnp.zeros(columns.shape[1:], wide), columns)
    return jnp.moveaxis(sums, 0, axis)


def _products(array: Any, axis: int) -> Any:
    wide = _ACCUMULATORS.get(str(array.dtype), array.dtype)
    return jnp.cumprod(array.astype(wide), axis).astype(array.dtype)


def _cumulative_spec(operation, bound, mode) -> Spec:
    """Work out the dimension and the dtype: the one asked for, int64 for integers and bool."""
    operand = bound["input"]
    meta = operand.meta
    dtype = bound.get("dtype") or (meta.dtype if is_inexact(meta.dtype) else dtypes.int64)
    axis = normalise_dim(bound["dim"], meta.ndim)
    metas = (make_meta(meta.shape, dtype, meta.device),)
    return Spec([operand], metas, {"axis": axis, "dtype": dtype})


def _cumsum_spec(operation, bound, mode) -> Spec:
    spec = _cumulative_spec(operation, bound, mode)
    meta = bound["input"].meta
    length = meta.shape[spec.params["axis"]] if meta.ndim else 1
    rows = meta.numel // max(1, length)
    short = length <= _SHORT or rows >= _MANY
    spec.params["sequential"] = meta.device.type == "cpu" and short
    return spec


def _logcumsumexp_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    axis = normalise_dim(bound["dim"], meta.ndim)
    if not is_inexact(meta.dtype):
        raise messages.not_implemented("logcumsumexp_out_cpu", meta.dtype._legacy_name)
    return Spec([operand], (make_meta(meta.shape, meta.dtype, meta.device),), {"axis": axis})


@op(
    "cumsum(Tensor input, int64_t dim, *, ScalarType? dtype=None, Tensor out=None)",
    kind=Custom(_cumsum_spec),
    inplace=True,
    saves=(),
    autocast=Autocast(cuda="float32"),
    out=Out(decides_dtype=True),
)
def cumsum(array: Any, *, axis: int, dtype: DType, sequential: bool) -> Any:
    """Cumulative sum ``y_i = x_1 + ... + x_i`` along a dimension.

    Args:
        dim: dimension along which to add.
        dtype: what to add in; integers and bool are added in int64 otherwise.
    Returns:
        Tensor of the same shape.
    """
    array = cast(array, dtype)
    return _sums(array, axis, sequential) if array.ndim and array.size else array


@op(
    "cumprod(Tensor input, int64_t dim, *, ScalarType? dtype=None, Tensor out=None)",
    kind=Custom(_cumulative_spec),
    inplace=True,
    saves=("input", "result"),
    autocast=Autocast(cuda="float32"),
    out=Out(decides_dtype=True),
)
def cumprod(array: Any, *, axis: int, dtype: DType) -> Any:
    """Cumulative product ``y_i = x_1 * ... * x_i`` along a dimension.

    Args:
        dim: dimension along which to multiply.
        dtype: what to multiply in; integers and bool are multiplied in int64 otherwise.
    Returns:
        Tensor of the same shape.
    """
    array = cast(array, dtype)
    return _products(array, axis) if array.ndim and array.size else array


@op(
    "logcumsumexp(Tensor input, int64_t dim, *, Tensor out=None)",
    kind=Custom(_logcumsumexp_spec),
    saves=("input", "result"),
    out=Out(dtype=out_dtypes.expected_scalar_type),
)
def logcumsumexp(array: Any, *, axis: int) -> Any:
    """Cumulative logsumexp ``y_i = log(sum_{j <= i} exp(x_j))`` along a dimension.

    Args:
        dim: dimension along which to add.
    Returns:
        Tensor of the same shape.
    """
    if not array.ndim or not array.size:
        return array
    return _log_sums(widen(array), axis).astype(array.dtype)


def _running_index(array, axis, smaller: bool):
    """Return where the running extremum is: the last of equal ones, and a NaN stays."""
    array = as_ordered(array)
    positions = jax.lax.broadcasted_iota(jnp.int64, array.shape, axis)

    def later(left, right):
        left_value, left_position = left
        right_value, right_position = right
        better = right_value <= left_value if smaller else right_value >= left_value
        if jnp.issubdtype(array.dtype, jnp.floating):
            better = (right_value != right_value) | (better & (left_value == left_value))
        return (
            jnp.where(better, right_value, left_value),
            jnp.where(better, right_position, left_position),
        )

    return jax.lax.associative_scan(later, (array, positions), axis=axis)[1]


def _running_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    smaller = bound["smaller"]
    name = "cummin" if smaller else "cummax"
    dim = bound["dim"]
    if not meta.ndim:
        if meta.dtype.is_complex:
            normalise_dim(dim, 0)
        elif dim not in (0, -1):
            raise _messages_reduction.scalar_dim(name, dim)
    axis = normalise_dim(dim, meta.ndim) if meta.numel else 0
    if meta.dtype.is_complex:
        raise messages.not_implemented(f"{name}_cpu", meta.dtype._legacy_name)

    return Spec(
        [operand],
        (make_meta(meta.shape, dtypes.int64, meta.device),),
        {"axis": axis, "smaller": smaller},
    )


def _running_on_host(array: Any, axis: int, smaller: bool) -> Any:
    if not array.ndim or not array.size:
        return np.zeros(array.shape, np.int64)
    rows = np.moveaxis(array, axis, -1)
    extrema = (np.minimum if smaller else np.maximum).accumulate(rows, -1)
    # Where the extremum is met; once there was a NaN, only where there is one.
    met = (rows == extrema) | (rows != rows)
    positions = np.where(met, np.arange(rows.shape[-1]), 0)
    return np.moveaxis(np.maximum.accumulate(positions, -1), -1, axis)


@op(
    "_running_extremum(Tensor input, int64_t dim, bool smaller)",
    kind=Custom(_running_spec),
    method=False,
    function=False,
    differentiable=False,
    host=_running_on_host,
)
def _running_extremum(array: Any, *, axis: Any, smaller: Any) -> Any:
    """Return where the running extremum is."""
    if not array.ndim or not array.size:
        return jnp.zeros(array.shape, jnp.int64)
    return _running_index(array, axis, smaller)


def _declare_running(name: str, smaller: bool) -> None:
    @op(
        f"{name}(Tensor input, int64_t dim, *, TensorList[2] out=None)",
        out=Out(dtype=out_dtypes.expected_scalar_type),
        returns="values indices",
    )
    def running(input, dim):
        index = _running_extremum.call(input, dim, smaller)
        if not input.numel():
            dim = 0
        return named(name, pick(input, index, dim, f"{name.capitalize()}Backward0"), index)

    kind = name.removeprefix("cum")
    running.__doc__ = f"""Cumulative {kind}imum ``y_i = {kind}(x_1, ..., x_i)`` along a dimension.

    Args:
        dim: dimension along which to look.
    Returns:
        Named tuple of values and indices.
    """


_declare_running("cummax", False)
_declare_running("cummin", True)


@op(
    "diff(Tensor input, int64_t n=1, int64_t dim=-1, Tensor? prepend=None, "
    "Tensor? append=None, *, Tensor out=None)",
    out=Out(dtype=out_dtypes.expected_scalar_type),
)
def diff(input, n=1, dim=-1, prepend=None, append=None):
    """Forward differences ``x_{i + 1} - x_i`` along a dimension, of order n.

    Args:
        n: how many times to take differences.
        dim: dimension along which.
        prepend, append: tensors to put before and behind first.
    Returns:
        Tensor.
    """
    if not input.dim():
        raise _messages_cumulative.diff_rank()
    axis = normalise_dim(dim, input.dim())
    if n < 0:
        raise _messages_cumulative.diff_order(n)
    for other in (prepend, append):
        if other is not None and other.dim() != input.dim():
            raise _messages_cumulative.diff_sizes()
    parts = [part for part in (prepend, input, append) if part is not None]
    if n == 0:
        return zeros_like(input).copy_(input)
    joined = cat.call(parts, axis) if len(parts) > 1 else input
    truth = input.dtype is dtypes.bool_
    for _ in range(min(n, joined.shape[axis])):
        size = joined.shape[axis]
        later = joined.narrow(axis, 1, size - 1) if size else joined
        earlier = joined.narrow(axis, 0, size - 1) if size else joined
        joined = later.logical_xor(earlier) if truth else later.sub(earlier)
    return joined


def _trapezoids(y, dim, x, dx) -> Any:
    """Return twice the widths and heights that trapezoids are made of."""
    size = y.shape[dim]
    heights = y.narrow(dim, 0, size - 1) + y.narrow(dim, 1, size - 1)
    if x is None:
        return heights, dx
    if x.dim() == 1:
        if x.shape[0] != size:
            raise _messages_cumulative.trapezoid_sizes(size, x.shape[0])
        shape = [1] * y.dim()
        shape[dim] = -1
        x = x.view(shape)
    axis = dim % y.dim() - y.dim()
    length = x.shape[axis]
    widths = x.narrow(axis, 1, length - 1) - x.narrow(axis, 0, length - 1)
    return heights, widths


_ONE = 1


def _scale_spec(operation, bound, mode) -> Spec:
    operand, factor = bound["input"], bound["factor"]
    meta = operand.meta
    inexact = is_inexact(meta.dtype)
    compute = meta.dtype if inexact else mode.default_dtype

    return Spec(
        [operand, factor],
        (make_meta(meta.shape, compute, meta.device),),
        {"compute": compute},
        saves=(1,),
        node_name=bound["name"],
    )


@op(
    "_scale(Tensor input, Scalar factor, std::string name)",
    kind=Custom(_scale_spec),
    method=False,
    function=False,
)
def _scale(array: Any, number: Any, *, compute: Any) -> Any:
    """Multiply by a number, for a composite whose ``grad_fn`` has the given name."""
    return cast(array, compute) * jnp.asarray(number).astype(compute._numpy)


def _check_trapezoid(name: str, y, x) -> None:
    if y.dtype is dtypes.bool_ or (x is not None and x.dtype is dtypes.bool_):
        raise _messages_cumulative.trapezoid_bool(name, x is not None)


@op(
    "trapezoid(Tensor y, Tensor x, *, int64_t dim=-1)",
    "trapezoid(Tensor y, *, Scalar dx=1, int64_t dim=-1)",
    method=False,
    aliases={
        "trapz": (
            "(Tensor y, *, double dx=1, int64_t dim=-1)",
            "(Tensor y, Tensor x, *, int64_t dim=-1)",
        )
    },
)
def trapezoid(y, x=None, dx=_ONE, dim=-1):
    """Trapezoidal rule ``sum_i dx_i (y_i + y_{i + 1}) / 2`` along a dimension.

    Args:
        y: values.
        x: where they were taken.
        dx: distance between neighbours instead.
        dim: dimension along which to integrate.
    Returns:
        Tensor without that dimension.
    """
    if not y.dim():
        raise _messages_cumulative.trapezoid_rank(dim if x is None else 0)
    dim = normalise_dim(dim, y.dim())
    if not y.shape[dim]:
        return y.detach().sum(dim)
    _check_trapezoid("trapezoid", y, x)
    heights, widths = _trapezoids(y, dim, x, dx)
    if x is None:
        return _scale.call(heights.sum(dim), widths / 2.0, "MulBackward1")
    return _scale.call((widths * heights).sum(dim), 0.5, "DivBackward1")


@op(
    "cumulative_trapezoid(Tensor y, Tensor x, *, int64_t dim=-1)",
    "cumulative_trapezoid(Tensor y, *, Scalar dx=1, int64_t dim=-1)",
    method=False,
)
def cumulative_trapezoid(y, x=None, dx=_ONE, dim=-1):
    """Cumulative trapezoidal rule: every partial sum of ``trapezoid``."""
    if not y.dim():
        raise _messages_cumulative.slice_rank()
    dim = normalise_dim(dim, y.dim())
    _check_trapezoid("cumulative_trapezoid", y, x)
    heights, widths = _trapezoids(y, dim, x, dx)
    if x is None:
        return _scale.call(heights, widths / 2.0, "MulBackward1").cumsum(dim)
    return _scale.call((widths * heights).cumsum(dim), 0.5, "DivBackward1")
