"""What the workers do with an entry; apart, as workers cannot import a ``__main__``."""

from __future__ import annotations

import time
import warnings

from torch.testing._internal.common_optimizers import optim_db


def examine(job: tuple[int, bool]) -> tuple[list[str], int, int, float]:
    """Check one optimiser of the database, in a worker.

    Args:
        job: its index, and whether each set of keyword arguments goes through both dtypes.
    Returns:
        What is wrong, the trajectories compared, how many there are, and the seconds it took.
    """
    from .checks import check

    warnings.simplefilter("ignore")
    start = time.perf_counter()
    index, full = job
    return (*check(optim_db[index], full), time.perf_counter() - start)
