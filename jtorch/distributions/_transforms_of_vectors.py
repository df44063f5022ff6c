"""Transforms of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from ..nn.functional import logsigmoid, pad, softplus
from . import constraints
from ._transforms_base import _TOO_FEW_DIMENSIONS, Transform
from ._transforms_of_numbers import _clipped_sigmoid, _Fixed
from .utils import tril_matrix_to_vec, vec_to_tril_matrix


def _require_dims(shape: Any, count: int) -> None:
    if len(shape) < count:
        raise ValueError(_TOO_FEW_DIMENSIONS)


class CorrCholeskyTransform(Transform):
    """A vector of ``n * (n - 1) / 2`` numbers to the Cholesky factor of a correlation matrix.

    Each row of that factor has length 1: the hyperbolic tangents of the numbers, squared, break a
    stick of length 1 (Lewandowski, Kurowicka and Joe 2009; as in Stan's reference manual,
    "Cholesky factors of correlation matrices").
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Any) -> Any:
        x = torch.tanh(x)
        epsilon = torch.finfo(x.dtype).eps
        x = x.clamp(min=-1 + epsilon, max=1 - epsilon)
        rows = vec_to_tril_matrix(x, diag=-1)
        left = (1 - rows**2).sqrt().cumprod(-1)
        rows = rows + torch.eye(rows.shape[-1], dtype=rows.dtype, device=rows.device)
        return rows * pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y: Any) -> Any:
        left = 1 - torch.cumsum(y * y, dim=-1)
        left = pad(left[..., :-1], [1, 0], value=1)
        entries = tril_matrix_to_vec(y, diag=-1)
        tanh = entries / tril_matrix_to_vec(left, diag=-1).sqrt()
        return (tanh.log1p() - tanh.neg().log1p()) / 2

    def log_abs_det_jacobian(self, x: Any, y: Any, intermediates: Any = None) -> Any:
        # Of the entries below the diagonal. Two diagonals down, what is left of the stick stands
        # where the next entry would be.
        left = tril_matrix_to_vec(1 - (y * y).cumsum(dim=-1), diag=-2)
        of_sticks = 0.5 * left.log().sum(-1)
        of_tanh = -2 * (x + softplus(-2 * x) - math.log(2.0)).sum(dim=-1)
        return of_sticks + of_tanh

    def forward_shape(self, shape: Any) -> Any:
        _require_dims(shape, 1)
        count = shape[-1]
        size = round((0.25 + 2 * count) ** 0.5 + 0.5)
        if size * (size - 1) // 2 != count:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return shape[:-1] + (size, size)

    def inverse_shape(self, shape: Any) -> Any:
        _require_dims(shape, 2)
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        size = shape[-1]
        return shape[:-2] + (size * (size - 1) // 2,)


class SoftmaxTransform(_Fixed):
    """Vectors to the simplex, by exponentials over their sum; not bijective."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        exponentials = (x - x.max(-1, True)[0]).exp()
        return exponentials / exponentials.sum(-1, True)

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def forward_shape(self, shape: Any) -> Any:
        _require_dims(shape, 1)
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(_Fixed):
    """Vectors to the simplex of one dimension more, by breaking a stick again and again.

    The sigmoid of each number tells which part of the rest of the stick breaks off. The numbers are
    shifted so that a vector of zeros gives equal parts.
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _call(self, x: Any) -> Any:
        remaining = x.shape[-1] + 1 - x.new_ones(x.shape[-1]).cumsum(-1)
        parts = _clipped_sigmoid(x - remaining.log())
        left = (1 - parts).cumprod(-1)
        return pad(parts, [0, 1], value=1) * pad(left, [1, 0], value=1)

    def _inverse(self, y: Any) -> Any:
        pieces = y[..., :-1]
        remaining = y.shape[-1] - y.new_ones(pieces.shape[-1]).cumsum(-1)
        left = 1 - pieces.cumsum(-1)
        # Rounding may take more than there was.
        left = torch.clamp(left, min=torch.finfo(y.dtype).tiny)
        return pieces.log() - left.log() + remaining.log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        remaining = x.shape[-1] + 1 - x.new_ones(x.shape[-1]).cumsum(-1)
        x = x - remaining.log()
        # 1 - sigmoid(x) is exp(-x) * sigmoid(x).
        return (-x + logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        _require_dims(shape, 1)
        return shape[:-1] + (shape[-1] + 1,)

    def inverse_shape(self, shape: Any) -> Any:
        _require_dims(shape, 1)
        return shape[:-1] + (shape[-1] - 1,)


class LowerCholeskyTransform(_Fixed):
    """Square matrices to lower triangular ones, with the exponential of their diagonal."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Any) -> Any:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(_Fixed):
    """Square matrices to positive definite ones, by way of their Cholesky factors."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Any) -> Any:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(torch.linalg.cholesky(y))
