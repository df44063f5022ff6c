"""Applying JAX's transformations to functions of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._core import dtypes
from .._engine.backward.capture import FORWARD, Capture, Transformed, capture, transformed_op
from .._engine.graph.values import Meta
from .._engine.recording.record import wrap
from .._engine.recording.trace import local
from .._tensor.constructors import tensor
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
    random: str = "error",
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
        random: see ``vmap``.
    Returns:
        What was captured, and the results of ``build``.
    """
    made = capture(function, metas, tensors_in, transform, random)
    forward = transform in FORWARD or (local.trace.captures and local.trace.is_forward())
    whole = Transformed(made.captured, (transform, key), build, len(arguments), not forward)
    operands = [*arguments, *map(wrap, made.values), *extra]
    if made.floats:
        operands.append(tensor(made.floats, dtype=dtypes.float64))
    if made.ints:
        operands.append(tensor(made.ints, dtype=dtypes.int64))
    results = transformed_op.call(whole, operands, len(extra))
    return made, list(results) if isinstance(results, tuple) else [results]


def rebuilt(made: Capture, results: Sequence[Any]) -> Any:
    """Return what the function returned, with results in place of the stand-ins."""
    leaves, structure = flatten(made.result)
    positions = iter(made.positions)
    return unflatten(
        structure,
        [results[next(positions)] if isinstance(leaf, Tensor) else leaf for leaf in leaves],
    )
