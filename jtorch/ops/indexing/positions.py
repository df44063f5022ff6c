"""What the operators that take tensors of positions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from ..._core import dtypes, messages
from ..._engine.declare import publish
from ..._engine.graph.op import Op, Spec
from ..._engine.graph.values import Meta, is_tensor, make_meta
from ..._engine.recording.kinds.pointwise import check_fits
from ..._engine.recording.record import make_general
from ..._engine.recording.signatures import CallSignature
from .._shared.data_checks import elements
from ..shape.copying import format_strides

INTEGERS = (dtypes.int64, dtypes.int32)


def saving_positions(spec_of: Callable[..., Spec]) -> Callable[..., Spec]:
    """Add to a spec that the gradient needs the tensor of positions, and nothing else."""

    def with_saved(operation, bound, mode) -> Spec:
        spec = spec_of(operation, bound, mode)
        spec.saves = tuple(
            [p for p, operand in enumerate(spec.operands) if operand.name in ("index", "mask")]
        )
        return spec

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


def checked(entry: Op, call: Callable, as_method: bool, check: Callable) -> Callable:
    """Return a public form of an operator that looks at its arguments in every call.

    Args:
        entry: the operator.
        call: the form without the check.
        as_method: whether it is a method.
        check: takes the arguments ``(args, kwargs)``, raises.
    """

    def checking(*args, **kwargs):
        check(args, kwargs)
        return call(*args, **kwargs)

    checking.__name__ = checking.__qualname__ = entry.name
    checking.__doc__ = entry.__doc__
    checking.__module__ = "torch"
    checking.__signature__ = CallSignature(entry.schema, as_method)  # type: ignore[attr-defined]
    return checking


def publish_checked(
    entry: Op, check: Callable, wrap: Callable[[Callable], Callable] | None = None
) -> None:
    """Publish the forms of an operator, with a look at their arguments in every call.

    Args:
        entry: the operator, declared without public forms.
        check: see ``checked``.
        wrap: makes the public function of the one that would be it, where it does more.
    """
    function = checked(entry, entry.call, False, check)
    publish(
        entry.name,
        function if wrap is None else wrap(function),
        method=checked(entry, make_general(entry, True), True, check),
    )
    if entry.inplace:
        twin = entry.inplace_twin
        publish(twin.name, method=checked(twin, twin.call, True, check))


def in_range(entry: Op, error: Callable, negative: bool, flat: bool) -> Callable:
    """Return the check that the positions given to an operator are in range.

    They are data, so they are looked at in every call.

    Args:
        entry: the operator.
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
        if index._value.meta.dtype not in INTEGERS:
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
        array = elements(index, "index")
        if array is None:
            return
        least = -size if negative else 0
        if array.size and (array.max() >= size or array.min() < least):
            wrong = next(i for i in array.reshape(-1).tolist() if not least <= i < size)
            # What is wrong with the shapes and dtypes is said first.
            rest = {key: value for key, value in kwargs.items() if key != "out"}
            entry.call(*args, **rest)
            raise error(wrong, dim, size)

    return check


def publish_guarded(entry: Op, error: Callable, *, negative: bool, flat: bool) -> None:
    """Publish the forms of an operator, which refuse positions out of range, see ``in_range``."""
    publish_checked(entry, in_range(entry, error, negative, flat))


def with_number(check: Callable) -> Callable:
    """Return a check of positions that looks whether a number to write fits in the dtype too."""

    def both(args: tuple, kwargs: dict) -> None:
        check(args, kwargs)
        tensor: Any = args[0] if args else kwargs.get("input")
        number: Any = args[3] if len(args) > 3 else kwargs.get("value")
        if is_tensor(tensor) and isinstance(number, (int, float)):
            check_fits(number, tensor._value.meta.dtype)

    return both
