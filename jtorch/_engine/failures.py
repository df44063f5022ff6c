"""Errors that only show when a program runs, told in terms of the user's program."""

from __future__ import annotations

from typing import Any

from .locations import describe


def explained(error: BaseException, program: Any) -> RuntimeError:
    """Return the error to raise where a program failed to run.

    Args:
        error: what XLA raised.
        program: the program.
    Returns:
        A ``RuntimeError`` that names the operator with the largest result and the line that
        recorded it, since that is where memory most likely ran out.
    """
    text = str(error).partition("\n")[0]
    largest = max(
        program.instructions,
        key=lambda instruction: sum(meta.nbytes for meta in instruction.metas),
        default=None,
    )
    if largest is None:
        return RuntimeError(text)
    size = sum(meta.nbytes for meta in largest.metas)
    name = getattr(largest.op, "name", str(largest.op))
    where = getattr(largest, "where", None)
    recorded = f", recorded at {describe(where)}" if where else ""
    return RuntimeError(f"{text} (the largest result, {size} bytes, is that of {name}{recorded})")
