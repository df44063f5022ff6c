"""Run whole scripts under PyTorch and under jtorch, with an empty cache folder and a filled one.

``python benchmarks/processes.py`` prints a Markdown table; ``--json FILE`` keeps every sample. What
is measured and how to read it: ``benchmarks/README.md``.
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

from _children import Run, environment_with, run_child
from _contenders import pin_to_cores, verdict
from _outputs import first_difference

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "programs"
# Name in the table: the script in the folder of programs, and its arguments.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "analysis_prints": ("analysis_prints.py",),
    "shapes": ("shapes.py",),
    "linear_regression": ("linear_regression.py",),
    "mlp_30": ("mlp.py", "30"),
    "mlp_1000": ("mlp.py", "1000"),
    "cnn_30": ("cnn.py", "30", "32"),
    "cnn_1000": ("cnn.py", "1000", "8"),
    "residual_30": ("residual.py", "30", "16"),
    "residual_1000": ("residual.py", "1000", "2"),
    "transformer_30": ("transformer.py", "30", "4", "64"),
    "transformer_1000": ("transformer.py", "1000", "1", "16"),
    "sine_lstm": ("sine_lstm.py",),
    "names_rnn": ("names_rnn.py",),
    "translation": ("translation.py",),
    "gru_lengths": ("gru_lengths.py",),
    "gru_cell_lengths": ("gru_cell_lengths.py",),
    "tagger_crf": ("tagger_crf.py",),
    "reinforce": ("reinforce.py",),
    "actor_critic": ("actor_critic.py",),
    "dqn": ("dqn.py",),
    "ppo": ("ppo.py",),
    "generate_whole": ("generate.py", "whole"),
    "generate_cached": ("generate.py", "cached"),
    "generate_sampled": ("generate.py", "sampled"),
    "generate_beam": ("generate.py", "beam"),
    "style_transfer": ("style_transfer.py",),
    "physics_informed": ("physics_informed.py",),
    "maml": ("maml.py",),
    "vae": ("vae.py",),
    "hyperparameters": ("hyperparameters.py",),
    "gaussian_process": ("gaussian_process.py",),
    "nuts": ("nuts.py",),
    "kmeans": ("kmeans.py",),
    "gradcam": ("gradcam.py",),
}
KINDS = ("torch", "cold", "warm")
#: Shares of PyTorch: what each program may take at most, and all in the geometric mean.
LIMITS = {"cold": (1.5, 1.0), "warm": (1.2, 0.8), "memory": (1.4, 1.1)}


def run_once(
    kind: str, command: list[str], options: argparse.Namespace, folder: Path
) -> tuple[Run, dict[str, Any]]:
    """Run one program once and return its run, and jtorch's counters where it wrote them.

    Args:
        kind: one of ``KINDS``.
        command: path of the script and its arguments.
        folder: holds the cache folder of programs, which the first run of "cold" finds empty.
    """
    counters = folder / f"{kind}.json"
    environment = environment_with(
        {"JTORCH_CACHE_DIR": str(folder / "cache"), "JTORCH_EXECUTION": options.execution}
    )
    python = [options.torch_python]
    if kind != "torch" or options.jtorch_alone:
        python = [options.jtorch_python, str(HERE / "_program_runner.py"), str(counters)]
    if kind == "torch":  # where jtorch stands in for it, without what it left for itself
        environment["JTORCH_CACHE_DIR"] = str(folder / "other cache")
    run = run_child([*python, *command], folder, environment, options.time_limit)
    return run, json.loads(counters.read_text()) if counters.exists() else {}


def compare(name: str, command: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """Run one program in every way, its turns interleaved, and return what was measured.

    Args:
        name: what messages call it.
        command: path of the script and its arguments.
        options: the command line; ``repeats`` rounds, of which each begins with another contender.
    Returns:
        By kind: "samples" (seconds, CPU seconds and MiB of each run) and "counters"; "troubles" of
        the kinds that failed, "timed_out", and "differences" from the output of PyTorch.
    """
    result: dict[str, Any] = {"samples": {kind: [] for kind in KINDS}}
    result |= {"counters": {}, "troubles": {}, "timed_out": [], "differences": {}}
    for turn in range(options.repeats):
        runs: dict[str, Run] = {}
        with tempfile.TemporaryDirectory() as folder:
            order = ["cold", "warm"]  # the second run has what the first left
            order.insert(turn % 3, "torch")
            for kind in order:
                if kind in result["troubles"]:
                    continue
                print(f"{name}: {kind}", file=sys.stderr)
                run, counters = run_once(kind, command, options, Path(folder))
                runs[kind] = run
                result["samples"][kind].append([run.seconds, run.cpu_seconds, run.peak_mib])
                result["counters"][kind] = counters
                if run.trouble is not None:
                    result["troubles"][kind] = run.trouble
                if run.timed_out:
                    result["timed_out"].append(kind)
        for kind in ("cold", "warm"):
            if kind in runs and "torch" in runs and not {kind, "torch"} & set(result["troubles"]):
                difference = first_difference(runs["torch"].output, runs[kind].output)
                if difference is not None:
                    result["differences"][kind] = difference
    return result | summary(result)


def summary(result: dict[str, Any]) -> dict[str, Any]:
    """Return the medians of what was measured, and the ratios that there are.

    A program stopped at the time limit counts with the limit, so that its ratio is the least it can
    be; one that failed otherwise has none.
    """
    medians = {
        kind: [statistics.median(column) for column in zip(*samples)]
        for kind, samples in result["samples"].items()
        if samples and (kind not in result["troubles"] or kind in result["timed_out"])
    }
    ratios = {}
    if "torch" in medians and "torch" not in result["timed_out"]:
        seconds, _, mib = medians["torch"]
        ratios = {kind: medians[kind][0] / seconds for kind in KINDS[1:] if kind in medians}
        if ratios:
            ratios["memory"] = max(medians[kind][2] for kind in ratios) / mib
    return {"medians": medians, "ratios": ratios}


def row(name: str, result: dict[str, Any]) -> str:
    """Return the Markdown line of one program."""
    cells = []
    for kind in KINDS:
        if kind in result["medians"]:
            bound = "> " if kind in result["timed_out"] else ""
            cells.append(f"{bound}{result['medians'][kind][0]:.2f}")
        else:
            cells.append("failed")
    for measure, (limit, _) in LIMITS.items():
        cells.append(_ratio_cell(result, measure, limit))
    for kind in KINDS:
        cells.append(f"{result['medians'][kind][2]:.0f}" if kind in result["medians"] else "-")
    for kind in ("cold", "warm"):
        compiled = result["counters"].get(kind, {}).get("programs_compiled")
        cells.append("-" if compiled is None else f"{compiled}")
    if result["troubles"]:
        cells.append("-")
    else:
        cells.append("differs" if result["differences"] else "same")
    return f"| {name} | {' | '.join(cells)} |"


def _ratio_cell(result: dict[str, Any], measure: str, limit: float) -> str:
    if measure not in result["ratios"]:
        return "-"
    ratio = result["ratios"][measure]
    bound = "> " if measure in result["timed_out"] else ""
    return f"{bound}{ratio:.2f}" if ratio <= limit else f"**{bound}{ratio:.2f}**"


def header() -> list[str]:
    """Return the Markdown lines above the rows."""
    columns = [
        *("program", "torch, s", "cold, s", "warm, s"),
        *(f"{measure} / torch (at most {limit:g})" for measure, (limit, _) in LIMITS.items()),
        *("MiB, torch", "cold", "warm", "compiled, cold", "warm", "output"),
    ]
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]


def end_of_table(results: dict[str, Any]) -> list[str]:
    """Return the Markdown lines of the geometric means, and of what went wrong."""
    lines = [""]
    for measure, (each, mean) in LIMITS.items():
        ratios = [r["ratios"][measure] for r in results.values() if measure in r["ratios"]]
        if not ratios:
            continue
        value = statistics.geometric_mean(ratios)
        over = sum(ratio > each for ratio in ratios)
        lines.append(
            f"- {measure} / torch: geometric mean {value:.2f} (at most {mean:g}) "
            f"{verdict(value, mean)}; each at most {each:g} {verdict(max(ratios), each)}: "
            f"{over} of {len(ratios)} above, most {max(ratios):.2f}"
        )
    same = sum(not r["troubles"] and not r["differences"] for r in results.values())
    lines.append(f"- {same} of {len(results)} ran to the end and printed what PyTorch prints")
    for name, result in results.items():
        lines += [f"- {name}, {kind}: {why}" for kind, why in result["troubles"].items()]
        lines += [f"- {name}, {kind}: {why}" for kind, why in result["differences"].items()]
    return lines


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write every sample into this file")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each kind of each program")
    parser.add_argument("--only", default="", help="names of programs, with commas between them")
    parser.add_argument(
        "--execution", choices=("auto", "interpret", "compile"), default="auto", help="jtorch's"
    )
    parser.add_argument("--time-limit", type=float, default=120.0, help="seconds of a process")
    parser.add_argument("--cores", type=int, default=2, help="cores that everything is kept on")
    parser.add_argument("--torch-python", default=sys.executable, help="interpreter for PyTorch")
    parser.add_argument("--jtorch-python", default=sys.executable, help="interpreter for jtorch")
    parser.add_argument(
        "--jtorch-alone", action="store_true", help="jtorch stands in for PyTorch, to try this out"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 where a limit is missed")
    options = parser.parse_args(words)
    options.names = options.only.split(",") if options.only else list(PROGRAMS)
    if unknown := sorted(set(options.names) - set(PROGRAMS)):
        parser.error(f"no program named {', '.join(unknown)}; there are: {', '.join(PROGRAMS)}")
    return options


def main() -> None:
    """Measure, print the table row by row and write the samples."""
    options = arguments()
    cores = pin_to_cores(options.cores)
    print(
        f"Python {platform.python_version()}, {cores} cores, medians of {options.repeats}, "
        f"JTORCH_EXECUTION={options.execution}.\n"
    )
    with tempfile.TemporaryDirectory() as folder:  # read libraries from the disk once
        for kind in KINDS:
            run_once(kind, ["-c", "import torch"], options, Path(folder))
    print("\n".join(header()), flush=True)
    results: dict[str, Any] = {}
    for name in options.names:
        script, *rest = PROGRAMS[name]
        results[name] = compare(name, [str(FOLDER / script), *rest], options)
        print(row(name, results[name]), flush=True)
        if options.json is not None:  # also where a later program is interrupted
            options.json.write_text(json.dumps(results, indent=1) + "\n")
    end = end_of_table(results)
    print("\n".join(end))
    kept = all(not r["troubles"] and not r["differences"] for r in results.values())
    if options.check and not (kept and "**missed**" not in "\n".join(end)):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
