"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ..autograd import Function
from ..autograd.function import once_differentiable
from . import constraints
from ._parameters import settled
from .exp_family import ExponentialFamily

__all__ = ["Dirichlet"]


def _Dirichlet_backward(x: Any, concentration: Any, grad_output: Any) -> Tensor:
    """Return the gradient for the concentrations, given that for the draws ``x``."""
    total = concentration.sum(-1, True).expand_as(concentration)
    grad = torch._dirichlet_grad(x, concentration, total)
    return grad * (grad_output - (x * grad_output).sum(-1, True))


class _Dirichlet(Function):
    """Draws, with the implicit gradient for the concentrations."""

    @staticmethod
    def forward(ctx: Any, concentration: Any) -> Tensor:  # type: ignore[override]
        x = torch._sample_dirichlet(concentration)
        ctx.save_for_backward(x, concentration)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Any) -> Tensor:  # type: ignore[override]
        x, concentration = ctx.saved_tensors
        return _Dirichlet_backward(x, concentration, grad_output)


class Dirichlet(ExponentialFamily):
    """Dirichlet distribution on the simplex: density proportional to ``prod x_i^(a_i - 1)``.

    Args:
        concentration: tensor of shape ``batch_shape + (k,)``.
        validate_args: whether to check parameters and values.
    Raises:
        ValueError: ``concentration`` has no dimensions.
    """

    concentration: Tensor
    arg_constraints: Any = {"concentration": constraints.independent(constraints.positive, 1)}
    support: Any = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        shape = concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Dirichlet:
        """Return the distribution with a larger batch shape."""
        new: Any = self._get_checked_instance(Dirichlet, _instance)
        batch_shape = torch.Size(batch_shape)
        new.concentration = self.concentration.expand(batch_shape + self.event_shape)
        return settled(self, Dirichlet, new, batch_shape, self.event_shape)

    @property
    def mean(self) -> Tensor:
        """The concentrations, divided by their sum."""
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        """Where the density is largest; one corner where every concentration is below 1."""
        excess = (self.concentration - 1).clamp(min=0.0)
        mode = excess / excess.sum(-1, True)
        at_corner = (self.concentration < 1).all(dim=-1)
        corner = torch.nn.functional.one_hot(mode[at_corner].argmax(dim=-1), excess.shape[-1])
        mode[at_corner] = corner.to(mode)
        return mode

    @property
    def variance(self) -> Tensor:
        """Variance of each probability."""
        total = self.concentration.sum(-1, True)
        numerator = self.concentration * (total - self.concentration)
        return numerator / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draw vectors; gradients reach the concentrations, once."""
        shape = self._extended_shape(sample_shape)
        return _Dirichlet.apply(self.concentration.expand(shape))

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        concentration = self.concentration
        powers = torch.xlogy(concentration - 1.0, value).sum(-1)
        powers = powers + torch.lgamma(concentration.sum(-1))
        return powers - torch.lgamma(concentration).sum(-1)

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        concentration = self.concentration
        k = concentration.size(-1)
        total = concentration.sum(-1)
        result = torch.lgamma(concentration).sum(-1) - torch.lgamma(total)
        result = result - (k - total) * torch.digamma(total)
        return result - ((concentration - 1.0) * torch.digamma(concentration)).sum(-1)

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.concentration,)

    def _log_normalizer(self, x: Any) -> Tensor:  # type: ignore[override]
        return x.lgamma().sum(-1) - torch.lgamma(x.sum(-1))
