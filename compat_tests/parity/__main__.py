"""Run the training scripts under both libraries: ``python -m compat_tests.parity``, with a table.

Names of scripts after it run only those. The exit status is 1 where losses differ in the first
four digits over the first 50 steps, where a metric differs by more than noise, or where any other
line differs, and the script does not stand in ``known_gaps.toml``; and where one stands there that
agrees.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from compat_tests.parity.compare import Comparison, compare

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCRIPTS = HERE / "scripts"
GAPS = HERE / "known_gaps.toml"
#: Seconds that a script may take.
LIMIT = 600


def output_of(script: Path, *launcher: str) -> tuple[str, float]:
    """Run a script; return what it printed (errors too, where it failed) and the seconds."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *launcher, str(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        return f"{done.stdout}failed: {done.stderr.strip().splitlines()[-1:]}", seconds
    return done.stdout, seconds


def row(name: str, result: Comparison, seconds: tuple[float, float]) -> str:
    """Return a line of the table."""
    digits = "all" if result.digits == float("inf") else f"{result.digits:.1f}"
    metrics = ", ".join(f"{n} {a:.4g} / {b:.4g}" for n, a, b in result.metrics)
    return (
        f"| {name} | {result.steps} | {result.identical} | {digits} | {metrics} "
        f"| {seconds[0]:.1f} | {seconds[1]:.1f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scripts", nargs="*", help="names of scripts; all of them by default")
    chosen = parser.parse_args().scripts
    known = {gap["script"]: gap["reason"] for gap in tomllib.loads(GAPS.read_text()).get("gap", [])}
    scripts = sorted(p for p in SCRIPTS.glob("*.py") if not chosen or p.stem in chosen)
    print("| script | losses | same characters | digits | metrics (PyTorch / jtorch) | s | s |")
    print("|---|---|---|---|---|---|---|")
    wrong = []
    for script in scripts:
        expected, first = output_of(script)
        found, second = output_of(script, "-m", "jtorch")
        result = compare(expected, found)
        print(row(script.stem, result, (first, second)), flush=True)
        for problem in result.problems[:3]:
            print(f"    {problem}")
        if result.problems and script.stem in known:
            print(f"    known: {known[script.stem]}")
        elif bool(result.problems) != (script.stem in known):
            wrong.append(script.stem)
    print(f"{len(scripts) - len(wrong)} of {len(scripts)} scripts are as expected")
    if wrong:
        print("not as expected:", ", ".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
