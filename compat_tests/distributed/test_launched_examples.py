"""The example that trains in several processes, started as a user starts it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from compat_tests.helpers.paths import ROOT
from compat_tests.helpers.processes import child_environment

PROGRAM = ROOT / "examples" / "distributed" / "tiny_gpt.py"
LIMIT = 300
#: What PyTorch 2.13 prints with gloo.
TRAINED = [
    "58608 parameters in 2 processes",
    "step  20  loss 1.95  gradient 0.9",
    "step  40  loss 1.64  gradient 1.2",
    "step  60  loss 1.51  gradient 0.7",
]
RESUMED = [
    "58608 parameters in 2 processes",
    "step  80  loss 1.48  gradient 0.3",
]
ALONE = ["58608 parameters in 1 processes", "step  20  loss 2.11  gradient 0.5"]


def printed(words, folder, library):
    run = {"jtorch": ["-m", "jtorch"], "torch": []}[library]
    if words[0] == "--nproc-per-node":
        run = ["-m", f"{library}.distributed.run", "--standalone", "--local-ranks-filter", "0"]
    done = subprocess.run(
        [sys.executable, *run, *words],
        cwd=folder,
        env=child_environment(OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    # Gloo says on standard output that it is connected.
    return re.findall(r"^(?:step.*|\d+ parameters.*)$", done.stdout, re.M)


@pytest.mark.distributed
@pytest.mark.parametrize("library", ["jtorch", pytest.param("torch", marks=pytest.mark.oracle)])
def test_prints_what_pytorch_prints(library, tmp_path):
    words = ["--nproc-per-node", "2", str(PROGRAM)]
    assert printed(words, tmp_path, library) == TRAINED
    assert (tmp_path / "tiny_gpt.pt").is_file()
    assert printed([*words, "--resume", "--steps", "80"], tmp_path, library) == RESUMED
    alone = [str(PROGRAM), "--steps", "20", "--checkpoint", "alone.pt"]
    assert printed(alone, tmp_path, library) == ALONE


def test_the_example_stands_in_the_readme():
    readme = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    folder = ROOT / "examples" / "distributed"
    missing = [
        path.name for path in folder.glob("*.py") if f"distributed/{path.name}" not in readme
    ]
    assert missing == []
