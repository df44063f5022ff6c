"""What a ``DTensor`` is as a whole: mesh, placements, and shape, stride and dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jtorch as torch

from .placement_types import Placement, Shard, _StridedShard

_SHORT = {
    **{"float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16", "bool": "b8"},
    **{f"int{bits}": f"i{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"u{bits}" for bits in (8, 16, 32, 64)},
    **{"complex64": "c64", "complex128": "c128", "complex32": "c32"},
}


class TensorMeta(NamedTuple):
    """Shape, stride and dtype of the whole tensor."""

    shape: torch.Size
    stride: tuple[int, ...]
    dtype: Any


class ShardOrderEntry(NamedTuple):
    """Along which dimensions of the mesh a dimension of the tensor is cut, the outermost first."""

    tensor_dim: int
    mesh_dims: tuple[int, ...]


class DTensorSpec:
    """Mesh and placements of a tensor, and what it is as a whole.

    Args:
        mesh: the device mesh.
        placements: one for each dimension of the mesh.
        tensor_meta: shape, stride and dtype.
    """

    __slots__ = ("_hash", "mesh", "placements", "tensor_meta")

    def __init__(
        self, mesh: Any, placements: Sequence[Placement], tensor_meta: TensorMeta | None = None
    ):
        self.mesh = mesh
        self.placements = tuple(placements)
        self.tensor_meta: Any = tensor_meta
        self._hash: int | None = None

    @property
    def device_mesh(self) -> Any:
        """The mesh."""
        return self.mesh

    @property
    def shape(self) -> torch.Size:
        """The size of the whole tensor."""
        return self.tensor_meta.shape

    @property
    def stride(self) -> tuple[int, ...]:
        """The stride of the whole tensor."""
        return self.tensor_meta.stride

    @property
    def ndim(self) -> int:
        """How many dimensions the tensor has."""
        return len(self.tensor_meta.shape)

    @property
    def num_shards(self) -> int:
        """In how many pieces the tensor is cut."""
        count = 1
        for size, placement in zip(self.mesh.shape, self.placements, strict=True):
            if placement.is_shard():
                count *= size
        return count

    @property
    def shard_order(self) -> tuple[ShardOrderEntry, ...]:
        """Which dimensions of the mesh cut each dimension of the tensor."""
        found: dict[int, list[int]] = {}
        for index, placement in enumerate(self.placements):
            if isinstance(placement, Shard) and not isinstance(placement, _StridedShard):
                found.setdefault(placement.dim, []).append(index)
        return tuple([ShardOrderEntry(dim, tuple(found[dim])) for dim in sorted(found)])

    @property
    def dim_map(self) -> list[int]:
        """For each dimension of the tensor the dimension of the mesh that cuts it, or -1."""
        found = [-1] * self.ndim
        for index, placement in enumerate(self.placements):
            if isinstance(placement, Shard):
                found[placement.dim] = index
        return found

    def is_replicated(self) -> bool:
        """Return whether each process has the whole tensor."""
        return all(placement.is_replicate() for placement in self.placements)

    def is_sharded(self) -> bool:
        """Return whether the tensor is cut."""
        return any(placement.is_shard() for placement in self.placements)

    def has_partial(self) -> bool:
        """Return whether the tensor has yet to be reduced."""
        return any(placement.is_partial() for placement in self.placements)

    def with_placements(self, placements: Sequence[Placement]) -> DTensorSpec:
        """Return the same with other placements."""
        return DTensorSpec(self.mesh, placements, self.tensor_meta)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DTensorSpec)
            and self.mesh == other.mesh
            and self.placements == other.placements
            and self.tensor_meta == other.tensor_meta
        )

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.mesh, self.placements, self.tensor_meta))
        return self._hash

    def __reduce__(self) -> Any:
        return DTensorSpec, (self.mesh, self.placements, self.tensor_meta)

    def __str__(self) -> str:
        placements = "".join([str(placement) for placement in self.placements])
        meta = self.tensor_meta
        if meta is None:
            return f"Spec(unknown({placements}))"
        kind = str(meta.dtype).rpartition(".")[2]
        return f"Spec({_SHORT.get(kind, kind)}{list(meta.shape)}({placements}))"

    def __repr__(self) -> str:
        meta = self.tensor_meta
        return (
            f"DTensorSpec(mesh={self.mesh!r}, placements={self.placements!r}, "
            f"tensor_meta={meta!r}, shard_order={self.shard_order!r}, "
            "use_strided_shard_as_shard_order=False)"
        )
