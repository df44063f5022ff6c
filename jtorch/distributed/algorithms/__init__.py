"""Ways to combine what processes compute: hooks of DDP, uneven inputs, averages of models."""

from __future__ import annotations

from ..._runtime import absent as _absent
from .join import Join, Joinable, JoinHook

__all__ = ["Join", "JoinHook", "Joinable"]

__getattr__ = _absent.attributes(__name__)
