"""How functions and types are named in the text of a graph, and names that are still free."""

from __future__ import annotations

import builtins
import functools
import keyword
import math
import re
import types
from collections.abc import Callable
from typing import Any

import jtorch as torch

from .._engine.declare import FUNCTIONS, NN_FUNCTIONS
from .._ops import OpOverload
from .._runtime.function_overrides import OF_NN
from ..overrides import OF_FUNCTIONAL

#: What generated code finds without importing it: name, how it is imported, the object.
CUSTOM_BUILTINS: dict[str, tuple[str, Callable[[], Any]]] = {
    "inf": ("from math import inf", lambda: math.inf),
    "nan": ("from math import nan", lambda: math.nan),
    "NoneType": ("NoneType = type(None)", lambda: type(None)),
    "torch": ("import torch", lambda: torch),
    "device": ("from torch import device", lambda: torch.device),
    "fx_pytree": ("import torch.fx._pytree as fx_pytree", lambda: torch.fx._pytree),
    "pytree": ("import torch.utils._pytree as pytree", lambda: torch.utils._pytree),
}

_ILLEGAL = re.compile(r"[^0-9a-zA-Z_]+")
_SUFFIX = re.compile(r"(.*)_(\d+)$")
_CAMEL = re.compile(r"(?<=[a-z])([A-Z])")


def snake_case(name: str) -> str:
    """Return a name in lower case with underscores."""
    return _CAMEL.sub(r"_\1", name).lower()


def is_magic(name: str) -> bool:
    """Tell whether a name is one of Python's own, such as ``__add__``."""
    return name.startswith("__") and name.endswith("__")


class Namespace:
    """The names given so far, of nodes and of globals."""

    def __init__(self) -> None:
        self._of_object: dict[Any, str] = {}
        self._used: set[str] = set()
        self._counts: dict[str, int] = {}

    def create_name(self, candidate: str, obj: Any) -> str:
        """Return a free name that is as near to a candidate as can be.

        Args:
            candidate: the wish.
            obj: whose name it is; asked for again it has the same. ``None``: no object's.
        """
        if obj is not None and obj in self._of_object:
            return self._of_object[obj]
        candidate = _ILLEGAL.sub("_", candidate) or "_unnamed"
        if candidate[0].isdigit():
            candidate = f"_{candidate}"
        found = _SUFFIX.match(candidate)
        base, number = (candidate, None) if found is None else (found[1], int(found[2]))
        if number is None or candidate in self._used:
            number = self._counts.get(candidate, 0)
            if _is_illegal(candidate, obj):
                number += 1
                candidate = f"{base}_{number}"
        while candidate in self._used:
            number += 1
            candidate = f"{base}_{number}"
        self._used.add(candidate)
        self._counts[base] = number
        if obj is not None:
            self._of_object[obj] = candidate
        return candidate

    def associate_name_with_obj(self, name: str, obj: Any) -> None:
        """Note that an object has a name that was created before."""
        self._of_object.setdefault(obj, name)

    def _rename_object(self, obj: Any, name: str) -> None:
        self._of_object[obj] = name
        self._used.add(name)


def _is_illegal(name: str, obj: Any) -> bool:
    if keyword.iskeyword(name):
        return True
    if name in builtins.__dict__:
        return obj is not builtins.__dict__[name]
    if name in CUSTOM_BUILTINS:
        return obj is not CUSTOM_BUILTINS[name][1]()
    return False


#: Functions of ``torch.nn.functional`` that code finds among those written in C.
_IN_C = {
    **{
        name: name
        for name in (
            *("avg_pool2d", "avg_pool3d", "elu_", "gelu", "hardtanh_", "leaky_relu_", "linear"),
            *("one_hot", "scaled_dot_product_attention", "softplus", "softshrink"),
        )
    },
    "logsigmoid": "log_sigmoid",
}


@functools.cache
def _public_names() -> dict[Any, str]:
    """Return what PyTorch's code calls a function, by the function."""
    found: dict[Any, str] = {}
    for name, function in FUNCTIONS.items():
        module = "torch.functional" if name in OF_FUNCTIONAL else "torch"
        found.setdefault(function, f"{module}.{name}")
    for name, function in NN_FUNCTIONS.items():
        if name in OF_NN:
            called = "_threshold" if name == "threshold" else name
            found.setdefault(function, f"torch.nn.functional.{called}")
        elif name in _IN_C:
            found.setdefault(function, f"torch._C._nn.{_IN_C[name]}")
        elif name in FUNCTIONS:
            found.setdefault(function, f"torch.{name}")
    for space in ("linalg", "fft", "special"):
        module = getattr(torch, space)
        for name in module.__all__:
            function = getattr(module, name)
            if isinstance(function, types.FunctionType):
                found.setdefault(function, f"torch._C._{space}.{space}_{name}")
    return found


def qualified_name(function: Any) -> str:
    """Return the name that code finds a function by."""
    name = getattr(function, "__name__", None)
    if name is not None and getattr(builtins, name, None) is function:
        return name
    try:
        public = _public_names().get(function)
    except TypeError:
        public = None
    if public is not None:
        return public
    if isinstance(function, OpOverload):
        return f"torch.ops.{function.namespace}.{name}"
    if isinstance(function, types.MethodDescriptorType | types.WrapperDescriptorType):
        return f"{function.__objclass__.__module__}.{function.__objclass__.__name__}.{name}"
    if name == "<lambda>":
        name = "_lambda"
    module = _module_of(function).replace("torch._ops", "torch.ops")
    module = module.replace("jtorch", "torch", 1) if module.startswith("jtorch") else module
    if name is None:
        raise RuntimeError(f"Cannot get qualified name of {function}")
    return f"{module}.{function.__qualname__ if '.' not in function.__qualname__ else name}"


def _module_of(function: Any) -> str:
    module = getattr(function, "__module__", None)
    if module is not None:
        return module
    for guess in (torch, torch.nn.functional):
        if getattr(guess, function.__name__, None) is function:
            return guess.__name__
    raise RuntimeError(f"cannot find module for {function}")


def is_from_torch(obj: Any) -> bool:
    """Tell whether code finds an object below ``torch``."""
    module = getattr(obj, "__module__", None)
    if module is not None:
        base = module.partition(".")[0]
        return base in ("torch", "jtorch") and not module.startswith(
            ("torch._dynamo", "torch._inductor")
        )
    name = getattr(obj, "__name__", None)
    return name is not None and any(
        getattr(guess, name, None) is obj for guess in (torch, torch.nn.functional)
    )


def type_repr(obj: Any) -> str:
    """Return how a type is written: with its module, but for Python's own."""
    if isinstance(obj, type) and not isinstance(obj, types.GenericAlias):
        if obj.__module__ == "builtins":
            return obj.__qualname__
        return f"{obj.__module__}.{obj.__qualname__}"
    if obj is ...:
        return "..."
    if isinstance(obj, types.FunctionType):
        return obj.__name__
    return repr(obj)
