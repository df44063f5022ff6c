"""Run the documents' blocks in a scratch folder under the library of choice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from compat_tests.documents import expectations, extraction

RUNNER = Path(__file__).with_name("runner.py")
GOLDEN = Path(__file__).parents[1] / "golden" / "seed_blocks.json"
ROOT = Path(__file__).resolve().parents[2]


def command(backend: str) -> list[str]:
    """Return how a user starts a script: plainly for PyTorch, through ``-m`` for jtorch."""
    return [sys.executable] if backend == "torch" else [sys.executable, "-m", backend]


def environment() -> dict[str, str]:
    """Return this process's environment with the repository importable, installed or not.

    Programs call one line with many shapes, which is no reason to warn.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONIOENCODING": "utf-8",
        "JTORCH_RECOMPILE_WARNING": "0",
    }


def code_to_run(block: extraction.Block) -> str:
    """Return a block's code, unmodified but for a size that expectations.REDUCED names."""
    if block.key not in expectations.REDUCED:
        return block.code
    written, instead, _ = expectations.REDUCED[block.key]
    if written not in block.code:
        raise ValueError(f"{block.key} has no {written} to reduce")
    return block.code.replace(written, instead)


def run_blocks(
    blocks: list[extraction.Block], backend: str, wine_folder: Path, scratch: Path
) -> tuple[dict, str]:
    """Run all blocks in one process in a scratch folder; return results and standard error."""
    shutil.copy(wine_folder / "wine-red.pt", scratch)
    listing, results = scratch / "blocks.json", scratch / "results.json"
    listing.write_text(
        json.dumps(
            [
                {"key": block.key, "session": block.session, "code": code_to_run(block)}
                for block in blocks
            ]
        )
    )
    finished = subprocess.run(
        [*command(backend), str(RUNNER), str(listing), str(results)],
        cwd=scratch,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode != 0:
        raise RuntimeError(f"the blocks could not be run:\n{finished.stderr}")
    return json.loads(results.read_text()), finished.stderr
