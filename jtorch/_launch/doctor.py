"""``python -m jtorch doctor``: what runs where, in a form to paste into a report of a bug.

``--json`` prints the same as one object; ``--no-measure`` leaves out what takes seconds. The exit
status is 1 where something is wrong, as the last part says.
"""

from __future__ import annotations

import json
import os
import platform
import re
import stat
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import jtorch as torch

from .._core import config
from .._engine.execution import devices, disk_cache, settings
from .._version import TORCH_VERSION, __version__
from ..utils import collect_env
from . import built_on_pytorch
from .hook import find_namesake

HELP = """\
usage: python -m jtorch doctor [--json] [--no-measure]

Print what jtorch runs on: versions, devices, the folder of compiled programs, settings, a measured
product of matrices and training step, and the installed packages that build on PyTorch.

  --json         one JSON object instead of lines
  --no-measure   measure nothing

A file or folder called "doctor" in the working folder comes first, as with `python doctor`; then
`python -m jtorch._launch.doctor` prints this report. Ends with 1 where something is wrong.
"""

#: The side of the matrices that are multiplied, and how often.
_SIDE, _PRODUCTS = 1024, 7
#: Steps of the training loop; the median is of the last two thirds.
_STEPS = 30


def versions() -> dict[str, str]:
    """Return the versions that decide what runs, by name."""
    _, lines = collect_env.get_pip_packages()
    packages = dict(line.split("==", 1) for line in lines.splitlines())
    packages.pop("jtorch-jax", None)
    return {
        "jtorch": f"{__version__}, answers for torch {TORCH_VERSION.partition('+')[0]}",
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        **packages,
        "system": collect_env.get_os(),
        "libc": collect_env.get_libc_version(),
        "processor": collect_env.get_cpu_info().replace("\n", ", "),
    }


def found_devices() -> list[dict[str, str]]:
    """Return the devices that JAX finds, each with its name in jtorch where it has one."""
    ours = {id(devices.jax_device(torch.device("cpu"))): "cpu"}
    ours |= {id(each): f"cuda:{number}" for number, each in enumerate(devices.gpus())}
    return [
        {
            "jax": str(each),
            "kind": str(getattr(each, "device_kind", "")),
            "jtorch": ours.get(id(each), ""),
        }
        for each in devices.all_of_jax()
    ]


