"""The Laplace distribution."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import batch_shape_of, expanded
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["Laplace"]


class Laplace(Distribution):
    """Laplace (double exponential) distribution: density ``exp(-|x - loc| / scale) / (2 scale)``.

    Args:
        loc: mean, a number or a tensor.
        scale: mean distance from ``loc``, a number or a tensor that broadcasts with it.
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

    def expand(self, batch_shape: Any, _instance: Any = None) -> Laplace:
        """Return the distribution with a larger batch shape."""
        return expanded(self, Laplace, batch_shape, _instance, ("loc", "scale"))

    @property
    def mean(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Twice the square of ``scale``."""
        return 2 * self.scale.pow(2)

    @property
    def stddev(self) -> Tensor:
        """``scale`` times the root of 2."""
        return (2**0.5) * self.scale

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw from (-1, 1): the sign is the number's, the rest gives its distance."""
        shape = self._extended_shape(sample_shape)
        # An end of exactly -1 would be infinitely far away.
        start = torch.finfo(self.loc.dtype).eps - 1
        uniform = self.loc.new(shape).uniform_(start, 1)
        return self.loc - self.scale * uniform.sign() * torch.log1p(-uniform.abs())

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        return -torch.log(2 * self.scale) - torch.abs(value - self.loc) / self.scale

    def cdf(self, value: Any) -> Tensor:
        """Return the probability of numbers up to ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        half = 0.5 * (value - self.loc).sign()
        return 0.5 - half * torch.expm1(-(value - self.loc).abs() / self.scale)

    def icdf(self, value: Any) -> Tensor:
        """Return the quantile of a probability."""
        offset = value - 0.5
        return self.loc - self.scale * offset.sign() * torch.log1p(-2 * offset.abs())

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        return 1 + torch.log(2 * self.scale)
