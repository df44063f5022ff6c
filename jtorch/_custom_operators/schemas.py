"""Texts that say what an operator takes and returns, and the values of one call."""

from __future__ import annotations

import ast
import collections.abc
import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .._core.device import Device
from .._core.dtypes import dtype as DType
from .._tensor.tensor import Tensor

REQUIRED = object()
_HEAD = re.compile(r"\s*(?:(\w+)::)?(\w+)(?:\.(\w+))?\s*\((.*)\)\s*->\s*(.*?)\s*", re.DOTALL)
_ALIAS = re.compile(r"\(\w+!?(?:\s*->\s*\w+)?\)")


@dataclass(frozen=True)
class Argument:
    """One argument of an operator.

    Args:
        name: of the argument.
        type: as PyTorch writes it, such as ``Tensor?`` or ``int[]``.
        default: its value where it is left out, else ``REQUIRED``.
        by_name: whether it is given by name alone.
        written: whether the operator overwrites it.
    """

    name: str
    type: str
    default: Any
    by_name: bool
    written: bool

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
        returns: the types of what it returns.
        text: all of it, as it was written.
    """

    name: str
    overload_name: str
    arguments: tuple[Argument, ...]
    returns: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return self.text

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
            if argument.type == "Tensor" and not isinstance(value, Tensor):
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
        declared, _, default = part.partition("=")
        kind, _, argument = declared.strip().rpartition(" ")
        written = "!" in kind
        value = _default(default.strip()) if default else REQUIRED
        kind = _ALIAS.sub("", kind).strip()
        arguments.append(Argument(argument, kind, value, by_name, written))
    if returned.startswith("("):
        returned = returned[1:-1]
    returns = tuple([_ALIAS.sub("", part).split(" ")[0] for part in _split(returned)])
    return OperatorSchema(name, overload or "", tuple(arguments), returns, text)


_SINGLE: dict[Any, str] = {
    Tensor: "Tensor", int: "SymInt", float: "float", bool: "bool", str: "str",
    DType: "ScalarType", Device: "Device",
    int | float | bool: "Scalar", typing.Union[int, float, bool]: "Scalar",  # noqa: UP007
}  # fmt: skip
_IN_LISTS = {Tensor: "Tensor", int: "SymInt", float: "float", bool: "bool"}


def _type_of(annotation: Any) -> str | None:
    """Return the type that an annotation stands for, ``None`` for one that has none."""
    single = next((name for kind, name in _SINGLE.items() if kind == annotation), None)
    if single is not None:
        return single
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType) and type(None) in parts:
        rest = [part for part in parts if part is not type(None)]
        inner = _type_of(rest[0] if len(rest) == 1 else typing.Union[tuple(rest)])  # noqa: UP007
        return f"{inner}?" if inner else None
    if origin in (list, collections.abc.Sequence) and len(parts) == 1:
        inner = _type_of(parts[0])
        if inner in ("Tensor", "Tensor?", "SymInt", "float", "bool", "Scalar"):
            return f"{inner}[]"
    return None


def infer_schema(
    prototype_function: Callable,
    /,
    *,
    mutates_args: str | Iterable[str],
    op_name: str | None = None,
) -> str:
    """Return the text that the annotations of a function say.

    Args:
        prototype_function: a function of annotated arguments.
        mutates_args: the names of those that it overwrites; ``"unknown"`` for all tensors.
        op_name: goes in front.
    Raises:
        ValueError: an annotation is missing or stands for no type.
    """
    signature = inspect.signature(prototype_function)
    hints = typing.get_type_hints(prototype_function)
    written = mutates_args if isinstance(mutates_args, str) else set(mutates_args)

    def refuse(words: str) -> ValueError:
        return ValueError(f"infer_schema(func): {words} Got func with signature {signature})")

    parts: list[str] = []
    by_name = False
    for place, (name, parameter) in enumerate(signature.parameters.items()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise refuse("We do not support positional-only args, varargs, or varkwargs.")
        if parameter.kind is parameter.KEYWORD_ONLY and not by_name:
            by_name = True
            parts.append("*")
        if name not in hints:
            raise refuse(f"Parameter {name} must have a type annotation.")
        kind = _type_of(hints[name])
        if kind is None:
            raise refuse(f"Parameter {name} has unsupported type {hints[name]}.")
        tensors = kind.startswith("Tensor")
        if (written == "unknown" and tensors) or (written != "unknown" and name in written):
            if not tensors:
                raise refuse(
                    f"Parameter {name} is in mutable_args but only Tensors or collections of "
                    "Tensors can be mutated"
                )
            kind = kind.replace("Tensor", f"Tensor(a{place}!)", 1)
        default = ""
        if parameter.default is not parameter.empty:
            default = "=" + _written_default(parameter.default, name, refuse)
        parts.append(f"{kind} {name}{default}")
    if written != "unknown":
        unknown = set(written) - signature.parameters.keys()
        if unknown:
            raise refuse(f"{unknown} in mutates_args were not found in the custom op's signature.")
    head = op_name or ""
    return f"{head}({', '.join(parts)}) -> {_returned(hints.get('return', None), refuse)}"


def _written_default(value: Any, name: str, refuse: Callable) -> str:
    if value is None or isinstance(value, (int, float, bool)):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, DType):
        return str(value).removeprefix("torch.")
    if isinstance(value, Device):
        return f'"{value}"'
    raise refuse(
        f"Parameter {name} has an unsupported default value type {type(value)}. Please file an "
        "issue on GitHub so we can prioritize this."
    )


def _returned(annotation: Any, refuse: Callable) -> str:
    if annotation is None or annotation is type(None):
        return "()"
    single = _type_of(annotation)
    if single is not None:
        return single
    if typing.get_origin(annotation) is tuple:
        kinds = [_type_of(part) for part in typing.get_args(annotation)]
        if kinds and None not in kinds:
            joined = ", ".join([kind for kind in kinds if kind is not None])
            return f"({joined})" if len(kinds) > 1 else joined
    raise refuse(f"Return has unsupported type {annotation}.")
