"""The multivariate normal distribution with a covariance of low rank plus a diagonal."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import settled
from .distribution import Distribution
from .multivariate_normal import _batch_mahalanobis, _batch_mv
from .utils import _standard_normal, lazy_property

__all__ = ["LowRankMultivariateNormal"]


def _cholesky_beside_identity(matrix: Tensor) -> Tensor:
    """Return the Cholesky factors of the identity plus matrices."""
    n = matrix.size(-1)
    matrix = matrix.contiguous()
    matrix.view(-1, n * n)[:, :: n + 1] += 1
    return torch.linalg.cholesky(matrix)


def _batch_capacitance_tril(W: Any, D: Any) -> Tensor:
    """Return the Cholesky factors of the capacitances ``I + W.T @ inv(D) @ W``."""
    return _cholesky_beside_identity(torch.matmul(W.mT / D.unsqueeze(-2), W))


def _batch_lowrank_logdet(W: Any, D: Any, capacitance_tril: Any) -> Tensor:
    """Return ``log(det(W @ W.T + D))``, by the matrix determinant lemma."""
    log_diagonal = capacitance_tril.diagonal(dim1=-2, dim2=-1).log()
    return 2 * log_diagonal.sum(-1) + D.log().sum(-1)


def _batch_lowrank_mahalanobis(W: Any, D: Any, x: Any, capacitance_tril: Any) -> Tensor:
    """Return ``x.T @ inv(W @ W.T + D) @ x``, by the matrix identity of Woodbury."""
    projected = _batch_mv(W.mT / D.unsqueeze(-2), x)
    along_diagonal = (x.pow(2) / D).sum(-1)
    return along_diagonal - _batch_mahalanobis(capacitance_tril, projected)


class LowRankMultivariateNormal(Distribution):
    """Multivariate normal with the low-rank covariance ``cov_factor @ cov_factor.T + cov_diag``.

    Determinant and inverse are those of a matrix as large as the rank.

    Args:
        loc: mean, of shape ``batch_shape + (n,)``.
        cov_factor: of shape ``batch_shape + (n, rank)``.
        cov_diag: positive, of shape ``batch_shape + (n,)``.
        validate_args: whether to check parameters and values.
    Raises:
        ValueError: the shapes do not fit together.
    """

    loc: Tensor
    cov_factor: Tensor
    cov_diag: Tensor
    arg_constraints: Any = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support: Any = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        cov_factor: Tensor,
        cov_diag: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch "
                "dimensions"
            )
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(
                f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m"
            )
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        columns = (loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1))
        try:
            wide_loc, self.cov_factor, wide_diag = torch.broadcast_tensors(*columns)
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, "
                f"cov_diag {cov_diag.shape}"
            ) from error
        self.loc = wide_loc[..., 0]
        self.cov_diag = wide_diag[..., 0]
        self._unbroadcasted_cov_factor = cov_factor
        self._unbroadcasted_cov_diag = cov_diag
        self._capacitance_tril = _batch_capacitance_tril(cov_factor, cov_diag)
        super().__init__(self.loc.shape[:-1], event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> LowRankMultivariateNormal:
        """Return the distribution with a larger batch shape."""
        new: Any = self._get_checked_instance(LowRankMultivariateNormal, _instance)
        batch_shape = torch.Size(batch_shape)
        shape = batch_shape + self.event_shape
        new.loc = self.loc.expand(shape)
        new.cov_diag = self.cov_diag.expand(shape)
        new.cov_factor = self.cov_factor.expand(shape + self.cov_factor.shape[-1:])
        for name in ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril"):
            setattr(new, name, getattr(self, name))
        return settled(self, LowRankMultivariateNormal, new, batch_shape, self.event_shape)

    @property
    def mean(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:  # type: ignore[override]
        """Diagonal of the covariance."""
        diagonal = self._unbroadcasted_cov_factor.pow(2).sum(-1) + self._unbroadcasted_cov_diag
        return diagonal.expand(self._batch_shape + self._event_shape)

    def _for_each(self, matrix: Tensor) -> Tensor:
        """Return a matrix expanded to the batch."""
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """Lower triangular factor of the covariance.

        The matrix that is factored has no eigenvalue below 1: the diagonal was divided out
        (Rasmussen and Williams, Gaussian Processes for Machine Learning, 3.4.3).
        """
        root = self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        factor = self._unbroadcasted_cov_factor / root
        return self._for_each(root * _cholesky_beside_identity(torch.matmul(factor, factor.mT)))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """Covariance."""
        factor = self._unbroadcasted_cov_factor
        low_rank = torch.matmul(factor, factor.mT)
        return self._for_each(low_rank + torch.diag_embed(self._unbroadcasted_cov_diag))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Inverse of the covariance, by the matrix identity of Woodbury."""
        factor, diagonal = self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag
        projection = factor.mT / diagonal.unsqueeze(-2)
        half = torch.linalg.solve_triangular(self._capacitance_tril, projection, upper=False)
        return self._for_each(torch.diag_embed(diagonal.reciprocal()) - half.mT @ half)

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw normal numbers for the factor's columns, then for the diagonal."""
        shape = self._extended_shape(sample_shape)
        options = {"dtype": self.loc.dtype, "device": self.loc.device}
        of_factor = _standard_normal(shape[:-1] + self.cov_factor.shape[-1:], **options)
        of_diagonal = _standard_normal(shape, **options)
        draws = self.loc + _batch_mv(self._unbroadcasted_cov_factor, of_factor)
        return draws + self._unbroadcasted_cov_diag.sqrt() * of_diagonal

    def _log_determinant(self) -> Tensor:
        return _batch_lowrank_logdet(
            self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag, self._capacitance_tril
        )

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        length = _batch_lowrank_mahalanobis(
            self._unbroadcasted_cov_factor,
            self._unbroadcasted_cov_diag,
            value - self.loc,
            self._capacitance_tril,
        )
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + self._log_determinant() + length)

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        constant = self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        entropy = 0.5 * (constant + self._log_determinant())
        return entropy.expand(self._batch_shape) if self._batch_shape else entropy
