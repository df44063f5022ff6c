"""Joining and repeating: cat, stack, tile, flip, roll and related functions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._core.promotion import result_type
from ..._core.size import Size
from ..._core.strides import elementwise_strides
from ..._engine.declare import Autocast, Out, op, publish
from ..._engine.graph.op import Operand, Spec
from ..._engine.graph.values import make_meta
from ..._engine.memory.host_views import summed
from ..._engine.recording.kinds.base import Custom, broadcast_shapes, cast, normalise_dim
from ..._engine.recording.kinds.reduction import reduced_axes
from ..._engine.recording.refusals import of_tensors
from .._shared import out_dtypes
from .._shared.memory_order import suggested_strides, suggests_channels_last
from .._shared.plans import array_spec
from . import _messages_joining


def _common_dtype(operands: list[Operand], mode):
    described = [(o.meta.dtype, "dim" if o.meta.ndim else "zero") for o in operands]
    return result_type(described, mode.default_dtype)


def _cat_spec(operation, bound, mode) -> Spec:
    operands = list(bound["tensors"])
    if not operands:
        raise _messages_joining.cat_of_nothing()
    metas = [operand.meta for operand in operands]
    for position, meta in enumerate(metas):
        if not meta.ndim:
            raise _messages_joining.cat_zero_dim(position)
    # A 1-D tensor without elements fits everything, as in PyTorch's first days.
    taken = [p for p, meta in enumerate(metas) if meta.shape != (0,)]
    model = metas[taken[0]] if taken else metas[0]
    axis = normalise_dim(bound.get("dim", 0), model.ndim)
    length = 0
    for position in taken:
        meta = metas[position]
        if meta.ndim != model.ndim:
            raise _messages_joining.cat_ranks(model.ndim, meta.ndim)
        for dim, (wanted, size) in enumerate(zip(model.shape, meta.shape, strict=True)):
            if dim != axis and wanted != size:
                raise _messages_joining.cat_sizes(axis, wanted, size, position)
        length += meta.shape[axis]
    dtype = _common_dtype(operands, mode)
    shape = (*model.shape[:axis], length, *model.shape[axis + 1 :]) if taken else (0,)

    strides = None
    if all(suggests_channels_last(meta) and meta.ndim == model.ndim for meta in metas):
        strides = suggested_strides(model, tuple(shape))
    return Spec(
        operands,
        (make_meta(tuple(shape), dtype, model.device, strides),),
        {"dtype": dtype, "taken": taken, "axis": axis},
    )


def _part(cotangent: Any, operand: Any) -> Any:
    """Return the part of a cotangent that belongs to an operand, in the dtype of that."""
    if operand.dtype.kind != "c":
        cotangent = cotangent.real
    return cotangent.astype(operand.dtype, copy=False)


def _cat_on_host(*arrays: Any, dtype: Any, taken: Any, axis: Any) -> Any:
    if not taken:
        return np.zeros((0,), dtype._numpy)
    return np.concatenate([arrays[p].astype(dtype._numpy, copy=False) for p in taken], axis)


def _cat_vjp_on_host(cotangents, results, operands, wanted, dtype, taken, axis):
    """Take the cotangent apart."""
    ends = np.cumsum([operands[p].shape[axis] for p in taken]).tolist()
    before = (slice(None),) * axis
    places = dict(zip(taken, zip([0, *ends], ends), strict=True))
    return [
        _part(cotangents[0][(*before, slice(*places[p]))], operands[p])
        if p in places
        else np.zeros_like(operands[p])
        for p in wanted
    ]


@op(
    "cat(TensorList tensors, int64_t dim=0, *, Tensor out=None)",
    kind=Custom(_cat_spec),
    method=False,
    saves=(),
    aliases=("concat", "concatenate"),
    autocast=Autocast(cpu="promote"),
    out=Out(dtype=out_dtypes.cat_type, overlap="refuse"),
    host=_cat_on_host,
    host_vjp=_cat_vjp_on_host,
)
def cat(*arrays: Any, dtype: Any, taken: Any, axis: Any) -> Any:
    """Join tensors along a dimension that exists.

    Args:
        tensors: of shapes that agree in all other dimensions; dtypes promote.
        dim: where to join.
    Returns:
        Tensor.
    """
    kept = [cast(arrays[p], dtype) for p in taken]
    return jnp.concatenate(kept, axis) if kept else jnp.zeros((0,), dtype._numpy)


def _stack_spec(operation, bound, mode) -> Spec:
    operands = list(bound["tensors"])
    if not operands:
        raise _messages_joining.nothing_to_join("stack")
    model = operands[0].meta
    axis = normalise_dim(bound.get("dim", 0), model.ndim + 1)
    for position, operand in enumerate(operands):
        if operand.meta.shape != model.shape:
            raise _messages_joining.stack_sizes(model.shape, operand.meta.shape, position)
    dtype = _common_dtype(operands, mode)
    shape = (*model.shape[:axis], len(operands), *model.shape[axis:])

    return Spec(operands, (make_meta(shape, dtype, model.device),), {"axis": axis, "dtype": dtype})


def _stack_on_host(*arrays: Any, axis: Any, dtype: Any) -> Any:
    return np.stack([array.astype(dtype._numpy, copy=False) for array in arrays], axis)


def _stack_vjp_on_host(cotangents, results, operands, wanted, axis, dtype):
    """Take the cotangent apart."""
    before = (slice(None),) * axis
    return [_part(cotangents[0][(*before, p)], operands[p]) for p in wanted]


@op(
    "stack(TensorList tensors, int64_t dim=0, *, Tensor out=None)",
    kind=Custom(_stack_spec),
    method=False,
    saves=(),
    autocast=Autocast(cpu="promote"),
    out=Out(dtype=out_dtypes.cat_type),
    host=_stack_on_host,
    host_vjp=_stack_vjp_on_host,
)
def stack(*arrays: Any, axis: Any, dtype: Any) -> Any:
    """Join tensors of one shape along a new dimension.

    Args:
        tensors: of equal shapes; dtypes promote.
        dim: where the new dimension goes.
    Returns:
        Tensor.
    """
    return jnp.stack([cast(array, dtype) for array in arrays], axis)


def _at_least(tensor: Any, rank: int) -> Any:
    """Return a view of at least ``rank`` dimensions, as ``atleast_nd`` makes it."""
    ndim = tensor.dim()
    if ndim >= rank:
        return tensor
    if ndim == 0:
        return tensor.reshape((1,) * rank)
    if ndim == 1:
        tensor = tensor.unsqueeze(0)
    return tensor.unsqueeze(-1) if rank == 3 else tensor


def _check_any(tensors: Sequence[Any], name: str) -> None:
    """Refuse to join no tensors at all."""
    if not tensors:
        raise _messages_joining.nothing_to_join(name)


@op(
    "hstack(TensorList tensors, *, Tensor out=None)",
    method=False,
    out=Out(dtype=out_dtypes.cat_type),
)
def hstack(tensors):
    """Join tensors side by side."""
    _check_any(tensors, "hstack")
    tensors = [t if t.dim() else t.reshape(1) for t in tensors]
    return cat.call(tensors, 0 if tensors[0].dim() == 1 else 1)


@op(
    "vstack(TensorList tensors, *, Tensor out=None)",
    method=False,
    aliases=("row_stack",),
    out=Out(dtype=out_dtypes.cat_type),
)
def vstack(tensors):
    """Join tensors one below the other."""
    _check_any(tensors, "vstack")
    return cat.call([_at_least(t, 2) for t in tensors], 0)


@op(
    "dstack(TensorList tensors, *, Tensor out=None)",
    method=False,
    out=Out(dtype=out_dtypes.cat_type),
)
def dstack(tensors):
    """Join in depth."""
    _check_any(tensors, "dstack")
    return cat.call([_at_least(t, 3) for t in tensors], 2)


@op(
    "column_stack(TensorList tensors, *, Tensor out=None)",
    method=False,
    out=Out(dtype=out_dtypes.cat_type),
)
def column_stack(tensors):
    """Join tensors as columns of a matrix."""
    _check_any(tensors, "column_stack")
    return cat.call([t if t.dim() > 1 else t.reshape(t.numel(), 1) for t in tensors], 1)


def _block_diag_spec(operation, bound, mode) -> Spec:
    operands = list(bound["tensors"])
    for position, operand in enumerate(operands):
        if operand.meta.ndim > 2:
            raise _messages_joining.block_rank(position, operand.meta.ndim)
    dtype = _common_dtype(operands, mode)

    return array_spec(operation, operands, {"dtype": dtype}, dtype)


@op(
    "_block_diag(TensorList tensors)",
    kind=Custom(_block_diag_spec),
    method=False,
    function=False,
    saves=(),
    node_name="BlockDiagBackward0",
)
def _block_diag(*arrays: Any, dtype: Any) -> Any:
    """Put matrices on the diagonal of a matrix of zeros."""
    blocks = [jnp.atleast_2d(cast(array, dtype)) for array in arrays]
    height = sum([block.shape[0] for block in blocks])
    width = sum([block.shape[1] for block in blocks])
    whole = jnp.zeros((height, width), dtype._numpy)
    row = column = 0
    for block in blocks:
        whole = whole.at[row : row + block.shape[0], column : column + block.shape[1]].set(block)
        row += block.shape[0]
        column += block.shape[1]
    return whole


def _tensors_of(args: tuple) -> list:
    """Return tensors given one by one or as one list."""
    if len(args) == 1 and isinstance(args[0], (list, tuple)):
        return list(args[0])
    return list(args)


def block_diag(*tensors):
    """Put matrices (vectors are rows) on the diagonal of a matrix of zeros."""
    return _block_diag.call(tensors)


def cartesian_prod(*tensors):
    """Return all tuples of elements of vectors, one per row."""
    for tensor in tensors:
        if tensor.dim() != 1:
            raise _messages_joining.vector_expected(tensor.shape)
    if len(tensors) == 1:
        return tensors[0]
    grids = meshgrid(*tensors, indexing="ij")
    return stack.call([grid.flatten() for grid in grids], 1)


def broadcast_tensors(*tensors):
    """Return views of the common shape."""
    given = _tensors_of(tensors)
    shape = broadcast_shapes([tuple(tensor.shape) for tensor in given])
    return tuple([t if tuple(t.shape) == shape else t.expand(shape) for t in given])


def meshgrid(*tensors, indexing=None):
    """Return coordinate grids of vectors.

    Args:
        *tensors: vectors, or one list of them.
        indexing: ``"ij"``, or ``"xy"`` with the first two dimensions exchanged.
    Returns:
        Tuple of views.
    """
    given = _tensors_of(tensors)
    if indexing is None:
        _messages_joining.warn_meshgrid()
        indexing = "ij"
    if not given:
        raise _messages_joining.meshgrid_of_nothing()
    for tensor in given:
        if tensor.dim() > 1:
            raise _messages_joining.meshgrid_rank(tensor)
    if any([tensor.dtype is not given[0].dtype for tensor in given]):
        raise _messages_joining.meshgrid_dtypes()
    if indexing not in ("ij", "xy"):
        raise _messages_joining.meshgrid_indexing(indexing)
    order = list(range(len(given)))
    if indexing == "xy" and len(given) >= 2:
        order[:2] = 1, 0
    shape = [given[dim].numel() for dim in order]
    grids = []
    for dim, tensor in zip(order, given, strict=True):
        lying = [1] * len(given)
        lying[dim] = -1
        grids.append(tensor.view(lying).expand(shape))
    return tuple(grids)


publish("block_diag", of_tensors(block_diag))
publish("cartesian_prod", of_tensors(cartesian_prod))
publish("broadcast_tensors", of_tensors(broadcast_tensors))
publish("meshgrid", of_tensors(meshgrid, in_a_list=True))


@op("broadcast_to(Tensor input, SymIntArrayRef size)")
def broadcast_to(input, size):
    """Return a view of another shape, see ``Tensor.expand``."""
    return input.expand(size)


@op("combinations(Tensor input, int64_t r=2, bool with_replacement=False)", method=False)
def combinations(input, r=2, with_replacement=False):
    """Return all combinations of ``r`` elements of a vector, one per row."""
    if input.dim() != 1:
        raise _messages_joining.vector_of_shape(input.shape)
    if r < 0:
        raise _messages_joining.negative_combination(r)
    return _combinations.call(input, r, with_replacement)


def _combinations_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    count, size = bound["r"], operand.meta.shape[0]
    choose = (
        itertools.combinations_with_replacement
        if bound["with_replacement"]
        else itertools.combinations
    )
    rows = list(choose(range(size), count)) if count else []

    return array_spec(operation, [operand], {"rows": rows, "count": count})


@op(
    "_combinations(Tensor input, int64_t r, bool with_replacement)",
    kind=Custom(_combinations_spec),
    method=False,
    function=False,
    saves=(),
    node_name="StackBackward0",
)
def _combinations(array: Any, *, rows: Any, count: Any) -> Any:
    """Gather the rows of ``combinations``."""
    if not rows:
        return jnp.zeros((0, count) if count else (0,), array.dtype)
    return array[jnp.asarray(rows)]


def _repeat_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    repeats = tuple(bound["repeats"])
    if len(repeats) < meta.ndim:
        raise _messages_joining.repeat_rank()
    sizes = (1,) * (len(repeats) - meta.ndim) + meta.shape
    shape = tuple([n * size for n, size in zip(repeats, sizes, strict=True)])
    negative = [size for size in shape if size < 0]
    if negative:
        raise _messages_joining.negative_size(negative[0], shape)
    return Spec([operand], (make_meta(shape, meta.dtype, meta.device),), {"repeats": repeats})


def _repeat_vjp_on_host(cotangents, results, operands, wanted, repeats):
    """Add up the repetitions."""
    (array,), (cotangent,) = operands, cotangents
    sizes = (1,) * (len(repeats) - array.ndim) + array.shape
    split = [part for pair in zip(repeats, sizes, strict=True) for part in pair]
    axes = tuple(range(0, len(split), 2))
    total = summed(cotangent.reshape(split), axes)
    return (total.reshape(array.shape),)


@op(
    "repeat(Tensor input, SymIntArrayRef repeats)",
    kind=Custom(_repeat_spec),
    function=False,
    saves=(),
    host=lambda array, repeats: np.tile(array, repeats),
    host_vjp=_repeat_vjp_on_host,
)
def repeat(array: Any, *, repeats: Any) -> Any:
    """Repeat a tensor along each dimension, with a copy.

    Args:
        repeats: how often along each dimension; dimensions may be added in front.
    Returns:
        Tensor.
    """
    return jnp.tile(array, repeats)


@op("tile(Tensor input, SymIntArrayRef dims)")
def tile(input, dims):
    """Repeat a tensor along its last dimensions, with a copy."""
    dims = (1,) * (input.dim() - len(dims)) + tuple(dims)
    return repeat.call(input, dims)


def _flip_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    axes = reduced_axes(meta, tuple(bound["dims"]), none_if_empty=False)
    strides = elementwise_strides(meta.shape, [(meta.shape, meta.strides)])
    return Spec(
        [operand], (make_meta(meta.shape, meta.dtype, meta.device, strides),), {"axes": axes}
    )


@op("flip(Tensor input, IntArrayRef dims)", kind=Custom(_flip_spec), saves=())
def flip(array: Any, *, axes: Any) -> Any:
    """Reverse the order of elements along dimensions, with a copy.

    Args:
        dims: the dimensions.
    Returns:
        Tensor of the same shape.
    """
    return jnp.flip(array, axes)


@op("fliplr(Tensor input)")
def fliplr(input):
    """Reverse the columns of a tensor of at least two dimensions."""
    if input.dim() < 2:
        raise _messages_joining.flip_rank(2)
    return flip.call(input, (1,))


@op("flipud(Tensor input)")
def flipud(input):
    """Reverse the rows of a tensor of at least one dimension."""
    if input.dim() < 1:
        raise _messages_joining.flip_rank(1)
    return flip.call(input, (0,))


def _roll_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    shifts, dims = tuple(bound["shifts"]), tuple(bound.get("dims") or ())
    if not shifts:
        raise _messages_joining.roll_shifts()
    if dims or len(shifts) != 1:
        if len(shifts) != len(dims):
            raise _messages_joining.roll_lengths(len(shifts), len(dims))
        if not meta.ndim:
            raise _messages_joining.roll_of_number()
        dims = tuple([normalise_dim(dim, meta.ndim) for dim in dims])

    return Spec(
        [operand],
        (make_meta(meta.shape, meta.dtype, meta.device),),
        {"dims": dims, "shifts": shifts},
    )


@op(
    "roll(Tensor input, SymIntArrayRef[1] shifts, IntArrayRef[1] dims={})",
    kind=Custom(_roll_spec),
    saves=(),
)
def roll(array: Any, *, dims: Any, shifts: Any) -> Any:
    """Shift elements along dimensions; what leaves at one end enters at the other.

    Args:
        shifts: by how much, for each dimension.
        dims: the dimensions; the flattened tensor is shifted where they are absent.
    Returns:
        Tensor of the same shape.
    """
    if not array.size or not array.ndim:
        return array
    return jnp.roll(array, shifts, dims) if dims else jnp.roll(array, shifts[0])


def _rot90_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    dims = tuple(bound.get("dims", (0, 1)))
    turns = bound.get("k", 1) % 4
    if len(dims) != 2:
        raise _messages_joining.rot90_dims(len(dims))
    if meta.ndim < 2:
        raise _messages_joining.rot90_rank(meta.ndim)
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == meta.ndim:
        raise _messages_joining.rot90_same(*dims)
    first, second = [normalise_dim(dim, meta.ndim) for dim in dims]
    shape = list(meta.shape)
    if turns % 2:
        shape[first], shape[second] = shape[second], shape[first]
        swapped = list(range(meta.ndim))
        swapped[first], swapped[second] = swapped[second], swapped[first]
        dense = elementwise_strides(meta.shape, [(meta.shape, meta.strides)])
        strides = tuple([dense[dim] for dim in swapped])
    else:
        strides = elementwise_strides(meta.shape, [(meta.shape, meta.strides)])
    return Spec(
        [operand],
        (make_meta(tuple(shape), meta.dtype, meta.device, strides),),
        {"turns": turns, "first": first, "second": second},
    )


@op(
    "rot90(Tensor input, int64_t k=1, IntArrayRef dims={0,1})",
    kind=Custom(_rot90_spec),
    saves=(),
)
def rot90(array: Any, *, turns: Any, first: Any, second: Any) -> Any:
    """Turn a tensor by multiples of 90 degrees in the plane of two dimensions.

    Args:
        k: how many quarter turns, from the first dimension towards the second.
        dims: the two dimensions.
    Returns:
        Tensor.
    """
    return jnp.rot90(array, turns, (first, second))


def common_shape(*shapes):
    """Return the shape that shapes broadcast to.

    Args:
        *shapes: tuples of ints; an int stands for one dimension.
    Returns:
        ``torch.Size``.
    Raises:
        RuntimeError, ValueError: they do not fit, or a size is negative.
    """
    given = [(shape,) if isinstance(shape, int) else shape for shape in shapes if shape is not None]
    for shape in given:
        if not isinstance(shape, Sequence):
            raise _messages_joining.no_shape(shape)
    common = [1] * max(map(len, given), default=0)
    for position, shape in enumerate(given):
        for place in range(-1, -1 - len(shape), -1):
            size = shape[place]
            if size == common[place]:
                continue
            if common[place] == 1:
                if size < 0:
                    raise _messages_joining.negative_length()
                common[place] = size
            elif size != 1:
                raise _messages_joining.shape_mismatch(size, place, position, shape, common)
    return Size(common)


common_shape.__name__ = common_shape.__qualname__ = "broadcast_shapes"
publish("broadcast_shapes", common_shape)
