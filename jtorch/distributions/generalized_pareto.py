"""The generalised Pareto distribution."""

from __future__ import annotations

import math
from numbers import Number
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import expanded
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """Generalised Pareto distribution: tails from bounded over exponential to those of powers.

    Args:
        loc: where the support begins.
        scale: factor of the distance from there.
        concentration: shape; 0 for an exponential tail, negative for a bounded support. All three
            are numbers or tensors that broadcast together.
        validate_args: whether to check parameters and values.
    """

    loc: Tensor
    scale: Tensor
    concentration: Tensor
    arg_constraints: Any = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True

    def __init__(
        self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None
    ) -> None:
        given = (loc, scale, concentration)
        self.loc, self.scale, self.concentration = broadcast_all(*given)
        only_numbers = all(isinstance(argument, Number) for argument in given)
        batch_shape = torch.Size() if only_numbers else self.loc.size()
        super().__init__(batch_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> GeneralizedPareto:
        """Return the distribution with a larger batch shape."""
        names = ("loc", "scale", "concentration")
        return expanded(self, GeneralizedPareto, batch_shape, _instance, names)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """From ``loc`` on, up to an end where the concentration is negative."""
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, torch.where(self.concentration < 0, end, math.inf))

    @property
    def mean(self) -> Tensor:
        """NaN for concentrations from 1 on."""
        finite = self.concentration < 1
        concentration = torch.where(finite, self.concentration, 0.5)
        return torch.where(finite, self.loc + self.scale / (1 - concentration), math.nan)

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """NaN for concentrations from 1/2 on."""
        finite = self.concentration < 0.5
        concentration = torch.where(finite, self.concentration, 0.25)
        divisor = (1 - concentration) ** 2 * (1 - 2 * concentration)
        return torch.where(finite, self.scale**2 / divisor, math.nan)

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw quantiles of uniform probabilities."""
        shape = self._extended_shape(sample_shape)
        return self.icdf(torch.rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def _z(self, x: Any) -> Tensor:
        return (x - self.loc) / self.scale

    def _without_zero(self, zero: Tensor) -> tuple[Tensor, Tensor]:
        """Return where the concentration is 0, and the concentration with 1 in those places."""
        concentration = self.concentration
        is_zero = torch.isclose(concentration, zero)
        return is_zero, torch.where(is_zero, torch.ones_like(concentration), concentration)

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        is_zero, concentration = self._without_zero(torch.tensor(0.0))
        power = 1 / concentration + torch.ones_like(z)
        otherwise = torch.where(power == 0, power, power * torch.log1p(concentration * z))
        return -self.scale.log() - torch.where(is_zero, z, otherwise)

    def log_survival_function(self, value: Any) -> Tensor:
        """Return the logarithm of the probability of numbers above ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        is_zero, concentration = self._without_zero(torch.tensor(0.0))
        otherwise = -torch.log1p(concentration * z) / concentration
        return torch.where(is_zero, -z, otherwise)

    def log_cdf(self, value: Any) -> Tensor:
        """Return the logarithm of the probability of numbers up to ``value``."""
        return torch.log1p(-torch.exp(self.log_survival_function(value)))

    def cdf(self, value: Any) -> Tensor:
        """Return the probability of numbers up to ``value``."""
        return torch.exp(self.log_cdf(value))

    def icdf(self, value: Any) -> Tensor:
        """Return the quantile of a probability."""
        loc, scale = self.loc, self.scale
        is_zero, concentration = self._without_zero(torch.zeros_like(self.concentration))
        log_rest = torch.log1p(-value)
        otherwise = loc + scale / concentration * torch.expm1(-concentration * log_rest)
        return torch.where(is_zero, loc - scale * log_rest, otherwise)

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        entropy = torch.log(self.scale) + self.concentration + 1
        return torch.broadcast_to(entropy, self._batch_shape)
