"""Run blocks of code one after the other in one process and write down what each one did.

Started as a script, ``runner.py BLOCKS.json RESULTS.json``, in the way that a user of the library
would start it: plain Python for PyTorch, ``python -m jtorch`` for jtorch.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import traceback

import torch

SEED = 0


def run_block(code: str, key: str, names: dict[str, object]) -> dict[str, str | None]:
    """Execute one block as ``__main__`` and return its standard output and its exception."""
    printed, error = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        try:
            torch.manual_seed(SEED)
            exec(compile(code, f"<{key}>", "exec"), names)
        except Exception as raised:
            error = "".join(traceback.format_exception_only(raised)).strip()
    return {"stdout": printed.getvalue(), "error": error}


def main(blocks_path: str, results_path: str) -> None:
    """Run every block; those of one session share their names."""
    with open(blocks_path, encoding="utf-8") as file:
        blocks = json.load(file)
    sessions: dict[str, dict[str, object]] = {}
    results = {"cuda": torch.cuda.is_available(), "library": torch.__version__, "blocks": {}}
    for block in blocks:
        names = sessions.setdefault(block["session"], {"__name__": "__main__"})
        results["blocks"][block["key"]] = run_block(block["code"], block["key"], names)
    with open(results_path, "w", encoding="utf-8") as file:
        json.dump(results, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
