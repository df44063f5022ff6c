"""Extrema: the largest, smallest and middle elements, and where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes, messages
from ..._core.dtypes import dtype as DType
from ..._engine.declare import Out, op
from ..._engine.graph.op import Plan, Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, normalise_dim
from ..._engine.recording.kinds.reduction import Reduction, kept_shape, reduced_axes, reduced_shape
from .._shared import out_dtypes
from .._shared.calls import named
from . import _messages_reduction, tied_order

_ABSENT: Any = object()


# Values picked by their positions: the gradient goes back to these positions and nowhere else.


def _pick_spec(operation, bound, mode) -> Spec:
    operand, index = bound["input"], bound["index"]
    meta = operand.meta
    dim, keepdim = bound["dim"], bound["keepdim"]
    shape, strides = index.meta.shape, index.meta.strides
    return Spec(
        [operand, index],
        (make_meta(shape, meta.dtype, meta.device, strides),),
        {"keepdim": keepdim, "dim": dim},
        saves=(1,),
        node_name=bound["name"],
    )


@op(
    "_pick(Tensor input, Tensor index, int64_t dim, bool keepdim, std::string name)",
    kind=Custom(_pick_spec),
    method=False,
    function=False,
)
def _pick(array: Any, positions: Any, *, keepdim: Any, dim: Any) -> Any:
    """Take elements along a dimension by their positions, for the operator ``name``."""
    if not array.ndim:
        return array
    if not keepdim:
        positions = jnp.expand_dims(positions, dim)
    picked = jnp.take_along_axis(array, positions, dim, mode="promise_in_bounds")
    return picked if keepdim else jnp.squeeze(picked, dim)


def pick(input: Any, index: Any, dim: int, name: str, keepdim: bool = True) -> Any:
    """Return the elements at ``index`` along ``dim``.

    Args:
        input: tensor.
        index: positions, without the dimension where ``keepdim`` is False.
        dim: may count from the end.
        name: class name of the result's ``grad_fn``.
        keepdim: whether ``index`` has the dimension.
    """
    ndim = input.dim()
    return _pick.call(input, index, dim % ndim if ndim else 0, keepdim, name)


def index_of(
    function,
    name: str,
    kernel: str = "",
    refuse: tuple[DType, ...] = (),
    tied: bool = False,
    host: Callable | None = None,
):
    """Declare the private operator that finds the positions which ``pick`` takes.

    Args:
        function: ``(array, axis) -> positions``, without the axis.
        name: of the public operator.
        kernel: PyTorch's name of the kernel, for dtypes that it refuses.
        refuse: those dtypes, besides complex ones.
        tied: whether the function is told if equal elements may come in introsort's order.
        host: the same by NumPy, ``(rows, **how) -> positions`` along the last of two dimensions.
    """

    def on_host(array: Any, *, axis: int, keepdim: bool, **how: Any) -> Any:
        if not array.ndim:
            return np.zeros((), np.int64)
        rows = np.moveaxis(array, axis, -1)
        assert host is not None
        found = host(sortable_on_host(rows.reshape(-1, rows.shape[-1])), **how)
        found = found.reshape(rows.shape[:-1])
        return np.expand_dims(found, axis) if keepdim else found

    def spec(operation, bound, mode) -> Spec:
        operand = bound["input"]
        meta = operand.meta
        dim = normalise_dim(bound["dim"], meta.ndim)
        if meta.dtype.is_complex and not kernel:
            raise _messages_reduction.does_not_support(name, "complex")
        if meta.ndim and not meta.shape[dim]:
            shown = "median" if name == "nanmedian" else name
            raise messages.empty_dim(shown, dim)
        if meta.dtype.is_complex or meta.dtype in refuse:
            raise messages.not_implemented(kernel, meta.dtype._legacy_name)
        shape = reduced_shape(meta, (dim,) if meta.ndim else (), bound["keepdim"])
        metas = (make_meta(shape, dtypes.int64, meta.device),)
        params = {"axis": dim, "keepdim": bool(bound["keepdim"])}
        if tied:
            params["tied"] = bool(meta.ndim) and tied_order.has_tied_order(meta, meta.shape[dim])
        return Spec([operand], metas, params)

    @op(
        f"_{name}_index(Tensor input, int64_t dim, bool keepdim)",
        kind=Custom(spec),
        method=False,
        function=False,
        differentiable=False,
        host=None if host is None else on_host,
    )
    def positions(array: Any, *, axis: int, keepdim: bool, **how: Any) -> Any:
        """Return the positions along a dimension that ``pick`` takes."""
        if not array.ndim:
            return jnp.zeros((), jnp.int64)
        found = function(array, axis, **how).astype(jnp.int64)
        return jnp.expand_dims(found, axis) if keepdim else found

    return positions.call


def as_ordered(array):
    """Return an array that ``argmax`` and sorting take: bool as uint8."""
    return array.astype(jnp.uint8) if array.dtype == bool else array


def sortable_on_host(array: np.ndarray) -> np.ndarray:
    """Return an array that NumPy sorts: NaN last, bool as uint8, small floats as float32."""
    if array.dtype == bool:
        return array.view(np.uint8)
    return array if array.dtype.kind in "iuf" else array.astype(np.float32)


def _argmax(array, axis):
    """Return the first position of the largest element; NaN is larger than all."""
    return jnp.argmax(as_ordered(array), axis)


def _argmin(array, axis):
    """Return the first position of the smallest element; NaN is smaller than all."""
    return jnp.argmin(as_ordered(array), axis)


_MAX_INDEX = index_of(_argmax, "max")
_MIN_INDEX = index_of(_argmin, "min")


def _shared(array, result, cotangent, axes):
    """Share a gradient among all elements equal to the result (0 / 0 where NaN is the result)."""
    same = (array == result).astype(array.dtype)
    return cotangent * same / jnp.sum(same, axes, keepdims=True)


def _shared_with_nan(array, result, cotangent, axes):
    """Share a gradient among all elements equal to the result, NaN being equal to NaN."""
    same = (array == result) | ((array != array) & (result != result))
    share = cotangent / jnp.sum(same, axes, keepdims=True)
    return jnp.where(same, share, 0).astype(array.dtype)


def _extremum_check(op_, meta, dtype, wanted) -> None:
    name = op_.name.removeprefix("_").removesuffix("_all")
    if not meta.numel:
        raise _messages_reduction.needs_dim(name)
    if dtype.is_complex:
        raise messages.not_implemented(f"{name}_all", dtype._legacy_name)


@op(
    "_max_all(Tensor input)",
    kind=Reduction(check=_extremum_check, gradient=_shared_with_nan),
    arity="unary",
    saves=("input", "result"),
    node_name="MaxBackward1",
    method=False,
    function=False,
)
def _max_all(input, axes, keepdim):
    """Return the largest element; the gradient is shared among all that are as large."""
    return jnp.max(input, axes)


@op(
    "_min_all(Tensor input)",
    kind=Reduction(check=_extremum_check, gradient=_shared_with_nan),
    arity="unary",
    saves=("input", "result"),
    node_name="MinBackward1",
    method=False,
    function=False,
)
def _min_all(input, axes, keepdim):
    """Return the smallest element; the gradient is shared among all that are as small."""
    return jnp.min(input, axes)


def _declare_extremum(name: str, whole: Callable, find: Callable, of_pair: Callable) -> None:
    """Declare ``max`` or ``min``.

    Args:
        whole: the extremum of all elements.
        find: the positions along a dimension, see ``index_of``.
        of_pair: the extremum of two tensors, element by element.
    """
    node = f"{name.capitalize()}Backward0"

    @op(
        f"{name}(Tensor input, *, Tensor out=None)",
        f"{name}(Tensor input, Tensor other, *, Tensor out=None)",
        f"{name}(Tensor input, int64_t dim, bool keepdim=False, *, TensorList[2] out=None)",
        out=Out(dtype=out_dtypes.expected_cpp_name),
        returns="values indices",
    )
    def extremum(input, other=_ABSENT, dim=_ABSENT, keepdim=False):
        if other is not _ABSENT:
            return of_pair(input, other)
        if dim is _ABSENT:
            return whole(input)
        index = find(input, dim, keepdim)
        return named(name, pick(input, index, dim, node, keepdim), index)

    noun = f"{name.capitalize()}imum"
    extremum.__doc__ = f"""{noun} of all elements, along a dimension, or of two tensors.

    Args:
        dim: dimension to reduce.
        keepdim: whether it stays, with size 1.
        other: tensor to compare with, element by element.
    Returns:
        Tensor; with ``dim`` the values and their first indices.
    """


_declare_extremum("max", _max_all.call, _MAX_INDEX, lambda input, other: input.maximum(other))
_declare_extremum("min", _min_all.call, _MIN_INDEX, lambda input, other: input.minimum(other))


class _Extrema(Reduction):
    """``amax`` and ``amin``: as reductions, but no extremum of nothing exists."""

    def plan(self, op, bound, mode) -> Plan:
        meta = bound["input"].meta
        dim = bound.get("dim")
        if not meta.numel:
            if dim is None or dim == ():
                raise _messages_reduction.needs_dim(op.name)
            reduced_axes(meta, dim)
            for each in dim:
                if meta.ndim and meta.shape[each] == 0:
                    raise messages.empty_dim(op.name, each)
        axes = reduced_axes(meta, dim)
        if meta.dtype.is_complex:
            kernel = f"{op.name[1:]}_values_cpu"
            raise messages.not_implemented(kernel, meta.dtype._legacy_name)
        del axes
        return super().plan(op, bound, mode)


@op(
    "amax(Tensor input, IntArrayRef[1] dim={}, bool keepdim=False, *, Tensor out=None)",
    kind=_Extrema(gradient=_shared),
    saves=("input", "result"),
    out=Out(dtype=out_dtypes.extremum_type),
)
def amax(input, axes, keepdim):
    """Maximum over dimensions; equal elements share the gradient.

    Args:
        dim: the dimensions to reduce; all of them where it is absent.
        keepdim: whether they stay, with size 1.
    Returns:
        Tensor without the reduced dimensions.
    """
    return jnp.max(input, axes, keepdims=keepdim)


@op(
    "amin(Tensor input, IntArrayRef[1] dim={}, bool keepdim=False, *, Tensor out=None)",
    kind=_Extrema(gradient=_shared),
    saves=("input", "result"),
    out=Out(dtype=out_dtypes.extremum_type),
)
def amin(input, axes, keepdim):
    """Minimum over dimensions; equal elements share the gradient.

    Args:
        dim: the dimensions to reduce; all of them where it is absent.
        keepdim: whether they stay, with size 1.
    Returns:
        Tensor without the reduced dimensions.
    """
    return jnp.min(input, axes, keepdims=keepdim)


def _aminmax_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    axes = reduced_axes(meta, bound.get("dim"))
    for axis in axes:
        if not meta.shape[axis]:
            if bound.get("dim") is not None:
                raise _messages_reduction.aminmax_dim(axis)
            raise _messages_reduction.aminmax_of_nothing()
    if meta.dtype.is_complex:
        raise messages.not_implemented("aminmax_cpu", meta.dtype._legacy_name)
    keepdim = bound.get("keepdim", False)
    result = make_meta(reduced_shape(meta, axes, keepdim), meta.dtype, meta.device)

    def vjp(cotangents, results, operands):
        (array,) = operands
        kept = kept_shape(array.shape, axes)
        low, high = [
            _shared(array, extremum.reshape(kept), cotangent.reshape(kept), axes)
            for extremum, cotangent in zip(results, cotangents, strict=True)
        ]
        return [low + high]

    return Spec([operand], (result, result), {"axes": axes, "keepdim": keepdim}, vjp=vjp)


@op(
    "aminmax(Tensor input, *, int64_t? dim=None, bool keepdim=False, TensorList[2] out=None)",
    kind=Custom(_aminmax_spec),
    saves=("input", "result"),
    returns="min max",
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def aminmax(array: Any, *, axes: Any, keepdim: Any) -> Any:
    """Minimum and maximum of all elements or along a dimension.

    Args:
        dim: dimension to reduce; all of them where it is absent.
        keepdim: whether it stays, with size 1.
    Returns:
        Named tuple of ``min`` and ``max``.
    """
    return jnp.min(array, axes, keepdims=keepdim), jnp.max(array, axes, keepdims=keepdim)


class _Position(Reduction):
    """``argmax`` and ``argmin``."""

    def plan(self, op, bound, mode) -> Plan:
        meta = bound["input"].meta
        for unfit, words in (
            (meta.dtype.is_complex, "complex"),
            (meta.dtype is dtypes.bool_, "bool"),
        ):
            if unfit:
                raise _messages_reduction.does_not_support(op.name, words)
        dim = bound.get("dim")
        if not meta.numel:
            if dim is None:
                raise _messages_reduction.needs_dim_index(op.name)
            axis = normalise_dim(dim, meta.ndim)
            if not meta.shape[axis]:
                raise messages.empty_dim(op.name, axis)
        return super().plan(op, bound, mode)


@op(
    "argmax(Tensor input, int64_t? dim=None, bool keepdim=False, *, Tensor out=None)",
    kind=_Position(result="int64"),
    differentiable=False,
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def argmax(input, axes, keepdim):
    """Argmax: the first position of the largest element, over one or all dimensions.

    Args:
        dim: dimension to reduce; all of them, flattened, where it is absent.
        keepdim: whether it stays, with size 1.
    Returns:
        Tensor of int64.
    """
    return _position(jnp.argmax, input, axes, keepdim)


@op(
    "argmin(Tensor input, int64_t? dim=None, bool keepdim=False, *, Tensor out=None)",
    kind=_Position(result="int64"),
    differentiable=False,
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def argmin(input, axes, keepdim):
    """Argmin: the first position of the smallest element, over one or all dimensions.

    Args:
        dim: dimension to reduce; all of them, flattened, where it is absent.
        keepdim: whether it stays, with size 1.
    Returns:
        Tensor of int64.
    """
    return _position(jnp.argmin, input, axes, keepdim)


def _position(find, array, axes, keepdim):
    axis = None if len(axes) != 1 else axes[0]
    return find(array, axis, keepdims=keepdim)


# Medians and modes


def _median_index(array, axis):
    """Return where the lower median is; of a row with NaN, where the first NaN is."""
    order = jnp.argsort(array, axis, stable=True)
    middle = jax.lax.index_in_dim(order, (array.shape[axis] - 1) // 2, axis, keepdims=False)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        return middle
    nan = jnp.isnan(array)
    return jnp.where(jnp.any(nan, axis), jnp.argmax(nan, axis), middle)


def _nanmedian_index(array, axis):
    """Return where the lower median of the numbers is."""
    if not jnp.issubdtype(array.dtype, jnp.floating):
        return _median_index(array, axis)
    order = jnp.argsort(array, axis, stable=True)
    count = jnp.sum(~jnp.isnan(array), axis, keepdims=True)
    middle = jnp.maximum((count - 1) // 2, 0)
    return jnp.take_along_axis(order, middle, axis).squeeze(axis)


def _element(array: Any, find: Callable) -> Any:
    """Return the one element that ``find`` gives the position of; of none what NaN is cast to."""
    flat = array.reshape(-1)
    if not flat.size:
        if jnp.issubdtype(array.dtype, jnp.inexact):
            return jnp.full((), jnp.nan, array.dtype)
        # What NaN is cast to: by way of int32 where the dtype is smaller.
        wide = array.dtype.itemsize >= 4
        return jnp.full((), jnp.iinfo(array.dtype).min if wide else 0, array.dtype)
    return flat[find(flat, 0).reshape(())]


def _median_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    if meta.dtype.is_complex or meta.dtype is dtypes.bool_:
        raise messages.not_implemented("median_cpu", meta.dtype._legacy_name)

    def vjp(cotangents, results, operands):
        return [_shared_with_nan(operands[0], results[0], cotangents[0], None)]

    return Spec([operand], (make_meta((), meta.dtype, meta.device),), vjp=vjp)


_MEDIAN: dict[str, Any] = {
    "kind": Custom(_median_spec),
    "arity": "unary",
    "saves": ("input", "result"),
    "method": False,
    "function": False,
}


@op("_median_all(Tensor input)", node_name="MedianBackward0", **_MEDIAN)
def _median_all(array: Any) -> Any:
    """Return the lower median of all elements, NaN if one is."""
    return _element(array, _median_index)


@op("_nanmedian_all(Tensor input)", node_name="NanmedianBackward0", **_MEDIAN)
def _nanmedian_all(array: Any) -> Any:
    """Return the lower median of all numbers that are not NaN."""
    return _element(array, _nanmedian_index)


_BOOL = (dtypes.bool_,)


def _declare_median(name: str, whole: Callable, find: Callable) -> None:
    """Declare ``median`` or ``nanmedian``; ``whole`` and ``find`` as for ``_declare_extremum``."""
    node = f"{name.capitalize()}Backward1"

    @op(
        f"{name}(Tensor input)",
        f"{name}(Tensor input, int64_t dim, bool keepdim=False, *, TensorList[2] out=None)",
        returns="values indices",
    )
    def median(input, dim=_ABSENT, keepdim=False):
        if dim is _ABSENT:
            return whole(input)
        index = find(input, dim, keepdim)
        return named(name, pick(input, index, dim, node, keepdim), index)

    median.__doc__ = """Median (the lower one of two) of all elements, or along a dimension.

    Args:
        dim: dimension to reduce.
        keepdim: whether it stays, with size 1.
    Returns:
        Tensor; with ``dim`` the values and their indices.
    """


_declare_median("median", _median_all.call, index_of(_median_index, "median", "median_out", _BOOL))
_declare_median(
    "nanmedian", _nanmedian_all.call, index_of(_nanmedian_index, "nanmedian", "median_out", _BOOL)
)


def _top(array):
    """Return the largest value of an array's dtype."""
    if jnp.issubdtype(array.dtype, jnp.floating):
        return jnp.inf
    return jnp.iinfo(array.dtype).max


