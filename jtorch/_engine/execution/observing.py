"""Watch programs run: the profiler's only place in the engine. Unobserved runs pay nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from . import programs

_run = programs.run


def observe(seen: Callable[[Any, int, int], None] | None) -> None:
    """Call a function after every program, with it and when it began and ended; ``None`` ends it.

    Args:
        seen: takes the program and two numbers of nanoseconds of ``time.perf_counter_ns``.
    """
    if seen is None:
        programs.run = _run
        return

    def observed(program: Any, *args: Any, **kwargs: Any) -> Sequence[Any]:
        begin = time.perf_counter_ns()
        results = _run(program, *args, **kwargs)
        for result in results:
            wait = getattr(result, "block_until_ready", None)
            if wait is not None:
                wait()
        seen(program, begin, time.perf_counter_ns())
        return results

    programs.run = observed
