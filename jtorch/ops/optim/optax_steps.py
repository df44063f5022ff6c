"""A step of any transformation of optax, as one operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes
from ..._engine.execution import transfer
from ..._engine.graph.values import make_meta, ready
from ..._engine.recording.multi_tensor import ListOp, write_lists
from ..._engine.recording.record import wrap
from ..._engine.recording.storage import current_value
from ..._engine.recording.trace import materialise


class OptaxStep:
    """A transformation of optax applied to lists of tensors.

    Args:
        transformation: an ``optax.GradientTransformation``.
        params: the parameters; only their shapes and dtypes are used, and their elements where the
            transformation looks at them to make its first state.
    """

    def __init__(self, transformation: Any, params: Sequence[Any]):
        self._transformation = transformation
        self._count = len(params)
        arrays = [
            jnp.asarray(materialise(current_value(p), "a first state of optax")) for p in params
        ]
        state = transformation.init(arrays)
        leaves, self._structure = jax.tree_util.tree_flatten(state)
        device = current_value(params[0]).meta.device
        self.first_state = [_as_tensor(leaf, device) for leaf in leaves]
        self._op = ListOp("optax", self._apply)

    def _apply(self, static: Any, numbers: Any, arrays: Sequence[Any]) -> Sequence[Any]:
        count = self._count
        params, grads, leaves = arrays[:count], arrays[count : 2 * count], arrays[2 * count :]
        state = jax.tree_util.tree_unflatten(self._structure, leaves)
        updates, state = self._transformation.update(list(grads), state, list(params))
        moved = [p + u.astype(p.dtype) for p, u in zip(params, updates, strict=True)]
        return [*moved, *jax.tree_util.tree_leaves(state)]

    def step(self, params: Sequence[Any], grads: Sequence[Any], state: Sequence[Any]) -> None:
        """Update parameters and state in place."""
        tensors = [*params, *grads, *state]
        count = self._count
        written = (*range(count), *range(2 * count, len(tensors)))
        write_lists(self._op, None, (), [[tensor] for tensor in tensors], written)


def _as_tensor(leaf: Any, device: Any) -> Any:
    array = np.asarray(leaf)
    dtype = next(d for d in dtypes.BY_NAME.values() if d._numpy == array.dtype)
    return wrap(ready(transfer.place(array, device), make_meta(array.shape, dtype, device)))
