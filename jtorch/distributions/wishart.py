"""The Wishart distribution of positive definite matrices."""

from __future__ import annotations

import math
import warnings
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import settled
from .chi2 import Chi2
from .exp_family import ExponentialFamily
from .multivariate_normal import _precision_to_scale_tril
from .utils import _NUMBER, lazy_property

__all__ = ["Wishart"]

_log_2 = math.log(2)
#: The ways to give the matrix.
_MATRICES = ("covariance_matrix", "precision_matrix", "scale_tril")


def _mvdigamma(x: Tensor, p: int) -> Tensor:
    """Return the derivative of the logarithm of the multivariate gamma function.

    Raises:
        AssertionError: ``x`` is not above ``(p - 1) / 2``.
    """
    if not x.gt((p - 1) / 2).all():
        raise AssertionError("Wrong domain for multivariate digamma function.")
    halves = torch.arange(p, dtype=x.dtype, device=x.device).div(2)
    return torch.digamma(x.unsqueeze(-1) - halves.expand(x.shape + (-1,))).sum(-1)


def _clamp_above_eps(x: Tensor) -> Tensor:
    return x.clamp(min=torch.finfo(x.dtype).eps)


class Wishart(ExponentialFamily):
    """Wishart distribution of positive definite matrices: the scatter of ``df`` normal vectors.

    Args:
        df: degrees of freedom above ``n - 1``, a number or a tensor of a shape that broadcasts
            with the batch.
        covariance_matrix: positive definite, of shape ``batch_shape + (n, n)``.
        precision_matrix: inverse of the covariance, in its place.
        scale_tril: lower triangular factor ``L`` of the covariance ``L @ L.T``, in its place; the
            cheapest of the three.
        validate_args: whether to check parameters and values.
    Raises:
        AssertionError: not exactly one matrix is given.
        ValueError: the matrix has too few dimensions, or there are too few degrees of freedom.
    """

    df: Tensor
    support: Any = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure: Any = 0
    _unbroadcasted_scale_tril: Tensor

    def __init__(
        self,
        df: Tensor | float,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        matrices = (covariance_matrix, precision_matrix, scale_tril)
        given = [pair for pair in zip(_MATRICES, matrices) if pair[1] is not None]
        if len(given) != 1:
            raise AssertionError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
                "specified."
            )
        name, matrix = given[0]
        assert matrix is not None
        if matrix.dim() < 2:
            raise ValueError(
                "scale_tril must be at least two-dimensional, with optional leading batch "
                "dimensions"
            )
        if isinstance(df, _NUMBER):
            batch_shape = torch.Size(matrix.shape[:-2])
            self.df = torch.tensor(df, dtype=matrix.dtype, device=matrix.device)
        else:
            batch_shape = torch.broadcast_shapes(matrix.shape[:-2], df.shape)
            self.df = df.expand(batch_shape)
        event_shape = matrix.shape[-2:]
        n = event_shape[-1]
        if self.df.le(n - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        setattr(self, name, matrix.expand(batch_shape + (-1, -1)))
        if self.df.lt(n).any():
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for "
                "ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        super().__init__(batch_shape, event_shape, validate_args=validate_args)
        self._batch_dims = [-(dim + 1) for dim in range(len(batch_shape))]
        if name == "covariance_matrix":
            matrix = torch.linalg.cholesky(matrix)
        elif name == "precision_matrix":
            matrix = _precision_to_scale_tril(matrix)
        self._unbroadcasted_scale_tril = matrix
        self._dist_chi2 = self._chi2_of_diagonal(batch_shape)

    def _chi2_of_diagonal(self, batch_shape: Any) -> Chi2:
        """Return the distribution of the squares on the diagonal of a drawn factor."""
        factor = self._unbroadcasted_scale_tril
        fewer = torch.arange(self._event_shape[-1], dtype=factor.dtype, device=factor.device)
        return Chi2(df=self.df.unsqueeze(-1) - fewer.expand(batch_shape + (-1,)))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Wishart:
        """Return the distribution with a larger batch shape."""
        new: Any = self._get_checked_instance(Wishart, _instance)
        batch_shape = torch.Size(batch_shape)
        shape = batch_shape + self.event_shape
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril.expand(shape)
        new.df = self.df.expand(batch_shape)
        new._batch_dims = [-(dim + 1) for dim in range(len(batch_shape))]
        for name in _MATRICES:
            if name in self.__dict__:
                setattr(new, name, self.__dict__[name].expand(shape))
        settled(self, Wishart, new, batch_shape, self.event_shape)
        new._dist_chi2 = new._chi2_of_diagonal(batch_shape)
        return new

    @property
    def arg_constraints(self) -> dict[str, Any]:
        """Constraints of the matrices, and the least of ``df``."""
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def _for_each(self, matrix: Tensor) -> Tensor:
        """Return a matrix expanded to the batch."""
        return matrix.expand(self._batch_shape + self._event_shape)

    def _df_beside_matrices(self, df: Tensor) -> Tensor:
        return df.view(self._batch_shape + (1, 1))

    @lazy_property
    def scale_tril(self) -> Tensor:
        """Lower triangular factor of the covariance."""
        return self._for_each(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """Covariance of the normal vectors."""
        factor = self._unbroadcasted_scale_tril
        return self._for_each(factor @ factor.transpose(-2, -1))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Inverse of the covariance."""
        factor = self._unbroadcasted_scale_tril
        identity = torch.eye(self._event_shape[-1], device=factor.device, dtype=factor.dtype)
        return self._for_each(torch.cholesky_solve(identity, factor))

    @property
    def mean(self) -> Tensor:
        """Covariance times degrees of freedom."""
        return self._df_beside_matrices(self.df) * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        """Where the density is largest; NaN up to ``n + 1`` degrees of freedom."""
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        factor[factor <= 0] = math.nan
        return self._df_beside_matrices(factor) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        """Variance of each element."""
        covariance = self.covariance_matrix
        diagonal = covariance.diagonal(dim1=-2, dim2=-1)
        products = torch.einsum("...i,...j->...ij", diagonal, diagonal)
        return self._df_beside_matrices(self.df) * (covariance.pow(2) + products)

    def _bartlett_sampling(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw matrices by their Cholesky factors (Bartlett's decomposition).

        Odell and Feiveson: *A numerical procedure to generate a sample covariance matrix*, 1966.
        """
        p = self._event_shape[-1]
        roots = _clamp_above_eps(self._dist_chi2.rsample(sample_shape).sqrt())
        noise = roots.diag_embed(dim1=-2, dim2=-1)
        row, column = torch.tril_indices(p, p, offset=-1)
        below = torch.Size(sample_shape) + self._batch_shape + (p * (p - 1) // 2,)
        noise[..., row, column] = torch.randn(below, dtype=noise.dtype, device=noise.device)
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.transpose(-2, -1)

    def _over_batch(self, found: Tensor) -> Tensor:
        return found.amax(self._batch_dims) if self._batch_shape else found

    def rsample(
        self, sample_shape: Any = torch.Size(), max_try_correction: int | None = None
    ) -> Tensor:
        """Draw matrices, some of them again.

        PyTorch 2.13 takes the matrices that lie in the support for singular ones at first, and
        draws them again; what remains outside the support afterwards is tried again.

        Args:
            sample_shape: how many to draw.
            max_try_correction: how often to try again, 10 times without it.
        """
        if max_try_correction is None:
            max_try_correction = 10
        sample = self._bartlett_sampling(torch.Size(sample_shape))
        again = self._over_batch(self.support.check(sample))
        if not again.any():
            return sample
        warnings.warn("Singular sample detected.", stacklevel=2)
        for _ in range(max_try_correction):
            drawn = self._bartlett_sampling(again[again].shape)
            sample[again] = drawn
            again[again.clone()] = self._over_batch(~self.support.check(drawn))
            if not again.any():
                break
        return sample

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        nu, p = self.df, self._event_shape[-1]
        factor = self._unbroadcasted_scale_tril
        scale = p * _log_2 / 2 + factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        constant = -nu * scale - torch.mvlgamma(nu / 2, p=p)
        power = (nu - p - 1) / 2 * torch.linalg.slogdet(value).logabsdet
        ratio = torch.cholesky_solve(value, factor).diagonal(dim1=-2, dim2=-1)
        return constant + power - ratio.sum(dim=-1) / 2

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        nu, p = self.df, self._event_shape[-1]
        diagonal = self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1)
        scale = p * _log_2 / 2 + diagonal.log().sum(-1)
        start = (p + 1) * scale + torch.mvlgamma(nu / 2, p=p)
        return start - (nu - p - 1) / 2 * _mvdigamma(nu / 2, p=p) + nu * p / 2

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Any, y: Any) -> Tensor:  # type: ignore[override]
        p = self._event_shape[-1]
        half = y + (p + 1) / 2
        log_determinant = torch.linalg.slogdet(-2 * x).logabsdet
        return half * (-log_determinant + _log_2 * p) + torch.mvlgamma(half, p=p)
