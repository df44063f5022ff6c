"""One contender in a process of its own, which answers requests on its standard input.

``python _worker.py CONTENDER WORKLOADS``, the latter a module that holds them, reads one JSON
request a line and answers with one JSON line: ``{"do": "time", "workload": W, "steps": N}``,
``{"do": "record", "operations": N}``, ``{"do": "stats"}``, ``{"do": "memory"}``,
``{"do": "peak"}``, ``{"do": "about"}``. Requests wait in a pipe, so that a contender whose turn it
is not uses no processor time.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

CONTENDERS = ("torch", "torch.compile", "jax", "jtorch")


class Worker:
    """Holds a library and the workloads made ready for it.

    Args:
        contender: one of ``CONTENDERS``.
        workloads: the module that holds what it runs.
    """

    def __init__(self, contender: str, workloads: str):
        self.contender = contender
        self.workloads = importlib.import_module(workloads)
        self.library: ModuleType = importlib.import_module(contender.partition(".")[0])
        self.ready: dict[str, Any] = {}

    def time(self, workload: str, steps: int) -> dict[str, float]:
        """Run some steps and return the microseconds that one took."""
        if workload not in self.ready:
            self.ready[workload] = self._prepare(workload)
        run = self.ready[workload]
        start = time.perf_counter()
        run(steps)
        return {"microseconds": (time.perf_counter() - start) / steps * 1e6}

    def _prepare(self, workload: str) -> Any:
        if self.contender == "jax":
            return self.workloads.JAX_WORKLOADS[workload]()
        wrap = (
            self.library.compile if self.contender == "torch.compile" else lambda function: function
        )
        return self.workloads.TORCH_WORKLOADS[workload](self.library, wrap)

    def record(self, operations: int) -> dict[str, float]:
        """Return the microseconds of one binary operation, what runs it afterwards left out.

        PyTorch runs an operation when it is called, so there this is the whole cost of one on
        sixteen numbers.
        """
        torch = self.library
        x, y = torch.ones(16), torch.ones(16)
        x.sum().item()
        start = time.perf_counter()
        for _ in range(operations):
            y = y + x
        tensors = time.perf_counter() - start
        y.sum().item()

        y = torch.ones(16)
        y.sum().item()
        start = time.perf_counter()
        for _ in range(operations):
            y = y * 1.0001
        numbers = time.perf_counter() - start
        y.sum().item()
        return {"tensor": tensors / operations * 1e6, "number": numbers / operations * 1e6}

    def stats(self) -> dict[str, Any]:
        """Return jtorch's own counters; nothing for another library."""
        if self.contender != "jtorch":
            return {}
        counters = self.library.compiler.stats()
        if dataclasses.is_dataclass(counters):
            return dataclasses.asdict(counters)
        return dict(counters)

    def memory(self) -> dict[str, float]:
        """Return the resident memory of this process in MiB."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return {"mib": pages * os.sysconf("SC_PAGE_SIZE") / 2**20}

    def peak(self) -> dict[str, float]:
        """Return the most resident memory that this process ever had, in MiB."""
        return {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10}

    def about(self) -> dict[str, str]:
        """Return the version of the library."""
        return {"version": self.library.__version__}


def main() -> None:
    """Answer requests until the standard input ends."""
    # Whatever a compiler prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker: Worker | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if worker is None:
                worker = Worker(*sys.argv[1:])
            answer = getattr(worker, request.pop("do"))(**request)
        # The parent reports whatever went wrong and goes on without this contender.
        except Exception as error:
            text = str(error).strip() or "no message"
            answer = {"error": f"{type(error).__name__}: {text.splitlines()[0]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
