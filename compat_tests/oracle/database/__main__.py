"""Command line: ``python -m compat_tests.oracle.database ops --only "linalg.*"``."""

from __future__ import annotations

import argparse
import fnmatch
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import tables
from .driver import ROOT, Store, run
from .gaps import Gaps

FOLDER = ROOT / ".oracle"
#: Failures of a category that --verbose shows.
_SHOWN = 3


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m compat_tests.oracle.database", description=__doc__
    )
    commands = parser.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--only", nargs="+", metavar="GLOB", help="names, * for anything")
    shared.add_argument("--shards", type=int, default=2, help="worker processes (2)")
    shared.add_argument("--resume", action="store_true", help="leave out what the last run did")
    shared.add_argument("--verbose", "-v", action="store_true", help="show each failure")
    shared.add_argument("--update-gaps", action="store_true", help="write the file of known gaps")
    shared.add_argument("--timeout", type=float, default=120.0, help="seconds for one step (120)")
    shared.add_argument("--folder", type=Path, default=FOLDER, help="results and programs")
    shared.add_argument(
        "--keep",
        action="store_true",
        help="put the results into those of the last whole run (only with --only)",
    )
    ops = commands.add_parser("ops", parents=[shared], help="the operator database")
    ops.add_argument("--category", nargs="+", metavar="NAME", help="some categories only")
    ops.add_argument("--all-samples", action="store_true", help="every sample, which takes long")
    ops.add_argument("--quick", action="store_true", help="a quarter of the samples")
    commands.add_parser("docs", parents=[shared], help="the examples in PyTorch's docstrings")
    surface = commands.add_parser("surface", help="public names and signatures")
    surface.add_argument("--update-gaps", action="store_true")
    surface.add_argument("--verbose", "-v", action="store_true")
    both = commands.add_parser("all", parents=[shared], help="ops, docs and surface")
    both.set_defaults(category=None, all_samples=False, quick=False)
    table = commands.add_parser("table", help="the tables of the last run, once more")
    table.add_argument("--folder", type=Path, default=FOLDER)
    return parser


