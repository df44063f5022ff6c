"""Comparing what the programs of a library printed under PyTorch and under jtorch."""

from __future__ import annotations

import math
import re
from difflib import unified_diff

from compat_tests.parity.compare import agreeing_digits

_NUMBER = re.compile(r"([-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE][-+]?\d))(?:[eE][-+]?\d+)?)")
#: Significant digits to which numbers have to agree; what is printed with fewer, to its last place.
DIGITS = 4
FAILED = "failed: "


def programs_of(output: str) -> dict[str, str]:
    """Return what each program printed, by its name."""
    parts = re.split(r"^# (\w+)\n", output, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def compare(expected: str, found: str) -> str:
    """Return how two outputs agree: ``same`` characters, ``digits``, or ``different``.

    Only numbers with a decimal point may differ, and only behind their fourth significant digit or
    in the last place that was printed; whole numbers and all other text have to be the same.
    """
    if FAILED in expected:
        return "different"
    if expected == found:
        return "same"
    left, right = _NUMBER.split(_spaces(expected)), _NUMBER.split(_spaces(found))
    if len(left) != len(right) or left[::2] != right[::2]:
        return "different"
    close = all(_is_close(one, two) for one, two in zip(left[1::2], right[1::2]))
    return "digits" if close else "different"


def difference(expected: str, found: str, lines: int = 12) -> str:
    """Return the first lines of the difference of two outputs."""
    found_lines = unified_diff(expected.splitlines(), found.splitlines(), "PyTorch", "jtorch", n=0)
    return "\n".join(list(found_lines)[:lines])


def _spaces(text: str) -> str:
    # A sign takes the place of a space where a number is -0.0000 instead of 0.0000.
    return re.sub(r" +", " ", re.sub(r"(?<=[\[( ])-(?=0\.?0*\b(?!\.?\d))", " ", text)).replace(
        "[ ", "["
    )


def _is_close(one: str, two: str) -> bool:
    a, b = float(one), float(two)
    if agreeing_digits(a, b) >= DIGITS:
        return True
    place = max(_last_place(one), _last_place(two))
    return math.isfinite(a - b) and abs(a - b) <= 1.001 * place


def _last_place(number: str) -> float:
    mantissa, _, exponent = number.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals)
