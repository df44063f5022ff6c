"""Covariance and correlation matrices."""

from __future__ import annotations

import warnings
from typing import Any

from ..._core import dtypes
from ..._engine.declare import op
from ..pointwise import complex_numbers
from . import _messages_covariance


def _checked_weights(weights: Any, name: str, observations: int) -> None:
    if weights.ndim > 1:
        raise _messages_covariance.weight_dimensions(name, weights.ndim)
    floating = weights.dtype.is_floating_point
    if name == "fweights" and weights.dtype not in dtypes.INTEGERS:
        raise _messages_covariance.weight_dtype(name, "integral", weights.dtype._legacy_name)
    if name == "aweights" and not floating:
        raise _messages_covariance.weight_dtype(name, "floating point", weights.dtype._legacy_name)
    if weights.numel() != observations:
        raise _messages_covariance.weight_count(name, weights.numel(), observations)
    if observations and weights.min().item() < 0:
        raise _messages_covariance.negative_weights(name)


@op("cov(Tensor input, *, int64_t correction=1, Tensor? fweights=None, Tensor? aweights=None)")
def cov(input, correction=1, fweights=None, aweights=None):
    """Covariance matrix of variables (rows), estimated from observations (columns).

    Args:
        input: matrix, or a vector of observations of one variable.
        correction: the divisor is the number of observations less this.
        fweights: how often each observation occurs, integers.
        aweights: how much each observation counts, floating point.
    Returns:
        Square tensor; without dimensions for one variable.
    """
    if input.ndim > 2:
        raise _messages_covariance.too_many_dimensions("cov", input.ndim)
    if input.dtype is dtypes.bool_:
        raise _messages_covariance.no_bool()
    values = input.view(1, -1) if input.ndim < 2 else input
    observations = values.shape[1]
    weights = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is not None:
            _checked_weights(given, name, observations)
            weights = given if weights is None else weights * given
    weighted = values if weights is None else values * weights
    if weights is None:
        mean = weighted.sum(1) / observations
        divisor: Any = observations - correction
        none_left = divisor <= 0
    else:
        total = weights.sum()
        if total.item() == 0:
            raise _messages_covariance.weights_sum_to_zero()
        mean = weighted.sum(1) / total
        divisor = total - correction
        if aweights is not None and correction != 0:
            divisor = total - correction * (weights * aweights).sum() / total
        none_left = divisor.item() <= 0
    if none_left:
        warnings.warn(_messages_covariance.NO_FREEDOM, UserWarning, stacklevel=3)
        divisor = 0 if weights is None else divisor.detach().zero_()
    deviation = values - mean.unsqueeze(1)
    other = deviation if weights is None else deviation * weights
    return (deviation.mm(other.t().conj()) / divisor).squeeze()


@op("corrcoef(Tensor input)", arguments="count")
def corrcoef(input):
    """Correlation coefficients of variables (rows), estimated from observations (columns).

    Args:
        input: matrix, or a vector of observations of one variable.
    Returns:
        Square tensor; without dimensions for one variable.
    """
    if input.ndim > 2:
        raise _messages_covariance.too_many_dimensions("corrcoef", input.ndim)
    covariance = cov(input)
    if not covariance.ndim:
        return covariance / covariance
    variance = covariance.diagonal()
    deviation = (variance.real if variance.is_complex() else variance).sqrt()
    covariance.div_(deviation.view(-1, 1))
    covariance.div_(deviation.view(1, -1))
    if covariance.is_complex():
        parts = covariance.real.clip(-1, 1), covariance.imag.clip(-1, 1)
        return complex_numbers.complex.call(*parts)
    return covariance.clip(-1, 1)
