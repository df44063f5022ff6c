"""Reductions of what shares an index, or a segment of a dimension."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes, messages, once
from ..._engine.declare import Out, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, normalise_dim
from ..._engine.recording.kinds.pointwise import FLOATING
from .._shared import out_dtypes
from ..indexing.positions import INTEGERS, grid, publish_guarded, raised, same_layout
from ..indexing.scatter import reduce_at
from ..shape.joining import cat
from . import _messages_segments
from .counting import host_array

_INDEX_REDUCTIONS = ("prod", "mean", "amax", "amin")


def _index_reduce_spec(operation, bound, mode) -> Spec:
    operand, index, source = bound["input"], bound["index"], bound["source"]
    reduce, include_self = bound["reduce"], bound.get("include_self", True)
    meta = operand.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    if reduce not in _INDEX_REDUCTIONS:
        raise _messages_segments.index_reduction(reduce)
    once.warn("index_reduce", _messages_segments.INDEX_REDUCE_BETA)
    count = source.meta.shape[dim] if source.meta.ndim else 1
    if index.meta.ndim > 1:
        raise _messages_segments.index_vector(index.meta)
    if index.meta.dtype not in INTEGERS:
        raise _messages_segments.index_dtype(index.meta.dtype._legacy_name)
    if source.meta.dtype is not meta.dtype:
        raise _messages_segments.index_source_dtype(
            meta.dtype._legacy_name, source.meta.dtype._legacy_name
        )
    if index.meta.numel != count:
        raise _messages_segments.index_count(index.meta.numel, count, dim)
    own = meta.shape[:dim] + meta.shape[dim + 1 :]
    if meta.ndim and own != source.meta.shape[:dim] + source.meta.shape[dim + 1 :]:
        raise _messages_segments.index_source_shape(meta.shape, source.meta.shape)

    return Spec(
        [operand, index, source],
        (same_layout(meta),),
        {"dim": dim, "reduce": reduce, "include_self": include_self, "meta": meta},
    )


@op(
    "index_reduce(Tensor input, int64_t dim, Tensor index, Tensor source, std::string_view reduce, "
    "*, bool include_self=True, Tensor out=None)",
    kind=Custom(_index_reduce_spec),
    keeps={"result": None},
    inplace=True,
    method=False,
    function=False,
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def index_reduce(
    array: Any, index: Any, source: Any, *, dim: Any, reduce: Any, include_self: Any, meta: Any
) -> Any:
    """Reduce the slices of ``source`` into those of ``input`` that the index names.

    Args:
        dim: the dimension that the index is of.
        index: vector of positions, one for each slice of ``source``.
        source: of the same shape but for that dimension.
        reduce: ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether what is there takes part.
    Returns:
        Tensor of the shape of ``input``.
    """
    if not index.size or not source.size:
        return array
    shape, dtype = array.shape, array.dtype
    array, index, source = raised(array), index.reshape(-1), raised(source)
    if meta.dtype is dtypes.bool_:
        array, source = array.astype(jnp.uint8), source.astype(jnp.uint8)
    along_dim = [1] * source.ndim
    along_dim[dim] = index.size
    positions = grid(jnp.broadcast_to(index.reshape(along_dim), source.shape), dim)
    result = reduce_at(array, source, positions, reduce, include_self)
    return result.reshape(shape).astype(dtype)


publish_guarded(index_reduce, _messages_segments.index_out_of_range, negative=False, flat=False)


# Segments

_STARTS = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": -math.inf, "min": math.inf}
_NAMES = {**{name: name for name in _STARTS}, "amax": "max", "amin": "min"}


def _reduced(data, ids, count: int, reduce: str, start: float, empty_mean: bool):
    """Reduce rows (n, ...) by segment; an id of ``count`` leaves a row out.

    Args:
        start: what each segment starts from.
        empty_mean: whether the mean of an empty segment is NaN.
    """
    sizes = jax.ops.segment_sum(jnp.ones(ids.shape, data.dtype), ids, count + 1)[:count]
    sizes = sizes.reshape((count,) + (1,) * (data.ndim - 1))

    def added(values, ids):
        return jax.ops.segment_sum(values, ids, count + 1)[:count]

    if reduce in ("sum", "mean"):
        total = added(data, ids) + jnp.asarray(start, data.dtype)
        if reduce == "sum":
            return total
        mean = total / jnp.maximum(sizes, 1)
        return jnp.where(sizes == 0, jnp.nan, mean) if empty_mean else mean

    @jax.custom_vjp
    def extreme(values, ids):
        if reduce == "prod":
            products = jax.ops.segment_prod(values, ids, count + 1)[:count]
            return products * jnp.asarray(start, values.dtype)
        of = jax.ops.segment_max if reduce == "max" else jax.ops.segment_min
        with_start = jnp.maximum if reduce == "max" else jnp.minimum
        return with_start(of(values, ids, count + 1)[:count], jnp.asarray(start, values.dtype))

    def forward(values, ids):
        result = extreme(values, ids)
        return result, (values, ids, result)

    def backward(saved, cotangent):
        values, ids, result = saved
        last = jnp.minimum(ids, count - 1)
        kept = (ids < count).reshape((-1,) + (1,) * (values.ndim - 1))
        if reduce == "prod":
            zero = values == 0
            safe = jnp.where(zero, 1, values)
            zeros = added(zero.astype(values.dtype), ids)
            others = jax.ops.segment_prod(safe, ids, count + 1)[:count]
            others = (others * jnp.asarray(start, values.dtype))[last]
            whole = jnp.where(zeros[last] == 0, others / safe, 0)
            slope = jnp.where(zero, jnp.where(zeros[last] == 1, others, 0), whole)
            return jnp.where(kept, cotangent[last] * slope, 0), None
        same = ((values == result[last]) | jnp.isnan(values)) & kept
        number = jnp.maximum(added(same.astype(values.dtype), ids), 1)
        return jnp.where(same, (cotangent / number)[last], 0), None

    extreme.defvjp(forward, backward)
    return extreme(data, ids)


def _segment_spec(operation, bound, mode) -> Spec:
    operand, offsets = bound["data"], bound["offsets"]
    reduce, axis, start = bound["reduce"], bound["axis"], bound["initial"]
    meta = operand.meta
    count = offsets.meta.shape[-1] - 1
    shape = (*meta.shape[:axis], count, *meta.shape[axis + 1 :])
    empty_mean = start is None
    start = _STARTS[reduce] if start is None else start

    result = make_meta(shape, meta.dtype, meta.device)
    return Spec(
        [operand, offsets],
        (result,),
        {
            "shape": shape,
            "axis": axis,
            "count": count,
            "reduce": reduce,
            "start": start,
            "empty_mean": empty_mean,
        },
    )


@op(
    "_segment_reduce(Tensor data, Tensor offsets, std::string_view reduce, int64_t axis, "
    "double? initial)",
    kind=Custom(_segment_spec),
    method=False,
    function=False,
    node_name="SegmentReduceBackward0",
)
def _segment_reduce(
    array: Any,
    edges: Any,
    *,
    shape: Any,
    axis: Any,
    count: Any,
    reduce: Any,
    start: Any,
    empty_mean: Any,
) -> Any:
    """Reduce segments whose edges are given."""
    outer = math.prod(array.shape[:axis])
    rows = array.reshape(outer, array.shape[axis], *array.shape[axis + 1 :])
    edges = edges.reshape(outer, count + 1)

    def one(data, limits):
        positions = jnp.arange(data.shape[0])
        ids = jnp.searchsorted(limits, positions, side="right") - 1
        ids = jnp.where((ids < 0) | (ids >= count), count, ids)
        return _reduced(data, ids, count, reduce, start, empty_mean)

    return jax.vmap(one)(rows, edges).reshape(shape)


@op(
    "segment_reduce(Tensor data, std::string_view reduce, *, Tensor? lengths=None, "
    "Tensor? indices=None, Tensor? offsets=None, int64_t axis=0, bool unsafe=False, "
    "Scalar? initial=None)",
    method=False,
    aliases=("_segment_reduce",),
)
def segment_reduce(
    data, reduce, lengths=None, indices=None, offsets=None, axis=0, unsafe=False, initial=None
):
    """Reduce consecutive segments of a dimension.

    Args:
        data: tensor of a floating point dtype.
        reduce: ``"sum"``, ``"mean"``, ``"max"``, ``"min"`` or ``"prod"``.
        lengths, offsets: how long the segments are, or where they begin and the last one ends.
        indices: not supported, as in PyTorch.
        axis: the dimension, the last one of ``lengths`` or ``offsets``.
        unsafe: whether the lengths are taken as they are.
        initial: what each segment starts from.
    Returns:
        Tensor with one slice for each segment.
    """
    axis = normalise_dim(axis, data.dim())
    if reduce not in _NAMES:
        raise _messages_segments.reduction(reduce)
    if indices is not None:
        raise _messages_segments.indices_unsupported()
    edges = lengths if offsets is None else offsets
    if edges is None:
        raise _messages_segments.neither_given()
    name = "lengths" if offsets is None else "offsets"
    if edges.dim() - 1 != axis:
        raise _messages_segments.not_last_dimension(axis, name)
    if offsets is None:
        if not unsafe:
            known = host_array(lengths, "segment_reduce")
            if known.size and known.min() < 0:
                raise _messages_segments.negative_length()
            if np.any(known.sum(-1) != data.shape[axis]):
                raise _messages_segments.lengths_sum()
        ends = lengths.cumsum(-1)
        edges = cat.call([ends.new_zeros(ends.narrow(-1, 0, 1).shape), ends], -1)
    if data.dtype not in FLOATING:
        raise messages.not_implemented("_segment_reduce_cpu", data.dtype._legacy_name)
    start = None if initial is None else float(initial)
    return _segment_reduce.call(data, edges, _NAMES[reduce], axis, start)
