"""Derivatives along a direction: ``torch.autograd.forward_ad``.

The tangent of a result is worked out when it is asked for, as the derivative of a product of a
vector with the Jacobian by that vector, which is the Jacobian itself times the tangents.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..ops.creation.creation import zeros_like
from .grad_mode import enable_grad

__all__ = [
    "UnpackedDualTensor",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
    "dual_level",
]

#: The dual tensors of the level, with their primals and tangents.
_levels: list[list[tuple[Any, Any, Any]]] = []


class UnpackedDualTensor(NamedTuple):
    """A tensor and its derivative along the direction, ``None`` where it has none."""

    primal: Any
    tangent: Any


def enter_dual_level() -> int:
    """Begin a level; there is one at a time."""
    if _levels:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _levels.append([])
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level, and forget its tangents."""
    if not _levels:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not entered"
            if level is None
            else "Trying to exit a forward AD level that was not the last one that was created: "
            f"{level}"
        )
    _levels.pop()


@contextlib.contextmanager
def dual_level() -> Iterator[int]:
    """Begin a level that ends with the block."""
    level = enter_dual_level()
    try:
        yield level
    finally:
        exit_dual_level()


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """Return a tensor with a direction, along which whatever is made of it is differentiated.

    Args:
        tensor: floating point.
        tangent: of the same shape and dtype.
    Raises:
        RuntimeError: there is no level.
    """
    if not _levels:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    if not (tensor.is_floating_point() or tensor.is_complex()):
        raise ValueError(
            f"Expected primal to be floating point or complex, but got: {tensor.dtype}"
        )
    if not (tangent.is_floating_point() or tangent.is_complex()):
        raise ValueError(
            f"Expected tangent to be floating point or complex, but got: {tangent.dtype}"
        )
    with enable_grad():
        dual = tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
    _levels[-1].append((dual, tensor, tangent))
    return dual


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """Return a tensor and its derivative along the directions of the level.

    Outside of every level the tangent is ``None``.
    """
    if not _levels:
        return UnpackedDualTensor(tensor, None)
    for dual, primal, tangent in _levels[-1]:
        if dual is tensor:
            return UnpackedDualTensor(primal, tangent)
    if not tensor.requires_grad:
        return UnpackedDualTensor(tensor, None)
    from . import grad

    duals = _levels[-1]
    with enable_grad():
        vector = zeros_like(tensor, requires_grad=True)
        inputs = [dual for dual, _, _ in duals]
        found = grad(
            [tensor], inputs, [vector], create_graph=True, retain_graph=True, allow_unused=True
        )
        total = None
        for gradient, (_, _, tangent) in zip(found, duals):
            if gradient is not None and gradient.requires_grad:
                part = (gradient * tangent.conj()).sum()
                total = part if total is None else total + part
        if total is None:
            return UnpackedDualTensor(tensor.detach(), None)
        (derivative,) = grad(
            [total.real if total.is_complex() else total], [vector], retain_graph=True
        )
    return UnpackedDualTensor(tensor.detach(), derivative)
