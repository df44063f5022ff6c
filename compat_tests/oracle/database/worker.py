"""The process that examines entries: jobs come in as JSON lines, results go out as JSON lines."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)

    def answer(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")

    kinds = {"ops": _operators, "docs": _docstrings, "reference": _reference}
    examine = kinds[sys.argv[1]]()
    answer({"ready": True})
    for line in sys.stdin:
        job = json.loads(line)
        for message in examine(job):
            answer(message)
        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer({"done": job["entry"], "megabytes": kilobytes // 1024})


def _operators() -> Any:
    import torch

    from jtorch._engine.execution import compilation

    torch.set_num_threads(1)
    from .entries import Examination, entries

    # A second, optimised compilation of a program that a test runs a few times is wasted.
    compilation.HOT_RUNS = 1 << 60
    known = entries()

    def examine(job: dict[str, Any]) -> Any:
        examination = Examination(known[job["entry"]], job["categories"], job["limits"])
        for step, results in examination.run():
            if results is None:
                yield {"entry": job["entry"], "step": step}
            else:
                yield {"entry": job["entry"], "finished": step, "results": results}

    return examine


def _docstrings() -> Any:
    from . import docstrings

    known = docstrings.load(Path(sys.argv[2]))
    docstrings.become_jtorch()

    def examine(job: dict[str, Any]) -> Any:
        name = job["entry"]
        yield {"entry": name, "step": "docs"}
        results = docstrings.compare(name, *known[name])
        yield {"entry": name, "finished": "docs", "results": results}

    return examine


def _reference() -> Any:
    import torch

    from . import docstrings

    torch.set_num_threads(1)

    def examine(job: dict[str, Any]) -> Any:
        yield {"entry": job["entry"], "step": "docs"}
        results = docstrings.reference(job["entry"])
        yield {"entry": job["entry"], "finished": "docs", "results": results}

    return examine


if __name__ == "__main__":
    main()
