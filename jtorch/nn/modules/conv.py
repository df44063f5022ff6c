"""Convolutional layers, and those that are made when their first input comes."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from ..._tensor.tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter, UninitializedParameter
from .lazy import LazyModuleMixin
from .module import Module
from .utils import _ntuple, _reverse_repeat_tuple, _single

__all__ = [
    *("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
    *("LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d"),
    "LazyConvTranspose3d",
]


class _ConvNd(Module):
    """What all convolutional layers have: their numbers, a weight and perhaps a bias.

    Attributes:
        weight: of shape ``(out, in / groups, *kernel)``, for a transposed layer
            ``(in, out / groups, *kernel)``; drawn uniformly from ``[-k, k)``, where ``k`` is one
            over the root of the number of inputs that an output depends on.
        bias: of shape ``(out,)``, drawn likewise, or ``None``.
    """

    __constants__ = [
        "stride",
        "padding",
        "dilation",
        "groups",
        "padding_mode",
        "output_padding",
        "in_channels",
        "out_channels",
        "kernel_size",
    ]

    in_channels: int
    _reversed_padding_repeated_twice: Any
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: str | tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int
    padding_mode: str
    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: str | tuple[int, ...],
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            padding_modes = {"same", "valid"}
            if padding not in padding_modes:
                raise ValueError(
                    f"Invalid padding string {padding!r}, should be one of {padding_modes}"
                )
            if padding == "same" and any(step != 1 for step in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        modes = {"zeros", "reflect", "replicate", "circular"}
        if padding_mode not in modes:
            raise ValueError(
                f"padding_mode must be one of {modes}, but got padding_mode='{padding_mode}'"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = self._padding_for_pad()
        shares = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        shape = (shares[0], shares[1] // groups, *kernel_size)
        self.weight = Parameter(torch.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(torch.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _padding_for_pad(self) -> Any:
        """Return the padding as ``F.pad`` wants it, for modes that are no zeros."""
        if not isinstance(self.padding, str):
            return _reverse_repeat_tuple(self.padding, 2)
        widths = []
        for step, length in zip(reversed(self.dilation), reversed(self.kernel_size)):
            total = step * (length - 1) if self.padding == "same" else 0
            widths += [total // 2, total - total // 2]
        return widths

    def reset_parameters(self) -> None:
        """Initialise the parameters."""
        with torch.no_grad():
            if self.weight.is_contiguous():
                init.kaiming_uniform_(self.weight, a=math.sqrt(5))
            else:
                # Whatever the memory format, a seed gives the same weights.
                drawn = torch.empty_like(self.weight, memory_format=torch.contiguous_format)
                init.kaiming_uniform_(drawn, a=math.sqrt(5))
                self.weight.copy_(drawn)
            if self.bias is not None:
                fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
                bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """Return the numbers that are not the usual ones."""
        options = [
            f"{self.in_channels}, {self.out_channels}",
            f"kernel_size={self.kernel_size}",
            f"stride={self.stride}",
        ]
        usual: dict[str, Any] = {
            "padding": (0,) * len(self.padding),
            "dilation": (1,) * len(self.dilation),
            "output_padding": (0,) * len(self.output_padding),
            "groups": 1,
        }
        for name, value in usual.items():
            if getattr(self, name) != value:
                options.append(f"{name}={getattr(self, name)}")
        if self.bias is None:
            options.append("bias=False")
        if self.padding_mode != "zeros":
            options.append(f"padding_mode={self.padding_mode}")
        return ", ".join(options)

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        if not hasattr(self, "padding_mode"):
            self.padding_mode = "zeros"


class _PlainConv(_ConvNd):
    """A layer that convolves."""

    _dimensions = 0

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        as_tuple = _ntuple(self._dimensions)
        super().__init__(
            in_channels,
            out_channels,
            as_tuple(kernel_size),
            as_tuple(stride),
            padding if isinstance(padding, str) else as_tuple(padding),
            as_tuple(dilation),
            False,
            as_tuple(0),
            groups,
            bias,
            padding_mode,
            device=device,
            dtype=dtype,
        )

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        convolve = getattr(F, f"conv{self._dimensions}d")
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0,) * self._dimensions
        return convolve(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution of a tensor of shape ``(batch, in, *sizes)``."""
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_PlainConv):
    """1-D convolution (cross-correlation) of ``(N, C_in, L)`` to ``(N, C_out, L_out)``.

    Args:
        in_channels, out_channels: numbers of channels before and after.
        kernel_size: size of a window.
        stride: step from one window to the next.
        padding: zeros on both sides, or ``"same"`` or ``"valid"``.
        dilation: step between the elements of a window.
        groups: how many groups of channels are apart from each other.
        bias: whether there is one.
        padding_mode: what to pad with: ``"zeros"``, ``"reflect"``, ``"replicate"`` or
            ``"circular"``.
        device, dtype: of the parameters.
    """

    _dimensions = 1


