"""The Kumaraswamy distribution."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .uniform import Uniform
from .utils import broadcast_all, euler_constant

__all__ = ["Kumaraswamy"]


class Kumaraswamy(TransformedDistribution):
    """Kumaraswamy distribution on [0, 1]: density ``a b x^(a - 1) (1 - x^a)^(b - 1)``.

    It resembles the beta distribution with the same parameters.

    Args:
        concentration1, concentration0: positive numbers, often called alpha and beta.
        validate_args: check parameters and values.
    """

    arg_constraints: Any = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support: Any = constraints.unit_interval
    has_rsample: Any = True

    def __init__(
        self,
        concentration1: Tensor | float,
        concentration0: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        uniform = Uniform(
            torch.full_like(self.concentration0, 0),
            torch.full_like(self.concentration0, 1),
            validate_args=validate_args,
        )
        transforms = [
            PowerTransform(exponent=self.concentration0.reciprocal()),
            AffineTransform(loc=1.0, scale=-1.0),
            PowerTransform(exponent=self.concentration1.reciprocal()),
        ]
        super().__init__(uniform, transforms, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Kumaraswamy, _instance)
        new.concentration1 = self.concentration1.expand(batch_shape)
        new.concentration0 = self.concentration0.expand(batch_shape)
        return super().expand(batch_shape, _instance=new)

    def _moment(self, order: int) -> Tensor:
        beta = self.concentration0
        first = 1 + order / self.concentration1
        log_value = torch.lgamma(first) + torch.lgamma(beta) - torch.lgamma(first + beta)
        return beta * torch.exp(log_value)

    @property
    def mean(self) -> Tensor:
        return self._moment(1)

    @property
    def mode(self) -> Tensor:
        """The most probable value; NaN where a concentration is below 1."""
        alpha, beta = self.concentration1, self.concentration0
        log_mode = beta.reciprocal() * (-beta).log1p() - (-beta * alpha).log1p()
        log_mode[(beta < 1) | (alpha < 1)] = math.nan
        return log_mode.exp()

    @property
    def variance(self) -> Tensor:
        return self._moment(2) - torch.pow(self.mean, 2)

    def entropy(self) -> Tensor:
        alpha, beta = self.concentration1, self.concentration0
        of_alpha = 1 - alpha.reciprocal()
        of_beta = 1 - beta.reciprocal()
        harmonic = torch.digamma(beta + 1) + euler_constant
        return of_beta + of_alpha * harmonic - torch.log(alpha) - torch.log(beta)
