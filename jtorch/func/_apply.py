"""Applying JAX's transformations to functions of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._core.dtypes import is_inexact
from .._engine.backward.capture import (
    FORWARD,
    Capture,
    Transformed,
    as_tuple,
    capture,
    packed_numbers,
    transformed_op,
)
from .._engine.graph.values import LEAF, NO_GRAD, Meta, make_meta
from .._engine.recording.record import wrap
from .._engine.recording.trace import local
from .._tensor.tensor import Tensor
from ._trees import flatten, unflatten


def tensors_in(tree: Any) -> list[Tensor]:
    """Return the tensors in nested containers."""
    return [leaf for leaf in flatten(tree)[0] if isinstance(leaf, Tensor)]


def apply(
    function: Callable,
    arguments: Sequence[Tensor],
    metas: Sequence[Meta],
    transform: str,
    build: Callable,
    key: Any,
    *,
    extra: Sequence[Tensor] = (),
) -> tuple[Capture, list[Tensor]]:
    """Capture a function, transform it and record the result as one operator.

    Args:
        function: takes one tensor for each meta.
        arguments: what the transformed function takes.
        metas: of the stand-ins that the function itself is called with.
        transform: its name.
        build: ``(pure function of arrays, arguments, extra) -> list of arrays``.
        key: hashable: what ``build`` depends on.
        extra: more tensors for ``build``.
    Returns:
        What was captured, and the results of ``build``.
    """
    made = capture(function, arguments, metas, tensors_in, transform)
    return made, transformed(made, transform, build, key, extra)


def transformed(
    made: Capture, transform: str, build: Callable, key: Any, extra: Sequence[Tensor] = ()
) -> list[Tensor]:
    """Record what is made of a captured function as one operator; see ``apply``."""
    forward = transform in FORWARD or (local.trace.captures and local.trace.is_forward())
    arguments = made.arguments
    whole = Transformed(made.captured, (transform, key), build, len(arguments), not forward)
    operands = [*arguments, *map(wrap, made.values), *extra]
    operands += packed_numbers(made)
    return list(as_tuple(transformed_op.call(whole, operands, len(extra))))


def rebuilt(made: Capture, results: Sequence[Any]) -> Any:
    """Return what the function returned, with results in place of the stand-ins."""
    leaves, structure = flatten(made.result)
    positions = iter(made.positions)
    return unflatten(
        structure,
        [results[next(positions)] if isinstance(leaf, Tensor) else leaf for leaf in leaves],
    )


def stand_in_meta(shape: tuple[int, ...], meta: Meta, tracked: bool = False) -> Meta:
    """Return the meta of a stand-in for a slice of a tensor.

    Args:
        shape: of the slice.
        meta: of the tensor.
        tracked: whether the transform differentiates as the tape does.
    """
    grad = LEAF if meta.grad or (tracked and is_inexact(meta.dtype)) else NO_GRAD
    return make_meta(shape, meta.dtype, meta.device, None, grad)
