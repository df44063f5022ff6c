"""The multinomial distribution."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import settled
from .binomial import Binomial
from .categorical import Categorical
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """Multinomial distribution: how often each category occurs in a number of trials.

    Args:
        total_count: number of trials; only draws and the moments need it.
        probs: tensor of shape ``batch_shape + (k,)``, not negative; divided by its sums.
        logits: logarithms of probabilities, up to a constant, in place of ``probs``.
        validate_args: whether to check parameters and values.
    Raises:
        NotImplementedError: ``total_count`` is not an ``int``.
    """

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}
    total_count: int

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        self._binomial = Binomial(total_count=total_count, probs=self.probs)
        event_shape = self._categorical.param_shape[-1:]
        super().__init__(self._categorical.batch_shape, event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Multinomial:
        """Return the distribution with a larger batch shape."""
        new: Any = self._get_checked_instance(Multinomial, _instance)
        batch_shape = torch.Size(batch_shape)
        new.total_count = self.total_count
        new._categorical = self._categorical.expand(batch_shape)
        return settled(self, Multinomial, new, batch_shape, self.event_shape)

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._categorical._new(*args, **kwargs)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Vectors of counts that sum to ``total_count`` at most."""
        return constraints.multinomial(self.total_count)

    @property
    def logits(self) -> Tensor:
        """Logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def probs(self) -> Tensor:
        """Probabilities, of sum 1."""
        return self._categorical.probs

    @property
    def param_shape(self) -> Any:
        """Shape of the parameter that was given."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        """Trials times probabilities."""
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        """Variance of each count."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw every trial's category, and count them."""
        sample_shape = torch.Size(sample_shape)
        trials = self._categorical.sample(torch.Size((self.total_count,)) + sample_shape)
        trials = trials.permute(*range(1, trials.dim()), 0)
        counts = trials.new(self._extended_shape(sample_shape)).zero_()
        counts.scatter_add_(-1, trials, torch.ones_like(trials))
        return counts.type_as(self.probs)

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the probability."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        logits = logits.clone(memory_format=torch.contiguous_format)
        log_factorial_of_sum = torch.lgamma(value.sum(-1) + 1)
        log_factorials = torch.lgamma(value + 1).sum(-1)
        # What cannot happen and did not happen takes nothing from the probability.
        logits[(value == 0) & (logits == -math.inf)] = 0
        return log_factorial_of_sum - log_factorials + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        """Return the entropy, in nats."""
        count = torch.tensor(self.total_count)
        ordered = count * self._categorical.entropy() - torch.lgamma(count + 1)
        counts = self._binomial.enumerate_support(expand=False)[1:]
        probabilities = torch.exp(self._binomial.log_prob(counts))
        return ordered + (probabilities * torch.lgamma(counts + 1)).sum([0, -1])
