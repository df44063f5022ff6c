"""Settings of all pipes that a pipe is made of: ``torch.utils.data.graph_settings``."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from ._pipes import SHARDING_PRIORITIES
from .graph import traverse_dps

__all__ = [
    "apply_random_seed",
    "apply_sharding",
    "apply_shuffle_seed",
    "apply_shuffle_settings",
    "get_all_graph_pipes",
]


def get_all_graph_pipes(graph: dict[int, tuple[Any, dict]]) -> list[Any]:
    """Return each pipe of a graph once."""
    found: dict[int, Any] = {}
    for number, (pipe, below) in graph.items():
        found.setdefault(number, pipe)
        for each in get_all_graph_pipes(below):
            found.setdefault(id(each), each)
    return list(found.values())


def _all(datapipe: Any) -> list[Any]:
    return get_all_graph_pipes(traverse_dps(datapipe))


def _has(pipe: Any, name: str) -> bool:
    return callable(getattr(type(pipe), name, None))


def apply_sharding(
    datapipe: Any,
    num_of_instances: int,
    instance_id: int,
    sharding_group: Any = SHARDING_PRIORITIES.DEFAULT,
) -> Any:
    """Tell every pipe that shares samples among processes how many there are."""
    for pipe in _all(datapipe):
        if _has(pipe, "apply_sharding"):
            pipe.apply_sharding(num_of_instances, instance_id, sharding_group)
    return datapipe


def apply_shuffle_settings(datapipe: Any, shuffle: bool | None = None) -> Any:
    """Tell every pipe that shuffles whether it does; without an answer nothing is changed."""
    if shuffle is None:
        return datapipe
    pipes = [pipe for pipe in _all(datapipe) if _has(pipe, "set_shuffle")]
    if shuffle and not pipes:
        datapipe = datapipe.shuffle()
        pipes = [datapipe]
    for pipe in pipes:
        pipe.set_shuffle(shuffle)
    return datapipe


def apply_shuffle_seed(datapipe: Any, rng: Any) -> Any:
    """Seed every pipe that draws (an old name)."""
    return apply_random_seed(datapipe, rng)


def apply_random_seed(datapipe: Any, rng: Any) -> Any:
    """Seed every pipe that draws from a generator."""
    for pipe in _all(datapipe):
        if _has(pipe, "set_seed"):
            pipe.set_seed(int(torch.empty((), dtype=torch.int64).random_(generator=rng).item()))
    return datapipe
