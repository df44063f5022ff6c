"""Which pipes a pipe is made of: ``torch.utils.data.graph``."""

from __future__ import annotations

from typing import Any

from ._pipes import IterDataPipe, MapDataPipe

__all__ = ["traverse", "traverse_dps"]


def _pipes_in(value: Any, seen: set[int]) -> list[Any]:
    """Return the pipes that a value holds, in lists, dicts and objects of data pipes."""
    if id(value) in seen:
        return []
    if isinstance(value, (IterDataPipe, MapDataPipe)):
        return [value]
    inner: list[Any] = []
    if isinstance(value, (list, tuple, set)):
        inner = list(value)
    elif isinstance(value, dict):
        inner = list(value.values())
    elif hasattr(value, "source") and hasattr(value, "queues"):  # what children of a fork share
        inner = [value.source]
    seen = seen | {id(value)}
    return [pipe for each in inner for pipe in _pipes_in(each, seen)]


def traverse_dps(datapipe: Any) -> dict[int, tuple[Any, dict]]:
    """Return the graph of a pipe: from its id to the pipe and the graph of what it is made of."""
    sources = [pipe for each in vars(datapipe).values() for pipe in _pipes_in(each, set())]
    below: dict[int, tuple[Any, dict]] = {}
    for source in sources:
        below.update(traverse_dps(source))
    return {id(datapipe): (datapipe, below)}


def traverse(datapipe: Any, only_datapipe: bool | None = None) -> dict[int, tuple[Any, dict]]:
    """Return the graph of a pipe (an old name)."""
    return traverse_dps(datapipe)