class Conv2d(_PlainConv):
    """2-D convolution (cross-correlation) of ``(N, C_in, H, W)`` to ``(N, C_out, H_out, W_out)``.

    Args:
        in_channels, out_channels: numbers of channels before and after.
        kernel_size, stride, padding, dilation: a number, or one each for height and width; see
            ``Conv1d``.
        groups: how many groups of channels are apart from each other.
        bias: whether there is one.
        padding_mode: what to pad with, see ``Conv1d``.
        device, dtype: of the parameters.
    """

    _dimensions = 2


class Conv3d(_PlainConv):
    """3-D convolution (cross-correlation) of ``(N, C_in, D, H, W)``, giving ``C_out`` channels.

    Args:
        in_channels, out_channels: numbers of channels before and after.
        kernel_size, stride, padding, dilation: a number, or one each for depth, height and width;
            see ``Conv1d``.
        groups: how many groups of channels are apart from each other.
        bias: whether there is one.
        padding_mode: what to pad with, see ``Conv1d``.
        device, dtype: of the parameters.
    """

    _dimensions = 3


class _ConvTransposeNd(_ConvNd):
    """What all transposed layers have."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {self.__class__.__name__}'
            )
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            transposed,
            output_padding,
            groups,
            bias,
            padding_mode,
            device=device,
            dtype=dtype,
        )

    def _output_padding(
        self,
        input: Tensor,
        output_size: Any,
        stride: Any,
        padding: Any,
        kernel_size: Any,
        num_spatial_dims: int,
        dilation: Any = None,
    ) -> Any:
        """Return what to add to the least sizes to get those that are asked for."""
        if output_size is None:
            return _single(self.output_padding)
        leading = 2 if input.dim() == num_spatial_dims + 2 else 1
        if len(output_size) == leading + num_spatial_dims:
            output_size = output_size[leading:]
        if len(output_size) != num_spatial_dims:
            raise ValueError(
                f"ConvTranspose{num_spatial_dims}D: for {input.dim()}D input, output_size must "
                f"have {num_spatial_dims} or {leading + num_spatial_dims} elements "
                f"(got {len(output_size)})"
            )
        least = [
            (input.size(d + leading) - 1) * stride[d]
            - 2 * padding[d]
            + (1 if dilation is None else dilation[d]) * (kernel_size[d] - 1)
            + 1
            for d in range(num_spatial_dims)
        ]
        most = [size + step - 1 for size, step in zip(least, stride)]
        for size, low, high in zip(output_size, least, most):
            if not low <= size <= high:
                raise ValueError(
                    f"requested an output size of {output_size}, but valid sizes range from "
                    f"{least} to {most} (for an input of {input.size()[2:]})"
                )
        return [size - low for size, low in zip(output_size, least)]


class _PlainConvTranspose(_ConvTransposeNd):
    """A layer that applies the gradient of a convolution."""

    _dimensions = 0

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        as_tuple = _ntuple(self._dimensions)
        super().__init__(
            in_channels,
            out_channels,
            as_tuple(kernel_size),
            as_tuple(stride),
            as_tuple(padding),
            as_tuple(dilation),
            True,
            as_tuple(output_padding),
            groups,
            bias,
            padding_mode,
            device=device,
            dtype=dtype,
        )

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Return the transposed convolution.

        Args:
            input: tensor of shape ``(batch, in, *sizes)``.
            output_size: sizes of the result, where the stride leaves several possible.
        """
        rank = self._dimensions
        if self.padding_mode != "zeros":
            raise ValueError(f"Only `zeros` padding mode is supported for ConvTranspose{rank}d")
        output_padding = self._output_padding(
            input,
            output_size,
            self.stride,
            self.padding,
            self.kernel_size,
            rank,
            self.dilation,
        )
        return getattr(F, f"conv_transpose{rank}d")(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            output_padding,
            self.groups,
            self.dilation,
        )


