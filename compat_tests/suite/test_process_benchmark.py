"""The benchmark of whole processes: it runs, compares and times programs, and survives bad ones."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from compat_tests.helpers.paths import ROOT

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def processes(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import processes

    return processes


@pytest.fixture
def outputs(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import _outputs

    return _outputs


def measured(processes, tmp_path, program, *options):
    """Return what the driver measures of a program, with jtorch in PyTorch's place."""
    script = tmp_path / "program.py"
    script.write_text(program)
    chosen = processes.arguments(["--jtorch-alone", "--repeats=1", *options])
    return processes.compare("program", [str(script)], chosen)


def test_a_program_is_run_in_every_way(processes, tmp_path):
    program = "import torch\nx = torch.arange(6.0)\nprint((x * 2 + 1).sum().item())\n"
    result = measured(processes, tmp_path, program, "--execution=compile")
    assert result["troubles"] == {} and result["differences"] == {}
    assert set(result["medians"]) == {"torch", "cold", "warm"}
    assert set(result["ratios"]) == {"cold", "warm", "memory"}
    assert all(seconds > 0.1 and mib > 20 for seconds, _, mib in result["medians"].values())
    assert result["counters"]["cold"]["programs_compiled"] == 1
    assert processes.row("program", result).count("|") == len(processes.header()[0].split("|")) - 1
    interpreted = measured(processes, tmp_path, program, "--execution=interpret")
    assert interpreted["counters"]["warm"]["programs_compiled"] == 0
    assert interpreted["counters"]["warm"]["runs_interpreted"] > 0


def test_a_program_that_never_ends_is_stopped_and_shown(processes, tmp_path):
    program = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"
    result = measured(processes, tmp_path, program, "--time-limit=1")
    assert result["timed_out"] == ["torch", "cold", "warm"]
    assert "> 1.0" in processes.row("program", result)
    assert any("not done in 1 s" in line for line in processes.end_of_table({"program": result}))


def test_a_program_that_fails_is_reported(processes, tmp_path):
    result = measured(processes, tmp_path, "raise ValueError('no data')\n")
    assert result["troubles"] == dict.fromkeys(processes.KINDS, "ValueError: no data")
    assert "failed" in processes.row("program", result)


def test_another_output_is_noticed(processes, tmp_path):
    program = "import random\nprint(random.random())\n"
    result = measured(processes, tmp_path, program)
    assert set(result["differences"]) == {"cold", "warm"}
    assert "differs" in processes.row("program", result)


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("loss 1.2345", "loss 1.2346", True),
        ("loss 1.2345", "loss 1.2445", False),
        ("loss 1.2345", "loss  1.2345", True),
        ("loss 1.2345", "cost 1.2345", False),
        ("loss nan", "loss nan", True),
        ("loss nan", "loss 1.0", False),
        ("loss 1.0", "loss inf", False),
        ("tensor([1., -0.0000])", "tensor([1.,  0.0000])", True),
        ("1e-3 (3, 4)", "1e-3 (3, 5)", False),
        ("one\ntwo", "one", False),
        ("roughly 40 steps", "roughly 70 steps", True),
        ("roughly 40 steps", "roughly 90 steps", False),
        ("roughly 40 steps", "roughly -40 steps", False),
        ("roughly 1 step", "roughly nan step", False),
    ],
)
def test_outputs_are_compared_as_numbers_and_words(outputs, expected, actual, same):
    assert (outputs.first_difference(expected, actual) is None) == same


def test_each_program_exists_and_says_only_torch(processes):
    used = {script for script, *_ in processes.PROGRAMS.values()}
    present = {path.name for path in processes.FOLDER.glob("*.py")}
    assert used == present and len(present) >= 24
    for name in present:
        text = (processes.FOLDER / name).read_text(encoding="utf-8")
        assert "\nimport torch\n" in text and "jtorch" not in text
        assert 10 < len(text.splitlines()) <= 120


def test_the_command_line_prints_the_table_and_writes_the_samples(tmp_path):
    samples = tmp_path / "samples.json"
    command = [sys.executable, str(BENCHMARKS / "processes.py"), "--only=kmeans", "--repeats=1"]
    command += ["--jtorch-alone", "--time-limit=2", f"--json={samples}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "| kmeans |" in done.stdout and "| program |" in done.stdout
    assert set(json.loads(samples.read_text())) == {"kmeans"}


def test_unknown_programs_are_refused(processes):
    with pytest.raises(SystemExit):
        processes.arguments(["--only=no_such_program"])
