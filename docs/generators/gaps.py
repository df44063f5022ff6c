"""Tables of what differs from PyTorch: the lists that the tests hold jtorch to, as Markdown."""

from __future__ import annotations

import fnmatch
import importlib
import json
import tomllib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from compat_tests.helpers.paths import GOLDEN, PACKAGE, ROOT

_DATABASE = ROOT / "compat_tests" / "oracle" / "database"
#: Names of one reason that are spelled out; the others are counted.
_SHOWN = 6


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _cell(text: str) -> str:
    # A bar ends a cell, and what looks like HTML would be taken for it.
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown, or a sentence where it has no rows.

    Args:
        titles: of the columns.
        rows: their cells, which are Markdown.
    """
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return "None at present.\n"
    return "\n".join([f"| {' | '.join(titles)} |", "|---" * len(titles) + "|", *lines]) + "\n"


def _names(names: Iterable[str]) -> str:
    ordered = sorted(names)
    words = ", ".join(f"`{name}`" for name in ordered[:_SHOWN])
    left = len(ordered) - _SHOWN
    return f"{words} and {left} more" if left > 0 else words


def by_reason(gaps: dict[str, dict[str, str]]) -> dict[str, set[str]]:
    """Return the names that share a reason, by reason, the most frequent first.

    Args:
        gaps: by name, its categories with a reason each.
    """
    found: dict[str, set[str]] = {}
    for name, categories in gaps.items():
        for reason in categories.values():
            found.setdefault(reason, set()).add(name)
    return dict(sorted(found.items(), key=lambda entry: (-len(entry[1]), entry[0])))


def _reasons(file: str, title: str) -> str:
    rows = by_reason(_read(_DATABASE / file)).items()
    return table(("why", title), ((_cell(reason), _names(names)) for reason, names in rows))


def tests_that_fail() -> str:
    """Return the gaps of ``known_gaps.toml``: what differs, and the tests that show it."""
    gaps = _read(ROOT / "compat_tests" / "known_gaps.toml").get("gap", [])
    rows = []
    for gap in gaps:
        functions = sorted({test.partition("::")[2].partition("[")[0] for test in gap["tests"]})
        rows.append((_cell(gap["reason"]), ", ".join(f"`{name}`" for name in functions)))
    return table(("what differs", "the test that shows it"), rows)


def _is_importable(module: str) -> bool:
    try:
        return find_spec("j" + module) is not None
    except ImportError:
        return False


def _is_there(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(importlib.import_module("j" + module), attribute)
    except ImportError:
        return False


def missing_names() -> str:
    """Return what ``absent_names.toml`` lists and really is not there, by reason."""
    recorded = json.loads((GOLDEN / "public_names.json").read_text(encoding="utf-8"))
    lists = _read(ROOT / "compat_tests" / "absent_names.toml")
    names = [f"{module}.{name}" for module, inside in recorded.items() for name in inside]
    rows = []
    for sort, known, there in (("module", recorded, _is_importable), ("name", names, _is_there)):
        for entry in lists.get(sort, ()):
            found = {
                name
                for pattern in entry["names"]
                for name in fnmatch.filter(known, pattern)
                if not there(name)
            }
            if found:
                rows.append((_cell(entry["reason"]), sort, _names(found)))
    return table(("why", "what", "names"), rows)


def refusals() -> str:
    """Return the sentences that stand-ins refuse with, by the part of PyTorch."""
    folder = PACKAGE / "_runtime" / "absent"
    reasons = _read(folder / "reasons.toml")["reasons"]
    names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
    counts = dict.fromkeys(reasons, 0)
    for module, inside in names.items():
        longest = max((part for part in reasons if f"{module}.".startswith(f"{part}.")), key=len)
        counts[longest] += sum(kind != "module" for kind in inside.values())
    public = sorted(part for part in reasons if "._" not in part)
    rows = ((f"`{part}`", str(counts[part]), _cell(reasons[part])) for part in public)
    return table(("names in", "stand-ins", "what they say"), rows)


def libraries() -> str:
    """Return how the programs of libraries compare, and the reasons of those that differ."""
    text = (ROOT / "compat_tests" / "libraries" / "README.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith("| library ")
    ]
    programs, same, close = (sum(int(row[column]) for row in rows) for column in (2, 3, 4))
    gaps = _read(ROOT / "compat_tests" / "libraries" / "known_gaps.toml").get("gap", [])
    words = (
        f"Of {programs} programs of {len(rows)} libraries, {same} print the same characters and "
        f"{close} numbers that agree to four digits.\n\n"
    )
    return words + table(
        ("library", "program", "what differs"),
        ((each["library"], f"`{each['program']}`", _cell(each["reason"])) for each in gaps),
    )


def generate(folder: Path) -> None:
    """Write the tables that ``differences.md`` includes.

    Args:
        folder: to write them to.
    """
    texts = {
        "tests_that_fail": tests_that_fail(),
        "operators": _reasons("known_gaps.toml", "operators"),
        "examples": _reasons("documented_gaps.toml", "names whose examples print something else"),
        "signatures": _reasons("surface_gaps.toml", "names"),
        "missing_names": missing_names(),
        "refusals": refusals(),
        "libraries": libraries(),
    }
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
