"""The normal distribution."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import batch_shape_of, expanded
from .exp_family import ExponentialFamily
from .utils import _standard_normal, broadcast_all

__all__ = ["Normal"]


class Normal(ExponentialFamily):
    """Normal (Gaussian) distribution with mean ``loc`` and standard deviation ``scale``.

    Args:
        loc: mean, a number or a tensor.
        scale: standard deviation, a number or a tensor that broadcasts with ``loc``.
        validate_args: whether to check parameters and values.
    """

    loc: Tensor
    scale: Tensor
    arg_constraints: Any = {"loc": constraints.real, "scale": constraints.positive}
    support: Any = constraints.real
    has_rsample = True
    _mean_carrier_measure: Any = 0

    def __init__(
        self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(batch_shape_of(self.loc, loc, scale), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Normal:
        """Return the distribution with a larger batch shape."""
        return expanded(self, Normal, batch_shape, _instance, ("loc", "scale"))

    @property
    def mean(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def stddev(self) -> Tensor:
        """``scale``."""
        return self.scale

    @property
    def variance(self) -> Tensor:
        """Square of ``scale``."""
        return self.stddev.pow(2)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw numbers, without a gradient."""
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw standard normal numbers, and shift and scale them."""
        loc = self.loc
        noise = _standard_normal(
            self._extended_shape(sample_shape), dtype=loc.dtype, device=loc.device
        )
        return loc + noise * self.scale

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        variance = self.scale**2
        log_scale = self.scale.log()
        exponent = -((value - self.loc) ** 2) / (2 * variance)
        return exponent - log_scale - math.log(math.sqrt(2 * math.pi))

    def cdf(self, value: Any) -> Tensor:
        """Return the probability of numbers up to ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        distance = (value - self.loc) * self.scale.reciprocal() / math.sqrt(2)
        return 0.5 * (1 + torch.erf(distance))

    def icdf(self, value: Any) -> Tensor:
        """Return the quantile of a probability."""
        return self.loc + self.scale * torch.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + torch.log(self.scale)

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.loc / self.scale.pow(2), -0.5 * self.scale.pow(2).reciprocal()

    def _log_normalizer(self, x: Any, y: Any) -> Tensor:  # type: ignore[override]
        return -0.25 * x.pow(2) / y + 0.5 * torch.log(-math.pi / y)
