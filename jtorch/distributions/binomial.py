"""The binomial distribution."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import OddsGiven, check_one_is_given, expanded
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["Binomial"]


def _clamp_by_zero(x: Any) -> Tensor:
    """Return the positive part, with a gradient of 1/2 at 0."""
    return (x.clamp(min=0) + x - x.clamp(max=0)) / 2


class Binomial(OddsGiven, Distribution):
    """Binomial distribution: the number of successes in ``total_count`` independent trials.

    Args:
        total_count: number of trials, a number or a tensor that broadcasts with the other
            parameter.
        probs: tensor of probabilities of success.
        logits: tensor of log-odds of success, in place of ``probs``.
        validate_args: whether to check parameters and values.
    Raises:
        ValueError: both or none of ``probs`` and ``logits`` are given.
    """

    arg_constraints: Any = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True
    total_count: Tensor

    def __init__(
        self,
        total_count: Tensor | int = 1,
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

    def expand(self, batch_shape: Any, _instance: Any = None) -> Binomial:
        """Return the distribution with a larger batch shape."""
        names = ("probs", "logits")
        return expanded(self, Binomial, batch_shape, _instance, ("total_count",), names)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """The numbers 0 to ``total_count``."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        """Trials times probability."""
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        """The likeliest number."""
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        """Variance of a draw."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw numbers of successes, in the dtype of the parameter."""
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the probability."""
        if self._validate_args:
            self._validate_sample(value)
        count, logits = self.total_count, self.logits
        log_factorial_of_all = torch.lgamma(count + 1)
        log_factorial_of_value = torch.lgamma(value + 1)
        log_factorial_of_rest = torch.lgamma(count - value + 1)
        # The logarithm of 1 - p is -max(logit, 0) - log(1 + exp(-|logit|)), for either sign.
        constant = (
            count * _clamp_by_zero(logits)
            + count * torch.log1p(torch.exp(-torch.abs(logits)))
            - log_factorial_of_all
        )
        return value * logits - log_factorial_of_value - log_factorial_of_rest - constant

    def _one_count(self, asked: str) -> int:
        """Return the number of trials, which has to be the same everywhere."""
        total_count = int(self.total_count.max())
        if not self.total_count.min() == total_count:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{asked}`.")
        return total_count

    def entropy(self) -> Tensor:
        """Return the entropy, in nats.

        Raises:
            NotImplementedError: the numbers of trials differ.
        """
        self._one_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(torch.exp(log_prob) * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return the numbers 0 to ``total_count``, along a new first dimension.

        Raises:
            NotImplementedError: the numbers of trials differ.
        """
        end = 1 + self._one_count("enumerate_support")
        values = torch.arange(end, dtype=self._param.dtype, device=self._param.device)
        values = values.view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + self._batch_shape) if expand else values
