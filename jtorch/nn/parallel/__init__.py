"""One module on several devices of a machine: ``torch.nn.parallel``."""

from __future__ import annotations

from .data_parallel import DataParallel as DataParallel
from .data_parallel import data_parallel as data_parallel

__all__ = ["DataParallel", "data_parallel"]
