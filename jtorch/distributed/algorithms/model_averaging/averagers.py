"""Averages of parameters every few steps."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from .... import distributed as dist
from . import utils

__all__ = ["ModelAverager", "PeriodicModelAverager"]


class ModelAverager(ABC):
    """Averages parameters now and then.

    Args:
        process_group: over which processes; ``None`` for all.
    """

    def __init__(self, process_group: Any = None):
        self.process_group = process_group if process_group is not None else dist.group.WORLD
        self.step = 0

    @abstractmethod
    def average_parameters(self, params: Iterable[Any]) -> None:
        """Count a step, and average parameters if it is time."""
        raise NotImplementedError


class PeriodicModelAverager(ModelAverager):
    """Averages parameters every ``period`` steps.

    Args:
        period: steps.
        warmup_steps: before the first average.
        process_group: over which processes; ``None`` for all.
    Raises:
        ValueError: for a number of steps that is none.
    """

    def __init__(self, period: int, warmup_steps: int = 0, process_group: Any = None):
        super().__init__(process_group)
        if warmup_steps < 0:
            raise ValueError("Arg ``warmup_steps`` must be a non-negative number.")
        self.warmup_steps = warmup_steps
        if period < 1:
            raise ValueError("Arg ``period`` must be a positive value.")
        if period == 1:
            warnings.warn(
                "When period is 1, no need to use model averaging because the communication cost "
                "of all-reducing parameters will be no less than the cost of all-reducing "
                "gradients by DistributedDataParallel in the backward pass. Therefore, only "
                "DistributedDataParallel should be used for this case.",
                stacklevel=2,
            )
        self.period = period

    def average_parameters(self, params: Iterable[Any]) -> None:
        """Count a step, and average parameters if it is time.

        Args:
            params: of a model, or groups of an optimiser; those without a gradient stay.
        """
        since = self.step - self.warmup_steps
        if since >= 0 and since % self.period == 0:
            utils.average_parameters_or_parameter_groups(params, self.process_group)
        self.step += 1
