"""The few names of PyTorch's extension module that libraries reach for: ``torch._C``."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from ._core.device import Device as device
from ._core.dtypes import dtype
from ._engine.graph.values import TensorBase

__all__ = ["Generator", "Size", "TensorBase", "device", "dtype"]

Generator, Size = torch.Generator, torch.Size
_TensorBase = TensorBase


def _log_api_usage_once(*names: str) -> None:
    """Accept which part of a library is used; nothing is kept of it."""


def _get_tracing_state() -> None:
    """Return ``None``: nothing is being traced for TorchScript."""


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch._C' has no attribute '{name}'")
