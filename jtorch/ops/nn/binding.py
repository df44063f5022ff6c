"""How functions that take a number or a list of numbers bind their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def bound_each_time(function: Callable) -> Callable[[Callable], Callable]:
    """Return a ``wrap`` for ``op`` that binds all arguments to the signatures on each call.

    That is faster than remembering their types where a number stands for a list of numbers: the
    list has to be made each time anyway.

    Args:
        function: gets all parameters by name.
    """

    def wrap(bound_call: Any) -> Callable:
        schema = bound_call.__signature__.schema

        def call(*args: Any, **kwargs: Any) -> Any:
            return function(**schema.bind(args, kwargs)[1])

        return call

    return wrap
