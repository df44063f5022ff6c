"""What the workers do with an entry; apart, as workers cannot import a ``__main__``."""

from __future__ import annotations

import time
from typing import Any

from torch.testing._internal.common_modules import module_db


def examine(job: tuple[int, int | None]) -> dict[str, Any]:
    """Check one entry, in a worker.

    Args:
        job: the index of the entry in the database, and how many samples to look at.
    """
    from .checks import Entry

    index, most = job
    start = time.perf_counter()
    entry = Entry(module_db[index], most).run()
    return {
        "wrong": entry.wrong,
        "counts": entry.counts,
        "samples": entry.samples,
        "seconds": time.perf_counter() - start,
    }
