"""Tensor parallelism of modules: ``torch.distributed.tensor.parallel``."""

from __future__ import annotations

from ...._runtime import absent as _absent
from .api import parallelize_module
from .loss import loss_parallel
from .style import (
    ColwiseParallel,
    ParallelStyle,
    PrepareModuleInput,
    PrepareModuleInputOutput,
    PrepareModuleOutput,
    RowwiseParallel,
    SequenceParallel,
)

__all__ = [
    "ColwiseParallel",
    "ParallelStyle",
    "PrepareModuleInput",
    "PrepareModuleInputOutput",
    "PrepareModuleOutput",
    "RowwiseParallel",
    "SequenceParallel",
    "loss_parallel",
    "parallelize_module",
]

for _public in (
    *(ColwiseParallel, RowwiseParallel, SequenceParallel, PrepareModuleInput, loss_parallel),
    *(PrepareModuleOutput, PrepareModuleInputOutput, parallelize_module, ParallelStyle),
):
    _public.__module__ = "torch.distributed.tensor.parallel"

__getattr__ = _absent.attributes(__name__)
