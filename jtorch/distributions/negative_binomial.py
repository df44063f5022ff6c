"""The negative binomial distribution."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ..nn import functional as F
from . import constraints
from ._parameters import OddsGiven, check_one_is_given, expanded
from .distribution import Distribution
from .gamma import Gamma
from .utils import broadcast_all, lazy_property

__all__ = ["NegativeBinomial"]


class NegativeBinomial(OddsGiven, Distribution):
    """Negative binomial distribution: successes before ``total_count`` failures are reached.

    Args:
        total_count: number of failures, also a fraction; a number or a tensor that broadcasts
            with the other parameter.
        probs: tensor of probabilities of success, below 1.
        logits: tensor of log-odds of success, in place of ``probs``.
        validate_args: whether to check parameters and values.
    Raises:
        ValueError: both or none of ``probs`` and ``logits`` are given.
    """

    arg_constraints: Any = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support: Any = constraints.nonnegative_integer
    total_count: Tensor

    def __init__(
        self,
        total_count: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        check_one_is_given(probs, logits)
        given: Any = probs if probs is not None else logits
        self.total_count, self._param = broadcast_all(total_count, given)
        if probs is not None:
            self.probs = self._param
        else:
            self.logits = self._param
        self.total_count = self.total_count.type_as(self._param)
        super().__init__(self._param.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> NegativeBinomial:
        """Return the distribution with a larger batch shape."""
        names = ("probs", "logits")
        return expanded(self, NegativeBinomial, batch_shape, _instance, ("total_count",), names)

    @property
    def mean(self) -> Tensor:
        """Failures times odds of success."""
        return self.total_count * torch.exp(self.logits)

    @property
    def mode(self) -> Tensor:
        """The likeliest number."""
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        """Mean over the probability of failure."""
        return self.mean / torch.sigmoid(-self.logits)

    @lazy_property
    def _gamma(self) -> Gamma:
        # Unchecked: no failures, a concentration of 0, are allowed here.
        rate = torch.exp(-self.logits)
        return Gamma(concentration=self.total_count, rate=rate, validate_args=False)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw Poisson numbers of gamma rates."""
        with torch.no_grad():
            return torch.poisson(self._gamma.sample(sample_shape=sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the probability."""
        if self._validate_args:
            self._validate_sample(value)
        count, logits = self.total_count, self.logits
        powers = count * F.logsigmoid(-logits) + value * F.logsigmoid(logits)
        constant = -torch.lgamma(count + value) + torch.lgamma(1.0 + value) + torch.lgamma(count)
        # Before no failures at all come no successes; the gamma function has a pole there.
        return powers - constant.masked_fill(count + value == 0.0, 0.0)
