"""What ran and how long it took: ``torch.profiler``."""

from __future__ import annotations

from .._runtime import absent as _absent
from ..autograd.profiler import record_function
from .profiler import (
    ExecutionTraceObserver,
    ProfilerAction,
    ProfilerActivity,
    profile,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)

__all__ = [
    "ExecutionTraceObserver",
    "ProfilerAction",
    "ProfilerActivity",
    "kineto_available",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


def kineto_available() -> bool:
    """Return ``True``: traces for a browser can be written."""
    return True


__getattr__ = _absent.attributes(__name__)
