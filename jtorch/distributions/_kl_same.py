"""Divergences between distributions of the same kind."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ..nn.functional import softplus
from ._kl_registry import kl_divergence, register_kl
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .exp_family import ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import _sum_rightmost, euler_constant


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Tensor:
    of_ones = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    of_ones[q.probs == 0] = math.inf
    of_ones[p.probs == 0] = 0
    of_zeros = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    of_zeros[q.probs == 1] = math.inf
    of_zeros[p.probs == 1] = 0
    return of_ones + of_zeros


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Tensor:
    p1, p0, q1, q0 = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    p_sum = p1 + p0
    q_sum = q1 + q0
    log_norm_of_q = q1.lgamma() + q0.lgamma() + p_sum.lgamma()
    log_norm_of_p = p1.lgamma() + p0.lgamma() + q_sum.lgamma()
    return (
        log_norm_of_q
        - log_norm_of_p
        + (p1 - q1) * torch.digamma(p1)
        + (p0 - q0) * torch.digamma(p0)
        + (q_sum - p_sum) * torch.digamma(p_sum)
    )


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    of_one_trial = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    result = p.total_count * of_one_trial
    result[p.total_count > q.total_count] = math.inf
    return result


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms[(q.probs == 0).expand_as(terms)] = math.inf
    terms[(p.probs == 0).expand_as(terms)] = 0
    return terms.sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot_categorical(p: Any, q: Any) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: Any, q: Any) -> Tensor:
    of_mean = p.mean * (p.logits - q.logits)
    of_p = p._cont_bern_log_norm() + torch.log1p(-p.probs)
    of_q = -q._cont_bern_log_norm() - torch.log1p(-q.probs)
    return of_mean + of_p + of_q


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Tensor:
    p_sum = p.concentration.sum(-1)
    q_sum = q.concentration.sum(-1)
    of_sums = p_sum.lgamma() - q_sum.lgamma()
    of_entries = (p.concentration.lgamma() - q.concentration.lgamma()).sum(-1)
    difference = p.concentration - q.concentration
    mean_log = p.concentration.digamma() - p_sum.digamma().unsqueeze(-1)
    return of_sums - of_entries + (difference * mean_log).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: Any, q: Any) -> Tensor:
    """A Bregman divergence of the log normaliser (Nielsen and Nock 2010)."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot "
            "                            be computed using Bregman divergences"
        )
    of_p = [parameter.detach().requires_grad_() for parameter in p._natural_params]
    of_q = q._natural_params
    log_normalizer = p._log_normalizer(*of_p)
    means = torch.autograd.grad(log_normalizer.sum(), of_p, create_graph=True)
    result = q._log_normalizer(*of_q) - log_normalizer
    for ours, theirs, mean in zip(of_p, of_q, means):
        result -= _sum_rightmost((theirs - ours) * mean, len(q.event_shape))
    return result


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Tensor:
    of_rates = q.concentration * (p.rate / q.rate).log()
    of_norms = torch.lgamma(q.concentration) - torch.lgamma(p.concentration)
    of_logs = (p.concentration - q.concentration) * torch.digamma(p.concentration)
    of_means = (q.rate - p.rate) * (p.concentration / p.rate)
    return of_rates + of_norms + of_logs + of_means


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Tensor:
    scales = p.scale / q.scale
    q_loc = q.loc / q.scale
    p_loc = p.loc / q.scale
    linear = -scales.log() - q_loc + p_loc
    of_exponential = torch.exp(q_loc + (1 + scales).lgamma() - p_loc)
    return linear + scales * euler_constant + of_exponential - (1 + euler_constant)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Tensor:
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Tensor:
    """After Gil, "On Rényi divergence measures for continuous alphabet sources", 2011."""
    scales = p.scale / q.scale
    distance = (p.loc - q.loc).abs()
    of_overlap = scales * torch.exp(-distance / p.scale)
    return -scales.log() + distance / q.scale + of_overlap - 1


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Tensor:
    variances = (p.scale / q.scale).pow(2)
    distance = ((p.loc - q.loc) / q.scale).pow(2)
    return 0.5 * (variances + distance - 1 - variances.log())


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Tensor:
    """After Gil, "On Rényi divergence measures for continuous alphabet sources", 2011."""
    scales = p.scale / q.scale
    alphas = q.alpha / p.alpha
    result = q.alpha * scales.log() - alphas.log() + alphas - 1
    result[p.support.lower_bound < q.support.lower_bound] = math.inf
    return result


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Tensor:
    result = ((q.high - q.low) / (p.high - p.low)).log()
    result[(q.low > p.low) | (q.high < p.high)] = math.inf
    return result


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Tensor:
    """After Chyzak and Nielsen, arXiv 1905.10965."""
    sums = (p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)
    return sums.log() - (4 * p.scale * q.scale).log()


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Tensor:
    """A transform does not change the divergence."""
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)
