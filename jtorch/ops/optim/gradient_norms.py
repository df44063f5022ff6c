"""Norms of lists of tensors, and what limits them: for ``torch.nn.utils.clip_grad_norm_``.

A model has many gradients; each of these is one instruction for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from ..._core import dtypes
from ..._engine.recording.multi_tensor import ListOp, map_lists, write_lists
from ..._engine.recording.overrides import seeing_operators
from .._shared.widening import widen
from ..reduce.vector_norms import linalg_vector_norm, vector_norm_of


def _norm(static: Any, numbers: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
    (array,) = arrays
    norm = vector_norm_of(widen(array), static, tuple(range(array.ndim)), False)
    return [norm.astype(jnp.real(array).dtype)]


def _scaled(static: Any, numbers: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
    # In the precision of the gradient, whatever that of the factor is.
    (array,) = arrays
    return [array * numbers[0].astype(jnp.real(array).dtype)]


def _clamped(static: Any, numbers: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
    (array,) = arrays
    limit = numbers[0].astype(array.dtype)
    return [jnp.minimum(jnp.maximum(array, -limit), limit)]


_NORM = ListOp("norms", _norm, node_name="LinalgVectorNormBackward0")
_SCALE = ListOp("scale", _scaled, node_name="MulBackward0")
_CLAMP = ListOp("clamp", _clamped, node_name="ClampBackward0")


def norms_of(tensors: Sequence[Any], order: float) -> list[Any]:
    """Return the norm of every tensor, all on one device.

    Args:
        tensors: of floating point or complex dtypes.
        order: of the norm.
    """
    if seeing_operators(tensors) or any(tensor.dtype.is_complex for tensor in tensors):
        return [linalg_vector_norm.call(tensor, order) for tensor in tensors]
    if any(not tensor.dtype.is_floating_point for tensor in tensors):
        return [linalg_vector_norm.call(tensor, order) for tensor in tensors]
    return map_lists(_NORM, order, (), [tensors], (-1,))[0]


def vector_norm(tensor: Any, order: float) -> Any:
    """Return the norm of a tensor of any shape."""
    return linalg_vector_norm.call(tensor, order)


def scale_all(tensors: Sequence[Any], factor: Any) -> None:
    """Multiply tensors on one device in place with a tensor of one element."""
    if seeing_operators(tensors) or any(tensor.dtype is dtypes.bool_ for tensor in tensors):
        for tensor in tensors:
            tensor.mul_(factor)
        return
    write_lists(_SCALE, None, (factor,), [tensors], (0,))


def clamp_all(tensors: Sequence[Any], limit: float) -> None:
    """Clamp real tensors on one device in place to ``[-limit, limit]``."""
    if seeing_operators(tensors):
        for tensor in tensors:
            tensor.clamp_(-limit, limit)
        return
    write_lists(_CLAMP, None, (limit,), [tensors], (0,))
