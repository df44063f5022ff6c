"""Recording by steps, with a schedule and a function that takes each finished recording."""

from __future__ import annotations

import enum
import os
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

from .. import cuda as _cuda
from .._runtime import absent as _absent
from ..autograd import profiler as _profiler
from ..autograd.profiler_util import EventList, FunctionEvent, write_trace

__all__ = [
    "ExecutionTraceObserver",
    "ProfilerAction",
    "profile",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


class ProfilerActivity(enum.Enum):
    """What is watched. Programs are, whatever they run on."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


ProfilerActivity.__module__ = "torch._C._profiler"


class ProfilerAction(enum.Enum):
    """What a profiler does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3
    DEVICE_STOPPED = 4


_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def supported_activities() -> set[ProfilerActivity]:
    """Return what can be watched: the CPU, and GPUs where there are any."""
    found = {ProfilerActivity.CPU}
    return found | {ProfilerActivity.CUDA} if _cuda.is_available() else found


def schedule(
    *,
    wait: int,
    warmup: int,
    active: int,
    repeat: int = 0,
    skip_first: int = 0,
    skip_first_wait: int = 0,
) -> Callable[[int], ProfilerAction]:
    """Return a function of the step that says what a profiler does in it.

    Args:
        wait: steps without recording, at the beginning of each cycle.
        warmup: steps before the recording.
        active: steps that are recorded.
        repeat: how many cycles; without end for 0.
        skip_first: steps before the first cycle.
        skip_first_wait: whether the first cycle begins without its ``wait``.
    """

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError("Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait != 0:
            step += wait
        length = wait + warmup + active
        if repeat > 0 and step / length >= repeat:
            return ProfilerAction.NONE
        place = step % length
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        last = place == length - 1
        return ProfilerAction.RECORD_AND_SAVE if last else ProfilerAction.RECORD

    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} "
            f"(need >= 0), active={active} (need > 0), repeat={repeat} (need >= 0), "
            f"skip_first={skip_first} (need >= 0)."
        )
    return action


def _always(_: int) -> ProfilerAction:
    return ProfilerAction.RECORD


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[Any], None]:
    """Return a function for ``on_trace_ready`` that writes each recording into a folder.

    Args:
        dir_name: the folder.
        worker_name: goes into the names of the files; machine and process by default.
        use_gzip: whether to compress them.
    """

    def handle(recorded: Any) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        ending = "pt.trace.json.gz" if use_gzip else "pt.trace.json"
        name = f"{worker}.{time.time_ns()}.{ending}"
        recorded.export_chrome_trace(os.path.join(dir_name, name))

    return handle


class ExecutionTraceObserver:
    """Stands for the observer of execution traces, which jtorch has not.

    Raises:
        NotImplementedError: when it is made.
    """

    def __init__(self) -> None:
        raise NotImplementedError(
            "torch.profiler.ExecutionTraceObserver: jtorch records programs, not single kernels"
        )


class profile:
    """Record what runs: inside a ``with`` block, or from ``start()`` to ``stop()``.

    Args:
        activities: what to watch; accepted.
        schedule: says for each step what to do; everything is recorded by default.
        on_trace_ready: is called with the profiler when a recording is finished.
        record_shapes: whether to keep the shapes of results.
        profile_memory, with_stack, with_flops, with_modules, experimental_config,
            execution_trace_observer, acc_events, use_cuda, custom_trace_id_callback: accepted.

    Example:
        >>> import jtorch as torch
        >>> with torch.profiler.profile() as recorded:
        ...     with torch.profiler.record_function("my step"):
        ...         _ = torch.ones(3).exp().sum()
        >>> sorted({event.key for event in recorded.key_averages()} & {"my step", "aten::exp"})
        ['aten::exp', 'my step']
    """

    def __init__(
        self,
        *,
        activities: Iterable[Any] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[Any], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Any = None,
        post_processing_timeout_s: Any = None,
    ):
        self.activities = set(activities) if activities else supported_activities()
        self.schedule = schedule or _always
        self._steps = schedule is not None
        self.on_trace_ready, self.record_shapes = on_trace_ready, record_shapes
        self.step_num = 0
        self.current_action = self.schedule(0)
        self._recorder: Any = None
        self._finished: list[FunctionEvent] | None = None
        self._metadata: dict[str, Any] = {}
        self._span: Any = None

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin with step 0."""
        self._follow()
        self._begin_step()

    def stop(self) -> None:
        """End; what is being recorded is finished."""
        self._end_step()
        if self._recorder is not None:
            self._finish()
            if self.on_trace_ready:
                self.on_trace_ready(self)

    def step(self) -> None:
        """Say that the next step begins."""
        self._end_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        if before is ProfilerAction.RECORD_AND_SAVE:
            self._finish()
            if self.on_trace_ready:
                self.on_trace_ready(self)
        self._follow()
        self._begin_step()

    def _follow(self) -> None:
        if self.current_action in _RECORDING and self._recorder is None:
            self._recorder = _profiler.start(self.record_shapes)
        elif self.current_action not in _RECORDING and self._recorder is not None:
            self._finish()

    def _begin_step(self) -> None:
        if self._steps and self._recorder is not None:
            self._span = _profiler.record_function(f"ProfilerStep#{self.step_num}")
            self._span.__enter__()

    def _end_step(self) -> None:
        if self._span is not None:
            self._span.__exit__(None, None, None)
            self._span = None

    def _finish(self) -> None:
        _profiler.stop()
        self._finished = self._recorder.events
        self._recorder = None

    def events(self) -> EventList:
        """Return the events of the last finished recording, one by one."""
        if self._finished is None:
            raise AssertionError("Profiler must be initialized before getting events")
        return EventList(self._finished)

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, **options: Any
    ) -> EventList:
        """Return the sums of the events of each name."""
        return self.events().key_averages(group_by_input_shape)

    def export_chrome_trace(self, path: str) -> None:
        """Write the last finished recording for ``chrome://tracing`` (``.gz`` compresses it)."""
        write_trace(path, self.events(), self._metadata)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Refuse: no stacks are recorded."""
        raise NotImplementedError("torch.profiler.profile.export_stacks: no stacks are recorded")

    def add_metadata(self, key: str, value: str) -> None:
        """Put a text into the trace that is written."""
        self._metadata[key] = value

    add_metadata_json = add_metadata


__getattr__ = _absent.attributes(__name__)
