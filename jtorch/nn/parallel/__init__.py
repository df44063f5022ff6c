"""One module on several devices of a machine: ``torch.nn.parallel``."""

from __future__ import annotations

from ..._runtime import absent as _absent
from .data_parallel import DataParallel as DataParallel
from .data_parallel import data_parallel as data_parallel
from .distributed import DistributedDataParallel as DistributedDataParallel
from .scatter_gather import gather as gather
from .scatter_gather import scatter as scatter

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel", "gather", "scatter"]

__getattr__ = _absent.attributes(__name__)
