"""The tables at the end: what is right, by category and by namespace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

#: Entries that must be right, by category; None where no figure is set.
TARGETS = {
    "forward": 680, "integer": 445, "half": None, "complex": None, "gradient": 510,
    "second": None, "method": 318, "inplace": 138, "out": 305, "error": 200, "form": None,
    "grad_fn": None, "every category": 640,
}  # fmt: skip
#: ``grad_fn`` names are shown by a printed tensor; they are counted, and apart.
_APART = ("grad_fn",)
_NAMESPACES = ("nn.functional", "linalg", "fft", "special", "signal.windows", "masked")


def namespace(entry: str) -> str:
    """Return the namespace that an entry's name begins with; ``torch`` where it has none."""
    for name in _NAMESPACES:
        if entry.startswith(name + "."):
            return name
    return "torch"


def outcome(records: dict[str, dict[str, Any]]) -> dict[str, dict[str, str | None]]:
    """Return by entry and category None where it is right, else the first failure."""
    found: dict[str, dict[str, str | None]] = {}
    for entry, record in records.items():
        found[entry] = {}
        for category, result in record["results"].items():
            if result["failed"]:
                found[entry][category] = result["failures"][0]
            elif result["count"]:
                found[entry][category] = None
    return found


def is_right(categories: dict[str, str | None]) -> bool:
    """Tell whether an entry was examined and is right in every category that counts."""
    counted = [wrong for name, wrong in categories.items() if name not in _APART]
    return bool(counted) and all(wrong is None for wrong in counted)


def operators(records: dict[str, dict[str, Any]], total: int) -> str:
    """Return the tables of the operator database.

    Args:
        records: results by entry.
        total: the number of entries of the database.
    """
    wrong = outcome(records)
    names = [name for name in TARGETS if name != "every category"]
    rows = [["category", "entries", "right", "share", "target", "samples", "wrong", "left out"]]
    for name in names:
        results = [record["results"].get(name) for record in records.values()]
        results = [result for result in results if result is not None]
        counted = [result for result in results if result["count"]]
        right = sum(not result["failed"] for result in counted)
        rows.append(
            [
                name,
                str(len(counted)),
                str(right),
                _share(right, len(counted)),
                str(TARGETS[name] or ""),
                str(sum(result["count"] for result in results)),
                str(sum(result["failed"] for result in results)),
                str(sum(result["skipped"] for result in results)),
            ]
        )
    right = sum(map(is_right, wrong.values()))
    target = str(TARGETS["every category"])
    rows.append(["every category", str(len(records)), str(right), _share(right, len(records))])
    rows[-1] += [target, "", "", ""]
    text = table(rows)
    soft = sum(record["results"].get("error", {}).get("soft", 0) for record in records.values())
    text += f"\n\n{len(records)} of {total} entries examined. Left out: sparse, nested, quantised"
    text += " and CUDA-only samples."
    text += f"\nError messages that differ but match the database's pattern: {soft}."

    spaces = ["torch", *_NAMESPACES]
    rows = [["namespace", "entries", "every", *names]]
    for space in spaces:
        inside = {entry: found for entry, found in wrong.items() if namespace(entry) == space}
        if not inside:
            continue
        row = [space, str(len(inside)), str(sum(map(is_right, inside.values())))]
        for name in names:
            found = [categories[name] for categories in inside.values() if name in categories]
            row.append(f"{sum(each is None for each in found)}/{len(found)}" if found else "")
        rows.append(row)
    return text + "\n\n" + table(rows)


def _share(right: int, count: int) -> str:
    return f"{100 * right / count:.1f} %" if count else ""


def table(rows: Iterable[list[str]]) -> str:
    """Return rows as aligned text; the first is the heading, the first column is to the left."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return "\n".join(lines)
