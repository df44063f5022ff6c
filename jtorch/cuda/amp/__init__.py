"""Old forms of mixed precision for GPUs: ``torch.cuda.amp``."""

from __future__ import annotations

from ..._engine.execution import devices as _devices
from ..._runtime import absent as _absent
from ...amp._deprecated import CudaAutocast as autocast
from ...amp._deprecated import CudaGradScaler as GradScaler
from ...amp._deprecated import custom_bwd, custom_fwd


def amp_definitely_not_available() -> bool:
    """Return whether there is no GPU."""
    return not _devices.gpus()


__all__ = ["GradScaler", "amp_definitely_not_available", "autocast", "custom_bwd", "custom_fwd"]

__getattr__ = _absent.attributes(__name__)
