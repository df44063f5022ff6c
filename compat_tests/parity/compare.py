"""Comparing what two runs of a training script printed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from compat_tests.helpers.tolerances import LOSS_DIGITS, LOSS_STEPS, METRIC

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass
class Comparison:
    """How two outputs agree.

    Attributes:
        steps: losses compared.
        identical: losses of them that were printed with the same characters.
        digits: significant digits that all of them agree to.
        first: the first step that agrees to fewer than ``LOSS_DIGITS``, or None.
        metrics: the final metrics, ``(name, of the first run, of the second)``.
        problems: what makes the outputs differ, in words.
    """

    steps: int = 0
    identical: int = 0
    digits: float = math.inf
    first: int | None = None
    metrics: list[tuple[str, float, float]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def agreeing_digits(expected: float, found: float) -> float:
    """Return to how many significant digits two numbers agree."""
    if expected == found or (math.isnan(expected) and math.isnan(found)):
        return math.inf
    size = max(abs(expected), abs(found))
    difference = abs(expected - found)
    return math.inf if difference == 0 else -math.log10(2 * difference / size)


def compare(expected: str, found: str) -> Comparison:
    """Compare two outputs: losses by digits, metrics by tolerance, other lines by character.

    A loss line is ``loss STEP NUMBER...``, a metric line ``metric NAME NUMBER``. Numbers of losses
    that are nearly zero beside the first one are compared with that one's size.
    """
    result = Comparison()
    left, right = expected.splitlines(), found.splitlines()
    if len(left) != len(right):
        result.problems.append(f"{len(right)} lines were printed, not {len(left)}")
    for one, two in zip(left, right):
        kind = one.partition(" ")[0]
        if kind == "loss" and two.startswith("loss "):
            _compare_losses(one, two, result)
        elif kind == "metric" and two.startswith("metric "):
            name, number = one.split()[1:]
            other = float(two.split()[2])
            result.metrics.append((name, float(number), other))
            if abs(float(number) - other) > METRIC * max(1.0, abs(float(number))):
                result.problems.append(f"{name} is {other}, not {number}")
        elif one != two:
            result.problems.append(f"{two!r} was printed, not {one!r}")
    return result


def _compare_losses(one: str, two: str, result: Comparison) -> None:
    if result.steps >= LOSS_STEPS:
        return
    result.steps += 1
    result.identical += one == two
    numbers, others = _NUMBER.findall(one), _NUMBER.findall(two)
    digits = min(
        (agreeing_digits(float(a), float(b)) for a, b in zip(numbers, others)), default=0.0
    )
    if len(numbers) != len(others):
        digits = 0.0
    result.digits = min(result.digits, digits)
    if digits < LOSS_DIGITS and result.first is None:
        result.first = int(numbers[0])
        result.problems.append(f"step {numbers[0]}: {two!r}, not {one!r}")
