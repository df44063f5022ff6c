"""Operators that PyTorch's own code is made of, under their private names.

The gradients of ``softmax``, ``dropout`` and ``max_pool2d`` as operators, indexing behind a mask,
and the concatenation of chunks that sharded training uses.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..._core.dtypes import bool_, is_inexact
from ..._engine.declare import FUNCTIONS, Out, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, normalise_dim
from .._shared import out_dtypes
from .._shared.memory_order import suggested_strides
from .._shared.widening import widen
from . import _messages


def _softmax_backward_spec(operation, bound, mode) -> Spec:
    gradient, output = bound["grad_output"], bound["output"]
    meta, dim, dtype = output.meta, bound["dim"], bound["input_dtype"]

    return Spec(
        [gradient, output],
        (make_meta(meta.shape, dtype, meta.device),),
        {"dim": dim, "dtype": dtype},
    )


@op(
    "_softmax_backward_data(Tensor grad_output, Tensor output, int64_t dim, "
    "ScalarType input_dtype)",
    kind=Custom(_softmax_backward_spec),
    method=False,
    node_name="SoftmaxBackwardDataBackward0",
)
def softmax_backward_data(upstream: Any, result: Any, *, dim: Any, dtype: Any) -> Any:
    """Return the gradient of a softmax from that of its result."""
    upstream, result = widen(upstream), widen(result)
    weighted = upstream * result
    axis = dim if result.ndim else None
    found = weighted - result * jnp.sum(weighted, axis, keepdims=True)
    return found.astype(dtype._numpy)


def _dropout_backward_spec(operation, bound, mode) -> Spec:
    gradient, mask, scale = bound["grad_output"], bound["mask"], float(bound["scale"])
    meta = gradient.meta
    known = is_inexact(meta.dtype)
    dtype = meta.dtype if known else mode.default_dtype

    return Spec(
        [gradient, mask],
        (make_meta(meta.shape, dtype, meta.device),),
        {"dtype": dtype, "scale": scale},
    )


@op(
    "native_dropout_backward(Tensor grad_output, Tensor mask, double scale)",
    kind=Custom(_dropout_backward_spec),
    method=False,
    function=False,
    node_name="NativeDropoutBackwardBackward0",
)
def native_dropout_backward(upstream: Any, kept: Any, *, dtype: Any, scale: Any) -> Any:
    """Return the gradient of a dropout from its mask."""
    upstream = upstream.astype(dtype._numpy)
    return (upstream * kept.astype(upstream.dtype) * scale).astype(upstream.dtype)


def _pool_backward_spec(operation, bound, mode) -> Spec:
    gradient, operand, indices = bound["grad_output"], bound["input"], bound["indices"]
    meta = operand.meta
    rows = (*meta.shape[:-2], meta.shape[-2] * meta.shape[-1])

    strides = suggested_strides(meta)
    made = make_meta(meta.shape, gradient.meta.dtype, meta.device, strides)
    return Spec([gradient, operand, indices], (made,), {"rows": rows, "meta": meta})


@op(
    "max_pool2d_with_indices_backward(Tensor grad_output, Tensor input, "
    "IntArrayRef[2] kernel_size, "
    "IntArrayRef[2] stride, IntArrayRef[2] padding, IntArrayRef[2] dilation, bool ceil_mode, "
    "Tensor indices)",
    kind=Custom(_pool_backward_spec),
    method=False,
    function=False,
    node_name="MaxPool2DWithIndicesBackwardBackward0",
)
def max_pool2d_with_indices_backward(
    upstream: Any, image: Any, places: Any, *, rows: Any, meta: Any
) -> Any:
    """Return the gradient of a pooling from that of its result and the places of the maxima."""
    flat = places.reshape(*rows[:-1], -1)
    leading = jnp.indices(flat.shape, sparse=True)[:-1]
    found = jnp.zeros(rows, upstream.dtype)
    found = found.at[(*leading, flat)].add(upstream.reshape(flat.shape))
    return found.reshape(meta.shape)


def _places(indices: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Return indices inside a shape: those outside are behind the mask."""
    pairs = zip(indices, shape, strict=False)
    return tuple([jnp.clip(index, -size, size - 1) for index, size in pairs])


