"""Convolutions: ``conv1d`` to ``conv3d``, transposed ones, and the operator behind them all."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from ...._core import dtypes, messages
from ...._core.cpp_names import type_name
from ...._core.promotion import can_cast, promote_types
from ...._core.strides import strides_of_order
from ...._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ...._engine.graph.op import Operand, Spec
from ...._engine.graph.values import Meta, is_tensor, make_meta
from ...._engine.recording.kinds.base import Custom
from ..._shared.half_products import stays_half
from ..._shared.memory_order import suggests_channels_last
from ..._shared.widening import wide_dtype, widen
from .. import _messages as nn_messages
from ..binding import bound_each_time
from ..padding import constant_pad_nd
from . import _messages
from .convolution_forms import (
    Geometry,
    computed_with,
    convolve,
    input_gradient,
    weight_gradient,
)

_LAST = {4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}
_OLD_NAMES = ("Float", "Double", "Half", "Long", "Int", "Short", "Char", "Byte")


def _tensor_type(meta: Meta) -> str:
    """Return what PyTorch calls the type of a tensor in this message."""
    name = meta.dtype._legacy_name
    return f"torch.{name}Tensor" if name in _OLD_NAMES else f"CPU{name}Type"


class _Convolution:
    """One convolution that is being planned: its arguments, checked as PyTorch does."""

    def __init__(self, bound: dict[str, Any], mode: Any):
        self.input, self.weight, self.bias = bound["input"], bound["weight"], bound["bias"]
        self.transposed = bound["transposed"]
        self.groups = bound["groups"]
        self.meta, self.filters = self.input.meta, self.weight.meta
        self.rank = rank = self.filters.ndim - 2
        if rank < 1:
            raise _messages.weight_rank()
        if self.groups <= 0:
            raise _messages.not_positive("groups")
        names = ("stride", "padding", "dilation", "output_padding")
        lists = [_expanded(name, bound[name], rank) for name in names]
        self.stride, self.padding, self.dilation, self.output_padding = lists
        self._check_numbers()
        self._check_shapes()
        self._check_dtypes()
        self.operands = [self.input, self.weight]
        if self.bias is not None:
            self.operands.append(self.bias)
        self.wanted = [bool(mode.grad and operand.meta.grad) for operand in self.operands]
        self.kernel = self.filters.shape[2:]
        self.geometry = Geometry(
            self.stride,
            tuple([(pad, pad) for pad in self.padding]),
            self.dilation,
            self.groups,
            self.meta.device.type == "cpu",
        )
        self.outputs = self._output_sizes()

    def _check_numbers(self) -> None:
        if any(pad < 0 for pad in self.padding):
            raise _messages.negative("padding")
        if any(pad < 0 for pad in self.output_padding):
            raise _messages.negative("output_padding")
        if any(step <= 0 for step in self.stride):
            raise _messages.not_positive("stride")
        if any(step < 0 for step in self.dilation):
            raise _messages.dilation(None)
        if 0 in self.dilation:
            raise _messages.dilation(self.dilation)

    def _check_shapes(self) -> None:
        weight, shape, groups = self.filters.shape, self.meta.shape, self.groups
        if len(weight) != len(shape):
            raise _messages.rank_mismatch(weight, shape)
        if weight[0] < groups:
            raise _messages.weight_too_small(groups, weight)
        if weight[0] % groups:
            raise _messages.weight_not_divisible(groups, weight)
        expected = weight[0] if self.transposed else weight[1] * groups
        if shape[1] != expected:
            raise _messages.channels(None if self.transposed else groups, weight, shape, expected)
        self.channels = weight[1] * groups if self.transposed else weight[0]
        if self.bias is not None and self.bias.meta.shape != (self.channels,):
            raise _messages.bias(self.transposed, weight, self.channels, self.bias.meta.shape)
        if self.transposed:
            return
        padded = [size + 2 * pad for size, pad in zip(shape[2:], self.padding, strict=True)]
        kernel = [d * (k - 1) + 1 for d, k in zip(self.dilation, weight[2:], strict=True)]
        if any(size < length for size, length in zip(padded, kernel, strict=True)):
            raise _messages.kernel_too_large(padded, kernel)
        if 0 in weight[2:]:
            raise _messages.empty_kernel()

    def _check_dtypes(self) -> None:
        dtype, given = self.meta.dtype, self.filters.dtype
        bias = dtype if self.bias is None else self.bias.meta.dtype
        if bias is not dtype and not self.transposed:
            raise _messages.bias_type(type_name(dtype), type_name(bias))
        if dtype is not given:
            if dtype.is_complex:
                names = _tensor_type(self.meta), _tensor_type(self.filters)
                raise _messages.input_weight_types(*names, False)
            if dtype in dtypes.HALVES or self._is_for_onednn():
                names = _tensor_type(self.meta), _tensor_type(self.filters)
                raise _messages.input_weight_types(*names, True)
            if dtype is not dtypes.bool_:
                raise _messages.scalar_types(dtype._legacy_name, given._legacy_name)
        if bias is not dtype and (
            dtype in dtypes.HALVES or dtype.is_complex or self._is_for_onednn()
        ):
            assert self.bias is not None
            names = _tensor_type(self.meta), _tensor_type(self.bias.meta)
            raise _messages.onednn_bias_type(*names)
        if not can_cast(promote_types(dtype, bias), dtype):  # a transposed one adds it in place
            raise messages.cannot_cast_result(
                promote_types(dtype, bias)._legacy_name, dtype._legacy_name
            )
        if dtype is dtypes.bool_:
            kernel = f"slow_conv{'_transpose' if self.transposed else ''}{max(self.rank, 2)}d"
            raise messages.not_implemented(
                f"{kernel}_{'out_' if self.transposed else ''}cpu", "Bool"
            )

    def _is_for_onednn(self) -> bool:
        """Return whether oneDNN is asked, which does not get small images of one dimension."""
        shape = self.meta.shape
        if self.rank == 1 and self.groups == 1 and shape[0] == 1 and math.prod(shape) <= 20480:
            return False
        return self.uses_onednn()

    def uses_onednn(self) -> bool:
        """Return whether PyTorch gives this one to oneDNN, which decides about memory formats."""
        shape, weight = self.meta.shape, self.filters.shape
        if self.meta.dtype is not dtypes.float32 or 0 in shape:
            return False
        if self.transposed and any(
            extra >= step for extra, step in zip(self.output_padding, self.stride, strict=True)
        ):
            return False
        if self.groups > 1 or shape[0] > 1 or len(shape) == 3:
            return True
        big = weight[-1] > 3 and weight[-2] > 3
        size = shape[0] * shape[1] * shape[2] * shape[3]
        return big or size > 20480

    def _output_sizes(self) -> tuple[int, ...]:
        sizes = self.meta.shape[2:]
        reach = [d * (k - 1) for d, k in zip(self.dilation, self.kernel, strict=True)]
        if not self.transposed:
            return tuple(
                [
                    (size + 2 * pad - far - 1) // step + 1
                    for size, pad, far, step in zip(
                        sizes, self.padding, reach, self.stride, strict=True
                    )
                ]
            )
        for extra, step, dilation in zip(
            self.output_padding, self.stride, self.dilation, strict=True
        ):
            if extra >= step and extra >= dilation:
                lists = [self.output_padding, self.stride, self.dilation]
                if self.rank == 1:
                    lists = [(fill, *each) for fill, each in zip((0, 1, 1), lists, strict=True)]
                raise _messages.output_padding(*lists)
        outputs = [
            (size - 1) * step - 2 * pad + far + extra + 1
            for size, step, pad, far, extra in zip(
                sizes, self.stride, self.padding, reach, self.output_padding, strict=True
            )
        ]
        if any(size < 1 for size in outputs):
            raise _messages.no_output()
        return tuple(outputs)

    def result(self) -> Meta:
        # torch 2.13: without input channels there are no output channels, whatever the weight.
        channels = self.channels if self.meta.shape[1] else 0
        shape = (self.meta.shape[0], channels, *self.outputs)
        strides = None
        if self.channels_last():
            strides = strides_of_order(shape, _LAST[len(shape)])
        return make_meta(shape, self.meta.dtype, self.meta.device, strides)

    def channels_last(self) -> bool:
        """Return whether the result has a ``channels_last`` format: where input or weight do."""
        if not (suggests_channels_last(self.meta) or suggests_channels_last(self.filters)):
            return False
        return self.rank == 2 or self.uses_onednn()

    # The gradients. A transposed convolution is the gradient of one whose input is the result.

    def _geometry_back(self) -> Geometry:
        """Return the convolution from the result of a transposed one back to its input.

        Output padding of a stride or more would make room for further windows: they are cut off.
        """
        geometry, padding = self.geometry, []
        for dim, (low, high) in enumerate(geometry.padding):
            size, made, stride = self.meta.shape[2 + dim], self.outputs[dim], geometry.stride[dim]
            reach = geometry.dilation[dim] * (self.kernel[dim] - 1) + 1
            spare = made + low + high - reach - (size - 1) * stride
            padding.append((low, high - spare if spare >= stride else high))
        return geometry._replace(padding=tuple(padding))

    def gradient(self) -> _Gradient:
        geometry = self._geometry_back() if self.transposed else self.geometry
        return _Gradient(geometry, self.transposed, tuple(self.wanted))


class _Gradient(NamedTuple):
    """The gradient of one convolution, for images of any size.

    Attributes:
        geometry: of the convolution whose gradient is taken, or which is the gradient.
        transposed: whether it is the latter.
        wanted: whether each operand's gradient is wanted.
    """

    geometry: Geometry
    transposed: bool
    wanted: tuple[bool, ...]

    def vjp(self, cotangents: list, results: list, operands: list) -> list:
        upstream, input, weight = computed_with(self.geometry, cotangents[0], *operands[:2])
        gradients = []
        if self.wanted[0]:
            if self.transposed:
                gradients.append(convolve(upstream, weight, self.geometry))
            else:
                gradients.append(input_gradient(upstream, weight, input.shape[2:], self.geometry))
        if self.wanted[1]:
            pair = (upstream, input) if self.transposed else (input, upstream)
            gradients.append(weight_gradient(*pair, weight.shape[2:], self.geometry))
        if len(self.wanted) == 3 and self.wanted[2]:
            gradients.append(jnp.sum(widen(upstream), (0, *range(2, upstream.ndim))))
        return [gradient.astype(cotangents[0].dtype) for gradient in gradients]


def _expanded(name: str, given: Any, rank: int) -> tuple[int, ...]:
    numbers = (given,) if isinstance(given, int) else tuple(given)
    if len(numbers) == 1:
        return numbers * rank
    if len(numbers) != rank:
        raise _messages.parameter_count(name, numbers, rank)
    return numbers


def _convolution_spec(operation, bound, mode) -> Spec:
    convolution = _Convolution(bound, mode)
    result = convolution.result()
    return Spec(
        convolution.operands,
        (result,),
        {
            "geometry": convolution.geometry,
            "sizes": result.shape[2:] if convolution.transposed else None,
        },
        saves=(0, 1),
        vjp=convolution.gradient().vjp,
    )


@op(
    "_real_convolution(Tensor input, Tensor weight, Tensor? bias, SymIntArrayRef stride, "
    "SymIntArrayRef padding, SymIntArrayRef dilation, bool transposed, "
    "SymIntArrayRef output_padding, SymInt groups)",
    kind=Custom(_convolution_spec),
    method=False,
    function=False,
    node_name="ConvolutionBackward0",
)
def _real_convolution(
    input: Any,
    weight: Any,
    bias: Any = None,
    *,
    geometry: Geometry,
    sizes: tuple[int, ...] | None,
) -> Any:
    """Convolve real images.

    Args:
        sizes: those of the results' images where the convolution is a transposed one.
    """
    images, filters = computed_with(geometry, input, weight)
    if sizes is not None:
        result = input_gradient(images, filters, sizes, geometry)
    else:
        result = convolve(images, filters, geometry)
    if input.shape[1] == 0:  # then there are no output channels either
        return jnp.zeros((input.shape[0], 0, *result.shape[2:]), input.dtype)
    if bias is not None:
        result = widen(result)
        row = widen(bias).astype(result.dtype).reshape(1, -1, *(1,) * (result.ndim - 2))
        result = result + row
    return result.astype(input.dtype)


def _convolved(
    input: Any,
    weight: Any,
    bias: Any,
    stride: tuple,
    padding: tuple,
    dilation: tuple,
    transposed: bool,
    output_padding: tuple,
    groups: int,
) -> Any:
    """Convolve a batch: complex numbers as PyTorch does, by three real convolutions."""
    rest = (stride, padding, dilation, transposed, output_padding, groups)
    dtype = input._value.meta.dtype
    if not dtype.is_complex or weight.dtype is not dtype:
        return _real_convolution.call(input, weight, bias, *rest)
    if bias is not None and bias.dtype is not dtype:
        if not transposed:
            raise _messages.bias_type(type_name(dtype), type_name(bias.dtype))
        bias = bias.to(dtype)
    real, imag = input.real, input.imag
    weight_real, weight_imag = weight.real, weight.imag
    biases = (None, None)
    if bias is not None:
        biases = (bias.real, bias.real + bias.imag)
    # Three products instead of four, as for complex numbers (Gauss).
    first = _real_convolution.call(real, weight_real, biases[0], *rest)
    second = _real_convolution.call(imag, weight_imag, None, *rest)
    both = _real_convolution.call(real + imag, weight_real + weight_imag, biases[1], *rest)
    return (first - second) + (both - first - second) * 1j


_NINE = (
    "(Tensor input, Tensor weight, Tensor? bias, SymIntArrayRef stride, SymIntArrayRef padding, "
    "SymIntArrayRef dilation, bool transposed, SymIntArrayRef output_padding, SymInt groups"
)


@op(f"convolution{_NINE})", method=False, autocast=Autocast(cuda="lower"))
def convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    """Convolution of a batch of images, or the transpose of one.

    Args:
        input: tensor of shape (batch, in, *sizes).
        weight: tensor of shape (out, in / groups, *kernel); (in, out / groups, *kernel) for a
            transposed convolution.
        bias: tensor of shape (out,), or ``None``.
        stride, padding, dilation, output_padding: a number, or one for each dimension of an image.
        transposed: whether to apply the gradient of a convolution instead.
        groups: how many groups of channels are apart from each other.
    Returns:
        Tensor of shape (batch, out, *output sizes).
    """
    stride, padding, dilation = [tuple(sizes) for sizes in (stride, padding, dilation)]
    return _convolved(
        *(input, weight, bias, stride, padding, dilation),
        *(bool(transposed), tuple(output_padding), groups),
    )


@op(
    f"_convolution{_NINE}, bool benchmark, bool deterministic, bool cudnn_enabled)",
    f"_convolution{_NINE}, bool benchmark, bool deterministic, bool cudnn_enabled, "
    "bool allow_tf32)",
    method=False,
    autocast=Autocast(cuda="lower"),
)
def _convolution(
    input,
    weight,
    bias,
    stride,
    padding,
    dilation,
    transposed,
    output_padding,
    groups,
    benchmark,
    deterministic,
    cudnn_enabled,
    allow_tf32=None,
):
    """Convolution, as ``torch.convolution``; how cuDNN is to be used has no meaning here."""
    return convolution(
        input, weight, bias, stride, padding, dilation, transposed, output_padding, groups
    )


def _as_batch(name: str, rank: int, input: Any) -> tuple[Any, bool]:
    """Return an input as a batch, and whether it was none."""
    shape = input.shape
    if len(shape) == rank + 2:
        return input, True
    if len(shape) != rank + 1:
        raise _messages.batched_rank(name, rank, shape)
    return input.unsqueeze(0), False


def _by_name(input: Any, weight: Any, padding: str, stride: tuple, dilation: tuple) -> Any:
    """Return the input and the numbers of zeros that a word for the padding means."""
    rank = weight.dim() - 2
    if rank < 1:
        raise _messages.weight_rank()
    if padding == "valid":
        return input, (0,) * rank
    if padding != "same":
        raise _messages.padding_name(padding)
    if input.dim() != weight.dim():
        raise _messages.rank_mismatch(weight.shape, input.shape, "")
    if any(step != 1 for step in stride):
        raise _messages.same_strided()
    dilation = dilation * rank if len(dilation) == 1 else dilation
    totals = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:])]
    if any(total % 2 for total in totals):
        # Where the zeros do not share out evenly, PyTorch puts the odd one behind.
        _messages.warn_uneven_same()
        widths = [side for total in reversed(totals) for side in (0, total % 2)]
        input = constant_pad_nd.call(input, widths)
    return input, tuple([total // 2 for total in totals])


def _make_convolution(rank: int) -> Callable:
    name = f"conv{rank}d"
    ints = f"SymIntArrayRef[{rank}]"
    head = f"{name}(Tensor input, Tensor weight, Tensor? bias=None, {ints} stride=1, "
    tail = f"{ints} dilation=1, SymInt groups=1)"
    zeros, full = (0,) * rank, rank + 2

    def convolve_bound(input, weight, bias, stride, padding, dilation, groups):
        input, batched = _as_batch(name, rank, input)
        stride, dilation = tuple(stride), tuple(dilation)
        if isinstance(padding, str):
            input, padding = _by_name(input, weight, padding, stride, dilation)
        result = _convolved(
            input, weight, bias, stride, tuple(padding), dilation, False, zeros, groups
        )
        return result if batched else result.squeeze(0)

    def wrap(bound_call: Any) -> Callable:
        schema = bound_call.__signature__.schema

        def convolve_images(*args, **kwargs):
            # What modules do: everything by position, lists as tuples, a batch.
            if not kwargs and len(args) == 7:
                input, weight, bias, stride, padding, dilation, groups = args
                if (
                    stride.__class__ is tuple
                    and padding.__class__ is tuple
                    and dilation.__class__ is tuple
                    and groups.__class__ is int
                    and is_tensor(input)
                    and is_tensor(weight)
                    and (bias is None or is_tensor(bias))
                    and input._value.meta.ndim == full
                ):
                    return _convolved(
                        input, weight, bias, stride, padding, dilation, False, zeros, groups
                    )
            return convolve_bound(**schema.bind(args, kwargs)[1])

        return convolve_images

    convolve_bound.__doc__ = _doc(False, rank)
    call = op(
        f"{head}{ints} padding=0, {tail}",
        f'{head}c10::string_view padding="valid", {tail}',
        method=False,
        autocast="lower",
        remembered=True,
        wrap=wrap,
    )(convolve_bound)
    publish(name, call, registry=NN_FUNCTIONS)
    return call


def _make_transposed(rank: int) -> Callable:
    name = f"conv_transpose{rank}d"
    ints = f"SymIntArrayRef[{rank}]"

    def convolve_back(input, weight, bias, stride, padding, output_padding, groups, dilation):
        input, batched = _as_batch(name, rank, input)
        stride, padding, dilation = [tuple(sizes) for sizes in (stride, padding, dilation)]
        result = _convolved(
            *(input, weight, bias, stride, padding, dilation),
            *(True, tuple(output_padding), groups),
        )
        return result if batched else result.squeeze(0)

    convolve_back.__doc__ = _doc(True, rank)
    call = op(
        f"{name}(Tensor input, Tensor weight, Tensor? bias=None, {ints} stride=1, "
        f"{ints} padding=0, {ints} output_padding=0, SymInt groups=1, {ints} dilation=1)",
        method=False,
        autocast="lower",
        remembered=True,
        wrap=bound_each_time(convolve_back),
    )(convolve_back)
    publish(name, call, registry=NN_FUNCTIONS)
    return call


def _doc(transposed: bool, rank: int) -> str:
    """Return the docstring of a convolution."""
    noun = "Transposed convolution" if transposed else "Convolution"
    weight = "(in, out / groups, *kernel)" if transposed else "(out, in / groups, *kernel)"
    extra = "\n        output_padding: sizes to add to the result." if transposed else ""
    words_too = "" if transposed else ", or ``'same'`` or ``'valid'``"
    return f"""{noun} over {rank} dimension{"s" if rank > 1 else ""}.

    Args:
        input: tensor of shape (batch, in, *sizes), or (in, *sizes).
        weight: tensor of shape {weight}.
        bias: tensor of shape (out,), or ``None``.
        stride, dilation: steps between windows, and between the elements of one.
        padding: zeros on both sides{words_too}.{extra}
        groups: how many groups of channels are apart from each other.
    Returns:
        Tensor of shape (batch, out, *output sizes), or (out, *output sizes).
    """


conv1d, conv2d, conv3d = map(_make_convolution, (1, 2, 3))
conv_transpose1d, conv_transpose2d, conv_transpose3d = map(_make_transposed, (1, 2, 3))


# The gradients as functions


def _backward_spec(operation, bound, mode) -> Spec:
    given, other = bound["given"], bound["grad_output"]
    of_input = bound["of_input"]
    shape = tuple(bound["shape"])
    gradient = make_meta(shape, other.meta.dtype, other.meta.device)
    missing = Operand("missing", None, gradient)
    pair = (missing, given) if of_input else (given, missing)
    convolution = _Convolution(
        {
            **{name: bound[name] for name in ("stride", "padding", "dilation", "groups")},
            "input": pair[0],
            "weight": pair[1],
            "bias": None,
            "transposed": False,
            "output_padding": (0,),
        },
        mode,
    )
    return Spec(
        [given, other],
        (gradient,),
        {"of_input": of_input, "shape": shape, "geometry": convolution.geometry},
        saves=(0, 1),
    )


@op(
    "_convolution_backward(Tensor given, Tensor grad_output, SymIntArrayRef shape, "
    "SymIntArrayRef stride, SymIntArrayRef padding, SymIntArrayRef dilation, SymInt groups, "
    "bool of_input)",
    kind=Custom(_backward_spec),
    method=False,
    function=False,
    node_name="ConvolutionBackwardBackward0",
)
def _convolution_backward(
    given: Any, upstream: Any, *, of_input: bool, shape: tuple[int, ...], geometry: Geometry
) -> Any:
    """Return the gradient of a convolution's input or weight, of which the shape is given."""
    given, arriving = computed_with(geometry, given, upstream)
    if of_input:
        gradient = input_gradient(arriving, given, shape[2:], geometry)
    else:
        gradient = weight_gradient(given, arriving, shape[2:], geometry)
    return gradient.astype(upstream.dtype)


