"""Errors that only show when a program runs, told in terms of the user's program."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import jax

from ..._core import messages_memory
from ..._core.device import CPU
from ..graph.locations import describe
from . import devices


class Lost:
    """Stands for an array that was never computed: whatever is asked of it, it raises why."""

    __slots__ = ("_error",)

    def __init__(self, error: Exception):
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error.with_traceback(None)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise self._error.with_traceback(None)


class Interrupted(BaseException):
    """A signal raised when the results were there already.

    Attributes:
        outputs: the results.
        signal: the exception.
    """

    def __init__(self, outputs: Sequence[Any], signal: BaseException):
        super().__init__()
        self.outputs = outputs
        self.signal = signal


class MismatchError(Exception):
    """Processes have met in different collectives, or with other shapes; who waits names them."""


def raise_if_lost(arrays: Iterable[Any]) -> None:
    """Raise why one of these was never computed, if that is so."""
    for array in arrays:
        if array.__class__ is Lost:
            raise array._error.with_traceback(None) from None


def is_gone(array: Any) -> bool:
    """Return whether an array was given up, or never computed."""
    return array.__class__ is Lost or (isinstance(array, jax.Array) and array.is_deleted())


#: XLA says bytes or, of large sizes, a rounded number of larger units.
_OUT_OF_MEMORY = re.compile(r"[Oo]ut of memory.*?allocat\w* ([\d.]+) ?(bytes|[KMGT]i?B)")
_UNITS = {"b": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def explained(error: BaseException, program: Any, device: Any = CPU) -> RuntimeError:
    """Return the error to raise where a program failed to run.

    Args:
        error: what XLA or NumPy raised.
        program: the program.
        device: the Device that it was to run on.
    Returns:
        A ``RuntimeError`` (``OutOfMemoryError`` on a GPU, as in PyTorch) that names the operator
        with the largest result and the line that recorded it, since that is where memory most
        likely ran out.
    """
    text = str(error).partition("\n")[0]
    shape, dtype = getattr(error, "shape", None), getattr(error, "dtype", None)
    if shape is not None and dtype is not None:  # NumPy's MemoryError
        wanted = math.prod(shape) * dtype.itemsize
        text = f"Out of memory allocating {wanted} bytes."
    short = _OUT_OF_MEMORY.search(text)
    made = _in_pytorchs_words(text, short, device)
    hint = _largest_result(program)
    if hint is not None:
        made = type(made)(f"{made} ({hint})")
    made.lacks_memory = short is not None  # type: ignore[attr-defined]
    return made


def lacks_memory(error: Exception) -> bool:
    """Return whether a program could not run for want of memory."""
    return getattr(error, "lacks_memory", False)


def _in_pytorchs_words(text: str, short: re.Match | None, device: Any) -> RuntimeError:
    if short is None:
        return RuntimeError(text)
    return out_of_memory(_wanted(short), device)


def out_of_memory(nbytes: int, device: Any) -> RuntimeError:
    """Return the error to raise where a device, or the host, has not so much memory."""
    if device.type != "cuda":
        return messages_memory.out_of_memory(nbytes)
    return messages_memory.out_of_device_memory(nbytes, device.index or 0, _memory_of(device))


def _wanted(short: re.Match) -> int:
    """Return the bytes that XLA could not allocate."""
    return int(float(short[1]) * _UNITS[short[2][0]])


def _memory_of(device: Any) -> dict[str, int]:
    """Return JAX's statistics of a GPU's memory, none of one that is not there."""
    index, known = device.index or 0, devices.gpus()
    return known[index].memory_stats() or {} if index < len(known) else {}


def explained_array(error: Exception, device: Any) -> Exception:
    """Return the error to raise where an array could not be put on a device."""
    text = str(error).partition("\n")[0]
    short = _OUT_OF_MEMORY.search(text)
    return error if short is None else _in_pytorchs_words(text, short, device)


def _bytes_of(instruction: Any) -> int:
    return sum(meta.nbytes for meta in instruction.metas)


def _largest(program: Any) -> Any | None:
    """Return the instruction with the largest results, ``None`` where there is no instruction."""
    return max(program.instructions, key=_bytes_of, default=None)


def _largest_result(program: Any) -> str | None:
    """Return what to say of the operator with the largest result."""
    largest = _largest(program)
    if largest is None:
        return None
    name = getattr(largest.op, "name", str(largest.op))
    where = getattr(largest, "where", None)
    recorded = f", recorded at {describe(where)}" if where else ""
    return f"the largest result, {_bytes_of(largest)} bytes, is that of {name}{recorded}"


def independent_of_largest(program: Any) -> tuple[int, ...]:
    """Return the live results of a program that do not depend on the operator with the largest."""
    largest = _largest(program)
    reached: set[int] = set()
    for instruction in program.instructions:
        if instruction is largest or any(each in reached for each in instruction.operands):
            reached.update(range(instruction.slot, instruction.slot + len(instruction.metas)))
    return tuple([slot for slot in program.live if slot not in reached])
