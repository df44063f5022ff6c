"""What ran and how long it took: ``torch.autograd.profiler``.

Operators run as one program, so programs have times and the operators in them have numbers of
calls. A span of ``record_function`` ends when what was recorded inside it has run.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

from .._engine.execution import observing
from .._engine.recording import trace as _trace
from .._runtime import absent as _absent
from .profiler_util import EventList, FunctionEvent, FunctionEventAvg

PROGRAM = "jtorch::program"


class _Recorder:
    """Collects events while a profiler is on."""

    def __init__(self, shapes: bool):
        self.shapes = shapes
        self.events: list[FunctionEvent] = []
        self._open = threading.local()

    def _parents(self) -> list[FunctionEvent]:
        if not hasattr(self._open, "stack"):
            self._open.stack = []
        return self._open.stack

    def add(self, event: FunctionEvent) -> None:
        parents = self._parents()
        if parents:
            parents[-1].append_cpu_child(event)
        self.events.append(event)

    def begin_span(self, name: str) -> FunctionEvent:
        now = time.perf_counter_ns()
        event = FunctionEvent(name, threading.get_ident(), now, now)
        event.is_span = True
        self.add(event)
        self._parents().append(event)
        return event

    def end_span(self, event: FunctionEvent) -> None:
        event.time_range.end = time.perf_counter_ns() / 1000.0
        parents = self._parents()
        if event in parents:
            parents.remove(event)

    def saw(self, program: Any, begin: int, end: int) -> None:
        thread = threading.get_ident()
        event = FunctionEvent(PROGRAM, thread, begin, end)
        self.add(event)
        for instruction in program.instructions:
            shapes = [list(meta.shape) for meta in instruction.metas] if self.shapes else None
            operator = FunctionEvent(f"aten::{instruction.op.name}", thread, begin, begin, shapes)
            event.append_cpu_child(operator)
            self.events.append(operator)


_current: _Recorder | None = None


def start(shapes: bool = False) -> _Recorder:
    """Begin to record; what was recorded of operators before runs first."""
    global _current
    if _current is not None:
        raise RuntimeError("Profiler is already enabled on this thread")
    _trace.current("profiler")
    _current = _Recorder(shapes)
    observing.observe(_current.saw)
    return _current


def stop() -> None:
    """Run what is pending, and end the recording."""
    global _current
    if _current is not None:
        try:
            _trace.current("profiler")
        finally:
            observing.observe(None)
            _current = None


class record_function:
    """Name a stretch of a program in what a profiler records: a context and a decorator.

    Args:
        name: of the stretch.
        args: accepted.
    """

    def __init__(self, name: str, args: str | None = None):
        self.name, self.args = name, args
        self._event: FunctionEvent | None = None
        self._recorder: _Recorder | None = None

    def __enter__(self) -> record_function:
        self._recorder = _current
        if self._recorder is not None:
            _trace.current("record_function")
            self._event = self._recorder.begin_span(self.name)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._recorder is not None and self._event is not None:
            if exception[0] is None:
                _trace.current("record_function")
            self._recorder.end_span(self._event)
            self._recorder = self._event = None

    def __call__(self, function: Callable) -> Callable:
        """Return the function, each call of which is a stretch."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return wrapped


class profile:
    """Record what runs inside a ``with`` block.

    Args:
        enabled: whether to record anything.
        record_shapes: whether to keep the shapes of results.
        use_cuda, use_device, with_flops, profile_memory, with_stack, with_modules, use_kineto,
            use_cpu, experimental_config, acc_events, custom_trace_id_callback: accepted.

    Example:
        >>> import jtorch as torch
        >>> with torch.autograd.profiler.profile() as recorded:
        ...     _ = (torch.ones(3) + 1).sum().item()
        >>> [event.count for event in recorded.key_averages() if event.key == "aten::sum"]
        [1]
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
        experimental_config: Any = None,
        acc_events: bool = False,
        custom_trace_id_callback: Any = None,
        post_processing_timeout_s: Any = None,
    ):
        self.enabled, self.record_shapes = enabled, record_shapes
        self.function_events: EventList | None = None

    def __enter__(self) -> profile:
        if self.enabled:
            self._recorder = start(self.record_shapes)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.enabled:
            stop()
            self.function_events = EventList(self._recorder.events)

    def _events(self) -> EventList:
        if self.function_events is None:
            raise RuntimeError("Profiler didn't finish running")
        return self.function_events

    def __str__(self) -> str:
        return (
            "<unfinished profiler_legacy.profile>"
            if self.function_events is None
            else str(self.function_events)
        )

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """Return the events as a table; see ``EventList.table``."""
        return self._events().table(sort_by=sort_by, row_limit=row_limit, **options)

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, **options: Any
    ) -> EventList:
        """Return the sums of the events of each name."""
        return self._events().key_averages(group_by_input_shape)

    def total_average(self) -> FunctionEventAvg:
        """Return the sum of all events."""
        return self._events().total_average()

    def export_chrome_trace(self, path: str) -> None:
        """Write the events for ``chrome://tracing``."""
        self._events().export_chrome_trace(path)

    @property
    def self_cpu_time_total(self) -> float:
        """The microseconds of all events."""
        return self._events().self_cpu_time_total


__getattr__ = _absent.attributes(__name__)
