"""What a user may choose for ``fully_shard``."""

from __future__ import annotations

from dataclasses import dataclass

import jtorch as torch


@dataclass(frozen=True)
class MixedPrecisionPolicy:
    """In which types the parameters of a module are used and their gradients added up.

    Attributes:
        param_dtype: of the gathered parameters; ``None`` for their own.
        reduce_dtype: in which gradients are added up; ``None`` for the one that they come in.
        output_dtype: that floating-point results are cast to; ``None`` for none.
        cast_forward_inputs: whether floating-point arguments are cast to ``param_dtype``.
    """

    param_dtype: torch.dtype | None = None
    reduce_dtype: torch.dtype | None = None
    output_dtype: torch.dtype | None = None
    cast_forward_inputs: bool = True


@dataclass
class DataParallelMeshDims:
    """Which dimensions of a mesh shard parameters and which replicate them.

    Attributes:
        shard, replicate: names, or tuples of them.
    Raises:
        ValueError: neither is given.
    """

    shard: str | tuple[str, ...] | None = None
    replicate: str | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.shard is None and self.replicate is None:
            raise ValueError(
                "At least one of shard or replicate must be set in DataParallelMeshDims"
            )


@dataclass
class OffloadPolicy:
    """Parameters stay on the device of the mesh."""


@dataclass
class CPUOffloadPolicy(OffloadPolicy):
    """Shards of parameters and gradients are kept on the CPU; gathered ones are on the device.

    Attributes:
        pin_memory: has no effect.
    """

    pin_memory: bool = True
