"""Tensors shared with other libraries: ``torch.utils.dlpack``."""

from __future__ import annotations

from .._runtime import absent as _absent
from .._tensor.numpy_bridge import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]

__getattr__ = _absent.attributes(__name__)
