"""Divergences between distributions of different kinds.

Most are the expected values of ``-log q(x)`` under ``p``, term by term, less the entropy of ``p``.
"""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ._kl_registry import register_kl
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .continuous_bernoulli import ContinuousBernoulli
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import Gumbel
from .laplace import Laplace
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform
from .utils import euler_constant

#: Where q does not reach all values of p: the kind of p, a parameter that has the shape of the
#: result, and the kinds of q.
_INFINITE: list[tuple[type, str, tuple[type, ...]]] = [
    (Beta, "concentration1", (Pareto,)),
    (ContinuousBernoulli, "probs", (Pareto,)),
    (Exponential, "rate", (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gamma, "concentration", (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gumbel, "loc", (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Laplace, "loc", (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Normal, "loc", (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Pareto, "scale", (Beta, ContinuousBernoulli, Uniform)),
    (Poisson, "rate", (Bernoulli, Binomial)),
]


def _register_infinite(type_p: type, parameter: str, types_q: tuple[type, ...]) -> None:
    def infinite(p: Any, q: Any) -> Tensor:
        return torch.full_like(getattr(p, parameter), math.inf)

    for type_q in types_q:
        register_kl(type_p, type_q)(infinite)


for _entry in _INFINITE:
    _register_infinite(*_entry)


def _x_log_x(x: Tensor) -> Tensor:
    return torch.special.xlogy(x, x)


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


def _to_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return -p.entropy() - p.mean * q.logits - torch.log1p(-q.probs) - q._cont_bern_log_norm()


@register_kl(Beta, ContinuousBernoulli)
def _beta_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return _to_continuous_bernoulli(p, q)


@register_kl(Beta, Exponential)
def _beta_exponential(p: Any, q: Any) -> Tensor:
    mean = p.concentration1 / (p.concentration1 + p.concentration0)
    return -p.entropy() - q.rate.log() + q.rate * mean


@register_kl(Beta, Gamma)
def _beta_gamma(p: Any, q: Any) -> Tensor:
    total = p.concentration1 + p.concentration0
    log_norm = q.concentration.lgamma() - q.concentration * q.rate.log()
    of_log = (q.concentration - 1) * (p.concentration1.digamma() - total.digamma())
    of_mean = q.rate * p.concentration1 / total
    return -p.entropy() + log_norm - of_log + of_mean


@register_kl(Beta, Normal)
def _beta_normal(p: Any, q: Any) -> Tensor:
    total = p.concentration1 + p.concentration0
    mean = p.concentration1 / total
    variance = q.scale.pow(2)
    log_norm = 0.5 * (variance * 2 * math.pi).log()
    of_square = (mean * (1 - mean) / (total + 1) + mean.pow(2)) * 0.5
    of_distance = of_square - q.loc * mean + q.loc.pow(2) * 0.5
    return -p.entropy() + log_norm + of_distance / variance


@register_kl(Beta, Uniform)
def _beta_uniform(p: Any, q: Any) -> Tensor:
    result = -p.entropy() + (q.high - q.low).log()
    support = p.support
    result[(q.low > support.lower_bound) | (q.high < support.upper_bound)] = math.inf
    return result


@register_kl(ContinuousBernoulli, Exponential)
def _continuous_bernoulli_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() - torch.log(q.rate) + q.rate * p.mean


@register_kl(ContinuousBernoulli, Normal)
def _continuous_bernoulli_normal(p: Any, q: Any) -> Tensor:
    entropy = -p.entropy()
    log_norm = 0.5 * (math.log(2.0 * math.pi) + torch.square(q.loc / q.scale)) + torch.log(q.scale)
    of_square = p.variance + torch.square(p.mean) - 2.0 * q.loc * p.mean
    return entropy + log_norm + of_square / (2.0 * torch.square(q.scale))


@register_kl(ContinuousBernoulli, Uniform)
def _continuous_bernoulli_uniform(p: Any, q: Any) -> Tensor:
    result = -p.entropy() + (q.high - q.low).log()
    support = p.support
    # PyTorch 2.13 calls it infinite too where q is larger than the interval from 0 to 1.
    is_outside = torch.max(
        torch.ge(q.low, support.lower_bound), torch.le(q.high, support.upper_bound)
    )
    return torch.where(is_outside, torch.ones_like(result) * math.inf, result)


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    shape = q.concentration
    return (
        -shape * torch.log(ratio)
        + ratio
        + shape.lgamma()
        + shape * euler_constant
        - (1 + euler_constant)
    )


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Any, q: Any) -> Tensor:
    product = p.rate * q.scale
    loc = q.loc / q.scale
    of_exponential = torch.exp(loc) * product / (product + 1)
    return product.log() - 1 - loc + of_exponential + product.reciprocal()


@register_kl(Exponential, Normal)
def _exponential_normal(p: Any, q: Any) -> Tensor:
    variance = q.scale.pow(2)
    squared_rate = p.rate.pow(2)
    log_norm = 0.5 * torch.log(squared_rate * variance * 2 * math.pi)
    of_distance = squared_rate.reciprocal() - q.loc / p.rate + q.loc.pow(2) * 0.5
    return log_norm - 1 + of_distance / variance


@register_kl(Gamma, Exponential)
def _gamma_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p: Any, q: Any) -> Tensor:
    product = p.rate * q.scale
    loc = q.loc / q.scale
    shape = p.concentration
    of_shape = (shape - 1) * shape.digamma() - shape.lgamma() - shape
    of_mean = product.log() + shape / product
    of_exponential = torch.exp(loc) * (1 + product.reciprocal()).pow(-shape) - loc
    return of_shape + of_mean + of_exponential


@register_kl(Gamma, Normal)
def _gamma_normal(p: Any, q: Any) -> Tensor:
    variance = q.scale.pow(2)
    squared_rate = p.rate.pow(2)
    shape = p.concentration
    log_norm = 0.5 * torch.log(squared_rate * variance * 2 * math.pi) - shape - shape.lgamma()
    of_square = 0.5 * (shape.pow(2) + shape) / squared_rate
    of_distance = of_square - q.loc * shape / p.rate + 0.5 * q.loc.pow(2)
    return log_norm + (shape - 1) * shape.digamma() + of_distance / variance


@register_kl(Gumbel, Normal)
def _gumbel_normal(p: Any, q: Any) -> Tensor:
    scales = p.scale / q.scale
    of_scales = (scales / math.sqrt(2 * math.pi)).log()
    of_variance = (math.pi * scales * 0.5).pow(2) / 3
    of_distance = ((p.loc + p.scale * euler_constant - q.loc) / q.scale).pow(2) * 0.5
    return -of_scales + of_variance + of_distance - (euler_constant + 1)


@register_kl(Laplace, Normal)
def _laplace_normal(p: Any, q: Any) -> Tensor:
    variance = q.scale.pow(2)
    variances = p.scale.pow(2) / variance
    of_variances = 0.5 * torch.log(2 * variances / math.pi)
    of_distance = 0.5 * p.loc.pow(2) - p.loc * q.loc + 0.5 * q.loc.pow(2)
    return -of_variances + variances + of_distance / variance - 1


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Any, q: Any) -> Tensor:
    p_loc = p.loc / q.scale
    variances = (p.scale / q.scale).pow(2)
    q_loc = q.loc / q.scale
    of_exponential = torch.exp(-p_loc + 0.5 * variances + q_loc)
    of_entropy = 0.5 * (1 + math.log(2 * math.pi))
    return -(variances.log() * 0.5) + (p_loc - q_loc) + of_exponential - of_entropy


@register_kl(Normal, Laplace)
def _normal_laplace(p: Any, q: Any) -> Tensor:
    difference = p.loc - q.loc
    standardised = difference / p.scale
    of_scales = torch.log(p.scale / q.scale)
    of_tail = math.sqrt(2 / math.pi) * p.scale * torch.exp(-0.5 * standardised.pow(2))
    of_side = difference * torch.erf(math.sqrt(0.5) * standardised)
    return -of_scales + (of_tail + of_side) / q.scale - 0.5 * (1 + math.log(0.5 * math.pi))


@register_kl(Pareto, Exponential)
def _pareto_exponential(p: Any, q: Any) -> Tensor:
    product = p.scale * q.rate
    of_mean = p.alpha * product / (p.alpha - 1)
    result = (p.alpha / product).log() - p.alpha.reciprocal() + of_mean - 1
    result[p.alpha <= 1] = math.inf
    return result


@register_kl(Pareto, Gamma)
def _pareto_gamma(p: Any, q: Any) -> Tensor:
    mean_log = p.scale.log() + p.alpha.reciprocal()
    log_norm = q.concentration.lgamma() - q.concentration * q.rate.log()
    of_log = (1 - q.concentration) * mean_log
    of_mean = q.rate * p.alpha * p.scale / (p.alpha - 1)
    result = (p.alpha.log() - mean_log) + log_norm + of_log + of_mean - 1
    result[p.alpha <= 1] = math.inf
    return result


@register_kl(Pareto, Normal)
def _pareto_normal(p: Any, q: Any) -> Tensor:
    twice_variance = 2 * q.scale.pow(2)
    ratio = p.scale / (p.alpha - 1)
    log_norm = (math.sqrt(2 * math.pi) * q.scale * p.alpha / p.scale).log()
    of_variance = p.alpha * ratio.pow(2) / (p.alpha - 2)
    of_distance = (p.alpha * ratio - q.loc).pow(2)
    result = log_norm - p.alpha.reciprocal() + (of_variance + of_distance) / twice_variance - 1
    result[p.alpha <= 2] = math.inf
    return result


@register_kl(Uniform, Beta)
def _uniform_beta(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    q1, q0 = q.concentration1, q.concentration0
    of_log = (q1 - 1) * (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    of_log_rest = (q0 - 1) * (_x_log_x(1 - p.high) - _x_log_x(1 - p.low) + width) / width
    log_norm = q1.lgamma() + q0.lgamma() - (q1 + q0).lgamma()
    result = of_log_rest + log_norm - torch.log(width) - of_log
    support = q.support
    result[(p.high > support.upper_bound) | (p.low < support.lower_bound)] = math.inf
    return result


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    result = _to_continuous_bernoulli(p, q)
    support = q.support
    # Infinite in PyTorch 2.13 for the whole interval too.
    is_outside = torch.max(
        torch.ge(p.high, support.upper_bound), torch.le(p.low, support.lower_bound)
    )
    return torch.where(is_outside, torch.ones_like(result) * math.inf, result)


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Any, q: Any) -> Tensor:
    result = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    result[p.low < q.support.lower_bound] = math.inf
    return result


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    log_norm = q.concentration.lgamma() - q.concentration * q.rate.log()
    of_log = (1 - q.concentration) * (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    of_mean = q.rate * (p.high + p.low) / 2
    result = -width.log() + log_norm + of_log + of_mean
    result[p.low < q.support.lower_bound] = math.inf
    return result


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Any, q: Any) -> Tensor:
    ratio = q.scale / (p.high - p.low)
    high = (p.high - q.loc) / q.scale
    low = (p.low - q.loc) / q.scale
    linear = ratio.log() + 0.5 * (high + low)
    return linear - ratio * (torch.exp(-high) - torch.exp(-low))


@register_kl(Uniform, Normal)
def _uniform_normal(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    log_norm = (math.sqrt(math.pi * 2) * q.scale / width).log()
    distance = ((p.high + p.low - 2 * q.loc) / 2).pow(2)
    return log_norm + 0.5 * (width.pow(2) / 12 + distance) / q.scale.pow(2)


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    log_norm = (q.alpha * q.scale.pow(q.alpha) * width).log()
    mean_log = (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    result = mean_log * (q.alpha + 1) - log_norm
    result[p.low < q.support.lower_bound] = math.inf
    return result
