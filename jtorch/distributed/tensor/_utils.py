"""What a process holds of a tensor that is cut: ``torch.distributed.tensor._utils``."""

from __future__ import annotations

from collections.abc import Sequence

from ..device_mesh import DeviceMesh
from ._redistribute import shard_size_and_offset
from .placement_types import Placement


def compute_local_shape_and_global_offset(
    global_shape: Sequence[int],
    mesh: DeviceMesh,
    placements: Sequence[Placement],
    skip_offset: bool = False,
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shape of this process's part of a tensor, and where in the tensor it begins.

    Args:
        global_shape: of the whole tensor.
        mesh, placements: how it is cut.
        skip_offset: return no offset.
    Returns:
        Shape and offset; ``((0,), ())`` for a process outside of the mesh.
    """
    if mesh.get_coordinate() is None:
        return (0,), ()
    size, offset = shard_size_and_offset(global_shape, mesh, placements)
    return tuple(size), () if skip_offset else tuple(offset)
