"""What jtorch compiles, and control over it.

Operators are recorded and run as one compiled program when a result is looked at. ``stats()``
says what was compiled and what asked for it; a line of the program that keeps compiling is named in
a warning. The environment variables that change any of this are listed in ``jtorch._core.config``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._engine.execution import compilation as _compilation
from .._engine.execution import growth as _growth
from .._engine.execution import settings as _settings
from .._engine.execution import stats as _stats
from .._engine.execution.stats import Stats
from .._engine.recording import trace as _trace
from .._runtime import absent as _absent

__all__ = [
    "Stats",
    "stats",
    "reset_stats",
    "explain",
    "synchronize",
    "wait_until_optimised",
    "release_memory",
    "reset",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "disable",
    "allow_in_graph",
    "assume_constant_result",
    "cudagraph_mark_step_begin",
]


def stats() -> Stats:
    """Return how often programs were compiled and run so far.

    Returns:
        A snapshot: it does not change any more. Its ``str`` is a table.
    """
    return _stats.snapshot()


def reset_stats() -> None:
    """Set all counters to zero."""
    _stats.reset()


def explain() -> str:
    """Return in words what is pending, what was compiled, and which lines keep compiling."""
    return _growth.explain()


def synchronize() -> None:
    """Run what this thread has recorded, and wait until it is done."""
    _trace.current("synchronize")


def wait_until_optimised(timeout: float = 60.0) -> bool:
    """Wait until every hot program runs at full optimisation, before a measurement, say.

    Args:
        timeout: seconds to wait at most.
    Returns:
        Whether they all do.
    """
    return _compilation.wait_until_optimised(timeout)


def release_memory() -> bool:
    """Give memory of freed tensors back to the operating system.

    It is kept otherwise, since asking for it again would cost every step of a loop.

    Returns:
        Whether any was given back; always ``False`` where the C library is not glibc.
    """
    return _settings.release_memory()


def reset() -> None:
    """Forget every recorded trace and compiled program; programs on disk stay."""
    _trace.current("reset")
    _growth.forget_everything()
    _trace.local.trace.begin()


def is_compiling() -> bool:
    """Return whether a graph is being captured: never, since operators run as they are called."""
    return False


is_dynamo_compiling = is_compiling
is_exporting = is_compiling


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Return the function as it is: there is no capture to keep it out of."""
    return _same if fn is None else fn


def allow_in_graph(fn: Callable) -> Callable:
    """Return the function as it is."""
    return fn


def assume_constant_result(fn: Callable) -> Callable:
    """Return the function as it is; its result is not assumed to be constant."""
    return fn


def cudagraph_mark_step_begin() -> None:
    """Do nothing: no memory is shared between steps."""


def _same(fn: Callable) -> Callable:
    return fn


__getattr__ = _absent.attributes(__name__)
