"""Collectives with gradients: ``torch.distributed.nn``."""

from __future__ import annotations

from ..._runtime import absent as _absent
from .functional import (  # noqa: F401  PyTorch's names, which it lists nowhere
    all_gather,
    all_reduce,
    all_to_all,
    all_to_all_single,
    broadcast,
    gather,
    reduce,
    reduce_scatter,
    scatter,
)

__getattr__ = _absent.attributes(__name__)
