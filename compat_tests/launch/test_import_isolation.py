"""``import jtorch`` brings in what it needs and nothing else, and leaves other names alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from compat_tests.documents.execution import environment

PROBE = """
import json, sys, time
started = time.perf_counter()
{statement}
print(json.dumps({{"seconds": time.perf_counter() - started, "modules": sorted(sys.modules)}}))
"""


def modules_after(statement: str, folder: Path) -> dict:
    """Run a statement in a fresh interpreter; return the modules loaded and the time it took."""
    finished = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == "", "importing writes to standard error"
    return json.loads(finished.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def after_import(tmp_path_factory, record_testsuite_property):
    """Import jtorch once; the time it took goes to the report (--junit-xml), and gates nothing."""
    found = modules_after("import jtorch", tmp_path_factory.mktemp("imports"))
    record_testsuite_property("import_jtorch_seconds", round(found["seconds"], 3))
    return found


@pytest.mark.parametrize(
    "package",
    ["torch", "matplotlib", "scipy", "flax", "pandas", "IPython", "graphviz", "tqdm", "sklearn"],
)
def test_import_does_not_bring_in(package, after_import):
    loaded = [
        name
        for name in after_import["modules"]
        if name == package or name.startswith(f"{package}.")
    ]
    assert loaded == []


@pytest.mark.parametrize(("own", "frozen"), [(0, True), (300_000, False)])
def test_full_collections_leave_out_the_library_where_a_program_begins(own, frozen, tmp_path):
    statement = (
        f"import gc; own = [[] for _ in range({own})]; import jtorch; "
        "assert gc.isenabled(); print((gc.get_freeze_count() > 50_000) is %s)" % frozen
    )
    done = subprocess.run(
        [sys.executable, "-c", statement],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


def test_import_leaves_no_thread_and_no_file_behind(tmp_path):
    found = modules_after(
        "import threading; before = threading.active_count(); import jtorch;"
        "assert threading.active_count() == before, threading.enumerate()",
        tmp_path,
    )
    assert "jtorch" in found["modules"]
    assert list(tmp_path.iterdir()) == []


def test_import_does_not_start_a_device(tmp_path):
    """A backend started at import would fix the devices before the user can choose them."""
    modules_after(
        "import jtorch; from jax._src import xla_bridge; assert not xla_bridge._backends",
        tmp_path,
    )
