"""Which overload of PyTorch's operator a public call is, and its arguments as that takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._core.device import Device
from ..._core.dtypes import dtype as DType
from ..._core.layout import layout as Layout
from ..._core.memory_format import memory_format as MemoryFormat
from ..._engine.graph.values import is_tensor
from . import schemas
from .schemas import REQUIRED, Argument, OperatorSchema

#: Operators whose overload for two tensors takes numbers too, as Python calls them.
_NUMBERS_AS_TENSORS = frozenset(
    f"{name}{end}"
    for name in ("add", "sub", "mul", "div", "floor_divide", "true_divide", "multiply", "divide")
    for end in ("", "_")
)
#: Of several overloads that fit, the one that others are made of.
_PREFERRED = {name: "correction" for name in ("std", "var", "std_mean", "var_mean")}
#: What Python's functions take besides, and may be left out.
_BESIDES = frozenset(("_stacklevel", "size_average", "reduce", "inplace", "requires_grad"))
_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}
#: What ``_converted`` returns for a value that is not of the type.
_WRONG = object()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex)) or type(value).__module__ == "numpy"


def _is_int(value: Any) -> bool:
    return (
        not isinstance(value, bool) and hasattr(type(value), "__index__") and not is_tensor(value)
    )


_IS: dict[str, Callable[[Any], bool]] = {
    "Tensor": is_tensor,
    "Scalar": lambda value: _is_number(value) and not is_tensor(value),
    "int": _is_int,
    "SymInt": _is_int,
    "float": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "Dimname": lambda value: isinstance(value, str),
    "ScalarType": lambda value: isinstance(value, DType),
    "Device": lambda value: isinstance(value, (Device, str)),
    "Layout": lambda value: isinstance(value, Layout),
    "MemoryFormat": lambda value: isinstance(value, MemoryFormat),
    "Generator": lambda value: type(value).__name__ == "Generator",
}


def _converted(value: Any, kind: str, numbers: bool) -> Any:
    """Return a value as an argument of a type, ``_WRONG`` where it is none."""
    if kind.endswith("?"):
        return None if value is None else _converted(value, kind[:-1], numbers)
    if kind.endswith("]"):
        element, _, size = kind[:-1].rpartition("[")
        if size and _IS[element](value):
            value = [value] * int(size)  # one number for all dimensions
        if not isinstance(value, (list, tuple)):
            return _WRONG
        elements = [_converted(each, element, numbers) for each in value]
        return _WRONG if any(each is _WRONG for each in elements) else elements
    if kind == "int" and isinstance(value, str) and value in _REDUCTIONS:
        return _REDUCTIONS[value]
    if kind == "Tensor" and numbers and _is_number(value):
        return value
    test = _IS.get(kind)
    if test is None or not test(value):
        return _WRONG
    return Device(value) if kind == "Device" and isinstance(value, str) else value


def _gathered(args: tuple, places: list[Argument]) -> tuple:
    """Return the positional arguments with sizes that were given one by one as a list."""
    for place, argument in enumerate(places[: len(args)]):
        if argument.type.rstrip("?") in ("int[]", "SymInt[]") and _is_int(args[place]):
            rest = args[place:]
            return (*args[:place], list(rest)) if all(map(_is_int, rest)) else args
    return args


def _bind(
    schema: OperatorSchema, args: tuple, kwargs: dict[str, Any], numbers: bool, gather: bool
) -> dict[str, Any] | None:
    """Return the arguments by name, ``None`` where they do not fit."""
    places = [argument for argument in schema.arguments if not argument.by_name]
    args = _gathered(args, places) if gather else args
    if len(args) > len(places):
        return None
    given = {argument.name: value for argument, value in zip(places, args)}
    by_name = {argument.name: argument for argument in schema.arguments}
    for name, value in kwargs.items():
        name = "self" if name == "input" and "self" in by_name else name
        if name in by_name and name not in given:
            given[name] = value
        elif value is not None and value is not False and name not in _BESIDES:
            return None
    bound: dict[str, Any] = {}
    for name, argument in by_name.items():
        if name not in given:
            if argument.default is REQUIRED:
                return None
            continue
        value = given[name]
        if value is None and argument.default is not REQUIRED:
            continue
        bound[name] = value = _converted(value, argument.type, numbers)
        if value is _WRONG:
            return None
    return bound


def _is_default(argument: Argument, value: Any) -> bool:
    default = argument.default
    if isinstance(value, list) and isinstance(default, (int, float)):
        default = [default] * len(value)
    return type(value) is type(default) and value == default


def _split(schema: OperatorSchema, bound: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    """Return arguments by place and by name, without those at the end that are as by default."""
    args: list[Any] = []
    named: dict[str, Any] = {}
    kept = 0
    for argument in schema.arguments:
        name = argument.name
        if not argument.by_name:
            args.append(bound.get(name, argument.default_value))
            if name in bound and not _is_default(argument, bound[name]):
                kept = len(args)
        elif name in bound and not _is_default(argument, bound[name]):
            named[name] = bound[name]
    return tuple(args[:kept]), named


def match(
    packet: Any, args: tuple, kwargs: dict[str, Any]
) -> tuple[str, tuple, dict[str, Any]] | None:
    """Return the overload of a call and its arguments, ``None`` where none fits.

    Args:
        packet: the operator.
        args, kwargs: as the public function takes them.
    """
    name = packet.__name__
    names = schemas.overload_names(name)
    first = _PREFERRED.get(name, "default")
    names.sort(key=lambda each: each != first)
    writes = kwargs.get("out") is not None
    loose = name in _NUMBERS_AS_TENSORS
    for numbers, gather in ((loose, False), (loose, True), (True, False)):
        for each in names:
            schema = schemas.schema_of(name, each)
            if any(argument.name == "out" for argument in schema.arguments) != writes:
                continue
            if loose and "Scalar" in each:
                continue
            bound = _bind(schema, args, kwargs, numbers, gather)
            if bound is not None:
                return each, *_split(schema, _as_factory(schema, bound))
    return None


def _as_factory(schema: OperatorSchema, bound: dict[str, Any]) -> dict[str, Any]:
    """Add what PyTorch's functions that make tensors always hand on: device and pinning."""
    names = {argument.name for argument in schema.arguments}
    if "pin_memory" not in names:
        return bound
    made = dict(bound)
    if not any(argument.holds_tensors() for argument in schema.arguments):
        made.setdefault("device", Device("cpu"))
    made.setdefault("pin_memory", False)
    return made
