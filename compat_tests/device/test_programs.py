"""The programs recorded from PyTorch's CPU, with the device as the default one."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from compat_tests.documents.execution import command, environment
from compat_tests.helpers.paths import GOLDEN, PROGRAMS, SUITE

RUNNER = SUITE / "helpers" / "statement_runner.py"
RECORDED = json.loads((GOLDEN / "programs.json").read_text(encoding="utf-8"))

#: Programs of numbers that a GPU draws in another way, and generators of the CPU.
RANDOM = {"data_pipeline", "seeded_random", "training_loops"}
#: Statements that a GPU answers in another way, PyTorch's too, by their number in the program.
OF_THE_CPU = {
    "autograd_graph": {41},  # NumPy
    "graph_nodes": {33},  # NumPy
    "indexing": {37},  # an index out of range
    "layers": {11},  # the last of four digits, where a sum has another order
    "messages": {38, 39, 53, 55},  # no CUDA; indices out of range
    "modules": {33, 44},  # names of types, devices in texts
    "printing": {38},  # names of types
    "reductions": {14},  # a sum of 2.0 that is off by one rounding
    # A tensor of the CPU inside of a function of tensors of a GPU; random numbers.
    "vmap": {12, 20, 26, 27, 28},
}
STATEMENTS = [
    pytest.param(program, number, id=f"{program}-{number:02d}")
    for program, statements in RECORDED.items()
    if program not in RANDOM
    for number in range(len(statements))
    if number not in OF_THE_CPU.get(program, ())
]
pytestmark = pytest.mark.xdist_group("programs_on_device")


def on_any_device(text: str) -> str:
    """Return a text without what says where a tensor is."""
    text = re.sub(r"\s+", " ", text)
    return text.replace(", device='cuda:0'", "").replace("cuda:0", "cpu").replace("CUDA", "CPU")


@pytest.fixture(scope="module")
def run(tmp_path_factory, device, request):
    scratch = tmp_path_factory.mktemp("programs")
    mine = [item for item in request.session.items if item.path == request.path]
    wanted = {item.callspec.params["program"] for item in mine}
    programs = [str(SUITE / "programs" / f"{name}.py") for name in sorted(wanted)]
    assert all((PROGRAMS / f"{name}.py").is_file() for name in RECORDED)
    words = [*command("jtorch"), str(RUNNER), "--device", "cuda", "results.json", *programs]
    subprocess.run(words, cwd=scratch, env=environment(), check=True)
    return json.loads((scratch / "results.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("program", "number"), STATEMENTS)
def test_statement_prints(program, number, run):
    expected, actual = RECORDED[program][number], run[program][number]
    assert actual["error"] == "", f"raised by: {actual['code']}"
    found, recorded = on_any_device(actual["stdout"]), on_any_device(expected["stdout"])
    assert found == recorded, f"printed by: {expected['code']}"
