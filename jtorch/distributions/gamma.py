"""The gamma distribution."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import batch_shape_of, expanded
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Gamma"]


def _standard_gamma(concentration: Tensor) -> Tensor:
    return torch._standard_gamma(concentration)


class Gamma(ExponentialFamily):
    """Gamma distribution: density proportional to ``x^(concentration - 1) exp(-rate x)``.

    Args:
        concentration: shape parameter, a number or a tensor.
        rate: reciprocal of the scale, a number or a tensor that broadcasts with ``concentration``.
        validate_args: whether to check parameters and values.
    """

    concentration: Tensor
    rate: Tensor
    arg_constraints: Any = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    support: Any = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure: Any = 0

    def __init__(
        self,
        concentration: Tensor | float,
        rate: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        batch_shape = batch_shape_of(self.concentration, concentration, rate)
        super().__init__(batch_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """Return the distribution with a larger batch shape."""
        return expanded(self, Gamma, batch_shape, _instance, ("concentration", "rate"))

    @property
    def mean(self) -> Tensor:
        """Concentration over rate."""
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        """Where the density is largest; 0 for a concentration below 1."""
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        """Concentration over the square of the rate."""
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw numbers of rate 1, and divide them by the rate."""
        shape = self._extended_shape(sample_shape)
        value = _standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        # Kept above zero behind the back of the gradient.
        value.detach().clamp_(min=torch.finfo(value.dtype).tiny)
        return value

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        value = torch.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        if self._validate_args:
            self._validate_sample(value)
        powers = torch.xlogy(self.concentration, self.rate)
        powers = powers + torch.xlogy(self.concentration - 1, value)
        return powers - self.rate * value - torch.lgamma(self.concentration)

    def cdf(self, value: Any) -> Tensor:
        """Return the probability of numbers up to ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return torch.special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        concentration = self.concentration
        start = concentration - torch.log(self.rate) + torch.lgamma(concentration)
        return start + (1.0 - concentration) * torch.digamma(concentration)

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x: Any, y: Any) -> Tensor:  # type: ignore[override]
        return torch.lgamma(x + 1) + (x + 1) * torch.log(-y.reciprocal())
