"""What every test of the suite shares: the library under test, the known gaps, the wine files."""

from __future__ import annotations

import importlib
import os
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
KNOWN_GAPS = Path(__file__).with_name("known_gaps.toml")

# COMPAT_BACKEND=torch runs the tests that use the fixture against PyTorch itself: that is how their
# expectations were checked.
BACKEND = os.environ.get("COMPAT_BACKEND", "jtorch")


#: How many cases of one test function ``--reduced`` keeps; the option stands in ``conftest.py``
#: of the repository.
REDUCED = 20
DEVICE_TESTS = Path(__file__).with_name("device")


def pytest_configure(config: pytest.Config) -> None:
    """Let a device of the host stand in for the GPU, before anything imports jtorch."""
    if config.getoption("--device", None) == "stand-in":
        os.environ["JTORCH_FAKE_CUDA"] = "1"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the tests of a device to ``--device``, which runs nothing else that is not named."""
    if collection_path.suffix != ".py":
        return None
    of_device = collection_path.is_relative_to(DEVICE_TESTS)
    if config.getoption("--device", None) is None:
        return True if of_device else None
    named = [Path(word.partition("::")[0]).resolve() for word in config.args]
    return None if of_device or collection_path in named else True


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """Return the library under test: jtorch, unless COMPAT_BACKEND names another."""
    return importlib.import_module(BACKEND)


@pytest.fixture
def without_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take PyTorch out of the modules of this process, where another test imported it."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("torch", "functorch"):
            monkeypatch.delitem(sys.modules, name)


@pytest.fixture(autouse=True)
def _execution(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test that says so under one tier, whatever the process was started with."""
    marker = request.node.get_closest_marker("execution")
    if marker is not None and BACKEND == "jtorch":
        config = importlib.import_module("jtorch._core.config")
        monkeypatch.setattr(config, "EXECUTION", marker.args[0])
        monkeypatch.setenv("JTORCH_EXECUTION", marker.args[0])


@pytest.fixture(scope="session")
def wine_folder() -> Path:
    """Return the folder that holds ``wine-red.pt``; skip the test where there is none."""
    named = os.environ.get("JTORCH_WINE_DATA")
    candidates = [Path(named)] if named else []
    candidates += [ROOT / "examples" / "data", ROOT.parent / "shared" / "data"]
    for folder in candidates:
        if (folder / "wine-red.pt").is_file():
            return folder
    pytest.skip("wine-red.pt is neither in examples/data nor in $JTORCH_WINE_DATA")


def read_known_gaps(path: Path = KNOWN_GAPS) -> list[tuple[str, str]]:
    """Return (test id pattern, reason) of each known gap.

    Raises:
        pytest.UsageError: an entry lacks its tests or its reason.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("gap", [])
    gaps = []
    for entry in entries:
        if not entry.get("tests") or not entry.get("reason", "").strip():
            raise pytest.UsageError(f"{path.name}: an entry needs tests and a reason: {entry}")
        gaps += [(pattern, entry["reason"]) for pattern in entry["tests"]]
    return gaps


def matches(pattern: str, test_id: str) -> bool:
    """Tell whether a test id fits a pattern in which only ``*`` is special."""
    expression = ".*".join(map(re.escape, pattern.split("*")))
    return re.fullmatch(expression, test_id) is not None


def reduce(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that ``--reduced`` keeps: of those that share a run, the first ones."""
    by_function: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_function.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept = []
    for cases in by_function.values():
        together = cases[0].get_closest_marker("xdist_group") is not None
        step = 1 if together else max(1, len(cases) / REDUCED)
        kept += [cases[int(place * step)] for place in range(min(REDUCED, len(cases)))]
    return kept


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the known gaps as strict expected failures; refuse an entry that matches no test."""
    if config.getoption("--reduced", False):
        kept = reduce(items)
        config.hook.pytest_deselected(items=[each for each in items if each not in set(kept)])
        items[:] = kept
    if BACKEND != "jtorch":
        return
    by_file: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.nodeid.partition("::")[0], []).append(item)
    whole_files = not config.getoption("--reduced", False) and not any(
        "::" in argument for argument in config.args
    )
    for pattern, reason in read_known_gaps():
        file = pattern.partition("::")[0]
        found = [item for item in by_file.get(file, []) if matches(pattern, item.nodeid)]
        if not (ROOT / file).is_file():
            raise pytest.UsageError(f"{KNOWN_GAPS.name}: no file {file}")
        if not found and file in by_file and whole_files:
            raise pytest.UsageError(f"{KNOWN_GAPS.name}: no test matches {pattern}")
        for item in found:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
