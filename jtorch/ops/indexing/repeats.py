"""Repeating elements: ``repeat_interleave``, which takes each of them several times."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._core import messages
from ..._core.device import META
from ..._engine.declare import op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta, ready
from ..._engine.recording.kinds.base import Custom, normalise_dim
from ..._engine.recording.record import wrap
from ..._engine.recording.storage import current_value
from ..._engine.recording.trace import materialise
from .._shared.plans import array_spec
from . import _messages
from .along_dim import index_select


@op(
    "repeat_interleave(Tensor input, Tensor repeats, int64_t? dim=None, *, "
    "SymInt? output_size=None)",
    "repeat_interleave(Tensor repeats, *, SymInt? output_size=None)",
    "repeat_interleave(Tensor input, SymInt repeats, int64_t? dim=None, *, "
    "SymInt? output_size=None)",
)
def repeat_interleave(input=None, repeats=None, dim=None, output_size=None):
    """Repeat each element, or each slice along a dimension.

    Args:
        input: tensor; flattened where ``dim`` is absent.
        repeats: how often each, an int or a tensor of them.
        dim: dimension along which to repeat.
        output_size: size of the result along it, when it is known.
    Returns:
        Tensor.
    """
    if input is None:
        return _repeated_index(repeats, output_size)
    if isinstance(repeats, int):
        if repeats < 0:
            raise _messages.negative_repeats()
        count = input.numel() if dim is None or not input.dim() else input.shape[dim]
        if output_size is not None and output_size != count * repeats:
            raise _messages.output_size(count * repeats, output_size)
        return _repeat_each.call(input, repeats, dim)
    if dim is None:
        input, dim = input.flatten(), 0
    if repeats.dim() > 1:
        raise _messages.repeats_rank()
    size = input.shape[dim] if input.dim() else 1
    if repeats.numel() == 1:
        repeats = repeats.reshape(1).expand((size,))
    elif repeats.numel() != size:
        raise _messages.repeats_size(repeats.shape, dim, input.shape)
    return index_select.call(input, dim, _repeated_index(repeats, output_size))


def _repeated_index(repeats, output_size):
    value = current_value(repeats)
    if value.meta.device is META:
        raise messages.no_meta_kernel("repeat_interleave")
    counts = np.asarray(materialise(value, "repeat_interleave"))
    if value.meta.ndim != 1:
        raise _messages.repeats_vector()
    if counts.dtype not in (np.int32, np.int64):
        raise messages.not_implemented("repeat_interleave_cpu", value.meta.dtype._legacy_name)
    if (counts < 0).any():
        raise _messages.negative_repeat()
    if output_size is not None and output_size != counts.sum():
        raise _messages.allocated_size()
    index = np.repeat(np.arange(counts.size, dtype=counts.dtype), counts)
    return wrap(ready(index, make_meta(index.shape, value.meta.dtype, value.meta.device)))


def _repeat_each_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    times, dim = bound["repeats"], bound["dim"]
    axis = 0 if dim is None else normalise_dim(dim, operand.meta.ndim)

    return array_spec(operation, [operand], {"times": times, "axis": axis, "dim": dim})


@op(
    "_repeat_each(Tensor input, int64_t repeats, int64_t? dim)",
    kind=Custom(_repeat_each_spec),
    method=False,
    function=False,
    saves=(),
    node_name="ViewBackward0",
)
def _repeat_each(array: Any, *, times: Any, axis: Any, dim: Any) -> Any:
    """Repeat each element the same number of times."""
    flat = array.reshape(-1) if dim is None or not array.ndim else array
    return jnp.repeat(flat, times, axis)
