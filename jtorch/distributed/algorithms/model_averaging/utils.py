"""Averages of parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jtorch as torch

from .... import distributed as dist


def average_parameters(params: Iterable[torch.Tensor], process_group: Any) -> None:
    """Replace parameters by their means over processes.

    Args:
        params: all are sent at once.
        process_group: of which processes; ``None`` for all.
    """
    group = process_group if process_group is not None else dist.group.WORLD
    chosen = list(params)
    if not chosen or dist.get_rank(group) < 0:
        return
    together = torch.cat([each.detach().reshape(-1) for each in chosen])
    together /= dist.get_world_size(group)
    dist.all_reduce(together, group=group)
    for each, part in zip(chosen, together.split([each.numel() for each in chosen])):
        each.data = part.view_as(each).type_as(each)


def get_params_to_average(params: Iterable[Any]) -> list[torch.Tensor]:
    """Return the parameters that have a gradient.

    Args:
        params: parameters, or groups of an optimiser.
    Raises:
        NotImplementedError: for something else.
    """
    chosen: list[torch.Tensor] = []
    for each in params:
        if isinstance(each, torch.nn.Parameter):
            chosen.append(each)
        elif isinstance(each, dict):
            chosen += each["params"]
        else:
            raise NotImplementedError(f"Parameter input of type {type(each)} is not supported")
    return [each for each in chosen if each.grad is not None]


def average_parameters_or_parameter_groups(params: Iterable[Any], process_group: Any) -> None:
    """Replace the parameters that have a gradient by their means over processes."""
    average_parameters(get_params_to_average(params), process_group)
