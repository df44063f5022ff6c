"""The Poisson distribution."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import batch_shape_of, expanded
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """Poisson distribution of counts: ``P(k) = rate^k exp(-rate) / k!``.

    Args:
        rate: mean, not negative, a number or a tensor.
        validate_args: whether to check parameters and values.
    """

    rate: Tensor
    arg_constraints: Any = {"rate": constraints.nonnegative}
    support: Any = constraints.nonnegative_integer

    def __init__(self, rate: Tensor | float, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(batch_shape_of(self.rate, rate), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Poisson:
        """Return the distribution with a larger batch shape."""
        return expanded(self, Poisson, batch_shape, _instance, ("rate",))

    @property
    def mean(self) -> Tensor:
        """``rate``."""
        return self.rate

    @property
    def mode(self) -> Tensor:
        """The likeliest number."""
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        """``rate``."""
        return self.rate

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw counts, in the dtype of ``rate``."""
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.poisson(self.rate.expand(shape))

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the probability."""
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return value.xlogy(rate) - rate - (value + 1).lgamma()

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (torch.log(self.rate),)

    def _log_normalizer(self, x: Any) -> Tensor:  # type: ignore[override]
        return torch.exp(x)
