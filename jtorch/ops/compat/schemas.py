"""What an operator takes and returns, as PyTorch writes it, and the values of one call."""

from __future__ import annotations

import ast
import functools
import json
import os
import re
from dataclasses import dataclass
from typing import Any

from ..._engine.graph.values import is_tensor

REQUIRED = object()
_HEAD = re.compile(r"\s*(?:(\w+)::)?(\w+)(?:\.(\w+))?\s*\((.*)\)\s*->\s*(.*?)\s*", re.DOTALL)
_ALIAS = re.compile(r"\(([\w|]+|\*)(!?)(?:\s*->\s*[\w|*]+)?\)")


@dataclass(frozen=True)
class AliasInfo:
    """Which memory an argument or a result lies in.

    Args:
        before_set: the name of that memory, in a set.
        is_write: whether the operator writes to it.
    """

    before_set: frozenset[str]
    is_write: bool

    @property
    def after_set(self) -> frozenset[str]:
        """The names after the call."""
        return self.before_set


@dataclass(frozen=True)
class Argument:
    """One argument of an operator, or one of its results.

    Args:
        name: of the argument.
        type: as PyTorch writes it, such as ``Tensor?`` or ``int[]``.
        default: its value where it is left out, else ``REQUIRED``.
        by_name: whether it is given by name alone.
        written: whether the operator overwrites it.
        alias_info: which memory it lies in, where the schema says so.
    """

    name: str
    type: str
    default: Any
    by_name: bool
    written: bool
    alias_info: AliasInfo | None = None

    @property
    def default_value(self) -> Any:
        """The default; ``None`` where there is none."""
        return None if self.default is REQUIRED else self.default

    @property
    def kwarg_only(self) -> bool:
        """Whether it is given by name alone."""
        return self.by_name

    def has_default_value(self) -> bool:
        """Return whether it can be left out."""
        return self.default is not REQUIRED

    def holds_tensors(self) -> bool:
        """Return whether tensors are given for it."""
        return self.type.startswith("Tensor")


def _split(text: str) -> list[str]:
    """Return the parts between the commas that stand in no brackets and no quotes."""
    parts, depth, start, quote = [], 0, 0, ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


_WORDS = {"None": None, "True": True, "False": False, "true": True, "false": False}


def _default(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text  # the name of a constant, such as Mean or contiguous_format


@dataclass(frozen=True)
class OperatorSchema:
    """What an operator takes and returns.

    Args:
        name: without its namespace.
        overload_name: the part after the dot, or nothing.
        arguments: in order.
        results: what it returns, in order.
        text: all of it, as it was written.
    """

    name: str
    overload_name: str
    arguments: tuple[Argument, ...]
    results: tuple[Argument, ...]
    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def returns(self) -> tuple[str, ...]:
        """The types of what it returns."""
        return tuple([result.type for result in self.results])

    @property
    def is_mutable(self) -> bool:
        """Whether it overwrites an argument."""
        return any(argument.written for argument in self.arguments)

    def bind(self, qualified: str, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the value of each argument.

        Args:
            qualified: the operator's name with its namespace, for messages.
            args, kwargs: of the call.
        Raises:
            RuntimeError: there are too many, too few, or one is no tensor that must be.
        """
        by_place = [argument for argument in self.arguments if not argument.by_name]
        if len(args) > len(by_place):
            raise RuntimeError(
                f"{qualified}() expected at most {len(by_place)} argument(s) but received "
                f"{len(args) + len(kwargs)} argument(s). Declaration: {qualified}{self._tail()}"
            )
        values = {argument.name: value for argument, value in zip(by_place, args)}
        unknown = [name for name in kwargs if name not in {a.name for a in self.arguments}]
        for name, value in kwargs.items():
            if name in unknown or name in values:
                words = "Unknown keyword argument" if name in unknown else "Duplicate argument"
                raise RuntimeError(
                    f"{words} '{name}' for operator '{qualified}'. "
                    f"Schema: {qualified}{self._tail()}"
                )
            values[name] = value
        bound = {}
        for place, argument in enumerate(self.arguments):
            value = values.get(argument.name, argument.default)
            if value is REQUIRED:
                raise RuntimeError(
                    f"{qualified}() is missing value for argument '{argument.name}'. "
                    f"Declaration: {qualified}{self._tail()}"
                )
            if argument.type == "Tensor" and not is_tensor(value):
                raise RuntimeError(
                    f"{qualified}() Expected a value of type 'Tensor' for argument "
                    f"'{argument.name}' but instead found type '{type(value).__name__}'.\n"
                    f"Position: {place}\nValue: {value}\nDeclaration: {qualified}{self._tail()}\n"
                    f"Cast error details: Unable to cast {value} to Tensor"
                )
            bound[argument.name] = value
        return bound

    def _tail(self) -> str:
        return self.text[self.text.index("(") :]


def _declared(text: str, by_name: bool) -> Argument:
    """Return the argument or result that a part of a schema says."""
    declared, _, default = text.partition("=")
    declared = declared.strip()
    alias = _ALIAS.search(declared)
    info = None
    if alias is not None:
        info = AliasInfo(frozenset({alias[1]}), bool(alias[2]))
        declared = declared[: alias.start()] + declared[alias.end() :]
    kind, _, name = declared.partition(" ")
    value = _default(default.strip()) if default else REQUIRED
    return Argument(name.strip(), kind, value, by_name, info is not None and info.is_write, info)


@functools.cache
def parse(text: str) -> OperatorSchema:
    """Return what a text such as ``"add(Tensor x, int n=3) -> Tensor"`` says.

    Raises:
        RuntimeError: it says nothing that can be read.
    """
    found = _HEAD.fullmatch(text)
    if found is None:
        raise RuntimeError(f"could not parse the schema: {text}")
    _, name, overload, inside, returned = found.groups()
    arguments, by_name = [], False
    for part in _split(inside):
        if part == "*":
            by_name = True
            continue
        arguments.append(_declared(part, by_name))
    if returned.startswith("("):
        returned = returned[1:-1]
    results = tuple([_declared(part, False) for part in _split(returned)])
    return OperatorSchema(name, overload or "", tuple(arguments), results, text)


@functools.cache
def _recorded() -> dict[str, Any]:
    with open(os.path.join(os.path.dirname(__file__), "schemas.json"), encoding="utf-8") as file:
        return json.load(file)


def overload_names(name: str) -> list[str]:
    """Return the overloads of one of PyTorch's operators; none where it is not recorded."""
    return list(_recorded()["overloads"].get(name, ()))


def schema_of(name: str, overload: str) -> OperatorSchema:
    """Return what an overload takes and returns.

    Raises:
        KeyError: PyTorch has no such operator or overload.
    """
    head = f"aten::{name}" if overload == "default" else f"aten::{name}.{overload}"
    return parse(head + _recorded()["overloads"][name][overload])


def is_composite(name: str, overload: str) -> bool:
    """Return whether PyTorch makes an overload of other operators."""
    return f"{name}.{overload}" in _composites()


@functools.cache
def _composites() -> frozenset[str]:
    return frozenset(_recorded()["composite"])
