"""The processor cores of a machine, divided among the processes that were started together."""

from __future__ import annotations

import os


def cores_of(rank: int, processes: int, cores: list[int]) -> list[int] | None:
    """Return the cores of one of several processes: neighbours, as many for each.

    Args:
        rank: which of them.
        processes: how many there are.
        cores: those that they share.
    Returns:
        ``None`` where there are fewer cores than processes, which then share all.
    """
    if processes < 2 or len(cores) < processes:
        return None
    each, more = divmod(len(cores), processes)
    begin = rank * each + min(rank, more)
    return cores[begin : begin + each + (rank < more)]


def give_cores(pid: int, rank: int, processes: int) -> None:
    """Keep a process that was just started to its share of the cores.

    Each compiles and computes with as many threads as it sees cores; together they would be more
    threads than there are cores.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    share = cores_of(rank, processes, sorted(os.sched_getaffinity(0)))
    if share is not None:
        try:
            os.sched_setaffinity(pid, share)
        except OSError:
            pass  # it has ended, or may not be bound: it runs wherever there is room
