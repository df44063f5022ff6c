"""The distribution of Lewandowski, Kurowicka and Joe of Cholesky factors of correlations."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import settled
from .beta import Beta
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """LKJ distribution of Cholesky factors ``L``: density ``det(L L^T)^(concentration - 1)``.

    Lewandowski, Kurowicka and Joe: *Generating random correlation matrices based on vines and
    extended onion method*, 2009. A concentration of 1 makes all correlation matrices equally
    likely.

    Args:
        dim: size of the matrices.
        concentration: a number or a tensor.
        validate_args: whether to check parameters and values.
    Raises:
        ValueError: ``dim`` is below 2.
    """

    concentration: Tensor
    arg_constraints: Any = {"concentration": constraints.positive}
    support: Any = constraints.corr_cholesky

    def __init__(
        self,
        dim: int,
        concentration: Tensor | float = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        # The squared length of a row's part before the diagonal, by section 3.2 of the paper.
        marginal = self.concentration + 0.5 * (dim - 2)
        offset = torch.arange(
            dim - 1, dtype=self.concentration.dtype, device=self.concentration.device
        )
        offset = torch.cat([offset.new_zeros((1,)), offset])
        self._beta = Beta(offset + 0.5, marginal.unsqueeze(-1) - 0.5 * offset)
        event_shape = torch.Size((dim, dim))
        super().__init__(self.concentration.size(), event_shape, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> LKJCholesky:
        """Return the distribution with a larger batch shape."""
        new: Any = self._get_checked_instance(LKJCholesky, _instance)
        batch_shape = torch.Size(batch_shape)
        new.dim = self.dim
        new.concentration = self.concentration.expand(batch_shape)
        new._beta = self._beta.expand(batch_shape + (self.dim,))
        return settled(self, LKJCholesky, new, batch_shape, self.event_shape)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw factors by the onion method: each row's length, then its direction."""
        length = self._beta.sample(sample_shape).unsqueeze(-1)
        shape = self._extended_shape(sample_shape)
        normal = torch.randn(shape, dtype=length.dtype, device=length.device).tril(-1)
        direction = normal / normal.norm(dim=-1, keepdim=True)
        # Nothing lies before the first diagonal element: zero over zero.
        direction[..., 0, :].fill_(0.0)
        rows = torch.sqrt(length) * direction
        tiny = torch.finfo(rows.dtype).tiny
        rest = torch.clamp(1 - torch.sum(rows**2, dim=-1), min=tiny).sqrt()
        rows += torch.diag_embed(rest)
        return rows

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density.

        The determinant's power, times the Jacobian from the factor to the correlations: a power of
        each diagonal element.
        """
        if self._validate_args:
            self._validate_sample(value)
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        row = torch.arange(2, self.dim + 1, device=self.concentration.device)
        power = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - row
        log_density = torch.sum(power * diagonal.log(), dim=-1)
        # The normalising constant, page 1999 of the paper; mvlgamma has part of the power of pi.
        before = self.dim - 1
        alpha = self.concentration + 0.5 * before
        denominator = torch.lgamma(alpha) * before
        numerator = torch.mvlgamma(alpha - 0.5, before)
        constant = 0.5 * before * math.log(math.pi) + numerator - denominator
        return log_density - constant
