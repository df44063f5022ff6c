"""Programs of a user, each statement held to what PyTorch 2.13 prints for it, to the character.

``golden/programs.json`` is recorded by ``python -m tools.record_goldens.programs``. The
statements of one program share their state, so a difference early on can show again later.
"""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

import pytest

from compat_tests.conftest import BACKEND
from compat_tests.documents.execution import command, environment
from compat_tests.helpers.paths import GOLDEN, SUITE
from compat_tests.helpers.paths import PROGRAMS as PROGRAM_FOLDER

RUNNER = SUITE / "helpers" / "statement_runner.py"
PROGRAMS = sorted(PROGRAM_FOLDER.glob("*.py"))
RECORDED = json.loads((GOLDEN / "programs.json").read_text(encoding="utf-8"))
PRINTING = [
    pytest.param(program, number, id=f"{program}-{number:02d}")
    for program, statements in RECORDED.items()
    for number, statement in enumerate(statements)
    if statement["stdout"]
]

# One worker runs all of them, so that the programs are executed once.
pytestmark = pytest.mark.xdist_group("programs")


def run_programs(backend: str, scratch: Path) -> tuple[dict, str]:
    """Run all programs in one process; return the results and what was written to stderr."""
    results = scratch / "results.json"
    finished = subprocess.run(
        [*command(backend), str(RUNNER), str(results), *map(str, PROGRAMS)],
        cwd=scratch,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode != 0:
        raise RuntimeError(f"the programs could not be run:\n{finished.stderr}")
    return json.loads(results.read_text(encoding="utf-8")), finished.stderr


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_programs(BACKEND, tmp_path_factory.mktemp("programs"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_recorded_for_the_program_as_it_stands(path):
    source = path.read_text(encoding="utf-8")
    statements = [ast.get_source_segment(source, node) for node in ast.parse(source).body]
    assert [statement["code"] for statement in RECORDED[path.stem]] == statements


def test_every_recorded_program_exists():
    assert sorted(RECORDED) == [path.stem for path in PROGRAMS]


@pytest.mark.parametrize(("program", "number"), PRINTING)
def test_statement_prints(program, number, run):
    expected, actual = RECORDED[program][number], run[0][program][number]
    assert actual["error"] == "", f"raised by: {actual['code']}"
    assert actual["stdout"] == expected["stdout"], f"printed by: {expected['code']}"


@pytest.mark.parametrize("program", [path.stem for path in PROGRAMS])
def test_silent_statements_do_not_raise(program, run):
    raised = [
        f"{statement['error']}, raised by: {statement['code'].splitlines()[0]}"
        for statement, recorded in zip(run[0][program], RECORDED[program], strict=True)
        if statement["error"] and not recorded["stdout"]
    ]
    assert raised == []


def test_nothing_is_written_to_standard_error(run):
    assert run[1] == ""


def test_import_statement_is_torch():
    """The programs must say what a user's script says, not what jtorch is called here."""
    assert [path.stem for path in PROGRAMS if "jtorch" in path.read_text(encoding="utf-8")] == []
