"""The names that PyTorch has for jtorch's classes and functions: where it defines them.

Most stand in the module of the same name. ``homes.json`` holds the others (recorded from PyTorch;
``tools/record_goldens/public_names.py``). Files always name PyTorch's modules; what a class itself
says (``__module__``) is PyTorch's while the import hook is installed.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from typing import Any

_OURS = __name__.partition(".")[0]
_THEIRS = "torch"
#: What says where it is defined, and can be told: classes, functions, and functions with a cache.
_NAMED = (type, types.FunctionType, type(functools.cache(len)))


@functools.cache
def _homes() -> dict[str, dict[str, str]]:
    import json
    import os

    with open(os.path.join(os.path.dirname(__file__), "homes.json"), encoding="utf-8") as file:
        return json.load(file)


def pytorch_name(module: str, qualified: str) -> tuple[str, str]:
    """Return the module and the name that PyTorch has for something of ours.

    Args:
        module: that defines it here.
        qualified: its name there; dots lead into classes.
    """
    outer, dot, inner = qualified.partition(".")
    home = _homes().get(module, {}).get(outer)
    if home is None:
        return _THEIRS + module.removeprefix(_OURS), qualified
    theirs, _, name = home.partition("#")
    return theirs, (name or outer) + dot + inner


def _is_private(module: str) -> bool:
    return "._" in module or ".ops." in module


def _defined_in(module: types.ModuleType) -> Iterator[tuple[Any, tuple[str, str]]]:
    """Yield the classes and functions that a module defines, and PyTorch's name of each.

    With the classes come the classes within them, with the package what it publishes of the
    operators, and of a private module what PyTorch has in a public one.
    """
    name = module.__name__
    table = _homes().get(name, {})
    pending = list(vars(module).items())
    while pending:
        key, value = pending.pop()
        if not isinstance(value, _NAMED):
            continue
        home, qualified = value.__module__, value.__qualname__
        if home == name:
            outer = qualified.partition(".")[0]
            named = isinstance(value, type) or outer[0] != "_"
            if outer in table or (named and not _is_private(name)):
                yield value, pytorch_name(home, qualified)
            if isinstance(value, type):
                inner = f"{qualified}."
                pending += [
                    (each, found)
                    for each, found in vars(value).items()
                    if isinstance(found, type) and found.__qualname__ == inner + each
                ]
            continue
        published = name == _OURS and isinstance(value, types.FunctionType) and key[0] != "_"
        if published and home.startswith(f"{_OURS}.") and _is_private(home):
            public = pytorch_name(home, qualified)
            yield value, (("torch", key) if _is_private(public[0]) else public)


def _rename(value: Any, module: str, qualified: str) -> None:
    value.__module__, value.__qualname__ = module, qualified
    value.__name__ = qualified.rpartition(".")[2]


def name_as_pytorch(module: types.ModuleType) -> list[tuple[Any, str, str]]:
    """Give what a module of ours defines the names of PyTorch.

    Returns:
        What was renamed, with its own module and name: ``name_as_ours`` takes it.
    """
    renamed = []
    for value, after in list(_defined_in(module)):
        renamed.append((value, value.__module__, value.__qualname__))
        _rename(value, *after)
    return renamed


def name_as_ours(renamed: list[tuple[Any, str, str]]) -> None:
    """Undo ``name_as_pytorch``."""
    for value, module, qualified in reversed(renamed):
        _rename(value, module, qualified)
