"""Dropout: elements or channels that are set to 0 at random in training."""

from __future__ import annotations

from ..._tensor.tensor import Tensor
from .. import functional as F
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    """What all dropouts share.

    Args:
        p: probability of an element, or a channel, to be dropped.
        inplace: whether to write to the input.
    """

    __constants__ = ["p", "inplace"]
    p: float
    inplace: bool

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Return the probability and whether the input is written to."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """Dropout: in training, zero each element with probability ``p``, scale by ``1 / (1 - p)``.

    N. Srivastava et al.: Dropout, JMLR 15 (2014).

    Args:
        p: the probability.
        inplace: whether to write to the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements dropped."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Channel-wise dropout of ``(N, C, L)``; arguments as of ``Dropout``."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, of shape (batch, channels, length), with channels dropped."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Channel-wise (spatial) dropout of ``(N, C, H, W)``; arguments as of ``Dropout``."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, of shape (batch, channels, height, width), with channels dropped."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """Channel-wise dropout of ``(N, C, D, H, W)``; arguments as of ``Dropout``."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, of shape (batch, channels, depth, height, width), likewise."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Alpha dropout: set elements to SELU's negative limit, keeping mean 0 and variance 1.

    G. Klambauer et al.: Self-Normalizing Neural Networks, NeurIPS 2017.

    Args:
        p: probability of an element to be dropped.
        inplace: without meaning.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements dropped."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """Channel-wise alpha dropout; arguments as of ``AlphaDropout``."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped."""
        return F.feature_alpha_dropout(input, self.p, self.training)
