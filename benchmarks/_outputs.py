"""Whether two runs of a program printed the same, as far as rounding leaves that to be said."""

from __future__ import annotations

import math
import re

NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf)(?!\w)"
)
#: Numbers are printed with four digits or decimals; the last may differ.
RELATIVE, ABSOLUTE = 2e-3, 2e-4
#: A line that begins so holds what rounding decides, such as rewards late in a training.
ROUGH = "roughly"
ROUGH_FACTOR = 2.0


def first_difference(expected: str, actual: str) -> str | None:
    """Return the first line in which two outputs differ, in words; ``None`` where none does.

    Words must be equal and numbers close. In a line that begins with "roughly" numbers may differ
    by a factor of two, or by two where they are small.
    """
    lines = expected.splitlines(), actual.splitlines()
    for row, (one, other) in enumerate(zip(*lines), 1):
        if not _same_line(one, other):
            return f"line {row}: {one.strip()[:60]!r} became {other.strip()[:60]!r}"
    if len(lines[0]) != len(lines[1]):
        return f"{len(lines[0])} lines became {len(lines[1])}"
    return None


def _same_line(expected: str, actual: str) -> bool:
    if "".join(NUMBER.sub("0", expected).split()) != "".join(NUMBER.sub("0", actual).split()):
        return False
    close = _roughly if expected.startswith(ROUGH) else _close
    return all(
        close(float(one), float(other))
        for one, other in zip(NUMBER.findall(expected), NUMBER.findall(actual), strict=True)
    )


def _close(one: float, other: float) -> bool:
    if math.isnan(one):
        return math.isnan(other)
    return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _roughly(one: float, other: float) -> bool:
    if not (math.isfinite(one) and math.isfinite(other)):
        return False
    far = max(abs(one), abs(other))
    return abs(one - other) <= 2.0 or (
        one * other > 0 and far <= ROUGH_FACTOR * min(abs(one), abs(other))
    )
