"""The old name of ``torch.distributed.tensor.experimental``."""

from __future__ import annotations

from ..._runtime import absent as _absent
from ..tensor.experimental import context_parallel, implicit_replication, local_map
from ..tensor.experimental import register_sharding as register_sharding

__all__ = ["context_parallel", "implicit_replication", "local_map", "register_sharding"]

__getattr__ = _absent.attributes(__name__)
