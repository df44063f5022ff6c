"""What distributions do alike with their parameters."""

from __future__ import annotations

from typing import Any, TypeVar

import jtorch as torch

from .._tensor.tensor import Tensor
from .distribution import Distribution
from .utils import _NUMBER, lazy_property, logits_to_probs, probs_to_logits

AnyDistribution = TypeVar("AnyDistribution", bound=Distribution)


def batch_shape_of(parameter: Tensor, *given: Any) -> torch.Size:
    """Return the empty shape where every argument given is a number, else the parameter's."""
    if all(isinstance(argument, _NUMBER) for argument in given):
        return torch.Size()
    return parameter.size()


def check_one_is_given(probs: Any, logits: Any) -> None:
    """Refuse probabilities together with their logits, and neither of them.

    Raises:
        ValueError: both or none are there.
    """
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


def expanded(
    distribution: AnyDistribution,
    cls: type,
    batch_shape: Any,
    instance: Any,
    parameters: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
) -> AnyDistribution:
    """Make the distribution whose parameters, one for each element, have a larger batch shape.

    Args:
        distribution: the one that is expanded.
        cls: the class whose ``expand`` was called.
        batch_shape: shape of the new one's batch.
        instance: what to fill instead of a new distribution, given by a subclass.
        parameters: names of the tensors to expand.
        optional: names of those to expand where they were given or computed already; the last of
            these is the new ``_param`` too.
    Raises:
        NotImplementedError: a subclass has its own ``__init__`` and no ``expand``.
    """
    new = distribution._get_checked_instance(cls, instance)
    batch_shape = torch.Size(batch_shape)
    for name in parameters:
        setattr(new, name, getattr(distribution, name).expand(batch_shape))
    for name in optional:
        if name in distribution.__dict__:
            new._param = distribution.__dict__[name].expand(batch_shape)
            setattr(new, name, new._param)
    return settled(distribution, cls, new, batch_shape)


def settled(
    distribution: AnyDistribution, cls: Any, new: Any, batch_shape: Any, event_shape: Any = None
) -> AnyDistribution:
    """Finish a distribution whose parameters were expanded, without checking them again."""
    shapes = (batch_shape,) if event_shape is None else (batch_shape, event_shape)
    super(cls, new).__init__(*shapes, validate_args=False)
    new._validate_args = distribution._validate_args
    return new


class Odds:
    """A probability of success and its log-odds, of which one is given and the other computed."""

    @lazy_property
    def logits(self) -> Tensor:
        """Log-odds of success."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """Probability of success."""
        return logits_to_probs(self.logits, is_binary=True)


class OddsGiven(Odds):
    """The same, where ``_param`` is the one that was given."""

    _param: Tensor

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._param.new(*args, **kwargs)

    @property
    def param_shape(self) -> Any:
        """Shape of the parameter that was given."""
        return self._param.size()
