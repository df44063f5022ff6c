"""Writing to scattered positions, and copies with another tensor where a view would lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core.dtypes import dtype as DType
from ..._engine.declare import Autocast, Out, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import Meta
from ..._engine.recording.kinds.base import Custom, cast, normalise_dim
from .._shared import out_dtypes
from .advanced import put_at
from .positions import (
    check_index,
    grid,
    in_range,
    publish_checked,
    publish_guarded,
    raised,
    runtime_error,
    same_layout,
    saving_positions,
    with_number,
)


def _scatter_spec(operation, bound, mode) -> Spec:
    operand, index = bound["input"], bound["index"]
    meta, positions = operand.meta, index.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    reduce = bound.get("reduce")
    source = bound.get("src")
    value = source if source is not None else bound["value"]
    check_index("scatter", meta, positions, dim, "self")
    if source is not None:
        if source.meta.dtype is not meta.dtype:
            raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
        _check_source(meta, positions, source.meta, dim)
    if reduce is not None and reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    params = {"dim": dim, "reduce": reduce, "cut": source is not None, "dtype": meta.dtype}
    spec = Spec([operand, index, value], (same_layout(meta),), params)
    if source is None:
        spec.node_name = "ScatterBackward1"
    if reduce is not None:
        spec.node_name = "NotImplemented"
    return spec


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
    kind=Custom(saving_positions(_scatter_spec)),
    inplace=True,
    method=False,
    function=False,
    out=Out(dtype=out_dtypes.expected_cpp_name, overlap="refuse"),
)
def scatter(
    array: Any,
    positions: Any,
    source: Any,
    *,
    dim: int,
    reduce: str | None,
    cut: bool,
    dtype: DType,
) -> Any:
    """Scatter along a dimension: ``out[index[i, j], j] = src[i, j]`` (for ``dim=0``).

    Args:
        dim: the dimension that the positions are of.
        index: positions, of as many dimensions as ``input``.
        src, value: a tensor at least as large as ``index``, or a number.
        reduce: ``"add"`` or ``"multiply"`` instead of writing.
    Returns:
        Tensor of the shape of ``input``.
    """
    if positions.size == 0:
        return array
    whole, positions = raised(array), raised(positions)
    where = grid(positions, dim)
    source = cast(jnp.asarray(source), dtype)
    if cut:
        source = _cut_to(source, positions)
    source = jnp.broadcast_to(source, positions.shape)
    if reduce == "multiply":
        result = whole.at[where].multiply(source)
    else:
        result = put_at(whole, source, where, reduce == "add")
    return result.reshape(array.shape)


def _cut_to(source: Any, positions: Any) -> Any:
    """Return the part of ``source`` that has the shape of the positions."""
    return raised(source)[tuple([slice(0, count) for count in positions.shape])]


def _scatter_add_spec(operation, bound, mode) -> Spec:
    operand, index, source = bound["input"], bound["index"], bound["src"]
    meta, positions = operand.meta, index.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    check_index("scatter", meta, positions, dim, "self")
    if source.meta.dtype is not meta.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    _check_source(meta, positions, source.meta, dim)
    return Spec([operand, index, source], (same_layout(meta),), {"dim": dim})


@op(
    "scatter_add(Tensor input, int64_t dim, Tensor index, Tensor src, *, Tensor out=None)",
    kind=Custom(saving_positions(_scatter_add_spec)),
    inplace=True,
    method=False,
    function=False,
    autocast=Autocast(cuda="promote"),
    out=Out(dtype=out_dtypes.expected_cpp_name, overlap="refuse"),
)
def scatter_add(array: Any, positions: Any, source: Any, *, dim: int) -> Any:
    """Scatter and add: ``out[index[i, j], j] += src[i, j]`` (for ``dim=0``).

    Args:
        dim: the dimension that the positions are of.
        index: positions, of as many dimensions as ``input``; repeated positions add up.
        src: a tensor at least as large as ``index``.
    Returns:
        Tensor of the shape of ``input``.
    """
    if positions.size == 0:
        return array
    whole, positions = raised(array), raised(positions)
    source = _cut_to(source, positions)
    return put_at(whole, source, grid(positions, dim), True).reshape(array.shape)


_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def _scatter_reduce_spec(operation, bound, mode) -> Spec:
    operand, index, source = bound["input"], bound["index"], bound["src"]
    reduce, include_self = bound["reduce"], bound.get("include_self", True)
    meta, positions = operand.meta, index.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    if reduce not in _REDUCTIONS:
        raise RuntimeError(
            "reduce argument must be either sum, prod, mean, amax or amin, got " + reduce
        )
    check_index("scatter", meta, positions, dim, "self")
    if source.meta.dtype is not meta.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    _check_source(meta, positions, source.meta, dim)
    params = {"dim": dim, "reduce": reduce, "include_self": include_self}
    return Spec([operand, index, source], (same_layout(meta),), params)


def reduce_at(array: Any, new: Any, where: tuple, reduce: str, include_self: bool) -> Any:
    """Reduce the elements of ``new`` that have one position, with what is there or without.

    The gradient of a largest or smallest element is shared by those that are equal to it, as in
    PyTorch.
    """
    if array.dtype.kind == "b":
        as_number = {"sum": "amax", "prod": "amin"}.get(reduce, reduce)
        numbers, others = array.astype(jnp.uint8), new.astype(jnp.uint8)
        return reduce_at(numbers, others, where, as_number, include_self).astype(array.dtype)
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
    if reduce == "prod":
        return _product_at(array if include_self else array.at[where].set(1), new, where)

    @jax.custom_vjp
    def extreme(array, new, where):
        largest = reduce == "amax"
        if include_self:
            start = array
        elif array.dtype.kind in "iu":
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
        is_result = (array == result).astype(array.dtype)
        new_is_result = (new == result[where]).astype(array.dtype)
        # torch 2.13 counts what was there among the equal ones, also where it has no part.
        count = is_result.at[where].add(new_is_result)
        shared = cotangent / jnp.maximum(count, 1)
        to_array = jnp.where(count == 0, cotangent, shared * is_result)
        to_new = shared[where] * new_is_result
        if not include_self:
            to_array = to_array.at[where].set(0)
        return to_array, to_new, None

    extreme.defvjp(forward, backward)
    return extreme(array, new, where)


@jax.custom_vjp
def _product_at(array, new, where):
    """Multiply the elements of ``new`` into their positions."""
    return array.at[where].multiply(new)


def _product_forward(array, new, where):
    result = _product_at(array, new, where)
    return result, (array, new, where, result)


def _product_backward(saved, cotangent):
    array, new, where, result = saved
    # The quotient, and the product of the others where a factor is zero.
    masked = jnp.where(new == 0, 1, new)
    zeros = jnp.zeros(array.shape, array.dtype).at[where].add((new == 0).astype(array.dtype))
    others = _product_at(array, masked, where)
    single = jnp.where(zeros[where] == 1, (cotangent * others)[where], 0)
    to_new = jnp.where(new == 0, single, (cotangent * result)[where] / masked)
    of_new = _product_at(jnp.ones_like(array), new, where)
    return cotangent * of_new, to_new, None


_product_at.defvjp(_product_forward, _product_backward)


@op(
    "scatter_reduce(Tensor input, int64_t dim, Tensor index, Tensor src, std::string reduce, *, "
    "bool include_self=True, Tensor out=None)",
    kind=Custom(_scatter_reduce_spec),
    keeps={"result": None},
    inplace=True,
    method=False,
    function=False,
    out=Out(dtype=out_dtypes.expected_cpp_name, overlap="refuse"),
)
def scatter_reduce(
    array: Any, positions: Any, source: Any, *, dim: int, reduce: str, include_self: bool
) -> Any:
    """Scatter and reduce: all ``src[i, j]`` of one ``index[i, j], j`` (for ``dim=0``) become one.

    Args:
        dim: the dimension that the positions are of.
        index: positions, of as many dimensions as ``input``.
        src: a tensor at least as large as ``index``.
        reduce: ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether what is there takes part.
    Returns:
        Tensor of the shape of ``input``.
    """
    if positions.size == 0:
        return array
    whole, positions = raised(array), raised(positions)
    source, where = _cut_to(source, positions), grid(positions, dim)
    return reduce_at(whole, source, where, reduce, include_self).reshape(array.shape)


# A view's place in a copy


def check_slice(source: Meta, shape: tuple[int, ...]) -> None:
    if source.shape != tuple(shape):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(source.shape)}, slice size = {list(shape)}"
        )


def _place_spec(select: Callable) -> Callable:
    """Return the spec of a copy with ``src`` where ``select`` says that a view would lie."""

    def spec(operation, bound, mode) -> Spec:
        operand, source = bound.pop("input"), bound.pop("src")
        bound.pop("out", None)
        meta = operand.meta
        shape, positions = select(meta, **bound)
        check_slice(source.meta, shape)
        params = {"positions": positions}
        return Spec([operand, source], (same_layout(meta),), params, saves=())

    return spec


def _put_flat(array: Any, new: Any, positions: np.ndarray) -> Any:
    """Return a copy with ``new`` at positions among all elements in row-major order."""
    flat = (
        array.reshape(-1)
        .at[positions.reshape(-1)]
        .set(new.astype(array.dtype).reshape(-1), unique_indices=True)
    )
    return flat.reshape(array.shape)


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
    kind=Custom(_place_spec(_select_place)),
)
def select_scatter(array: Any, new: Any, *, positions: np.ndarray) -> Any:
    """Return a copy of ``input`` with ``src`` at one index of a dimension."""
    return _put_flat(array, new, positions)


@op(
    "slice_scatter(Tensor input, Tensor src, int64_t dim=0, SymInt? start=None, SymInt? end=None, "
    "SymInt step=1, *, Tensor out=None)",
    kind=Custom(_place_spec(_slice_place)),
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def slice_scatter(array: Any, new: Any, *, positions: np.ndarray) -> Any:
    """Return a copy of ``input`` with ``src`` at a slice of a dimension."""
    return _put_flat(array, new, positions)


@op(
    "diagonal_scatter(Tensor input, Tensor src, int64_t offset=0, int64_t dim1=0, int64_t dim2=1)",
    kind=Custom(_place_spec(_diagonal_place)),
)
def diagonal_scatter(array: Any, new: Any, *, positions: np.ndarray) -> Any:
    """Return a copy of ``input`` with ``src`` on a diagonal of two dimensions."""
    return _put_flat(array, new, positions)


publish_checked(scatter, with_number(in_range(scatter, runtime_error, negative=False, flat=False)))
publish_guarded(scatter_add, runtime_error, negative=False, flat=False)
publish_guarded(scatter_reduce, runtime_error, negative=False, flat=False)
