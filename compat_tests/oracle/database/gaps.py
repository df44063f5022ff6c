"""What falls short, in files of their own: a reason for each entry and category."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
_UNKNOWN = "Not done yet."

#: Reasons that what went wrong tells by itself.
_TOLD = [
    (re.compile(pattern), reason)
    for pattern, reason in (
        ("no sparse tensors|to_sparse", "Needs sparse tensors, which jtorch does not have."),
        ("nested tensor", "Needs nested tensors, which jtorch does not have."),
        ("quantize|quantise", "Needs quantised tensors, which jtorch does not have."),
        ("masked tensors", "Needs masked tensors, which jtorch does not have."),
        (
            "complex32|half precision complex",
            "Needs complex32, which JAX does not have; jtorch says so by name.",
        ),
        ("_scaled_mm", "Products of float8 matrices, which no CPU formulation was written for."),
        ("profiler", "jtorch has no autograd profiler: programs are not run operator by operator."),
        (
            r"(dist|norm)\(.*prints 'tensor\(\d\.\d+e-",
            "Prints a rounding error, which depends on the order in which a library adds.",
        ),
    )
]


class Gaps:
    """One file: a table for each entry, and in it a reason for each category.

    Attributes:
        reasons: by entry and category.
    """

    def __init__(self, name: str):
        self.path = HERE / name
        self.reasons: dict[str, dict[str, str]] = {}
        if self.path.is_file():
            self.reasons = tomllib.loads(self.path.read_text(encoding="utf-8"))
        for entry, categories in self.reasons.items():
            for category, reason in categories.items():
                if not reason.strip():
                    raise SystemExit(f"{name}: {entry}, {category}: a gap needs a reason")

    def problems(self, outcome: dict[str, dict[str, str | None]]) -> list[str]:
        """Return what does not fit the file.

        Args:
            outcome: by entry and category, None where it is right, else the first thing wrong.
        """
        found = []
        for entry, categories in outcome.items():
            listed = self.reasons.get(entry, {})
            for category, wrong in categories.items():
                if wrong is not None and category not in listed:
                    found.append(f"{entry}: {category} fails and is not listed: {wrong}")
                if wrong is None and category in listed:
                    found.append(f"{entry}: {category} is right and still listed")
        return found

    def unknown(self, entries: set[str]) -> list[str]:
        """Return the listed entries that do not exist."""
        return [f"{entry}: no such entry" for entry in self.reasons if entry not in entries]

    def update(
        self,
        outcome: dict[str, dict[str, str | None]],
        reason: Callable[[str], str | None] = lambda entry: None,
    ) -> None:
        """Write the file anew for the examined entries; reasons that still hold are kept.

        Args:
            outcome: as of ``problems``.
            reason: the reason of an entry that is new in the file, where one is known.
        """
        for entry, categories in outcome.items():
            listed = self.reasons.setdefault(entry, {})
            for category, wrong in categories.items():
                if wrong is None:
                    listed.pop(category, None)
                else:
                    told = reason(entry) or _told(wrong) or f"{_UNKNOWN} {wrong}"
                    told = told.replace(f"{HERE.parents[2]}/", "")
                    if listed.get(category, _UNKNOWN).startswith(_UNKNOWN):
                        listed[category] = told[:240]
        lines = []
        for entry in sorted(entry for entry, listed in self.reasons.items() if listed):
            lines.append(f"[{json.dumps(entry)}]")
            for category, reason in sorted(self.reasons[entry].items()):
                lines.append(f"{json.dumps(category)} = {json.dumps(reason, ensure_ascii=False)}")
            lines.append("")
        self.path.write_text("\n".join(lines), encoding="utf-8")


def _told(wrong: str) -> str | None:
    for pattern, reason in _TOLD:
        if pattern.search(wrong):
            return reason
    return None
