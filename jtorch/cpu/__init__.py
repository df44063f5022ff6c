"""What ``torch.cuda`` has, for the CPU: ``torch.cpu``. Streams and events have nothing to do."""

from __future__ import annotations

import contextlib
from typing import Any

from .._engine.recording import trace as _trace
from .._runtime import absent as _absent
from . import amp

__all__ = [
    "Event",
    "Stream",
    "StreamContext",
    "amp",
    "current_device",
    "current_stream",
    "device_count",
    "is_available",
    "is_initialized",
    "set_device",
    "stream",
    "synchronize",
]


def is_available() -> bool:
    """Return ``True``."""
    return True


def is_initialized() -> bool:
    """Return ``True``."""
    return True


def synchronize(device: Any = None) -> None:
    """Run what is pending."""
    _trace.current("torch.cpu.synchronize")


class Stream:
    """A queue of work, of which the CPU has one."""

    def __init__(self, priority: int = -1) -> None:
        pass

    def wait_stream(self, stream: Any) -> None:
        """Do nothing."""

    def record_event(self) -> None:
        """Do nothing."""

    def wait_event(self, event: Any) -> None:
        """Do nothing."""


class Event:
    """A point in a queue of work, always reached."""

    def query(self) -> bool:
        """Return ``True``."""
        return True

    def record(self, stream: Any = None) -> None:
        """Do nothing."""

    def synchronize(self) -> None:
        """Do nothing."""

    def wait(self, stream: Any = None) -> None:
        """Do nothing."""


_default_stream = Stream()
_streams = [_default_stream]


def current_stream(device: Any = None) -> Stream:
    """Return the stream in use."""
    return _streams[-1]


class StreamContext(contextlib.AbstractContextManager):
    """Use a stream inside a ``with`` block.

    Args:
        stream: the stream; ``None`` changes nothing.
    """

    def __init__(self, stream: Any):
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            _streams.append(self.stream)

    def __exit__(self, *exception: object) -> None:
        if self.stream is not None:
            _streams.pop()


def stream(stream: Any) -> StreamContext:
    """Use a stream inside a ``with`` block."""
    return StreamContext(stream)


def device_count() -> int:
    """Return 1."""
    return 1


def set_device(device: Any) -> None:
    """Do nothing: there is one CPU."""


def current_device() -> str:
    """Return ``"cpu"``."""
    return "cpu"


__getattr__ = _absent.attributes(__name__)
