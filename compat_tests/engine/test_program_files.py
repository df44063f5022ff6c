"""The directory of programs: whose it is, and files in it that are not what their names say."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import pytest

from compat_tests.helpers.paths import ROOT
from jtorch._engine.execution import disk_cache

PROGRAMS = """
import jtorch as torch
x = torch.arange(6.0)
print((x * 2 + 1).tolist(), x.reshape(2, 3).softmax(1).sum(0).tolist(), (x > 2).tolist())
y = torch.arange(4)
print((y + 1).tolist(), (y * y).sum().item(), torch.cumsum(y, 0).tolist())
"""


def run(folder, umask=0o022):
    environment = {**os.environ, "JTORCH_CACHE": "1", "JTORCH_CACHE_DIR": str(folder)}
    environment |= {"PYTHONPATH": str(ROOT), "JTORCH_LOG": "1", "JTORCH_EXECUTION": "compile"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS],
        env=environment, capture_output=True, text=True, check=True, umask=umask,
    )  # fmt: skip
    return done.stdout, done.stderr


@pytest.mark.parametrize("ending", ["-index-cache", "-cache"])
def test_files_in_the_place_of_one_another_are_not_taken(tmp_path, ending):
    expected, _ = run(tmp_path)
    files = sorted(tmp_path.glob(f"*/*{ending}"))
    if ending == "-cache":
        files = [path for path in files if not path.name.endswith("-index-cache")]
    contents = [path.read_bytes() for path in files]
    assert len(contents) > 3
    for path, content in zip(files, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)
    printed, log = run(tmp_path)
    assert printed == expected and "loaded in" not in log
    printed, log = run(tmp_path)
    assert printed == expected and "loaded in" in log and "compiled" not in log


def test_the_directory_is_its_owners_alone(tmp_path):
    folder = tmp_path / "made" / "here"
    run(folder, umask=0)
    assert {
        path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir()) if path.is_dir()
    } == {0o700}


def test_the_directory_is_its_owners_alone_when_pruning_makes_it(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_cache, "_root", tmp_path / "programs")
    disk_cache.prune_if_due()
    assert (tmp_path / "programs").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_directory_that_others_may_write_to_is_not_used(tmp_path, mode):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(mode)
    printed, log = run(folder)
    assert printed.startswith("[1.0, 3.0")
    assert log.count("others may write to it; after `chmod 700` it will be used") == 1
    assert list(folder.iterdir()) == []
    folder.chmod(0o700)
    assert "others may write" not in run(folder)[1]
    assert list(folder.iterdir())


def test_a_directory_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.warns(UserWarning, match="it belongs to another user"):
        assert disk_cache._is_left_alone(tmp_path)
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not disk_cache._is_left_alone(tmp_path)


def test_options_that_xla_does_not_have_are_asked_for_once(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_cache, "_root", tmp_path)
    disk_cache.unknown_options.cache_clear()
    try:
        assert disk_cache.unknown_options() == frozenset()
        (tmp_path / disk_cache._kind_of_machine()).mkdir()
        disk_cache.note_unknown_options({"xla_one", "xla_two"})
        disk_cache.unknown_options.cache_clear()
        assert disk_cache.unknown_options() == {"xla_one", "xla_two"}
    finally:
        disk_cache.unknown_options.cache_clear()
