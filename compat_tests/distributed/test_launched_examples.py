"""The examples that train in several processes, started as a user starts them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from compat_tests.helpers.paths import ROOT
from compat_tests.helpers.processes import child_environment

FOLDER = ROOT / "examples" / "distributed"
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
CLASSIFIED = [
    "epoch 1  loss 0.70  accuracy 0.77",
    "epoch 2  loss 0.26  accuracy 0.93",
    "epoch 3  loss 0.18  accuracy 0.90",
]


def printed(words, folder, library):
    run = {"jtorch": ["-m", "jtorch"], "torch": []}[library]
    if words[0] == "--nproc-per-node":
        run = ["-m", f"{library}.distributed.run", "--standalone", "--local-ranks-filter", "0"]
    # PyTorch now and then aborts at its end, with a thread of gloo still running: "terminate called
    # without an active exception". Then it is asked again.
    for _ in range({"jtorch": 1, "torch": 4}[library]):
        done = subprocess.run(
            [sys.executable, *run, *words],
            cwd=folder,
            env=child_environment(OMP_NUM_THREADS="1"),
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        if "SIGABRT" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
    # Gloo says on standard output that it is connected.
    return re.findall(r"^(?:step.*|epoch.*|\d+ parameters.*)$", done.stdout, re.M)


LIBRARIES = ["jtorch", pytest.param("torch", marks=pytest.mark.oracle)]


@pytest.mark.distributed
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_language_model_prints_what_pytorch_prints(library, tmp_path):
    program = str(FOLDER / "tiny_gpt.py")
    words = ["--nproc-per-node", "2", program]
    assert printed(words, tmp_path, library) == TRAINED
    assert (tmp_path / "tiny_gpt.pt").is_file()
    assert printed([*words, "--resume", "--steps", "80"], tmp_path, library) == RESUMED
    alone = [program, "--steps", "20", "--checkpoint", "alone.pt"]
    assert printed(alone, tmp_path, library) == ALONE


@pytest.mark.distributed
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_classifier_prints_what_pytorch_prints(library, tmp_path):
    words = ["--nproc-per-node", "2", str(FOLDER / "shapes_classifier.py")]
    assert printed([*words, "--epochs", "2"], tmp_path, library) == CLASSIFIED[:2]
    assert (tmp_path / "shapes.pt").is_file()
    assert printed([*words, "--resume"], tmp_path, library) == CLASSIFIED[2:]


def test_the_examples_stand_in_the_readme():
    readme = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    missing = [
        path.name for path in FOLDER.glob("*.py") if f"distributed/{path.name}" not in readme
    ]
    assert missing == []
