"""Calls that are planned alike are planned once.

What a plan works out (metas, function, gradient rule) follows from the operator, the mode, the
constants among the arguments and the operands' metas. The same call at another place of the trie,
in the next layer of the same sizes or the next step of an unrolled loop, gets a copy of the
instruction with its own references: 2 us instead of 40 to 100.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.op import Op, Operand
from ..graph.trie import TEMPLATES, Instruction, Template
from ..graph.values import TensorBase
from .trace import REACH, Trace

#: Templates that are remembered before all are forgotten.
_MOST = 50_000
_UNLIKE: tuple[None, list[Any]] = (None, [])


def likeness(
    op: Op, trace: Trace, args: tuple, kwargs: dict, method: bool
) -> tuple[tuple | None, list[Any]]:
    """Return what calls have in common that are planned alike, and the references of this one.

    The first is ``None`` for a call that cannot be compared with others.
    """
    mode = trace.mode
    if mode.autocast is not None:
        return _UNLIKE
    parts: list[Any] = [op, mode, method]
    references: list[Any] = []
    try:
        for position, arg in enumerate(args):
            _compare(op, trace, position, arg, parts, references)
        for name, arg in kwargs.items():
            parts.append(name)
            _compare(op, trace, name, arg, parts, references)
        if len(set(references)) < len(references):  # one tensor twice is another call
            parts.append(tuple([references.index(reference) for reference in references]))
        found = tuple(parts)
        hash(found)
    except TypeError:
        return _UNLIKE
    return found, references


def _compare(
    op: Op,
    trace: Trace,
    place: int | str | None,
    arg: Any,
    parts: list[Any],
    references: list[Any],
) -> None:
    """Add to what a call has in common with others, and to its references.

    Args:
        op: the operator.
        trace: in which it is recorded.
        place: position or name of the argument, ``None`` of an element of a list.
        arg: the argument.
        parts, references: what is added to.
    Raises:
        TypeError: the argument makes the call like no other.
    """
    cls = arg.__class__
    value = getattr(arg, "_value", None)
    if value is not None:
        reference = value.place - trace.base
        if not -REACH < reference < REACH:
            raise TypeError
        parts.append(value.meta)
        references.append(reference)
    elif cls is int or cls is float:
        if place is not None and op.is_input(place, arg):
            node = trace.node
            kind, at = ("f", node.n_floats) if cls is float else ("i", node.n_ints)
            for before in references:
                if before.__class__ is tuple and before[0] == kind:
                    at += 1
            parts.append(cls)
            references.append((kind, at))
        else:
            parts.append((cls, repr(arg) if cls is float else arg))
    elif cls is tuple or cls is list:
        parts.append((cls, len(arg)))
        for element in arg:
            _compare(op, trace, None, element, parts, references)
    elif isinstance(arg, (TensorBase, np.generic)):
        raise TypeError
    else:
        parts.append((cls, arg))


def remember(found: tuple | None, references: list[Any], instruction: Instruction) -> bool:
    """Make a template of an instruction, where its operands are what was given in the call."""
    if found is None:
        return False
    try:
        places = tuple([references.index(reference) for reference in instruction.operands])
    except ValueError:
        return False
    if len(TEMPLATES) >= _MOST:
        TEMPLATES.clear()
    TEMPLATES[found] = Template(instruction, places)
    return True


def identify(instruction: Instruction, op: Op, mode: Any, bound: dict[str, Any]) -> None:
    """Tell an instruction that is of no template what it does."""
    identity = (op, mode, _identity(bound))
    try:
        hash(identity)
    except TypeError:
        return  # equal to nothing but itself
    instruction.identity = identity


def _identity(bound: Any) -> Any:
    """Return what a call does apart from its operands' metas, as a hashable."""
    if isinstance(bound, dict):
        return tuple([(name, _identity(value)) for name, value in bound.items()])
    if isinstance(bound, (list, tuple)):
        return (type(bound), *[_identity(value) for value in bound])
    if isinstance(bound, Operand):
        if bound.meta is not None:
            return Operand
        if bound.reference is not None:
            return (Operand, type(bound.number))
        bound = bound.number
    return (type(bound), bound)
