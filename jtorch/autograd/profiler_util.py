"""What a profiler recorded: events, their sums by name, tables and traces for a browser."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from .._runtime import absent as _absent

_NANOSECONDS = 1000.0  # in a microsecond, the unit of every time here


def _written(microseconds: float) -> str:
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.3f}s"
    if microseconds >= 1e3:
        return f"{microseconds / 1e3:.3f}ms"
    return f"{microseconds:.3f}us"


class Interval:
    """When something began and ended, in microseconds."""

    def __init__(self, start: float, end: float):
        self.start, self.end = start, end

    def elapsed_us(self) -> float:
        """Return the length."""
        return self.end - self.start


class _Times:
    """Times derived from ``cpu_time_total``, ``self_cpu_time_total`` and ``count``."""

    count: int
    cpu_time_total: float
    self_cpu_time_total: float
    cpu_memory_usage = self_cpu_memory_usage = 0
    device_memory_usage = self_device_memory_usage = 0
    device_time_total = self_device_time_total = device_time = 0.0
    cuda_time_total = self_cuda_time_total = cuda_time = 0.0
    flops = 0

    @property
    def cpu_time(self) -> float:
        """The mean length in microseconds."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def cpu_time_str(self) -> str:
        """The mean length, written."""
        return _written(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        """The length of all, written."""
        return _written(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        """The length of all without what happened inside, written."""
        return _written(self.self_cpu_time_total)


class FunctionEvent(_Times):
    """One thing that happened: an operator, a program, or a span of ``record_function``.

    Args:
        name: of it.
        thread: the number of the thread.
        begin, end: in nanoseconds.
        input_shapes: of an operator's results, where shapes are recorded.
    """

    def __init__(self, name: str, thread: int, begin: int, end: int, input_shapes: Any = None):
        self.name = self.key = name
        self.thread = thread
        self.time_range = Interval(begin / _NANOSECONDS, end / _NANOSECONDS)
        self.count = 1
        self.input_shapes = input_shapes or []
        self.is_span = False
        self.cpu_parent: FunctionEvent | None = None
        self.cpu_children: list[FunctionEvent] = []

    def append_cpu_child(self, child: FunctionEvent) -> None:
        """Say what happened inside."""
        self.cpu_children.append(child)
        child.cpu_parent = self

    @property
    def cpu_time_total(self) -> float:  # type: ignore[override]
        """The length in microseconds."""
        return self.time_range.elapsed_us()

    @property
    def self_cpu_time_total(self) -> float:  # type: ignore[override]
        """The length without what happened inside."""
        return self.cpu_time_total - sum([child.cpu_time_total for child in self.cpu_children])

    def __repr__(self) -> str:
        return f"<FunctionEvent name={self.name} cpu_time={self.cpu_time_str}>"


class FunctionEventAvg(_Times):
    """Several events of one name."""

    def __init__(self) -> None:
        self.key: str | None = None
        self.count, self.cpu_time_total, self.self_cpu_time_total = 0, 0.0, 0.0
        self.input_shapes: Any = None

    def add(self, other: Any) -> FunctionEventAvg:
        """Count an event, or several, in."""
        self.key = other.key if self.key is None else self.key
        self.input_shapes = other.input_shapes if self.input_shapes is None else self.input_shapes
        self.count += other.count
        self.cpu_time_total += other.cpu_time_total
        self.self_cpu_time_total += other.self_cpu_time_total
        return self

    __iadd__ = add

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str} count={self.count}>"
        )


_SORTED_BY = (
    "cpu_time", "cpu_time_total", "self_cpu_time_total", "count", "cpu_memory_usage",
    "self_cpu_memory_usage", "device_time", "device_time_total", "self_device_time_total",
    "cuda_time", "cuda_time_total", "self_cuda_time_total", "device_memory_usage",
    "self_device_memory_usage",
)  # fmt: skip


