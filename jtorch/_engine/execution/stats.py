"""Counters that a user can read: what was compiled, what was flushed, and why."""

from __future__ import annotations

import copy
import dataclasses
import threading


@dataclasses.dataclass
class Stats:
    """Counts since the start or the last ``reset_stats()``.

    Attributes:
        programs_compiled: programs that ran for the first time, and so had to be compiled (or
            loaded from disk); one that is optimised later counts here once.
        pieces_compiled: parts of large programs that were compiled by themselves, each once however
            often it stands in the program.
        programs_interpreted: programs that the interpreter ran first.
        runs_interpreted: runs of programs by the interpreter.
        operators_compiled: operators that were compiled by themselves, for the interpreter on an
            accelerator.
        programs_optimised: programs compiled once more, at full optimisation, since they are hot.
        seconds_compiling: seconds that the user's threads spent tracing, lowering and compiling.
        seconds_optimising: the same on the background thread.
        flushes: times that a trace was run.
        flush_reasons: how often each reason asked for it.
        programs_dropped: programs forgotten since too many were kept.
        recompile_warnings: places that were warned about.
    """

    programs_compiled: int = 0
    pieces_compiled: int = 0
    programs_interpreted: int = 0
    runs_interpreted: int = 0
    operators_compiled: int = 0
    programs_optimised: int = 0
    seconds_compiling: float = 0.0
    seconds_optimising: float = 0.0
    flushes: int = 0
    flush_reasons: dict[str, int] = dataclasses.field(default_factory=dict)
    programs_dropped: int = 0
    recompile_warnings: int = 0

    @property
    def program_hits(self) -> int:
        """Flushes that found their program compiled."""
        return self.flushes - self.programs_compiled

    def __str__(self) -> str:
        rows = [
            ("programs compiled", f"{self.programs_compiled}"),
            ("pieces compiled", f"{self.pieces_compiled}"),
            ("programs interpreted", f"{self.programs_interpreted}"),
            ("runs interpreted", f"{self.runs_interpreted}"),
            ("operators compiled", f"{self.operators_compiled}"),
            ("programs optimised", f"{self.programs_optimised}"),
            ("programs dropped", f"{self.programs_dropped}"),
            ("seconds compiling", f"{self.seconds_compiling:.3f}"),
            ("seconds optimising", f"{self.seconds_optimising:.3f}"),
            ("recompile warnings", f"{self.recompile_warnings}"),
            ("flushes", f"{self.flushes}"),
        ]
        by_count = sorted(self.flush_reasons.items(), key=lambda item: (-item[1], item[0]))
        rows += [(f"  {reason}", f"{count}") for reason, count in by_count]
        width = max(len(name) for name, _ in rows)
        number_width = max(len(number) for _, number in rows)
        return "\n".join(f"{name:<{width}}  {number:>{number_width}}" for name, number in rows)


counters = Stats()
lock = threading.Lock()


def count_flush(reason: str) -> None:
    counters.flushes += 1
    reasons = counters.flush_reasons
    reasons[reason] = reasons.get(reason, 0) + 1


def snapshot() -> Stats:
    """Return a copy of the counters."""
    with lock:
        return copy.deepcopy(counters)


def reset() -> None:
    """Set all counters to zero."""
    with lock:
        for field in dataclasses.fields(Stats):
            setattr(counters, field.name, type(getattr(counters, field.name))())
