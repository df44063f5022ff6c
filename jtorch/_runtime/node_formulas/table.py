"""The table of formulas by the name of a node, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._engine.backward.seen import NotSaved
from ...ops.compat import aten as _operators

aten: Any = _operators
FORMULAS: dict[str, Callable] = {}


def node(*names: str) -> Callable[[Callable], Callable]:
    """Return a decorator that gives nodes of these names their formula."""

    def declare(function: Callable) -> Callable:
        for name in names:
            FORMULAS[name] = function
        return function

    return declare


def result_of(call: Any) -> Any:
    """Return the result that a node saved, as PyTorch unpacks it."""
    return aten.detach.default(call.result)


def scaled(gradient: Any, factor: Any) -> Any:
    """Return a gradient times a number, itself where the number is 1."""
    return gradient if factor == 1 else aten.mul.Tensor(gradient, factor)


def only(call: Any, *operators: str) -> None:
    """Give up where a node of another operator than these bears the name.

    Raises:
        NotSaved: that is so.
    """
    if call.operator not in operators:
        raise NotSaved(call.operator)


def signed(number: int) -> int:
    """Return a dimension as it was given, of what a node shows without a sign."""
    return number - (1 << 64) if number >= 1 << 63 else number
