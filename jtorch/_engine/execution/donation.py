"""Donation: a program writes a result over an input that nothing else holds.

A step of an optimiser makes new parameters and states out of old ones that die with it. Without
donation both exist at once, and the new ones are written to memory that is not in the cache: a
step of a small perceptron took 1.44 ms instead of 1.28.

Which inputs die is read off reference counts when a program is compiled, and read again before each
run: an input that is held by someone this time is copied first. What XLA's buffers are shared with
besides (NumPy, DLPack), XLA knows itself, and then leaves them alone.
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..graph.values import Value
from .devices import jax_device

#: A program that needs less memory beside its arguments is run without asking whether there is any.
_LEAST_ROOM = 1 << 26
#: Smaller arrays are not worth a look at their reference counts.
_LEAST_BYTES = 1 << 12


def _counts(inputs: list[Value], at: int, arguments: list, position: int) -> tuple[int, int]:
    value = inputs[at]
    return getrefcount(value), getrefcount(arguments[position])


def _counts_of_unshared() -> tuple[int, int]:
    value: Any = Value(0, None, None, 0)  # type: ignore[arg-type]
    value.array = object()
    inputs, arguments = [value], [value.array]
    del value
    return _counts(inputs, 0, arguments, 0)


_UNSHARED = _counts_of_unshared()


def plan(program: Any, inputs: list[Value], arguments: list) -> None:
    """Choose what a program may overwrite, and with which of its results.

    An input is paired with a result of the same shape and dtype of an operator that it is an
    operand of: the parameter with the new parameter, not with its gradient, which is ready before
    the parameter was used for the last time.

    Args:
        program: not compiled yet; ``donated``, ``returned`` and ``places`` are set.
        inputs: those of the trace that is about to run.
        arguments: what the program is about to be called with.
    """
    positions = {
        reference: position
        for position, reference in enumerate(program.used_inputs)
        if reference not in program.saved_inputs
        and inputs[-reference - 1].meta.nbytes >= _LEAST_BYTES
        and _counts(inputs, -reference - 1, arguments, position) == _UNSHARED
    }
    if not positions:
        return
    outputs = set(program.outputs)
    pairs: dict[int, int] = {}
    for instruction in program.instructions:
        free = [r for r in instruction.operands if isinstance(r, int) and r in positions]
        for slot, meta in enumerate(instruction.metas, instruction.slot):
            if slot not in outputs:
                continue
            for reference in free:
                given = inputs[-reference - 1].meta
                if given.shape == meta.shape and given.dtype is meta.dtype:
                    pairs[positions.pop(reference)] = slot
                    free = [r for r in free if r != reference]
                    break
    # JAX gives the first result of a shape and dtype the first donated argument of that kind.
    program.donated = tuple(sorted(pairs))
    first = [pairs[position] for position in program.donated]
    taken = set(first)
    program.returned = (*first, *[slot for slot in program.outputs if slot not in taken])
    where = {slot: place for place, slot in enumerate(program.returned)}
    program.places = tuple([where[slot] for slot in program.outputs])


def protect(program: Any, inputs: list[Value], arguments: list, owned: bool) -> None:
    """Replace arguments that something else holds this time by copies.

    Args:
        owned: whether the inputs belong to the trace that ends with this run.
    """
    for position in program.donated:
        at = -program.used_inputs[position] - 1
        if not owned or _counts(inputs, at, arguments, position) != _UNSHARED:
            arguments[position] = jnp.array(arguments[position], copy=True)


def room_for(program: Any, compiled: Any) -> int:
    """Return the bytes to ask for before a program runs, 0 where that is not necessary.

    XLA gives up what it was to overwrite even where it then finds no memory to run. So the memory
    is asked for first: the parameters of a model outlive a step that was too large.
    """
    if not program.donated:
        return 0
    sizes = compiled.memory_analysis()
    if sizes is None:
        return 0
    fresh = sizes.output_size_in_bytes - sizes.alias_size_in_bytes
    room = max(sizes.temp_size_in_bytes, fresh)
    return room if room >= _LEAST_ROOM else 0


class NoRoom(MemoryError):
    """There is not enough memory for a program; nothing was overwritten."""


def make_sure_of_room(program: Any, device: Any) -> None:
    """Raise ``NoRoom`` where a program is sure to find too little memory."""
    if not _has_room(program.room, device):
        raise NoRoom(f"Out of memory allocating {program.room} bytes.")


def _has_room(room: int, device: Any) -> bool:
    if device.type == "cpu":
        try:
            np.empty(room, np.uint8)  # an address, not yet memory
        except MemoryError:
            return False
        return True
    stats = jax_device(device).memory_stats() or {}
    return stats.get("bytes_limit", np.inf) - stats.get("bytes_in_use", 0) >= room
