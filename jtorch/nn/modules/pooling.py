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
        stride: step from one window to the next, its size unless given.
        padding: how far windows may begin before the image.
        dilation: step between the elements of a window.
        return_indices: whether to return the elements' places too.
        ceil_mode: whether a window may reach beyond the end.
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
    """Take the largest elements of windows of ``(batch, channels, size)``.

    Args:
        kernel_size, stride, padding, dilation, return_indices, ceil_mode: see
            ``torch.nn.functional.max_pool1d``.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the largest elements, and their places where they were asked for."""
        return self._pool(F.max_pool1d, input)


class MaxPool2d(_MaxPoolNd):
    """Take the largest elements of windows of ``(batch, channels, height, width)``.

    Args:
        kernel_size, stride, padding, dilation, return_indices, ceil_mode: see
            ``torch.nn.functional.max_pool2d``.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the largest elements, and their places where they were asked for."""
        return self._pool(F.max_pool2d, input)


class MaxPool3d(_MaxPoolNd):
    """Take the largest elements of windows of ``(batch, channels, depth, height, width)``.

    Args:
        kernel_size, stride, padding, dilation, return_indices, ceil_mode: see
            ``torch.nn.functional.max_pool3d``.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the largest elements, and their places where they were asked for."""
        return self._pool(F.max_pool3d, input)


class _MaxUnpoolNd(Module):
    """Put elements back where ``MaxPool`` found them, with zeros between.

    Args:
        kernel_size, stride, padding: those of the pooling.
    """

    _dimensions = 0

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        each = _ntuple(self._dimensions)
        self.kernel_size = each(kernel_size)
        self.stride = each(kernel_size if stride is None else stride)
        self.padding = each(padding)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Return an image with the elements at their places.

        Args:
            input: the elements.
            indices: their places, int64, as the pooling returned them.
            output_size: sizes of the image, where the windows leave several possible.
        """
        unpool = getattr(F, f"max_unpool{self._dimensions}d")
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """Return the numbers of the windows."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """Undo ``MaxPool1d`` as far as that can be.

    Args:
        kernel_size, stride, padding: those of the pooling.
    """

    _dimensions = 1


class MaxUnpool2d(_MaxUnpoolNd):
    """Undo ``MaxPool2d`` as far as that can be.

    Args:
        kernel_size, stride, padding: those of the pooling.
    """

    _dimensions = 2


class MaxUnpool3d(_MaxUnpoolNd):
    """Undo ``MaxPool3d`` as far as that can be.

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
    """Take the means of windows of ``(batch, channels, size)``.

    Args:
        kernel_size: size of a window.
        stride: step from one window to the next, its size unless given.
        padding: zeros on both sides.
        ceil_mode: whether a window may reach beyond the end.
        count_include_pad: whether zeros of the padding count as elements.
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
    """Take the means of windows of ``(batch, channels, height, width)``.

    Args:
        kernel_size, stride, padding, ceil_mode, count_include_pad: see ``AvgPool1d``; a number, or
            one each for height and width.
        divisor_override: what to divide sums by instead of the number of elements.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return self._pool(F.avg_pool2d, input)


class AvgPool3d(_AvgPoolImages):
    """Take the means of windows of ``(batch, channels, depth, height, width)``.

    Args:
        kernel_size, stride, padding, ceil_mode, count_include_pad: see ``AvgPool1d``; a number, or
            one each for depth, height and width.
        divisor_override: what to divide sums by instead of the number of elements.
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
        each: Any,
        kernel_size: Any,
        output_size: Any,
        output_ratio: Any,
        return_indices: bool,
        samples: Any,
    ) -> None:
        """Take the arguments, each as a tuple, after checking them."""
        # A subclass is told the name of the layer that it derives from.
        name = next(c.__name__ for c in type(self).__mro__ if c.__module__.endswith("pooling"))
        self.kernel_size = each(kernel_size)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", samples)
        self.output_size = None if output_size is None else each(output_size)
        self.output_ratio = None if output_ratio is None else each(output_ratio)
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"{name} requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None:
            first = each(0)
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
    """Take the largest elements of windows whose places are drawn (B. Graham, 2014).

    Args:
        kernel_size: size of a window: a number, or one each for height and width.
        output_size: sizes of the result.
        output_ratio: those sizes over the input's instead, between 0 and 1.
        return_indices: whether to return the elements' places too.
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
        """Return the largest elements, and their places where they were asked for."""
        return self._pool(F.fractional_max_pool2d, input)


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """Take the largest elements of windows whose places are drawn, in three dimensions.

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
        """Return the largest elements, and their places where they were asked for."""
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
    """Take the power averages of windows of ``(batch, channels, size)``.

    Args:
        norm_type: the power.
        kernel_size, stride, ceil_mode: of the windows.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the power averages."""
        return self._pool(F.lp_pool1d, input)


class LPPool2d(_LPPoolNd):
    """Take the power averages of windows of ``(batch, channels, height, width)``.

    Args:
        norm_type: the power.
        kernel_size, stride, ceil_mode: of the windows.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the power averages."""
        return self._pool(F.lp_pool2d, input)


class LPPool3d(_LPPoolNd):
    """Take the power averages of windows of ``(batch, channels, depth, height, width)``.

    Args:
        norm_type: the power.
        kernel_size, stride, ceil_mode: of the windows.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the power averages."""
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
    """Take the largest elements of so many windows of ``(batch, channels, size)``.

    Args:
        output_size: number of windows.
        return_indices: whether to return the elements' places too.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the largest elements, and their places where they were asked for."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Take the largest elements of so many windows of ``(batch, channels, height, width)``.

    Args:
        output_size: number of windows, or one each for height and width; ``None`` for the input's.
        return_indices: whether to return the elements' places too.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the largest elements, and their places where they were asked for."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Take the largest elements of so many windows of ``(batch, channels, depth, height, width)``.

    Args:
        output_size: number of windows, or one for each dimension; ``None`` for the input's.
        return_indices: whether to return the elements' places too.
    """

    def forward(self, input: Tensor) -> Any:
        """Return the largest elements, and their places where they were asked for."""
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
    """Take the means of so many windows of ``(batch, channels, size)``.

    Args:
        output_size: number of windows.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Take the means of so many windows of ``(batch, channels, height, width)``.

    Args:
        output_size: number of windows, or one each for height and width; ``None`` for the input's.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Take the means of so many windows of ``(batch, channels, depth, height, width)``.

    Args:
        output_size: number of windows, or one for each dimension; ``None`` for the input's.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.adaptive_avg_pool3d(input, self.output_size)
