"""Times one workload of ``_gpu_workloads.py`` in a process of its own; prints one line of JSON.

``python _gpu_worker.py LIBRARY WORKLOAD SIZE SECONDS``: the library is ``jtorch``, ``torch`` or
``torch.compile``; timing stops after so many seconds. With 0 seconds only the first step is timed.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

SAMPLES = 7


def main(library: str, workload: str, size: str, seconds: str) -> dict[str, Any]:
    """Return the figures of one workload."""
    began = time.perf_counter()
    torch = importlib.import_module(library.partition(".")[0])
    from _gpu_workloads import WORKLOADS

    compiled = library.endswith("compile")
    torch.set_default_device("cuda")
    found: dict[str, Any] = {"version": torch.__version__, "device": torch.cuda.get_device_name()}
    wrap = torch.compile if compiled else lambda model: model
    run = WORKLOADS[workload](torch, wrap, size)
    torch.cuda.synchronize()
    found["setup_s"] = time.perf_counter() - began

    def timed(steps: int) -> tuple[float, float]:
        """Return the seconds of some steps, and those in which the host was busy with them."""
        start = time.perf_counter()
        run(steps)
        host = time.perf_counter() - start
        torch.cuda.synchronize()
        return time.perf_counter() - start, host

    found["first_step_s"] = timed(1)[0]
    limit = float(seconds)
    if limit:
        for _ in range(3):
            one = timed(1)[0]
        one = min(one, timed(2)[0] / 2)
        steps = max(1, min(200, int(limit / SAMPLES / max(one, 1e-4))))
        timed(steps)  # a loop that reads nothing may be cut at other places than single steps
        torch.cuda.reset_peak_memory_stats()
        pairs = [timed(steps) for _ in range(SAMPLES)]
        found["steps"] = steps
        found["step_ms"] = statistics.median(pair[0] for pair in pairs) / steps * 1e3
        found["host_ms"] = statistics.median(pair[1] for pair in pairs) / steps * 1e3
        found["samples_ms"] = [pair[0] / steps * 1e3 for pair in pairs]
        found["peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
    if library == "jtorch":
        stats = torch.compiler.stats()
        found["programs"] = stats.programs_compiled
        found["compiling_s"] = stats.seconds_compiling
    return found


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
