"""Compare printed text: exactly, in its form alone, or with numbers that may differ a little."""

from __future__ import annotations

import math
import re

ELISION = "..."
NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:e[+-]\d+)?")


def elide(text: str, kept: int = 5) -> str:
    """Replace the middle lines of a long text by one line ``...``."""
    lines = text.splitlines()
    if len(lines) <= 2 * kept + 1:
        return text
    return "\n".join([*lines[:kept], ELISION, *lines[-kept:]]) + "\n"


def matching_part(expected: str, actual: str) -> tuple[str, str]:
    """Return expected and actual text without the lines that a line ``...`` of expected stands for.

    White space at the end of the whole text does not count: documents do not show it.
    """
    wanted, got = expected.rstrip().split("\n"), actual.rstrip().split("\n")
    if ELISION in wanted:
        at = wanted.index(ELISION)
        after = len(wanted) - at - 1
        wanted.pop(at)
        if len(got) > at + after:
            got = got[:at] + got[len(got) - after :]
    return "\n".join(wanted), "\n".join(got)


def form(text: str) -> str:
    """Return a text with each number as ``#`` and without blanks, which align numbers."""
    return re.sub(r"[ \t]+", "", NUMBER.sub("#", text))


def same_form(expected: str, actual: str) -> bool:
    """Tell whether two texts are equal but for their numbers and how these are aligned."""
    wanted, got = matching_part(expected, actual)
    return form(wanted) == form(got)


def same_text(expected: str, actual: str, relative: float = 0.0) -> bool:
    """Tell whether two texts are equal, numbers within a relative tolerance."""
    wanted, got = matching_part(expected, actual)
    if wanted == got:
        return True
    if relative == 0.0 or form(wanted) != form(got):
        return False
    pairs = zip(NUMBER.findall(wanted), NUMBER.findall(got), strict=True)
    return all(math.isclose(float(one), float(two), rel_tol=relative) for one, two in pairs)


def joined(text: str) -> str:
    """Return an error message on one line: documents break long ones."""
    return " ".join(text.split())
