"""Pixels from channels, and back."""

from __future__ import annotations

from ..._tensor.tensor import Tensor
from .. import functional as F
from .module import Module

__all__ = ["PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Module):
    """Pixel shuffle (depth to space): ``(N, C * r^2, H, W)`` to ``(N, C, H * r, W * r)``.

    W. Shi et al.: Real-Time Single Image and Video Super-Resolution, CVPR 2016.

    Args:
        upscale_factor: how many times as high and wide images become.
    """

    __constants__ = ["upscale_factor"]
    upscale_factor: int

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return images of shape (..., channels, height * factor, width * factor)."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """Return the factor."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Pixel unshuffle (space to depth): ``(N, C, H * r, W * r)`` to ``(N, C * r^2, H, W)``.

    Args:
        downscale_factor: by what height and width are divided.
    """

    __constants__ = ["downscale_factor"]
    downscale_factor: int

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return images of shape (..., channels * factor ** 2, height, width)."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """Return the factor."""
        return f"downscale_factor={self.downscale_factor}"
