"""The half-Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ._halved import Halved
from .cauchy import Cauchy
from .transforms import AbsTransform

__all__ = ["HalfCauchy"]


class HalfCauchy(Halved):
    """Half-Cauchy distribution: ``|X|``, where ``X`` is Cauchy distributed around 0.

    Args:
        scale: half of the width of ``X`` at half of its height.
        validate_args: check parameters and values.
    """

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        cauchy = Cauchy(0, scale, validate_args=False)
        super().__init__(cauchy, AbsTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(HalfCauchy, _instance)
        return super().expand(batch_shape, _instance=new)

    @property
    def mean(self) -> Tensor:
        scale = self.scale
        return torch.full(self._extended_shape(), math.inf, dtype=scale.dtype, device=scale.device)

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def _log_prob(self, value: Any) -> Tensor:
        scale = self.scale
        value = torch.as_tensor(value, dtype=scale.dtype, device=scale.device)
        return super()._log_prob(value)
