"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ..nn.functional import binary_cross_entropy_with_logits
from . import constraints
from ._parameters import batch_shape_of, check_one_is_given, expanded
from .exp_family import ExponentialFamily
from .utils import broadcast_all, clamp_probs, lazy_property, logits_to_probs, probs_to_logits

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(ExponentialFamily):
    """Continuous Bernoulli distribution on [0, 1]: density ``C p^x (1 - p)^(1 - x)``.

    Loaiza-Ganem and Cunningham: *The continuous Bernoulli: fixing a pervasive error in variational
    autoencoders*, 2019. The parameter is not the mean.

    Args:
        probs: parameter in (0, 1), a number or a tensor.
        logits: log-odds of the parameter, in its place.
        lims: around 1/2 the formulas divide zero by zero; between these two numbers the first
            terms of their Taylor series stand in.
        validate_args: whether to check parameters and values.
    Raises:
        ValueError: both or none of ``probs`` and ``logits`` are given; ``probs`` lies outside.
    """

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}
    support: Any = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure: Any = 0
    _param: Tensor

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        check_one_is_given(probs, logits)
        given: Any = probs if probs is not None else logits
        (self._param,) = broadcast_all(given)
        if probs is not None:
            # After the clamping every number would pass.
            checked = validate_args is not None
            if checked and not self.arg_constraints["probs"].check(self._param).all():
                raise ValueError("The parameter probs has invalid values")
            self.probs = self._param = clamp_probs(self._param)
        else:
            self.logits = self._param
        self._lims = lims
        super().__init__(batch_shape_of(self._param, given), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> ContinuousBernoulli:
        """Return the distribution with a larger batch shape."""
        names = ("probs", "logits")
        new = expanded(self, ContinuousBernoulli, batch_shape, _instance, optional=names)
        new._lims = self._lims
        return new

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._param.new(*args, **kwargs)

    @lazy_property
    def logits(self) -> Tensor:
        """Log-odds of the parameter."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The parameter, kept from 0 and 1."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    @property
    def param_shape(self) -> Any:
        """Shape of the parameter that was given."""
        return self._param.size()

    def _outside_unstable_region(self) -> Tensor:
        low, high = self._lims
        return torch.max(torch.le(self.probs, low), torch.gt(self.probs, high))

    def _cut_probs(self) -> Tensor:
        """Return the parameters, the lower limit in place of those near 1/2."""
        limit = self._lims[0] * torch.ones_like(self.probs)
        return torch.where(self._outside_unstable_region(), self.probs, limit)

    def _unless_near_half(self, exact: Tensor, series: Tensor) -> Tensor:
        return torch.where(self._outside_unstable_region(), exact, series)

    def _cont_bern_log_norm(self) -> Tensor:
        """Return the logarithm of what the density is multiplied by."""
        cut = self._cut_probs()
        below = torch.where(torch.le(cut, 0.5), cut, torch.zeros_like(cut))
        above = torch.where(torch.ge(cut, 0.5), cut, torch.ones_like(cut))
        numerator = torch.log(torch.abs(torch.log1p(-cut) - torch.log(cut)))
        denominator = torch.where(
            torch.le(cut, 0.5), torch.log1p(-2.0 * below), torch.log(2.0 * above - 1.0)
        )
        square = torch.pow(self.probs - 0.5, 2)
        series = math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * square) * square
        return self._unless_near_half(numerator - denominator, series)

    @property
    def mean(self) -> Tensor:
        """Mean of a draw."""
        cut = self._cut_probs()
        reciprocal = 1.0 / (torch.log1p(-cut) - torch.log(cut))
        exact = cut / (2.0 * cut - 1.0) + reciprocal
        x = self.probs - 0.5
        series = 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * torch.pow(x, 2)) * x
        return self._unless_near_half(exact, series)

    @property
    def stddev(self) -> Tensor:
        """Root of the variance."""
        return torch.sqrt(self.variance)

    @property
    def variance(self) -> Tensor:
        """Variance of a draw."""
        cut = self._cut_probs()
        first = cut * (cut - 1.0) / torch.pow(1.0 - 2.0 * cut, 2)
        exact = first + 1.0 / torch.pow(torch.log1p(-cut) - torch.log(cut), 2)
        square = torch.pow(self.probs - 0.5, 2)
        series = 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * square) * square
        return self._unless_near_half(exact, series)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw numbers, without a gradient."""
        with torch.no_grad():
            return ContinuousBernoulli.rsample(self, sample_shape)

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw quantiles of uniform probabilities."""
        shape = self._extended_shape(sample_shape)
        uniform = torch.rand(shape, dtype=self.probs.dtype, device=self.probs.device)
        return self.icdf(uniform)

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        loss = binary_cross_entropy_with_logits(logits, value, reduction="none")
        return -loss + self._cont_bern_log_norm()

    def cdf(self, value: Any) -> Tensor:
        """Return the probability of numbers up to ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        cut = self._cut_probs()
        power = torch.pow(cut, value) * torch.pow(1.0 - cut, 1.0 - value)
        inside = self._unless_near_half((power + cut - 1.0) / (2.0 * cut - 1.0), value)
        inside = torch.where(torch.ge(value, 1.0), torch.ones_like(value), inside)
        return torch.where(torch.le(value, 0.0), torch.zeros_like(value), inside)

    def icdf(self, value: Any) -> Tensor:
        """Return the quantile of a probability."""
        cut = self._cut_probs()
        numerator = torch.log1p(-cut + value * (2.0 * cut - 1.0)) - torch.log1p(-cut)
        denominator = torch.log(cut) - torch.log1p(-cut)
        return self._unless_near_half(numerator / denominator, value)

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        log_of_rest = torch.log1p(-self.probs)
        log_of_probs = torch.log(self.probs)
        start = self.mean * (log_of_rest - log_of_probs)
        return start - self._cont_bern_log_norm() - log_of_rest

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, x: Any) -> Tensor:  # type: ignore[override]
        low, high = self._lims[0] - 0.5, self._lims[1] - 0.5
        away = torch.max(torch.le(x, low), torch.gt(x, high))
        cut = torch.where(away, x, low * torch.ones_like(x))
        exact = torch.log(torch.abs(torch.special.expm1(cut))) - torch.log(torch.abs(cut))
        series = 0.5 * x + torch.pow(x, 2) / 24.0 - torch.pow(x, 4) / 2880.0
        return torch.where(away, exact, series)
