"""Functions of neural networks: ``torch.nn.functional``."""

from __future__ import annotations

from typing import Any

from .._engine.declare import FUNCTIONS, NN_FUNCTIONS
from .._runtime import absent as _absent

globals().update(NN_FUNCTIONS)
__all__ = sorted(NN_FUNCTIONS)


def _own_functions() -> None:
    """Give the functions that are not also ``torch.*`` the name that ``pickle`` finds them by."""
    shared = {id(function) for function in FUNCTIONS.values()}
    for name, function in NN_FUNCTIONS.items():
        if id(function) in shared or not hasattr(function, "__qualname__"):
            continue
        if NN_FUNCTIONS.get(function.__name__) is not function:
            function.__name__ = name
        function.__qualname__ = function.__name__
        function.__module__ = __name__


_own_functions()


_name_without_meaning = _absent.attributes(__name__)


def __getattr__(name: str) -> Any:
    if name in NN_FUNCTIONS:
        return NN_FUNCTIONS[name]
    return _name_without_meaning(name)
