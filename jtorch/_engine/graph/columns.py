"""One function for each tensor of a list: a step of an optimiser over all parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class Columns:
    """A function of lists of arrays that applies another to each column of them.

    Its arguments are the numbers that all columns share, then the arrays, list by list; its results
    stand list by list too. Whoever does not want one large program of all columns takes them apart:
    columns of equal shapes are one program.

    Attributes:
        one: ``(*numbers, *arrays of one column) -> results of that column``.
        shared: how many numbers all columns share.
        count: columns.
        width: lists that are given.
        made: lists that are returned.
    """

    __slots__ = ("one", "shared", "count", "width", "made")

    def __init__(self, one: Callable, shared: int, count: int, width: int, made: int):
        self.one = one
        self.shared = shared
        self.count = count
        self.width = width
        self.made = made

    def __call__(self, *arrays: Any) -> list[Any]:
        columns = [self.one(*self.column(arrays, at)) for at in range(self.count)]
        return [column[at] for at in range(self.made) for column in columns]

    def column(self, arguments: Sequence[Any], at: int) -> list[Any]:
        """Return what belongs to one column, of what belongs to the arguments."""
        shared, count = self.shared, self.count
        return [
            *arguments[:shared],
            *[arguments[shared + index * count + at] for index in range(self.width)],
        ]
