"""Parameters and buffers of many processes: the same at the start, and looked at together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._engine.memory.exchange import elements_of, replace_elements
from ._objects import all_gather_object
from ._process_group import ProcessGroup


def broadcast_tensors(tensors: Sequence[Any], group: ProcessGroup, source: int = 0) -> None:
    """Give all processes the elements that tensors have in one, in one collective.

    Args:
        tensors: of the same shapes and dtypes everywhere, in the same order.
        source: its rank within the group.
    """
    # Whatever lies behind wider elements begins where its own may begin.
    ordered = sorted(tensors, key=lambda tensor: -tensor.dtype.itemsize)
    if not ordered or group.size() == 1:
        return
    parts = [elements_of(tensor, "broadcast") for tensor in ordered]
    content = np.concatenate([np.ascontiguousarray(p).reshape(-1).view(np.uint8) for p in parts])
    got = group.received("broadcast", "broadcast", content, source)
    if group.rank() == source:
        return
    start = 0
    for tensor, part in zip(ordered, parts, strict=True):
        end = start + part.nbytes
        replace_elements(tensor, got[start:end].view(part.dtype).reshape(part.shape))
        start = end


def check_same_shapes(parameters: Sequence[Any], group: ProcessGroup) -> None:
    """Raise where parameters are not of the same shapes in all processes.

    Raises:
        RuntimeError: they are not.
    """
    own = [(tuple(p.shape), str(p.dtype)) for p in parameters]
    found: list[Any] = [None] * group.size()
    all_gather_object(found, own, group)
    for rank, other in enumerate(found):
        if len(other) != len(own):
            raise RuntimeError(
                f"DDP expects same model across all ranks, but Rank {group.rank()} has {len(own)} "
                f"params, while rank {rank} has inconsistent {len(other)} params."
            )
    for index, (mine, theirs) in enumerate(zip(own, found[0], strict=True)):
        if mine != theirs:
            raise RuntimeError(
                f"[Rank {group.rank()}]: params[{index}] in this process with sizes "
                f"{list(mine[0])} appears not to match sizes of the same param in process 0."
            )
