"""Run programs of libraries built on PyTorch under both: ``python -m compat_tests.libraries``.

Names of libraries after it run only those; ``--markdown FILE`` writes the table to a file as well.
A program is right where both print the same characters, or numbers that agree to four digits. One
that is not has to stand in ``known_gaps.toml``, and one that stands there has to be wrong; the exit
status is 1 otherwise. A library that is not installed is left out, and said.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import subprocess
import sys
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from compat_tests.libraries.comparison import compare, difference, programs_of

HERE = Path(__file__).parent
SCRIPTS = HERE / "scripts"
ROOT = HERE.parents[1]
#: Seconds that the programs of one library may take.
LIMIT = 600
#: Distributions whose names are not the scripts'.
DISTRIBUTIONS = {
    "ignite": "pytorch-ignite",
    "open_clip": "open-clip-torch",
    "pyro": "pyro-ppl",
    "sklearn": "scikit-learn",
}
#: What libraries read when they are imported: no network, Keras on PyTorch, arrays of SciPy.
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "KERAS_BACKEND": "torch",
    "MPLBACKEND": "Agg",
    "SCIPY_ARRAY_API": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "YOLO_OFFLINE": "true",
}


@dataclass
class Outcome:
    """What became of the programs of one library."""

    library: str
    version: str
    seconds: tuple[float, float]
    agreement: dict[str, str] = field(default_factory=dict)
    differences: dict[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> set[str]:
        return {name for name, how in self.agreement.items() if how == "different"}

    def row(self, reasons: list[str]) -> str:
        count = Counter(self.agreement.values())
        cells = [self.library, self.version, len(self.agreement), count["same"], count["digits"]]
        cells += [*(f"{seconds:.0f}" for seconds in self.seconds), "; ".join(reasons)]
        return "| " + " | ".join(map(str, cells)) + " |"

    def lasting_row(self, reasons: list[str]) -> str:
        """Return the row without what depends on the machine."""
        parts = self.row(reasons).split(" | ")
        return " | ".join([*parts[:5], *parts[7:]])


COLUMNS = ("library", "version", "programs", "same characters", "to 4 digits", "s, PyTorch")
COLUMNS = (*COLUMNS, "s, jtorch", "what differs")
LASTING = (*COLUMNS[:5], *COLUMNS[7:])


def header(columns: tuple[str, ...]) -> str:
    """Return the first lines of a table."""
    return f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"


def distribution_of(script: str) -> str:
    """Return the distribution that a script is of."""
    return DISTRIBUTIONS.get(script, script.replace("_", "-"))


def version_of(library: str) -> str | None:
    """Return the version of an installed library."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def output_of(script: Path, *launcher: str) -> tuple[str, str, float]:
    """Run a script; return what it printed, what it wrote beside it, and the seconds."""
    start = time.perf_counter()
    command = [sys.executable, "-W", "ignore", *launcher, str(script)]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": path}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT, check=False, env=environment
        )
        printed, beside = done.stdout, done.stderr
    except subprocess.TimeoutExpired as error:
        printed, beside = (error.stdout or b"").decode(), f"stopped after {LIMIT} seconds"
    return printed, beside, time.perf_counter() - start


def run(library: str, version: str, script: Path) -> Outcome:
    """Run the programs of a library under both and compare them one by one."""
    expected, error, first = output_of(script)
    found, other_error, second = output_of(script, "-m", "jtorch")
    outcome = Outcome(library, version, (first, second))
    theirs, ours = programs_of(expected), programs_of(found)
    for name in theirs | ours:
        one, two = theirs.get(name, "did not run\n"), ours.get(name, "did not run\n")
        outcome.agreement[name] = compare(one, two)
        outcome.differences[name] = difference(one, two)
    for words in (error, other_error):
        if outcome.wrong and words.strip():
            outcome.differences["stderr"] = "\n".join(words.strip().splitlines()[-12:])
    if not outcome.agreement:
        outcome.agreement["import"] = "different"
        outcome.differences["import"] = "\n".join((error or other_error).splitlines()[-3:])
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("libraries", nargs="*", help="names of libraries; all of them by default")
    parser.add_argument("--markdown", type=Path, help="a file to write the table to")
    options = parser.parse_args()
    known: dict[tuple[str, str], str] = {
        (gap["library"], gap["program"]): gap["reason"]
        for gap in tomllib.loads((HERE / "known_gaps.toml").read_text()).get("gap", [])
    }
    print(header(COLUMNS), flush=True)
    rows, absent, surprises, outcomes = [header(LASTING)], [], [], []
    # Scripts are named so that none hides the library that it imports.
    for script in sorted(SCRIPTS.glob("with_*.py")):
        library = distribution_of(script.stem.removeprefix("with_"))
        if options.libraries and library not in options.libraries:
            continue
        version = version_of(library)
        if version is None:
            absent.append(library)
            continue
        outcome = run(library, version, script)
        outcomes.append(outcome)
        gaps = {program: reason for (name, program), reason in known.items() if name == library}
        reasons = [f"{program}: {gaps[program]}" for program in gaps]
        rows.append(outcome.lasting_row(reasons))
        print(outcome.row(reasons), flush=True)
        for program in sorted(outcome.wrong - gaps.keys()):
            surprises.append(f"{library}: {program} differs")
            print(outcome.differences[program], flush=True)
        if outcome.wrong - gaps.keys():
            print(outcome.differences.get("stderr", ""), flush=True)
        surprises += [
            f"{library}: {program} agrees, and known_gaps.toml says that it does not"
            for program in sorted(gaps.keys() - outcome.wrong)
        ]
    agreeing = sum(not outcome.wrong for outcome in outcomes)
    programs = [how for outcome in outcomes for how in outcome.agreement.values()]
    summary = (
        f"{agreeing} of {len(outcomes)} libraries agree in all programs;"
        f" {sum(how != 'different' for how in programs)} of {len(programs)} programs agree,"
        f" {programs.count('same')} in every character"
    )
    print(summary)
    if absent:
        print("not installed:", ", ".join(absent))
    if surprises:
        print("\n".join(surprises))
    if options.markdown:
        before = options.markdown.read_text(encoding="utf-8") if options.markdown.is_file() else ""
        prose = before.partition(f"| {LASTING[0]} |")[0]
        text = "\n".join([*rows, "", summary + ".", ""])
        options.markdown.write_text(prose + text, encoding="utf-8")
    return bool(surprises)


if __name__ == "__main__":
    raise SystemExit(main())
