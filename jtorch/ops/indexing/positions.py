"""What the operators that take tensors of positions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from ..._core import dtypes, messages
from ..._engine.declare import FUNCTIONS, METHODS
from ..._engine.graph.op import REGISTRY
from ..._engine.graph.values import Meta, is_tensor, make_meta
from ..._engine.recording.storage import current_value
from ..._engine.recording.trace import materialise
from ..shape.copying import format_strides

INTEGERS = (dtypes.int64, dtypes.int32)


def saving_positions(plan: Callable) -> Callable:
    """Add to a plan that the gradient needs the tensor of positions, and nothing else."""

    def with_saved(operation, bound, mode):
        made = plan(operation, bound, mode)
        made.saves = tuple(
            [p for p, operand in enumerate(made.operands) if operand.name in ("index", "mask")]
        )
        return made

    return with_saved


def fresh(meta: Meta, shape: tuple[int, ...] | None = None) -> Meta:
    return make_meta(meta.shape if shape is None else tuple(shape), meta.dtype, meta.device)


def same_layout(meta: Meta) -> Meta:
    """Return the meta of a changed copy, which PyTorch makes by ``clone``."""
    return make_meta(meta.shape, meta.dtype, meta.device, format_strides(meta, None))


def along(array: Any, dim: int, index: Any) -> tuple:
    """Return the selection of indices of one dimension."""
    return (slice(None),) * dim + (index,)


def grid(index: Any, dim: int) -> tuple:
    """Return the selection of the element ``index[i, j]`` names along ``dim``, for all i and j."""
    parts = []
    for other in range(index.ndim):
        if other == dim:
            parts.append(index)
        else:
            parts.append(jax.lax.broadcasted_iota(np.int64, index.shape, other))
    return tuple(parts)


def raised(array: Any) -> Any:
    return array.reshape(1) if array.ndim == 0 else array


def check_index(name: str, meta: Meta, index: Meta, dim: int, other: str) -> None:
    if not index.numel:
        return
    if index.dtype not in INTEGERS:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if max(index.ndim, 1) != max(meta.ndim, 1):
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {other} tensor"
        )


def runtime_error(index: int, dim: int, size: int) -> Exception:
    return RuntimeError(str(messages.index_out_of_bounds(index, dim, size)))


def guard(name: str, error: Callable, negative: bool, flat: bool) -> None:
    """Make the public forms of an operator refuse positions out of range.

    They are data, so they are looked at in every call.

    Args:
        name: the operator.
        error: makes the exception of ``(position, dimension, size)``.
        negative: whether positions may count from the end.
        flat: whether they count all elements, not those of a dimension.
    """
    place = 1 if flat else 2

    def check(args: tuple, kwargs: dict) -> None:
        tensor: Any = args[0] if args else kwargs.get("input")
        index: Any = args[place] if len(args) > place else kwargs.get("index")
        if not is_tensor(index) or not is_tensor(tensor):
            return
        meta = tensor._value.meta
        if index._value.meta.dtype not in INTEGERS or meta.device.type != "cpu":
            return
        dim = 0
        if flat:
            size = meta.numel
        else:
            dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
            if dim.__class__ is not int or not -max(meta.ndim, 1) <= dim < max(meta.ndim, 1):
                return
            dim %= max(meta.ndim, 1)
            size = meta.shape[dim] if meta.ndim else 1
        array = np.asarray(materialise(current_value(index), "index"))
        least = -size if negative else 0
        if array.size and (array.max() >= size or array.min() < least):
            wrong = next(i for i in array.reshape(-1).tolist() if not least <= i < size)
            # What is wrong with the shapes and dtypes is said first.
            rest = {key: value for key, value in kwargs.items() if key != "out"}
            REGISTRY[name].call(*args, **rest)
            raise error(wrong, dim, size)

    def guarded(inner: Callable) -> Callable:
        def call(*args, **kwargs):
            check(args, kwargs)
            return inner(*args, **kwargs)

        call.__name__ = call.__qualname__ = inner.__name__
        call.__doc__ = inner.__doc__
        call.__module__ = "torch"
        return call

    for forms in (METHODS, FUNCTIONS):
        for each in (name, name + "_"):
            if each in forms:
                forms[each] = guarded(forms[each])
