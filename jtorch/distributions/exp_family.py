"""The base of the exponential families."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from .distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """Base of the families with densities ``exp(<t(x), theta> - F(theta) + k(x))``.

    ``theta`` are the natural parameters, ``t`` the sufficient statistic, ``F`` the log normaliser
    and ``k`` the carrier measure. A subclass that states them gets its entropy, and a divergence
    between two of its kind, from the gradient of ``F`` (Nielsen and Nock 2010, "Entropies and
    cross-entropies of exponential families").
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        """The natural parameters."""
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Any) -> Any:
        """Return the log normaliser at natural parameters."""
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        """The expected value of the carrier measure."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """Return the entropy: a Bregman divergence of the log normaliser."""
        result = -self._mean_carrier_measure
        parameters = [p.detach().requires_grad_() for p in self._natural_params]
        log_normalizer = self._log_normalizer(*parameters)
        means = torch.autograd.grad(log_normalizer.sum(), parameters, create_graph=True)
        result += log_normalizer
        for parameter, mean in zip(parameters, means):
            result -= (parameter * mean).reshape((*self._batch_shape, -1)).sum(-1)
        return result
