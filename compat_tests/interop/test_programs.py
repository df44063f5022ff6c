"""The programs of ``examples/with_jax/``, each run as a user runs it, against what was recorded.

Words are compared letter by letter; numbers, which another processor rounds in another way over
many steps, to a tenth.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from compat_tests.helpers.paths import GOLDEN, ROOT

pytestmark = pytest.mark.examples

FOLDER = ROOT / "examples" / "with_jax"
RECORDED = GOLDEN / "examples_with_jax"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py"))
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@pytest.mark.parametrize("name", PROGRAMS)
def test_prints_what_was_recorded(name, tmp_path):
    if name == "export_and_reload":
        pytest.importorskip("flatbuffers")
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    ran = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert ran.returncode == 0, ran.stderr
    expected = (RECORDED / f"{name}.txt").read_text(encoding="utf-8")
    assert NUMBER.sub("#", ran.stdout) == NUMBER.sub("#", expected)
    ours, theirs = (list(map(float, NUMBER.findall(text))) for text in (ran.stdout, expected))
    assert ours == pytest.approx(theirs, rel=0.1, abs=0.1)


def test_every_program_has_a_record_and_a_line_in_the_readme():
    assert sorted(path.stem for path in RECORDED.glob("*.txt")) == PROGRAMS
    readme = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert [name for name in PROGRAMS if f"with_jax/{name}.py" not in readme] == []