def _masked_index_spec(operation, bound, mode) -> Spec:
    operand, mask, fill = bound["input"], bound["mask"], bound["fill"]
    indices = list(bound["indices"])
    meta = operand.meta
    shape = jnp.broadcast_shapes(*[each.meta.shape for each in indices])

    made = make_meta((*shape, *meta.shape[len(indices) :]), meta.dtype, meta.device)
    return Spec([operand, mask, fill, *indices], (made,), {"shape": shape})


@op(
    "_unsafe_masked_index(Tensor input, Tensor mask, TensorList indices, Scalar fill)",
    kind=Custom(_masked_index_spec),
    method=False,
    node_name="UnsafeMaskedIndexBackward0",
)
def unsafe_masked_index(array: Any, mask: Any, fill: Any, *indices: Any, shape: Any) -> Any:
    """Return elements at positions, and a number where a mask is false."""
    found = array[_places(indices, array.shape)]
    kept = mask.reshape(mask.shape + (1,) * (found.ndim - len(shape)))
    return jnp.where(kept, found, jnp.asarray(fill).astype(array.dtype))


def _masked_put_spec(operation, bound, mode) -> Spec:
    operand, mask, values = bound["input"], bound["mask"], bound["values"]
    meta = operand.meta
    truth = meta.dtype is bool_

    made = make_meta(meta.shape, meta.dtype, meta.device)
    return Spec([operand, mask, values, *bound["indices"]], (made,), {"truth": truth})


@op(
    "_unsafe_masked_index_put_accumulate(Tensor input, Tensor mask, TensorList indices, "
    "Tensor values)",
    kind=Custom(_masked_put_spec),
    method=False,
    node_name="UnsafeMaskedIndexPutAccumulateBackward0",
)
def unsafe_masked_index_put_accumulate(
    array: Any, mask: Any, values: Any, *indices: Any, truth: Any
) -> Any:
    """Add values at positions where a mask is true."""
    kept = jnp.where(mask, values, jnp.zeros((), values.dtype))
    target = array.at[_places(indices, array.shape)]
    return target.max(kept) if truth else target.add(kept)


def _check_chunks(tensors: Any, dim: int, num_chunks: int) -> int:
    """Check the arguments of ``_chunk_cat``; return the dimension counted from the front."""
    if num_chunks < 1:
        raise _messages.chunk_cat("positive num_chunks")
    if not tensors:
        raise _messages.chunk_cat("a non-empty input tensor list")
    if not all(each.numel() for each in tensors):
        raise _messages.chunk_cat("non-empty tensor")
    if any(each.dtype is not tensors[0].dtype for each in tensors):
        raise _messages.chunk_cat("all input tensors with the same dtype")
    if len({each.dim() for each in tensors}) == 1:
        dim = normalise_dim(dim, tensors[0].dim())
    elif dim < 0:
        raise _messages.chunk_cat("non-negative dim when input tensors have different ndims")
    elif any(dim >= each.dim() for each in tensors):
        raise _messages.chunk_cat("dim < ndim for all input tensors")
    if any(each.shape[:dim] != tensors[0].shape[:dim] for each in tensors):
        raise _messages.chunk_cat("same sizes of 0,...,dim-1 dimensions for all tensors")
    return dim


@op(
    "_chunk_cat(TensorList tensors, int64_t dim, int64_t num_chunks, *, Tensor out=None)",
    method=False,
    out=Out(dtype=out_dtypes.cat_type),
)
def chunk_cat(tensors, dim, num_chunks):
    """Pad tensors to a number of equal chunks, and join them chunk by chunk.

    Args:
        tensors: of one dtype, with the same sizes before ``dim``.
        dim: dimension that is cut.
        num_chunks: into how many chunks.
    Returns:
        Tensor of shape ``(..., num_chunks, elements of a chunk of every tensor)``.
    """
    dim = _check_chunks(tensors, dim, num_chunks)
    parts = []
    for each in tensors:
        lacking = -each.shape[dim] % num_chunks
        if lacking:
            sides = [0, 0] * (each.dim() - dim - 1) + [0, lacking]
            each = FUNCTIONS["constant_pad_nd"](each, sides, 0)
        parts.append(each.reshape((*each.shape[:dim], num_chunks, -1)))
    return FUNCTIONS["cat"](parts, dim + 1)
