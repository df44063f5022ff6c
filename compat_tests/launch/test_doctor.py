"""``python -m jtorch doctor``: what it says, what it calls wrong, and when it is a script."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import jtorch as torch
from compat_tests.helpers.paths import ROOT
from jtorch._core import config
from jtorch._launch import built_on_pytorch, doctor


def run(cwd: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess:
    """Run ``python -m jtorch`` in a folder, with these settings of jtorch and no others."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("JTORCH_")}
    settings = {"JTORCH_CACHE_DIR": str(cwd / "cache"), **settings}
    return subprocess.run(
        [sys.executable, "-m", "jtorch", *arguments],
        env={**own, "PYTHONPATH": str(ROOT), **settings},
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> dict:
    done = run(tmp_path_factory.mktemp("doctor"), "doctor", "--json", "--no-measure")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_versions_and_devices_are_those_of_this_environment(report):
    for name in ("jax", "jaxlib", "numpy", "optax"):
        assert report["versions"][name] == importlib.metadata.version(name)
    assert report["versions"]["python"].startswith(".".join(map(str, sys.version_info[:3])))
    names = [each["jtorch"] for each in report["devices"]]
    assert names[-1] == "cpu"
    assert len(names) - 1 == torch.cuda.device_count()


def test_each_setting_is_told(report):
    told = {each["name"]: each["value"] for each in report["settings"]}
    switches = {name for name in vars(config) if name.isupper() and name[0] != "_"}
    assert {name.removeprefix("JTORCH_") for name in told} == switches | {"FULL_TRACEBACK"}
    assert told["JTORCH_EXECUTION"] == "auto"
    assert [each["name"] for each in report["settings"] if each["set"]] == ["JTORCH_CACHE_DIR"]


def test_folder_that_is_not_there_yet_is_not_made(report):
    kept = report["cache"]
    assert (kept["used"], kept["programs"], kept["permissions"]) == (True, 0, None)
    assert kept["state"] == "used, made with the first compiled program"


def test_programs_in_the_folder_are_counted(tmp_path):
    made = tmp_path / "cache" / "kind"
    made.mkdir(parents=True)
    (made / "a-cache").write_bytes(b"12345")
    (made / "index").write_bytes(b"12")
    (tmp_path / "cache").chmod(0o700)
    done = run(tmp_path, "doctor", "--json", "--no-measure")
    kept = json.loads(done.stdout)["cache"]
    assert (kept["programs"], kept["bytes"]) == (1, 7)
    assert (kept["state"], kept["permissions"]) == ("used", "drwx------")


def test_lines_say_the_same(report):
    text = doctor.as_text(report)
    assert f"jax        {report['versions']['jax']}" in text
    for title in ("versions", "devices", "settings", "measured", "wrong"):
        assert f"\n{title}\n" in f"\n{text}"
    assert "nothing was found" in text


def test_settings_that_are_not_read_are_wrong(tmp_path):
    settings = {"JTORCH_CASH": "0", "JTORCH_MAX_NODES": "many", "JTORCH_EXECUTION": "fast"}
    done = run(tmp_path, "doctor", "--no-measure", **settings)
    assert done.returncode == 1
    assert done.stdout.partition("\nwrong\n")[2].splitlines() == [
        "  JTORCH_CASH is set, but jtorch has no such setting",
        "  JTORCH_MAX_NODES=many is no number: it counts as 200000",
        "  JTORCH_EXECUTION=fast is no choice: it counts as auto",
    ]


def test_folder_that_others_may_write_to_is_wrong(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    done = run(tmp_path, "doctor", "--no-measure")
    assert done.returncode == 1
    assert "  permissions  drwxrwxrwx\n" in done.stdout
    assert done.stdout.partition("\nwrong\n")[2] == (
        "  compiled programs are not kept on disk; not used: others may write to it; after "
        "`chmod 700` it will be used\n"
    )


def test_folder_that_is_switched_off_is_not_wrong(tmp_path):
    done = run(tmp_path, "doctor", "--no-measure", JTORCH_CACHE="0")
    assert done.returncode == 0
    assert "not used: JTORCH_CACHE switches it off" in done.stdout


@pytest.mark.parametrize("arguments", [["doctor"], ["./doctor"], ["--", "doctor"]])
def test_script_of_that_name_is_run(arguments, tmp_path):
    (tmp_path / "doctor").write_text("import sys, torch\nprint(torch.__version__, sys.argv)\n")
    done = run(tmp_path, *arguments, "--json")
    assert done.stdout == f"{torch.__version__} {[arguments[-1], '--json']}\n"


def test_folder_of_that_name_is_run(tmp_path):
    (tmp_path / "doctor").mkdir()
    (tmp_path / "doctor" / "__main__.py").write_text("print('a folder')\n")
    assert run(tmp_path, "doctor").stdout == "a folder\n"


def test_after_two_dashes_it_is_always_a_script(tmp_path):
    done = run(tmp_path, "--", "doctor")
    assert done.returncode == 2 and "can't open file" in done.stderr


def test_module_is_the_report_whatever_else_there_is(tmp_path):
    (tmp_path / "doctor").write_text("print('a script')\n")
    done = run(tmp_path, "-m", "jtorch._launch.doctor", "--help")
    assert done.stdout == doctor.HELP


def test_unknown_option_is_refused(tmp_path):
    done = run(tmp_path, "doctor", "--yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("doctor: unknown option --yaml\nusage: ")


@pytest.mark.execution("auto")
def test_both_tiers_are_measured_and_left_as_they_were(monkeypatch):
    monkeypatch.setattr(doctor, "_SIDE", 16)
    monkeypatch.setattr(doctor, "_STEPS", 6)
    for name in ("EXECUTION", "_CHOSEN_EXECUTION"):  # whichever the suite runs by
        monkeypatch.setattr(config, name, "auto")
    torch.manual_seed(3)
    first = doctor.measure()[0]
    assert torch.initial_seed() == 3 and config.EXECUTION == "auto"
    begun, compiled = first["training_steps"]
    assert (begun["tier"], begun["runs_interpreted"], begun["programs_compiled"]) == (
        "as it begins",
        6,
        0,
    )
    assert compiled["runs_interpreted"] == 0 and compiled["programs_compiled"] >= 1
    assert first["device"] == "cpu" and first["product_gflops"] > 0


# --- packages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requirements", "found"),
    [
        (None, None),
        (["numpy", "torch>=2.1"], "torch>=2.1"),
        (["Torch (>=1.8)"], "Torch (>=1.8)"),
        (['torch ; python_version >= "3.9"'], "torch"),
        (['torch>=2; extra == "gpu"'], None),
        (["torchvision", "torch-geometric", "pytorch"], None),
    ],
)
def test_what_a_package_asks_of_pytorch(requirements, found):
    assert built_on_pytorch.requirement_of_pytorch(requirements) == found


@pytest.mark.parametrize(
    ("requirement", "newer"),
    [
        ("torch", False),
        ("torch>=2.0,<3", False),
        ("torch==2.13.0", False),
        ("torch (>=2.14.0)", True),
        ("torch<3,>=2.13.1", True),
        ("torch~=3.0", True),
        ("torch!=2.20", False),
    ],
)
def test_package_that_asks_for_a_newer_pytorch(requirement, newer):
    assert built_on_pytorch.asks_for_newer(requirement) == newer


def install(folder: Path, name: str, requirement: str, files: dict[str, bytes]) -> None:
    """Put a distribution into a folder, as an installer leaves it."""
    metadata = folder / f"{name}-1.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\nRequires-Dist: {requirement}\n"
    )
    for file, content in files.items():
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    (metadata / "RECORD").write_text("".join(f"{file},,\n" for file in files))


def test_packages_with_libraries_of_their_own_are_told_apart(tmp_path, monkeypatch):
    install(tmp_path, "plain", "torch", {"plain/a.py": b"import torch # libtorch.so"})
    linked = {"linked/_C.so": b"\x7fELF libtorch_cpu.so", "linked/_D.so": b"\x7fELF libm.so"}
    install(tmp_path, "linked", "torch>=2", {**linked, "linked/empty.so": b""})
    install(tmp_path, "other", "numpy", {"other/_C.so": b"libtorch.so"})
    monkeypatch.syspath_prepend(tmp_path)
    found = {each.name: each for each in built_on_pytorch.find()}
    assert found["plain"] == ("plain", "1.5", "torch", False, ())
    assert found["linked"] == ("linked", "1.5", "torch>=2", False, ("linked/_C.so",))
    assert "other" not in found


@pytest.mark.usefixtures("without_pytorch")
def test_installed_pytorch_is_told_and_jtorch_is_not_taken_for_it(tmp_path, monkeypatch):
    install(tmp_path, "torch", "numpy", {})
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert built_on_pytorch.installed_pytorch() == "1.5"
    monkeypatch.setattr(sys, "path", [])
    with torch.installed():
        assert importlib.metadata.version("torch") == torch.__version__
        assert built_on_pytorch.installed_pytorch() is None
