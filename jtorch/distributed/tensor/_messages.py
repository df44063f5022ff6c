"""What is said where a DTensor cannot do what is asked; PyTorch's words where it says them, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .placement_types import Placement, Shard


def mixed(operator: Any) -> RuntimeError:
    """Return the refusal of an operator whose operands are not all DTensors."""
    return RuntimeError(
        f"{operator} got mixed torch.Tensor and DTensor, need to convert all torch.Tensor to "
        "DTensor before calling distributed operators!"
    )


def untranslated(function: Any) -> NotImplementedError:
    """Return the refusal of a function that is none of the operators with rules."""
    name = getattr(function, "__name__", str(function))
    return NotImplementedError(f"{name}: DTensor has no rule for it; call full_tensor() first")


def failed(reason: str, schema: str) -> RuntimeError:
    """Return the refusal of an operator, of which no strategy can be found."""
    return RuntimeError(f"{reason}\n\nSharding propagation failed for {schema}")


def in_place(operator: Any, placements: Any) -> str:
    """Return why an in-place operator is refused."""
    return (
        f"{operator}: in-place operations that require placement changes are not supported. The "
        f"input has placement {placements}, but no valid strategy preserves this placement. Please "
        "use the out-of-place version of this operation instead."
    )


def other_mesh(operator: Any, first: Any, second: Any) -> str:
    """Return why operands on two meshes are refused."""
    return f"Cannot run {operator} on inputs with different meshes: got {first} and {second}"


def uneven(dim: int, size: int, mesh_dim: int, count: int) -> str:
    """Return why a view is refused that would cut a dimension into unequal pieces."""
    return (
        f"Cannot unflatten unevenly sharded tensor: output dimension {dim} (size {size}) is not "
        f"evenly divisible by mesh dimension {mesh_dim} (size {count}). Please redistribute the "
        "tensor before this operation."
    )


def check_shards(placements: Sequence[Placement], ndim: int) -> None:
    """Refuse a placement along a dimension that the tensor has not."""
    for placement in placements:
        if isinstance(placement, Shard) and placement.dim >= ndim:
            raise AssertionError(f"Sharding dim {placement.dim} greater than tensor ndim {ndim}")


class Refused(Exception):
    """A rule has no strategy for a call; the words say why."""
