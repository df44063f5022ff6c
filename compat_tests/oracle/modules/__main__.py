"""Command line: ``python -m compat_tests.oracle.modules --only Linear "Conv*"``."""

from __future__ import annotations

import argparse
import fnmatch
import sys
import tomllib
from pathlib import Path

from torch.testing._internal.common_modules import module_db

from compat_tests.oracle.helpers.shards import WORKERS, spread

from .categories import CATEGORIES
from .examining import examine

GAPS = Path(__file__).with_name("known_gaps.toml")
#: An entry with more samples is looked at in so many of them, evenly spread.
SAMPLES = 6


def main() -> int:
    """Check the modules and print a table; return 1 where the known gaps say otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m compat_tests.oracle.modules", description=__doc__
    )
    parser.add_argument("--only", nargs="+", metavar="GLOB", help="some modules only")
    parser.add_argument("--verbose", "-v", action="store_true", help="show every difference")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--quick", action="store_true", help="two samples of each module")
    amount.add_argument("--full", action="store_true", help="every sample of each module")
    parser.add_argument("--workers", type=int, default=WORKERS, help="number of processes")
    options = parser.parse_args()
    known = tomllib.loads(GAPS.read_text(encoding="utf-8"))
    most = 2 if options.quick else None if options.full else SAMPLES
    globs = options.only or ["*"]
    chosen = [
        (index, name)
        for index, name in enumerate(info.name.removeprefix("nn.") for info in module_db)
        if any(fnmatch.fnmatchcase(name, glob) for glob in globs)
    ]
    right = dict.fromkeys(CATEGORIES, 0)
    examined = dict.fromkeys(CATEGORIES, 0)
    clean = surprises = 0
    results = spread(examine, [(index, most) for index, _ in chosen], options.workers)
    for (_, name), found in zip(chosen, results, strict=True):
        wrong, counts = found["wrong"], found["counts"]
        clean += not wrong
        for category in CATEGORIES:
            examined[category] += bool(counts[category])
            right[category] += bool(counts[category]) and category not in wrong
        listed = known.get(name, {})
        new = [category for category in wrong if category not in listed]
        # Fewer samples may miss what is listed.
        passing = [category for category in listed if category not in wrong and counts[category]]
        passing = passing if not options.quick else []
        surprises += len(new) + len(passing)
        looked, there = found["samples"]
        samples = f"{looked}/{there} samples"
        print(
            f"{name:32} {samples:>14} {found['seconds']:5.1f} s  {' '.join(wrong) or 'as PyTorch'}"
        )
        for category in wrong:
            if category in new or options.verbose:
                for line in wrong[category][: None if options.verbose else 2]:
                    print(f"    {category}: {line}")
        for category in passing:
            print(f"    {category} is right and still listed")
        sys.stdout.flush()
    print(f"\n{'category':14} {'modules':>8} {'right':>6}")
    for category in CATEGORIES:
        print(f"{category:14} {examined[category]:8} {right[category]:6}")
    print(f"{'all':14} {len(chosen):8} {clean:6}")
    print(f"{surprises} differences from known_gaps.toml")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
