"""Each Python block of the documents, run unmodified and compared with the output shown there.

The documents are looked for in $JTORCH_SEEDS, else in ``shared/seeds`` beside the repository.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from compat_tests.documents import execution, expectations, extraction, printed_text
from compat_tests.helpers.paths import ROOT

BACKEND = os.environ.get("COMPAT_BACKEND", "jtorch")
BESIDE = ROOT.parent / "shared" / "seeds"
SEEDS = Path(os.environ.get("JTORCH_SEEDS", BESIDE))
BLOCKS = extraction.read_blocks(SEEDS) if SEEDS.is_dir() else []

# One worker runs all of them, so that the blocks are executed once.
pytestmark = [
    pytest.mark.skipif(not BLOCKS, reason="the documents are not here ($JTORCH_SEEDS)"),
    pytest.mark.xdist_group("seed_blocks"),
]


@pytest.fixture(scope="module")
def run(wine_folder, tmp_path_factory):
    """Run all blocks once; return the results and what was written to standard error."""
    return execution.run_blocks(BLOCKS, BACKEND, wine_folder, tmp_path_factory.mktemp("blocks"))


@pytest.fixture(scope="module")
def golden():
    return json.loads(execution.GOLDEN.read_text(encoding="utf-8"))["blocks"]


def test_every_block_is_found():
    """The tables are keyed by number, so a block more or less must not pass unseen."""
    assert Counter(block.key.split("-")[0] for block in BLOCKS) == expectations.BLOCK_COUNTS


def test_tables_name_blocks_that_exist():
    keys = {block.key for block in BLOCKS}
    for table in (
        expectations.ERRATA,
        expectations.RANDOM,
        expectations.APPROXIMATE,
        expectations.UNDOCUMENTED,
        expectations.TIMED,
        expectations.REDUCED,
        expectations.CUDA,
        expectations.LONGER_ERRORS,
    ):
        assert set(table) <= keys
    assert set(expectations.APPROXIMATE) <= set(expectations.RANDOM)


def test_nothing_is_written_to_standard_error(run):
    assert run[1] == ""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.key)
def test_block(block, run, golden):
    results, _ = run
    result = results["blocks"][block.key]
    printed, error = result["stdout"], result["error"]

    if block.key in expectations.CUDA and not results["cuda"]:
        assert error == expectations.WITHOUT_CUDA
        if block.key in expectations.TIMED:  # what came before the copy to the GPU was printed
            first_line = block.documented.split("\n")[0]
            assert printed_text.same_form(first_line, printed)
        else:
            assert printed == ""
        return

    documented = documented_text(block)
    if is_error(documented):
        assert error is not None, f"printed {printed!r}"
        message, shown = printed_text.joined(error), printed_text.joined(documented)
        if block.key in expectations.LONGER_ERRORS:
            message = message[: len(shown)]
        assert message == shown
        assert printed == ""
        return

    assert error is None
    if block.key in expectations.RANDOM:
        tolerance, _ = expectations.APPROXIMATE.get(block.key, (0.0, ""))
        assert printed_text.same_form(documented, printed)
        assert_same_text(golden[block.key], printed, tolerance)
    elif block.key in expectations.TIMED:
        assert printed_text.same_form(documented, printed)
    elif block.key in expectations.UNDOCUMENTED:
        assert_same_text(golden[block.key], printed)
    else:
        assert_same_text(documented, printed)


# One error, one program that reads a file, one training loop: as a user starts them.
ALONE = ("tutorial-31", "tutorial-20", "tutorial-48")


@pytest.mark.parametrize("key", ALONE)
def test_block_as_a_script(key, wine_folder, tmp_path):
    """The block alone in a file, started from a shell, with its traceback if it has one."""
    (block,) = [block for block in BLOCKS if block.key == key]
    shutil.copy(wine_folder / "wine-red.pt", tmp_path)
    (tmp_path / "block.py").write_text(block.code, encoding="utf-8")
    finished = subprocess.run(
        [*execution.command(BACKEND), "block.py"],
        cwd=tmp_path,
        env=execution.environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    documented = documented_text(block)
    if is_error(documented):
        traceback = finished.stderr.rstrip().split("\n")
        assert traceback[-1] == documented
        # The user's line is the last one shown: no frame of the library lies below it.
        shown = [line for line in traceback if line.startswith("  File ")]
        assert Path(shown[-1].split('"')[1]).name == "block.py"
        assert (finished.returncode, finished.stdout) == (1, "")
    else:
        assert (finished.returncode, finished.stderr) == (0, "")
        assert printed_text.same_form(documented, finished.stdout)
        if key not in expectations.RANDOM:
            assert_same_text(documented, finished.stdout)


def documented_text(block: extraction.Block) -> str:
    """Return the output that a document shows, its errata mended; empty where it shows none."""
    documented = (block.documented or "").strip("\n")
    if block.key in expectations.ERRATA:
        wrong, right, _ = expectations.ERRATA[block.key]
        assert wrong in documented, f"{block.key} has no such erratum"
        documented = documented.replace(wrong, right)
    return documented


def is_error(documented: str) -> bool:
    """Tell whether a documented output is the last line of a traceback."""
    return documented.partition(":")[0].endswith("Error")


def assert_same_text(expected: str, printed: str, relative: float = 0.0) -> None:
    """Assert that a text is the expected one; on failure show both, line by line."""
    if not printed_text.same_text(expected, printed, relative):
        wanted, got = printed_text.matching_part(expected, printed)
        assert got.split("\n") == wanted.split("\n")
        raise AssertionError("equal text that was said to differ")
