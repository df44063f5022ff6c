"""Test and time jtorch on a GPU in one run of at most eight minutes, without nox or a network.

``python benchmarks/gpu_day.py`` needs a machine with JAX for CUDA and nothing else; with
``--device stand-in`` a second device of the host stands in and the workloads are small, which shows
that the script itself works. It writes every figure to ``gpu_day.json`` and a table to
``gpu_day.md`` (``--out FOLDER``), and says what was skipped and why. Each workload runs in a
process of its own, so that one that fails costs only its own figures. PyTorch's eager mode and
``torch.compile`` are timed beside jtorch where a PyTorch with CUDA is installed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

#: What the table calls a workload, and how large a share of whose time jtorch's step may take.
WORKLOADS: dict[str, tuple[str, str, float]] = {
    "transformer": ("transformer 12 x 768, 8 x 1024 tokens, bfloat16, AdamW", "torch.compile", 0.9),
    "resnet18": ("ResNet-18, 64 x 224 x 224, bfloat16, SGD", "torch.compile", 0.9),
    "mlp": ("MLP 784-256-128-10, batch 64, Adam", "torch.compile", 1.0),
    "cnn": ("CNN, 28x28, batch 64, Adam", "torch.compile", 0.9),
    "lstm": ("LSTM 128, 32 x 35, SGD", "torch.compile", 1.0),
    "generation": ("a token of 256, with a cache, batch 8", "torch", 1.2),
    "inference": ("inference, ResNet-18, batch 64, bfloat16", "torch.compile", 1.0),
}
MEMORY_LIMIT = 1.1  # share of PyTorch's peak
#: The part of the minutes that the tests may take, and the least seconds that a process is worth.
SUITE_SHARE, LEAST = 0.4, 15.0


class Day:
    """Runs the parts one after the other while there is time.

    Args:
        device: ``cuda`` or ``stand-in``.
        minutes: for everything.
    Attributes:
        report: what was found, to be written as JSON.
    """

    def __init__(self, device: str, minutes: float):
        self.device = device
        self.end = time.monotonic() + 60 * minutes
        self.minutes = minutes
        self.report: dict[str, Any] = {"device": device, "skipped": [], "workloads": {}}
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.environment = {**os.environ, "PYTHONPATH": paths, "JTORCH_RECOMPILE_WARNING": "0"}
        if device == "stand-in":
            self.environment["JTORCH_FAKE_CUDA"] = "1"

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.end - time.monotonic()

    def skip(self, what: str, why: str) -> None:
        """Note that something was left out."""
        self.report["skipped"].append(f"{what}: {why}")
        print(f"skipped {what}: {why}", flush=True)

    def process(self, words: list[str], seconds: float, more: dict[str, str]) -> tuple[str, str]:
        """Run a process; return what it printed, and what went wrong or an empty text."""
        environment = self.environment | more
        try:
            done = subprocess.run(
                [sys.executable, *words],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=max(1.0, seconds),
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            printed = late.stdout or b""
            text = printed.decode(errors="replace") if isinstance(printed, bytes) else printed
            return text, f"not done in {seconds:.0f} s"
        lines = done.stderr.strip().splitlines()
        wrong = f"exit status {done.returncode}: {lines[-1] if lines else ''}"
        return done.stdout, wrong if done.returncode else ""

    def about(self) -> bool:
        """Note the machine and the versions; return whether there is a device."""
        versions = {}
        for name in ("jax", "jaxlib", "numpy", "torch"):
            try:
                versions[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                versions[name] = "not installed"
        self.report["versions"] = versions | {"python": platform.python_version()}
        probe = (
            "import jtorch, json; c = jtorch.cuda; found = c.is_available();"
            "print(json.dumps([c.get_device_name(), list(c.get_device_capability()),"
            " c.mem_get_info()[1]] if found else None))"
        )
        printed, wrong = self.process(["-c", probe], min(90, self.left()), {})
        found = None if wrong else json.loads(printed.strip().splitlines()[-1])
        if found is None:
            self.skip("everything", wrong or "JAX sees no GPU")
            return False
        self.report["gpu"] = dict(zip(("name", "capability", "memory"), found, strict=True))
        return True

    def suite(self) -> None:
        """Run the tests of a device; all of them on a GPU, a part of them on the stand-in."""
        for name in ("pytest", "hypothesis"):
            if importlib.util.find_spec(name) is None:
                self.skip("tests", f"{name} is not installed")
                return
        words = ["-m", "pytest", "--device", self.device, "-q", "-p", "no:cacheprovider"]
        words += ["--tb=line", "-W", "ignore", "compat_tests/device"]
        if self.device == "stand-in":
            words.append("--reduced")
        elif importlib.util.find_spec("xdist") is not None:
            words += ["-n", str(min(12, os.cpu_count() or 1)), "--dist", "loadgroup"]
        more = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # the processes share the GPU
        start = time.monotonic()
        printed, wrong = self.process(words, SUITE_SHARE * 60 * self.minutes, more)
        counts = {
            what: int(number)
            for number, what in re.findall(r"(\d+) (passed|failed|errors?|xfailed)", printed)
        }
        failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", printed, re.M)
        dots = len(re.findall(r"[.FEsx]", "".join(re.findall(r"^[.FEsx]+", printed, re.M))))
        self.report["suite"] = {
            "counts": counts,
            "failed": failed,
            "seconds": time.monotonic() - start,
        }
        if wrong and not counts:
            self.report["suite"]["begun"] = dots
            self.skip("the rest of the tests", f"{wrong}, after {dots}")
        print(f"tests: {counts or dots}", flush=True)

    def contenders(self) -> list[str]:
        """Return the libraries that are timed."""
        if self.device == "stand-in":
            self.skip("PyTorch", "it has no stand-in device")
            return ["jtorch"]
        if importlib.util.find_spec("torch") is None:
            self.skip("PyTorch", "it is not installed")
            return ["jtorch"]
        probe = "import torch; assert torch.cuda.is_available()"
        if self.process(["-c", probe], min(60, self.left()), {})[1]:
            self.skip("PyTorch", "it sees no GPU")
            return ["jtorch"]
        return ["jtorch", "torch", "torch.compile"]

    def timed(self, library: str, workload: str, seconds: float, cache: str) -> dict[str, Any]:
        """Return the figures of one workload under one library."""
        size = "small" if self.device == "stand-in" else "full"
        words = [str(HERE / "_gpu_worker.py"), library, workload, size, str(seconds)]
        printed, wrong = self.process(words, min(100, self.left()), {"JTORCH_CACHE_DIR": cache})
        return {"wrong": wrong} if wrong else json.loads(printed.strip().splitlines()[-1])

    def workloads(self, chosen: list[str]) -> None:
        """Time the workloads."""
        libraries = self.contenders()
        seconds = 0.7 if self.device == "stand-in" else 2.0
        for workload in chosen:
            found = self.report["workloads"].setdefault(workload, {})
            with tempfile.TemporaryDirectory() as cache:
                for library in libraries:
                    if self.left() < LEAST:
                        self.skip(f"{workload} under {library}", "no time left")
                        continue
                    figures = found[library] = self.timed(library, workload, seconds, cache)
                    if "wrong" in figures:
                        self.skip(f"{workload} under {library}", figures["wrong"])
                    elif library == "jtorch" and self.left() > LEAST:
                        again = self.timed(library, workload, 0, cache)
                        figures["first_step_warm_s"] = again.get("first_step_s")
                    print(f"{workload} {library}: {figures.get('step_ms', 'nothing')}", flush=True)

    def table(self) -> str:
        """Return the figures as Markdown."""
        gpu, versions = self.report.get("gpu", {}), self.report["versions"]
        lines = [
            f"# jtorch on {gpu.get('name', 'no GPU')}" + " (stand-in)" * (self.device != "cuda"),
            "",
            ", ".join(f"{name} {version}" for name, version in versions.items()),
            "",
        ]
        if suite := self.report.get("suite"):
            counts = ", ".join(f"{each} {name}" for name, each in suite["counts"].items())
            begun = f"{suite.get('begun', 0)} begun, not all done"
            lines += [f"Tests on the device: {counts or begun}, {suite['seconds']:.0f} s.", ""]
            lines += [f"- {each}" for each in suite["failed"]]
        head = "workload | jtorch | PyTorch | torch.compile | share (goal) | host | peak (share) | "
        lines += [f"| {head}first step, cold / warm | programs |", "|---" * 9 + "|"]
        for name, found in self.report["workloads"].items():
            lines.append(self._row(name, found))
        lines += ["", "Milliseconds for one step; the host's part of it; MiB at most; seconds."]
        if self.report["skipped"]:
            lines += ["", "Skipped:", ""] + [f"- {each}" for each in self.report["skipped"]]
        return "\n".join(lines) + "\n"

    def _row(self, name: str, found: dict[str, Any]) -> str:
        title, beside, goal = WORKLOADS[name]
        if self.device == "stand-in":
            title = f"{name}, small"
        own = found.get("jtorch", {})

        def shown(figures: dict[str, Any], key: str, digits: int = 2) -> str:
            value = figures.get(key)
            return "-" if value is None else f"{value:.{digits}f}"

        share = memory = "-"
        other = found.get(beside, {})
        if own.get("step_ms") and other.get("step_ms"):
            ratio = own["step_ms"] / other["step_ms"]
            share = f"{ratio:.2f} ({goal}, {'reached' if ratio <= goal else 'not reached'})"
        peak = shown(own, "peak_mib", 0)
        if own.get("peak_mib") and found.get("torch", {}).get("peak_mib"):
            ratio = own["peak_mib"] / found["torch"]["peak_mib"]
            memory = f"{peak} ({ratio:.2f}, {'' if ratio <= MEMORY_LIMIT else 'not '}reached)"
        cells = [
            title,
            shown(own, "step_ms"),
            *(shown(found.get(each, {}), "step_ms") for each in ("torch", "torch.compile")),
            share,
            shown(own, "host_ms"),
            peak if memory == "-" else memory,
            f"{shown(own, 'first_step_s')} / {shown(own, 'first_step_warm_s')}",
            shown(own, "programs", 0),
        ]
        return "| " + " | ".join(cells) + " |"


def main() -> int:
    """Run what the command line asks for; return 1 where tests or workloads of jtorch failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "stand-in"), default="cuda")
    parser.add_argument("--minutes", type=float, default=8.0, help="for everything (8)")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the two files")
    parser.add_argument("--only", nargs="*", default=list(WORKLOADS), choices=list(WORKLOADS))
    parser.add_argument("--no-suite", action="store_true", help="run no tests")
    chosen = parser.parse_args()
    day = Day(chosen.device, chosen.minutes)
    if day.about():
        if chosen.no_suite:
            day.skip("tests", "--no-suite")
        else:
            day.suite()
        day.workloads(chosen.only)
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "gpu_day.json").write_text(json.dumps(day.report, indent=1) + "\n")
    (chosen.out / "gpu_day.md").write_text(day.table())
    print(day.table())
    figures = [
        found.get("jtorch", {"wrong": "skipped"}) for found in day.report["workloads"].values()
    ]
    broken = any("wrong" in each for each in figures) or bool(
        day.report.get("suite", {}).get("failed")
    )
    return int(broken or not day.report["workloads"])


if __name__ == "__main__":
    sys.exit(main())
