"""Many tensors as one, for what is sent to other processes: a bucket of gradients."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._engine.declare import op
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, Spec


def _flat_spec(operation: Any, bound: dict, mode: Any) -> Spec:
    operands = list(bound["tensors"])
    first = operands[0].meta
    length = sum(operand.meta.numel for operand in operands)
    meta = make_meta((length,), first.dtype, first.device)
    return Spec(operands, (meta,), {"divisor": bound["divisor"]})


def _flat_on_host(*arrays: Any, divisor: int) -> Any:
    flat = np.concatenate([np.ravel(array) for array in arrays])
    return flat if divisor == 1 else np.divide(flat, flat.dtype.type(divisor))


@op(
    "_flat_bucket(TensorList tensors, int64_t divisor)",
    kind=Custom(_flat_spec),
    function=False,
    method=False,
    differentiable=False,
    host=_flat_on_host,
)
def flat_bucket(*arrays: Any, divisor: int) -> Any:
    """Return the elements of tensors of one dtype one after another, divided by a number."""
    flat = jnp.concatenate([array.reshape(-1) for array in arrays])
    return flat if divisor == 1 else flat / jnp.asarray(divisor, flat.dtype)


def _parts_spec(operation: Any, bound: dict, mode: Any) -> Spec:
    operand = bound["bucket"]
    metas = []
    for model in bound["tensors"]:
        metas.append(make_meta(model.meta.shape, operand.meta.dtype, operand.meta.device))
    return Spec([operand], tuple(metas), {"shapes": tuple([meta.shape for meta in metas])})


def _parts(array: Any, shapes: tuple) -> tuple:
    parts, start = [], 0
    for shape in shapes:
        end = start + math.prod(shape)
        parts.append(array[start:end].reshape(shape))
        start = end
    return tuple(parts)


@op(
    "_bucket_parts(Tensor bucket, TensorList tensors)",
    kind=Custom(_parts_spec),
    function=False,
    method=False,
    differentiable=False,
    host=_parts,
)
def bucket_parts(array: Any, *, shapes: tuple) -> Any:
    """Return the parts of a bucket, of the shapes of some tensors: no views of it."""
    return _parts(array, shapes)
