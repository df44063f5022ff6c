"""Command line: ``python -m compat_tests.oracle.optimisers --only Adam``."""

from __future__ import annotations

import argparse
import sys
import tomllib
import warnings
from pathlib import Path

from torch.testing._internal.common_optimizers import optim_db

from .checks import check

GAPS = Path(__file__).with_name("known_gaps.toml")


def main() -> int:
    """Check the optimisers and print a table; return 1 where the known gaps say otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m compat_tests.oracle.optimisers", description=__doc__
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some optimisers only")
    options = parser.parse_args()
    known = tomllib.loads(GAPS.read_text())
    warnings.simplefilter("ignore")
    chosen = [info for info in optim_db if not options.only or info.name in options.only]
    clean = surprises = 0
    for info in chosen:
        expected = known.get(info.name, {})
        found = check(info)
        unexpected = [line for line in found if not any(gap in line for gap in expected)]
        passing = [gap for gap in expected if not any(gap in line for line in found)]
        clean += not found
        surprises += len(unexpected) + len(passing)
        print(f"{info.name:10} {'as PyTorch' if not found else f'{len(found)} differences'}")
        for line in unexpected:
            print(f"    {line}")
        for gap in passing:
            print(f"    a known gap passes: {gap}")
        sys.stdout.flush()
    print(f"{clean} of {len(chosen)} optimisers are as PyTorch's, {surprises} surprises")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