class ConvTranspose1d(_PlainConvTranspose):
    """1-D transposed convolution of ``(N, C_in, L)``: the gradient (adjoint) of ``Conv1d``.

    Args:
        in_channels, out_channels: numbers of channels before and after.
        kernel_size, stride, padding, dilation: those of the convolution.
        output_padding: sizes to add to the least result that the convolution would take.
        groups: how many groups of channels are apart from each other.
        bias: whether there is one.
        padding_mode: ``"zeros"``.
        device, dtype: of the parameters.
    """

    _dimensions = 1


class ConvTranspose2d(_PlainConvTranspose):
    """2-D transposed convolution of ``(N, C_in, H, W)``: the gradient (adjoint) of ``Conv2d``.

    Args:
        in_channels, out_channels, groups, bias, padding_mode, device, dtype: see
            ``ConvTranspose1d``.
        kernel_size, stride, padding, output_padding, dilation: a number, or one each for height
            and width.
    """

    _dimensions = 2


class ConvTranspose3d(_PlainConvTranspose):
    """3-D transposed convolution of ``(N, C_in, D, H, W)``: the gradient of ``Conv3d``.

    Args:
        in_channels, out_channels, groups, bias, padding_mode, device, dtype: see
            ``ConvTranspose1d``.
        kernel_size, stride, padding, output_padding, dilation: a number, or one each for depth,
            height and width.
    """

    _dimensions = 3


class _LazyConvXdMixin(LazyModuleMixin):
    """Make the parameters of a convolutional layer when its first input comes."""

    groups: int
    transposed: bool
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    weight: UninitializedParameter
    bias: Any

    def reset_parameters(self) -> None:
        """Initialise the parameters, once they are there."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Give the parameters their shapes by the first input."""
        if not self.has_uninitialized_params():
            return
        self.in_channels = self._get_in_channels(input)
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        shares = [self.out_channels, self.in_channels]
        if self.transposed:
            shares.reverse()
        self.weight.materialize((shares[0], shares[1] // self.groups, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()

    def _get_in_channels(self, input: Tensor) -> int:
        rank = self._get_num_spatial_dims()
        if input.dim() not in (rank + 1, rank + 2):
            raise RuntimeError(
                f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to "
                f"{self.__class__.__name__}, but got input of size: {input.shape}"
            )
        return input.shape[1] if input.dim() == rank + 2 else input.shape[0]

    def _get_num_spatial_dims(self) -> int:
        return self._dimensions  # type: ignore[attr-defined]

    def _wait_for_input(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        """Take parameters without a shape."""
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)


class _LazyPlainConv(_LazyConvXdMixin):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        numbers = (kernel_size, stride, padding, dilation, groups, False, padding_mode)
        super().__init__(0, 0, *numbers, device=device, dtype=dtype)
        self._wait_for_input(out_channels, bias, device, dtype)


class _LazyPlainConvTranspose(_LazyConvXdMixin):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        numbers = (kernel_size, stride, padding, output_padding, groups, False, dilation)
        super().__init__(0, 0, *numbers, padding_mode, device=device, dtype=dtype)
        self._wait_for_input(out_channels, bias, device, dtype)


class LazyConv1d(_LazyPlainConv, Conv1d):  # type: ignore[misc]
    """A ``Conv1d`` whose ``in_channels`` is that of its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyPlainConv, Conv2d):  # type: ignore[misc]
    """A ``Conv2d`` whose ``in_channels`` is that of its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyPlainConv, Conv3d):  # type: ignore[misc]
    """A ``Conv3d`` whose ``in_channels`` is that of its first input."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyPlainConvTranspose, ConvTranspose1d):  # type: ignore[misc]
    """A ``ConvTranspose1d`` whose ``in_channels`` is that of its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyPlainConvTranspose, ConvTranspose2d):  # type: ignore[misc]
    """A ``ConvTranspose2d`` whose ``in_channels`` is that of its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyPlainConvTranspose, ConvTranspose3d):  # type: ignore[misc]
    """A ``ConvTranspose3d`` whose ``in_channels`` is that of its first input."""

    cls_to_become = ConvTranspose3d
