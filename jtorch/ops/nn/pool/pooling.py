"""Pooling over windows: maxima, averages and power averages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...._core import dtypes, messages
from ...._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ...._engine.graph.op import Spec
from ...._engine.graph.values import Meta, is_tensor, make_meta
from ...._engine.recording.kinds.base import Custom
from ...._engine.recording.record import write_result
from ...._engine.recording.trace import local
from ..._shared.memory_order import suggested_strides
from ..._shared.widening import widen
from ...pointwise import arithmetic
from .. import _messages as nn_messages
from ..activations import relu
from ..binding import bound_each_time
from . import _messages
from .pooling_forms import Windows, maximum, maximum_gradient, positions_of_maximum, total

#: Dtypes that have neither maxima over windows nor averages.
_NO_MAXIMUM = (dtypes.bool_, dtypes.complex64, dtypes.complex128)


def channels_last(array: Any, rank: int) -> Any:
    """Return images with their channels last, and with a batch."""
    if array.ndim == rank + 1:
        array = array[None]
    return jnp.moveaxis(array, 1, -1)


def channels_second(array: Any, batched: bool) -> Any:
    """Undo ``channels_last``."""
    array = jnp.moveaxis(array, -1, 1)
    return array if batched else array[0]


def expanded(name: str, parameter: str, given: Any, rank: int) -> tuple[int, ...]:
    """Return one number for each dimension, or raise PyTorch's error."""
    numbers = (given,) if isinstance(given, int) else tuple(given)
    if len(numbers) == 1:
        return numbers * rank
    if len(numbers) != rank:
        raise _messages.list_length(name, parameter, rank)
    return numbers


def _output_size(
    size: int, kernel: int, padding: int, stride: int, dilation: int, ceil: bool
) -> int:
    """Return how many windows there are along a dimension."""
    if stride == 0:
        raise _messages.stride_zero()
    if padding < 0:
        raise _messages.padding_negative(padding)
    if padding > ((kernel - 1) * dilation + 1) // 2:
        raise _messages.padding_too_large(padding, kernel, dilation)
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (room + (stride - 1 if ceil else 0)) // stride + 1
    # The last window has to begin inside of the image or of the padding before it.
    if ceil and (count - 1) * stride >= size + padding:
        count -= 1
    return count


class _Pooling:
    """A pooling that is being planned: its windows, checked as PyTorch does."""

    def __init__(self, name: str, bound: dict[str, Any], rank: int):
        self.name, self.rank = name, rank
        self.meta = meta = bound["input"].meta
        self.maximum = name.startswith("max")
        kernel = expanded(name, "kernel_size", bound["kernel_size"], rank)
        stride = bound["stride"]
        strides = expanded(name, "stride", stride, rank) if stride else kernel
        padding = expanded(name, "padding", bound["padding"], rank)
        dilation = (1,) * rank
        if self.maximum:
            dilation = expanded(name, "dilation", bound["dilation"], rank)
        if self.maximum or rank == 3:
            if meta.ndim not in (rank + 1, rank + 2):
                raise _messages.rank(rank)
        elif meta.ndim < 3:
            raise nn_messages.no_dimension(meta.ndim, -1 - meta.ndim)
        sizes = meta.shape[-rank:]
        outputs = tuple(
            [
                _output_size(*each, bound["ceil_mode"])
                for each in zip(sizes, kernel, padding, strides, dilation, strict=True)
            ]
        )
        self.windows = Windows(kernel, strides, padding, dilation, outputs)
        self._check(sizes)
        self.batched = meta.ndim == rank + 2

    def _check(self, sizes: tuple[int, ...]) -> None:
        windows, shape, rank = self.windows, self.meta.shape, self.rank
        for what, numbers in (
            ("kernel_size", windows.kernel),
            ("stride", windows.stride),
            ("dilation", windows.dilation),
        ):
            if any(number <= 0 for number in numbers):
                raise _messages.not_positive(what, numbers)
        inner = shape[-rank - 1 :]
        if rank == 2:
            if len(shape) not in (3, 4) or 0 in inner:
                raise _messages.empty_image(shape)
        else:
            if 0 in inner:
                function = "max_pool3d_with_indices_out_cpu_template()"
                if not self.maximum:
                    function = "avg_pool3d_out_cpu()"
                # torch 2.13 names dimension 0, whichever it is.
                raise _messages.empty_volume(function, shape, 0)
            if not self.maximum and any(s < k for s, k in zip(sizes, windows.kernel, strict=True)):
                raise _messages.smaller_than_kernel(sizes, windows.kernel)
        if any(count < 1 for count in windows.outputs):
            raise _messages.no_output(inner[0], sizes, windows.outputs)

    def result(self, dtype: Any = None) -> Meta:
        meta = self.meta
        shape = (*meta.shape[: -self.rank], *self.windows.outputs)
        strides = None
        if self.batched and (self.maximum or self.rank == 2):
            strides = suggested_strides(meta, shape)
        return make_meta(shape, dtype or meta.dtype, meta.device, strides)


