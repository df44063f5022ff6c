"""Time PyTorch, torch.compile, hand-written JAX and jtorch side by side, in one run.

``python benchmarks/engine.py`` prints Markdown tables; ``--json FILE`` keeps every sample. What is
measured and how to read it: ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _processes
from _contenders import UNSTEADY, Contender, pin_to_two_cores, time_loop, verdict
from _worker import CONTENDERS

HERE = Path(__file__).resolve().parent
# Workload: what the table calls it, steps of one timed run, jtorch's limit as a share of PyTorch.
LOOPS = {
    "wine_printed": ("linear regression, loss printed", 400, 0.75),
    "wine_unread": ("linear regression, nothing read", 400, 0.60),
    "scalar": ("scalar expression and its gradient", 400, 0.75),
    "chain": ("100 x (multiply, add), 1000 x 11", 40, 0.60),
    "mlp_in_place": ("MLP, Adam in place", 30, 0.50),
    "mlp_functional": ("MLP, Adam as formulas", 30, 0.50),
}
RECORD_LIMIT = 2.0  # microseconds
WARM_LIMIT, COLD_LIMIT = 1.0, 3.0  # shares of PyTorch's wall time
PRINTS_LIMIT = 2.0  # seconds more than PyTorch
RECORDED = 100


def time_recording(contenders: list[Contender], rounds: int) -> dict[str, Any]:
    """Return the median microseconds of one binary operation in PyTorch and in jtorch."""
    results: dict[str, Any] = {}
    eager = [contender for contender in contenders if contender.name in ("torch", "jtorch")]
    samples: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in eager}
    for turn in range(10 + 10 * rounds):
        for contender in eager:
            answer = contender.ask("record", operations=RECORDED)
            if "error" in answer:
                results[contender.name] = answer
            elif turn >= 10:
                samples[contender.name].append(answer)
    for name, runs in samples.items():
        if runs:
            results[name] = {
                key: statistics.median(run[key] for run in runs) for key in ("tensor", "number")
            }
    return {"medians": results, "samples": samples}


def grow(contender: Contender) -> dict[str, Any]:
    """Return the resident MiB after 1,000 and after 100,000 steps of linear regression."""
    first = contender.ask("time", workload="wine_printed", steps=1_000)
    if "error" in first:
        return first
    early = contender.ask("memory")
    contender.ask("time", workload="wine_printed", steps=99_000)
    late = contender.ask("memory")
    if "error" in late:
        return late
    return {"after_1000_steps": early["mib"], "after_100000_steps": late["mib"]}


def loops_table(loops: dict[str, Any]) -> list[str]:
    """Return the Markdown lines of the table of training loops, and of what to know about them."""
    lines = [
        "| one step, microseconds | "
        + " | ".join(CONTENDERS)
        + " | jtorch / torch | fastest runs | limit | |",
        "|---" * (len(CONTENDERS) + 5) + "|",
    ]
    notes = set()
    for workload, result in loops.items():
        title, _, limit = LOOPS[workload]
        medians, samples = result["medians"], result["samples"]
        cells = [f"{medians[name]:.1f}" if name in medians else "-" for name in CONTENDERS]
        if "torch" in medians and "jtorch" in medians:
            ratio = medians["jtorch"] / medians["torch"]
            fastest = min(samples["jtorch"]) / min(samples["torch"])
            cells += [f"{ratio:.2f}", f"{fastest:.2f}", f"{limit:.2f}", verdict(ratio, limit)]
        else:
            cells += ["-", "-", f"{limit:.2f}", "not measured"]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
        notes |= {f"{name}: {trouble}" for name, trouble in result["troubles"].items()}
        notes |= {
            f"unsteady: {name}, {title}: {min(runs):.1f} to {max(runs):.1f} us"
            for name, runs in samples.items()
            if runs and medians[name] > UNSTEADY * min(runs)
        }
    return lines + [""] * bool(notes) + [f"- {note}" for note in sorted(notes)]


def programs_table(loops: dict[str, Any]) -> list[str]:
    """Return the Markdown lines of what jtorch compiled for each loop."""
    lines = [
        "| loop | compiled while warming up | seconds | compiled while timed | flushes a step |",
        "|---|---|---|---|---|",
    ]
    for workload, result in loops.items():
        warm, timed = result["jtorch_warm_up"], result["jtorch_timed"]
        if "programs_compiled" not in warm or "programs_compiled" not in timed:
            continue
        cells = (
            f"{warm['programs_compiled']}",
            f"{warm['seconds_compiling']:.2f}",
            f"{timed['programs_compiled']}",
            f"{timed['flushes'] / result['timed_steps']:.2f}",
        )
        lines.append(f"| {LOOPS[workload][0]} | " + " | ".join(cells) + " |")
    return lines


def single_rows(report: dict[str, Any]) -> list[str]:
    """Return the Markdown lines of the measures that stand alone."""
    lines = ["| measure | torch | jtorch | compared | limit | |", "|---|---|---|---|---|---|"]
    recorded = report["recording"]["medians"]
    for key, title in (("tensor", "tensor + tensor"), ("number", "tensor * number")):
        ours, theirs = (recorded.get(name, {}).get(key) for name in ("jtorch", "torch"))
        if ours is not None:
            eager = "-" if theirs is None else f"{theirs:.2f} us"
            cells = f"{eager} | {ours:.2f} us | | {RECORD_LIMIT:g} us"
            lines.append(f"| recorded {title} | {cells} | {verdict(ours, RECORD_LIMIT)} |")
    wine = report.get("wine_process", {})
    if "warm" in wine:
        for key, limit in (("cold", COLD_LIMIT), ("warm", WARM_LIMIT)):
            ratio = wine[key] / wine["torch"]
            cells = f"{wine['torch']:.2f} s | {wine[key]:.2f} s | {ratio:.2f} x | {limit:g} x"
            lines.append(f"| wine example, {key} cache | {cells} | {verdict(ratio, limit)} |")
    prints = report.get("hundred_prints", {})
    if "cold" in prints:
        more = prints["cold"] - prints["torch"]
        cells = f"{prints['torch']:.2f} s | {prints['cold']:.2f} s | {more:+.2f} s"
        end = f"{PRINTS_LIMIT:g} s more | {verdict(more, PRINTS_LIMIT)}"
        lines.append(f"| 100 one-off prints, cold cache | {cells} | {end} |")
    growth = {
        name: result["after_100000_steps"] - result["after_1000_steps"]
        for name, result in report.get("memory", {}).items()
        if "error" not in result
    }
    if growth:
        cells = [
            f"{growth[name]:+.1f} MiB" if name in growth else "-" for name in ("torch", "jtorch")
        ]
        lines.append(f"| memory, step 1,000 to 100,000 | {' | '.join(cells)} | | | |")
    for name in ("wine_process", "hundred_prints"):
        if report.get(name, {}).get("same_output") is False:
            lines.append(f"\n**The output of {name} was not the same under both.**")
        if "error" in report.get(name, {}):
            lines.append(f"\n{name} was not measured: {report[name]['error']}")
    return lines


def process_measures(options: argparse.Namespace) -> dict[str, Any]:
    """Return the measures of whole processes; where one fails, its error in its place."""
    report: dict[str, Any] = {}
    torch_python = [sys.executable]
    jtorch_python = [options.jtorch_python, "-m", "jtorch"]
    with tempfile.TemporaryDirectory() as name:
        data = options.wine.resolve() if options.wine else Path(name, "made-up.csv")
        if options.wine is None:
            _processes.made_up_wine(data)
        prints = Path(name, "prints.py")
        prints.write_text(_processes.hundred_prints())
        wine = [str(HERE.parent / "examples" / "wine_quality.py"), str(data)]
        for key, command in (("wine_process", wine), ("hundred_prints", [str(prints)])):
            try:
                report[key] = _processes.compare_script(
                    command, torch_python, jtorch_python, options.process_repeats
                )
            except RuntimeError as error:
                report[key] = {"error": str(error)}
    return report


def arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write every sample into this file")
    parser.add_argument("--rounds", type=int, default=11, help="timed runs of each contender")
    parser.add_argument("--warm-up", type=float, default=2.0, help="seconds, for each workload")
    parser.add_argument("--process-repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(LOOPS), default=list(LOOPS))
    parser.add_argument("--without", nargs="+", choices=CONTENDERS, default=[])
    parser.add_argument("--loops-only", action="store_true", help="no processes and no memory")
    parser.add_argument("--wine", type=Path, help="the wine data; else a made-up table of its size")
    parser.add_argument("--jtorch-python", default=sys.executable, help="interpreter for jtorch")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a limit is missed")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the whole report."""
    report: dict[str, Any] = {"cores": pin_to_two_cores(), "processor": platform.processor()}
    names = [name for name in CONTENDERS if name not in options.without]
    pythons = {name: sys.executable for name in names} | {"jtorch": options.jtorch_python}
    contenders = [Contender(name, pythons[name]) for name in names]
    about = {contender.name: contender.ask("about") for contender in contenders}
    report["versions"] = {
        name: answer.get("version", answer.get("error")) for name, answer in about.items()
    }
    present = [contender for contender in contenders if "version" in about[contender.name]]

    report["loops"] = {}
    for workload in options.only:
        print(f"timing {workload}", file=sys.stderr)
        steps = LOOPS[workload][1]
        report["loops"][workload] = time_loop(
            workload, steps, present, options.rounds, options.warm_up
        )
    print("timing single operations", file=sys.stderr)
    report["recording"] = time_recording(present, options.rounds)
    for contender in contenders:
        contender.close()
    if options.loops_only:
        return report

    report["memory"] = {}
    for contender in present:
        if contender.name in ("torch", "jtorch"):
            print(f"100,000 steps of {contender.name}", file=sys.stderr)
            fresh = Contender(contender.name, pythons[contender.name])
            report["memory"][contender.name] = grow(fresh)
            fresh.close()
    print("timing whole processes", file=sys.stderr)
    return report | process_measures(options)


def main() -> None:
    """Measure, print the tables and write the samples."""
    options = arguments()
    report = measure(options)
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    lines = [f"Python {platform.python_version()}, {report['cores']} cores; {versions}.", ""]
    lines += loops_table(report["loops"])
    lines += ["", *single_rows(report), "", *programs_table(report["loops"])]
    text = "\n".join(lines)
    print(text)
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.check and ("**missed**" in text or "not measured" in text):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
