"""The inverse gamma distribution."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from .gamma import Gamma
from .transformed_distribution import TransformedDistribution
from .transforms import PowerTransform

__all__ = ["InverseGamma"]


class InverseGamma(TransformedDistribution):
    """Inverse gamma distribution: ``1 / X``, where ``X`` is gamma distributed.

    Args:
        concentration, rate: those of ``X``.
        validate_args: check parameters and values.
    """

    arg_constraints: Any = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    support: Any = constraints.positive
    has_rsample: Any = True

    def __init__(
        self,
        concentration: Tensor | float,
        rate: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        gamma = Gamma(concentration, rate, validate_args=validate_args)
        reciprocal = PowerTransform(-gamma.rate.new_ones(()))
        super().__init__(gamma, reciprocal, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(InverseGamma, _instance)
        return super().expand(batch_shape, _instance=new)

    @property
    def concentration(self) -> Tensor:
        """The concentration of the reciprocal."""
        return self.base_dist.concentration

    @property
    def rate(self) -> Tensor:
        """The rate of the reciprocal."""
        return self.base_dist.rate

    @property
    def mean(self) -> Tensor:
        """The expected value, infinite for concentrations up to 1."""
        result = self.rate / (self.concentration - 1)
        return torch.where(self.concentration > 1, result, math.inf)

    @property
    def mode(self) -> Tensor:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Tensor:
        """The variance, infinite for concentrations up to 2."""
        alpha = self.concentration
        result = self.rate.square() / ((alpha - 1).square() * (alpha - 2))
        return torch.where(alpha > 2, result, math.inf)

    def entropy(self) -> Tensor:
        alpha = self.concentration
        return alpha + self.rate.log() + alpha.lgamma() - (1 + alpha) * alpha.digamma()
