"""Which public functions PyTorch makes of other operators: the table of the rules."""

from __future__ import annotations

from collections.abc import Callable

RULES: dict[str, Callable] = {}


def rule(*names: str) -> Callable[[Callable], Callable]:
    """Return a decorator that gives the public functions of these names their operators."""

    def declare(function: Callable) -> Callable:
        for name in names:
            RULES[name] = function
        return function

    return declare
