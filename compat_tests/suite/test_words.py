"""Words that a reader could not search for stay out of jtorch's prose and names."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from compat_tests.helpers.paths import ROOT

BANNED = re.compile(
    r"(?<![^\W_])(anew|somebody|nobody|so\s+many|(its|their)\s+(kin|like))(?![^\W_])", re.I
)


def files_with_prose() -> list[Path]:
    """Return the source files, the examples and the documents of the project."""
    return [
        *(ROOT / "jtorch").rglob("*.py"),
        *(ROOT / "examples").glob("*.py"),
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),  # what the build makes lies in folders of its own
        *(ROOT / "docs" / "decisions").glob("*.md"),
    ]


def count_banned_words() -> Counter[str]:
    """Count them in every source file and in the documents of the project."""
    counts: Counter[str] = Counter()
    for file in files_with_prose():
        # A sentence may go on behind the mark of a comment's next line.
        text = re.sub(r"\n\s*#:?", "\n", file.read_text(encoding="utf-8"))
        if count := len(BANNED.findall(text)):
            counts[file.relative_to(ROOT).as_posix()] = count
    return counts


def test_banned_words_are_seen():
    assert BANNED.findall("drawn anew, so\nmany; somebody_else") != []
    assert len(BANNED.findall("anew so many nobody its kin")) == 4
    assert BANNED.findall("renewed; manyfold, so much, itskin") == []


def test_files_are_found():
    """A folder that moved would leave nothing to look at."""
    assert len(files_with_prose()) > 400


def test_no_banned_word_is_used():
    assert count_banned_words() == Counter()
