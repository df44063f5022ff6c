"""Modules and names of PyTorch that have no meaning in jtorch: a table, and one mechanism for all.

What stands in ``names.json`` (recorded from PyTorch; ``tools/record_goldens/public_names.py``) can
be imported, subclassed, named in an annotation and asked questions. It refuses in one sentence when
it is called. ``reasons.toml`` holds the sentences, by subtree, and what is not refused: questions
that are answered, decorators that return the function, contexts that change nothing.

A module of its own always comes first: the finder here is asked last.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from . import stand_ins

#: Whether missing names are made up; the recorder of the table switches it off.
enabled = True

_OURS = __name__.partition(".")[0]
_THEIRS = "torch"
#: How many characters of the names of modules are the package's.
_CUT = len(_OURS)


@functools.cache
def names() -> dict[str, dict[str, str]]:
    """Return the table: modules of PyTorch, and what each of their names is."""
    import json
    import os

    with open(os.path.join(os.path.dirname(__file__), "names.json"), encoding="utf-8") as file:
        return json.load(file)


@functools.cache
def _packages() -> frozenset[str]:
    return frozenset(module.rpartition(".")[0] for module in names())


def _is_known(module: str) -> bool:
    return module in names() or module in _packages()


def _is_ours(module: str) -> bool:
    """Return whether jtorch has a public module that may not be imported yet, as PyTorch's are."""
    parent, _, name = module.rpartition(".")
    path = getattr(_import(parent), "__path__", None)
    if path is None or name.startswith("_"):
        return False
    return PathFinder.find_spec(f"{_OURS}{module[len(_THEIRS) :]}", path) is not None


def _lookup(module: str, name: str) -> Any:
    """Return what stands for a name of a module, by PyTorch's name of that module.

    Raises:
        KeyError: PyTorch has no such name either.
    """
    entry = names().get(module, {}).get(name)
    if entry is None or entry == "module":
        submodule = f"{module}.{name}"
        if not (_is_known(submodule) or _is_ours(submodule)):
            raise KeyError(name)
        return _import(submodule)
    kind, _, home = entry.partition("@")
    home_module, _, qualified = home.partition("#")
    qualified = qualified or name
    if kind == "same" or (home_module and home_module != module):
        try:
            return _at_home(home_module, qualified)
        except (ImportError, AttributeError):
            if kind == "same":
                raise
    return stand_ins.make(kind, module, name, home_module or module, qualified)


def _import(module: str) -> ModuleType:
    # The package has PyTorch's name while the hook is installed.
    return importlib.import_module(sys.modules[_OURS].__name__ + module[len(_THEIRS) :])


def _at_home(module: str, qualified: str) -> Any:
    found: Any = _import(module)
    for step in qualified.split("."):
        found = getattr(found, step)
    return found


def attributes(module: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module: what PyTorch has there and jtorch has not.

    Args:
        module: its name here.
    """
    theirs = _THEIRS + module[_CUT:]
    made: dict[str, Any] = {}  # not the module's own dict, which holds what jtorch defines

    def __getattr__(name: str) -> Any:
        if enabled and not (name.startswith("__") and name.endswith("__")):
            try:
                if name not in made:
                    made[name] = _lookup(theirs, name)
            except KeyError:
                pass
            else:
                return made[name]
        raise AttributeError(f"module '{theirs}' has no attribute '{name}'")

    return __getattr__


class Finder:
    """Finds modules that stand in the table and nowhere else, and makes them."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if not enabled or not name.startswith(_OURS + "."):
            return None
        theirs = _THEIRS + name[_CUT:]
        if not _is_known(theirs):
            return None
        return ModuleSpec(name, self, is_package=theirs in _packages())  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        theirs = _THEIRS + module.__name__[_CUT:]
        listed = [name for name in names().get(theirs, ()) if not name.startswith("_")]
        module.__doc__ = f"``{theirs}``: {stand_ins.reason_of(theirs)}."
        module.__all__ = listed  # type: ignore[attr-defined]
        module.__getattr__ = attributes(module.__name__)  # type: ignore[method-assign]
        module.__dir__ = lambda: [*vars(module), *listed]  # type: ignore[method-assign]


def install() -> None:
    """Let the table's modules be imported."""
    sys.meta_path.append(Finder())  # type: ignore[arg-type]
