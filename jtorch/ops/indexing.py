"""Reading and writing by tensors of positions along one dimension, and by masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._core import dtypes
from .._core import messages_indexing as messages
from .._engine.declare import FUNCTIONS, METHODS, composite, op
from .._engine.kinds import Custom, broadcast_shapes, cast, normalise_dim
from .._engine.op import Plan
from .._engine.record import record, wrap
from .._engine.storage import current_value
from .._engine.trace import materialise
from .._engine.values import Meta, make_meta, ready
from .advanced_indexing import put_at
from .copying import format_strides

_INTEGERS = (dtypes.int64, dtypes.int32)


def _positions(plan: Callable) -> Callable:
    """Add to a plan that the gradient needs the tensor of positions, and nothing else."""

    def with_saved(operation, bound, mode):
        made = plan(operation, bound, mode)
        made.saves = tuple(
            [p for p, operand in enumerate(made.operands) if operand.name in ("index", "mask")]
        )
        return made

    return with_saved


def _fresh(meta: Meta, shape: tuple[int, ...] | None = None) -> Meta:
    return make_meta(meta.shape if shape is None else tuple(shape), meta.dtype, meta.device)


def _same_layout(meta: Meta) -> Meta:
    """Return the meta of a changed copy, which PyTorch makes by ``clone``."""
    return make_meta(meta.shape, meta.dtype, meta.device, format_strides(meta, None))


def _along(array: Any, dim: int, index: Any) -> tuple:
    """Return the selection of indices of one dimension."""
    return (slice(None),) * dim + (index,)


def _grid(index: Any, dim: int) -> tuple:
    """Return the selection of the element ``index[i, j]`` names along ``dim``, for all i and j."""
    parts = []
    for other in range(index.ndim):
        if other == dim:
            parts.append(index)
        else:
            parts.append(jax.lax.broadcasted_iota(np.int64, index.shape, other))
    return tuple(parts)


def _raised(array: Any) -> Any:
    return array.reshape(1) if array.ndim == 0 else array


# Reading


def _index_select_plan(operation, bound, mode) -> Plan:
    operand, index, given = bound["input"], bound["index"], bound["dim"]
    meta = operand.meta
    dim = normalise_dim(given, meta.ndim)
    if index.meta.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index.meta.dtype not in _INTEGERS:
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if meta.ndim:
        shape = (*meta.shape[:dim], index.meta.numel, *meta.shape[dim + 1 :])
    else:
        shape = ()

    def run(array, positions):
        taken = jnp.take(_raised(array), positions.reshape(-1), axis=dim, mode="clip")
        return taken.reshape(shape)

    return Plan(run, [operand, index], (_fresh(meta, shape),))


@op(
    "index_select(Tensor input, int64_t dim, Tensor index, *, Tensor out=None)",
    kind=Custom(_positions(_index_select_plan)),
)
def index_select(input, dim, index):
    """Take the indices of a dimension that a vector names.

    Args:
        dim: the dimension.
        index: vector of int64 or int32.
    """


def _check_grid(name: str, meta: Meta, index: Meta, dim: int, other: str) -> None:
    if index.dtype not in _INTEGERS and index.numel:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if max(index.ndim, 1) != max(meta.ndim, 1):
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {other} tensor"
        )


def _gather_plan(operation, bound, mode) -> Plan:
    operand, index = bound["input"], bound["index"]
    meta, positions = operand.meta, index.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    _check_grid("gather", meta, positions, dim, "input")
    for other, (wanted, own) in enumerate(zip(positions.shape, meta.shape, strict=False)):
        if other != dim and wanted > own and positions.numel:
            raise RuntimeError(
                f"Size does not match at dimension {other} expected index {list(positions.shape)} "
                f"to be no larger than self {list(meta.shape)} apart from dimension {dim}"
            )

    def run(array, places):
        array, shape = _raised(array), places.shape
        places = _raised(places)
        whole = [
            slice(None) if other == dim else slice(0, count)
            for other, count in enumerate(places.shape)
        ]
        taken = jnp.take_along_axis(array[tuple(whole)], places, axis=dim, mode="clip")
        return taken.reshape(shape)

    return Plan(run, [operand, index], (_fresh(meta, positions.shape),))


@op(
    "gather(Tensor input, int64_t dim, Tensor index, *, bool sparse_grad=False, Tensor out=None)",
    kind=Custom(_positions(_gather_plan)),
)
def gather(input, dim, index, sparse_grad=False):
    """Take ``input[index[i, j], j]`` (for ``dim=0``) for every i and j.

    Args:
        dim: the dimension that the positions are of.
        index: positions, of as many dimensions as ``input``; the result has its shape.
    """


def _take_plan(operation, bound, mode) -> Plan:
    operand, index = bound["input"], bound["index"]
    if index.meta.dtype is not dtypes.int64:
        raise RuntimeError(
            f"take(): Expected a long tensor for index, but got {index.meta.dtype._legacy_name}"
        )

    def run(array, places):
        return jnp.take(array.reshape(-1), places, mode="wrap")

    return Plan(run, [operand, index], (_fresh(operand.meta, index.meta.shape),))


@op("take(Tensor input, Tensor index, *, Tensor out=None)", kind=Custom(_positions(_take_plan)))
def take(input, index):
    """Take elements by their place among all elements in row-major order."""


@composite("take_along_dim(Tensor input, Tensor indices, int64_t? dim=None, *, Tensor out=None)")
def take_along_dim(input, indices, dim=None, *, out=None):
    """Take elements along a dimension by positions that broadcast with ``input``.

    Args:
        indices: int64.
        dim: the dimension; by default both are flattened first.
    """
    if dim is None:
        return METHODS["gather"](input.reshape(-1), 0, indices.reshape(-1))
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    if indices.dtype not in _INTEGERS:
        raise RuntimeError(
            "torch.take_along_dim(): dtype of indices should be Long but got "
            f"{indices.dtype._legacy_name}"
        )
    dim = normalise_dim(dim, input.ndim)
    mine, its = list(input.shape), list(indices.shape)
    mine[dim] = its[dim] = 1
    common = list(broadcast_shapes([tuple(mine), tuple(its)]))
    source, places = common.copy(), common.copy()
    source[dim], places[dim] = input.shape[dim], indices.shape[dim]
    return METHODS["gather"](input.expand(source), dim, indices.expand(places))


# Writing along a dimension


def _scatter_plan(operation, bound, mode) -> Plan:
    operand, index = bound["input"], bound["index"]
    meta, positions = operand.meta, index.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    reduce = bound.get("reduce")
    source = bound.get("src")
    value = source if source is not None else bound["value"]
    _check_grid("scatter", meta, positions, dim, "self")
    if source is not None:
        if source.meta.dtype is not meta.dtype:
            raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
        _check_source(meta, positions, source.meta, dim)
    if reduce is not None and reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")

    def run(array, places, new):
        if places.size == 0:
            return array
        shape = array.shape
        array, places = _raised(array), _raised(places)
        where = _grid(places, dim)
        new = cast(jnp.asarray(new), meta.dtype)
        if source is not None:
            new = _raised(new)[tuple([slice(0, count) for count in places.shape])]
        new = jnp.broadcast_to(new, places.shape)
        if reduce == "multiply":
            result = array.at[where].multiply(new)
        else:
            result = put_at(array, new, where, reduce == "add")
        return result.reshape(shape)

    plan = Plan(run, [operand, index, value], (_same_layout(meta),))
    if source is None:
        plan.node_name = "ScatterBackward1"
    if reduce is not None:
        plan.node_name = "NotImplemented"
    return plan


def _check_source(meta: Meta, positions: Meta, source: Meta, dim: int) -> None:
    if not positions.numel:
        return
    if max(source.ndim, 1) != max(meta.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    fits = all(
        (other == dim or wanted <= own) and wanted <= available
        for other, (wanted, own, available) in enumerate(
            zip(positions.shape, meta.shape, source.shape, strict=False)
        )
    )
    if not fits:
        raise RuntimeError(
            f"Expected index {list(positions.shape)} to be no larger than self {list(meta.shape)} "
            f"apart from dimension {dim} and to be no larger size than src {list(source.shape)}"
        )


@op(
    "scatter(Tensor input, int64_t dim, Tensor index, Tensor src, *, Tensor out=None)",
    "scatter(Tensor input, int64_t dim, Tensor index, Tensor src, *, std::string reduce, "
    "Tensor out=None)",
    "scatter(Tensor input, int64_t dim, Tensor index, Scalar value, *, Tensor out=None)",
    "scatter(Tensor input, int64_t dim, Tensor index, Scalar value, *, std::string reduce, "
    "Tensor out=None)",
    kind=Custom(_positions(_scatter_plan)),
    inplace=True,
)
def scatter(input, dim, index, src=None, value=None, reduce=None):
    """Write ``src[i, j]`` to ``input[index[i, j], j]`` (for ``dim=0``) for every i and j.

    Args:
        dim: the dimension that the positions are of.
        index: positions.
        src, value: a tensor at least as large as ``index``, or a number.
        reduce: ``"add"`` or ``"multiply"`` instead of writing.
    """


def _scatter_add_plan(operation, bound, mode) -> Plan:
    operand, index, source = bound["input"], bound["index"], bound["src"]
    meta, positions = operand.meta, index.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    _check_grid("scatter", meta, positions, dim, "self")
    if source.meta.dtype is not meta.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    _check_source(meta, positions, source.meta, dim)

    def run(array, places, new):
        if places.size == 0:
            return array
        shape = array.shape
        array, places = _raised(array), _raised(places)
        new = _raised(new)[tuple([slice(0, count) for count in places.shape])]
        return put_at(array, new, _grid(places, dim), True).reshape(shape)

    return Plan(run, [operand, index, source], (_same_layout(meta),))


@op(
    "scatter_add(Tensor input, int64_t dim, Tensor index, Tensor src, *, Tensor out=None)",
    kind=Custom(_positions(_scatter_add_plan)),
    inplace=True,
)
def scatter_add(input, dim, index, src):
    """Add ``src[i, j]`` to ``input[index[i, j], j]`` (for ``dim=0``) for every i and j."""


_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def _scatter_reduce_plan(operation, bound, mode) -> Plan:
    operand, index, source = bound["input"], bound["index"], bound["src"]
    reduce, include_self = bound["reduce"], bound.get("include_self", True)
    meta, positions = operand.meta, index.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    if reduce not in _REDUCTIONS:
        raise RuntimeError(
            "reduce argument must be either sum, prod, mean, amax or amin, got " + reduce
        )
    _check_grid("scatter", meta, positions, dim, "self")
    if source.meta.dtype is not meta.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    _check_source(meta, positions, source.meta, dim)

    def run(array, places, new):
        if places.size == 0:
            return array
        shape = array.shape
        array, places = _raised(array), _raised(places)
        new = _raised(new)[tuple([slice(0, count) for count in places.shape])]
        where = _grid(places, dim)
        return reduce_at(array, new, where, reduce, include_self).reshape(shape)

    plan = Plan(run, [operand, index, source], (_same_layout(meta),))
    return plan


def reduce_at(array: Any, new: Any, where: tuple, reduce: str, include_self: bool) -> Any:
    """Reduce the elements of ``new`` that have one position, with what is there or without.

    The gradient of a largest or smallest element is shared by those that are equal to it, as in
    PyTorch.
    """
    if reduce == "sum":
        start = array if include_self else array.at[where].set(0)
        return start.at[where].add(new)
    if reduce == "mean":
        start = array if include_self else array.at[where].set(0)
        ones = jnp.ones(new.shape, array.dtype)
        count = jnp.full(array.shape, 1 if include_self else 0, array.dtype).at[where].add(ones)
        count = jnp.maximum(count, 1)
        total = start.at[where].add(new)
        return total // count if array.dtype.kind in "iu" else total / count

    @jax.custom_vjp
    def extreme(array, new, where):
        if reduce == "prod":
            start = array if include_self else array.at[where].set(1)
            return start.at[where].multiply(new)
        largest = reduce == "amax"
        if include_self:
            start = array
        elif array.dtype.kind in "iub":
            info = jnp.iinfo(array.dtype)
            start = array.at[where].set(info.min if largest else info.max)
        else:
            start = array.at[where].set(-jnp.inf if largest else jnp.inf)
        return start.at[where].max(new) if largest else start.at[where].min(new)

    def forward(array, new, where):
        result = extreme(array, new, where)
        return result, (array, new, where, result)

    def backward(saved, cotangent):
        array, new, where, result = saved
        if reduce == "prod":
            # The quotient, and the product of the others where a factor is zero.
            kept = array if include_self else array.at[where].set(1)
            masked = jnp.where(new == 0, 1, new)
            zeros = (
                jnp.zeros(array.shape, array.dtype).at[where].add((new == 0).astype(array.dtype))
            )
            others = kept.at[where].multiply(masked)
            single = jnp.where(zeros[where] == 1, (cotangent * others)[where], 0)
            to_new = jnp.where(new == 0, single, (cotangent * result)[where] / masked)
            of_new = jnp.ones_like(array).at[where].multiply(new)
            to_array = cotangent * of_new
        else:
            is_result = (array == result).astype(array.dtype)
            new_is_result = (new == result[where]).astype(array.dtype)
            if not include_self:
                is_result = is_result.at[where].set(0)
            count = is_result.at[where].add(new_is_result)
            shared = cotangent / jnp.maximum(count, 1)
            to_array = jnp.where(count == 0, cotangent, shared * is_result)
            to_new = shared[where] * new_is_result
        if not include_self:
            to_array = to_array.at[where].set(0)
        return to_array, to_new, None

    extreme.defvjp(forward, backward)
    return extreme(array, new, where)


@op(
    "scatter_reduce(Tensor input, int64_t dim, Tensor index, Tensor src, std::string reduce, *, "
    "bool include_self=True, Tensor out=None)",
    kind=Custom(_scatter_reduce_plan),
    inplace=True,
)
def scatter_reduce(input, dim, index, src, reduce, include_self=True):
    """Reduce the elements of ``src`` that ``index`` sends to one place.

    Args:
        reduce: ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether what is there takes part.
    """


def _index_add_plan(operation, bound, mode) -> Plan:
    operand, index, source = bound["input"], bound["index"], bound["source"]
    meta = operand.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    count = source.meta.shape[dim] if source.meta.ndim else 1
    if index.meta.ndim > 1:
        raise IndexError(
            "index_add_(): Index is supposed to be a vector, but got dim: "
            f"{index.meta.ndim} with type: {index.meta.dtype._legacy_name} and size: "
            f"{list(index.meta.shape)}"
        )
    if index.meta.dtype not in _INTEGERS:
        raise RuntimeError(
            "index_add_(): Expected dtype int32/int64 for index but got: "
            f"{index.meta.dtype._legacy_name}"
        )
    if source.meta.dtype is not meta.dtype:
        raise RuntimeError(
            f"index_add_(): self ({meta.dtype._legacy_name}) and source "
            f"({source.meta.dtype._legacy_name}) must have the same scalar type"
        )
    if index.meta.numel != count:
        raise RuntimeError(
            f"index_add_(): Number of indices ({index.meta.numel}) should be equal to "
            f"source.size(dim): ({count}), for dim: {dim}"
        )
    own = meta.shape[:dim] + meta.shape[dim + 1 :]
    if meta.ndim and own != source.meta.shape[:dim] + source.meta.shape[dim + 1 :]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(meta.shape)} source.shape = {list(source.meta.shape)}"
        )
    operands = [operand, index, source]
    scaled = "alpha" in bound and bound["alpha"] != 1
    if scaled:
        operands.append(bound["alpha"])

    def run(array, places, new, alpha=None):
        shape = array.shape
        array, places, new = _raised(array), places.reshape(-1), _raised(new)
        if alpha is not None:
            new = new * cast(jnp.asarray(alpha), meta.dtype)
        return put_at(array, new, _along(array, dim, places), True).reshape(shape)

    return Plan(run, operands, (_same_layout(meta),))


@op(
    "index_add(Tensor input, int64_t dim, Tensor index, Tensor source, *, Scalar alpha=1, "
    "Tensor out=None)",
    kind=Custom(_positions(_index_add_plan)),
    inplace=True,
)
def index_add(input, dim, index, source, alpha=1):
    """Add ``source``, times ``alpha``, to the indices of a dimension that a vector names."""


def _index_copy_plan(operation, bound, mode) -> Plan:
    operand, index, source = bound["input"], bound["index"], bound["source"]
    meta, its = operand.meta, source.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    count = its.shape[dim] if its.ndim > dim else 1
    if index.meta.ndim > 1:
        raise IndexError(
            f"index_copy_(): Index should have dimension 1 or 0 (got {index.meta.ndim})"
        )
    if its.ndim == meta.ndim and index.meta.numel != count:
        raise IndexError(
            f"index_copy_(): Number of indices ({index.meta.numel}) should be equal to "
            f"source.size(dim) ({count})"
        )
    if index.meta.dtype is not dtypes.int64:
        raise RuntimeError(
            "index_copy_(): Expected a long tensor for index, but got "
            f"{index.meta.dtype._legacy_name}"
        )
    if its.dtype is not meta.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{meta.dtype._legacy_name} and (source) {its.dtype._legacy_name}"
        )
    own = meta.shape[:dim] + meta.shape[dim + 1 :]
    other = its.shape[:dim] + its.shape[dim + 1 :]
    if own != other:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination "
            f"slice shape: {_joined(own)} at dimension {dim} and source slice shape: "
            f"{_joined(other)} at dimension 0."
        )

    def run(array, places, new):
        shape = array.shape
        array, places, new = _raised(array), places.reshape(-1), _raised(new)
        return put_at(array, new, _along(array, dim, places), False).reshape(shape)

    return Plan(run, [operand, index, source], (_same_layout(meta),))


def _joined(shape: tuple[int, ...]) -> str:
    return " ".join(map(str, shape))


@op(
    "index_copy(Tensor input, int64_t dim, Tensor index, Tensor source, *, Tensor out=None)",
    kind=Custom(_positions(_index_copy_plan)),
    inplace=True,
)
def index_copy(input, dim, index, source):
    """Write ``source`` to the indices of a dimension that a vector names."""


def _index_fill_plan(operation, bound, mode) -> Plan:
    operand, index, value = bound["input"], bound["index"], bound["value"]
    meta = operand.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    if value.meta is not None and value.meta.ndim:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.meta.ndim} dimension(s)."
        )
    if index.meta.dtype is not dtypes.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index.meta.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")

    def run(array, places, new):
        shape = array.shape
        array, places = _raised(array), places.reshape(-1)
        # A mask of the dimension: repeated positions then share the gradient of the value once.
        chosen = jnp.zeros(array.shape[dim], bool).at[places].set(True)
        chosen = chosen.reshape((-1,) + (1,) * (array.ndim - dim - 1))
        return jnp.where(chosen, cast(jnp.asarray(new), meta.dtype), array).reshape(shape)

    name = "IndexFillBackward0" if value.meta is None else "IndexFillBackward1"
    return Plan(run, [operand, index, value], (_same_layout(meta),), node_name=name)


@op(
    "index_fill(Tensor input, int64_t dim, Tensor index, Tensor value)",
    "index_fill(Tensor input, int64_t dim, Tensor index, Scalar value)",
    kind=Custom(_positions(_index_fill_plan)),
    inplace=True,
)
def index_fill(input, dim, index, value):
    """Write a number to the indices of a dimension that a vector names."""


def _put_plan(operation, bound, mode) -> Plan:
    operand, index, source = bound["input"], bound["index"], bound["source"]
    accumulate = bound.get("accumulate", False)
    meta = operand.meta
    if index.meta.dtype is not dtypes.int64:
        raise RuntimeError(
            f"put_(): Expected a long tensor for index, but got {index.meta.dtype._legacy_name}"
        )
    if source.meta.dtype is not meta.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{meta.dtype._legacy_name} and source.dtype = {source.meta.dtype._legacy_name}"
        )
    if index.meta.numel != source.meta.numel:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source.meta.numel}, index.numel() = {index.meta.numel}"
        )

    def run(array, places, new):
        flat = array.reshape(-1)
        changed = put_at(flat, new.reshape(-1), (places.reshape(-1),), accumulate)
        return changed.reshape(array.shape)

    return Plan(run, [operand, index, source], (_same_layout(meta),))


@op(
    "put(Tensor input, Tensor index, Tensor source, bool accumulate=False)",
    kind=Custom(_positions(_put_plan)),
    inplace=True,
)
def put(input, index, source, accumulate=False):
    """Write elements by their place among all elements in row-major order.

    Args:
        accumulate: whether to add instead.
    """


# Masks


def _masked_fill_plan(operation, bound, mode) -> Plan:
    operand, mask, value = bound["input"], bound["mask"], bound["value"]
    meta = operand.meta
    if mask.meta.dtype is not dtypes.bool_:
        raise RuntimeError(
            "masked_fill_ only supports boolean masks, but got mask with dtype "
            f"{_c_name(mask.meta.dtype)}"
        )
    if value.meta is not None and value.meta.ndim:
        raise RuntimeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.meta.ndim} dimension(s)."
        )
    if value.meta is None and isinstance(value.number, complex) and not meta.dtype.is_complex:
        raise messages.overflow(messages.dtype_words(meta.dtype))
    left, right = mask.meta.shape, meta.shape
    if operation.name == "masked_fill" and len(left) < len(right):
        left = (1,) * (len(right) - len(left)) + left
    shape = broadcast_shapes([left, right])
    result = _same_layout(meta) if shape == meta.shape else _fresh(meta, shape)

    def run(array, where, new):
        return jnp.where(where, cast(jnp.asarray(new), meta.dtype), array)

    name = "MaskedFillBackward0" if value.meta is None else "MaskedFillBackward1"
    return Plan(run, [operand, mask, value], (result,), node_name=name)


def _c_name(dtype: Any) -> str:
    names = {"Float": "float", "Double": "double", "Long": "long int", "Int": "int"}
    return names.get(dtype._legacy_name, dtype._legacy_name)


class _MaskedFill(Custom):
    """PyTorch lets it write to tensors whose elements share memory."""

    may_overlap = True


@op(
    "masked_fill(Tensor input, Tensor mask, Tensor value)",
    "masked_fill(Tensor input, Tensor mask, Scalar value)",
    kind=_MaskedFill(_positions(_masked_fill_plan)),
    inplace=True,
)
def masked_fill(input, mask, value):
    """Write a number where a mask is true.

    Args:
        mask: bool, broadcasts with ``input``.
        value: a number or a tensor without dimensions.
    """


def _masked_scatter_plan(operation, bound, mode) -> Plan:
    operand, mask, source = bound["input"], bound["mask"], bound["source"]
    meta = operand.meta
    if source.meta.dtype is not meta.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{meta.dtype._legacy_name} and {source.meta.dtype._legacy_name}"
        )
    if mask.meta.dtype is not dtypes.bool_:
        raise RuntimeError(
            "masked_scatter_ only supports boolean masks, but got mask with dtype "
            f"{mask.meta.dtype._legacy_name}"
        )
    shape = broadcast_shapes([mask.meta.shape, meta.shape])
    result = _same_layout(meta) if shape == meta.shape else _fresh(meta, shape)

    def run(array, where, new):
        where = jnp.broadcast_to(where, shape)
        array = jnp.broadcast_to(array, shape)
        if new.size == 0:
            return array
        place = jnp.cumsum(where.reshape(-1)) - 1
        taken = jnp.take(new.reshape(-1), jnp.maximum(place, 0), mode="clip").reshape(shape)
        return jnp.where(where, taken, array)

    return Plan(run, [operand, mask, source], (result,))


@op(
    "masked_scatter(Tensor input, Tensor mask, Tensor source)",
    kind=Custom(_positions(_masked_scatter_plan)),
    inplace=True,
)
def masked_scatter(input, mask, source):
    """Write the elements of ``source`` one after the other where a mask is true."""


def _masked_select_plan(operation, bound, mode) -> Plan:
    operand, index, shape = bound["input"], bound["index"], bound["shape"]

    def run(array, places):
        return jnp.broadcast_to(array, shape).reshape(-1)[places]

    return Plan(run, [operand, index], (_fresh(operand.meta, index.meta.shape),))


@op(
    "_masked_select(Tensor input, Tensor index, PyObject* shape)",
    kind=Custom(_positions(_masked_select_plan)),
    method=False,
    function=False,
    node_name="MaskedSelectBackward0",
)
def _masked_select(input, index, shape):
    """Take elements of the broadcast input by their place in row-major order."""


@composite("masked_select(Tensor input, Tensor mask, *, Tensor out=None)")
def masked_select(input, mask, *, out=None):
    """Take the elements where a mask is true, in one dimension.

    Args:
        mask: bool, broadcasts with ``input``.
    """
    if mask.dtype is not dtypes.bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shapes([mask._value.meta.shape, input._value.meta.shape])
    chosen = np.broadcast_to(np.asarray(materialise(current_value(mask), "mask")), shape)
    places = np.flatnonzero(chosen)
    made = make_meta(places.shape, dtypes.int64, input._value.meta.device)
    index = wrap(ready(places, made))
    result = wrap(record(_masked_select, (input, index, shape), {}))
    if out is not None:
        out.resize_(result.shape).copy_(result)
        return out
    return result


# A view's place in a copy


def _check_slice(source: Meta, shape: tuple[int, ...]) -> None:
    if source.shape != tuple(shape):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(source.shape)}, slice size = {list(shape)}"
        )


def _place_plan(select: Callable) -> Callable:
    """Return the plan of a copy with ``src`` where ``select`` says that a view would lie."""

    def plan(operation, bound, mode) -> Plan:
        operand, source = bound.pop("input"), bound.pop("src")
        meta = operand.meta
        shape, places = select(meta, **bound)
        _check_slice(source.meta, shape)

        def run(array, new):
            flat = (
                array.reshape(-1)
                .at[places.reshape(-1)]
                .set(new.astype(array.dtype).reshape(-1), unique_indices=True)
            )
            return flat.reshape(array.shape)

        return Plan(run, [operand, source], (_same_layout(meta),), saves=())

    return plan


def _numbered(meta: Meta) -> np.ndarray:
    return np.arange(meta.numel).reshape(meta.shape)


def _select_place(meta: Meta, dim: int, index: int) -> tuple:
    dim = normalise_dim(dim, meta.ndim)
    if not -meta.shape[dim] <= index < meta.shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(meta.shape)} at "
            f"dimension {dim}"
        )
    chosen = np.take(_numbered(meta), index, axis=dim)
    return chosen.shape, chosen


def _slice_place(meta: Meta, dim: int = 0, start: Any = None, end: Any = None, step: int = 1):
    dim = normalise_dim(dim, meta.ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    chosen = _numbered(meta)[(slice(None),) * dim + (slice(start, end, step),)]
    return chosen.shape, chosen


def _diagonal_place(meta: Meta, offset: int = 0, dim1: int = 0, dim2: int = 1) -> tuple:
    first, second = normalise_dim(dim1, meta.ndim), normalise_dim(dim2, meta.ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    chosen = np.diagonal(_numbered(meta), offset, first, second)
    return chosen.shape, chosen


@op(
    "select_scatter(Tensor input, Tensor src, int64_t dim, SymInt index)",
    kind=Custom(_place_plan(_select_place)),
)
def select_scatter(input, src, dim, index):
    """Return a copy of ``input`` with ``src`` at one index of a dimension."""


@op(
    "slice_scatter(Tensor input, Tensor src, int64_t dim=0, SymInt? start=None, SymInt? end=None, "
    "SymInt step=1)",
    kind=Custom(_place_plan(_slice_place)),
)
def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """Return a copy of ``input`` with ``src`` at a slice of a dimension."""


@op(
    "diagonal_scatter(Tensor input, Tensor src, int64_t offset=0, int64_t dim1=0, int64_t dim2=1)",
    kind=Custom(_place_plan(_diagonal_place)),
)
def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
    """Return a copy of ``input`` with ``src`` on a diagonal of two dimensions."""


# Positions that do not exist: looked for at every call, since they are data


def _out_of_self(index: int, dim: int, size: int) -> Exception:
    return IndexError("index out of range in self")


def _runtime(index: int, dim: int, size: int) -> Exception:
    return RuntimeError(str(messages.index_out_of_bounds(index, dim, size)))


def _copied(index: int, dim: int, size: int) -> Exception:
    return IndexError(f"index_copy_(): {messages.index_out_of_bounds(index, dim, size)}")


def _among_all(index: int, dim: int, size: int) -> Exception:
    return IndexError(
        f"out of range: tried to access index {index} on a tensor of {size} elements."
    )


def _guard(name: str, error: Callable, negative: bool, flat: bool) -> None:
    """Make the public forms of an operator refuse positions out of range."""
    place = 1 if flat else 2

    def check(args: tuple, kwargs: dict) -> None:
        tensor = args[0] if args else kwargs.get("input")
        index = args[place] if len(args) > place else kwargs.get("index")
        if not hasattr(index, "_value") or not hasattr(tensor, "_value"):
            return
        meta = tensor._value.meta
        if index._value.meta.dtype not in _INTEGERS or meta.device.type != "cpu":
            return
        dim = 0
        if flat:
            size = meta.numel
        else:
            dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
            if dim.__class__ is not int or not -max(meta.ndim, 1) <= dim < max(meta.ndim, 1):
                return
            dim %= max(meta.ndim, 1)
            size = meta.shape[dim] if meta.ndim else 1
        array = np.asarray(materialise(current_value(index), "index"))
        least = -size if negative else 0
        if array.size and (array.max() >= size or array.min() < least):
            wrong = next(i for i in array.reshape(-1).tolist() if not least <= i < size)
            raise error(wrong, dim, size)

    def guarded(inner: Callable) -> Callable:
        def call(*args, **kwargs):
            check(args, kwargs)
            return inner(*args, **kwargs)

        call.__name__ = call.__qualname__ = inner.__name__
        call.__doc__ = inner.__doc__
        call.__module__ = "torch"
        return call

    for forms in (METHODS, FUNCTIONS):
        for each in (name, name + "_"):
            if each in forms:
                forms[each] = guarded(forms[each])


_guard("index_select", _out_of_self, False, False)
_guard("gather", _runtime, False, False)
_guard("scatter", _runtime, False, False)
_guard("scatter_add", _runtime, False, False)
_guard("scatter_reduce", _runtime, False, False)
_guard("index_add", _runtime, False, False)
_guard("index_copy", _copied, False, False)
_guard("index_fill", messages.index_out_of_bounds, True, False)
_guard("take", _among_all, True, True)
_guard("put", _among_all, True, True)


def _check_source_covers(args: tuple, kwargs: dict) -> None:
    names = ("input", "mask", "source")
    given = dict(zip(names, args, strict=False)) | kwargs
    mask, source = given.get("mask"), given.get("source")
    if not hasattr(mask, "_value") or not hasattr(source, "_value"):
        return
    tensor = given.get("input")
    if mask.dtype is not dtypes.bool_ or source._value.meta.numel >= tensor._value.meta.numel:
        return
    shape = broadcast_shapes([mask._value.meta.shape, tensor._value.meta.shape])
    chosen = np.broadcast_to(np.asarray(materialise(current_value(mask), "mask")), shape)
    if chosen.sum() > source._value.meta.numel:
        raise RuntimeError("Number of elements of source < number of ones in mask")


def _covering(inner: Callable) -> Callable:
    def call(*args, **kwargs):
        _check_source_covers(args, kwargs)
        return inner(*args, **kwargs)

    call.__name__ = call.__qualname__ = inner.__name__
    call.__doc__ = inner.__doc__
    call.__module__ = "torch"
    return call


for _forms in (METHODS, FUNCTIONS):
    for _name in ("masked_scatter", "masked_scatter_"):
        if _name in _forms:
            _forms[_name] = _covering(_forms[_name])