def _empty(array: Any, windows: Windows) -> Any:
    """Return the result of a batch without images."""
    lead = array.shape[: array.ndim - len(windows.outputs)]
    return jnp.zeros((*lead, *windows.outputs), array.dtype)


# Maxima


def _max_spec(operation, bound, mode) -> Spec:
    rank = bound["rank"]
    pooling = _Pooling(f"max_pool{rank}d", bound, rank)
    windows, batched, meta = pooling.windows, pooling.batched, pooling.meta
    if meta.dtype in _NO_MAXIMUM:
        raise messages.not_implemented(f"max_pool{rank}d", meta.dtype._legacy_name)
    with_indices = bound["with_indices"]

    def vjp(cotangents, results, operands):
        input, upstream = operands[0], cotangents[0]
        if not input.size:
            return [jnp.zeros(input.shape, input.dtype)]
        images, slopes = [channels_last(array, rank) for array in (input, upstream)]
        return [channels_second(maximum_gradient(images, slopes, windows), batched)]

    metas = [pooling.result()]
    if with_indices:
        metas.append(pooling.result(dtypes.int64))
    return Spec(
        [bound["input"]],
        tuple(metas),
        {
            "rank": rank,
            "batched": batched,
            "with_indices": with_indices,
            "windows": windows,
        },
        saves=(0,),
        vjp=vjp,
        node_name=f"MaxPool{rank}DWithIndicesBackward0",
    )


@op(
    "_max_pool(Tensor input, SymIntArrayRef kernel_size, SymIntArrayRef stride, "
    "SymIntArrayRef padding, SymIntArrayRef dilation, bool ceil_mode, bool with_indices, "
    "int64_t rank)",
    kind=Custom(_max_spec),
    method=False,
    function=False,
)
def _max_pool(input: Any, *, rank: Any, batched: Any, with_indices: Any, windows: Any) -> Any:
    """Return the largest element of each window, and where it is."""
    if 0 in input.shape:
        empty = _empty(input, windows)
        return (empty, empty.astype(jnp.int64)) if with_indices else empty
    images = channels_last(input, rank)
    result = channels_second(maximum(images, windows), batched)
    if not with_indices:
        return result
    return result, channels_second(positions_of_maximum(images, windows), batched)


def _asks_for_indices(args: tuple, kwargs: dict[str, Any], metas: list[Meta]) -> bool:
    """Return whether the operator is the one with indices, which autocast does not know."""
    return bool(kwargs.get("return_indices"))


#: What autocast does to a maximum over windows.
WITHOUT_INDICES = Autocast(cpu="float32", unless=_asks_for_indices)


def _max_signature(name: str, rank: int) -> str:
    ints = f"IntArrayRef[{rank}]"
    return (
        f"{name}(Tensor input, {ints} kernel_size, {ints} stride=None, {ints} padding=0, "
        f"{ints} dilation=1, bool ceil_mode=False)"
    )


def _lists(*given: Any) -> tuple[tuple, ...]:
    return tuple([() if each is None else tuple(each) for each in given])


def _make_max(rank: int, with_indices: bool) -> Callable:
    """Return the function of two or three dimensions as ``torch`` has it."""
    name = f"max_pool{rank}d{'_with_indices' if with_indices else ''}"

    def pool(input, kernel_size, stride=None, padding=(0,), dilation=(1,), ceil_mode=False):
        lists = _lists(kernel_size, stride, padding, dilation)
        return _max_pool.call(input, *lists, bool(ceil_mode), with_indices, rank)

    pool.__doc__ = f"""Max pooling over windows of {rank} dimensions.

    Args:
        input: tensor of shape (batch, channels, *sizes), or (channels, *sizes).
        kernel_size: size of a window.
        stride: step from one window to the next, its size unless given.
        padding: how far windows may begin before the image, at most half a window.
        dilation: step between the elements of a window.
        ceil_mode: whether a window may reach beyond the end.
    Returns:
        Tensor of the input's dtype{"; int64 tensor of the elements' places" * with_indices}.
    """
    casting = WITHOUT_INDICES if rank == 3 and not with_indices else None
    return op(
        _max_signature(name, rank), method=False, function=not with_indices, autocast=casting
    )(pool)


