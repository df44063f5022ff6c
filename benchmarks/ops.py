"""Time forty operators at three sizes beside PyTorch, forwards and with the gradient, in one run.

``python benchmarks/ops.py`` prints a Markdown table. What is measured and how to read it:
``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _contenders import Contender, pin_to_two_cores
from _ops_workloads import OPERATORS, SIZES

#: A ratio above which the reason stands below the table.
SLOW = 1.2
#: Why an operator by itself is slower, where that is not the cost of a program: what its compiled
#: program consists of, as ``XLA_FLAGS=--xla_dump_to`` shows.
_REDUCTION = "one kernel of XLA's reduction, slower than PyTorch's vectorised one"
_PRODUCT = "the product is XLA's, PyTorch's is oneDNN's"
_SHIFTED = "XLA writes the differences to the maximum to memory and reads them twice"
REASONS = {
    "sin": "XLA has no vectorised sine: ten nanoseconds a number",
    "sum": _REDUCTION,
    "sum over rows": _REDUCTION,
    "mean": _REDUCTION,
    "var": _REDUCTION,
    "amax": _REDUCTION,
    "max": "one value at a time is compared with its place; a second kernel picks the values",
    "logsumexp": _SHIFTED,
    "softmax": _SHIFTED,
    "log_softmax": _SHIFTED,
    "sort": "XLA's sort compares through a function; PyTorch has vectorised ones",
    "topk": "rows of few numbers are sorted whole, longer ones selected from, both on one core",
    "cumsum": "one column after the other in float64, for PyTorch's bits: a loop of small kernels",
    "matmul": _PRODUCT,
    "linear": _PRODUCT,
    "transpose": "XLA's transposes are loops over elements, not blocked for the cache",
    "cat": "one concatenation by XLA, on one core",
    "index_select": "the indices are made and checked on the host first",
    "layer_norm": "three products with ones: the moments, and one that makes constant rows 0",
    "batch_norm": "it is computed channels last, as convolutions are: alone it turns around twice",
    "conv2d": "the input is transposed to channels last, and the result back",
    "attention": "two products and a softmax; PyTorch has one kernel",
}


def time_one(workload: str, contenders: list[Contender], rounds: int) -> dict[str, Any]:
    """Return the median microseconds of a call in each contender, their turns interleaved."""
    steps, samples = {}, {}
    for contender in contenders:
        contender.ask("time", workload=workload, steps=3)
        answer = contender.ask("time", workload=workload, steps=10)
        if "error" in answer:
            return {"error": f"{contender.name}: {answer['error']}"}
        # About ten milliseconds a turn.
        steps[contender.name] = max(1, min(400, int(10_000 / answer["microseconds"])))
        samples[contender.name] = []
    for _ in range(rounds):
        for contender in contenders:
            answer = contender.ask("time", workload=workload, steps=steps[contender.name])
            samples[contender.name].append(answer["microseconds"])
    return {name: statistics.median(runs) for name, runs in samples.items()}


def reason(operator: str, result: dict[str, Any], small: dict[str, Any]) -> str:
    """Return why jtorch is slower.

    Args:
        result: microseconds by contender.
        small: those of the same operator on a few numbers, which are the cost of a program; it
            varies up to twofold from one program to the next.
    """
    if result["jtorch"] - 2 * small.get("jtorch", 0) <= SLOW * result["torch"]:
        return "a program by itself: recording and dispatch, which a longer stretch shares"
    return REASONS.get(operator, "one elementwise kernel; why it is slower is not known")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write every median into this file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(OPERATORS), default=list(OPERATORS))
    parser.add_argument("--jtorch-python", default=sys.executable, help="interpreter for jtorch")
    options = parser.parse_args()
    cores = pin_to_two_cores()
    contenders = [
        Contender("torch", sys.executable, "_ops_workloads"),
        Contender("jtorch", options.jtorch_python, "_ops_workloads"),
    ]
    versions = ", ".join(f"{c.name} {c.ask('about').get('version')}" for c in contenders)
    print(f"Python {platform.python_version()}, {cores} cores; {versions}. Microseconds a call,")
    print("PyTorch / jtorch (ratio).\n")
    columns = [f"{size}{part}" for size in SIZES for part in ("", ", gradient")]
    print(f"| operator | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    results: dict[str, Any] = {}
    slower: list[str] = []
    for operator in options.only:
        cells = []
        for column in columns:
            name = f"{operator}, {column}"
            result = results[name] = time_one(name, contenders, options.rounds)
            if "error" in result:
                cells.append(result["error"])
                continue
            ratio = result["jtorch"] / result["torch"]
            cells.append(f"{result['torch']:.0f} / {result['jtorch']:.0f} ({ratio:.2f})")
            if ratio > SLOW:
                gradient = column.partition(",")[1:]
                small = results[f"{operator}, small{''.join(gradient)}"]
                slower.append(f"- {name}: {ratio:.2f}, {reason(operator, result, small)}")
        print(f"| {operator} | {' | '.join(cells)} |", flush=True)
    for contender in contenders:
        contender.close()
    ratios = [r["jtorch"] / r["torch"] for r in results.values() if "error" not in r]
    print(f"\n{sum(ratio <= 1 for ratio in ratios)} of {len(ratios)} are no slower than PyTorch.")
    print(f"{len(slower)} are slower than {SLOW} times:\n")
    print("\n".join(slower))
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
