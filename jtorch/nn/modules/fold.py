"""Layers that take images apart into patches, and add patches up."""

from __future__ import annotations

from typing import Any

from ..._tensor.tensor import Tensor
from .. import functional as F
from .module import Module

__all__ = ["Fold", "Unfold"]


class Fold(Module):
    """Fold (col2im): sum overlapping patches into images, the gradient of ``Unfold``.

    Args:
        output_size: height and width of the images.
        kernel_size, dilation, padding, stride: where the patches lie.
    """

    __constants__ = ["output_size", "kernel_size", "dilation", "padding", "stride"]

    def __init__(
        self,
        output_size: Any,
        kernel_size: Any,
        dilation: Any = 1,
        padding: Any = 0,
        stride: Any = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Return images from patches of shape ``(batch, channels * elements, patches)``."""
        numbers = (self.kernel_size, self.dilation, self.padding, self.stride)
        return F.fold(input, self.output_size, *numbers)

    def extra_repr(self) -> str:
        """Return the sizes, and where the patches lie."""
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )


class Unfold(Module):
    """Unfold (im2col): extract sliding patches of ``(N, C, H, W)`` as ``(N, C * k, L)``.

    Args:
        kernel_size, dilation, padding, stride: where the patches lie.
    """

    __constants__ = ["kernel_size", "dilation", "padding", "stride"]

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Return patches of shape ``(batch, channels * elements, patches)``."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """Return where the patches lie."""
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )
