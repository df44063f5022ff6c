"""Divergences between multivariate normal distributions.

Each is half of: the difference of the logarithms of the determinants, the trace of the inverse of
q's covariance times p's, and the squared distance of the means, less the number of dimensions. With
a covariance ``W W^T + D`` the inverse is ``D^-1 - A^T A`` (Woodbury), where ``A`` solves a
triangular system of the rank of ``W``.
"""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ._kl_registry import register_kl
from .lowrank_multivariate_normal import (
    LowRankMultivariateNormal,
    _batch_lowrank_logdet,
    _batch_lowrank_mahalanobis,
)
from .multivariate_normal import MultivariateNormal, _batch_mahalanobis


def _check_shapes(p: Any, q: Any, names: str) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"KL-divergence between two {names} with"
            "                          different event shapes cannot be computed"
        )


def _sum_of_squares(matrix: Tensor) -> Tensor:
    """Return the trace of each matrix times its transpose."""
    rows, columns = matrix.size(-2), matrix.size(-1)
    sums = matrix.reshape(-1, rows * columns).pow(2).sum(-1)
    return sums.reshape(matrix.shape[:-2])


def _half_logdet(of: Any) -> Tensor:
    return of._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def _lowrank_logdet(of: Any) -> Tensor:
    return _batch_lowrank_logdet(
        of._unbroadcasted_cov_factor, of._unbroadcasted_cov_diag, of._capacitance_tril
    )


def _lowrank_distance(p: Any, q: Any) -> Tensor:
    return _batch_lowrank_mahalanobis(
        q._unbroadcasted_cov_factor,
        q._unbroadcasted_cov_diag,
        q.loc - p.loc,
        q._capacitance_tril,
    )


def _woodbury(q: Any) -> Tensor:
    """Return the matrix ``A`` of the text above."""
    scaled = q._unbroadcasted_cov_factor.mT / q._unbroadcasted_cov_diag.unsqueeze(-2)
    return torch.linalg.solve_triangular(q._capacitance_tril, scaled, upper=False)


def _solved(factor: Tensor, matrix: Tensor) -> Tensor:
    return _sum_of_squares(torch.linalg.solve_triangular(factor, matrix, upper=False))


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _lowrank_lowrank(p: Any, q: Any) -> Tensor:
    _check_shapes(p, q, "Low Rank Multivariate Normals")
    logdets = _lowrank_logdet(q) - _lowrank_logdet(p)
    distance = _lowrank_distance(p, q)
    p_factor, p_diagonal = p._unbroadcasted_cov_factor, p._unbroadcasted_cov_diag
    q_diagonal = q._unbroadcasted_cov_diag
    inner = _woodbury(q)
    trace = (
        (p_diagonal / q_diagonal).sum(-1)
        + _sum_of_squares(p_factor * q_diagonal.rsqrt().unsqueeze(-1))
        - _sum_of_squares(inner * p_diagonal.sqrt().unsqueeze(-2))
        - _sum_of_squares(inner.matmul(p_factor))
    )
    return 0.5 * (logdets + trace + distance - p.event_shape[0])


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _full_lowrank(p: Any, q: Any) -> Tensor:
    _check_shapes(p, q, "(Low Rank) Multivariate Normals")
    logdets = _lowrank_logdet(q) - 2 * _half_logdet(p)
    distance = _lowrank_distance(p, q)
    p_factor = p._unbroadcasted_scale_tril
    inner = _woodbury(q)
    trace = _sum_of_squares(
        p_factor * q._unbroadcasted_cov_diag.rsqrt().unsqueeze(-1)
    ) - _sum_of_squares(inner.matmul(p_factor))
    return 0.5 * (logdets + trace + distance - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _lowrank_full(p: Any, q: Any) -> Tensor:
    _check_shapes(p, q, "(Low Rank) Multivariate Normals")
    logdets = 2 * _half_logdet(q) - _lowrank_logdet(p)
    q_factor, p_factor = q._unbroadcasted_scale_tril, p._unbroadcasted_cov_factor
    distance = _batch_mahalanobis(q_factor, q.loc - p.loc)
    batch = torch.broadcast_shapes(q_factor.shape[:-2], p_factor.shape[:-2])
    count = p.event_shape[0]
    q_factor = q_factor.expand(batch + (count, count))
    p_factor = p_factor.expand(batch + (count, p.cov_factor.size(-1)))
    p_diagonal = torch.diag_embed(p._unbroadcasted_cov_diag.sqrt()).expand(batch + (count, count))
    trace = _solved(q_factor, p_factor) + _solved(q_factor, p_diagonal)
    return 0.5 * (logdets + trace + distance - p.event_shape[0])


@register_kl(MultivariateNormal, MultivariateNormal)
def _full_full(p: Any, q: Any) -> Tensor:
    _check_shapes(p, q, "Multivariate Normals")
    half_logdets = _half_logdet(q) - _half_logdet(p)
    q_factor, p_factor = q._unbroadcasted_scale_tril, p._unbroadcasted_scale_tril
    batch = torch.broadcast_shapes(q_factor.shape[:-2], p_factor.shape[:-2])
    count = p.event_shape[0]
    trace = _solved(
        q_factor.expand(batch + (count, count)), p_factor.expand(batch + (count, count))
    )
    distance = _batch_mahalanobis(q_factor, q.loc - p.loc)
    return half_logdets + 0.5 * (trace + distance - count)
