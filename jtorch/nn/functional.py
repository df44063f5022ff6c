"""Functions of neural networks: ``torch.nn.functional``."""

from __future__ import annotations

import importlib
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

#: The numbers that ``grid_sample`` has for its modes.
GRID_SAMPLE_INTERPOLATION_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
GRID_SAMPLE_PADDING_MODES = {"zeros": 0, "border": 1, "reflection": 2}

_name_without_meaning = _absent.attributes(__name__)
#: Names of other modules that PyTorch's passes on, each with its module.
_PASSED_ON = {
    "DType": "types:_int",
    "Tensor": "_tensor:Tensor",
    "boolean_dispatch": "_jit_internal:boolean_dispatch",
    "grad": "nn:grad",
    **{f"BroadcastingList{length}": "_jit_internal:" for length in (1, 2, 3)},
    "handle_torch_function": "overrides:",
    "has_torch_function": "overrides:",
    "has_torch_function_unary": "overrides:",
    "has_torch_function_variadic": "overrides:",
}


def __getattr__(name: str) -> Any:
    if name in NN_FUNCTIONS:
        return NN_FUNCTIONS[name]
    if name in _PASSED_ON:
        home, _, known_as = _PASSED_ON[name].partition(":")
        package = __name__.rpartition(".nn.")[0]
        return getattr(importlib.import_module(f"{package}.{home}"), known_as or name)
    return _name_without_meaning(name)
