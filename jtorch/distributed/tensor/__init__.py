"""Tensors of which each process has a part: ``torch.distributed.tensor``."""

from __future__ import annotations

from ..._runtime import absent as _absent
from ..device_mesh import DeviceMesh as DeviceMesh
from ..device_mesh import init_device_mesh as init_device_mesh
from ._api import DTensor
from ._distribute import distribute_module, distribute_tensor
from ._dtensor_spec import DTensorSpec as _DTensorSpec
from ._dtensor_spec import ShardOrderEntry as _ShardOrderEntry
from ._dtensor_spec import TensorMeta as _TensorMeta
from ._factories import empty, full, ones, rand, randn, zeros
from .placement_types import Partial, Placement, Replicate, Shard
from .placement_types import _StridedShard as _StridedShard

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
_TYPES = (_DTensorSpec, _ShardOrderEntry, _TensorMeta)

__getattr__ = _absent.attributes(__name__)
