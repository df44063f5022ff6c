"""Optimisers over many processes: ``torch.distributed.optim``."""

from __future__ import annotations

from ..._runtime import absent as _absent
from .post_localSGD_optimizer import PostLocalSGDOptimizer
from .zero_redundancy_optimizer import ZeroRedundancyOptimizer

__all__ = ["PostLocalSGDOptimizer", "ZeroRedundancyOptimizer"]

__getattr__ = _absent.attributes(__name__)
