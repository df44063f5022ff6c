"""Sorting, selecting by rank, and searching in sorted sequences."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes, messages
from ..._core.dtypes import dtype as DType
from ..._core.strides import memory_order
from ..._engine.declare import Out, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import is_tensor, make_meta
from ..._engine.recording.kinds.base import (
    Custom,
    cast,
    cast_on_host,
    normalise_dim,
    promoted_dtype,
)
from ..._engine.recording.kinds.pointwise import FLOATING, INTEGRAL, only
from .._shared import out_dtypes
from .._shared.calls import named
from .._shared.data_checks import elements
from . import _messages_reduction, _messages_sorting, tied_order
from .extrema import as_ordered, pick, sortable_on_host


def sorting_order(array, axis: int, descending: bool):
    """Return the stable order of an array; NaN is larger than all numbers."""
    if isinstance(array, np.ndarray):
        if descending:
            places = np.argsort(np.flip(array, axis), axis, kind="stable")
            return array.shape[axis] - 1 - np.flip(places, axis)
        return np.argsort(array, axis, kind="stable")
    array = as_ordered(array)
    if descending:
        size = array.shape[axis]
        backwards = jnp.argsort(jnp.flip(array, axis), axis, stable=True)
        return size - 1 - jnp.flip(backwards, axis)
    return jnp.argsort(array, axis, stable=True)


def _dense_strides(meta) -> tuple[int, ...] | None:
    """Return the strides of a result that is laid out like its input where that has no gaps."""
    return meta.strides if memory_order(meta.shape, meta.strides) is not None else None


def _order_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    axis = normalise_dim(bound["dim"], meta.ndim)
    if meta.dtype.is_complex:
        raise _messages_sorting.no_complex_sort()
    tied = not bound["stable"] and meta.ndim and meta.numel
    tied = bool(tied) and tied_order.has_tied_order(meta, meta.shape[axis])

    return Spec(
        [operand],
        (make_meta(meta.shape, dtypes.int64, meta.device, _dense_strides(meta)),),
        {"axis": axis, "descending": bound["descending"], "tied": tied},
    )


def _order_of(array: Any, *, axis: int, descending: bool, tied: bool) -> Any:
    order = sorting_order(array, axis, descending)
    if not tied:
        return order

    def exact(rows: Any) -> Any:
        return tied_order.sorted_order(tied_order.keys_of(rows, descending))

    return tied_order.settled(array, axis, order, order, exact)


def _order_on_host(array: Any, *, axis: int, descending: bool, tied: bool) -> Any:
    if not array.ndim:
        return np.zeros((), np.int64)
    order = _order_of(sortable_on_host(array), axis=axis, descending=descending, tied=tied)
    return order.astype(np.int64, copy=False)


@op(
    "_sorting_order(Tensor input, int64_t dim, bool descending, bool stable)",
    kind=Custom(_order_spec),
    method=False,
    function=False,
    differentiable=False,
    host=_order_on_host,
)
def _sorting_order(array: Any, *, axis: Any, descending: Any, tied: Any) -> Any:
    """Return the order of elements along a dimension, equal ones as PyTorch leaves them."""
    if not array.ndim:
        return jnp.zeros((), jnp.int64)
    array = as_ordered(array)
    return _order_of(array, axis=axis, descending=descending, tied=tied).astype(jnp.int64)


@op(
    "sort(Tensor input, *, bool? stable, int64_t dim=-1, bool descending=False, "
    "TensorList[2] out=None)",
    "sort(Tensor input, int64_t dim=-1, bool descending=False, *, TensorList[2] out=None)",
    out=Out(dtype=out_dtypes.expected_cpp_name),
    returns="values indices",
)
def sort(input, dim=-1, descending=False, stable=None):
    """Sort along a dimension; NaN is larger than all.

    Args:
        dim: dimension along which to sort.
        descending: whether the largest comes first.
        stable: whether equal elements keep their order; otherwise they come in that of introsort
            on the CPU, and keep it elsewhere.
    Returns:
        Named tuple of values and the indices where they were.
    """
    index = _sorting_order.call(input, dim, descending, bool(stable))
    node = "SortBackward0" if stable is None else "SortBackward1"
    return named("sort", pick(input, index, dim, node), index)


@op(
    "argsort(Tensor input, *, bool stable, int64_t dim=-1, bool descending=False, Tensor out=None)",
    "argsort(Tensor input, int64_t dim=-1, bool descending=False)",
)
def argsort(input, dim=-1, descending=False, stable=False):
    """Return the indices that sort a tensor along a dimension, see ``sort``."""
    return _sorting_order.call(input, dim, descending, stable)


@op("msort(Tensor input, *, Tensor out=None)", out=Out(dtype=out_dtypes.expected_cpp_name))
def msort(input):
    """Sort along the first dimension."""
    return sort(input, 0)[0]


_SELECTED = (dtypes.float32, dtypes.float16, dtypes.bfloat16)


def _selected(array: Any, axis: int, count: int, largest: bool) -> Any:
    """Return where the largest or smallest floats are, in order; NaN is the largest."""
    rows = jnp.moveaxis(array, axis, -1).astype(jnp.float32)
    rows = jnp.where(rows == 0, 0, rows)  # XLA tells -0 from 0
    # XLA orders by bits: a NaN without a sign comes first, one with a sign last.
    rows = jnp.where(jnp.isnan(rows), np.float32(np.nan), rows)
    rows = rows if largest else jax.lax.neg(rows)
    flat = rows.reshape(-1, rows.shape[-1])
    index = jax.lax.top_k(flat, count)[1].reshape(*rows.shape[:-1], count)
    return jnp.moveaxis(index, -1, axis).astype(jnp.int64)


def _topk_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    axis = normalise_dim(bound["dim"], meta.ndim)
    count = bound["k"]
    size = meta.shape[axis] if meta.ndim else 1
    if not 0 <= count <= size:
        raise _messages_reduction.topk_range()
    if meta.dtype.is_complex:
        raise _messages_sorting.no_complex_topk()
    if meta.dtype is dtypes.bool_:
        raise _messages_sorting.no_bool_topk()
    shape = (*meta.shape[:axis], count, *meta.shape[axis + 1 :]) if meta.ndim else ()
    largest = bound["largest"]
    # XLA selects a few of many float32 numbers; it sorts whole rows otherwise, for a hundred times
    # as long.
    selects = meta.dtype in _SELECTED and 0 < count * 16 < size
    tied = meta.device.type == "cpu" and bool(count) and bool(meta.numel) and size > 1

    return Spec(
        [operand],
        (make_meta(shape, dtypes.int64, meta.device),),
        {
            "selects": selects,
            "axis": axis,
            "largest": largest,
            "count": count,
            "tied": tied,
            "in_order": bound["sorted"],
        },
    )


def _first(array: Any, count: int, axis: int) -> Any:
    return array[(slice(None),) * axis + (slice(0, count),)]


def _top_of(
    array: Any, seen: Any, *, axis: int, largest: bool, count: int, tied: bool, in_order: bool
) -> Any:
    """Return the first ``count`` of ``seen``, the first in order and one more if there is one."""
    stable = _first(seen, count, axis)
    if not tied:
        return stable

    def exact(rows: Any) -> Any:
        keys = tied_order.keys_of(rows, largest)
        return tied_order.smallest(keys, count, in_order)

    if not in_order:  # then the order is that of the partitions, equal elements or not
        seen = seen * 0
    return tied_order.settled(array, axis, stable, seen, exact)


def _topk_on_host(array: Any, *, selects: bool, axis: int, largest: bool, **how: Any) -> Any:
    if not array.ndim:
        return np.zeros((), np.int64)
    array = sortable_on_host(array)
    seen = _first(sorting_order(array, axis, largest), how["count"] + 1, axis)
    return _top_of(array, seen, axis=axis, largest=largest, **how).astype(np.int64, copy=False)


@op(
    "_topk_index(Tensor input, int64_t k, int64_t dim, bool largest, bool sorted)",
    kind=Custom(_topk_spec),
    method=False,
    function=False,
    differentiable=False,
    host=_topk_on_host,
)
def _topk_index(array: Any, *, selects: Any, axis: Any, largest: Any, **how: Any) -> Any:
    """Return where the ``k`` largest or smallest elements are."""
    if not array.ndim:
        return jnp.zeros((), jnp.int64)
    array = as_ordered(array)
    if selects:
        seen = _selected(array, axis, how["count"] + 1, largest)
    else:
        seen = _first(sorting_order(array, axis, largest), how["count"] + 1, axis)
    return _top_of(array, seen, axis=axis, largest=largest, **how).astype(jnp.int64)


@op(
    "topk(Tensor input, SymInt k, int64_t dim=-1, bool largest=True, bool sorted=True, *, "
    "TensorList[2] out=None)",
    out=Out(dtype=out_dtypes.expected_cpp_name, overlap="refuse"),
    returns="values indices",
)
def topk(input, k, dim=-1, largest=True, sorted=True):
    """Return the largest (or smallest) elements along a dimension, in order.

    Args:
        k: how many.
        dim: dimension along which to look.
        largest: whether the largest, not the smallest.
        sorted: whether they come in order.
    Returns:
        Named tuple of values and indices.
    """
    index = _topk_index.call(input, k, dim, largest, sorted)
    return named("topk", pick(input, index, dim, "TopkBackward0"), index)


def _kth_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    axis = normalise_dim(bound["dim"], meta.ndim)
    place, keepdim = bound["k"], bound["keepdim"]
    size = meta.shape[axis] if meta.ndim else 1
    if not meta.numel and not size:
        raise messages.empty_dim("kthvalue", axis)
    if not 1 <= place <= size:
        raise _messages_reduction.kth_range(axis)
    if meta.dtype.is_complex or meta.dtype is dtypes.bool_:
        raise messages.not_implemented("kthvalue_cpu", meta.dtype._legacy_name)
    middle = (1,) if keepdim else ()
    shape = (*meta.shape[:axis], *middle, *meta.shape[axis + 1 :]) if meta.ndim else ()

    return Spec(
        [operand],
        (make_meta(shape, dtypes.int64, meta.device),),
        {
            "axis": axis,
            "keepdim": keepdim,
            "place": place,
            "tied": meta.device.type == "cpu" and size > 1,
        },
    )


def _kth_of(array: Any, *, axis: int, keepdim: bool, place: int, tied: bool) -> Any:
    order = sorting_order(array, axis, False)
    before = (slice(None),) * axis
    found = order[(*before, slice(place - 1, place))]
    if tied:
        seen = order[(*before, slice(max(0, place - 2), place + 1))]

        def exact(rows: Any) -> Any:
            return tied_order.kth_smallest(tied_order.keys_of(rows, False), place - 1)

        found = tied_order.settled(array, axis, found, seen, exact)
    return found if keepdim else found.squeeze(axis)


def _kth_on_host(array: Any, **how: Any) -> Any:
    if not array.ndim:
        return np.zeros((), np.int64)
    return _kth_of(sortable_on_host(array), **how).astype(np.int64, copy=False)


@op(
    "_kth_index(Tensor input, int64_t k, int64_t dim, bool keepdim)",
    kind=Custom(_kth_spec),
    method=False,
    function=False,
    differentiable=False,
    host=_kth_on_host,
)
def _kth_index(array: Any, **how: Any) -> Any:
    """Return where the ``k``-th smallest elements are."""
    if not array.ndim:
        return jnp.zeros((), jnp.int64)
    return _kth_of(array, **how).astype(jnp.int64)


@op(
    "kthvalue(Tensor input, SymInt k, int64_t dim=-1, bool keepdim=False, *, "
    "TensorList[2] out=None)",
    out=Out(dtype=out_dtypes.kthvalue, overlap="refuse"),
    returns="values indices",
)
def kthvalue(input, k, dim=-1, keepdim=False):
    """Return the ``k``-th smallest elements along a dimension.

    Args:
        k: from 1.
        dim: dimension along which to look.
        keepdim: whether it stays, with size 1.
    Returns:
        Named tuple of values and indices.
    """
    index = _kth_index.call(input, k, dim, keepdim)
    return named("kthvalue", pick(input, index, dim, "KthvalueBackward0", keepdim), index)


# Searching


def _search_spec(operation, bound, mode) -> Spec:
    sequence = bound["sorted_sequence"]
    values = bound["input"] if "input" in bound else bound["self"]
    right = bound.get("right", False)
    side = bound.get("side")
    if side is not None and side not in ("left", "right"):
        raise _messages_sorting.side(side)
    if side == "left" and right:
        raise _messages_sorting.side_conflict()
    right = right or side == "right"
    result = dtypes.int32 if bound.get("out_int32") else dtypes.int64
    sorter = bound.get("sorter")
    a = sequence.meta
    if not a.ndim:
        raise _messages_sorting.search_in_nothing()
    if values.meta is None or not values.meta.ndim:
        if a.ndim != 1:
            raise _messages_sorting.search_number(a.ndim)
        shape: tuple[int, ...] = ()
    else:
        shape = values.meta.shape
        b = values.meta
        if a.ndim != 1 and (a.ndim != b.ndim or a.shape[:-1] != b.shape[:-1]):
            raise _messages_sorting.search_shapes(a.shape, b.shape)
    if sorter is not None:
        if sorter.meta.shape != a.shape:
            raise _messages_sorting.sorter_shape(a.shape, sorter.meta.shape)
        if sorter.meta.dtype is not dtypes.int64:
            raise _messages_sorting.sorter_dtype(sorter.meta.dtype._legacy_name)
    operands = [o for o in (sequence, values, sorter) if o is not None]
    compute = promoted_dtype([sequence, values], mode.default_dtype)
    only(INTEGRAL, FLOATING, kernel="searchsorted_out_cpu")(operation, compute)

    return Spec(
        operands,
        (make_meta(shape, result, a.device),),
        {"compute": compute, "right": right, "result": result},
    )


def _check_sorter(args: tuple, kwargs: dict) -> None:
    """Refuse an order that names elements which are not there."""
    sorter, sequence = kwargs.get("sorter"), args[0] if args else kwargs.get("sorted_sequence")
    if sorter is None or not (is_tensor(sorter) and is_tensor(sequence)):
        return
    if sorter.dtype is not dtypes.int64 or sorter.shape != sequence.shape or not sorter.numel():
        return
    order = elements(sorter, "searchsorted")
    if order is not None and not (order.min() >= 0 and order.max() < order.shape[-1]):
        raise _messages_sorting.sorter_range()


def _search_on_host(
    array: Any, wanted: Any, *order: Any, compute: DType, right: bool, result: DType
) -> Any:
    if order:
        array = np.take_along_axis(array, order[0], -1)
    array, wanted = cast_on_host(array, compute), cast_on_host(np.asarray(wanted), compute)
    where: Any = "right" if right else "left"
    if array.ndim == 1 or not wanted.size:
        found = np.searchsorted(array, wanted, where) if wanted.size else np.zeros(wanted.shape)
        return np.asarray(found, result._numpy)
    rows = array.reshape(math.prod(array.shape[:-1]), array.shape[-1])
    sought = wanted.reshape(rows.shape[0], -1)
    found = [np.searchsorted(row, values, where) for row, values in zip(rows, sought, strict=True)]
    return np.asarray(found, result._numpy).reshape(wanted.shape)


@op(
    "searchsorted(Tensor sorted_sequence, Tensor input, *, bool out_int32=False, "
    "bool right=False, std::string? side=None, Tensor? sorter=None, Tensor out=None)",
    "searchsorted(Tensor sorted_sequence, Scalar self, *, bool out_int32=False, "
    "bool right=False, std::string? side=None, Tensor? sorter=None, Tensor out=None)",
    kind=Custom(_search_spec),
    check_data=_check_sorter,
    method=False,
    differentiable=False,
    out=Out(dtype=out_dtypes.search_index),
    host=_search_on_host,
)
def searchsorted(
    array: Any, wanted: Any, *order: Any, compute: Any, right: Any, result: Any
) -> Any:
    """Return where values would be inserted into ascending sequences (the last dimension).

    Args:
        sorted_sequence: one sequence, or one for each row of ``input``.
        input: the values.
        out_int32: whether to return int32 instead of int64.
        right: whether to go behind equal elements.
        side: ``"left"`` or ``"right"`` instead of ``right``.
        sorter: order that sorts the sequences.
    Returns:
        Tensor of indices.
    """
    if order:
        array = jnp.take_along_axis(array, order[0], -1)
    array = cast(array, compute)
    wanted = cast(jnp.asarray(wanted), compute)
    where = "right" if right else "left"
    if 0 in wanted.shape or not array.shape[-1]:
        return jnp.zeros(wanted.shape, result._numpy)
    if array.ndim == 1:
        positions = jnp.searchsorted(array, wanted, side=where)
    else:
        rows = array.reshape(-1, array.shape[-1])
        sought = wanted.reshape(rows.shape[0], -1)
        search = jax.vmap(lambda row, values: jnp.searchsorted(row, values, side=where))
        positions = search(rows, sought)
    return positions.reshape(wanted.shape).astype(result._numpy)


@op(
    "bucketize(Tensor input, Tensor boundaries, *, bool out_int32=False, bool right=False, "
    "Tensor out=None)",
    "bucketize(Scalar self, Tensor boundaries, *, bool out_int32=False, bool right=False)",
    method=False,
    out=Out(dtype=out_dtypes.search_index),
)
def bucketize(input=None, boundaries=None, out_int32=False, right=False, self=None):
    """Return the number of the interval, between ascending boundaries, of each value.

    Args:
        input: values.
        boundaries: ascending vector.
        out_int32: whether to return int32 instead of int64.
        right: whether an interval is closed on its left.
    Returns:
        Tensor of indices.
    """
    if boundaries.dim() != 1:
        raise _messages_sorting.boundaries_rank(boundaries.dim())
    values: Any = self if input is None else input
    return searchsorted.call(boundaries, values, out_int32=out_int32, right=right)


def _isin_spec(operation, bound, mode) -> Spec:
    names = [n for n in ("elements", "element") if n in bound]
    tests = [n for n in ("test_elements", "test_element") if n in bound]
    operands = [bound[names[0]], bound[tests[0]]]
    for operand in operands:
        number = promoted_dtype([operand], mode.default_dtype)
        if number.is_complex or number is dtypes.bool_:
            raise _messages_sorting.isin_dtype(number._legacy_name)
    compute = promoted_dtype(operands, mode.default_dtype)
    only(INTEGRAL, FLOATING, kernel="isin_default_cpu")(operation, compute)
    invert = bound.get("invert", False)
    meta = operands[0].meta
    shape = () if meta is None else meta.shape
    device = (meta or operands[1].meta).device

    return Spec(
        operands, (make_meta(shape, dtypes.bool_, device),), {"compute": compute, "invert": invert}
    )


@op(
    "isin(Tensor elements, Tensor test_elements, *, bool assume_unique=False, "
    "bool invert=False, Tensor out=None)",
    "isin(Scalar element, Tensor test_elements, *, bool assume_unique=False, "
    "bool invert=False, Tensor out=None)",
    "isin(Tensor elements, Scalar test_element, *, bool assume_unique=False, "
    "bool invert=False, Tensor out=None)",
    kind=Custom(_isin_spec),
    method=False,
    differentiable=False,
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def isin(elements: Any, test: Any, *, compute: Any, invert: Any) -> Any:
    """Test which elements occur among others.

    Args:
        elements: tensor or number.
        test_elements: tensor or number.
        assume_unique: accepted, without effect.
        invert: whether to test which do not.
    Returns:
        bool tensor of the shape of ``elements``.
    """
    elements = cast(jnp.asarray(elements), compute)
    occurs = jnp.isin(elements, cast(jnp.asarray(test), compute))
    return ~occurs if invert else occurs
