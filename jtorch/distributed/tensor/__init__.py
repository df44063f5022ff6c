"""Tensors of which each process has a part: ``torch.distributed.tensor``."""

from __future__ import annotations

from ..._runtime import absent as _absent
from ...serialization import add_safe_globals
from .._mesh_layout import MeshDim, MeshLayout
from ..device_mesh import DeviceMesh as DeviceMesh
from ..device_mesh import init_device_mesh as init_device_mesh
from ._api import DTensor, _rebuild
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
for _saved in (_DTensorSpec, _ShardOrderEntry, _TensorMeta):
    _saved.__module__ = "torch.distributed.tensor._dtensor_spec"
_rebuild.__module__ = "torch.distributed.tensor._api"
MeshLayout.__module__ = MeshDim.__module__ = "torch.distributed._mesh_layout"
add_safe_globals(
    [
        *(DeviceMesh, DTensor, Partial, Replicate, Shard, _StridedShard, _rebuild, MeshLayout),
        *(_DTensorSpec, _ShardOrderEntry, _TensorMeta, MeshDim),
    ]
)

__getattr__ = _absent.attributes(__name__)
