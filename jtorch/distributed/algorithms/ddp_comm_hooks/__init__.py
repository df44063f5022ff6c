"""Hooks for the gradients of ``DistributedDataParallel``."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from .... import distributed as dist
from . import debugging_hooks as debugging
from . import default_hooks as default
from . import powerSGD_hook as powerSGD

__all__ = ["DDPCommHookType", "register_ddp_comm_hook"]


class _Registration:
    """Registers a hook with a model, given the group or the state of it."""

    def __init__(self, hook: Callable, rank: int | None = None):
        self._hook, self._rank = hook, rank

    def __call__(self, model: Any, state: Any, start_powerSGD_iter: int = 1_000) -> None:
        if self._rank is not None:
            state = powerSGD.PowerSGDState(
                process_group=state,
                matrix_approximation_rank=self._rank,
                start_powerSGD_iter=start_powerSGD_iter,
            )
        model.register_comm_hook(state, self._hook)


def _refused(state: Any, bucket: dist.GradBucket) -> Any:
    raise NotImplementedError("gradients are not quantised: there are no quantised tensors")


class DDPCommHookType(enum.Enum):
    """The hooks, each as what registers it: ``DDPCommHookType.ALLREDUCE.value(model, group)``."""

    ALLREDUCE = _Registration(default.allreduce_hook)
    FP16_COMPRESS = _Registration(default.fp16_compress_hook)
    BF16_COMPRESS = _Registration(default.bf16_compress_hook)
    QUANTIZE_PER_TENSOR = _Registration(_refused)
    QUANTIZE_PER_CHANNEL = _Registration(_refused)
    POWER_SGD = _Registration(powerSGD.powerSGD_hook, rank=1)
    POWER_SGD_RANK2 = _Registration(powerSGD.powerSGD_hook, rank=2)
    BATCHED_POWER_SGD = _Registration(powerSGD.batched_powerSGD_hook, rank=1)
    BATCHED_POWER_SGD_RANK2 = _Registration(powerSGD.batched_powerSGD_hook, rank=2)
    NOOP = _Registration(debugging.noop_hook)


def register_ddp_comm_hook(comm_hook_type: DDPCommHookType, model: Any, state: Any = None) -> None:
    """Register a hook with a model.

    Args:
        comm_hook_type: which hook.
        model: a ``DistributedDataParallel``.
        state: the process group; ``None`` for all.
    """
    comm_hook_type.value(model=model, state=state)
