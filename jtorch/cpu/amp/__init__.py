"""Old forms of mixed precision for the CPU: ``torch.cpu.amp``."""

from __future__ import annotations

from ..._runtime import absent as _absent
from ...amp._deprecated import CpuAutocast as autocast
from ...amp._deprecated import CpuGradScaler as GradScaler

__all__ = ["GradScaler", "autocast"]

__getattr__ = _absent.attributes(__name__)
