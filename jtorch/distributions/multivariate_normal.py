"""The multivariate normal distribution."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import settled
from .distribution import Distribution
from .utils import _standard_normal, lazy_property

__all__ = ["MultivariateNormal"]

#: The ways to give a covariance.
_MATRICES = ("covariance_matrix", "scale_tril", "precision_matrix")


def _batch_mv(bmat: Any, bvec: Any) -> Tensor:
    """Return products of matrices with vectors, whose batch shapes broadcast."""
    return torch.matmul(bmat, bvec.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(bL: Any, bx: Any) -> Tensor:
    """Return the squared Mahalanobis length of vectors, by the Cholesky factors of covariances.

    Every matrix solves for all of its vectors at once, so that the vectors' dimensions that the
    matrices repeat over are brought to the front, and back after that.

    Args:
        bL: lower triangular, of shape ``batch + (n, n)``.
        bx: of a shape ``... + batch + (n,)``, or with multiples of the dimensions of ``batch``.
    Returns:
        Tensor of the shape of ``bx`` without its last dimension.
    """
    n = bx.size(-1)
    vectors_shape = bx.shape[:-1]
    dims = bL.dim() - 2
    outer = len(vectors_shape) - dims
    split = bx.shape[:outer]
    for of_matrices, of_vectors in zip(bL.shape[:-2], bx.shape[outer:-1]):
        split += (of_vectors // of_matrices, of_matrices)
    last = outer + 2 * dims
    repeats, batch_dims = range(outer, last, 2), range(outer + 1, last, 2)
    vectors = bx.reshape(split + (n,)).permute([*range(outer), *repeats, *batch_dims, last])

    matrices = bL.reshape(-1, n, n)
    columns = vectors.reshape(-1, matrices.size(0), n).permute(1, 2, 0)
    solved = torch.linalg.solve_triangular(matrices, columns, upper=False)
    lengths = solved.pow(2).sum(-2).t().reshape(vectors.shape[:-1])

    order = list(range(outer))
    for dim in range(outer, outer + dims):
        order += [dim, dim + dims]
    return lengths.permute(order).reshape(vectors_shape)


def _precision_to_scale_tril(P: Any) -> Tensor:
    """Return the Cholesky factor of the inverse, from the factor of the matrix turned around."""
    flipped = torch.linalg.cholesky(torch.flip(P, (-2, -1)))
    inverse = torch.transpose(torch.flip(flipped, (-2, -1)), -2, -1)
    identity = torch.eye(P.shape[-1], dtype=P.dtype, device=P.device)
    return torch.linalg.solve_triangular(inverse, identity, upper=False)


class MultivariateNormal(Distribution):
    """Multivariate normal (Gaussian) distribution with a mean vector and a covariance matrix.

    Args:
        loc: mean, of shape ``batch_shape + (n,)``.
        covariance_matrix: positive definite, of shape ``batch_shape + (n, n)``.
        precision_matrix: inverse of the covariance, in its place.
        scale_tril: lower triangular factor ``L`` of the covariance ``L @ L.T``, in its place; the
            cheapest of the three.
        validate_args: whether to check parameters and values.
    Raises:
        ValueError: not exactly one matrix is given, or with too few dimensions.
    """

    loc: Tensor
    arg_constraints: Any = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support: Any = constraints.real_vector
    has_rsample = True
    _unbroadcasted_scale_tril: Tensor

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        matrices = (covariance_matrix, scale_tril, precision_matrix)
        given = [pair for pair in zip(_MATRICES, matrices) if pair[1] is not None]
        if len(given) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
                "specified."
            )
        name, matrix = given[0]
        assert matrix is not None
        if matrix.dim() < 2:
            subject = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(
                f"{subject} must be at least two-dimensional, with optional leading batch "
                "dimensions"
            )
        batch_shape = torch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand(batch_shape + (-1, -1)))
        self.loc = loc.expand(batch_shape + (-1,))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        if name == "covariance_matrix":
            matrix = torch.linalg.cholesky(matrix)
        elif name == "precision_matrix":
            matrix = _precision_to_scale_tril(matrix)
        self._unbroadcasted_scale_tril = matrix

    def expand(self, batch_shape: Any, _instance: Any = None) -> MultivariateNormal:
        """Return the distribution with a larger batch shape."""
        new: Any = self._get_checked_instance(MultivariateNormal, _instance)
        batch_shape = torch.Size(batch_shape)
        vector_shape = batch_shape + self.event_shape
        new.loc = self.loc.expand(vector_shape)
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril
        for name in _MATRICES:
            if name in self.__dict__:
                setattr(new, name, self.__dict__[name].expand(vector_shape + self.event_shape))
        return settled(self, MultivariateNormal, new, batch_shape, self.event_shape)

    def _for_each(self, matrix: Tensor) -> Tensor:
        """Return a matrix expanded to the batch."""
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """Lower triangular factor of the covariance."""
        return self._for_each(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """Covariance."""
        factor = self._unbroadcasted_scale_tril
        return self._for_each(torch.matmul(factor, factor.mT))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Inverse of the covariance."""
        return self._for_each(torch.cholesky_inverse(self._unbroadcasted_scale_tril))

    @property
    def mean(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Diagonal of the covariance."""
        diagonal = self._unbroadcasted_scale_tril.pow(2).sum(-1)
        return diagonal.expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw standard normal vectors, multiply them by the factor and shift them."""
        shape = self._extended_shape(sample_shape)
        noise = _standard_normal(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, noise)

    def _half_log_determinant(self) -> Tensor:
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        length = _batch_mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        half_log_determinant = self._half_log_determinant()
        return -0.5 * (constant + length) - half_log_determinant

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        constant = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        entropy = constant + self._half_log_determinant()
        return entropy.expand(self._batch_shape) if self._batch_shape else entropy
