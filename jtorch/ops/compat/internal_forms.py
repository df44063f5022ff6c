"""Operators that PyTorch's own code is made of, under their private names.

The gradients of ``softmax``, ``dropout`` and ``max_pool2d`` as operators, indexing behind a mask,
and the concatenation of chunks that sharded training uses.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..._core.dtypes import bool_, is_inexact
from ..._engine.declare import Out, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, normalise_dim
from .._shared import out_dtypes
from .._shared.memory_order import suggested_strides
from .._shared.widening import widen
from ..nn.padding import constant_pad_nd
from ..shape.joining import cat
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
    """Gradient of softmax: ``g y - y sum(g y, dim)``, for a result ``y`` and its gradient ``g``."""
    upstream, result = widen(upstream), widen(result)
    weighted = upstream * result
    axis = dim if result.ndim else None
    gradient = weighted - result * jnp.sum(weighted, axis, keepdims=True)
    return gradient.astype(dtype._numpy)


def _dropout_backward_spec(operation, bound, mode) -> Spec:
    gradient, mask, scale = bound["grad_output"], bound["mask"], float(bound["scale"])
    meta = gradient.meta
    dtype = meta.dtype if is_inexact(meta.dtype) else mode.default_dtype

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
    """Gradient of dropout: ``g mask scale``."""
    upstream = upstream.astype(dtype._numpy)
    return (upstream * kept.astype(upstream.dtype) * scale).astype(upstream.dtype)


def _pool_backward_spec(operation, bound, mode) -> Spec:
    gradient, operand, indices = bound["grad_output"], bound["input"], bound["indices"]
    meta = operand.meta
    rows = (*meta.shape[:-2], meta.shape[-2] * meta.shape[-1])

    strides = suggested_strides(meta)
    result = make_meta(meta.shape, gradient.meta.dtype, meta.device, strides)
    return Spec([gradient, operand, indices], (result,), {"rows": rows, "meta": meta})


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
    upstream: Any, image: Any, indices: Any, *, rows: Any, meta: Any
) -> Any:
    """Gradient of max pooling: that of the result, added up at the flat indices of the maxima."""
    flat = indices.reshape(*rows[:-1], -1)
    leading = jnp.indices(flat.shape, sparse=True)[:-1]
    gradient = jnp.zeros(rows, upstream.dtype)
    gradient = gradient.at[(*leading, flat)].add(upstream.reshape(flat.shape))
    return gradient.reshape(meta.shape)


def _clamped(indices: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Return indices clamped to a shape: those outside are behind the mask."""
    pairs = zip(indices, shape, strict=False)
    return tuple([jnp.clip(index, -size, size - 1) for index, size in pairs])


def _masked_index_spec(operation, bound, mode) -> Spec:
    operand, mask, fill = bound["input"], bound["mask"], bound["fill"]
    indices = list(bound["indices"])
    meta = operand.meta
    shape = jnp.broadcast_shapes(*[index.meta.shape for index in indices])

    result = make_meta((*shape, *meta.shape[len(indices) :]), meta.dtype, meta.device)
    return Spec([operand, mask, fill, *indices], (result,), {"shape": shape})


@op(
    "_unsafe_masked_index(Tensor input, Tensor mask, TensorList indices, Scalar fill)",
    kind=Custom(_masked_index_spec),
    method=False,
    node_name="UnsafeMaskedIndexBackward0",
)
def unsafe_masked_index(array: Any, mask: Any, fill: Any, *indices: Any, shape: Any) -> Any:
    """Masked index: ``input[indices]`` where the mask is true, else ``fill``."""
    elements = array[_clamped(indices, array.shape)]
    kept = mask.reshape(mask.shape + (1,) * (elements.ndim - len(shape)))
    return jnp.where(kept, elements, jnp.asarray(fill).astype(array.dtype))


def _masked_put_spec(operation, bound, mode) -> Spec:
    operand, mask, values = bound["input"], bound["mask"], bound["values"]
    meta = operand.meta
    truth = meta.dtype is bool_

    result = make_meta(meta.shape, meta.dtype, meta.device)
    return Spec([operand, mask, values, *bound["indices"]], (result,), {"truth": truth})


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
    """Masked scatter-add: ``input[indices] += values`` where the mask is true."""
    kept = jnp.where(mask, values, jnp.zeros((), values.dtype))
    target = array.at[_clamped(indices, array.shape)]
    return target.max(kept) if truth else target.add(kept)


def _check_chunks(tensors: Any, dim: int, num_chunks: int) -> int:
    """Check the arguments of ``_chunk_cat``; return the dimension counted from the front."""
    if num_chunks < 1:
        raise _messages.chunk_cat("positive num_chunks")
    if not tensors:
        raise _messages.chunk_cat("a non-empty input tensor list")
    if not all(tensor.numel() for tensor in tensors):
        raise _messages.chunk_cat("non-empty tensor")
    if any(tensor.dtype is not tensors[0].dtype for tensor in tensors):
        raise _messages.chunk_cat("all input tensors with the same dtype")
    if len({tensor.dim() for tensor in tensors}) == 1:
        dim = normalise_dim(dim, tensors[0].dim())
    elif dim < 0:
        raise _messages.chunk_cat("non-negative dim when input tensors have different ndims")
    elif any(dim >= tensor.dim() for tensor in tensors):
        raise _messages.chunk_cat("dim < ndim for all input tensors")
    if any(tensor.shape[:dim] != tensors[0].shape[:dim] for tensor in tensors):
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
    for tensor in tensors:
        lacking = -tensor.shape[dim] % num_chunks
        if lacking:
            sides = [0, 0] * (tensor.dim() - dim - 1) + [0, lacking]
            tensor = constant_pad_nd.call(tensor, sides, 0)
        parts.append(tensor.reshape((*tensor.shape[:dim], num_chunks, -1)))
    return cat.call(parts, dim + 1)
