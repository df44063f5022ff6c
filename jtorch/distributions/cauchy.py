"""The Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import batch_shape_of, expanded
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["Cauchy"]


class Cauchy(Distribution):
    """Cauchy (Lorentz) distribution: density ``1 / (pi scale (1 + ((x - loc) / scale)^2))``.

    Args:
        loc: median and mode, a number or a tensor.
        scale: half of the width at half of the height, a number or a tensor that broadcasts with
            ``loc``.
        validate_args: whether to check parameters and values.
    """

    loc: Tensor
    scale: Tensor
    arg_constraints: Any = {"loc": constraints.real, "scale": constraints.positive}
    support: Any = constraints.real
    has_rsample = True

    def __init__(
        self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(batch_shape_of(self.loc, loc, scale), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Cauchy:
        """Return the distribution with a larger batch shape."""
        return expanded(self, Cauchy, batch_shape, _instance, ("loc", "scale"))

    def _filled(self, number: float) -> Tensor:
        shape = self._extended_shape()
        return torch.full(shape, number, dtype=self.loc.dtype, device=self.loc.device)

    @property
    def mean(self) -> Tensor:
        """NaN: the integral has no value."""
        return self._filled(math.nan)

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Infinity."""
        return self._filled(math.inf)

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw standard Cauchy numbers, and shift and scale them."""
        noise = self.loc.new(self._extended_shape(sample_shape)).cauchy_()
        return self.loc + noise * self.scale

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        constant = -math.log(math.pi) - self.scale.log()
        return constant - (((value - self.loc) / self.scale) ** 2).log1p()

    def cdf(self, value: Any) -> Tensor:
        """Return the probability of numbers up to ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return torch.atan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value: Any) -> Tensor:
        """Return the quantile of a probability."""
        return torch.tan(math.pi * (value - 0.5)) * self.scale + self.loc

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        return math.log(4 * math.pi) + self.scale.log()
