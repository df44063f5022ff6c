"""Reading and writing by a tensor of positions along one dimension, or among all elements."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import jax.numpy as jnp

from ..._core import dtypes, messages
from ..._core.messages import warn_out_resized
from ..._engine.declare import FUNCTIONS, METHODS, Autocast, Out, op
from ..._engine.graph.op import Plan
from ..._engine.recording.kinds.base import Custom, broadcast_shapes, cast, normalise_dim
from .._shared import out_dtypes
from .._shared.calls import bound_function
from .advanced import put_at
from .positions import (
    INTEGERS,
    along,
    check_index,
    fresh,
    guard,
    raised,
    runtime_error,
    same_layout,
    saving_positions,
)

# Reading


def _index_select_plan(operation, bound, mode) -> Plan:
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

    def run(array, positions):
        taken = jnp.take(raised(array), positions.reshape(-1), axis=dim, mode="clip")
        return taken.reshape(shape)

    return Plan(run, [operand, index], (fresh(meta, shape),))


@op(
    "index_select(Tensor input, int64_t dim, Tensor index, *, Tensor out=None)",
    kind=Custom(saving_positions(_index_select_plan)),
    out=Out(dtype=out_dtypes.same_scalar_type, overlap="refuse"),
)
def index_select(input, dim, index):
    """Take the indices of a dimension that a vector names.

    Args:
        dim: the dimension.
        index: vector of int64 or int32.
    """


def _gather_plan(operation, bound, mode) -> Plan:
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

    def run(array, places):
        array, shape = raised(array), places.shape
        if not places.size:
            return jnp.zeros(shape, array.dtype)
        places = raised(places)
        whole = [
            slice(None) if other == dim else slice(0, count)
            for other, count in enumerate(places.shape)
        ]
        taken = jnp.take_along_axis(array[tuple(whole)], places, axis=dim, mode="clip")
        return taken.reshape(shape)

    return Plan(run, [operand, index], (fresh(meta, positions.shape),))


@op(
    "gather(Tensor input, int64_t dim, Tensor index, *, bool sparse_grad=False, Tensor out=None)",
    kind=Custom(saving_positions(_gather_plan)),
    out=Out(dtype=out_dtypes.expected_cpp_name, overlap="refuse"),
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

    return Plan(run, [operand, index], (fresh(operand.meta, index.meta.shape),))


@op(
    "take(Tensor input, Tensor index, *, Tensor out=None)",
    kind=Custom(saving_positions(_take_plan)),
    out=Out(dtype=out_dtypes.take, overlap="refuse"),
)
def take(input, index):
    """Take elements by their place among all elements in row-major order."""


@bound_function(
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
        return METHODS["gather"](input.reshape(-1), 0, indices.reshape(-1))
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
    source, places = common.copy(), common.copy()
    source[dim], places[dim] = input.shape[dim], indices.shape[dim]
    # torch 2.13 wraps positions around, so that none of them is out of range.
    return METHODS["gather"](
        input.expand(source), dim, indices.expand(places).remainder(max(source[dim], 1))
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
    step, size = (FUNCTIONS["tensor"](each, dtype=dtypes.int64) for each in (steps, list(sizes)))
    return (indices.unsqueeze(-1).floor_divide(step) % size).unbind(-1)


FUNCTIONS["unravel_index"] = unravel_index


# Writing


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
    scaled = "alpha" in bound and bound["alpha"] != 1
    if scaled:
        operands.append(bound["alpha"])

    def run(array, places, new, alpha=None):
        shape = array.shape
        array, places, new = raised(array), places.reshape(-1), raised(new)
        if alpha is not None:
            new = new * cast(jnp.asarray(alpha), meta.dtype)
        return put_at(array, new, along(array, dim, places), True).reshape(shape)

    return Plan(run, operands, (same_layout(meta),))


@op(
    "index_add(Tensor input, int64_t dim, Tensor index, Tensor source, *, Scalar alpha=1, "
    "Tensor out=None)",
    kind=Custom(saving_positions(_index_add_plan)),
    inplace=True,
    out=Out(dtype=out_dtypes.expected_cpp_name, overlap="refuse"),
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
        array, places, new = raised(array), places.reshape(-1), raised(new)
        return put_at(array, new, along(array, dim, places), False).reshape(shape)

    return Plan(run, [operand, index, source], (same_layout(meta),))


def _joined(shape: tuple[int, ...]) -> str:
    return " ".join(map(str, shape))


@op(
    "index_copy(Tensor input, int64_t dim, Tensor index, Tensor source, *, Tensor out=None)",
    kind=Custom(saving_positions(_index_copy_plan)),
    inplace=True,
    autocast=Autocast(cpu="promote"),
    out=Out(dtype=out_dtypes.expected_cpp_name, overlap="refuse"),
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
        array, places = raised(array), places.reshape(-1)
        # A mask of the dimension: repeated positions then share the gradient of the value once.
        chosen = jnp.zeros(array.shape[dim], bool).at[places].set(True)
        chosen = chosen.reshape((-1,) + (1,) * (array.ndim - dim - 1))
        return jnp.where(chosen, cast(jnp.asarray(new), meta.dtype), array).reshape(shape)

    name = "IndexFillBackward0" if value.meta is None else "IndexFillBackward1"
    return Plan(run, [operand, index, value], (same_layout(meta),), node_name=name)


@op(
    "index_fill(Tensor input, int64_t dim, Tensor index, Tensor value)",
    "index_fill(Tensor input, int64_t dim, Tensor index, Scalar value)",
    kind=Custom(saving_positions(_index_fill_plan)),
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

    return Plan(run, [operand, index, source], (same_layout(meta),))


@op(
    "put(Tensor input, Tensor index, Tensor source, bool accumulate=False)",
    kind=Custom(saving_positions(_put_plan)),
    inplace=True,
)
def put(input, index, source, accumulate=False):
    """Write elements by their place among all elements in row-major order.

    Args:
        accumulate: whether to add instead.
    """


def _out_of_self(index: int, dim: int, size: int) -> Exception:
    return IndexError("index out of range in self")


def _copied(index: int, dim: int, size: int) -> Exception:
    return IndexError(f"index_copy_(): {messages.index_out_of_bounds(index, dim, size)}")


def _among_all(index: int, dim: int, size: int) -> Exception:
    return IndexError(
        f"out of range: tried to access index {index} on a tensor of {size} elements."
    )


guard("index_select", _out_of_self, False, False)
guard("gather", runtime_error, False, False)


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


FUNCTIONS["gather"] = _resizing_first(FUNCTIONS["gather"])
guard("index_add", runtime_error, False, False)
guard("index_copy", _copied, False, False)
guard("index_fill", messages.index_out_of_bounds, True, False)
guard("take", _among_all, True, True)
guard("put", _among_all, True, True)