def operators(options: argparse.Namespace) -> bool:
    """Run the operator database; return whether everything is as the gaps say."""
    from .entries import CATEGORIES, LIMITS, entries, steps_of

    known = entries()
    chosen = _chosen(list(known), options.only)
    categories = options.category or list(CATEGORIES)
    if unknown := set(categories) - set(CATEGORIES):
        raise SystemExit(f"no category {', '.join(unknown)}; there are: {', '.join(CATEGORIES)}")
    whole = options.only is None and options.category is None
    store = _store(options, "ops", whole)
    limits = dict.fromkeys(LIMITS, 0) if options.all_samples else LIMITS
    if options.quick:
        limits = {name: max(2, limit // 4) for name, limit in LIMITS.items()}
    steps = steps_of(categories)
    jobs = [
        {"entry": name, "categories": categories, "steps": steps, "limits": limits}
        for name in chosen
    ]
    records = _run("ops", jobs, store, options)
    records = {name: records[name] for name in chosen if name in records}
    # What was examined on the way to another category is no part of this answer.
    for record in records.values():
        record["results"] = {k: v for k, v in record["results"].items() if k in categories}
    print(tables.operators(records, len(known)))
    return _against(Gaps("known_gaps.toml"), tables.outcome(records), set(known), options)


def docstrings(options: argparse.Namespace) -> bool:
    """Run the examples of PyTorch's docstrings; return whether everything is as the gaps say."""
    import torch

    from .docstrings import References, documented, load, summary

    references = References(options.folder, torch.__version__)
    paths = references.paths()
    if not all(path.is_file() for path in paths):
        found = documented()
        references.write(found)
        jobs = [{"entry": name} for name in found]
        for path in paths:
            print(f"PyTorch runs its own examples: {path.stem} time", file=sys.stderr)
            unfinished = Store(path.with_suffix(".unfinished"))
            unfinished.clear()
            _run("reference", jobs, unfinished, options)
            unfinished.path.rename(path)
    known = list(load(references.folder))
    chosen = _chosen(known, options.only)
    store = _store(options, "docs", options.only is None)
    jobs = [{"entry": name} for name in chosen]
    records = _run("docs", jobs, store, options, (str(references.folder),))
    records = {name: records[name] for name in chosen if name in records}
    print(summary(records))
    outcome = tables.outcome(records)
    return _against(Gaps("documented_gaps.toml"), outcome, set(known), options)


def surface(options: argparse.Namespace) -> bool:
    """Compare public names and signatures; return whether everything is as the gaps say."""
    from .surface import compare, reason, summary

    outcome = compare()
    print(summary(outcome))
    if options.verbose:
        for entry, categories in outcome.items():
            for category, wrong in categories.items():
                if wrong:
                    print(f"{entry}: {category}: {wrong}")
    return _against(Gaps("surface_gaps.toml"), outcome, set(outcome), options, reason)


def _chosen(known: list[str], patterns: list[str] | None) -> list[str]:
    if patterns is None:
        return known
    chosen = [name for name in known if any(fnmatch.fnmatchcase(name, each) for each in patterns)]
    if not chosen:
        raise SystemExit(f"no entry matches {' '.join(patterns)}")
    return chosen


def _store(options: argparse.Namespace, kind: str, whole: bool) -> Store:
    """Return where results go: a run of some entries leaves those of the last whole run alone."""
    if whole or options.keep:
        store = Store(options.folder / f"{kind}.jsonl")
    else:
        store = Store(options.folder / f"{kind}-part-{_moment()}.jsonl")
    if whole and not options.resume:
        store.clear()
    return store


def _moment() -> str:
    return f"{time.time_ns():x}"


def _run(
    kind: str,
    jobs: list[dict[str, Any]],
    store: Store,
    options: argparse.Namespace,
    arguments: tuple[str, ...] = (),
) -> dict[str, dict[str, Any]]:
    done = store.read() if options.resume else {}
    started = time.monotonic()
    terminal = sys.stderr.isatty()

    def report(number: int, count: int, record: dict[str, Any]) -> None:
        wrong = [name for name, result in record["results"].items() if _failed(result)]
        line = f"[{number}/{count}] {record['entry']} {record['seconds']:.1f} s"
        if wrong:
            line += f"  wrong: {', '.join(wrong)}"
        if terminal and not options.verbose:
            print(f"\r\x1b[K{line[:110]}", end="", file=sys.stderr, flush=True)
        elif options.verbose or number % 25 == 0 or number == count:
            print(line, file=sys.stderr, flush=True)
        if options.verbose:
            for name in wrong:
                for words in record["results"][name]["failures"][:_SHOWN]:
                    print(f"    {name}: {words}", file=sys.stderr, flush=True)

    left = [job for job in jobs if job["entry"] not in done]
    run(
        kind,
        left,
        store,
        shards=options.shards,
        timeout=options.timeout,
        report=report,
        arguments=arguments,
    )
    if terminal and not options.verbose:
        print(file=sys.stderr)
    records = store.read()
    if "-part-" in store.path.name:
        store.clear()
    print(f"{len(left)} entries in {time.monotonic() - started:.0f} s\n", file=sys.stderr)
    return records


def _failed(result: Any) -> bool:
    return isinstance(result, dict) and bool(result["failed"])


def _against(
    gaps: Gaps,
    outcome: dict[str, Any],
    known: set[str],
    options: argparse.Namespace,
    reason: Callable[[str], str | None] = lambda entry: None,
) -> bool:
    if options.update_gaps:
        gaps.update(outcome, reason)
        print(f"\n{gaps.path.name} is written.")
        return True
    problems = gaps.problems(outcome) + gaps.unknown(known)
    if problems:
        print(f"\n{len(problems)} differences from {gaps.path.name}:")
        for problem in problems if options.verbose else problems[:40]:
            print(f"  {problem[:300]}")
        if len(problems) > 40 and not options.verbose:
            print(f"  ... and {len(problems) - 40} more (--verbose shows them)")
    return not problems


def table(options: argparse.Namespace) -> bool:
    """Print the tables of the last whole run."""
    from .docstrings import summary

    records = Store(options.folder / "ops.jsonl").read()
    if records:
        print(tables.operators(records, len(records)))
    records = Store(options.folder / "docs.jsonl").read()
    if records:
        print("\n" + summary(records))
    return True


def main() -> None:
    """Run what the command line asks for; exit with 1 where something differs from the gaps."""
    options = _arguments().parse_args()
    if options.command == "all":
        results = [step(options) for step in (operators, docstrings, surface)]
        raise SystemExit(not all(results))
    step = {"ops": operators, "docs": docstrings, "surface": surface, "table": table}
    raise SystemExit(not step[options.command](options))


if __name__ == "__main__":
    main()