def _shortened(path: Path) -> str:
    """Return a path with ``~`` for the home folder, since its name may say who asks."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def cache() -> dict[str, Any]:
    """Return where compiled programs are kept, how many there are, and who may write there."""
    folder = disk_cache.user_directory()
    if folder is None:
        return {"folder": None, "used": False, "state": "no home folder to keep programs in"}
    files = [path for path in folder.glob("*/*") if path.is_file()] if folder.is_dir() else []
    found: dict[str, Any] = {
        "folder": _shortened(folder),
        "used": bool(settings.applied.get("disk_cache")),
        "programs": sum(path.name.endswith("-cache") for path in files),
        "bytes": sum(path.stat().st_size for path in files),
        "limit_bytes": config.CACHE_MB << 20,
        "permissions": None,
        "state": _state(folder),
    }
    if folder.is_dir():
        found["permissions"] = stat.filemode(folder.stat().st_mode)
    return found


def _state(folder: Path) -> str:
    if settings.applied.get("disk_cache"):
        return "used" if folder.is_dir() else "used, made with the first compiled program"
    if not config.CACHE:
        return "not used: JTORCH_CACHE switches it off"
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return "not used: JAX_COMPILATION_CACHE_DIR names another one"
    if not folder.is_dir():
        return "not used: it cannot be made"
    status = folder.stat()
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        return "not used: it belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "not used: others may write to it; after `chmod 700` it will be used"
    return "not used: it cannot be written to"


def _known_variables() -> list[str]:
    names = re.findall(r"``(JTORCH_\w+)``", config.__doc__ or "")
    return list(dict.fromkeys(names))


def variables() -> list[dict[str, Any]]:
    """Return every setting of jtorch with what it is, and what the environment says of it."""
    found = []
    for name in _known_variables():
        text = os.environ.get(name)
        value = getattr(config, name.removeprefix("JTORCH_"), text)
        if isinstance(value, str) and name.endswith("_DIR") and value:
            value = text = _shortened(Path(value))
        found.append({"name": name, "value": value, "set": text})
    return found


def beneath() -> dict[str, str]:
    """Return what the environment sets of JAX, XLA and the allocator."""
    prefixes = ("JAX_", "XLA_", "MALLOC_", "GLIBC_TUNABLES", "OMP_", "CUDA_VISIBLE")
    return {name: os.environ[name] for name in sorted(os.environ) if name.startswith(prefixes)}


def _seconds_of_product(device: str) -> float:
    """Return the median time of a product of two matrices of float32."""
    left = torch.ones(_SIDE, _SIDE, device=device)
    right = torch.ones(_SIDE, _SIDE, device=device)
    taken = []
    for _ in range(_PRODUCTS):
        begin = time.perf_counter()
        product = left @ right
        torch.compiler.synchronize()
        float(product[0, 0])  # an accelerator works on after it was told to
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken[2:])


def _training_steps(device: str) -> list[dict[str, Any]]:
    """Train a small network; return the times of its steps as they begin, then compiled."""
    functional = torch.nn.functional
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = []
        for inside, outside in ((784, 256), (256, 128)):
            layers += [torch.nn.Linear(inside, outside), torch.nn.ReLU()]
        network = torch.nn.Sequential(*layers, torch.nn.Linear(128, 10)).to(device)
        rows = torch.randn(64, 784).to(device)
        classes = torch.randint(10, (64,)).to(device)
    optimiser = torch.optim.Adam(network.parameters())

    def step() -> float:
        begin = time.perf_counter()
        optimiser.zero_grad()
        loss = functional.cross_entropy(network(rows), classes)
        loss.backward()
        optimiser.step()
        loss.item()
        return time.perf_counter() - begin

    found = []
    for tier in ("as it begins", "compiled"):
        if tier == "compiled":
            config.pin_one_tier(True)
        try:
            before = torch.compiler.stats()
            taken = [step() for _ in range(_STEPS)]
            after = torch.compiler.stats()
        finally:
            config.pin_one_tier(torch.are_deterministic_algorithms_enabled())
        found.append(
            {
                "tier": tier,
                "first_seconds": taken[0],
                "median_seconds": statistics.median(taken[_STEPS // 3 :]),
                "steps": _STEPS,
                "runs_interpreted": after.runs_interpreted - before.runs_interpreted,
                "programs_compiled": after.programs_compiled - before.programs_compiled,
            }
        )
    return found


def measure() -> list[dict[str, Any]]:
    """Measure a product of matrices and a training step on each kind of device."""
    found = []
    for device in ("cpu", *(("cuda:0",) if devices.gpus() else ())):
        seconds = _seconds_of_product(device)
        found.append(
            {
                "device": device,
                "product_seconds": seconds,
                "product_gflops": 2e-9 * _SIDE**3 / seconds,
                "training_steps": _training_steps(device),
            }
        )
    return found


def packages() -> list[dict[str, Any]]:
    """Return what is installed and builds on PyTorch."""
    return [each._asdict() for each in built_on_pytorch.find()]


def problems(report: dict[str, Any]) -> list[str]:
    """Return what is wrong, a sentence each."""
    found = []
    chosen = not config.CACHE or "JAX_COMPILATION_CACHE_DIR" in os.environ
    if not report["cache"]["used"] and not chosen:
        found.append(f"compiled programs are not kept on disk; {report['cache']['state']}")
    known = {*_known_variables(), "JTORCH_FULL_TRACEBACK"}
    for name in sorted(os.environ):
        if name.startswith("JTORCH_") and name not in known:
            found.append(f"{name} is set, but jtorch has no such setting")
    for each in report["settings"]:
        is_number = type(each["value"]) is int  # a switch takes any text
        if is_number and not _is_number(each["set"] or ""):
            found.append(f"{each['name']}={each['set']} is no number: it counts as {each['value']}")
    execution = os.environ.get("JTORCH_EXECUTION", "").strip()
    if execution not in ("", "auto", "compile", "interpret"):
        found.append(f"JTORCH_EXECUTION={execution} is no choice: it counts as {config.EXECUTION}")
    namesake = find_namesake()
    if namesake is not None:
        found.append(
            "the distribution 'jtorch' is another project's and shares a folder with this one: "
            "run `pip uninstall jtorch`, then reinstall jtorch-jax"
        )
    return found


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*(-?\d+\s*)?", text) is not None


def gather(measured: bool = True) -> dict[str, Any]:
    """Return the whole report.

    Args:
        measured: whether to measure, which takes some seconds.
    """
    report: dict[str, Any] = {
        "versions": versions(),
        "devices": found_devices(),
        "cache": cache(),
        "settings": variables(),
        "environment": beneath(),
        "measured": measure() if measured else [],
        "pytorch": built_on_pytorch.installed_pytorch(),
        "packages": packages(),
    }
    report["problems"] = problems(report)
    return report


def _rows(rows: list[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in rows), default=0)
    return [f"  {name:<{width}}  {text}".rstrip() for name, text in rows]


def _measured_rows(measured: list[dict[str, Any]]) -> list[tuple[str, str]]:
    rows = []
    for each in measured:
        speed = f"{each['product_seconds'] * 1e3:.2f} ms, {each['product_gflops']:.0f} GFLOP/s"
        rows.append((f"{each['device']}, {_SIDE} x {_SIDE} product, float32", speed))
        rows += [
            (
                f"{each['device']}, step of an MLP with Adam, {step['tier']}",
                f"{step['median_seconds'] * 1e3:.2f} ms, the first "
                f"{step['first_seconds'] * 1e3:.0f} ms; {step['runs_interpreted']} of "
                f"{step['steps']} interpreted, {step['programs_compiled']} programs compiled",
            )
            for step in each["training_steps"]
        ]
    return rows


def _package_rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    if report["pytorch"]:
        text = f"{report['pytorch']}, not imported by `python -m jtorch`"
        rows.append(("torch (PyTorch itself)", text))
    for each in report["packages"]:
        sees = f"asks for {each['requirement']}, will see jtorch"
        if each["newer"]:
            sees += f", which answers for torch {TORCH_VERSION.partition('+')[0]} only"
        if each["compiled"]:
            sees += f"; needs PyTorch's own libraries for {', '.join(each['compiled'])}"
        rows.append((f"{each['name']} {each['version']}", sees))
    return rows or [("none", "")]


def as_text(report: dict[str, Any]) -> str:
    """Return a report as lines for a reader."""
    kept = report["cache"]
    folder = [("folder", str(kept["folder"])), ("state", kept["state"])]
    if kept["folder"] is not None:
        size = f"{kept['programs']} programs, {kept['bytes'] / 1e6:.1f} MB"
        folder.append(("size", f"{size} of {kept['limit_bytes'] / 1e6:.0f}"))
        folder.append(("permissions", f"{kept['permissions'] or 'not made yet'}"))
    known = [
        (each["name"], f"{each['value']}" + (" (set)" if each["set"] is not None else ""))
        for each in report["settings"]
    ]
    parts = {
        "versions": list(report["versions"].items()),
        "devices": [
            (each["jax"], f"{each['kind']}, {each['jtorch'] or 'not used by jtorch'}")
            for each in report["devices"]
        ],
        "compiled programs on disk": folder,
        "settings": known + list(report["environment"].items()),
        "measured": _measured_rows(report["measured"]) or [("nothing", "")],
        "installed packages that build on PyTorch": _package_rows(report),
        "wrong": [(each, "") for each in report["problems"]] or [("nothing was found", "")],
    }
    lines = []
    for title, rows in parts.items():
        lines += [title, *_rows(rows), ""]
    return "\n".join(lines[:-1])


def main(arguments: list[str]) -> int:
    """Print the report and return the exit status.

    Args:
        arguments: what stands behind ``doctor`` on the command line.
    """
    unknown = sorted(set(arguments) - {"--json", "--no-measure", "-h", "--help"})
    if unknown:
        print(f"doctor: unknown option {unknown[0]}\n{HELP}", end="", file=sys.stderr)
        return 2
    if {"-h", "--help"} & set(arguments):
        print(HELP, end="")
        return 0
    report = gather("--no-measure" not in arguments)
    print(json.dumps(report, indent=2) if "--json" in arguments else as_text(report))
    return 1 if report["problems"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
