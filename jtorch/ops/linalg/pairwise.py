"""Distances and products of two sets of vectors."""

from __future__ import annotations

from typing import Any

from ..._core.dtypes import dtype as DType
from ..._core.modes import intern_mode
from ..._core.promotion import result_type
from ..._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ..._engine.recording.kinds.base import Custom
from ..._engine.recording.trace import local
from ..pointwise.arithmetic import mul
from ..reduce import sums
from ..reduce.vector_norms import norm_spec, vector_norm_in
from ..shape.joining import broadcast_tensors
from . import _messages


@op(
    "cosine_similarity(Tensor x1, Tensor x2, int64_t dim=1, double eps=1e-08)",
    method=False,
    autocast=Autocast(cuda="float32"),
)
def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """Cosine similarity ``x1 . x2 / (|x1| |x2|)`` of vectors.

    Args:
        x1, x2: tensors of shapes that broadcast together, of a floating point dtype.
        dim: dimension of the vectors.
        eps: least length of a vector.
    Returns:
        Tensor without that dimension.
    """
    metas = x1._value.meta, x2._value.meta
    described = [(meta.dtype, "dim" if meta.ndim else "zero") for meta in metas]
    dtype = result_type(described, local.trace.mode.default_dtype)
    if not dtype.is_floating_point:
        raise _messages.similarity_dtype(dtype._legacy_name)
    x1, x2 = broadcast_tensors(x1, x2)
    x1 = x1 if x1.dtype is dtype else x1.to(dtype)
    x2 = x2 if x2.dtype is dtype else x2.to(dtype)
    return sums.sum.call(mul.call(_unit(x1, dim, eps), _unit(x2, dim, eps)), dim)


def _unit(vectors: Any, dim: int, eps: float) -> Any:
    """Return vectors of length 1. Their gradient does not look at the length's lower bound."""
    norm = vectors.norm(2, dim, keepdim=True).clone()
    # torch 2.13 clamps the elements in place, behind the back of the gradient.
    trace = local.trace
    mode = trace.mode
    trace.set_mode(intern_mode(mode._replace(grad=False)))
    try:
        norm.clamp_min_(eps)
    finally:
        trace.set_mode(mode)
    return vectors / norm


@op(
    "pairwise_distance(Tensor x1, Tensor x2, double p=2, double eps=1e-06, bool keepdim=False)",
    method=False,
)
def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """Distances in the p-norm, ``|x1 - x2 + eps|_p``, of vectors in the last dimension.

    Args:
        x1, x2: tensors of shapes that broadcast together.
        p: order of the norm.
        eps: added to each difference.
        keepdim: whether the last dimension stays, with size 1.
    """
    inner = max(x1.dim(), x2.dim()) - 1
    return _norm.call(x1 - x2 + eps, p, [inner], keepdim)


@op(
    "_norm(Tensor x, Scalar ord, IntArrayRef[1]? dim, bool keepdim)",
    kind=Custom(norm_spec),
    static=("ord",),
    saves=("x", "result"),
    method=False,
    function=False,
    node_name="NormBackward1",
)
def _norm(array: Any, *, order: float, axes: tuple[int, ...], keepdim: bool, dtype: DType) -> Any:
    """Return a vector norm under the name of PyTorch's older operator."""
    return vector_norm_in(array, dtype, order, axes, keepdim)


@op(
    "bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None)",
    method=False,
    autocast=Autocast(cuda="promote"),
)
def bilinear(input1, input2, weight, bias=None):
    """Bilinear map ``y_k = input1 @ weight[k] @ input2 + bias[k]``.

    Args:
        input1, input2: tensors of shapes (..., n1) and (..., n2).
        weight: of shape (features, n1, n2).
        bias: of shape (features).
    Returns:
        Tensor of shape (..., features).
    """
    given_dtypes = {"input1": input1.dtype, "input2": input2.dtype, "weight": weight.dtype}
    if bias is not None:
        given_dtypes["bias"] = bias.dtype
    if len(set(given_dtypes.values())) > 1:
        raise _messages.bilinear_dtypes(given_dtypes)
    if input1.dim() != input2.dim():
        raise _messages.bilinear_ranks(input1.dim(), input2.dim())
    for dim in range(input1.dim() - 1):
        if input1.size(dim) != input2.size(dim):
            raise _messages.bilinear_batch(dim, input1.size(dim), input2.size(dim))
    for name, given, dim in (("input1", input1, 1), ("input2", input2, 2)):
        if given.size(-1) != weight.size(dim):
            raise _messages.bilinear_size(name, given.size(-1), weight.size(dim))
    if bias is not None and bias.size(0) != weight.size(0):
        raise _messages.bilinear_size("bias", bias.size(0), weight.size(0))
    first = input1.reshape(-1, input1.size(-1))
    second = input2.reshape(-1, input2.size(-1))
    rows, features = first.size(0), weight.size(0)
    # (rows, n1) @ (n1, features * n2), then a product with input2 along n2.
    folded = first.matmul(weight.transpose(0, 1).reshape(first.size(1), -1))
    products = folded.view(rows, features, second.size(1)).matmul(second.unsqueeze(2))
    result = products.view(*input1.shape[:-1], features)
    return result if bias is None else result + bias


publish("cosine_similarity", cosine_similarity, registry=NN_FUNCTIONS)
publish("pairwise_distance", pairwise_distance, registry=NN_FUNCTIONS)
publish("bilinear", bilinear, registry=NN_FUNCTIONS)
