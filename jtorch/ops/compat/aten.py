"""``torch.ops.aten``: the operators by PyTorch's internal names and overloads.

``torch.ops.aten.mm`` and ``torch.ops.aten.mm.default`` call what ``torch.mm`` is. A few operators
have no other public name.
"""

from __future__ import annotations

from collections.abc import Callable

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
from . import gradients as _gradients
from . import internal_forms as _internal_forms
from . import internal_names as _internal_names
from .overloads import OpOverload as OpOverload
from .overloads import OpOverloadPacket as OpOverloadPacket

_REGISTRIES = (FUNCTIONS, LINALG_FUNCTIONS, FFT_FUNCTIONS, SPECIAL_FUNCTIONS, METHODS, NN_FUNCTIONS)


_OTHERS: dict[str, Callable] = {
    **_internal_names.TABLE,
    **_gradients.TABLE,
    "_batch_norm_with_update": batch_norm_with_update,
    "slice": slice_of,
    "_safe_softmax": safe_softmax_operator.call,
    "native_dropout_backward": _internal_forms.native_dropout_backward.call,
    "max_pool2d_with_indices_backward": _internal_forms.max_pool2d_with_indices_backward.call,
    "_upsample_bilinear2d_aa": upsample_bilinear2d_aa,
}


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
        reduces = function is NN_FUNCTIONS.get(name) and "loss" in name
        packet = _packets[name] = OpOverloadPacket(name, function, reduces)
    return packet
