"""Streams and events: ``torch.cuda.streams``. JAX runs the work of a GPU in the order recorded.

So a stream has nothing to do but to be there: every stream waits for every other. An event is a
point in that order. One with ``enable_timing`` waits for it when it is recorded, since only then
JAX tells the time; ``elapsed_time`` therefore measures all work in between, and the host's.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

from .._core.device import Device
from .._engine.execution import devices as _devices
from .._engine.execution import interchange as _interchange
from .._engine.recording import trace as _trace
from .._runtime import absent as _absent
from ._index import index_of, required

_numbers = itertools.count(1)


def _finish(index: int) -> None:
    """Run what is pending and wait until a GPU is done."""
    _trace.current("torch.cuda.synchronize")
    _interchange.synchronize(_devices.gpus()[index])


class Stream:
    """A queue of a GPU's work.

    Args:
        device: the GPU; the current one unless given.
        priority: kept.
        kwargs: what PyTorch makes a stream again of; ``stream_id`` is kept.

    Raises:
        RuntimeError: there is no GPU.
    """

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any):
        if not _devices.gpus():
            raise RuntimeError("torch.cuda.Stream requires CUDA support")
        self.device = Device("cuda", index_of(device))
        self.priority = priority
        self.stream_id = kwargs.get("stream_id", next(_numbers))
        self._before: list[Stream] = []

    @property
    def cuda_stream(self) -> int:
        """Where CUDA would have the stream: its number."""
        return self.stream_id

    @property
    def device_index(self) -> int:
        """The index of the GPU."""
        return self.device.index or 0

    device_type = 1

    def synchronize(self) -> None:
        """Wait until the GPU has done what was recorded."""
        _finish(self.device_index)

    def query(self) -> bool:
        """Wait until the GPU has done what was recorded, and return that it has."""
        self.synchronize()
        return True

    def wait_stream(self, stream: Stream) -> None:
        """Do nothing: what comes later runs later, on whichever stream."""

    def wait_event(self, event: Event) -> None:
        """Do nothing: what comes later runs later."""

    def record_event(self, event: Event | None = None) -> Event:
        """Record an event, a new one unless it is given, and return it."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def __enter__(self) -> Stream:
        self._before.append(current_stream(self.device))
        set_stream(self)
        return self

    def __exit__(self, *exception: object) -> None:
        set_stream(self._before.pop())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stream):
            return False
        return (self.device, self.stream_id) == (other.device, other.stream_id)

    def __hash__(self) -> int:
        return hash((self.stream_id, self.device))

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


class ExternalStream(Stream):
    """A stream that was made outside, of which nothing is taken but the number.

    Args:
        stream_ptr: where CUDA has it.
        device: the GPU.
    """

    def __init__(self, stream_ptr: int, device: Any = None, **kwargs: Any):
        super().__init__(device, stream_id=stream_ptr)


class Event:
    """A point in a GPU's work.

    Args:
        enable_timing: wait for the point when it is recorded, and keep the time.
        blocking, interprocess: change nothing.
        external: changes nothing.

    Raises:
        RuntimeError: there is no GPU.
    """

    cuda_event = 0

    def __init__(
        self,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
        external: bool = False,
    ):
        if not _devices.gpus():
            raise RuntimeError(f"Tried to instantiate dummy base class {type(self).__name__}")
        self.enable_timing = enable_timing
        self._time: float | None = None
        self.device: Device | None = None

    def record(self, stream: Stream | None = None) -> None:
        """Put the event behind what was recorded so far."""
        stream = current_stream() if stream is None else stream
        self.device = stream.device
        if self.enable_timing:
            _finish(stream.device_index)
        else:
            _trace.current("torch.cuda.Event")
        self._time = time.perf_counter()

    def wait(self, stream: Stream | None = None) -> None:
        """Do nothing: what comes later runs later."""

    def synchronize(self) -> None:
        """Wait until the GPU has come to the event."""
        if self.device is not None:
            _finish(self.device.index or 0)

    def query(self) -> bool:
        """Wait until the GPU has come to the event, and return that it has."""
        self.synchronize()
        return True

    def elapsed_time(self, end_event: Event) -> float:
        """Return the milliseconds from this event to another one.

        Raises:
            ValueError: one of them keeps no time, or was not recorded.
        """
        if not (self.enable_timing and end_event.enable_timing):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if self._time is None or end_event._time is None:
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        return (end_event._time - self._time) * 1e3

    def __repr__(self) -> str:
        return f"<torch.cuda.Event {'uninitialized' if self._time is None else hex(id(self))}>"


_default: dict[int, Stream] = {}
_current: dict[int, Stream] = {}


def default_stream(device: Any = None) -> Stream:
    """Return the stream that a GPU's work is on unless another one is chosen."""
    required()
    index = index_of(device)
    if index not in _default:
        _default[index] = Stream(index, stream_id=0)
    return _default[index]


def current_stream(device: Any = None) -> Stream:
    """Return the stream that was chosen for a GPU, or its default one."""
    required()
    return _current.get(index_of(device)) or default_stream(device)


def set_stream(stream: Stream | None) -> None:
    """Choose a stream; ``None`` changes nothing."""
    if stream is not None:
        _current[stream.device_index] = stream


def get_stream_from_external(data_ptr: int, device: Any = None) -> ExternalStream:
    """Return a stream that was made outside."""
    return ExternalStream(data_ptr, device)


__getattr__ = _absent.attributes(__name__)
