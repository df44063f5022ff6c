"""Named results: what PyTorch's operators of several results return (``torch.return_types``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from operator import itemgetter
from typing import Any


def _check_length(cls: type, values: Iterable[Any]) -> tuple:
    try:
        found = tuple(values)
    except TypeError:
        raise TypeError("constructor requires a sequence") from None
    count = len(cls.__match_args__)  # type: ignore[attr-defined]
    if len(found) != count:
        raise TypeError(
            f"torch.return_types.{cls.__name__}() takes a {count}-sequence "
            f"({len(found)}-sequence given)"
        )
    return found


def _new(cls: type, sequence: Iterable[Any], dict: Any = None) -> tuple:
    return tuple.__new__(cls, _check_length(cls, sequence))


def _repr(self: tuple) -> str:
    names = type(self).__match_args__  # type: ignore[attr-defined]
    fields = ",\n".join(f"{name}={value!r}" for name, value in zip(names, self, strict=True))
    return f"torch.return_types.{type(self).__name__}(\n{fields})"


def _reduce(self: tuple) -> tuple:
    return type(self), (tuple(self), {})


def structseq(name: str, fields: str) -> type:
    """Return a class of named results.

    Args:
        name: of the operator.
        fields: names separated by blanks.
    """
    names = tuple(fields.split())
    body: dict[str, Any] = {
        "__slots__": (),
        "__module__": "torch.return_types",
        "__match_args__": names,
        "__new__": _new,
        "__repr__": _repr,
        "__reduce__": _reduce,
        "n_fields": len(names),
        "n_sequence_fields": len(names),
        "n_unnamed_fields": 0,
    }
    for position, field in enumerate(names):
        body[field] = property(itemgetter(position))
    return type(name, (tuple,), body)


#: The classes by the name of their operator; the form with ``out=`` returns a class of its own.
RETURN_TYPES: dict[str, type] = {}


def declare(name: str, fields: str, out: bool) -> tuple[Callable, Callable | None]:
    """Make the classes of an operator's results.

    Args:
        name: of the operator.
        fields: names separated by blanks.
        out: whether it has a form with ``out=``.
    Returns:
        What packs a tuple of results, and what packs those that were given as ``out``.
    """
    plain = RETURN_TYPES[name] = structseq(name, fields)
    if not out:
        return partial(tuple.__new__, plain), None
    given = RETURN_TYPES[f"{name}_out"] = structseq(f"{name}_out", fields)
    return partial(tuple.__new__, plain), partial(tuple.__new__, given)
