"""``__torch_dispatch__``: operators that a class of the user's, or a mode, takes over.

It lies below ``__torch_function__`` and is reached by the same slow path: while a mode that sees
operators is active, ``BOTTOM`` is the outermost mode of ``overrides``, the last to be asked, and a
tensor of a class with ``__torch_dispatch__`` is never plain. A public call is turned into the
operators of PyTorch that it is made of (``set_translation``), and each of them is handed on here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import overrides
from .overrides import state
from .trace import local


class _DisabledOperators:
    """What a class has as ``__torch_dispatch__`` that takes no part in it."""

    __name__ = "_disabled_torch_dispatch_impl"
    __module__ = "torch._C"

    def __call__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call ``func`` without asking any argument's class."""
        with without_operators():
            return func(*args, **(kwargs or {}))

    def __reduce__(self) -> str:
        return "_disabled_torch_dispatch_impl"


disabled_operators = _DisabledOperators()


@contextlib.contextmanager
def without_operators() -> Iterator[None]:
    """A block in which ``__torch_dispatch__`` is called neither of classes nor of modes."""
    before = state.operators, state.modes
    state.operators = False
    state.modes = tuple([mode for mode in before[1] if mode is not BOTTOM])
    try:
        yield
    finally:
        state.operators, state.modes = before


class _Bottom:
    """The mode below all modes that see functions: it hands on what reaches it as operators."""

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if types and state.subclasses:
            return NotImplemented  # the classes come first
        return as_operator(func, args, kwargs or {})


BOTTOM = _Bottom()


def _untranslated(function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    raise AssertionError("jtorch.utils._python_dispatch has not been imported")


_translate: Callable[[Any, tuple, dict[str, Any]], Any] = _untranslated


def set_translation(function: Callable[[Any, tuple, dict[str, Any]], Any]) -> None:
    """Tell what calls a public function as the operators of PyTorch that it is made of."""
    global _translate
    _translate = function


def as_operator(function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Do a call of a public function as operators that modes and classes see."""
    if isinstance(function, overrides.Redispatching):
        function = function.function
    with _asking():
        return _translate(function, args, kwargs)


overrides.set_as_operator(as_operator)


@contextlib.contextmanager
def _asking() -> Iterator[None]:
    """A block in which ``BOTTOM`` stands alone among the modes, if a mode sees operators."""
    before = state.modes
    state.modes = (BOTTOM,) if state.dispatch_modes else ()
    try:
        yield
    finally:
        state.modes = before


def is_seen(values: Iterable[Any]) -> bool:
    """Tell whether an operator of these arguments would be handed to a mode or a class."""
    if not state.operators:
        return False
    return bool(state.dispatch_modes or (overrides.DISPATCHING and _found(values)))


def pass_over(name: str, args: tuple, kwargs: dict[str, Any], result: Any) -> None:
    """Tell modes that must see everything of a call that none of them saw.

    Args:
        name: of the public function.
        args, kwargs: its arguments.
        result: what it gave.
    """
    for mode in state.dispatch_modes:
        passed_over = getattr(mode, "passed_over", None)
        if passed_over is not None:
            passed_over(name, args, kwargs, result)


def refuse_unseen(what: str) -> None:
    """Refuse what runs as one program where a mode must see everything.

    Raises:
        NotImplementedError: there is such a mode.
    """
    modes = state.dispatch_modes
    if modes and any(hasattr(mode, "passed_over") for mode in modes):
        raise NotImplementedError(f"make_fx: jtorch does not see the operators of {what}")


def is_captured() -> bool:
    """Tell whether a function is being captured by a transform, which no mode sees whole."""
    return bool(local.trace.captures)


def _found(values: Iterable[Any]) -> list[Any]:
    return overrides.seeing_operators(values)


def ask(operator: Any, run: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Hand an operator to the innermost mode, then to the classes of its arguments.

    Args:
        operator: the overload.
        run: what it is without being seen.
        args, kwargs: its arguments.
    Raises:
        TypeError: all of them returned ``NotImplemented``.
    """
    values = _found((*args, *kwargs.values()))
    types = tuple([type(value) for value in values])
    before = state.dispatch_modes, state.modes
    if before[0]:
        *outer, mode = before[0]
        state.dispatch_modes = tuple(outer)
        state.modes = (BOTTOM,) if outer else ()
        try:
            result = mode.__torch_dispatch__(operator, types, args, kwargs)
        finally:
            state.dispatch_modes, state.modes = before
        if result is not NotImplemented:
            return result
    for value in values:
        result = type(value).__torch_dispatch__(operator, types, args, kwargs)
        if result is not NotImplemented:
            return result
    if values or before[0]:
        raise _refused(operator, values, before[0][-1:])
    return run(*args, **kwargs)


def _refused(operator: Any, values: list[Any], modes: Iterable[Any]) -> TypeError:
    lines = [f"  - mode object {mode}\n" for mode in modes]
    lines += [f"  - tensor subclass {type(value)}\n" for value in values]
    error = TypeError(
        f"Multiple dispatch failed for 'torch._ops.{operator}'; all __torch_dispatch__ handlers "
        f"returned NotImplemented:\n\n{''.join(lines)}\n"
        "For more information, try re-running with TORCH_LOGS=not_implemented"
    )
    error.unimplemented = True  # type: ignore[attr-defined]  # a Python operator gives up
    return error
