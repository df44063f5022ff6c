"""Averages of parameters over small groups often, over large ones rarely.

J. Wang et al.: Local averaging helps: hierarchical federated learning and convergence analysis.
arXiv:2010.12998.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from .... import distributed as dist
from . import averagers, utils


class HierarchicalModelAverager(averagers.ModelAverager):
    """Averages parameters over groups of several sizes, each with its period.

    Args:
        period_group_size_dict: sizes of groups by the steps between averages over them, from the
            smallest; the last size is that of the process group.
        warmup_steps: before the first average.
        process_group: all processes that take part; ``None`` for all there are.
    Raises:
        ValueError: for periods and sizes that are none.
    """

    def __init__(
        self,
        period_group_size_dict: dict[int, int] | None = None,
        warmup_steps: int = 0,
        process_group: Any = None,
    ):
        super().__init__(process_group)
        if not period_group_size_dict:
            raise ValueError("Arg ``period_group_size_dict`` must not be empty.")
        self._periods = list(period_group_size_dict)
        if self._periods[0] <= 0:
            raise ValueError(
                "The minimum period in arg ``period_group_size_dict`` must be a positive value."
            )
        if self._periods[-1] == 1:
            warnings.warn(
                "When the maximum period in arg ``period_group_size_dict`` is 1, "
                "no need to use model averaging because the communication cost "
                "of all-reducing parameters will be no less than the cost of all-reducing "
                "gradients by DistributedDataParallel in the backward pass. Therefore, only "
                "DistributedDataParallel should be used for this case.",
                stacklevel=2,
            )
        overall = dist.get_world_size(group=self.process_group)
        largest = list(period_group_size_dict.values())[-1]
        if largest != overall:
            raise ValueError(
                f"The last value in arg ``period_group_size_dict`` {largest} "
                f"must be equal to the size of arg ``process_group`` {overall}."
            )
        self.period_process_group_dict: OrderedDict[int, Any] = OrderedDict()
        for period, size in period_group_size_dict.items():
            group = self.process_group
            if size != overall:
                group, _ = dist.new_subgroups(group_size=size, group=self.process_group)
            self.period_process_group_dict[period] = group
        if warmup_steps < 0:
            raise ValueError("Arg ``warmup_steps`` must be a non-negative number.")
        self.warmup_steps = warmup_steps

    def _find_process_group(self) -> Any:
        """Return the largest group that averages at this step, or ``None``."""
        for period in reversed(self._periods):
            if self.step % period == 0:
                return self.period_process_group_dict[period]
        return None

    def average_parameters(self, params: Iterable[Any]) -> None:
        """Count a step, and average parameters over the largest group whose time it is.

        Args:
            params: of a model, or groups of an optimiser; those without a gradient stay.
        """
        if self.step >= self.warmup_steps:
            group = self._find_process_group()
            if group is not None:
                utils.average_parameters_or_parameter_groups(params, group)
        self.step += 1
