"""``glu``: one half of the input is the gate of the other."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import messages
from ..._engine.declare import NN_FUNCTIONS, op, publish
from ..._engine.graph.op import Op, Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, normalise_dim
from . import _messages


def _spec(operation: Op, bound: dict[str, Any], mode: Any) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    dim = normalise_dim(bound["dim"], meta.ndim)
    size = meta.shape[dim]
    if size % 2:
        raise _messages.odd_halves(dim, size)
    if not meta.dtype.is_floating_point:
        raise messages.not_implemented("glu_cpu", meta.dtype._legacy_name)
    shape = (*meta.shape[:dim], size // 2, *meta.shape[dim + 1 :])

    return Spec([operand], (make_meta(shape, meta.dtype, meta.device),), {"dim": dim})


def _halves_on_host(array: Any, dim: int) -> tuple[Any, Any]:
    """Return values, and what the gates let through; halves as the pure function rounds them."""
    half = array.shape[dim] // 2
    ahead = (slice(None),) * dim
    values, gates = array[(*ahead, slice(half))], array[(*ahead, slice(half, None))]
    one = array.dtype.type(1)
    return values, one / (one + np.exp(-gates))


def _glu_on_host(array: Any, dim: int) -> Any:
    values, open_gates = _halves_on_host(array, dim)
    return values * open_gates


def _glu_vjp_on_host(cotangents, results, operands, wanted, dim):
    (array,), (cotangent,) = operands, cotangents
    values, open_gates = _halves_on_host(array, dim)
    closed = array.dtype.type(1) - open_gates
    of_gates = cotangent * values * (open_gates * closed)
    return (np.concatenate((cotangent * open_gates, of_gates), dim),)


@op(
    "_glu(Tensor input, int64_t dim=-1)",
    kind=Custom(_spec),
    method=False,
    function=False,
    name="glu",
    host=_glu_on_host,
    host_vjp=_glu_vjp_on_host,
)
def _glu(array: Any, *, dim: Any) -> Any:
    """Gated linear unit: ``a * sigmoid(b)`` of both halves."""
    values, gates = jnp.split(array, 2, axis=dim)
    return values * jax.nn.sigmoid(gates)


def glu(input, dim=-1):
    """Gated linear unit: ``a * sigmoid(b)``, where ``a`` and ``b`` are the halves of the input.

    Dauphin et al., *Language modeling with gated convolutional networks*, 2016.

    Args:
        input: tensor of a floating point dtype.
        dim: the dimension that is halved, of an even size.
    Returns:
        Tensor of half the size along ``dim``.
    """
    if input.dim() == 0:
        raise _messages.glu_of_scalar()
    return _glu.call(input, dim)


publish("glu", glu, registry=NN_FUNCTIONS)
