"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._parameters import settled
from .chi2 import Chi2
from .distribution import Distribution
from .utils import _standard_normal, broadcast_all

__all__ = ["StudentT"]


class StudentT(Distribution):
    """Student's t-distribution, shifted and scaled.

    Args:
        df: degrees of freedom.
        loc: centre.
        scale: factor of the standard distribution. All three are numbers or tensors that
            broadcast together.
        validate_args: whether to check parameters and values.
    """

    df: Tensor
    loc: Tensor
    scale: Tensor
    arg_constraints: Any = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support: Any = constraints.real
    has_rsample = True

    def __init__(
        self,
        df: Tensor | float,
        loc: Tensor | float = 0.0,
        scale: Tensor | float = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> StudentT:
        """Return the distribution with a larger batch shape."""
        new: Any = self._get_checked_instance(StudentT, _instance)
        batch_shape = torch.Size(batch_shape)
        for name in ("df", "loc", "scale", "_chi2"):
            setattr(new, name, getattr(self, name).expand(batch_shape))
        return settled(self, StudentT, new, batch_shape)

    @property
    def mean(self) -> Tensor:
        """``loc``; NaN up to one degree of freedom."""
        mean = self.loc.clone(memory_format=torch.contiguous_format)
        mean[self.df <= 1] = math.nan
        return mean

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Infinite up to two degrees of freedom, NaN up to one."""
        df = self.df
        variance = df.clone(memory_format=torch.contiguous_format)
        finite = df > 2
        variance[finite] = self.scale[finite].pow(2) * df[finite] / (df[finite] - 2)
        variance[(df <= 2) & (df > 1)] = math.inf
        variance[df <= 1] = math.nan
        return variance

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw normal numbers, each over the root of a chi-squared one per degree of freedom."""
        df = self.df
        normal = _standard_normal(
            self._extended_shape(sample_shape), dtype=df.dtype, device=df.device
        )
        squares = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (normal * torch.rsqrt(squares / df))

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        df = self.df
        standard = (value - self.loc) / self.scale
        constant = (
            self.scale.log()
            + 0.5 * df.log()
            + 0.5 * math.log(math.pi)
            + torch.lgamma(0.5 * df)
            - torch.lgamma(0.5 * (df + 1.0))
        )
        return -0.5 * (df + 1.0) * torch.log1p(standard**2.0 / df) - constant

    def entropy(self) -> Tensor:
        """Return the differential entropy, in nats."""
        df = self.df
        half, above = 0.5 * df, 0.5 * (df + 1)
        log_beta = torch.lgamma(half) + math.lgamma(0.5) - torch.lgamma(above)
        slope = 0.5 * (df + 1) * (torch.digamma(above) - torch.digamma(half))
        return self.scale.log() + slope + 0.5 * df.log() + log_beta
