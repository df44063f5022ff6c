"""What a backward pass calls between nodes."""

from __future__ import annotations

from typing import Any

from ..._engine.backward.seen import formulas
from .table import FORMULAS, aten


def fit(gradient: Any, shape: Any, dtype: Any) -> Any:
    """Return a gradient in the shape and dtype of its operand: what was broadcast is summed up."""
    shape = tuple(shape)
    if tuple(gradient.shape) != shape:
        gradient = sum_to(gradient, shape)
    if gradient.dtype is not dtype:
        gradient = aten._to_copy.default(gradient, dtype=dtype)
    return gradient


def sum_to(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Return a gradient summed up to a shape that broadcasts to its own."""
    more = gradient.ndim - len(shape)
    own = tuple(gradient.shape)
    dims = [
        *range(more),
        *[at + more for at, size in enumerate(shape) if size == 1 and own[at + more] != 1],
    ]
    if dims:
        gradient = aten.sum.dim_IntList(gradient, dims, True)
    return aten.view.default(gradient, list(shape)) if more else gradient


def stored(gradient: Any, leaf: Any) -> Any:
    """Return what becomes ``.grad`` of a leaf: the gradient, or a copy that lies as the leaf."""
    if gradient.stride() == leaf.stride():
        return aten.detach.default(gradient)
    size, stride = list(gradient.shape), list(leaf.stride())
    made = aten.new_empty_strided.default(gradient, size, stride)
    return aten.copy_.default(made, gradient)


formulas.of_nodes = FORMULAS
formulas.ones_like = aten.ones_like.default
formulas.fit = fit
formulas.add = aten.add.Tensor
formulas.stored = stored
