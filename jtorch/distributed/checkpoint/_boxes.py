"""Boxes of tensors: which one a process holds, and what two of them have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jtorch as torch

from .metadata import ChunkStorageMetadata


def is_distributed(value: Any) -> bool:
    """Tell whether a value is a tensor of which each process of a mesh holds a part."""
    return hasattr(value, "device_mesh") and hasattr(value, "placements")


def is_here(value: Any) -> bool:
    """Tell whether this process belongs to the mesh of a distributed tensor."""
    return value.device_mesh.get_coordinate() is not None


def local_box(tensor: Any) -> ChunkStorageMetadata:
    """Return the box of a tensor that this process holds: of an ordinary one, all of it.

    A dimension of ``n`` elements over ``k`` processes is cut into pieces of ``ceil(n / k)``; the
    last ones may be short or empty. Those that are empty begin at the end.
    """
    sizes = list(tensor.size())
    if not is_distributed(tensor):
        return ChunkStorageMetadata(torch.Size([0] * len(sizes)), torch.Size(sizes))
    mesh = tensor.device_mesh
    coordinate = mesh.get_coordinate()
    offsets = [0] * len(sizes)
    for dim, parts, part in _cuts(tensor.placements, mesh, coordinate):
        piece = -(-sizes[dim] // parts)
        start = min(piece * part, sizes[dim])
        length = min(piece, sizes[dim] - start)
        offsets[dim] = offsets[dim] + start if length else tensor.size(dim)
        sizes[dim] = length
    return ChunkStorageMetadata(torch.Size(offsets), torch.Size(sizes))


def _cuts(placements: Any, mesh: Any, coordinate: Any) -> Iterator[tuple[int, int, int]]:
    """Yield the dimension that is cut, in how many parts, and which is here, in order.

    A strided placement is cut after the mesh dimensions on its right: it says so by its class.
    """
    order = range(len(placements))
    plain = [axis for axis in order if type(placements[axis]).__name__ != "_StridedShard"]
    strided = [axis for axis in reversed(order) if axis not in plain]
    for axis in (*plain, *strided):
        dim = getattr(placements[axis], "dim", None)
        if dim is not None:
            yield dim, mesh.size(axis), coordinate[axis]


def local_part(tensor: Any) -> torch.Tensor:
    """Return what this process holds of a tensor, without its history."""
    part = tensor.to_local() if is_distributed(tensor) else tensor
    return part.detach()


def overlap(box: ChunkStorageMetadata, other: ChunkStorageMetadata) -> bool:
    """Tell whether two boxes of one tensor have an element in common."""
    return all(
        start < other_start + other_size and other_start < start + size
        for start, size, other_start, other_size in zip(
            box.offsets, box.sizes, other.offsets, other.sizes
        )
    )


def intersection(
    stored: ChunkStorageMetadata, wanted: ChunkStorageMetadata
) -> tuple[list[int], list[int], list[int]]:
    """Return where the common box begins within each of two boxes, and its size."""
    in_stored, in_wanted, lengths = [], [], []
    for start, size, wanted_start, wanted_size in zip(
        stored.offsets, stored.sizes, wanted.offsets, wanted.sizes
    ):
        first = max(start, wanted_start)
        lengths.append(min(start + size, wanted_start + wanted_size) - first)
        in_stored.append(first - start)
        in_wanted.append(first - wanted_start)
    return in_stored, in_wanted, lengths


def narrow(tensor: torch.Tensor, offsets: torch.Size, sizes: torch.Size) -> torch.Tensor:
    """Return the view of a box of a tensor."""
    for dim, (offset, size) in enumerate(zip(offsets, sizes)):
        if size < tensor.size(dim):
            tensor = tensor.narrow(dim, offset, size)
    return tensor