def _one_of_each(input: Any, lists: tuple[tuple, ...]) -> tuple[int, ...]:
    """Return kernel, stride, padding and dilation of one dimension."""
    shape = input.shape
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise _messages.one_rank("max_pool1d", shape)
    names = ("kernel_size", "stride", "padding", "dilation")
    for name, given in zip(names, lists, strict=True):
        if len(given) != 1 and not (name == "stride" and not given):
            raise _messages.one_list(name, len(given))
    kernel, padding, dilation = lists[0][0], lists[2][0], lists[3][0]
    stride = lists[1][0] if lists[1] else kernel
    return kernel, stride, padding, dilation


def _check_one(input: Any, lists: tuple[tuple, ...], ceil_mode: bool) -> tuple[int, ...]:
    """Check the arguments of ``max_pool1d``; return kernel, stride, padding and dilation."""
    kernel, stride, padding, dilation = _one_of_each(input, lists)
    if kernel <= 0:
        raise _messages.one_not_positive("kernel_size", kernel)
    if stride <= 0:
        raise _messages.one_not_positive("stride", stride)
    if padding < 0:
        raise _messages.one_padding_negative(padding)
    if padding > kernel // 2:
        raise _messages.one_padding_too_large(padding, kernel)
    if dilation <= 0:
        raise _messages.one_not_positive("dilation", dilation)
    count = _output_size(input.shape[-1], kernel, padding, stride, dilation, ceil_mode)
    if count <= 0:
        raise _messages.one_no_output(count)
    return kernel, stride, padding, dilation


@op(_max_signature("max_pool1d_with_indices", 1), method=False)
def max_pool1d_with_indices(
    input, kernel_size, stride=None, padding=(0,), dilation=(1,), ceil_mode=False
):
    """Max pooling over windows of the last dimension, with the positions of the maxima (int64).

    Args:
        input: tensor of shape (batch, channels, size), or (channels, size).
        kernel_size, stride, padding, dilation, ceil_mode: as for ``max_pool1d``.
    """
    lists = _lists(kernel_size, stride, padding, dilation)
    # torch 2.13 leaves the numbers to the pooling of two dimensions here, which has its own words.
    kernel, stride, padding, dilation = _one_of_each(input, lists)
    flat = ((1, kernel), (1, stride), (0, padding), (1, dilation))
    result, indices = _max_pool.call(input.unsqueeze(-2), *flat, bool(ceil_mode), True, 2)
    return result.squeeze(-2), indices.squeeze(-2)


@op(_max_signature("max_pool1d", 1), method=False)
def max_pool1d(input, kernel_size, stride=None, padding=(0,), dilation=(1,), ceil_mode=False):
    """Max pooling over windows of the last dimension.

    Args:
        input: tensor of shape (batch, channels, size), or (channels, size).
        kernel_size: size of a window.
        stride: step from one window to the next, its size unless given.
        padding: how far windows may begin before the start, at most half a window.
        dilation: step between the elements of a window.
        ceil_mode: whether a window may reach beyond the end.
    """
    lists = _lists(kernel_size, stride, padding, dilation)
    kernel, stride, padding, dilation = _check_one(input, lists, ceil_mode)
    dtype = input.dtype
    if not dtype.is_floating_point:
        raise messages.not_implemented("max_pool1d_impl", dtype._legacy_name)
    if not (local.trace.mode.grad and input.requires_grad):
        input = input.contiguous()  # PyTorch has a kernel of its own then, without formats
    flat = ((1, kernel), (1, stride), (0, padding), (1, dilation))
    return _max_pool.call(input.unsqueeze(-2), *flat, bool(ceil_mode), False, 2).squeeze(-2)


_POOLS = {
    (1, False): max_pool1d,
    (1, True): max_pool1d_with_indices,
    **{(rank, given): _make_max(rank, given) for rank in (2, 3) for given in (False, True)},
}


