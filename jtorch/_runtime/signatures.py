"""Signatures of the public functions that take ``*args`` and bind them themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from .._core.schema.schema import Schema
from .._engine.declare import FUNCTIONS, METHODS, NN_FUNCTIONS
from .._engine.recording.signatures import CallSignature


def attach() -> None:
    """Give these functions what ``inspect.signature`` and ``help`` show."""
    for table, method in ((FUNCTIONS, False), (NN_FUNCTIONS, False), (METHODS, True)):
        for name, function in table.items():
            namespace = getattr(function, "__dict__", None)
            if namespace is None or "__signature__" in namespace:
                continue
            schema = _schema(name, function)
            if schema is not None:
                namespace["__signature__"] = CallSignature(schema, method)


def _schema(name: str, function: Callable) -> Schema | None:
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None or not code.co_flags & inspect.CO_VARKEYWORDS:
        return None
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    used = [function.__globals__.get(each) for each in code.co_names]
    for schema in (*cells, *used):  # the one that the function itself binds its arguments with
        if isinstance(schema, Schema) and (schema in cells or schema.name == name):
            return schema
    return None
