"""Results whose shape depends on the data: unique, nonzero, bincount, and histograms."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes, messages
from ..._core.device import META
from ..._core.dtypes import dtype as DType
from ..._core.schema.schema import Schema
from ..._core.strides import contiguous_strides
from ..._engine.declare import Out, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, normalise_dim
from ..._engine.recording.record import fresh, write_result
from ..._engine.recording.signatures import make_binder
from ..._engine.recording.storage import current_value
from ..._engine.recording.trace import materialise
from .._shared import out_dtypes
from . import _messages_counting
from .extrema import sortable_on_host


def host_array(tensor: Any, reason: str) -> np.ndarray:
    """Return the elements of a tensor, which makes the pending program run.

    Args:
        tensor: a tensor.
        reason: the operator that needs them, for the statistics.
    Raises:
        NotImplementedError: it is on the meta device.
    """
    value = current_value(tensor)
    if value.meta.device is META:
        raise messages.no_meta_kernel(reason)
    return np.asarray(materialise(value, reason))


def tensor_like(
    array: np.ndarray, like: Any, dtype: DType | None = None, strides: tuple | None = None
) -> Any:
    """Return a tensor of an array, on the device of another tensor."""
    meta = like._value.meta
    return fresh(array, make_meta(array.shape, dtype or meta.dtype, meta.device, strides))


def _write_positions(out: Any, rows: Any, name: str) -> Any:
    """Write positions to the tensor given as ``out``; one that is resized lies as they do."""
    if out.dtype is dtypes.int64 and out.shape != rows.shape:
        if out.numel():
            messages.warn_out_resized(out.shape, rows.shape)
        out.resize_(rows.shape).as_strided_(rows.shape, rows.stride())
        if not rows.numel():  # with steps of 0, which a write would refuse
            return out
    return write_result(out, rows, name)


def _positions(input: Any) -> Any:
    """Return the positions of elements that are not zero, one per row."""
    rows = np.argwhere(host_array(input, "nonzero") != 0)
    return tensor_like(rows, input, dtypes.int64, (1, rows.shape[0]))


@op("argwhere(Tensor input)")
def argwhere(input):
    """Return the positions of elements that are not zero, one per row."""
    return _positions(input)


@op("nonzero_static(Tensor input, *, SymInt size, int64_t fill_value=-1, Tensor out=None)")
def nonzero_static(input, size, fill_value=-1):
    """Return the positions of the first elements that are not zero, as many rows as asked for.

    Args:
        size: number of rows.
        fill_value: what rows hold that are left over.
    Returns:
        int64 tensor of shape (size, dimensions).
    """
    if size < 0:
        raise _messages_counting.static_size()
    first = np.argwhere(host_array(input, "nonzero_static") != 0)[:size]
    rows = np.full((size, input.ndim), fill_value, np.int64)
    rows[: first.shape[0]] = first
    return tensor_like(rows, input, dtypes.int64)


_NONZERO = Schema("nonzero(Tensor input, *, Tensor out=None)")
_WITH_OUT = Schema("nonzero(Tensor input, *, bool as_tuple=False, Tensor out=None)")


def _make_nonzero(as_method: bool) -> Callable:
    bind = make_binder(_NONZERO, as_method)

    def nonzero(*args, as_tuple=False, **kwargs):
        """Return the positions of elements that are not zero.

        Args:
            input: tensor.
            as_tuple: whether to return one vector for each dimension instead of a matrix.
        Returns:
            int64 tensor with one row for each such element.
        """
        if as_tuple:
            if kwargs.get("out") is not None:
                _WITH_OUT.bind(args, {"as_tuple": True, **kwargs})
                raise _messages_counting.tuple_with_out()
            input = args[0] if args else kwargs["input"]
            return _positions(input if input.ndim else input.unsqueeze(0)).unbind(1)
        bound = bind(args, kwargs)
        rows, out = _positions(bound["input"]), bound.get("out")
        return rows if out is None else _write_positions(out, rows, "nonzero")

    return nonzero


nonzero = _make_nonzero(False)
publish(
    "nonzero",
    nonzero,
    method=_make_nonzero(True),
    signatures=("(Tensor input, *, bool as_tuple=False, Tensor out=None)",),
    out=Out(dtype=out_dtypes.nonzero),
)


def _grouped(rows: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the group number of each row and the size of each group."""
    inverse = np.cumsum(starts) - 1
    counts = np.diff(np.append(np.flatnonzero(starts), rows.shape[0]))
    return inverse.astype(np.int64), counts.astype(np.int64)


