"""Counters that a user can read: what was compiled, what was flushed, and why."""

from __future__ import annotations

import dataclasses
import threading


@dataclasses.dataclass
class Stats:
    """Counts since the start or the last ``reset_stats()``.

    Attributes:
        programs_compiled: XLA programs made, by either tier; one that is first compiled cheaply and
            later at full optimisation counts once here and once in ``programs_optimised``.
        programs_optimised: programs recompiled at full optimisation.
        seconds_compiling: seconds spent tracing, lowering and compiling on the user's threads.
        seconds_optimising: the same on the background thread.
        flushes: times that a trace was run.
        flush_reasons: how often each reason asked for it.
        program_hits: flushes that found their program.
        recompile_warnings: places that were warned about.
    """

    programs_compiled: int = 0
    programs_optimised: int = 0
    seconds_compiling: float = 0.0
    seconds_optimising: float = 0.0
    flushes: int = 0
    flush_reasons: dict[str, int] = dataclasses.field(default_factory=dict)
    recompile_warnings: int = 0

    @property
    def program_hits(self) -> int:
        return self.flushes - self.programs_compiled


counters = Stats()
lock = threading.Lock()


def count_flush(reason: str) -> None:
    counters.flushes += 1
    reasons = counters.flush_reasons
    reasons[reason] = reasons.get(reason, 0) + 1
