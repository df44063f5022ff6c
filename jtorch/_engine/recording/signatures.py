"""What ``inspect.signature`` and ``help`` show of functions that derive from operator entries."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from ..._core.schema.schema import Schema, Signature
from ..._core.schema.types import Parameter
from . import overrides


class _Absent:
    """Stands for the default of a parameter that only some of the overloads have."""

    def __repr__(self) -> str:
        return "..."


ABSENT = _Absent()


class CallSignature(inspect.Signature):
    """The signature of a public function, read from its schema when it is asked for.

    ``import jtorch`` makes hundreds of these, so making one does nothing but keep the schema.

    Attributes:
        schema: the overloads.
        method: whether it is a method's, without ``input``.
    """

    __slots__ = ("schema", "method", "_merged")

    def __init__(self, schema: Schema, method: bool = False):
        self.schema = schema
        self.method = method
        self._return_annotation = inspect.Signature.empty
        self._merged: MappingProxyType[str, inspect.Parameter] | None = None

    @property
    def overloads(self) -> list[Signature]:
        """The signatures that PyTorch's messages show."""
        return overloads_of(self.schema, self.method)

    @property
    def parameters(self) -> MappingProxyType[str, inspect.Parameter]:
        """The parameters of all overloads; what not all of them have is optional."""
        if self._merged is None:
            merged = merge(self.overloads, self.method)
            self._merged = MappingProxyType({each.name: each for each in merged})
        return self._merged

    _parameters = parameters  # what inspect's own methods read

    def replace(self, *, parameters: Any = None, return_annotation: Any = None) -> Any:
        """Return an ordinary signature with other parameters."""
        own = tuple(self.parameters.values() if parameters is None else parameters)
        if return_annotation is None:
            return_annotation = inspect.Signature.empty
        return inspect.Signature(own, return_annotation=return_annotation)

    def __reduce__(self) -> Any:
        return _restore, (tuple(self.parameters.values()),)


def overloads_of(schema: Schema, method: bool) -> list[Signature]:
    """Return the signatures of a function or method, without deprecated ones.

    A schema of which no overload takes a tensor to be ``self`` is a method's own already.
    """
    signatures = (method and schema.method_signatures) or schema.function_signatures
    return [each for each in signatures if not each.hidden] or signatures


def _restore(parameters: tuple[inspect.Parameter, ...]) -> inspect.Signature:
    return inspect.Signature(parameters)


def merge(overloads: list[Signature], method: bool) -> list[inspect.Parameter]:
    """Return one list of parameters that stands for all overloads.

    Args:
        overloads: the signatures; that of the most parameters sets the order.
        method: whether ``self`` comes first.
    """
    widest = max(overloads, key=lambda each: (len(each.parameters), each.takes_varargs))
    others = [each for each in overloads if each is not widest]
    found: list[inspect.Parameter] = []
    if method:
        found.append(inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD))
    optional = False
    kind: Any
    for parameter in widest.parameters:
        everywhere = all(parameter.name in _names(other) for other in others)
        if parameter.keyword_only:
            kind = inspect.Parameter.KEYWORD_ONLY
            optional = False
        elif widest.takes_varargs and parameter.required and everywhere:
            found.append(inspect.Parameter(parameter.name, inspect.Parameter.VAR_POSITIONAL))
            continue
        else:
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        default = _default(parameter, everywhere and not optional)
        optional = default is not inspect.Parameter.empty and not parameter.keyword_only
        found.append(inspect.Parameter(parameter.name, kind, default=default))
    seen = {each.name for each in found}
    for other in others:
        for parameter in other.parameters:
            if parameter.name not in seen:
                seen.add(parameter.name)
                kind = inspect.Parameter.KEYWORD_ONLY
                default = _default(parameter, False)
                found.append(inspect.Parameter(parameter.name, kind, default=default))
    return found


def _names(signature: Signature) -> set[str]:
    return {parameter.name for parameter in signature.parameters}


def _default(parameter: Parameter, needed: bool) -> Any:
    if not parameter.required:
        return parameter.default
    return inspect.Parameter.empty if needed else ABSENT


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
        if names is not None and overrides.PLAIN:  # empty while a mode looks at every call
            return {**dict(zip(names, args)), **kwargs}
        overrides.check(args, kwargs)
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
            and not any(overrides.overrides_calls(cls) for cls in key if isinstance(cls, type))
        ):
            remembered[key] = names[: len(args)]
        return {**own, **given}

    return bind
