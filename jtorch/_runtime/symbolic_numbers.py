"""``SymInt``, ``SymFloat``, ``SymBool``: jtorch's sizes are plain numbers, and none is symbolic.

The classes exist for annotations and ``isinstance``, which is false of every number.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, NoReturn


class _Symbolic:
    """A number that is known only when a graph runs; there is none here.

    Raises:
        NotImplementedError: when it is made.
    """

    def __init__(self, node: Any) -> NoReturn:
        name = type(self).__name__
        raise NotImplementedError(f"torch.{name}: jtorch's sizes are plain numbers")


class SymInt(_Symbolic):
    """A whole number that is known only when a graph runs; there is none here."""

    __module__ = "torch"


class SymFloat(_Symbolic):
    """A number that is known only when a graph runs; there is none here."""

    __module__ = "torch"


class SymBool(_Symbolic):
    """A truth value that is known only when a graph runs; there is none here."""

    __module__ = "torch"


def _of_numbers(name: str, function: Callable) -> Callable:
    def call(a: Any) -> Any:
        return function(a)

    call.__name__ = call.__qualname__ = name
    call.__module__ = "torch"
    call.__doc__ = f"""Return ``math.{function.__name__}`` of a number."""
    return call


_NAMES = ("acos", "asin", "atan", "cos", "cosh", "log2", "sin", "sinh", "sqrt", "tan", "tanh")
FUNCTIONS: dict[str, Callable] = {
    f"_sym_{name}": _of_numbers(f"_sym_{name}", getattr(math, name)) for name in _NAMES
}


def sym_fresh_size(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to make a symbolic size.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError("torch.sym_fresh_size: jtorch's sizes are plain numbers")


def guard_int(a: Any) -> int:
    """Return a size as a plain number, which it is."""
    return operator.index(a)


sym_fresh_size.__module__ = "torch"
