"""Categorical distributions over one-hot vectors."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import settled
from .categorical import Categorical
from .distribution import Distribution

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(Distribution):
    """Categorical distribution whose draws are vectors of a single 1.

    Args:
        probs: tensor of shape ``batch_shape + (k,)``, not negative; divided by its sums.
        logits: logarithms of probabilities, up to a constant, in place of ``probs``.
        validate_args: whether to check parameters and values.
    """

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support: Any = constraints.one_hot
    has_enumerate_support = True

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._categorical = Categorical(probs, logits)
        event_shape = self._categorical.param_shape[-1:]
        super().__init__(self._categorical.batch_shape, event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> OneHotCategorical:
        """Return the distribution with a larger batch shape."""
        new: Any = self._get_checked_instance(OneHotCategorical, _instance)
        batch_shape = torch.Size(batch_shape)
        new._categorical = self._categorical.expand(batch_shape)
        return settled(self, OneHotCategorical, new, batch_shape, self.event_shape)

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._categorical._new(*args, **kwargs)

    @property
    def _param(self) -> Tensor:
        return self._categorical._param

    @property
    def probs(self) -> Tensor:
        """Probabilities, of sum 1."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Any:
        """Shape of the parameter that was given."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        """``probs``."""
        return self._categorical.probs

    @property
    def mode(self) -> Tensor:
        """The likeliest vector."""
        probs = self._categorical.probs
        likeliest = probs.argmax(dim=-1)
        return torch.nn.functional.one_hot(likeliest, num_classes=probs.shape[-1]).to(probs)

    @property
    def variance(self) -> Tensor:
        """Variance of each element."""
        return self._categorical.probs * (1 - self._categorical.probs)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw vectors, in the dtype of the probabilities."""
        categorical = self._categorical
        probs = categorical.probs
        indices = categorical.sample(torch.Size(sample_shape))
        return torch.nn.functional.one_hot(indices, categorical._num_events).to(probs)

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the probability."""
        if self._validate_args:
            self._validate_sample(value)
        return self._categorical.log_prob(value.max(-1)[1])

    def entropy(self) -> Tensor:
        """Return the entropy, in nats."""
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return every vector, along a new first dimension."""
        n = self.event_shape[0]
        values = torch.eye(n, dtype=self._param.dtype, device=self._param.device)
        values = values.view((n,) + (1,) * len(self.batch_shape) + (n,))
        return values.expand((n,) + self.batch_shape + (n,)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """One-hot distribution whose draws pass gradients on as if they were the probabilities.

    Bengio, Léonard and Courville: *Estimating or propagating gradients through stochastic neurons
    for conditional computation*, 2013.
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw vectors with the gradient of the probabilities."""
        drawn = self.sample(sample_shape)
        probs = self._categorical.probs
        return drawn + (probs - probs.detach())
