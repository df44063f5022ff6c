"""Spread checks over worker processes that share a folder of compiled programs."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from compat_tests.helpers.paths import ROOT

WORKERS = 2
#: A worker is replaced by a fresh one after so many jobs: programs stay in memory.
JOBS_OF_A_WORKER = 40


def spread(
    function: Callable[[Any], Any], jobs: Sequence[Any], workers: int = WORKERS
) -> Iterator[Any]:
    """Yield the results of ``function`` in the order of the jobs.

    The calling process should not have imported jtorch: where its programs are kept is
    settled on import, by the environment that the workers inherit.

    Args:
        function: a function of a module, called with each job in one of the workers.
        jobs: what can be pickled.
        workers: number of processes.
    """
    os.environ.setdefault("JTORCH_CACHE_DIR", str(ROOT / ".oracle" / "programs"))
    os.environ.setdefault("JTORCH_CACHE_MB", "8192")
    os.environ.setdefault("JTORCH_RECOMPILE_WARNING", "0")
    os.environ.setdefault("JTORCH_MAX_PROGRAMS", "300")
    # Where an operation was traced is of no use here, and a third of the time of lowering it.
    os.environ.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")
    # A fresh pool for each batch: with ``max_tasks_per_child`` Python 3.11 hangs where all workers
    # reach it at once.
    batch = JOBS_OF_A_WORKER * workers
    for start in range(0, len(jobs), batch):
        some = jobs[start : start + batch]
        pool = ProcessPoolExecutor(
            max_workers=max(1, min(workers, len(some))),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
        )
        with pool:
            yield from pool.map(function, some)


def _begin() -> None:
    import torch

    from jtorch._engine.execution import compilation

    torch.set_num_threads(1)
    # A second, optimised compilation of a program that a check runs a few times is wasted.
    compilation.HOT_RUNS = 1 << 60
