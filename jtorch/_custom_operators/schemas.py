"""What the annotations of a function say that an operator takes and returns."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any

from .._core.device import Device
from .._core.dtypes import dtype as DType
from .._tensor.tensor import Tensor
from ..ops.compat.schemas import REQUIRED as REQUIRED
from ..ops.compat.schemas import Argument as Argument
from ..ops.compat.schemas import OperatorSchema as OperatorSchema
from ..ops.compat.schemas import parse as parse

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
