"""Reading and writing by a tensor of positions along one dimension, or among all elements."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._core import dtypes, messages
from ..._core.dtypes import dtype as DType
from ..._core.messages import warn_out_resized
from ..._engine.declare import Autocast, Out, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import is_tensor
from ..._engine.recording.kinds.base import Custom, broadcast_shapes, cast, normalise_dim
from .._shared import out_dtypes
from .._shared.on_host import added_rows
from .advanced import put_at
from .positions import (
    INTEGERS,
    along,
    check_index,
    checked,
    fresh,
    in_range,
    publish_checked,
    publish_guarded,
    raised,
    runtime_error,
    same_layout,
    saving_positions,
    with_number,
)

# Reading


def _index_select_spec(operation, bound, mode) -> Spec:
    operand, index, given = bound["input"], bound["index"], bound["dim"]
    meta = operand.meta
    dim = normalise_dim(given, meta.ndim)
    if index.meta.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index.meta.dtype not in INTEGERS:
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if meta.ndim:
        shape = (*meta.shape[:dim], index.meta.numel, *meta.shape[dim + 1 :])
    else:
        shape = ()
    return Spec([operand, index], (fresh(meta, shape),), {"dim": dim})


@op(
    "index_select(Tensor input, int64_t dim, Tensor index, *, Tensor out=None)",
    kind=Custom(saving_positions(_index_select_spec)),
    method=False,
    function=False,
    out=Out(dtype=out_dtypes.same_scalar_type, overlap="refuse"),
)
def index_select(array: Any, positions: Any, *, dim: int) -> Any:
    """Select indices of a dimension: ``out[i, j] = input[index[i], j]`` (for ``dim=0``).

    Args:
        dim: the dimension.
        index: vector of int64 or int32, of shape (k,).
    Returns:
        Tensor of the shape of ``input``, with the size k at ``dim``.
    """
    taken = jnp.take(raised(array), positions.reshape(-1), axis=dim, mode="clip")
    return taken if array.ndim else taken.reshape(())


def _gather_spec(operation, bound, mode) -> Spec:
    operand, index = bound["input"], bound["index"]
    meta, positions = operand.meta, index.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    check_index("gather", meta, positions, dim, "input")
    for other, (wanted, own) in enumerate(zip(positions.shape, meta.shape, strict=False)):
        if other != dim and wanted > own and positions.numel:
            raise RuntimeError(
                f"Size does not match at dimension {other} expected index {list(positions.shape)} "
                f"to be no larger than self {list(meta.shape)} apart from dimension {dim}"
            )
    return Spec([operand, index], (fresh(meta, positions.shape),), {"dim": dim})


@op(
    "gather(Tensor input, int64_t dim, Tensor index, *, bool sparse_grad=False, Tensor out=None)",
    kind=Custom(saving_positions(_gather_spec)),
    keeps={"input": None},
    method=False,
    function=False,
    out=Out(dtype=out_dtypes.expected_cpp_name, overlap="refuse"),
)
def gather(array: Any, positions: Any, *, dim: int) -> Any:
    """Gather along a dimension: ``out[i, j] = input[index[i, j], j]`` (for ``dim=0``).

    Args:
        dim: the dimension that the positions are of.
        index: positions, of as many dimensions as ``input``.
    Returns:
        Tensor of the shape of ``index``.
    """
    array, shape = raised(array), positions.shape
    if not positions.size:
        return jnp.zeros(shape, array.dtype)
    positions = raised(positions)
    whole = [
        slice(None) if other == dim else slice(0, count)
        for other, count in enumerate(positions.shape)
    ]
    taken = jnp.take_along_axis(array[tuple(whole)], positions, axis=dim, mode="clip")
    return taken.reshape(shape)


def _take_vjp_on_host(cotangents, results, operands, wanted):
    array, positions = operands
    positions = np.where(positions < 0, positions + array.size, positions)
    table = added_rows((array.size, 1), positions, cotangents[0].reshape(-1, 1))
    return (table.reshape(array.shape),)


def _take_spec(operation, bound, mode) -> Spec:
    operand, index = bound["input"], bound["index"]
    if index.meta.dtype is not dtypes.int64:
        raise RuntimeError(
            f"take(): Expected a long tensor for index, but got {index.meta.dtype._legacy_name}"
        )
    return Spec([operand, index], (fresh(operand.meta, index.meta.shape),))


@op(
    "take(Tensor input, Tensor index, *, Tensor out=None)",
    kind=Custom(saving_positions(_take_spec)),
    keeps={"input": None},
    method=False,
    function=False,
    host=lambda array, positions: np.take(array, positions, mode="wrap"),
    host_vjp=_take_vjp_on_host,
    out=Out(dtype=out_dtypes.take, overlap="refuse"),
)
def take(array: Any, positions: Any) -> Any:
    """Take elements by flat index: ``out[i] = input.reshape(-1)[index[i]]``.

    Args:
        index: int64 positions in row-major order; negative ones count from the end.
    Returns:
        Tensor of the shape of ``index``.
    """
    return jnp.take(array.reshape(-1), positions, mode="wrap")


@op(
    "take_along_dim(Tensor input, Tensor indices, int64_t? dim=None, *, Tensor out=None)",
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def take_along_dim(input, indices, dim=None):
    """Take elements along a dimension by positions that broadcast with ``input``.

    Args:
        indices: int64; negative ones count from the end where a dimension is given.
        dim: the dimension; by default both are flattened first.
    """
    if dim is None:
        return _checked_gather(input.reshape(-1), 0, indices.reshape(-1))
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    if indices.dtype not in INTEGERS:
        raise RuntimeError(
            "torch.take_along_dim(): dtype of indices should be Long but got "
            f"{indices.dtype._legacy_name}"
        )
    dim = normalise_dim(dim, input.ndim)
    mine, its = list(input.shape), list(indices.shape)
    mine[dim] = its[dim] = 1
    common = list(broadcast_shapes([tuple(mine), tuple(its)]))
    source, positions = common.copy(), common.copy()
    source[dim], positions[dim] = input.shape[dim], indices.shape[dim]
    # torch 2.13 wraps positions around, so that none of them is out of range.
    return _checked_gather(
        input.expand(source), dim, indices.expand(positions).remainder(max(source[dim], 1))
    )


def unravel_index(indices, shape):
    """Return the position in each dimension of elements numbered in row-major order.

    Args:
        indices: integer tensor.
        shape: of the tensor whose elements are numbered, ints or one int.
    Returns:
        Tuple of a tensor for each dimension.
    Raises:
        TypeError, ValueError: ``indices`` or ``shape`` are no integers, or negative sizes.
    """
    is_complex, dtype = indices.is_complex(), indices.dtype
    if is_complex or dtype.is_floating_point or dtype is dtypes.bool_:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {dtype}")
    if not isinstance(shape, (int, Sequence)):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    for size in sizes:
        if not isinstance(size, int):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(size)}")
    if any(size < 0 for size in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    steps = [math.prod(sizes[dim + 1 :]) for dim in range(len(sizes))]
    step, size = (
        indices.new_tensor(numbers, dtype=dtypes.int64) for numbers in (steps, list(sizes))
    )
    return (indices.unsqueeze(-1).floor_divide(step) % size).unbind(-1)


publish("unravel_index", unravel_index)


# Writing


def _index_add_spec(operation, bound, mode) -> Spec:
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
    if index.meta.dtype not in INTEGERS:
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
    if "alpha" in bound and bound["alpha"] != 1:
        operands.append(bound["alpha"])
    return Spec(operands, (same_layout(meta),), {"dim": dim, "dtype": meta.dtype})


@op(
    "index_add(Tensor input, int64_t dim, Tensor index, Tensor source, *, Scalar alpha=1, "
    "Tensor out=None)",
    kind=Custom(saving_positions(_index_add_spec)),
    keeps={"source": "source"},
    inplace=True,
    method=False,
    function=False,
    out=Out(dtype=out_dtypes.expected_cpp_name, overlap="refuse"),
)
def index_add(
    array: Any, positions: Any, source: Any, alpha: Any = None, *, dim: int, dtype: DType
) -> Any:
    """Add along a dimension: ``out[index[i], j] += alpha * source[i, j]`` (for ``dim=0``).

    Args:
        dim: the dimension.
        index: vector of int64 or int32, of shape (k,); repeated positions add up.
        source: of the shape of ``input``, with the size k at ``dim``.
        alpha: factor of ``source``.
    Returns:
        Tensor of the shape of ``input``.
    """
    if alpha is None:
        return _put_along(array, positions, source, dim, accumulate=True)
    scaled = raised(source) * cast(jnp.asarray(alpha), dtype)
    return _put_along(array, positions, scaled, dim, accumulate=True)


def _put_along(array: Any, positions: Any, source: Any, dim: int, *, accumulate: bool) -> Any:
    """Write or add ``source`` at positions of a dimension."""
    whole, positions = raised(array), positions.reshape(-1)
    where = along(whole, dim, positions)
    return put_at(whole, raised(source), where, accumulate).reshape(array.shape)


def _index_copy_spec(operation, bound, mode) -> Spec:
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
    return Spec([operand, index, source], (same_layout(meta),), {"dim": dim})


def _joined(shape: tuple[int, ...]) -> str:
    return " ".join(map(str, shape))


@op(
    "index_copy(Tensor input, int64_t dim, Tensor index, Tensor source, *, Tensor out=None)",
    kind=Custom(saving_positions(_index_copy_spec)),
    keeps={"source": "source"},
    inplace=True,
    method=False,
    function=False,
    autocast=Autocast(cpu="promote"),
    out=Out(dtype=out_dtypes.expected_cpp_name, overlap="refuse"),
)
def index_copy(array: Any, positions: Any, source: Any, *, dim: int) -> Any:
    """Copy along a dimension: ``out[index[i], j] = source[i, j]`` (for ``dim=0``).

    Args:
        dim: the dimension.
        index: vector of int64, of shape (k,).
        source: of the shape of ``input``, with the size k at ``dim``.
    Returns:
        Tensor of the shape of ``input``.
    """
    return _put_along(array, positions, source, dim, accumulate=False)


def _index_fill_spec(operation, bound, mode) -> Spec:
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
    name = "IndexFillBackward0" if value.meta is None else "IndexFillBackward1"
    params = {"dim": dim, "dtype": meta.dtype}
    return Spec([operand, index, value], (same_layout(meta),), params, node_name=name)


@op(
    "index_fill(Tensor input, int64_t dim, Tensor index, Tensor value)",
    "index_fill(Tensor input, int64_t dim, Tensor index, Scalar value)",
    kind=Custom(saving_positions(_index_fill_spec)),
    inplace=True,
    method=False,
    function=False,
)
def index_fill(array: Any, positions: Any, value: Any, *, dim: int, dtype: DType) -> Any:
    """Fill indices of a dimension: ``out[index[i], j] = value`` (for ``dim=0``).

    Args:
        dim: the dimension.
        index: vector of int64.
        value: a number or a tensor without dimensions.
    Returns:
        Tensor of the shape of ``input``.
    """
    whole, positions = raised(array), positions.reshape(-1)
    # A mask of the dimension: repeated positions then share the gradient of the value once.
    chosen = jnp.zeros(whole.shape[dim], bool).at[positions].set(True)
    chosen = chosen.reshape((-1,) + (1,) * (whole.ndim - dim - 1))
    return jnp.where(chosen, cast(jnp.asarray(value), dtype), whole).reshape(array.shape)


def _put_spec(operation, bound, mode) -> Spec:
    operand, index, source = bound["input"], bound["index"], bound["source"]
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
    params = {"accumulate": bound.get("accumulate", False)}
    return Spec([operand, index, source], (same_layout(meta),), params)


@op(
    "put(Tensor input, Tensor index, Tensor source, bool accumulate=False)",
    kind=Custom(saving_positions(_put_spec)),
    keeps={"source": "source"},
    inplace=True,
    method=False,
    function=False,
)
def put(array: Any, positions: Any, source: Any, *, accumulate: bool) -> Any:
    """Put elements by flat index: ``out.reshape(-1)[index[i]] = source[i]``.

    Args:
        index: int64 positions in row-major order; negative ones count from the end.
        source: as many elements as ``index`` has.
        accumulate: whether to add instead.
    Returns:
        Tensor of the shape of ``input``.
    """
    where = (positions.reshape(-1),)
    return put_at(array.reshape(-1), source.reshape(-1), where, accumulate).reshape(array.shape)


def _out_of_self(index: int, dim: int, size: int) -> Exception:
    return IndexError("index out of range in self")


def _not_selected(index: int, dim: int, size: int) -> Exception:
    if dim == 1:  # PyTorch has a kernel of its own for it
        return RuntimeError(f"INDICES element is out of DATA bounds, id={index} axis_dim={size}")
    return _out_of_self(index, dim, size)


def _check_added(args: tuple, kwargs: dict) -> None:
    """Refuse positions out of range; along an outer dimension PyTorch adds as ``scatter_add``."""
    tensor = args[0] if args else kwargs.get("input")
    dim = args[1] if len(args) > 1 else kwargs.get("dim")
    ndim = tensor.dim() if is_tensor(tensor) else 0
    outer = ndim > 1 and dim in (0, -ndim, ndim - 1, -1) and kwargs.get("alpha", 1) == 1
    (_added_outside if outer else _added_inside)(args, kwargs)


def _copied(index: int, dim: int, size: int) -> Exception:
    return IndexError(f"index_copy_(): {messages.index_out_of_bounds(index, dim, size)}")


def _among_all(index: int, dim: int, size: int) -> Exception:
    return IndexError(
        f"out of range: tried to access index {index} on a tensor of {size} elements."
    )


def _resizing_first(inner: Callable) -> Callable:
    """Return ``gather`` that gives ``out`` its shape before it looks for memory that is shared."""

    @functools.wraps(inner)
    def call(*args, **kwargs):
        out = kwargs.get("out")
        if out is not None and getattr(out, "_alias", None) is not None and out.numel():
            rest = {key: value for key, value in kwargs.items() if key != "out"}
            shape = tuple(inner(*args, **rest).shape)
            if tuple(out.shape) != shape:
                warn_out_resized(tuple(out.shape), shape)
                out.resize_(shape)
        return inner(*args, **kwargs)

    return call


_check_gather = in_range(gather, runtime_error, negative=False, flat=False)
_checked_gather = checked(gather, gather.call, False, _check_gather)
publish_checked(gather, _check_gather, wrap=_resizing_first)
publish_guarded(index_select, _not_selected, negative=False, flat=False)
_added_outside = in_range(index_add, runtime_error, negative=False, flat=False)
_added_inside = in_range(index_add, _out_of_self, negative=False, flat=False)
publish_checked(index_add, _check_added)
publish_guarded(index_copy, _copied, negative=False, flat=False)
_filled = in_range(index_fill, messages.index_out_of_bounds, negative=True, flat=False)
publish_checked(index_fill, with_number(_filled))
publish_guarded(take, _among_all, negative=True, flat=True)
publish_guarded(put, _among_all, negative=True, flat=True)