def _mode_index(array, axis, tied):
    """Return where the most frequent element is, the smallest of several: the last when sorted."""
    array = as_ordered(jnp.moveaxis(array, axis, -1))
    count = jnp.sum(array[..., :, None] == array[..., None, :], -1)
    most = count == jnp.max(count, -1, keepdims=True)
    smallest = jnp.min(array, -1, keepdims=True, where=most & (array == array), initial=_top(array))
    hit = most & (array == smallest)
    last = _last(hit)
    if not tied:
        return last

    def sorted_last() -> Any:
        keys = tied_order.keys_of(array.reshape(-1, array.shape[-1]), False)
        order = tied_order.sorted_order(keys)
        same = jnp.take_along_axis(hit.reshape(keys.shape), order, -1)
        found = jnp.take_along_axis(order, _last(same)[:, None], -1)[:, 0].reshape(last.shape)
        return jnp.where(jnp.any(hit, -1), found, last).astype(last.dtype)

    return jax.lax.cond(jnp.any(count > 1), sorted_last, lambda: last)


def _last(flags):
    """Return the last position of each row where a flag is set."""
    return flags.shape[-1] - 1 - jnp.argmax(flags[..., ::-1], -1)


def _mode_on_host(rows: Any, *, tied: bool) -> Any:
    """Return the same of rows: the end of the first longest run of equal elements when sorted."""
    order = np.argsort(rows, -1, kind="stable")
    ordered = np.take_along_axis(rows, order, -1)
    places = np.arange(rows.shape[1])
    begins = np.ones(rows.shape, bool)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    lengths = places - np.maximum.accumulate(np.where(begins, places, 0), -1) + 1
    lengths[ordered != ordered] = 0  # NaN equals nothing
    most = lengths.max(-1, initial=0)
    if tied and (most > 1).any():
        order = tied_order.sorted_order(tied_order.keys_of(rows, False))
    found = np.take_along_axis(order, lengths.argmax(-1)[:, None], -1)[:, 0]
    return np.where(most > 0, found, rows.shape[1] - 1).astype(np.int64)


_MODE_INDEX = index_of(_mode_index, "mode", "mode_cpu", tied=True, host=_mode_on_host)


@op(
    "mode(Tensor input, int64_t dim=-1, bool keepdim=False, *, TensorList[2] out=None)",
    out=Out(dtype=out_dtypes.mode, overlap="refuse"),
    returns="values indices",
)
def mode(input, dim=-1, keepdim=False):
    """Mode: the most frequent elements along a dimension, the smallest of equally frequent ones.

    Args:
        dim: dimension to reduce.
        keepdim: whether it stays, with size 1.
    Returns:
        Named tuple of values and indices, the last of equal elements when they are sorted.
    """
    index = _MODE_INDEX(input, dim, keepdim)
    return named("mode", pick(input, index, dim, "ModeBackward0", keepdim), index)
