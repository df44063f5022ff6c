"""Time whole training steps under PyTorch, torch.compile, hand-written JAX and jtorch, in one run.

``python benchmarks/training.py`` prints Markdown tables; ``--json FILE`` keeps every sample. What
is measured and how to read it: ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _contenders import UNSTEADY, Contender, pin_to_two_cores, time_loop, verdict
from _worker import CONTENDERS

# Model: what the table calls it, steps of one timed run, and jtorch's limits as shares of PyTorch,
# torch.compile and JAX (``None``: shown without a limit).
MODELS = {
    "mlp": ("MLP 784-256-128-10, batch 64, Adam", 30, (0.45, 0.55, 1.25)),
    "cnn": ("CNN, 28x28, batch 64, Adam", 3, (0.70, 0.60, 1.10)),
    "residual": ("residual CNN, 32x32, batch 16, SGD", 5, (0.90, 0.90, 1.10)),
    "transformer": ("transformer 4 x 128, 12 x 64, AdamW", 4, (0.65, 0.65, 1.10)),
    "lstm": ("LSTM 128, 32 x 35, SGD", 20, (0.95, 1.00, 1.10)),
}
STEPS = {
    "writes": ("48 writes through views of 64 x 64", 100, (0.90, 0.90, None)),
    "policy": ("policy gradient, 10 actions read", 20, (0.90, 0.90, None)),
    "gru_cell": ("GRUCell, one of five lengths, SGD", 30, (0.70, 0.70, None)),
    "physics": ("second derivatives, Adam", 50, (0.50, 0.50, None)),
    "inference": ("inference, ten small layers", 200, (0.50, 0.50, None)),
}
LOOPS = MODELS | STEPS
OTHERS = ("torch", "torch.compile", "jax")
MEMORY_LIMIT = 1.2  # share of PyTorch's peak
COLD_LIMIT, WARM_LIMIT = 5.0, 0.5  # seconds of compilation before the first step
WORKLOADS = "_training_workloads"


def first_step(model: str, python: str, cache: str) -> dict[str, float]:
    """Return what jtorch compiles for three steps in a new process, and the seconds of the first.

    Args:
        cache: the folder of programs on disk.
    """
    worker = Contender("jtorch", python, WORKLOADS, {"JTORCH_CACHE_DIR": cache})
    first = worker.ask("time", workload=model, steps=1)
    worker.ask("time", workload=model, steps=2)
    counters = worker.ask("stats")
    worker.close()
    if "error" in first:
        return first
    return {
        "first": first["microseconds"] / 1e6,
        "compiling": counters["seconds_compiling"],
        "programs": counters["programs_compiled"],
    }


def peak_memory(name: str, model: str, python: str) -> dict[str, float]:
    """Return the MiB that a process needs at most for thirty steps, beside the library itself."""
    worker = Contender(name, python, WORKLOADS)
    worker.ask("about")
    before = worker.ask("peak")
    done = worker.ask("time", workload=model, steps=30)
    after = worker.ask("peak")
    worker.close()
    if "error" in done:
        return done
    return {"mib": after["mib"], "more": after["mib"] - before["mib"]}


def arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write every sample into this file")
    parser.add_argument("--rounds", type=int, default=11, help="timed runs of each contender")
    parser.add_argument("--warm-up", type=float, default=4.0, help="seconds, for each model")
    parser.add_argument("--only", nargs="+", choices=list(LOOPS), default=list(LOOPS))
    parser.add_argument("--without", nargs="+", choices=CONTENDERS, default=[])
    parser.add_argument("--loops-only", action="store_true", help="neither memory nor compilation")
    parser.add_argument("--jtorch-python", default=sys.executable, help="interpreter for jtorch")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a limit is missed")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the whole report."""
    report: dict[str, Any] = {"cores": pin_to_two_cores()}
    names = [name for name in CONTENDERS if name not in options.without]
    pythons = {name: sys.executable for name in names} | {"jtorch": options.jtorch_python}
    contenders = [Contender(name, pythons[name], WORKLOADS) for name in names]
    about = {contender.name: contender.ask("about") for contender in contenders}
    report["versions"] = {n: a.get("version", a.get("error")) for n, a in about.items()}
    present = [contender for contender in contenders if "version" in about[contender.name]]
    report["loops"], report["first"], report["memory"] = {}, {}, {}
    for model in options.only:
        print(f"timing {model}", file=sys.stderr)
        report["loops"][model] = time_loop(
            model, LOOPS[model][1], present, options.rounds, options.warm_up
        )
    for contender in contenders:
        contender.close()
    if options.loops_only:
        return report
    for model in [each for each in options.only if each in MODELS]:
        print(f"compilation and memory of {model}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as cache:
            report["first"][model] = [
                first_step(model, pythons["jtorch"], cache) for _ in ("cold", "warm")
            ]
        report["memory"][model] = {
            name: peak_memory(name, model, pythons[name])
            for name in ("torch", "jtorch")
            if name in names
        }
    return report


def loops_table(loops: dict[str, Any]) -> list[str]:
    """Return the Markdown lines of the table of steps, and of what to know about them."""
    lines = [
        "| one step, ms | "
        + " | ".join(CONTENDERS)
        + " | "
        + " | ".join(f"jtorch / {name} (limit)" for name in OTHERS)
        + " | programs compiled, while timed |",
        "|---" * (len(CONTENDERS) + len(OTHERS) + 2) + "|",
    ]
    notes = set()
    for model, result in loops.items():
        title, _, limits = LOOPS[model]
        medians, samples = result["medians"], result["samples"]
        cells = [f"{medians[n] / 1e3:.2f}" if n in medians else "-" for n in CONTENDERS]
        for name, limit in zip(OTHERS, limits):
            if name in medians and "jtorch" in medians:
                ratio = medians["jtorch"] / medians[name]
                kept = "" if limit is None else f" ({limit:.2f}) {verdict(ratio, limit)}"
                cells.append(f"{ratio:.2f}{kept}")
            else:
                cells.append("-" if limit is None else f"- ({limit:.2f}) not measured")
        compiled = [
            str(result[part].get("programs_compiled", "-"))
            for part in ("jtorch_warm_up", "jtorch_timed")
        ]
        lines.append(f"| {title} | " + " | ".join([*cells, ", ".join(compiled)]) + " |")
        notes |= {f"{name}: {trouble}" for name, trouble in result["troubles"].items()}
        notes |= {
            f"unsteady: {name}, {title}: {min(runs) / 1e3:.2f} to {max(runs) / 1e3:.2f} ms"
            for name, runs in samples.items()
            if runs and medians[name] > UNSTEADY * min(runs)
        }
    return lines + [""] * bool(notes) + [f"- {note}" for note in sorted(notes)]


def process_table(report: dict[str, Any]) -> list[str]:
    """Return the Markdown lines of compilation before the first step, and of memory."""
    lines = [
        f"| model | compiling, cold (limit {COLD_LIMIT:g} s) | first step, cold "
        f"| compiling, warm (limit {WARM_LIMIT:g} s) | first step, warm "
        f"| peak MiB, torch | jtorch | ratio (limit {MEMORY_LIMIT:g}) |",
        "|---" * 8 + "|",
    ]
    for model, runs in report["first"].items():
        cells = []
        for run, limit in zip(runs, (COLD_LIMIT, WARM_LIMIT)):
            if "error" in run:
                cells += [run["error"], "-"]
                continue
            kept = verdict(run["compiling"], limit)
            cells += [f"{run['compiling']:.2f} s {kept}", f"{run['first']:.2f} s"]
        memory = report["memory"][model]
        if all("mib" in memory.get(name, {}) for name in ("torch", "jtorch")):
            ratio = memory["jtorch"]["mib"] / memory["torch"]["mib"]
            cells += [f"{memory[n]['mib']:.0f} (+{memory[n]['more']:.0f})" for n in memory]
            cells.append(f"{ratio:.2f} {verdict(ratio, MEMORY_LIMIT)}")
        else:
            cells += ["-", "-", "not measured"]
        lines.append(f"| {MODELS[model][0]} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Measure, print the tables and write the samples."""
    options = arguments()
    report = measure(options)
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    lines = [f"Python {platform.python_version()}, {report['cores']} cores; {versions}.", ""]
    lines += loops_table(report["loops"])
    if report["first"]:
        lines += ["", *process_table(report)]
    text = "\n".join(lines)
    print(text)
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.check and ("**missed**" in text or "not measured" in text):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
