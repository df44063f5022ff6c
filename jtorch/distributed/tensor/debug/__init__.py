"""What happens to DTensors: ``torch.distributed.tensor.debug``."""

from __future__ import annotations

from ...._runtime import absent as _absent
from ._comm_mode import CommDebugMode

__all__ = ["CommDebugMode"]

__getattr__ = _absent.attributes(__name__)
