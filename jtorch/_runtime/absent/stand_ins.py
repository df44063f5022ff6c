"""What stands for one name that jtorch has no meaning for, by the sort of thing it is."""

from __future__ import annotations

import builtins
import contextlib
import enum
import functools
import json
import typing
from collections.abc import Callable
from typing import Any

from ..unsupported import refusal


@functools.cache
def _reasons() -> dict[str, dict[str, Any]]:
    import os
    import tomllib

    with open(os.path.join(os.path.dirname(__file__), "reasons.toml"), "rb") as file:
        table = tomllib.load(file)
    for sort in ("decorators", "contexts", "nothing"):
        table[sort] = {
            f"{module}.{name}" for module, found in table[sort].items() for name in found.split()
        }
    return table


def reason_of(path: str) -> str:
    """Return the sentence of the smallest subtree that a module or a name belongs to."""
    reasons = _reasons()["reasons"]
    while path not in reasons:
        path = path.rpartition(".")[0]
    return reasons[path]


def _decorator(*args: Any, **kwargs: Any) -> Any:
    """Return the function as it is, called with it or with options before it."""
    if len(args) == 1 and callable(args[0]):
        return args[0]
    return lambda function: function


def _context(*args: Any, **kwargs: Any) -> Any:
    """Return a context that changes nothing."""
    return contextlib.nullcontext()


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Do nothing: there is no state here that this would change."""


def _answering(answer: Any) -> Callable:
    def question(*args: Any, **kwargs: Any) -> Any:
        return answer

    question.__doc__ = f"""Return ``{answer!r}``."""
    return question


def _named(made: Any, home: str, qualified: str) -> Any:
    made.__module__ = home
    made.__name__, made.__qualname__ = qualified.rpartition(".")[2], qualified
    return made


def _copy(function: Callable) -> Callable:
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    call.__doc__ = function.__doc__
    return call


def _is_question(name: str) -> bool:
    return name.startswith(("is_", "has_"))


def _function(module: str, name: str) -> Callable:
    path = f"{module}.{name}"
    table = _reasons()
    if path in table["answers"]:
        return _answering(table["answers"][path])
    if path in table["decorators"]:
        return _copy(_decorator)
    if path in table["contexts"]:
        return _copy(_context)
    if path in table["nothing"]:
        return _copy(_nothing)
    if _is_question(name):
        return _answering(False)
    return refusal(name, reason_of(path), module)


class RefusedMeta(type):
    """The type of the classes made here; they have no instances."""


def _class(module: str, name: str) -> type:
    path = f"{module}.{name}"
    if path in _reasons()["contexts"]:
        return type(name, (contextlib.nullcontext, contextlib.ContextDecorator), {})
    words = f"{path}: {reason_of(path)}"

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(words)

    members = {
        "__init__": __init__,
        "__class_getitem__": classmethod(lambda cls, item: cls),
        "__doc__": f"""Stands for PyTorch's class in annotations and as a base.

    Raises:
        NotImplementedError: when it is made; {reason_of(path)}.
    """,
    }
    return RefusedMeta(name, (), members)


class RefusedObject:
    """Stands for an object of PyTorch that has no counterpart: it can be named and passed on."""

    def __init__(self, path: str):
        self._path = path

    def __repr__(self) -> str:
        return f"<{self._path}, which jtorch does not have>"

    def __str__(self) -> str:
        return self._path  # as PyTorch's dtypes and layouts read; libraries take names out of them

    def __getitem__(self, item: Any) -> Any:
        return self  # in an annotation

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{self._path}: {reason_of(self._path)}")


def make(kind: str, module: str, name: str, home: str, qualified: str) -> Any:
    """Return what stands for a name.

    Args:
        kind: ``class``, ``exception:BASE``, ``enum:MEMBERS``, ``function``, ``value:JSON``,
            ``alias`` or ``object``.
        module: where it is read.
        name: its name there.
        home: the module that PyTorch defines it in.
        qualified: its name there.
    """
    sort, _, rest = kind.partition(":")
    if sort == "value":
        return json.loads(rest)
    if sort == "alias":
        return getattr(typing, name, Any)  # some modules have names of typing, such as List
    if sort == "function":
        return _named(_function(module, name), home, qualified)
    if sort == "class":
        return _named(_class(module, name), home, qualified)
    if sort == "exception":
        return _named(type(name, (getattr(builtins, rest),), {}), home, qualified)
    if sort == "enum":
        return _named(enum.Enum(name, rest.split(",")), home, qualified)
    path = f"{module}.{name}"
    if path in _reasons()["answers"]:
        return _reasons()["answers"][path]
    return RefusedObject(path)
