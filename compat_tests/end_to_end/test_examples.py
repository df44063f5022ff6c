"""The programs of ``examples/``, each run as a user runs it, against what PyTorch printed."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from compat_tests.conftest import BACKEND
from compat_tests.helpers.paths import GOLDEN
from tools.record_goldens.examples import (
    CASES,
    EXAMPLES,
    RED_WINE,
    SMALL_TABLE,
    Case,
    run,
    write_small_table,
)

pytestmark = pytest.mark.examples

# COMPAT_BACKEND=torch holds the programs against PyTorch, by which the golden files were recorded.
INTERPRETER = [sys.executable] if BACKEND == "torch" else [sys.executable, "-m", "jtorch"]
PICTURES = [
    Case("surface", "gradient_descent_surface.py", ("--steps", "5", "--picture", "out.png")),
    Case("polynomial", "polynomial_gradient.py", ("--picture", "out.png")),
    Case("wine", "wine_quality.py", ("--steps", "5", "--picture", "out.png"), SMALL_TABLE),
]


def wine_path(request: pytest.FixtureRequest) -> Path:
    """Return the path of the real wine data, or skip."""
    return request.getfixturevalue("wine_folder") / RED_WINE


def skip_what_cannot_run(case: Case, request: pytest.FixtureRequest) -> None:
    """Skip a case that lacks a package, or that takes long where nobody asked for examples."""
    if case.picture:
        for package in ("matplotlib", "sklearn", "tqdm"):
            pytest.importorskip(package)
    # Read from the command line: a whole run without -m keeps to what is quick.
    asked = "examples" in request.config.option.markexpr or BACKEND == "torch"
    if case.long and not asked:
        pytest.skip("takes long to compile: run with -m examples")


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the programs, which run in another folder, import the package from this tree."""
    paths = [str(EXAMPLES.parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_prints_what_pytorch_prints(
    case: Case, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    skip_what_cannot_run(case, request)
    if case.data == SMALL_TABLE:
        write_small_table(tmp_path / SMALL_TABLE)
    elif case.data == RED_WINE:
        shutil.copy(wine_path(request), tmp_path / RED_WINE)
    result = run(case, INTERPRETER, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (GOLDEN / "examples" / f"{case.name}.txt").read_text(encoding="utf-8")
    assert result.stderr == ""
    if case.picture:
        assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_every_golden_file_belongs_to_a_case() -> None:
    assert {path.stem for path in (GOLDEN / "examples").glob("*.txt")} == {
        case.name for case in CASES
    }


def test_every_example_has_a_case_and_a_line_in_the_readme() -> None:
    programs = {path.name for path in EXAMPLES.glob("*.py")}
    assert {case.program for case in CASES} == programs
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [name for name in sorted(programs) if f"examples/{name}" not in readme] == []


@pytest.mark.parametrize("case", PICTURES, ids=lambda case: case.name)
def test_draws_a_picture(case: Case, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_small_table(tmp_path / SMALL_TABLE)
    result = run(case, INTERPRETER, tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_draws_the_graph(tmp_path: Path) -> None:
    pytest.importorskip("graphviz")
    if shutil.which("dot") is None:
        pytest.skip("Graphviz's program dot is not installed")
    result = run(Case("graph", "computation_graph.py"), INTERPRETER, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("Picture: graph.png\n")
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_writes_the_graph_without_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run(Case("graph", "computation_graph.py"), INTERPRETER, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1].startswith("No picture: ")
    written = (tmp_path / "graph.dot").read_text(encoding="utf-8")
    assert result.stdout.startswith(written)


def test_names_a_missing_file(tmp_path: Path) -> None:
    result = run(Case("wine", "wine_quality.py", data="nowhere.pt"), INTERPRETER, tmp_path)
    assert result.returncode == 1
    assert result.stderr == "There is no file nowhere.pt.\n"


def test_refuses_a_download_that_is_not_the_published_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each program runs in a process of its own, so the false archive is planted by sitecustomize.
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "sitecustomize.py").write_text(
        "import io, sys, urllib.request\n"
        "urllib.request.urlopen = lambda *args, **options: io.BytesIO(b'altered')\n"
        "sys.modules['sklearn'] = None\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(planted), os.environ["PYTHONPATH"]]))
    result = run(Case("wine", "wine_quality.py"), INTERPRETER, tmp_path)
    assert result.returncode == 1
    assert "its checksum is" in result.stdout
    assert result.stderr.startswith("Nothing to train on.")
    assert not list(tmp_path.rglob("winequality-*.csv"))
