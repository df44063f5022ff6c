"""Mixtures of distributions of one kind."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from .categorical import Categorical
from .distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """Mixture of ``K`` components of one family: density ``sum_k pi_k p_k(x)``.

    Args:
        mixture_distribution: the categorical distribution of ``k`` events, whose batch shape is
            empty or the mixture's.
        component_distribution: the distributions, along the last dimension of a batch.
        validate_args: check values.
    Raises:
        ValueError: these are no distributions, or their shapes do not fit.

    Example:
        >>> from jtorch.distributions import Categorical, MixtureSameFamily, Normal
        >>> choice = Categorical(torch.ones(2))
        >>> MixtureSameFamily(choice, Normal(torch.tensor([-1.0, 3.0]), torch.ones(2))).mean
        tensor(1.)
    """

    arg_constraints: dict[str, Any] = {}
    has_rsample = False

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an "
                " instance of torch.distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution needs to be an "
                "instance of torch.distributions.Distribution"
            )
        chosen = mixture_distribution.batch_shape
        batch_shape = component_distribution.batch_shape[:-1]
        for ours, theirs in zip(reversed(chosen), reversed(batch_shape)):
            if ours != theirs and ours != 1 and theirs != 1:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({chosen}) is not compatible with "
                    f"`component_distribution.batch_shape`({batch_shape})"
                )
        count = mixture_distribution.logits.shape[-1]
        components = component_distribution.batch_shape[-1]
        if count != components:
            raise ValueError(
                f"`mixture_distribution component` ({count}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({components})"
            )
        self._num_component = count
        event_shape = component_distribution.event_shape
        self._event_ndims = len(event_shape)
        super().__init__(batch_shape, event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        batch_shape = torch.Size(batch_shape)
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        new._component_distribution = self._component_distribution.expand(
            batch_shape + (self._num_component,)
        )
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._num_component = self._num_component
        new._event_ndims = self._event_ndims
        event_shape = new._component_distribution.event_shape
        super(MixtureSameFamily, new).__init__(batch_shape, event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """The distribution of the choice."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The distributions that are mixed."""
        return self._component_distribution

    @property
    def mean(self) -> Tensor:
        probs = self._pad_mixture_dimensions(self.mixture_distribution.probs)
        return torch.sum(probs * self.component_distribution.mean, dim=-1 - self._event_ndims)

    @property
    def variance(self) -> Tensor:
        """The mean of the variances and the variance of the means, together."""
        dim = -1 - self._event_ndims
        probs = self._pad_mixture_dimensions(self.mixture_distribution.probs)
        within = torch.sum(probs * self.component_distribution.variance, dim=dim)
        distance = self.component_distribution.mean - self._pad(self.mean)
        return within + torch.sum(probs * distance.pow(2.0), dim=dim)

    def cdf(self, x: Tensor) -> Tensor:
        below = self.component_distribution.cdf(self._pad(x))
        return torch.sum(below * self.mixture_distribution.probs, dim=-1)

    def log_prob(self, x: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(x)
        of_components = self.component_distribution.log_prob(self._pad(x))
        of_choice = torch.log_softmax(self.mixture_distribution.logits, dim=-1)
        return torch.logsumexp(of_components + of_choice, dim=-1)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw the choice, then from all distributions, and return the chosen one's."""
        with torch.no_grad():
            dim = len(sample_shape) + len(self.batch_shape)
            event_shape = self.event_shape
            choice = self.mixture_distribution.sample(sample_shape)
            shape = choice.shape
            drawn = self.component_distribution.sample(sample_shape)
            ones = [1] * (len(event_shape) + 1)
            indices = choice.reshape(torch.Size((*shape, *ones)))
            indices = indices.repeat(torch.Size((*([1] * len(shape)), 1, *event_shape)))
            return torch.gather(drawn, dim, indices).squeeze(dim)

    def _pad(self, x: Tensor) -> Tensor:
        """Add the dimension of the components."""
        return x.unsqueeze(-1 - self._event_ndims)

    def _pad_mixture_dimensions(self, x: Tensor) -> Tensor:
        """Add dimensions of the batch and of events to what belongs to the choice."""
        choices = len(self.mixture_distribution.batch_shape)
        # PyTorch 2.13 lets one batch dimension of the choice broadcast by itself.
        missing = 0 if choices == 1 else len(self.batch_shape) - choices
        shape = x.shape
        return x.reshape(
            torch.Size((*shape[:-1], *([1] * missing), shape[-1], *([1] * self._event_ndims)))
        )

    def __repr__(self) -> str:
        return (
            f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
        )