def convolution_backward(
    rank: int,
    given: Any,
    shape: Any,
    upstream: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    of_input: bool,
) -> Any:
    """Return the gradient of the input, or of the weight, of a convolution.

    Args:
        rank: number of dimensions of an image.
        given: the one of input and weight whose gradient it is not.
        shape: of the other.
        upstream: gradient of the result.
        stride, padding, dilation: a number, or one for each dimension.
        groups: of the convolution.
        of_input: whether it is the input's.
    """
    lists = [
        tuple(each) if isinstance(each, (tuple, list)) else (each,) * rank
        for each in (stride, padding, dilation)
    ]
    return _convolution_backward.call(given, upstream, tuple(shape), *lists, groups, of_input)


# Over time, batch, channels


def _tbc_spec(operation, bound, mode) -> Spec:
    operands: list[Operand] = [bound["input"], bound["weight"], bound["bias"]]
    metas = [operand.meta for operand in operands]
    input, weight, bias = metas
    if input.ndim != 3:
        raise _messages.tbc("input")
    if weight.ndim != 3:
        raise _messages.tbc("weight")
    if bias.ndim != 1:
        raise _messages.tbc("bias")
    length = input.shape[0] - weight.shape[0] + 1 + 2 * bound["pad"]
    if input.shape[2] != weight.shape[1]:
        raise _messages.tbc("channels")
    if weight.shape[2] != bias.shape[0]:
        raise _messages.tbc("bias_size")
    shape = (length, input.shape[1], weight.shape[2])
    if length < 0:
        raise nn_messages.negative_size(shape)
    pad = bound["pad"]

    return Spec(
        operands,
        (make_meta(shape, input.dtype, input.device),),
        {"shape": shape, "pad": pad, "length": length, "halves": stays_half(input)},
        saves=(0, 1, 2),
    )


@op(
    "conv_tbc(Tensor input, Tensor weight, Tensor bias, int64_t pad=0)",
    kind=Custom(_tbc_spec),
    method=False,
    node_name="ConvTbcBackward0",
    autocast="lower",
)
def conv_tbc(
    input: Any, weight: Any, bias: Any, *, shape: Any, pad: Any, length: Any, halves: bool
) -> Any:
    """Convolution over time of sequences of shape (time, batch, channels).

    Args:
        input: tensor of shape (time, batch, in).
        weight: tensor of shape (kernel, in, out).
        bias: tensor of shape (out,).
        pad: zeros before and behind.
    Returns:
        Tensor of shape (time + 2 * pad - kernel + 1, batch, out).
    """
    dtype = input.dtype
    wide = wide_dtype(dtype)
    factors = dtype if halves else wide
    padded = jnp.pad(input, ((pad, pad), (0, 0), (0, 0))).astype(factors)
    total = jnp.zeros(shape, wide)
    for tap in range(weight.shape[0]):
        product = padded[tap : tap + length] @ weight[tap].astype(factors)
        total = total + product.astype(wide)
    return (total + bias.astype(wide)).astype(dtype)


publish("conv_tbc", conv_tbc.call, registry=NN_FUNCTIONS)
