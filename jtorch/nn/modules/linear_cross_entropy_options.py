"""How PyTorch is to compute ``linear_cross_entropy`` in parts."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..._core import dtypes
from ..._core.dtypes import dtype as DType

__all__ = ["LinearCrossEntropyOptions"]

#: What ``"auto"`` means: policy and method for half precision on the CPU, and for all else.
_AUTO_ON_CPU = ("accurate", "aspect_ratio")
_AUTO = ("compact", "aspect_ratio:2")


@dataclasses.dataclass(slots=True, frozen=True)
class LinearCrossEntropyOptions:
    """Say how ``linear_cross_entropy`` is to be computed in parts of the batch.

    XLA plans the memory of a whole program, so that here the options are checked and shown, and
    change nothing else.

    Args:
        allow_retain_graph: whether gradients may be asked for twice.
        batch_chunk_size: rows in a part; all unless given.
        chunking_method: how to choose it: ``"auto"``, ``"aspect_ratio"``, ``"aspect_ratio:N"`` or
            ``None``.
        acc_policy: what is added up in ``acc_dtype``: ``"auto"``, ``"accurate"``, ``"balanced"`` or
            ``"compact"``.
        acc_dtype: a floating point dtype; chosen by the input unless given.
    Raises:
        ValueError: one of them is none of these.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: DType | None = None

    def __post_init__(self) -> None:
        if self.acc_policy not in ("auto", "accurate", "balanced", "compact"):
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        method = self.chunking_method
        if method is not None and method != "auto":
            name, colon, factor = method.partition(":")
            known = factor.isdigit() and int(factor) > 0 if colon else True
            if name != "aspect_ratio" or not known:
                raise ValueError(f"invalid chunking_method: {method!r}")
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size!r}")
        if self.acc_dtype not in (None, *dtypes.HALVES, dtypes.float32, dtypes.float64):
            raise ValueError(
                "acc_dtype must be one of {None, torch.float16, torch.bfloat16, "
                f"torch.float32, torch.float64}}, got {self.acc_dtype!r}. Pass "
                "acc_dtype=None to let the op pick automatically."
            )

    @staticmethod
    def _chunk_size(batches: int, features: int, classes: int, method: str) -> int:
        """Return the rows of a part whose logits take as much memory as the whole input."""
        factor = int(method.partition(":")[2] or 1)
        wanted = -(-batches // -(-classes // features))
        return min((1 << (wanted - 1).bit_length()) // factor, batches)

    def _adjust(
        self, num_batches: int, in_features: int, num_classes: int, dtype: DType, device: Any = None
    ) -> LinearCrossEntropyOptions:
        """Return the options with everything decided for one call.

        Raises:
            ValueError: the size and the method disagree.
        """
        on_cpu = device is not None and device.type == "cpu" and dtype in dtypes.HALVES
        policy, method = _AUTO_ON_CPU if on_cpu else _AUTO
        if self.acc_policy != "auto":
            policy = self.acc_policy
        given = self.batch_chunk_size
        chosen: str | None = method
        if self.chunking_method != "auto":
            chosen = self.chunking_method
        elif given is not None:
            chosen = None
        size = num_batches if given is None else min(given, num_batches)
        if chosen is not None:
            size = self._chunk_size(num_batches, in_features, num_classes, chosen)
            if given is not None and given != size:
                raise ValueError(
                    f"batch_chunk_size (={given}) and chunking_method ('{chosen}') give different "
                    f"chunk sizes ({given} vs {size}); pass only one."
                )
        acc_dtype = self.acc_dtype
        if acc_dtype is None:
            accumulates_wider = (
                self.acc_policy == "auto" and device is not None and dtype in dtypes.HALVES
            )
            acc_dtype = dtypes.float32 if accumulates_wider else dtype
        return dataclasses.replace(
            self,
            acc_policy=policy,
            chunking_method=chosen,
            batch_chunk_size=max(1, size),
            acc_dtype=acc_dtype,
        )
