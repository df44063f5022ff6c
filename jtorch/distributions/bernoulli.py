"""The Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ..nn.functional import binary_cross_entropy_with_logits
from . import constraints
from ._parameters import OddsGiven, batch_shape_of, check_one_is_given, expanded
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Bernoulli"]


class Bernoulli(OddsGiven, ExponentialFamily):
    """Bernoulli distribution on {0, 1}: ``P(1) = probs``, ``P(0) = 1 - probs``.

    Args:
        probs: probability of 1, a number or a tensor.
        logits: log-odds of 1, in place of ``probs``.
        validate_args: whether to check parameters and values.
    Raises:
        ValueError: both or none of ``probs`` and ``logits`` are given.
    """

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}
    support: Any = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure: Any = 0

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        check_one_is_given(probs, logits)
        given: Any = probs if probs is not None else logits
        (self._param,) = broadcast_all(given)
        if probs is not None:
            self.probs = self._param
        else:
            self.logits = self._param
        super().__init__(batch_shape_of(self._param, given), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Bernoulli:
        """Return the distribution with a larger batch shape."""
        return expanded(self, Bernoulli, batch_shape, _instance, optional=("probs", "logits"))

    @property
    def mean(self) -> Tensor:
        """``probs``."""
        return self.probs

    @property
    def mode(self) -> Tensor:
        """The likelier value; NaN where both are equally likely."""
        mode = (self.probs >= 0.5).to(self.probs)
        mode[self.probs == 0.5] = math.nan
        return mode

    @property
    def variance(self) -> Tensor:
        """Product of the two probabilities."""
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw zeros and ones, in the dtype of the parameter."""
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.bernoulli(self.probs.expand(shape))

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the probability."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        """Return the entropy, in nats."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return 0 and 1, along a new first dimension."""
        values = torch.arange(2, dtype=self._param.dtype, device=self._param.device)
        values = values.view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + self._batch_shape) if expand else values

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (torch.logit(self.probs),)

    def _log_normalizer(self, x: Any) -> Tensor:  # type: ignore[override]
        return torch.log1p(torch.exp(x))