def _packed(input, values, inverse, counts, return_inverse, return_counts, axis=None):
    """Return what was asked for; ``axis`` says where the first dimension of ``values`` belongs."""
    strides = None
    if axis is not None:
        values = np.ascontiguousarray(values)
        lying = list(contiguous_strides(values.shape))
        lying.insert(axis, lying.pop(0))
        strides, values = tuple(lying), np.moveaxis(values, 0, axis)
    results = [tensor_like(values, input, None, strides)]
    if return_inverse:
        results.append(tensor_like(inverse, input, dtypes.int64))
    if return_counts:
        results.append(tensor_like(counts, input, dtypes.int64))
    return results[0] if len(results) == 1 else tuple(results)


_SWITCHES = "bool return_inverse=False, bool return_counts=False"
_bind_unique = make_binder(Schema(f"_unique2(Tensor input, bool sorted=True, {_SWITCHES})"))
_bind_unique_dim = make_binder(
    Schema(f"unique_dim(Tensor input, int64_t dim, bool sorted=True, {_SWITCHES})")
)
_bind_consecutive = make_binder(
    Schema(f"unique_consecutive(Tensor input, {_SWITCHES}, int64_t? dim=None)")
)


def _unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """Return the distinct elements in ascending order.

    Args:
        input: tensor.
        sorted: accepted; the result is sorted in either case.
        return_inverse: whether to return where each element went.
        return_counts: whether to return how often each one occurs.
        dim: compare slices along this dimension instead of elements.
    Returns:
        Tensor, or a tuple of up to three.
    """
    switches = {"return_inverse": return_inverse, "return_counts": return_counts}
    if dim is None:
        _bind_unique((input,), {"sorted": sorted, **switches})
    else:
        _bind_unique_dim((input, dim), {"sorted": sorted, **switches})
    if input.dtype.is_complex:
        raise messages.not_implemented(
            "unique" if dim is None else "unique_dim", input.dtype._legacy_name
        )
    array = host_array(input, "unique")
    if dim is not None and 0 in array.shape:
        return _unique_of_nothing(input, dim, return_inverse, return_counts)
    if dim is None:
        flat = array.reshape(-1)
        order = np.argsort(sortable_on_host(flat), kind="stable")
        ordered = flat[order]
        starts = np.ones(flat.size, bool)
        starts[1:] = ordered[1:] != ordered[:-1]
        group, counts = _grouped(ordered, starts)
        inverse = np.empty(flat.size, np.int64)
        inverse[order] = group
        return _packed(
            input,
            ordered[starts],
            inverse.reshape(array.shape),
            counts,
            return_inverse,
            return_counts,
        )
    axis = normalise_dim(dim, array.ndim)
    rows = np.moveaxis(array, axis, 0)
    keys = rows.reshape(rows.shape[0], -1)
    order = np.lexsort(sortable_on_host(keys).T[::-1]) if keys.size else np.arange(rows.shape[0])
    ordered = keys[order]
    starts = np.ones(rows.shape[0], bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(1)
    group, counts = _grouped(ordered, starts)
    inverse = np.empty(rows.shape[0], np.int64)
    inverse[order] = group
    values = rows[order][starts]
    return _packed(input, values, inverse, counts, return_inverse, return_counts, axis)


def _unique_of_nothing(input, dim, return_inverse, return_counts):
    axis = normalise_dim(dim, input.ndim)
    shape = tuple(input.shape)
    if shape.count(0) > 1 or shape[axis]:
        raise _messages_counting.unique_of_nothing()
    empty = np.zeros(0, np.int64)
    values = np.zeros(shape, input.dtype._numpy)
    return _packed(input, values, empty, empty, return_inverse, return_counts)


def _unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """Return the elements that differ from the one before.

    Args:
        input: tensor.
        return_inverse: whether to return where each element went.
        return_counts: whether to return how often each one occurs in a row.
        dim: compare slices along this dimension instead of elements.
    Returns:
        Tensor, or a tuple of up to three.
    """
    switches = {"return_inverse": return_inverse, "return_counts": return_counts}
    _bind_consecutive((input,), {**switches, "dim": dim})
    array = host_array(input, "unique_consecutive")
    axis = 0 if dim is None else normalise_dim(dim, array.ndim)
    if dim is not None and 0 in array.shape:
        return _unique_of_nothing(input, dim, return_inverse, return_counts)
    rows = array.reshape(-1) if dim is None else np.moveaxis(array, axis, 0)
    starts = np.ones(rows.shape[0], bool)
    different = rows[1:] != rows[:-1]
    starts[1:] = different.reshape(*different.shape[:1], math.prod(different.shape[1:])).any(1)
    inverse, counts = _grouped(rows, starts)
    if dim is None:
        inverse = inverse.reshape(array.shape)
    return _packed(input, rows[starts], inverse, counts, return_inverse, return_counts, axis)


def _as_method(function):
    parameters = list(inspect.signature(function).parameters.values())
    parameters[0] = parameters[0].replace(name="self")

    def method(self, *args, **kwargs):
        return function(self, *args, **kwargs)

    method.__name__ = method.__qualname__ = function.__name__.removeprefix("_")
    method.__doc__ = function.__doc__
    method.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return method


publish("unique", _unique, method=_as_method(_unique))
publish("unique_consecutive", _unique_consecutive, method=_as_method(_unique_consecutive))


@op("bincount(Tensor input, Tensor? weights=None, SymInt minlength=0)")
def bincount(input, weights=None, minlength=0):
    """Count how often each number occurs in a vector of numbers that are not negative.

    Args:
        weights: what each occurrence counts.
        minlength: least length of the result.
    Returns:
        int64 tensor, or of the weights' dtype (float64 for integers).
    """
    if input.dtype not in dtypes.INTEGERS:
        raise _messages_counting.bincount_dtype(input.dtype._legacy_name)
    if minlength < 0:
        raise _messages_counting.negative_minlength()
    array = host_array(input, "bincount")
    if array.ndim == 1 and not array.size:
        return tensor_like(np.zeros(minlength, np.int64), input, dtypes.int64)
    if array.ndim != 1 or array.min() < 0:
        raise _messages_counting.bincount_values()
    if weights is None:
        return tensor_like(np.bincount(array, None, minlength), input, dtypes.int64)
    if weights.dim() != 1 or weights.numel() != input.numel():
        raise _messages_counting.bincount_weights()
    shares = host_array(weights, "bincount")
    dtype = weights.dtype if weights.dtype is dtypes.float32 else dtypes.float64
    counts = np.bincount(array, shares.astype(np.float64), minlength)
    return tensor_like(counts.astype(dtype._numpy), input, dtype)


@op("histc(Tensor input, int64_t bins=100, Scalar min=0, Scalar max=0, *, Tensor out=None)")
def histc(input, bins=100, min=0, max=0):
    """Histogram: the number of elements in each of several bins of equal width.

    Args:
        bins: how many.
        min, max: outer edges; those of the data where they are equal.
    Returns:
        Tensor of the counts in the dtype of ``input``.
    """
    if bins <= 0:
        raise _messages_counting.histogram_no_bins(bins, 0)
    name = input.dtype._legacy_name
    if input.dtype.is_complex:
        raise messages.not_implemented("aminmax_cpu", name)
    low, high = float(min), float(max)
    if input._value.meta.device is META:
        return _histc.call(input, bins, low, high)
    array = host_array(input, "histc").reshape(-1)
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (np.isfinite(low) and np.isfinite(high)):
        raise _messages_counting.range_not_finite(low, high, found=min == max)
    if low > high:
        raise _messages_counting.range_reversed()
    if not input.dtype.is_floating_point:
        kernel = "linspace_cpu" if input.dtype is dtypes.bool_ else "histogram_cpu"
        raise messages.not_implemented(kernel, name)
    counts = _histc.call(input, bins, low, high)
    return counts


def _histc_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    bins = bound["bins"]
    work = jnp.float64 if meta.dtype is dtypes.float64 else jnp.float32

    operands = [operand, bound["low"], bound["high"]]
    return Spec(
        operands,
        (make_meta((bins,), meta.dtype, meta.device),),
        {"work": work, "bins": bins, "meta": meta},
    )


@op(
    "_histc(Tensor input, int64_t bins, Scalar low, Scalar high)",
    kind=Custom(_histc_spec),
    method=False,
    function=False,
    differentiable=False,
)
def _histc(array: Any, low: Any, high: Any, *, work: Any, bins: Any, meta: Any) -> Any:
    """Count elements between two edges."""
    # PyTorch rounds after each step to the dtype of the elements.
    info = jnp.finfo(meta.dtype._numpy)

    def rounded(number: Any) -> Any:
        return jax.lax.reduce_precision(number, info.nexp, info.nmant)

    array = array.reshape(-1).astype(work)
    low, high = rounded(jnp.asarray(low, work)), rounded(jnp.asarray(high, work))
    inside = (array >= low) & (array <= high)
    scaled = rounded(rounded(array - low) * rounded(jnp.asarray(bins, work)))
    bin_of = rounded(scaled / rounded(high - low)).astype(jnp.int64)
    bin_of = jnp.where(inside, jnp.minimum(bin_of, bins - 1), bins)
    return jnp.bincount(bin_of, length=bins + 1)[:bins].astype(meta.dtype._numpy)
