"""Functions made of other operators: arguments bound by PyTorch's rules, at little cost.

Binding a call to signatures takes some ten microseconds, too much for a function in a loop. Which
parameter each argument goes to depends on the arguments' types alone, as long as none of them is
converted: such calls are bound once, and remembered by the types.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from ..._core.schema.schema import Schema
from ..._core.structseq import RETURN_TYPES
from ..._engine.declare import FUNCTIONS, METHODS
from ..._engine.graph.values import is_tensor
from ..._engine.recording.record import write_result
from ..._engine.recording.signatures import CallSignature


def make_binder(schema: Schema, method: bool = False) -> Callable[[tuple, dict], dict[str, Any]]:
    """Return a function that binds ``(args, kwargs)`` and gives the parameters that were given.

    Args:
        schema: the signatures.
        method: whether the first argument is ``self``, which comes out as the first parameter.
    """
    remembered: dict[tuple, tuple[str, ...]] = {}

    def bind(args: tuple, kwargs: dict) -> dict[str, Any]:
        key = (
            (*map(type, args), *kwargs, *map(type, kwargs.values()))
            if kwargs
            else (*map(type, args),)
        )
        names = remembered.get(key)
        if names is not None:
            return {**dict(zip(names, args)), **kwargs}
        own = {}
        rest = args
        index, bound = schema.bind(args[1:] if method else args, kwargs, method)
        signature = next(s for s in schema.function_signatures if s.index == index)
        names = tuple([p.name for p in signature.parameters if not p.keyword_only])
        if method:
            own = {signature.parameters[0].name: args[0]}
            rest = args[1:]
        defaults = {p.name: p.default for p in signature.parameters}
        given = {
            name: value
            for name, value in bound.items()
            if value is not defaults[name] or name in kwargs or name in names[: len(args)]
        }
        unchanged = all(
            given.get(name, bind) is value
            for name, value in (*zip(names[len(own) :], rest), *kwargs.items())
        )
        # A list's elements decide too, so that calls with lists are bound each time.
        if (
            unchanged
            and len(args) <= len(names)
            and not any(isinstance(value, (list, tuple)) for value in (*args, *kwargs.values()))
        ):
            remembered[key] = names[: len(args)]
        return {**own, **given}

    return bind


def bound_function(
    *signatures: str,
    method: bool = True,
    function: bool = True,
    aliases: Iterable[str] = (),
    registry: dict[str, Callable] | None = None,
    write: Callable[[Any, Any, str], Any] | None = None,
) -> Callable[[Callable], Callable]:
    """Declare a function made of other operators.

    The Python function gets the parameters by name, those that were not given left to its own
    defaults; ``out=`` is taken care of here. A named tuple for several results is the operator's
    own, see ``torch.return_types``.

    Args:
        *signatures: in PyTorch's argument language; ``input`` first where it is a method.
        method, function, aliases: which public names it has.
        registry: where the function goes instead of ``torch.*``.
        write: ``(out, result, name) -> out`` where ``out=`` has rules of its own.
    """

    def declare(pure: Callable) -> Callable:
        public = signatures[0].partition("(")[0]
        schema = Schema(*signatures)

        def make(as_method: bool) -> Callable:
            bind = make_binder(schema, as_method)

            @functools.wraps(pure)
            def call(*args, **kwargs):
                bound = bind(args, kwargs)
                out = bound.pop("out", None)
                result = pure(**bound)
                if out is None:
                    return result
                if write is not None:
                    return write(out, result, public)
                operands = [value for value in bound.values() if is_tensor(value)]
                return _write(out, result, public, operands)

            call.__name__ = call.__qualname__ = public
            call.__module__ = "torch"
            call.__signature__ = CallSignature(schema, as_method)  # type: ignore[attr-defined]
            return call

        made = make(False)
        for each in (public, *aliases) if function else ():
            (FUNCTIONS if registry is None else registry)[each] = made
        if method:
            bound_method = make(True)
            for each in (public, *aliases):
                METHODS[each] = bound_method
        return made

    return declare


def _write(out: Any, result: Any, name: str, operands: Iterable[Any]) -> Any:
    if not isinstance(result, tuple):
        return write_result(out, result, name, operands)
    for target, value in zip(out, result, strict=True):
        write_result(target, value, name, operands)
    packed = RETURN_TYPES.get(f"{name}_out")
    return tuple(out) if packed is None else packed(out)


def named(name: str, *results: Any) -> Any:
    """Return the named tuple of an operator's results."""
    return tuple.__new__(RETURN_TYPES[name], results)
