"""The geometric distribution."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ..nn.functional import binary_cross_entropy_with_logits
from . import constraints
from ._parameters import Odds, batch_shape_of, check_one_is_given, settled
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["Geometric"]


class Geometric(Odds, Distribution):
    """Geometric distribution: failures before the first success, ``P(k) = (1 - p)^k p``.

    ``Tensor.geometric_`` counts the success too.

    Args:
        probs: probability of success, above 0, a number or a tensor.
        logits: log-odds of success, in place of ``probs``.
        validate_args: whether to check parameters and values.
    Raises:
        ValueError: both or none of ``probs`` and ``logits`` are given; a probability is 0.
    """

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}
    support: Any = constraints.nonnegative_integer

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        check_one_is_given(probs, logits)
        given: Any = probs if probs is not None else logits
        (parameter,) = broadcast_all(given)
        if probs is not None:
            self.probs = parameter
        else:
            self.logits = parameter
        super().__init__(batch_shape_of(parameter, given), validate_args=validate_args)
        if self._validate_args and probs is not None:
            self._check_above_zero(parameter)

    def _check_above_zero(self, value: Tensor) -> None:
        above = value > 0
        if above.all():
            return
        raise ValueError(
            f"Expected parameter probs ({type(value).__name__} of shape {tuple(value.shape)}) "
            f"of distribution {self!r} to be positive but found invalid values:\n"
            f"{value.data[~above]}"
        )

    def expand(self, batch_shape: Any, _instance: Any = None) -> Geometric:
        """Return the distribution with a larger batch shape."""
        new: Any = self._get_checked_instance(Geometric, _instance)
        batch_shape = torch.Size(batch_shape)
        for name in ("probs", "logits"):
            if name in self.__dict__:
                setattr(new, name, self.__dict__[name].expand(batch_shape))
        return settled(self, Geometric, new, batch_shape)

    @property
    def mean(self) -> Tensor:
        """Failures for one success."""
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        """0."""
        return torch.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        """Variance of a draw."""
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw quantiles of uniform probabilities."""
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            tiny = torch.finfo(self.probs.dtype).tiny
            uniform = self.probs.new(shape).uniform_(tiny, 1)
            return (uniform.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the probability."""
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        probs = probs.clone(memory_format=torch.contiguous_format)
        # No failure of probability 0: without this, 0 times minus infinity.
        probs[(probs == 1) & (value == 0)] = 0
        return value * (-probs).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        """Return the entropy, in nats: that of one trial, for each trial until success."""
        trial = binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")
        return trial / self.probs
