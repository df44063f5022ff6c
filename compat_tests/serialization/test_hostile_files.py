"""No file, whatever is in it, takes more than a second and 500 megabytes, or ends unclearly."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys

import pytest

from compat_tests.helpers import hostile_files
from compat_tests.helpers.paths import ROOT

#: What loading may raise: PyTorch's own exceptions, and what jtorch says it does not have.
ALLOWED = (
    "UnpicklingError", "RuntimeError", "EOFError", "ValueError", "TypeError", "KeyError",
    "IndexError", "AssertionError", "NotImplementedError", "AttributeError", "error",
)  # fmt: skip
NEVER = ("RecursionError", "MemoryError", "SystemError", "KeyboardInterrupt", "OSError")
SECONDS = 1.0

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux", reason="the address space is limited as Linux does it"
    ),
    pytest.mark.slow,
    pytest.mark.xdist_group("hostile files"),
]


@functools.cache
def outcomes(mode):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JTORCH_EXECUTION": "compile"}
    command = [sys.executable, "-m", "compat_tests.helpers.hostile_files", mode]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("mode", ["default", "mmap"])
def test_every_file_ends_soon_and_clearly(mode):
    found = outcomes(mode)
    assert len(found) == len(list(hostile_files.files())) >= 200
    unclear = {
        name: line["error"][0]
        for name, line in found.items()
        if "error" in line
        and (set(NEVER) & set(line["error"]) or not set(ALLOWED) & set(line["error"]))
    }
    assert unclear == {}
    slow = {name: line["seconds"] for name, line in found.items() if line["seconds"] > SECONDS}
    assert slow == {}


def test_a_changed_byte_is_never_another_value():
    lines = outcomes("default")
    changed = [line for name, line in lines.items() if name.startswith("an archive, byte")]
    assert len(changed) == 40
    assert {line.get("value") for line in changed} <= {
        None,
        "(2, 2) (2, 1) [[1.0, 2.0], [3.0, 4.0]]",
    }
    assert sum("CRC-32 check failed" in line.get("words", "") for line in changed) >= 5
    cut = [line for name, line in lines.items() if ", cut at" in name]
    assert len(cut) == 80 and all("error" in line for line in cut)


@pytest.mark.parametrize("mode", ["default", "mmap"])
def test_a_view_larger_than_its_storage_loads(mode):
    found = outcomes(mode)
    assert found["a billion elements of one"]["value"] == "(1000000000,) (0,) ..."
    assert found["a storage in 50000 single tuples"]["value"] == "tuple"
    # Nothing of a legacy file can be mapped.
    expected = "value" if mode == "default" else "error"
    assert expected in found["legacy: a billion elements of one"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("keys that collide", "more than 100 keys of a dict have one hash"),
        ("tuples that collide", "more than 100 keys of a dict have one hash"),
        ("a set that collides", "more than 100 keys of a dict have one hash"),
        ("text encoded", "the pickle asks for more copies than its size accounts for"),
        ("attributes copied", "the pickle asks for more copies than its size accounts for"),
        ("a gigabyte deflated", "the compressed records grow beyond all proportion"),
        ("65 dimensions", "a tensor of 65 dimensions; at most 64"),
    ],
)
def test_what_is_refused(name, words):
    assert words in outcomes("default")[name]["words"]
    legacy = outcomes("default").get(f"legacy: {name}")
    assert legacy is None or words in legacy["words"]