def publish_with_indices(
    name: str,
    place: int,
    plain: Callable,
    full: Callable,
    autocast: Autocast | None = None,
) -> Callable:
    """Publish a function with an argument that says whether indices are wanted, and return it.

    Args:
        name: the function's.
        place: position of that argument.
        plain, full: what to call without and with it. The latter has a public name too.
        autocast: as for ``publish``.
    """

    def call(*args, **kwargs):
        wanted = False
        if "return_indices" in kwargs:
            wanted = kwargs["return_indices"]
        elif place < len(args):
            wanted = args[place]
        return (full if wanted else plain)(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = plain.__doc__
    publish(f"{name}_with_indices", full, registry=NN_FUNCTIONS)
    return publish(name, call, registry=NN_FUNCTIONS, autocast=autocast, remembered=True)


def _nn_max(rank: int) -> Callable:
    plain_pool, full_pool = _POOLS[rank, False], _POOLS[rank, True]

    def plain(
        input,
        kernel_size,
        stride=None,
        padding=0,
        dilation=1,
        ceil_mode=False,
        return_indices=False,
    ):
        if rank > 1 and kernel_size.__class__ is int and is_tensor(input):
            lists = [
                (each,) if each.__class__ is int else each for each in (stride, padding, dilation)
            ]
            if lists[0] is None:
                lists[0] = ()
            if all(each.__class__ is tuple for each in lists) and ceil_mode.__class__ is bool:
                return _max_pool.call(input, (kernel_size,), *lists, ceil_mode, False, rank)
        return plain_pool(input, kernel_size, stride, padding, dilation, ceil_mode)

    def full(
        input,
        kernel_size,
        stride=None,
        padding=0,
        dilation=1,
        ceil_mode=False,
        return_indices=False,
    ):
        # PyTorch fills in the stride here.
        stride = kernel_size if stride is None else stride
        return full_pool(input, kernel_size, stride, padding, dilation, ceil_mode)

    plain.__name__ = plain.__qualname__ = f"_max_pool{rank}d"
    full.__name__ = full.__qualname__ = f"max_pool{rank}d_with_indices"
    plain.__doc__ = plain_pool.__doc__
    full.__doc__ = full_pool.__doc__
    return publish_with_indices(
        f"max_pool{rank}d", 6, plain, full, WITHOUT_INDICES if rank == 3 else None
    )


_LARGEST = {rank: _nn_max(rank) for rank in (1, 2, 3)}


# Averages


def _divisors(pooling: _Pooling, include: bool) -> Any:
    """Return what each window's sum is divided by, as an array that broadcasts with the sums."""
    windows, sizes = pooling.windows, pooling.meta.shape[-pooling.rank :]
    counts = np.ones((), np.int64)
    for kernel, stride, padding, count, size in zip(
        windows.kernel, windows.stride, windows.padding, windows.outputs, sizes, strict=True
    ):
        starts = np.arange(count) * stride - padding
        ends = np.minimum(starts + kernel, size + padding)
        if not include:
            starts, ends = np.maximum(starts, 0), np.minimum(ends, size)
        counts = counts[..., None] * (ends - starts)
    least = counts.min() if counts.size else 0
    return counts[None, ..., None] if (counts != least).any() else least


def _average_spec(operation, bound, mode) -> Spec:
    rank = bound["rank"]
    name = f"avg_pool{rank}d"
    override = bound["divisor_override"]
    if override == 0:
        raise _messages.divisor_zero()
    pooling = _Pooling(name, bound, rank)
    windows, batched, meta = pooling.windows, pooling.batched, pooling.meta
    if not (meta.dtype.is_floating_point or meta.dtype is dtypes.int64):
        kernel = "avg_pool3d_out_frame" if rank == 3 else name
        raise messages.not_implemented(kernel, meta.dtype._legacy_name)
    divisor = override
    if divisor is None:
        divisor = _divisors(pooling, bound["count_include_pad"])

    return Spec(
        [bound["input"]],
        (pooling.result(),),
        {
            "rank": rank,
            "windows": windows,
            "batched": batched,
            "divisor": divisor,
        },
        saves=(),
        node_name=f"AvgPool{rank}DBackward0",
    )


@op(
    "_avg_pool(Tensor input, SymIntArrayRef kernel_size, SymIntArrayRef stride, "
    "SymIntArrayRef padding, bool ceil_mode, bool count_include_pad, int64_t? divisor_override, "
    "int64_t rank)",
    kind=Custom(_average_spec),
    method=False,
    function=False,
    keeps={"input": None},
)
def _avg_pool(input: Any, *, rank: Any, windows: Any, batched: Any, divisor: Any) -> Any:
    """Return the mean of each window."""
    if 0 in input.shape:
        return _empty(input, windows)
    dtype = input.dtype
    images = widen(channels_last(input, rank))
    sums = total(images, windows)
    if dtype.kind == "i":
        means = jnp.sign(sums) * (jnp.abs(sums) // np.abs(divisor)) * np.sign(divisor)
    else:
        means = sums / np.asarray(divisor, sums.dtype)
    return channels_second(means.astype(dtype), batched)


def _make_average(rank: int) -> Callable:
    name, ints = f"avg_pool{rank}d", f"IntArrayRef[{rank}]"

    def average(
        input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, out
    ):
        lists = _lists(kernel_size, stride, padding)
        flags = bool(ceil_mode), bool(count_include_pad)
        result = _avg_pool.call(input, *lists, *flags, divisor_override, rank)
        return result if out is None else write_result(out, result, name, (input,))

    average.__doc__ = f"""Average pooling over windows of {rank} dimensions.

    Args:
        input: tensor of shape (batch, channels, *sizes), or (channels, *sizes), floating point or
            int64.
        kernel_size: size of a window.
        stride: step from one window to the next, its size unless given.
        padding: zeros on both sides, at most half a window.
        ceil_mode: whether a window may reach beyond the end.
        count_include_pad: whether zeros of the padding count as elements.
        divisor_override: what to divide sums by instead.
    """
    return op(
        f"{name}(Tensor input, {ints} kernel_size, {ints} stride=None, {ints} padding=0, "
        "bool ceil_mode=False, bool count_include_pad=True, int64_t? divisor_override=None, *, "
        "Tensor out=None)",
        method=False,
        registry=NN_FUNCTIONS,
        autocast=Autocast(cpu="float32") if rank == 3 else None,
        wrap=bound_each_time(average),
    )(average)


avg_pool2d, avg_pool3d = map(_make_average, (2, 3))


@op(
    "avg_pool1d(Tensor input, IntArrayRef[1] kernel_size, IntArrayRef[1] stride=None, "
    "IntArrayRef[1] padding=0, bool ceil_mode=False, bool count_include_pad=True)",
    method=False,
)
def avg_pool1d(
    input, kernel_size, stride=None, padding=(0,), ceil_mode=False, count_include_pad=True
):
    """Average pooling over windows of the last dimension.

    Args:
        input: tensor of shape (batch, channels, size), or (channels, size).
        kernel_size, stride, padding, ceil_mode, count_include_pad: as for ``avg_pool2d``.
    """
    if input.dim() not in (2, 3):
        raise _messages.one_average_rank("avg_pool1d", input.dim())
    kernel_size, stride, padding = _lists(kernel_size, stride, padding)
    for name, given in (("kernel_size", kernel_size), ("stride", stride), ("padding", padding)):
        if len(given) > 1:
            raise _messages.one_int("avg_pool1d", name, len(given))
    lists = ((1, *kernel_size), (1, *stride) if stride else (), (0, *padding))
    flags = bool(ceil_mode), bool(count_include_pad)
    return _avg_pool.call(input.unsqueeze(-2), *lists, *flags, None, 2).squeeze(-2)


publish("avg_pool1d", avg_pool1d, registry=NN_FUNCTIONS)

_AVERAGES = {1: avg_pool1d, 2: avg_pool2d, 3: avg_pool3d}


# Power averages


def _make_power(rank: int) -> None:
    name = f"lp_pool{rank}d"

    def power(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        if rank == 1:
            size = kernel_size
        else:
            sizes = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * rank
            size = 1
            for each in sizes:
                size = size * each
        pool = _LARGEST[rank]
        if isinstance(norm_type, (int, float)):
            if norm_type == float("inf"):
                return pool(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
            if norm_type == -float("inf"):
                return -pool(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
        out = _AVERAGES[rank](input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
        signed = arithmetic.sign.call(out) * relu.call(arithmetic.abs.call(out))
        return signed.mul(size).pow(1.0 / norm_type)

    power.__name__ = power.__qualname__ = name
    power.__doc__ = f"""Power-average pooling over windows of {rank} dimensions.

    A window gives ``sum(x ** p) ** (1 / p)``.

    Args:
        input: tensor of shape (batch, channels, *sizes), or (channels, *sizes).
        norm_type: the power p; infinity for the largest absolute value.
        kernel_size: size of a window.
        stride: step from one window to the next, its size unless given.
        ceil_mode: whether a window may reach beyond the end.
    """
    publish(name, power, registry=NN_FUNCTIONS)


for _rank in (1, 2, 3):
    _make_power(_rank)