class EventList(list):
    """Events, or their sums by name.

    Args:
        *args: as for a list.
    """

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args)

    @property
    def self_cpu_time_total(self) -> float:
        """The microseconds of all events, each counted once."""
        return sum([event.self_cpu_time_total for event in self])

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, **options: Any
    ) -> EventList:
        """Return the sums of the events of each name, and of each shape where that is wanted."""
        found: dict[tuple, FunctionEventAvg] = {}
        for event in self:
            key = (event.key, str(event.input_shapes) if group_by_input_shape else "")
            found.setdefault(key, FunctionEventAvg()).add(event)
        return EventList(found.values())

    def total_average(self) -> FunctionEventAvg:
        """Return the sum of all events."""
        total = FunctionEventAvg()
        for event in self:
            total.add(event)
        total.key = "Total"
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """Return the events as a table.

        Args:
            sort_by: an attribute of them, such as ``"cpu_time_total"``; as they came by default.
            row_limit: how many rows at most.
            header: a line above.
            top_level_events_only: leave out what happened inside another event.
            max_src_column_width, max_name_column_width, max_shapes_column_width, time_unit: widths
                and a unit; the second alone is used.
        """
        rows = list(self)
        if sort_by is not None:
            if sort_by not in _SORTED_BY:
                raise AttributeError(f"'FunctionEventAvg' object has no attribute '{sort_by}'")
            rows.sort(key=lambda event: getattr(event, sort_by), reverse=True)
        if top_level_events_only:
            rows = [row for row in rows if getattr(row, "cpu_parent", None) is None]
        rows = rows[:row_limit] if row_limit >= 0 else rows
        total = self.self_cpu_time_total
        names = [self._short(str(row.key), max_name_column_width) for row in rows]
        width = max([len("Name"), *map(len, names)]) + 4
        heads = ("Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls")
        line = "  ".join(["-" * width, *["-" * 12 for _ in heads]]) + "  "
        title = "  ".join(["Name".rjust(width), *[head.rjust(12) for head in heads]]) + "  "
        text = [line, title, line]
        if header is not None:
            text = ["=" * len(line), header, *text]
        for row, name in zip(rows, names):
            cells = (
                _share(row.self_cpu_time_total, total), row.self_cpu_time_total_str,
                _share(row.cpu_time_total, total), row.cpu_time_total_str,
                row.cpu_time_str, str(row.count),
            )  # fmt: skip
            text.append("  ".join([name.rjust(width), *[c.rjust(12) for c in cells]]) + "  ")
        text += [line, f"Self CPU time total: {_written(total)}", ""]
        return "\n".join(text)

    def _short(self, name: str, width: int | None) -> str:
        return name if width is None or len(name) <= width else f"{name[: width - 3]}..."

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: str) -> None:
        """Write the events for ``chrome://tracing``."""
        write_trace(path, self)

    def export_stacks(self, path: str, metric: str) -> None:
        """Refuse: no stacks are recorded."""
        raise NotImplementedError("EventList.export_stacks: jtorch records no stacks")


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "NaN"


def write_trace(
    path: str, events: Iterable[FunctionEvent], more: dict[str, Any] | None = None
) -> None:
    """Write events in the format of Chrome's tracing, compressed where the name ends in ``.gz``."""
    process = os.getpid()
    made = [
        {
            "ph": "X", "cat": "user_annotation" if event.is_span else "cpu_op",
            "name": event.name, "pid": process, "tid": event.thread,
            "ts": event.time_range.start, "dur": event.time_range.elapsed_us(),
            "args": {"Input Dims": event.input_shapes} if event.input_shapes else {},
        }
        for event in events
    ]  # fmt: skip
    text = json.dumps({"schemaVersion": 1, "traceEvents": made, **(more or {})})
    if path.endswith(".gz"):
        import gzip

        with gzip.open(path, "wt") as file:
            file.write(text)
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


__getattr__ = _absent.attributes(__name__)
