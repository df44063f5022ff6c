"""The Weibull distribution."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from .exponential import Exponential
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform, Transform
from .utils import broadcast_all, euler_constant

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """Weibull distribution: ``scale * E^(1 / concentration)``, for a standard exponential ``E``.

    Args:
        scale, concentration: positive numbers.
        validate_args: check parameters and values.
    """

    arg_constraints: Any = {
        "scale": constraints.positive,
        "concentration": constraints.positive,
    }
    support: Any = constraints.positive

    def __init__(
        self,
        scale: Tensor | float,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        transforms = self._own_transforms()
        exponential = Exponential(torch.ones_like(self.scale), validate_args=validate_args)
        super().__init__(exponential, transforms, validate_args=validate_args)

    def _own_transforms(self) -> list[Transform]:
        self.concentration_reciprocal = self.concentration.reciprocal()
        return [
            PowerTransform(exponent=self.concentration_reciprocal),
            AffineTransform(loc=0, scale=self.scale),
        ]

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Weibull, _instance)
        new.scale = self.scale.expand(batch_shape)
        new.concentration = self.concentration.expand(batch_shape)
        transforms = Weibull._own_transforms(new)
        base = self.base_dist.expand(batch_shape)
        super(Weibull, new).__init__(base, transforms, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def mean(self) -> Tensor:
        return self.scale * torch.exp(torch.lgamma(1 + self.concentration_reciprocal))

    @property
    def mode(self) -> Tensor:
        concentration = self.concentration
        return self.scale * ((concentration - 1) / concentration) ** concentration.reciprocal()

    @property
    def variance(self) -> Tensor:
        reciprocal = self.concentration_reciprocal
        second = torch.exp(torch.lgamma(1 + 2 * reciprocal))
        squared_first = torch.exp(2 * torch.lgamma(1 + reciprocal))
        return self.scale.pow(2) * (second - squared_first)

    def entropy(self) -> Tensor:
        reciprocal = self.concentration_reciprocal
        return euler_constant * (1 - reciprocal) + torch.log(self.scale * reciprocal) + 1
