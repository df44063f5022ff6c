"""Errors that only show when a program runs, told in terms of the user's program."""

from __future__ import annotations

import re
from typing import Any

from .._core import messages_creation
from .._core.device import CPU
from .locations import describe

_OUT_OF_MEMORY = re.compile(r"[Oo]ut of memory.*?allocat\w* (\d+) bytes")


def explained(error: BaseException, program: Any, device: Any = CPU) -> RuntimeError:
    """Return the error to raise where a program failed to run.

    Args:
        error: what XLA raised.
        program: the program.
        device: the Device that it was to run on.
    Returns:
        A ``RuntimeError`` (``OutOfMemoryError`` on a GPU, as in PyTorch) that names the operator
        with the largest result and the line that recorded it, since that is where memory most
        likely ran out.
    """
    made = _in_pytorchs_words(str(error).partition("\n")[0], device)
    hint = _largest_result(program)
    return made if hint is None else type(made)(f"{made} ({hint})")


def _in_pytorchs_words(text: str, device: Any) -> RuntimeError:
    short = _OUT_OF_MEMORY.search(text)
    if short is None:
        return RuntimeError(text)
    if device.type == "cpu":
        return messages_creation.out_of_memory(int(short[1]))
    return messages_creation.out_of_device_memory(int(short[1]))


def _largest_result(program: Any) -> str | None:
    """Return what to say of the operator with the largest result."""
    largest = max(
        program.instructions,
        key=lambda instruction: sum(meta.nbytes for meta in instruction.metas),
        default=None,
    )
    if largest is None:
        return None
    size = sum(meta.nbytes for meta in largest.metas)
    name = getattr(largest.op, "name", str(largest.op))
    where = getattr(largest, "where", None)
    recorded = f", recorded at {describe(where)}" if where else ""
    return f"the largest result, {size} bytes, is that of {name}{recorded}"
