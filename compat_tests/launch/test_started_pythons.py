"""Pythons that a program starts itself: ``torch`` is jtorch there, too, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys

from compat_tests.helpers.paths import ROOT

PROGRAM = r"""
import os, subprocess, sys, tempfile

def ask(*command, **options):
    found = subprocess.run([*command], capture_output=True, text=True, **options)
    print(found.stdout.strip() or found.stderr.strip().splitlines()[-1])

ask(sys.executable, "-c", "import sys, torch; print('jtorch' in sys.modules, torch.ones(1))")
ask(sys.executable, "-c", "import torch.nn.functional as F; print(F.__name__)")
ask(sys.executable, "-c", "import sys; print('jtorch' in sys.modules, 'jax' in sys.modules)")
ask(sys.executable, "-c", "import sys; print(any('children' in path for path in sys.path))")
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "sitecustomize.py"), "w") as file:
        file.write("print('the other one')")
    path = os.environ["PYTHONPATH"] + os.pathsep + folder
    ask(sys.executable, "-c", "pass", env={**os.environ, "PYTHONPATH": path})
ask(sys.executable, "-c", "import torch; print(torch.__version__)",
    env={**os.environ, "JTORCH_CHILDREN": "/another/environment"})
"""


def test_children_are_followed(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-m", "jtorch", str(program)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    *first, last = found.stdout.splitlines()
    assert first == [
        "True tensor([1.])",
        "jtorch.nn.functional",
        "False False",
        "False",
        "the other one",
    ]
    # A Python of another environment has the PyTorch that is installed there, or none.
    assert "jtorch" not in last
