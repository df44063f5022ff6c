"""Which tier runs a program: the interpreter, or the compiler once it has been earned.

*Competitive*: a program is compiled when what interpreting it has cost so far reaches what
compiling it is estimated to cost (the ski rental problem: the total is never more than twice the
better of the two, whatever the program does). Both sides are estimates from counts (of calls,
elements, multiplications), never from the clock: a script takes the same tiers at the same runs on
every machine, whether it is busy or idle, with programs on disk or without, and so prints the same
digits each time. The compiler begins on another thread when half of the price is paid; the switch
comes at the counted run, which waits where it must.

The numbers below are rough microseconds (those of compiling follow the table in ``compilation``),
not fitted yet; what counts is their ratio.
"""

from __future__ import annotations

from typing import Any

from ..._core import config
from ..._core.device import CPU
from . import growth

#: To compile: for a program, for each call of NumPy that it would be, and for large ones more.
_PROGRAM = 15_000.0
_CALL = 2_500.0
#: Calls at which compiling one more takes twice as long: XLA's passes look at all of them.
_LARGE = 2_000.0
#: To start a compiled program: what costs less to interpret is never compiled.
_START = 40.0
#: Programs that a line compiles for an accelerator before its next ones run operator by operator.
_COMBINATIONS = 4


def price_of_compiling(calls: int) -> float:
    """Return what compiling a program of this many calls is estimated to cost."""
    return _PROGRAM + _CALL * calls * (1.0 + calls / _LARGE)


def interprets(program: Any, device: Any) -> bool:
    """Tell whether the next run of a program that was not compiled yet is interpreted."""
    execution = config.EXECUTION
    if execution == "compile":
        return False
    if device is CPU:
        if execution == "interpret" or not program.calls or is_quicker(program):
            return True
    elif not program.calls and growth.compiled_for_this_line() < _COMBINATIONS:
        return False
    return program.spent < price_of_compiling(program.calls)


def is_quicker(program: Any) -> bool:
    """Tell whether interpreting a program costs less than to start a compiled one."""
    return program.spent < _START * program.interpreted


def is_half_paid(program: Any) -> bool:
    """Tell whether it is time to begin compiling on another thread."""
    if config.EXECUTION == "interpret" or is_quicker(program):
        return False
    return 2.0 * program.spent >= price_of_compiling(program.calls)


def describe(program: Any) -> str:
    """Say which tier runs a program, and why."""
    if not program.calls:
        return f"compiled at the first of {program.runs} runs"
    if program.call is not None:
        return f"interpreted {program.interpreted} times, then compiled: {program.runs} runs"
    return (
        f"interpreted {program.interpreted} times, which cost "
        f"{program.spent / price_of_compiling(program.calls):.1%} of compiling its "
        f"{program.calls} calls"
    )
