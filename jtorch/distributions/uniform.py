"""The uniform distribution over an interval."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import batch_shape_of, expanded
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["Uniform"]


class Uniform(Distribution):
    """Uniform distribution on ``[low, high)``: density ``1 / (high - low)``.

    Args:
        low, high: ends of the interval, numbers or tensors that broadcast together.
        validate_args: whether to check parameters and values.
    """

    low: Tensor
    high: Tensor
    has_rsample = True

    def __init__(
        self, low: Tensor | float, high: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self.low, self.high = broadcast_all(low, high)
        super().__init__(batch_shape_of(self.low, low, high), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Uniform:
        """Return the distribution with a larger batch shape."""
        return expanded(self, Uniform, batch_shape, _instance, ("low", "high"))

    @property
    def arg_constraints(self) -> dict[str, Any]:
        """That ``low`` lies below ``high``."""
        return {
            "low": constraints.less_than(self.high),
            "high": constraints.greater_than(self.low),
        }

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """The interval, both ends included."""
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Tensor:
        """Middle of the interval."""
        return (self.high + self.low) / 2

    @property
    def mode(self) -> Tensor:
        """NaN: there is none."""
        return math.nan * self.high

    @property
    def stddev(self) -> Tensor:
        """Length of the interval over the root of 12."""
        return (self.high - self.low) / 12**0.5

    @property
    def variance(self) -> Tensor:
        """A twelfth of the length's square."""
        return (self.high - self.low).pow(2) / 12

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw numbers from [0, 1), and shift and scale them."""
        low = self.low
        shape = self._extended_shape(sample_shape)
        return low + torch.rand(shape, dtype=low.dtype, device=low.device) * (self.high - low)

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        above = self.low.le(value).type_as(self.low)
        below = self.high.gt(value).type_as(self.low)
        return torch.log(above.mul(below)) - torch.log(self.high - self.low)

    def cdf(self, value: Any) -> Tensor:
        """Return the probability of numbers up to ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value: Any) -> Tensor:
        """Return the quantile of a probability."""
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        return torch.log(self.high - self.low)
