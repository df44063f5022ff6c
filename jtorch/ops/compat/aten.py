"""``torch.ops.aten``: the operators by PyTorch's internal names and overloads.

``torch.ops.aten.mm`` and ``torch.ops.aten.mm.default`` call what ``torch.mm`` is. A few operators
have no other public name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._engine.declare import (
    FFT_FUNCTIONS,
    FUNCTIONS,
    LINALG_FUNCTIONS,
    METHODS,
    NN_FUNCTIONS,
    SPECIAL_FUNCTIONS,
)
from ..indexing.view_copies import slice_of
from ..nn.attention.scaled_dot_product import _safe_softmax as safe_softmax_operator
from ..nn.norm.batch import batch_norm_with_update
from ..nn.resampling import upsample_bilinear2d_aa
from . import internal_forms as _internal_forms

_REGISTRIES = (FUNCTIONS, LINALG_FUNCTIONS, FFT_FUNCTIONS, SPECIAL_FUNCTIONS, METHODS, NN_FUNCTIONS)


_OTHERS: dict[str, Callable] = {
    "_batch_norm_with_update": batch_norm_with_update,
    "slice": slice_of,
    "_safe_softmax": safe_softmax_operator.call,
    "native_dropout_backward": _internal_forms.native_dropout_backward.call,
    "max_pool2d_with_indices_backward": _internal_forms.max_pool2d_with_indices_backward.call,
    "_upsample_bilinear2d_aa": upsample_bilinear2d_aa,
}


class OpOverload:
    """One overload of an operator; calls the function that has all of them."""

    def __init__(self, name: str, overload: str, function: Callable):
        self._name, self._overloadname, self._function = name, overload, function
        self.__name__ = f"{name}.{overload}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if "self" in kwargs:
            kwargs["input"] = kwargs.pop("self")
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<OpOverload(op='aten.{self._name}', overload='{self._overloadname}')>"

    def __str__(self) -> str:
        return f"aten.{self._name}.{self._overloadname}"


class OpOverloadPacket:
    """An operator with its overloads as attributes."""

    def __init__(self, name: str, function: Callable):
        self._qualified_op_name, self._function = f"aten::{name}", function
        self.__name__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return OpOverload(self.__name__, "default", self._function)(*args, **kwargs)

    def __getattr__(self, overload: str) -> OpOverload:
        if overload.startswith("__"):
            raise AttributeError(overload)
        function = OpOverload(self.__name__, overload, self._function)
        setattr(self, overload, function)
        return function

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='aten.{self.__name__}')>"

    def __str__(self) -> str:
        return f"aten.{self.__name__}"


_packets: dict[str, OpOverloadPacket] = {}


def __getattr__(name: str) -> OpOverloadPacket:
    if name.startswith("__"):
        raise AttributeError(name)
    packet = _packets.get(name)
    if packet is None:
        function = _OTHERS.get(name)
        for registry in _REGISTRIES:
            function = function or registry.get(name)
        if not callable(function):
            raise AttributeError(f"'_OpNamespace' 'aten' object has no attribute '{name}'")
        packet = _packets[name] = OpOverloadPacket(name, function)
    return packet
