"""A program that runs often, as one Python function: a line for each of its steps.

A list of steps costs about a microsecond for each of them, to fetch its operands and to put its
results away. Local variables of a function cost nothing; to write and compile it costs some thirty
microseconds a line, once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.op import IN_PLACE
from .translate import code_of


def written(assembled: Any, results_of: Callable, sum_of: Callable) -> Callable:
    """Return the steps of a program as a function.

    Args:
        assembled: an ``assemble.Assembled``.
        results_of: what makes a tuple of what a function gives, where that may be an array.
        sum_of: the step that adds two arrays.
    Returns:
        ``(arrays of the used inputs, floats, ints) -> arrays of the outputs``.
    """
    variables: dict[str, Any] = {"ndarray": np.ndarray, "asarray": np.asarray, "_one": _one}
    variables["float64"], variables["int64"] = np.float64, np.int64
    names: dict[int, str] = {}
    for place, array in enumerate(assembled.arrays):
        names[place] = f"v{place}"
        if array is not None:
            names[place] = f"c{place}"
            variables[names[place]] = array
    lines = ["def run(arguments, floats, ints):"]
    taken = [names[place] for place in assembled.inputs]
    if taken:
        lines.append(f"    {', '.join(taken)}, = arguments")
    for name in taken:
        lines.append(f"    if {name}.__class__ is not ndarray: {name} = asarray({name})")
    for place, kind, index in assembled.numbers:
        number = f"float64(floats[{index}])" if kind == "f" else f"int64(ints[{index}])"
        lines.append(f"    {names[place]} = {number}")
    functions: dict[int, str] = {}
    memory = _Memory(assembled)
    for at, (function, operands, outputs, dead) in enumerate(assembled.steps):
        given = [names[place] for place in operands]
        made = [names[place] for place in outputs]
        if function is sum_of:
            lines.append(f"    {made[0]} = {given[0]} + {given[1]}")
        else:
            alone = _plain(function, results_of) if len(made) == 1 else None
            if alone is not None and memory.may_write(at, alone):
                alone = in_place(alone)
            called = function if alone is None else alone
            name = functions.setdefault(id(called), f"f{len(functions)}")
            variables[name] = called
            call = f"{name}({', '.join(given)})"
            if alone is not None:
                lines.append(f"    {made[0]} = {call}")
                lines.append(f"    if {made[0]}.__class__ is not ndarray: "
                             f"{made[0]} = _one({made[0]})")  # fmt: skip
            else:
                lines.append(f"    {', '.join(made)}, = {call}" if made else f"    {call}")
        copied = function.__class__ is functools.partial and _is_copied(
            _plain(function, results_of)
        )
        memory.note(at, copied or function is sum_of)
        gone = [names[place] for place in dead if names[place] not in variables]
        if gone:
            lines.append(f"    del {', '.join(gone)}")
    returned = "".join([names[place] + ", " for place, _, _ in assembled.outputs])
    lines.append(f"    return ({returned})")
    return code_of("\n".join(lines), variables)


def _is_copied(function: Any) -> bool:
    """Return whether a function writes to a copy of its first operand."""
    return function.__class__ is functools.partial and function.func in IN_PLACE


def in_place(function: Any) -> Callable:
    """Return what such a function does, without the copy."""
    return functools.partial(IN_PLACE[function.func], *function.args, **function.keywords)


class _Memory:
    """Which arrays may share memory, while the steps of a program are written down in turn.

    A step may give views of its operands; only of copies and sums it is known that they are new.
    Arrays that may share memory are one group. An array may be overwritten where it was made by
    the program, and nothing of its group is used any more.
    """

    def __init__(self, assembled: Any):
        self.steps = assembled.steps
        end = len(assembled.steps)
        #: Where the last use of each array is, of the first of a group that of all of it.
        self.last = dict.fromkeys([place for place, _, _ in assembled.outputs], end)
        for at, (_, operands, outputs, _) in enumerate(assembled.steps):
            for place in (*operands, *outputs):
                self.last[place] = max(at, self.last.get(place, 0))
        self.parent: dict[int, int] = {}
        self.owned: set[int] = set()

    def first(self, place: int) -> int:
        """Return the array that stands for a group."""
        while place in self.parent:
            place = self.parent[place]
        return place

    def may_write(self, at: int, function: Any) -> bool:
        """Return whether a step may write to its first operand, instead of to a copy."""
        if not _is_copied(function):
            return False
        base = self.steps[at][1][0]
        return base in self.owned and self.last[self.first(base)] <= at

    def note(self, at: int, new: bool) -> None:
        """Note what a step has made.

        Args:
            new: whether that has memory of its own.
        """
        _, operands, outputs, _ = self.steps[at]
        if new:
            self.owned.update(outputs)
            return
        firsts = {self.first(place) for place in (*operands, *outputs)}
        if not firsts:
            return
        first = firsts.pop()
        self.last[first] = max([self.last[first], *[self.last[each] for each in firsts]])
        self.parent.update(dict.fromkeys(firsts, first))


def _plain(function: Any, results_of: Callable) -> Callable | None:
    """Return what gives the result of a step as it is, where there is such a function."""
    if function.__class__ is functools.partial and function.func is results_of:
        return function.args[0]
    return None


def _one(result: Any) -> Any:
    """Return a result that is no array: a number of NumPy, or the only element of a sequence."""
    if isinstance(result, (tuple, list)):
        (result,) = result
    return result


def finished(arrays: Sequence[Any], outputs: Sequence[tuple], copy: Callable) -> list[Any]:
    """Return arrays as outputs of a program: of their dtype, and with memory of their own.

    Args:
        arrays: what was computed.
        outputs: for each output its place, its dtype and shape.
        copy: copies an array.
    """
    found: list[Any] = []
    seen: set[int] = set()
    for array, (_, dtype, shape) in zip(arrays, outputs, strict=True):
        if array.__class__ is not np.ndarray or array.dtype is not dtype:
            array = np.asarray(array, dtype)
        flags = array.flags
        shared = array.base is not None or not flags.owndata or id(array) in seen
        if shared or not flags.c_contiguous:
            array = copy(array)  # the user may write to one of the two, through NumPy
        seen.add(id(array))
        assert array.shape == shape, (array.shape, shape)
        found.append(array)
    return found
