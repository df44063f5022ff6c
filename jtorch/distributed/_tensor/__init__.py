"""The old name of ``torch.distributed.tensor``."""

from __future__ import annotations

from ..._runtime import absent as _absent
from ..tensor import DeviceMesh as DeviceMesh
from ..tensor import (
    DTensor,
    Partial,
    Placement,
    Replicate,
    Shard,
    distribute_module,
    distribute_tensor,
    empty,
    full,
    ones,
    rand,
    randn,
    zeros,
)
from ..tensor import init_device_mesh as init_device_mesh

__all__ = [
    "DTensor",
    "Partial",
    "Placement",
    "Replicate",
    "Shard",
    "distribute_module",
    "distribute_tensor",
    "empty",
    "full",
    "ones",
    "rand",
    "randn",
    "zeros",
]

__getattr__ = _absent.attributes(__name__)
