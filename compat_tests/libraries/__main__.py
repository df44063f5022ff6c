"""Run programs of libraries built on PyTorch under both: ``python -m compat_tests.libraries``.

Names of scripts after it run only those. A script is right where both print the same characters;
the exit status is 1 where one is not. A library that is not installed is left out, and said.
"""

from __future__ import annotations

import argparse
import importlib.metadata
from difflib import unified_diff
from pathlib import Path

from compat_tests.parity.__main__ import output_of

SCRIPTS = Path(__file__).parent / "scripts"
#: Distributions whose names are not the scripts'.
DISTRIBUTIONS = {"ignite": "pytorch-ignite", "pyro": "pyro-ppl"}


def version_of(library: str) -> str | None:
    """Return the version of an installed library."""
    try:
        return importlib.metadata.version(DISTRIBUTIONS.get(library, library))
    except importlib.metadata.PackageNotFoundError:
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scripts", nargs="*", help="names of scripts; all of them by default")
    chosen = parser.parse_args().scripts
    # Scripts are named so that none hides the library that it imports.
    scripts = {path.stem.removeprefix("with_"): path for path in sorted(SCRIPTS.glob("with_*.py"))}
    print("| library | version | lines | as PyTorch | s, PyTorch | s, jtorch |")
    print("|---|---|---|---|---|---|")
    wrong, absent, right = [], [], 0
    for library, script in scripts.items():
        version = version_of(library)
        if chosen and library not in chosen:
            continue
        if version is None:
            absent.append(library)
            continue
        expected, first = output_of(script)
        found, second = output_of(script, "-m", "jtorch")
        same = expected == found and "failed: " not in expected
        lines = len(expected.splitlines())
        answer = "yes" if same else "no"
        print(f"| {library} | {version} | {lines} | {answer} | {first:.1f} | {second:.1f} |")
        if same:
            right += 1
            continue
        wrong.append(library)
        difference = unified_diff(expected.splitlines(), found.splitlines(), "PyTorch", "jtorch")
        print("\n".join(list(difference)[:12]))
    print(f"{right} of {right + len(wrong)} libraries print the same characters")
    if absent:
        print("not installed:", ", ".join(absent))
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
