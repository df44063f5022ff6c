"""What was measured, and how it is shown."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import math
import statistics
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

import jtorch as torch

__all__ = [
    "Measurement",
    "TaskSpec",
    "ordered_unique",
    "select_unit",
    "set_torch_threads",
    "trim_sigfig",
    "unit_to_english",
]

#: A spread above this share of the median is warned of.
_WIDE_SPREAD = 0.1
#: Quantile of the normal distribution for a confidence of 90 %.
_QUANTILE = 1.645
#: No clock is more exact than this, in seconds.
_LEAST_INTERVAL = 25e-9
_UNITS = {"ns": "nanosecond", "us": "microsecond", "ms": "millisecond", "s": "second"}
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}


@dataclasses.dataclass(init=True, repr=False, eq=True, frozen=True)
class TaskSpec:
    """What a timer runs, and how it is called in tables.

    Args:
        stmt, setup, global_setup: statements.
        label, sub_label, description: the table, the row and the column.
        env: where it ran.
        num_threads: how many threads it may use.
    """

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label, or the statement where there is none."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        if "\n" not in self.stmt:
            return self.stmt + (f"\n{self.sub_label}" if self.sub_label else "")
        lines = f"stmt:{f' ({self.sub_label})' if self.sub_label else ''}\n"
        return lines + textwrap.indent(self.stmt, "  ")

    def setup_str(self) -> str:
        """Return the setup as it is shown."""
        if self.setup == "pass" or not self.setup:
            return ""
        if "\n" in self.setup:
            return f"setup:\n{textwrap.indent(self.setup, '  ')}\n"
        return f"setup: {self.setup}"

    def summarize(self) -> str:
        """Return what is measured, in a few lines."""
        parts = (self.title, self.description or "", self.setup_str())
        return "\n".join(part for part in parts if part)


@dataclasses.dataclass(init=True, repr=False)
class Measurement:
    """The times of a task.

    Args:
        number_per_run: how often the statement ran for each time.
        raw_times: the times, in seconds.
        task_spec: what ran.
        metadata: whatever the user keeps with it.
    """

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if (name != "task_spec" and hasattr(TaskSpec, name)) or name in _FIELDS:
            return getattr(self.task_spec, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    @property
    def times(self) -> list[float]:
        """The times of one statement, in seconds."""
        return [time / self.number_per_run for time in self.raw_times]

    @property
    def median(self) -> float:
        """The median of the times; -1 where nothing was measured."""
        return float(np.median(self.times)) if self.raw_times else -1.0

    @property
    def mean(self) -> float:
        """The mean of the times; -1 where nothing was measured."""
        times = torch.tensor(self.times, dtype=torch.float64)
        return times.mean().item() if self.raw_times else -1.0

    @property
    def iqr(self) -> float:
        """The interquartile range; -1 where nothing was measured."""
        low, high = self._quartiles()
        return high - low if self.raw_times else -1.0

    def _quartiles(self) -> tuple[float, float]:
        if not self.raw_times:
            return -1.0, -1.0
        low, high = np.percentile(self.times, (25, 75))
        return float(low), float(high)

    @property
    def significant_figures(self) -> int:
        """How many digits of the median mean something.

        Of the times between the quartiles, the standard error of the mean gives an interval of
        confidence (90 %, and never less than 25 nanoseconds); its ratio to the median counts.
        """
        count = len(self.raw_times)
        middle = sorted(self.times)[count // 4 : math.ceil(3 * count / 4)]
        spread = statistics.pstdev(middle)
        interval = max(_QUANTILE * spread / math.sqrt(len(middle)), _LEAST_INTERVAL)
        return max(math.floor(math.log10(self.median) - math.log10(interval)), 1)

    @property
    def has_warnings(self) -> bool:
        """Whether the times are spread widely."""
        return not self.meets_confidence()

    def meets_confidence(self, threshold: float = _WIDE_SPREAD) -> bool:
        """Tell whether the interquartile range is below a share of the median."""
        return self.iqr / self.median < threshold

    @property
    def title(self) -> str:
        """What was measured."""
        return self.task_spec.title

    @property
    def env(self) -> str:
        """Where it was measured."""
        return "Unspecified env" if self.task_spec.env is None else self.task_spec.env

    @property
    def as_row_name(self) -> str:
        """How its row of a table is called."""
        return self.sub_label or self.stmt or "[Unknown]"

    def __repr__(self) -> str:
        """Return what was measured and the times, in the best unit."""
        unit, scale = select_unit(self.median)
        count = len(self.raw_times)
        lines = [object.__repr__(self), self.task_spec.summarize()]
        if count > 1:
            lines.append(f"  Median: {self.median / scale:.2f} {unit}")
        else:
            lines.append(f"  {self.median / scale:.2f} {unit}")
        if count >= 4:
            low, high = (each / scale for each in self._quartiles())
            lines.append(f"  IQR:    {self.iqr / scale:.2f} {unit} ({low:.2f} to {high:.2f})")
        measured = "measurement" if count == 1 else "measurements"
        each = " " if count == 1 else " per measurement"
        threads = "thread" if self.num_threads == 1 else "threads"
        lines.append(
            f"  {count} {measured}, {self.number_per_run} runs{each}, {self.num_threads} {threads}"
        )
        if self.has_warnings:
            share = self.iqr / self.median * 100
            lines.append(
                f"  WARNING: Interquartile range is {share:.1f}% of the median measurement.\n"
                "           This suggests significant environmental influence."
            )
        return "\n".join(lines)

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """Return one measurement for each task, with the times of all that are of it."""
        groups: dict[TaskSpec, list[Measurement]] = collections.defaultdict(list)
        for each in measurements:
            groups[each.task_spec].append(each)
        return [
            Measurement(1, [time for each in group for time in each.times], spec)
            for spec, group in groups.items()
        ]


_FIELDS = frozenset(field.name for field in dataclasses.fields(TaskSpec))


def select_unit(t: float) -> tuple[str, float]:
    """Return the best unit for a time in seconds, and how many seconds that is."""
    place = max(-3, min(0, math.floor(math.log10(t) / 3))) if t > 0 else -3
    unit = ("s", "ms", "us", "ns")[-place]
    return unit, _SECONDS[unit]


def unit_to_english(u: str) -> str:
    """Return the name of a unit, such as ``"microsecond"``."""
    return _UNITS[u]


def trim_sigfig(x: float, n: int) -> float:
    """Return a number rounded to ``n`` significant digits."""
    magnitude = math.ceil(math.log10(abs(x))) if x else 0
    scale = 10 ** (magnitude - n)
    return float(round(x / scale) * scale)


def ordered_unique(elements: Iterable[Any]) -> list[Any]:
    """Return the elements without repetitions, in order."""
    return list(dict.fromkeys(elements))


@contextlib.contextmanager
def set_torch_threads(n: int) -> Iterator[None]:
    """A block in which operators may use ``n`` threads."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(n)
        yield
    finally:
        torch.set_num_threads(before)
