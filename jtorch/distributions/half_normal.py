"""The half-normal distribution."""

from __future__ import annotations

import math
from typing import Any

from .._tensor.tensor import Tensor
from ._halved import Halved
from .normal import Normal
from .transforms import AbsTransform

__all__ = ["HalfNormal"]


class HalfNormal(Halved):
    """Half-normal distribution: ``|X|``, where ``X`` is normal with mean 0.

    Args:
        scale: standard deviation of ``X``.
        validate_args: check parameters and values.
    """

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        normal = Normal(0, scale, validate_args=False)
        super().__init__(normal, AbsTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(HalfNormal, _instance)
        return super().expand(batch_shape, _instance=new)

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale.pow(2) * (1 - 2 / math.pi)
