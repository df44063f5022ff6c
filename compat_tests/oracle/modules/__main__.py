"""Command line: ``python -m compat_tests.oracle.modules --only Linear "Conv*"``."""

from __future__ import annotations

import argparse
import fnmatch
import sys
import time
import tomllib
from pathlib import Path

from torch.testing._internal.common_modules import module_db

from .checks import CATEGORIES, Entry

GAPS = Path(__file__).with_name("known_gaps.toml")


def main() -> int:
    """Check the modules and print a table; return 1 where the known gaps say otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m compat_tests.oracle.modules", description=__doc__
    )
    parser.add_argument("--only", nargs="+", metavar="GLOB", help="some modules only")
    parser.add_argument("--verbose", "-v", action="store_true", help="show every difference")
    parser.add_argument("--quick", action="store_true", help="two samples of each module")
    options = parser.parse_args()
    known = tomllib.loads(GAPS.read_text(encoding="utf-8"))
    entries = [(info.name.removeprefix("nn."), info) for info in module_db]
    if options.only:
        entries = [
            (name, info)
            for name, info in entries
            if any(fnmatch.fnmatchcase(name, glob) for glob in options.only)
        ]
    right = dict.fromkeys(CATEGORIES, 0)
    examined = dict.fromkeys(CATEGORIES, 0)
    clean = surprises = 0
    for name, info in entries:
        start = time.perf_counter()
        entry = Entry(info, 2 if options.quick else None).run()
        seconds = time.perf_counter() - start
        clean += not entry.wrong
        for category in CATEGORIES:
            examined[category] += bool(entry.counts[category])
            right[category] += bool(entry.counts[category]) and category not in entry.wrong
        listed = known.get(name, {})
        new = [category for category in entry.wrong if category not in listed]
        passing = [category for category in listed if category not in entry.wrong]
        surprises += len(new) + len(passing)
        print(f"{name:32} {seconds:5.1f} s  {' '.join(entry.wrong) or 'as PyTorch'}")
        for category in entry.wrong:
            if category in new or options.verbose:
                for line in entry.wrong[category][: None if options.verbose else 2]:
                    print(f"    {category}: {line}")
        for category in passing:
            print(f"    {category} is right and still listed")
        sys.stdout.flush()
    print(f"\n{'category':14} {'modules':>8} {'right':>6}")
    for category in CATEGORIES:
        print(f"{category:14} {examined[category]:8} {right[category]:6}")
    print(f"{'all':14} {len(entries):8} {clean:6}")
    print(f"{surprises} differences from known_gaps.toml")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
