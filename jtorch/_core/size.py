"""``torch.Size``: the tuple that a shape is."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, SupportsIndex, overload


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of ints with ``numel()``."""

    __slots__ = ()
    __module__ = "torch"

    def __new__(cls, iterable: Iterable[int] = (), /) -> Size:
        items = tuple(iterable)
        for position, item in enumerate(items):
            if item.__class__ is not int:
                try:
                    operator.index(item)
                except TypeError:
                    raise TypeError(
                        "torch.Size() takes an iterable of 'int' "
                        f"(item {position} is '{type(item).__name__}')"
                    ) from None
        return tuple.__new__(cls, [operator.index(item) for item in items])

    def numel(self) -> int:
        """Return the number of elements of a tensor of this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(repr, self))}])"

    __str__ = __repr__

    def __add__(self, other: tuple) -> Size:
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: tuple) -> Size:
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple.__add__(tuple(other), tuple(self)))

    def __mul__(self, times: SupportsIndex) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: SupportsIndex) -> int: ...
        @overload
        def __getitem__(self, index: slice) -> Size: ...
        def __getitem__(self, index: SupportsIndex | slice) -> int | Size: ...

    else:

        def __getitem__(self, index):
            item = tuple.__getitem__(self, index)
            return Size(item) if isinstance(index, slice) else item

    def __reduce__(self) -> tuple:
        # Without the import hook, ``pickle`` finds no class under PyTorch's name.
        known = getattr(sys.modules.get("torch"), "Size", None) is Size
        return (Size if known else _restored), (tuple(self),)


def _restored(items: tuple[int, ...]) -> Size:
    return Size(items)
