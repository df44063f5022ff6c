"""Utilities: ``torch.utils``."""

from __future__ import annotations

from .._engine.memory.adoption import swap_tensors as swap_tensors
from . import checkpoint as checkpoint
from . import data as data
from . import dlpack as dlpack
