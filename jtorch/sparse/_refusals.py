"""What PyTorch says where it has no operator of sparse tensors.

``kernels.json`` was recorded from PyTorch: of functions whose refusal names another kernel than the
function, which one, for the coordinate layout by what the second argument is (``"none"``,
``"tensor"``, ``"number"``); and which functions of each element refuse compressed layouts as such.
"""

from __future__ import annotations

import functools
import json
import os
from typing import Any

from .._core import layout as layouts
from .._tensor.tensor import Tensor
from . import _messages

#: Methods of Python's operators by what they call.
_OPERATORS = {
    "__eq__": "eq",
    "__ne__": "ne",
    "__lt__": "lt",
    "__le__": "le",
    "__gt__": "gt",
    "__ge__": "ge",
    "__and__": "bitwise_and",
    "__or__": "bitwise_or",
    "__xor__": "bitwise_xor",
    "__mod__": "remainder",
    "__rtruediv__": "reciprocal",
    "__lshift__": "bitwise_left_shift",
    "__rshift__": "bitwise_right_shift",
}
#: Kernels that were not recorded with the others.
_KERNELS = {
    "__rpow__": "pow.Scalar",
    "item": "_local_scalar_dense",
    "linalg_norm": "linalg_vector_norm",
    "linalg_solve": "_spsolve",
    "solve": "_spsolve",
    "index_put": "index_put_",
    "dropout": "bernoulli_.float",
}


@functools.cache
def _recorded() -> dict[str, Any]:
    with open(os.path.join(os.path.dirname(__file__), "kernels.json"), encoding="utf-8") as file:
        return json.load(file)


def _second(args: tuple, kwargs: dict[str, Any]) -> str:
    rest = [*args[1:], *kwargs.values()]
    if not rest:
        return "none"
    return "tensor" if isinstance(rest[0], Tensor) else "number"


def kernel_name(name: str, tensor: Any, args: tuple, kwargs: dict[str, Any]) -> str:
    """Return what PyTorch calls the kernel that is missing.

    Args:
        name: of the public function.
        tensor: the sparse tensor.
        args, kwargs: of the call.
    """
    compressed = tensor.layout is not layouts.sparse_coo
    table = _recorded()["compressed" if compressed else "coordinate"]
    found = _KERNELS.get(name) or table.get(name, name)
    if isinstance(found, dict):
        found = found.get(_second(args, kwargs)) or next(iter(found.values()))
    return f"aten::{found}"


def refusal(name: str, tensor: Any, args: tuple, kwargs: dict[str, Any]) -> Exception:
    """Return the exception for a function that there is no sparse form of."""
    name = _OPERATORS.get(name, name)
    if name == "__invert__":
        return TypeError(
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
        )
    compressed = tensor.layout is not layouts.sparse_coo
    if compressed and name in _recorded()["pointwise"]:
        return _messages.unsupported_layout(tensor.layout)
    return _messages.not_run(kernel_name(name, tensor, args, kwargs), tensor)
