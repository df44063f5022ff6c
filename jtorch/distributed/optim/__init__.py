"""Optimisers over many processes: ``torch.distributed.optim``. Making one is refused."""

from __future__ import annotations

from typing import Any

from ...optim.optimizer import Optimizer

__all__ = ["ZeroRedundancyOptimizer"]


class ZeroRedundancyOptimizer(Optimizer):
    """Stands for PyTorch's class in ``isinstance``.

    Raises:
        NotImplementedError: always; jtorch runs in one process.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "torch.distributed.optim.ZeroRedundancyOptimizer: jtorch runs in one process"
        )
