"""The few names of PyTorch's extension module that libraries reach for: ``torch._C``."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import jtorch as torch

from ._core.device import Device as device
from ._core.dtypes import dtype
from ._engine.graph.values import TensorBase

__all__ = ["Generator", "Size", "TensorBase", "device", "dtype"]

Generator, Size = torch.Generator, torch.Size
_TensorBase = TensorBase
_TensorMeta = type(torch.Tensor)
_NAMESPACES = {"_fft": "fft", "_linalg": "linalg", "_special": "special", "_sparse": "sparse"}
_len_torch_dispatch_stack = _len_torch_function_stack = lambda: 0


def _log_api_usage_once(*names: str) -> None:
    """Accept which part of a library is used; nothing is kept of it."""


def _get_tracing_state() -> None:
    """Return ``None``: nothing is being traced for TorchScript."""


def _is_torch_function_enabled() -> bool:
    """Return ``True``: what PyTorch answers unless it was switched off."""
    return True


def _functions_of(*parts: ModuleType) -> SimpleNamespace:
    found = {name: each for part in parts for name, each in vars(part).items() if callable(each)}
    return SimpleNamespace(**found)


def __getattr__(name: str) -> Any:
    if name in ("_VariableFunctions", "_nn"):
        return _functions_of(torch if name == "_VariableFunctions" else torch.nn.functional)
    if name in _NAMESPACES:
        return getattr(torch, _NAMESPACES[name])
    if not name.startswith("_") and hasattr(torch, name):  # TorchScript's classes, refused
        return getattr(torch, name)
    raise AttributeError(f"module 'torch._C' has no attribute '{name}'")
