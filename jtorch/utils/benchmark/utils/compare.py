"""``Compare``: measurements as tables."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from typing import Any

from .common import Measurement, ordered_unique, select_unit, trim_sigfig, unit_to_english

__all__ = ["Colorize", "Compare"]

_BEST, _GOOD, _BAD, _WORST = (
    "\x1b[92m\x1b[1m",
    "\x1b[34m\x1b[1m",
    "\x1b[2m\x1b[91m",
    "\x1b[31m\x1b[1m",
)
_END = "\x1b[0m\x1b[0m"
_SEPARATOR = "  |  "


class Colorize(enum.Enum):
    """What is coloured by: nothing, each column, or each row."""

    NONE = "none"
    COLUMNWISE = "columnwise"
    ROWWISE = "rowwise"


def _color(value: float, best: float) -> str:
    """Return how a time is shown beside the best one."""
    if value <= best * 1.01:
        return _BEST
    if value <= best * 1.1:
        return _GOOD
    if value >= best * 5:
        return _WORST
    return _BAD if value >= best * 2 else ""


class _Column:
    """The times of one column as texts of one width.

    Args:
        cells: a measurement or ``None`` for each row.
        scale: of the unit.
        trim: whether digits that mean nothing are left out.
        warn: whether spread times say so.
    """

    def __init__(self, cells: list[Measurement | None], scale: float, trim: bool, warn: bool):
        held = [each for each in cells if each is not None]
        digits = [max(math.ceil(math.log10(each.median / scale)), 1) for each in held]
        decimals = 1
        if trim:
            counts = [each.significant_figures - n for each, n in zip(held, digits)]
            decimals = max(min(counts), 0) if counts else 0
        width = max(digits, default=0) + decimals + (1 if decimals else 0)
        texts = {}
        for each in held:
            value = each.median / scale
            if trim:
                value = trim_sigfig(value, each.significant_figures)
            texts[id(each)] = f"{value:>{width}.{decimals}f}"
            if warn and each.has_warnings:
                texts[id(each)] += f" (! {each.iqr / each.median * 100:.0f}%)"
        longest = max(map(len, texts.values()), default=0)
        self.texts = [None if each is None else texts[id(each)].ljust(longest) for each in cells]


class Compare:
    """Shows measurements as tables: one for each label, with descriptions as columns.

    Args:
        results: the measurements.
    """

    def __init__(self, results: list[Measurement]):
        self._results: list[Measurement] = []
        self.extend_results(results)
        self._trim = False
        self._colorize = Colorize.NONE
        self._warn = False

    def __str__(self) -> str:
        return "\n".join(self._render())

    def extend_results(self, results: Iterable[Any]) -> None:
        """Add measurements.

        Raises:
            ValueError: one is something else.
        """
        for each in results:
            if not isinstance(each, Measurement):
                raise ValueError(
                    f"Expected an instance of `Measurement`, got {type(each)} instead."
                )
            self._results.append(each)

    def trim_significant_figures(self) -> None:
        """Leave out digits that mean nothing."""
        self._trim = True

    def colorize(self, rowwise: bool = False) -> None:
        """Colour the times by how much longer they are than the best of their column or row."""
        self._colorize = Colorize.ROWWISE if rowwise else Colorize.COLUMNWISE

    def highlight_warnings(self) -> None:
        """Say of spread times how far they are spread."""
        self._warn = True

    def print(self) -> None:
        """Print the tables."""
        print(str(self))

    def _render(self) -> list[str]:
        merged = Measurement.merge(self._results)
        groups: dict[Any, list[Measurement]] = {}
        for each in merged:
            groups.setdefault(each.label, []).append(each)
        return [self._table(group) for group in groups.values()]

    def _table(self, results: list[Measurement]) -> str:
        unit, scale = select_unit(min(each.median for each in results))
        envs = {each.env for each in results}
        keys = ordered_unique(_row_key(each) for each in results)
        keys.sort(key=lambda key: key[:2])
        columns = ordered_unique(each.description for each in results)
        cells = {(_row_key(each), each.description): each for each in results}
        grid = [[cells.get((key, column)) for column in columns] for key in keys]
        texts = [
            _Column([row[place] for row in grid], scale, self._trim, self._warn).texts
            for place in range(len(columns))
        ]
        names = [" " * 6 + key[2] for key in keys]
        if len(envs) > 1:
            names = [f"  ({key[1]})  {key[2]}" for key in keys]
        first = max(map(len, names))
        widths = [
            max([len(str(column or "")), *[len(text) for text in found if text is not None]])
            for column, found in zip(columns, texts)
        ]
        header = [str(column or "").center(width) for column, width in zip(columns, widths)]
        lines = [_SEPARATOR.join([" " * first, *header])]
        total = len(lines[0])
        threads = None
        for number, key in enumerate(keys):
            if key[0] != threads:
                threads = key[0]
                head = f"{threads} thread{'s:' if threads > 0 else ':'} "
                lines.append(head + "-" * (total - len(head)))
            row = [names[number].ljust(first)]
            for place, width in enumerate(widths):
                text = texts[place][number]
                if text is None:
                    row.append(" " * width)
                    continue
                row.append(self._colored(text.center(width), grid, keys, number, place))
            lines.append(_SEPARATOR.join(row))
        title = f" {results[0].label or ''} ".center(total - 2, "-")
        text = "\n".join([f"[{title}]", *lines])
        text += f"\n\nTimes are in {unit_to_english(unit)}s ({unit}).\n"
        if self._warn and any(each.has_warnings for each in results):
            text += "(! XX%) Measurement has high variance, where XX is the IQR / median * 100.\n"
        return text

    def _colored(self, text: str, grid: list, keys: list, row: int, column: int) -> str:
        """Return a cell in its colour."""
        if self._colorize is Colorize.NONE:
            return text
        if self._colorize is Colorize.ROWWISE:
            among = grid[row]
        else:
            same = [n for n, key in enumerate(keys) if key[0] == keys[row][0]]
            among = [grid[n][column] for n in same]
        best = min(each.median for each in among if each is not None)
        color = _color(grid[row][column].median, best)
        return f"{color}{text}{_END}" if color else text


def _row_key(measured: Measurement) -> tuple[int, str, str]:
    return measured.num_threads, measured.task_spec.env or "", measured.as_row_name
