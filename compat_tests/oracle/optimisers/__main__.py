"""Command line: ``python -m compat_tests.oracle.optimisers --only Adam``."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

from torch.testing._internal.common_optimizers import optim_db

from compat_tests.oracle.helpers.shards import WORKERS, spread

from .examining import examine

GAPS = Path(__file__).with_name("known_gaps.toml")
#: These make the most programs, and so are begun with.
SLOWEST = ("LBFGS", "Muon", "SGD", "Adam", "AdamW", "RMSprop", "NAdam", "RAdam")


def main() -> int:
    """Check the optimisers and print a table; return 1 where the known gaps say otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m compat_tests.oracle.optimisers", description=__doc__
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some optimisers only")
    parser.add_argument("--full", action="store_true", help="every trajectory in both dtypes")
    parser.add_argument("--workers", type=int, default=WORKERS, help="number of processes")
    options = parser.parse_args()
    known = tomllib.loads(GAPS.read_text(encoding="utf-8"))
    chosen = [
        index
        for index, info in enumerate(optim_db)
        if not options.only or info.name in options.only
    ]
    chosen.sort(key=lambda index: optim_db[index].name not in SLOWEST)
    clean = expected_only = surprises = 0
    results = spread(examine, [(index, options.full) for index in chosen], options.workers)
    for index, (found, compared, there, seconds) in zip(chosen, results, strict=True):
        name = optim_db[index].name
        expected = known.get(name, {})
        unexpected = [line for line in found if not any(gap in line for gap in expected)]
        passing = [gap for gap in expected if not any(gap in line for line in found)]
        clean += not found
        expected_only += bool(found) and not unexpected
        surprises += len(unexpected) + len(passing)
        verdict = "as PyTorch" if not found else f"{len(found)} differences"
        print(f"{name:12} {compared:3}/{there:<3} trajectories {seconds:6.1f} s  {verdict}")
        for line in unexpected:
            print(f"    {line}")
        for gap in passing:
            print(f"    a known gap passes: {gap}")
        sys.stdout.flush()
    print(
        f"{clean} of {len(chosen)} optimisers are as PyTorch's, "
        f"{expected_only} but for known gaps, {surprises} surprises"
    )
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
