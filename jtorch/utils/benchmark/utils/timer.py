"""``Timer``: how long a statement takes, with the work that it records done."""

from __future__ import annotations

import ast
import enum
import gc
import textwrap
import timeit
from collections.abc import Callable
from typing import Any, NoReturn

import jtorch as torch

from .common import Measurement, TaskSpec, set_torch_threads

__all__ = ["Language", "Timer", "timer"]


def timer() -> float:
    """Return the time in seconds, when everything that was recorded is done."""
    torch.synchronize()
    return timeit.default_timer()


class Language(enum.Enum):
    """What a statement is written in."""

    PYTHON = 0
    CPP = 1


_RESULT, _DONE = "_jtorch_result", "_jtorch_done"


class _KeptResult(timeit.Timer):
    """A timer whose statement is done when the next one begins.

    What a statement computes is recorded, and would never run where it is not looked at. The value
    of its last expression is kept, and all that was recorded is run, before it counts as done.
    """

    def __init__(self, stmt: str, setup: str, timer: Callable[[], float], globals: dict[str, Any]):
        tree = ast.parse(stmt)
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = tree.body[-1]
            kept = ast.Assign([ast.Name(_RESULT, ast.Store())], last.value)
            tree.body[-1] = ast.copy_location(kept, last)
        done = ast.parse(f"{_DONE}()").body
        ast.fix_missing_locations(tree)
        statement = ast.unparse(ast.Module([*tree.body, *done], []))
        super().__init__(statement, setup, timer, {**globals, _DONE: torch.synchronize})


class Timer:
    """Times a statement.

    Each run of it is done, with all that it records, before the next begins.

    Args:
        stmt: the statement.
        setup: run once before.
        global_setup: for C++ alone.
        timer: the clock.
        globals: the names that the statement sees.
        label, sub_label, description, env: how it is called in tables.
        num_threads: how many threads operators may use.
        language: Python; nothing is compiled here.
    """

    _timer_cls: type[timeit.Timer] = _KeptResult

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Language | str = Language.PYTHON,
    ):
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        if language in (Language.CPP, "cpp", "c++"):
            raise NotImplementedError("jtorch compiles no C++; write the statement in Python")
        if language not in (Language.PYTHON, "py", "python"):
            raise ValueError(f"Invalid language `{language}`.")
        if global_setup:
            raise ValueError(
                f"global_setup is C++ only, got `{global_setup}`. Most likely this code can simply "
                "be moved to `setup`."
            )
        self._globals = dict(globals or {})
        self._globals.setdefault("torch", torch)
        setup = textwrap.dedent(setup).strip()
        stmt = textwrap.dedent(stmt).strip()
        self._timer = self._timer_cls(stmt, setup, timer, self._globals)
        self._task_spec = TaskSpec(
            stmt, setup, global_setup, label, sub_label, description, env, num_threads
        )

    def _timeit(self, number: int) -> float:
        return max(self._timer.timeit(number), 1e-9)

    def timeit(self, number: int = 1000000) -> Measurement:
        """Return one time of ``number`` runs, after a few that do not count."""
        with set_torch_threads(self._task_spec.num_threads):
            self._timeit(number=max(int(number // 100), 2))
            return Measurement(number, [self._timeit(number)], self._task_spec)

    def repeat(self, repeat: int = -1, number: int = -1) -> None:
        """Refuse: what the standard library's timer has is done better by another method."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def autorange(self, callback: Callable[[int, float], NoReturn] | None = None) -> None:
        """Refuse: what the standard library's timer has is done better by another method."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def _block_size(self, min_run_time: float) -> int:
        """Return how often to run it at a time, so that the clock's own time does not count."""
        overhead = min(self._timeit(0) for _ in range(5))
        number = 1
        while True:
            taken = self._timeit(number)
            if overhead / taken <= 1e-4 and taken >= min_run_time / 1000:
                return number
            if taken > min_run_time or number * 10 > 1 << 31:
                return number
            number *= 10

    def _blocks(
        self,
        min_run_time: float,
        max_run_time: float | None,
        is_enough: Callable[[Measurement], bool],
        callback: Callable[[int, float], Any] | None,
    ) -> Measurement:
        with set_torch_threads(self._task_spec.num_threads):
            number = self._block_size(min_run_time)
            times: list[float] = []
            total = 0.0
            collecting = gc.isenabled()
            gc.disable()
            try:
                while True:
                    while total < min_run_time or not times:
                        times.append(self._timeit(number))
                        total += times[-1]
                        if callback is not None:
                            callback(number, times[-1])
                    measured = Measurement(number, times, self._task_spec)
                    if is_enough(measured) or total >= (max_run_time or total):
                        return measured
                    min_run_time = total + min_run_time
            finally:
                if collecting:
                    gc.enable()

    def blocked_autorange(
        self,
        callback: Callable[[int, float], NoReturn] | None = None,
        min_run_time: float = 0.2,
    ) -> Measurement:
        """Return times of blocks, each large enough that the clock does not count.

        Args:
            callback: called with the size and the time of each block.
            min_run_time: seconds in all.
        """
        return self._blocks(min_run_time, None, lambda measured: True, callback)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], NoReturn] | None = None,
    ) -> Measurement:
        """Return times of blocks, until they differ little.

        Args:
            threshold: of the interquartile range as a share of the median.
            min_run_time, max_run_time: seconds in all.
            callback: called with the size and the time of each block.
        """
        return self._blocks(
            min_run_time,
            max_run_time,
            lambda measured: len(measured.raw_times) >= 4 and measured.meets_confidence(threshold),
            callback,
        )

    def collect_callgrind(
        self,
        number: int = 100,
        *,
        repeats: int | None = None,
        collect_baseline: bool = True,
        retain_out_file: bool = False,
    ) -> NoReturn:
        """Refuse: programs of XLA are not counted by Valgrind."""
        raise NotImplementedError("jtorch counts no instructions; torch.profiler shows programs")
