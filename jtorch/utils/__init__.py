"""Utilities: ``torch.utils``."""

from __future__ import annotations

from .._engine.memory.adoption import swap_tensors as swap_tensors
from .._runtime import absent as _absent
from . import checkpoint as checkpoint
from . import data as data
from . import dlpack as dlpack

__getattr__ = _absent.attributes(__name__)
