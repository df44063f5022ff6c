"""Weights as a length and a direction.

T. Salimans, D. P. Kingma: *Weight normalization: a simple reparameterization to accelerate training
of deep neural networks*, 2016.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..._core import messages
from ..._engine.declare import op
from ..._engine.graph.op import Op, Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom
from ..._engine.recording.kinds.pointwise import FLOATING


@op("norm_except_dim(Tensor v, int64_t pow=2, int64_t dim=0)", method=False)
def norm_except_dim(v, pow=2, dim=0):
    """Norms of the slices of a tensor along one dimension, broadcastable to it.

    Args:
        v: tensor.
        pow: order of the norm.
        dim: the dimension of the slices; -1 for one norm of all elements.
    """
    if dim == -1:
        return v.norm(pow)
    ndim = v.dim()
    if dim == 0:
        shape = [v.shape[0], *[1] * (ndim - 1)]
        return v.contiguous().view(v.shape[0], -1).norm(pow, 1).view(shape)
    if dim == ndim - 1:
        shape = [*[1] * (ndim - 1), v.shape[-1]]
        return v.contiguous().view(-1, v.shape[-1]).norm(pow, 0).view(shape)
    return norm_except_dim(v.transpose(0, dim), pow, 0).transpose(0, dim)


def _spec(operation: Op, bound: dict[str, Any], mode: Any) -> Spec:
    v, g, dim = bound["v"], bound["g"], bound["dim"]
    meta = v.meta
    if meta.dtype not in FLOATING:
        raise messages.not_implemented("weight_norm_kernel", meta.dtype._legacy_name)
    axes = tuple([axis for axis in range(meta.ndim) if axis != dim])

    return Spec([v, g], (make_meta(meta.shape, meta.dtype, meta.device),), {"axes": axes})


@op(
    "_weight_norm_interface(Tensor v, Tensor g, int64_t dim=0)",
    kind=Custom(_spec),
    method=False,
    function=False,
    node_name="WeightNormInterfaceBackward0",
)
def _interface(v: Any, g: Any, *, axes: Any) -> Any:
    """Give directions their lengths, along the first or the last dimension."""
    norm = jnp.sqrt(jnp.sum(v * v, axis=axes, keepdims=True))
    return v * (g.reshape(norm.shape) / norm)


@op("_weight_norm(Tensor v, Tensor g, int64_t dim=0)", method=False)
def _weight_norm(v, g, dim=0):
    """Weight normalisation: ``g * v / norm(v)``, the norm of each slice along one dimension.

    Args:
        v: directions, of any length.
        g: lengths, as ``norm_except_dim`` returns them.
        dim: the dimension of the slices; -1 for one length of all elements.
    """
    half = any(each.dtype.itemsize == 2 for each in (v, g))
    if not half and dim in (0, v.dim() - 1):
        return _interface.call(v, g, dim)
    return v * (g / norm_except_dim(v, 2, dim))
