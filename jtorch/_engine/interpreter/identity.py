"""What a pure function computes, as a hashable value: equal functions are translated once.

Planning makes a new closure for each recorded operator, also where the same operator of the same
arguments was planned before. Two closures compute the same where their code is one and their cells
hold the same. The walk is like that of ``execution.fingerprint``, but within one process: what it
does not know stands for itself.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Hashable
from typing import Any

import numpy as np

from ..graph.columns import Columns
from ..graph.op import Operand

_ATOMS = (int, float, complex, bool, str, bytes, type(None))
#: A walk that meets more objects gives up.
_MOST_OBJECTS = 2000
_LARGEST_ARRAY = 1 << 12  # bytes


class _Unknown(Exception):
    """Something that cannot be compared, or too much of it."""


def identity_of(function: Any) -> Hashable:
    """Return what a function computes; functions of equal identity compute the same.

    A function that cannot be looked into is its own identity.
    """
    try:
        return _Walk().of(function)
    except (_Unknown, RecursionError):
        return function


class _Walk:
    def __init__(self) -> None:
        self.left = _MOST_OBJECTS
        self.inside: dict[int, int] = {}

    def of(self, value: Any) -> Hashable:
        cls = value.__class__
        if cls in _ATOMS:
            # 1, 1.0 and True are equal, and so are 0.0 and -0.0.
            return (cls, repr(value)) if cls is float or cls is complex else (cls, value)
        self.left -= 1
        if self.left < 0:
            raise _Unknown
        known = self.inside.get(id(value))
        if known is not None:
            return ("again", known)
        self.inside[id(value)] = len(self.inside)
        try:
            return self.parts(value, cls)
        finally:
            del self.inside[id(value)]

    def parts(self, value: Any, cls: type) -> Hashable:
        of = self.of
        if cls is types.FunctionType:
            cells = value.__closure__
            return (
                value.__code__,
                None if value.__defaults__ is None else of(value.__defaults__),
                None if value.__kwdefaults__ is None else of(value.__kwdefaults__),
                None if cells is None else tuple([self.cell(cell) for cell in cells]),
            )
        if cls is list or isinstance(value, tuple):
            return (cls, tuple([of(item) for item in value]))
        if cls is dict:
            return (dict, tuple([(of(key), of(item)) for key, item in value.items()]))
        if cls is functools.partial:
            return (cls, of(value.func), of(value.args), of(value.keywords))
        if cls is types.MethodType:
            return (cls, of(value.__func__), of(value.__self__))
        if cls is Operand:
            number = value.number if value.reference is None else type(value.number)
            return (cls, value.name, value.meta, value.reference is None, of(number))
        if cls is Columns:
            return (cls, of(value.one), value.shared, value.count, value.width, value.made)
        if isinstance(value, np.ndarray):
            if value.nbytes > _LARGEST_ARRAY or value.dtype.hasobject:
                raise _Unknown
            return (np.ndarray, value.shape, value.dtype, value.tobytes())
        if cls is set or cls is frozenset:
            return (cls, frozenset([of(item) for item in value]))
        try:
            hash(value)
        except TypeError:
            raise _Unknown from None
        return value

    def cell(self, cell: Any) -> Hashable:
        try:
            return self.of(cell.cell_contents)
        except ValueError:  # not filled yet
            return _Walk
