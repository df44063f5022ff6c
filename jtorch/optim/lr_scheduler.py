"""Learning rate schedulers: ``torch.optim.lr_scheduler``."""

from __future__ import annotations

from ._scheduler_base import LRScheduler, _LRScheduler
from ._scheduler_composed import ChainedScheduler, ReduceLROnPlateau, SequentialLR
from ._scheduler_cycles import CyclicLR, OneCycleLR
from ._scheduler_formulas import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from ._scheduler_messages import EPOCH_DEPRECATED as EPOCH_DEPRECATION_WARNING

__all__ = [
    "EPOCH_DEPRECATION_WARNING",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "_LRScheduler",
]
