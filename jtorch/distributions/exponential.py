"""The exponential distribution."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import batch_shape_of, expanded
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Exponential"]


class Exponential(ExponentialFamily):
    """Exponential distribution on [0, inf): density ``rate * exp(-rate * x)``.

    Args:
        rate: reciprocal of the mean, a number or a tensor.
        validate_args: whether to check parameters and values.
    """

    rate: Tensor
    arg_constraints: Any = {"rate": constraints.positive}
    support: Any = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure: Any = 0

    def __init__(self, rate: Tensor | float, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(batch_shape_of(self.rate, rate), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Exponential:
        """Return the distribution with a larger batch shape."""
        return expanded(self, Exponential, batch_shape, _instance, ("rate",))

    @property
    def mean(self) -> Tensor:
        """Reciprocal of ``rate``."""
        return self.rate.reciprocal()

    @property
    def mode(self) -> Tensor:
        """0."""
        return torch.zeros_like(self.rate)

    @property
    def stddev(self) -> Tensor:
        """Reciprocal of ``rate``."""
        return self.rate.reciprocal()

    @property
    def variance(self) -> Tensor:
        """Reciprocal of the square of ``rate``."""
        return self.rate.pow(-2)

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw numbers of rate 1, and divide them by the rate."""
        return self.rate.new(self._extended_shape(sample_shape)).exponential_() / self.rate

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value: Any) -> Tensor:
        """Return the probability of numbers up to ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return 1 - torch.exp(-self.rate * value)

    def icdf(self, value: Any) -> Tensor:
        """Return the quantile of a probability."""
        return -torch.log1p(-value) / self.rate

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        return 1.0 - torch.log(self.rate)

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (-self.rate,)

    def _log_normalizer(self, x: Any) -> Tensor:  # type: ignore[override]
        return -torch.log(-x)
