"""Placements: how a tensor lies along one dimension of a device mesh."""

from __future__ import annotations

from typing import Any

__all__ = ["Partial", "Placement", "Replicate", "Shard"]


class Placement:
    """How a tensor lies along one dimension of a mesh: sharded, replicated or as terms of a sum."""

    __slots__ = ()

    def is_shard(self, dim: int | None = None) -> bool:
        """Return whether each process has a piece, along ``dim`` where one is given."""
        return False

    def is_replicate(self) -> bool:
        """Return whether each process has the whole tensor."""
        return False

    def is_partial(self, reduce_op: str | None = None) -> bool:
        """Return whether the tensor is what all processes have, reduced (by ``reduce_op``)."""
        return False


class Shard(Placement):
    """Each process has a piece, cut along one dimension of the tensor as ``torch.chunk`` cuts.

    Args:
        dim: the dimension of the tensor.
    """

    __slots__ = ("dim",)

    def __init__(self, dim: int):
        self.dim = dim

    def is_shard(self, dim: int | None = None) -> bool:
        """Return whether it is cut along ``dim``."""
        return dim is None or self.dim == dim

    @staticmethod
    def local_shard_size_and_offset(
        curr_local_size: int, num_chunks: int, rank: int
    ) -> tuple[int, int]:
        """Return the length of a piece and where it begins.

        Args:
            curr_local_size: the length that is cut.
            num_chunks: in how many pieces.
            rank: which one.
        """
        length = -(-curr_local_size // num_chunks)
        begin = min(rank * length, curr_local_size)
        return min(length, curr_local_size - begin), begin

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.dim == other.dim  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((Shard, self.dim))

    def __repr__(self) -> str:
        return f"Shard(dim={self.dim})"

    def __str__(self) -> str:
        return f"S({self.dim})"


class _StridedShard(Shard):
    """A shard whose pieces are taken in another order, as FSDP over tensor parallelism cuts.

    Args:
        dim: the dimension of the tensor.
        split_factor: into how many blocks the dimension is cut first; each is sharded by itself.
    """

    __slots__ = ("split_factor",)

    def __init__(self, dim: int, *, split_factor: int):
        super().__init__(dim)
        self.split_factor = split_factor

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _StridedShard)
            and self.dim == other.dim
            and self.split_factor == other.split_factor
        )

    def __hash__(self) -> int:
        return hash((_StridedShard, self.dim, self.split_factor))

    def __repr__(self) -> str:
        return f"_StridedShard(dim={self.dim}, sf={self.split_factor})"

    def __str__(self) -> str:
        return f"_S({self.dim}, {self.split_factor})"


class Replicate(Placement):
    """Each process has the whole tensor."""

    __slots__ = ()

    def is_replicate(self) -> bool:
        """Return ``True``."""
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Replicate)

    def __hash__(self) -> int:
        return hash(Replicate)

    def __repr__(self) -> str:
        return "Replicate()"

    def __str__(self) -> str:
        return "R"


class Partial(Placement):
    """The tensor is what the processes have, reduced over them.

    Args:
        reduce_op: ``"sum"``, ``"avg"``, ``"max"``, ``"min"`` or ``"product"``.
    """

    __slots__ = ("reduce_op",)

    def __init__(self, reduce_op: str = "sum"):
        self.reduce_op = reduce_op

    def is_partial(self, reduce_op: str | None = None) -> bool:
        """Return whether it is reduced by ``reduce_op``."""
        return reduce_op is None or self.reduce_op == reduce_op

    def is_linear(self) -> bool:
        """Return whether a multiple or a sum of such tensors is one, too."""
        return self.reduce_op in ("sum", "avg")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._key() == other._key()  # type: ignore[attr-defined]

    def _key(self) -> tuple[Any, ...]:
        return (self.reduce_op,)

    def __hash__(self) -> int:
        return hash((type(self), self._key()))

    def __repr__(self) -> str:
        return f"Partial({self.reduce_op})"

    def __str__(self) -> str:
        return f"P({self.reduce_op})"


class _MaskPartial(Partial):
    """Rows that were looked up in the piece of a table; those of other pieces are zeros.

    Args:
        reduce_op: ``"sum"``.
        offset_shape: shape of the table.
        offset_dim: the dimension that the rows are numbered along.
    """

    __slots__ = ("offset_dim", "offset_shape")

    def __init__(self, reduce_op: str = "sum", offset_shape: Any = None, offset_dim: int = 0):
        super().__init__(reduce_op)
        self.offset_shape = offset_shape
        self.offset_dim = offset_dim

    def _key(self) -> tuple[Any, ...]:
        return (self.reduce_op, self.offset_shape, self.offset_dim)

    def __repr__(self) -> str:
        return (
            f"_MaskPartial(reduce_op={self.reduce_op}, offset_shape={self.offset_shape}, "
            f"offset_dim={self.offset_dim})"
        )

    def __str__(self) -> str:
        return "MaskP"


class _NormPartial(Partial):
    """Norms of pieces; the norm of the whole is the norm of these.

    Args:
        norm_type: the order of the norm.
    """

    __slots__ = ("norm_type",)

    def __init__(self, norm_type: float = 2):
        op = {float("inf"): "max", float("-inf"): "min"}.get(norm_type, "sum")
        super().__init__(op)
        self.norm_type = norm_type

    def is_linear(self) -> bool:
        """Return ``False``."""
        return False

    def _key(self) -> tuple[Any, ...]:
        return (self.reduce_op, self.norm_type)

    def __repr__(self) -> str:
        return f"_NormPartial({self.norm_type})"

    def __str__(self) -> str:
        return f"_NormP({self.norm_type})"


for _public in (Placement, Shard, Replicate, Partial, _StridedShard):
    _public.__module__ = "torch.distributed.tensor.placement_types"
