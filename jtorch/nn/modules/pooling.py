"""Layers that pool windows of images, and those that undo it."""

from __future__ import annotations

from typing import Any

from ..._tensor.tensor import Tensor
from .. import functional as F
from .module import Module
from .utils import _ntuple, _pair, _single, _triple

__all__ = [
    *("MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"),
    *("AvgPool1d", "AvgPool2d", "AvgPool3d", "FractionalMaxPool2d", "FractionalMaxPool3d"),
    *("LPPool1d", "LPPool2d", "LPPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d"),
    *("AdaptiveMaxPool3d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d"),
]


class _MaxPoolNd(Module):
    """Take the largest element of each window.

    Args:
        kernel_size: size of a window: a number, or one for each dimension.
        stride: step between windows, ``kernel_size`` unless given.
        padding: how far windows may begin before the image.
        dilation: step between the elements of a window.
        return_indices: whether to return the indices of the maxima (argmax) too.
        ceil_mode: whether the output size is rounded up, not down.
    """

    __constants__ = [
        *("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode")
    ]
    return_indices: bool
    ceil_mode: bool

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _pool(self, function: Any, input: Tensor) -> Any:
        return function(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        """Return the numbers of the windows."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """1-D max pooling of ``(N, C, L)``: the maximum of each window.

    Args:
        kernel_size, stride, padding, dilation, return_indices, ceil_mode: see
            ``torch.nn.functional.max_pool1d``.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their flat indices if ``return_indices``."""
        return self._pool(F.max_pool1d, input)


class MaxPool2d(_MaxPoolNd):
    """2-D max pooling of ``(N, C, H, W)``: the maximum of each window.

    Args:
        kernel_size, stride, padding, dilation, return_indices, ceil_mode: see
            ``torch.nn.functional.max_pool2d``.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their flat indices if ``return_indices``."""
        return self._pool(F.max_pool2d, input)


class MaxPool3d(_MaxPoolNd):
    """3-D max pooling of ``(N, C, D, H, W)``: the maximum of each window.

    Args:
        kernel_size, stride, padding, dilation, return_indices, ceil_mode: see
            ``torch.nn.functional.max_pool3d``.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their flat indices if ``return_indices``."""
        return self._pool(F.max_pool3d, input)


class _MaxUnpoolNd(Module):
    """Max unpooling: scatter the pooled maxima to their indices, zeros elsewhere.

    Args:
        kernel_size, stride, padding: those of the pooling.
    """

    _dimensions = 0

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        as_tuple = _ntuple(self._dimensions)
        self.kernel_size = as_tuple(kernel_size)
        self.stride = as_tuple(kernel_size if stride is None else stride)
        self.padding = as_tuple(padding)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Return zeros with ``input`` scattered to ``indices``.

        Args:
            input: the pooled maxima.
            indices: their flat indices, int64, as the pooling returned them.
            output_size: sizes of the image, where the windows leave several possible.
        """
        unpool = getattr(F, f"max_unpool{self._dimensions}d")
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """Return the numbers of the windows."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """1-D max unpooling, a partial inverse of ``MaxPool1d``: zeros except at the maxima.

    Args:
        kernel_size, stride, padding: those of the pooling.
    """

    _dimensions = 1


class MaxUnpool2d(_MaxUnpoolNd):
    """2-D max unpooling, a partial inverse of ``MaxPool2d``: zeros except at the maxima.

    Args:
        kernel_size, stride, padding: those of the pooling.
    """

    _dimensions = 2


class MaxUnpool3d(_MaxUnpoolNd):
    """3-D max unpooling, a partial inverse of ``MaxPool3d``: zeros except at the maxima.

    Args:
        kernel_size, stride, padding: those of the pooling.
    """

    _dimensions = 3


class _AvgPoolNd(Module):
    __constants__ = ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"]

    kernel_size: Any
    stride: Any
    padding: Any
    ceil_mode: bool
    count_include_pad: bool

    def extra_repr(self) -> str:
        """Return the numbers of the windows."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """1-D average pooling of ``(N, C, L)``: the mean of each window.

    Args:
        kernel_size: size of a window.
        stride: step between windows, ``kernel_size`` unless given.
        padding: number of zeros added on both sides.
        ceil_mode: whether the output size is rounded up, not down.
        count_include_pad: whether padded zeros count in the mean.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = _single(kernel_size)
        self.stride = _single(kernel_size if stride is None else stride)
        self.padding = _single(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )


class _AvgPoolImages(_AvgPoolNd):
    __constants__ = [
        *("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
        "divisor_override",
    ]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def _pool(self, function: Any, input: Tensor) -> Tensor:
        return function(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool2d(_AvgPoolImages):
    """2-D average pooling of ``(N, C, H, W)``: the mean of each window.

    Args:
        kernel_size, stride, padding, ceil_mode, count_include_pad: see ``AvgPool1d``; a number, or
            one each for height and width.
        divisor_override: divisor of the window sums, instead of the window size.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return self._pool(F.avg_pool2d, input)


class AvgPool3d(_AvgPoolImages):
    """3-D average pooling of ``(N, C, D, H, W)``: the mean of each window.

    Args:
        kernel_size, stride, padding, ceil_mode, count_include_pad: see ``AvgPool1d``; a number, or
            one each for depth, height and width.
        divisor_override: divisor of the window sums, instead of the window size.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return self._pool(F.avg_pool3d, input)

    def __setstate__(self, d: Any) -> None:
        super().__setstate__(d)
        self.__dict__.setdefault("padding", 0)
        self.__dict__.setdefault("ceil_mode", False)
        self.__dict__.setdefault("count_include_pad", True)


class _FractionalMaxPoolNd(Module):
    __constants__ = ["kernel_size", "return_indices", "output_size", "output_ratio"]

    kernel_size: Any
    return_indices: bool
    output_size: Any
    output_ratio: Any
    _random_samples: Any

    def _take(
        self,
        as_tuple: Any,
        kernel_size: Any,
        output_size: Any,
        output_ratio: Any,
        return_indices: bool,
        samples: Any,
    ) -> None:
        """Take the arguments, each as a tuple, after checking them."""
        # A subclass is told the name of the layer that it derives from.
        name = next(c.__name__ for c in type(self).__mro__ if c.__module__.endswith("pooling"))
        self.kernel_size = as_tuple(kernel_size)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", samples)
        self.output_size = None if output_size is None else as_tuple(output_size)
        self.output_ratio = None if output_ratio is None else as_tuple(output_ratio)
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"{name} requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None:
            first = as_tuple(0)
            if not all(0 < self.output_ratio[dim] < 1 for dim in range(len(first))):
                raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def _pool(self, function: Any, input: Tensor) -> Any:
        return function(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """2-D fractional max pooling over randomly placed windows (B. Graham, 2014).

    Args:
        kernel_size: size of a window: a number, or one each for height and width.
        output_size: sizes of the result.
        output_ratio: those sizes over the input's instead, between 0 and 1.
        return_indices: whether to return the indices of the maxima (argmax) too.
    """

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> None:
        super().__init__()
        self._take(_pair, kernel_size, output_size, output_ratio, return_indices, _random_samples)

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their flat indices if ``return_indices``."""
        return self._pool(F.fractional_max_pool2d, input)


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """3-D fractional max pooling over randomly placed windows.

    Args:
        kernel_size: size of a window: a number, or one for each dimension.
        output_size, output_ratio, return_indices: see ``FractionalMaxPool2d``.
    """

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> None:
        super().__init__()
        sizes = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size,)
        if any(isinstance(size, int) and size <= 0 for size in sizes):
            raise ValueError(f"kernel_size must be greater than 0, but got {kernel_size}")
        self._take(_triple, kernel_size, output_size, output_ratio, return_indices, _random_samples)

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their flat indices if ``return_indices``."""
        return self._pool(F.fractional_max_pool3d, input)


class _LPPoolNd(Module):
    __constants__ = ["norm_type", "kernel_size", "stride", "ceil_mode"]
    norm_type: float
    ceil_mode: bool

    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def _pool(self, function: Any, input: Tensor) -> Tensor:
        numbers = (self.kernel_size, self.stride, self.ceil_mode)
        return function(input, float(self.norm_type), *numbers)

    def extra_repr(self) -> str:
        """Return the power and the numbers of the windows."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPoolNd):
    """1-D power-average pooling of ``(N, C, L)``: ``(sum x^p)^(1/p)`` per window.

    Args:
        norm_type: the exponent ``p``.
        kernel_size, stride, ceil_mode: of the windows.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the power averages, one a window."""
        return self._pool(F.lp_pool1d, input)


class LPPool2d(_LPPoolNd):
    """2-D power-average pooling of ``(N, C, H, W)``: ``(sum x^p)^(1/p)`` per window.

    Args:
        norm_type: the exponent ``p``.
        kernel_size, stride, ceil_mode: of the windows.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the power averages, one a window."""
        return self._pool(F.lp_pool2d, input)


class LPPool3d(_LPPoolNd):
    """3-D power-average pooling of ``(N, C, D, H, W)``: ``(sum x^p)^(1/p)`` per window.

    Args:
        norm_type: the exponent ``p``.
        kernel_size, stride, ceil_mode: of the windows.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the power averages, one a window."""
        return self._pool(F.lp_pool3d, input)


class _AdaptiveMaxPoolNd(Module):
    __constants__ = ["output_size", "return_indices"]
    return_indices: bool

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def extra_repr(self) -> str:
        """Return the sizes of the result."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """1-D adaptive max pooling of ``(N, C, L)`` to a given output size.

    Args:
        output_size: number of windows.
        return_indices: whether to return the indices of the maxima (argmax) too.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their flat indices if ``return_indices``."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """2-D adaptive max pooling of ``(N, C, H, W)`` to a given output size.

    Args:
        output_size: number of windows, or one each for height and width; ``None`` for the input's.
        return_indices: whether to return the indices of the maxima (argmax) too.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their flat indices if ``return_indices``."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """3-D adaptive max pooling of ``(N, C, D, H, W)`` to a given output size.

    Args:
        output_size: number of windows, or one for each dimension; ``None`` for the input's.
        return_indices: whether to return the indices of the maxima (argmax) too.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the maxima, and their flat indices if ``return_indices``."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class _AdaptiveAvgPoolNd(Module):
    __constants__ = ["output_size"]

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """Return the sizes of the result."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """1-D adaptive average pooling of ``(N, C, L)`` to a given output size.

    Args:
        output_size: number of windows.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """2-D adaptive average pooling of ``(N, C, H, W)`` to a given output size.

    Args:
        output_size: number of windows, or one each for height and width; ``None`` for the input's.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """3-D adaptive average pooling of ``(N, C, D, H, W)`` to a given output size.

    Args:
        output_size: number of windows, or one for each dimension; ``None`` for the input's.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.adaptive_avg_pool3d(input, self.output_size)
