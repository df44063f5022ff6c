"""Views that rearrange or select: the results share the memory of their input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import messages
from ..._core.strides import contiguous_strides
from ..._engine.declare import op
from ..._engine.graph.op import Plan, Spec
from ..._engine.graph.values import LEAF, Meta, make_meta
from ..._engine.memory.host_views import reshape_vjp, summed_to, view_vjp
from ..._engine.recording.kinds.base import Custom, View, normalise_dim


def view_strides(meta: Meta, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the strides with which ``shape`` is a view of a tensor, ``None`` if it is none.

    Runs of dimensions that are contiguous among themselves can be split and merged freely.
    """
    if meta.numel == 0:
        return meta.strides if shape == meta.shape else contiguous_strides(shape)
    if not meta.shape:
        return (1,) * len(shape)
    strides = [0] * len(shape)
    view_dim = len(shape) - 1
    chunk_stride = meta.strides[-1]
    tensor_numel = view_numel = 1
    for dim in range(meta.ndim - 1, -1, -1):
        tensor_numel *= meta.shape[dim]
        ends_chunk = dim == 0 or (
            meta.shape[dim - 1] != 1 and meta.strides[dim - 1] != tensor_numel * chunk_stride
        )
        if not ends_chunk:
            continue
        while view_dim >= 0 and (view_numel < tensor_numel or shape[view_dim] == 1):
            strides[view_dim] = view_numel * chunk_stride
            view_numel *= shape[view_dim]
            view_dim -= 1
        if view_numel != tensor_numel:
            return None
        if dim > 0:
            chunk_stride = meta.strides[dim - 1]
            tensor_numel = view_numel = 1
    return tuple(strides) if view_dim == -1 else None


def infer_shape(shape: tuple[int, ...], numel: int) -> tuple[int, ...]:
    """Fill in the one dimension given as -1.

    Raises:
        RuntimeError: more than one is, or the sizes do not match the number of elements.
    """
    unknown = None
    known = 1
    for dim, size in enumerate(shape):
        if size == -1:
            if unknown is not None:
                raise RuntimeError("only one dimension can be inferred")
            unknown = dim
        elif size < 0:
            raise RuntimeError(
                f"invalid shape dimension {size} at index {dim} of shape {list(shape)}"
            )
        else:
            known *= size
    if numel == known or (unknown is not None and known > 0 and numel % known == 0):
        if unknown is None:
            return shape
        if known == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(shape)} because the "
                "unspecified dimension size -1 can be any value and is ambiguous"
            )
        return (*shape[:unknown], numel // known, *shape[unknown + 1 :])
    raise messages.invalid_shape(shape, numel)


def _same(meta: Meta) -> tuple:
    return meta.shape, meta.strides


def _transposed_on_host(operation: Callable) -> Callable:
    """Return the ``host_vjp`` of an exchange of dimensions, which is its own inverse."""

    def vjp(cotangents, results, operands, wanted, **params):
        return (operation(cotangents[0], **params),)

    return vjp


@op(
    "detach(Tensor input)",
    kind=View(_same, put=lambda base, new: new),
    arity="view",
    differentiable=False,
    host=True,
)
def detach(input):
    """Return a tensor that shares the memory of ``input`` and does not require grad."""
    return input


@op(
    "data(Tensor input)",
    kind=View(_same, put=lambda base, new: new),
    arity="view",
    method=False,
    function=False,
    differentiable=False,
    host=True,
)
def data(input):
    """Return what ``.data`` is: the same memory, with a version counter of its own."""
    return input


@op(
    "alias(Tensor input)",
    kind=View(_same, put=lambda base, new: new),
    arity="view",
    method=False,
    function=False,
    host=True,
    host_vjp=reshape_vjp,
)
def alias(input):
    """Return a view of the whole tensor."""
    return input


def _select_rule(meta: Meta, dim: int, index) -> tuple:
    if meta.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = normalise_dim(dim, meta.ndim)
    return (
        meta.shape[:dim] + meta.shape[dim + 1 :],
        meta.strides[:dim] + meta.strides[dim + 1 :],
    )


def _select_put(base, new, dim, index):
    dim = dim % base.ndim
    return jax.lax.dynamic_update_index_in_dim(base, new, index, dim)


def _select_on_host(array: Any, dim: int, index: Any) -> Any:
    return array[(slice(None),) * (dim % array.ndim) + (int(index),)]


@op(
    "select(Tensor input, int64_t dim, SymInt index)",
    kind=View(
        _select_rule,
        put=_select_put,
        offset=lambda meta, offset, dim, index: offset + meta.strides[dim] * index,
    ),
    arity="view",
    dynamic=("index",),
    name="_select",
    method=False,
    function=False,
    node_name="SelectBackward0",
    host=_select_on_host,
    host_vjp=view_vjp(_select_on_host),
)
def _select(input, dim, index):
    """Select one index of a dimension, which is dropped; ``index`` is in range, not negative."""
    return jax.lax.dynamic_index_in_dim(input, index, dim % input.ndim, keepdims=False)


def _slice_rule(meta: Meta, dim: int, start, length: int, step: int) -> tuple:
    shape = list(meta.shape)
    strides = list(meta.strides)
    shape[dim] = length
    strides[dim] *= step
    return shape, strides


def _slice_put(base, new, dim, start, length, step):
    if step == 1:
        return jax.lax.dynamic_update_slice_in_dim(base, new, start, dim)
    if length == 0:
        return base
    positions = start + jnp.arange(length) * step
    return base.at[(slice(None),) * dim + (positions,)].set(new)


def _slice_on_host(array: Any, dim: int, start: Any, length: int, step: int) -> Any:
    start = int(start)
    end = start + (length - 1) * step + 1 if length else start
    return array[(slice(None),) * dim + (slice(start, end, step),)]


@op(
    "slice(Tensor input, int64_t dim, SymInt start, int64_t length, int64_t step)",
    kind=View(
        _slice_rule,
        put=_slice_put,
        offset=lambda meta, offset, dim, start, length, step: offset + meta.strides[dim] * start,
    ),
    arity="view",
    dynamic=("start",),
    special=(0,),
    name="_slice",
    method=False,
    function=False,
    node_name="SliceBackward0",
    host=_slice_on_host,
    host_vjp=view_vjp(_slice_on_host),
)
def _slice(input, dim, start, length, step):
    """Take ``length`` indices of a dimension, ``step`` apart; all are in range."""
    span = (length - 1) * step + 1 if length else 0
    if isinstance(start, int):
        taken = jax.lax.slice_in_dim(input, start, start + span, 1, dim)
    else:
        taken = jax.lax.dynamic_slice_in_dim(input, start, span, dim)
    return taken if step == 1 else jax.lax.slice_in_dim(taken, 0, None, step, dim)


def _permute_rule(meta: Meta, dims: tuple[int, ...]) -> tuple:
    if len(dims) != meta.ndim:
        raise messages.permute_length(meta.ndim, len(dims))
    order = [normalise_dim(dim, meta.ndim) for dim in dims]
    if len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return [meta.shape[d] for d in order], [meta.strides[d] for d in order]


def _permute_put(base, new, dims):
    order = [dim % base.ndim for dim in dims]
    inverse = sorted(range(len(order)), key=order.__getitem__)
    return jnp.transpose(new, inverse)


def _permute_vjp_on_host(cotangents, results, operands, wanted, dims):
    order = [dim % len(dims) for dim in dims]
    return (cotangents[0].transpose(sorted(range(len(order)), key=order.__getitem__)),)


@op(
    "permute(Tensor input, IntArrayRef dims)",
    kind=View(_permute_rule, put=_permute_put),
    arity="view",
    host=True,
    host_vjp=_permute_vjp_on_host,
)
def permute(input, dims):
    """Reorder the dimensions.

    Args:
        dims: every dimension once, in the new order.
    Returns:
        A view.
    """
    return input.transpose([dim % input.ndim for dim in dims])


def _transpose_rule(meta: Meta, dim0: int, dim1: int) -> tuple:
    dim0, dim1 = normalise_dim(dim0, meta.ndim), normalise_dim(dim1, meta.ndim)
    shape, strides = list(meta.shape), list(meta.strides)
    if shape:
        shape[dim0], shape[dim1] = shape[dim1], shape[dim0]
        strides[dim0], strides[dim1] = strides[dim1], strides[dim0]
    return shape, strides


@op(
    "transpose(Tensor input, int64_t dim0, int64_t dim1)",
    kind=View(
        _transpose_rule,
        put=lambda base, new, dim0, dim1: jnp.swapaxes(new, dim0, dim1) if new.ndim else new,
    ),
    arity="view",
    aliases=("swapdims",),
    host=True,
    host_vjp=_transposed_on_host(
        lambda array, dim0, dim1: array.swapaxes(dim0, dim1) if array.ndim else array
    ),
)
def transpose(input, dim0, dim1):
    """Exchange two dimensions.

    Returns:
        A view.
    """
    return input.swapaxes(dim0, dim1) if input.ndim else input


@op(
    "swapaxes(Tensor input, int64_t axis0, int64_t axis1)",
    kind=View(
        lambda meta, axis0, axis1: _transpose_rule(meta, axis0, axis1),
        put=lambda base, new, axis0, axis1: jnp.swapaxes(new, axis0, axis1) if new.ndim else new,
    ),
    arity="view",
    node_name="TransposeBackward0",
    host=True,
    host_vjp=_transposed_on_host(
        lambda array, axis0, axis1: array.swapaxes(axis0, axis1) if array.ndim else array
    ),
)
def swapaxes(input, axis0, axis1):
    """Exchange two dimensions; NumPy's name of ``transpose``.

    Args:
        axis0, axis1: the dimensions.
    Returns:
        A view.
    """
    return input.swapaxes(axis0, axis1) if input.ndim else input


def _t_rule(meta: Meta) -> tuple:
    if meta.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {meta.ndim}D")
    return meta.shape[::-1], meta.strides[::-1]


@op(
    "t(Tensor input)",
    kind=View(_t_rule, put=lambda base, new: new.T),
    arity="view",
    host=True,
    host_vjp=_transposed_on_host(lambda array: array.T),
)
def t(input):
    """Transpose a tensor of at most two dimensions.

    Returns:
        A view.
    """
    return input.T


def _view_rule(meta: Meta, size: tuple[int, ...]) -> tuple:
    shape = infer_shape(tuple(size), meta.numel)
    strides = view_strides(meta, shape)
    if strides is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return shape, strides


@op(
    "view(Tensor input, IntArrayRef size)",
    kind=View(_view_rule, put=lambda base, new, size: new.reshape(base.shape)),
    arity="view",
    function=False,
    name="_view",
    method=False,
    node_name="ViewBackward0",
    host=True,
    host_vjp=reshape_vjp,
)
def _view(input, size):
    """Return the same elements in another shape."""
    return input.reshape(infer_shape(tuple(size), input.size))


@op(
    "_reshape_alias(Tensor input, IntArrayRef size)",
    kind=View(_view_rule, put=lambda base, new, size: new.reshape(base.shape)),
    arity="view",
    function=False,
    method=False,
    host=True,
    host_vjp=reshape_vjp,
)
def _reshape_alias(input, size):
    """Return a view in another shape of a tensor that is not contiguous."""
    return input.reshape(infer_shape(tuple(size), input.size))


def _unsafe_view_spec(operation, bound, mode) -> Spec:
    operand, size = bound["input"], bound["size"]
    meta = operand.meta
    shape = infer_shape(tuple(size), meta.numel)
    result = make_meta(shape, meta.dtype, meta.device)
    return Spec([operand], (result,), {"shape": shape}, saves=())


@op(
    "_unsafe_view(Tensor input, IntArrayRef size)",
    kind=Custom(_unsafe_view_spec),
    function=False,
    method=False,
    host=True,
    host_vjp=reshape_vjp,
)
def _unsafe_view(array: Any, *, shape: tuple[int, ...]) -> Any:
    """Return a fresh contiguous copy in another shape; it shares memory with no other tensor."""
    return array.reshape(shape)


def _expand_rule(meta: Meta, size: tuple[int, ...], implicit: bool = False) -> tuple:
    size = tuple(size)
    lead = len(size) - meta.ndim
    if lead < 0:
        raise messages.expand_fewer(size, meta.shape, meta.ndim, meta.dtype._legacy_name)
    shape: list[int] = []
    strides: list[int] = []
    for dim, wanted in enumerate(size):
        if dim < lead:
            if wanted < 0:
                raise messages.expand_leading(wanted, dim)
            shape.append(wanted)
            continue
        own = meta.shape[dim - lead]
        if wanted == -1:
            wanted = own
        if own != wanted and own != 1:
            raise messages.expand_mismatch(wanted, own, dim, size, meta.shape)
        shape.append(wanted)
        strides.append(meta.strides[dim - lead] if own == wanted else 0)
    if not meta.ndim:
        return shape, [0] * lead
    for dim in reversed(range(lead)):
        # A new dimension of size 1 lies as if it had been there.
        outer = shape[dim + 1] * strides[0]
        strides.insert(0, outer if shape[dim] == 1 else 0)
    return shape, strides


def _expand_put(base, new, size, implicit=False):
    lead = new.ndim - base.ndim
    index = (0,) * lead + tuple(slice(0, 1) if own == 1 else slice(None) for own in base.shape)
    return new[index]


def _expanded(shape: tuple[int, ...], size: tuple[int, ...]) -> list[int]:
    lead = len(size) - len(shape)
    return [shape[dim - lead] if wanted == -1 else wanted for dim, wanted in enumerate(size)]


def _expand_on_host(array: Any, size: tuple[int, ...], implicit: bool = False) -> Any:
    return np.broadcast_to(array, _expanded(array.shape, size))


def _expand_vjp_on_host(cotangents, results, operands, wanted, size, implicit=False):
    return (summed_to(cotangents[0], operands[0].shape),)


@op(
    "expand(Tensor input, IntArrayRef size, *, bool implicit=False)",
    kind=View(_expand_rule, put=_expand_put),
    arity="view",
    function=False,
    host=_expand_on_host,
    host_vjp=_expand_vjp_on_host,
)
def expand(input, size, implicit=False):
    """Repeat dimensions of size 1 without copying.

    Args:
        size: the new sizes; -1 keeps one; dimensions may be added in front.
    Returns:
        A view whose repeated dimensions have stride 0.
    """
    return jnp.broadcast_to(input, _expanded(input.shape, size))


def _unsqueeze_rule(meta: Meta, dim: int) -> tuple:
    dim = normalise_dim(dim, meta.ndim + 1)
    stride = meta.shape[dim] * meta.strides[dim] if dim < meta.ndim else 1
    return (
        (*meta.shape[:dim], 1, *meta.shape[dim:]),
        (*meta.strides[:dim], stride, *meta.strides[dim:]),
    )


@op(
    "unsqueeze(Tensor input, int64_t dim)",
    kind=View(_unsqueeze_rule, put=lambda base, new, dim: new.reshape(base.shape)),
    arity="view",
    host=lambda array, dim: np.expand_dims(array, dim),
    host_vjp=reshape_vjp,
)
def unsqueeze(input, dim):
    """Insert a dimension of size 1 at ``dim``.

    Returns:
        A view.
    """
    return jnp.expand_dims(input, dim)


def _squeezed(shape: tuple[int, ...], dim) -> list[int]:
    """Return the dimensions that remain."""
    if dim is None:
        return [d for d, size in enumerate(shape) if size != 1]
    dims = (dim,) if isinstance(dim, int) else dim
    drop = {normalise_dim(d, len(shape)) for d in dims}
    return [d for d, size in enumerate(shape) if size != 1 or d not in drop]


def _squeeze_rule(meta: Meta, dim=None) -> tuple:
    kept = _squeezed(meta.shape, dim)
    return [meta.shape[d] for d in kept], [meta.strides[d] for d in kept]


@op(
    "squeeze(Tensor input)",
    "squeeze(Tensor input, int64_t dim)",
    "squeeze(Tensor input, IntArrayRef dim)",
    kind=View(
        _squeeze_rule,
        put=lambda base, new, dim=None: new.reshape(base.shape),
        names=lambda dim=None: f"SqueezeBackward{0 if dim is None else 2 - isinstance(dim, int)}",
    ),
    arity="view",
    host=True,
    host_vjp=reshape_vjp,
)
def squeeze(input, dim=None):
    """Drop dimensions of size 1: all of them, or those named.

    Returns:
        A view.
    """
    return input.reshape([input.shape[d] for d in _squeezed(input.shape, dim)])


def _as_leaf_plan(operation, bound, mode) -> Plan:
    operand = bound["input"]
    plan = Spec([operand], (operand.meta.with_grad(LEAF),)).plan(operation.function)
    plan.view = True
    return plan


@op(
    "_as_leaf(Tensor input)",
    kind=Custom(_as_leaf_plan),
    method=False,
    function=False,
    differentiable=False,
    host=True,
)
def _as_leaf(input):
    """Mark a value that is pending as a leaf (``requires_grad_`` of a fresh result)."""
    return input
