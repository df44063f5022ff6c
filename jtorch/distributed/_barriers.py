"""Places where processes wait for each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from ._groups import resolve, warn_not_in_group
from ._work import Work


def barrier(
    group: Any = None,
    async_op: bool = False,
    device_ids: Any = None,
    timeout: timedelta | None = None,
) -> Work | None:
    """Wait until all processes of a group have come here.

    Args:
        device_ids: ignored.
        timeout: how long at most.
    """
    members = resolve(group)
    if members is None:
        warn_not_in_group("barrier")
        return None
    if device_ids is not None and not isinstance(device_ids, list):
        raise TypeError("Invalid function argument: device_ids type should be List[int]")
    sign = np.ones(1, np.int32)
    work = members.collective("barrier", "all_reduce", sign, ("sum",), lambda got: [], True)
    if async_op:
        return work
    assert work is not None
    work.wait(timeout)
    members._lane.deliver()
    return None


def monitored_barrier(
    group: Any = None, timeout: timedelta | None = None, wait_all_ranks: bool = False
) -> None:
    """Wait until all processes have come here; say which has not.

    Args:
        timeout: how long at most; the group's limit unless given.
        wait_all_ranks: whether to name all that are missing, and not only the first.
    Raises:
        RuntimeError: on rank 0, that they are missing; elsewhere, that rank 0 is.
    """
    members = resolve(group)
    if members is None:
        warn_not_in_group("monitored_barrier")
        return None
    limit = members._timeout if timeout is None else timeout
    store = members._store
    number = members._calls = members._calls + 1
    own = members.rank()
    store.set(f"monitored/{number}/{own}", "1")
    if own:
        try:
            store.wait([f"monitored/{number}/passed"], limit)
        except RuntimeError:
            raise RuntimeError(
                f"Rank {own} successfully reached monitoredBarrier, but received errors while "
                "waiting for send/recv from rank 0. Please check rank 0 logs for faulty rank."
            ) from None
        return None
    missing = []
    for rank in range(1, members.size()):
        try:
            store.wait([f"monitored/{number}/{rank}"], limit)
        except RuntimeError:
            missing.append(rank)
            limit = timedelta(milliseconds=100)
            if not wait_all_ranks:
                break
    if missing:
        seconds = int((members._timeout if timeout is None else timeout).total_seconds() * 1000)
        if wait_all_ranks:
            raise RuntimeError(
                f"[Rank 0]: Ranks {', '.join(map(str, missing))} failed to pass monitoredBarrier "
                f"in {seconds} ms"
            )
        raise RuntimeError(
            f"[Rank 0]: Rank {missing[0]} failed to pass monitoredBarrier in {seconds} ms"
        )
    store.set(f"monitored/{number}/passed", "1")
    return None
