"""One module in many processes: ``DistributedDataParallel``. Making one is refused."""

from __future__ import annotations

from typing import Any

from ..modules.module import Module

__all__ = ["DistributedDataParallel"]


class DistributedDataParallel(Module):
    """Stands for PyTorch's class in ``isinstance``.

    Raises:
        NotImplementedError: always; jtorch runs in one process.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "torch.nn.parallel.DistributedDataParallel: jtorch runs in one process"
        )
