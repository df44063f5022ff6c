"""Patches of images: taking them out, and adding them up."""

from __future__ import annotations

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...._core import dtypes, messages
from ...._core.schema.schema import Schema
from ...._engine.declare import NN_FUNCTIONS, op, publish
from ...._engine.graph.op import Spec
from ...._engine.graph.values import make_meta
from ...._engine.recording.kinds.base import Custom
from .._messages import no_dimension
from . import _messages

_NAMES = ("kernel_size", "dilation", "padding", "stride")
_NO_PATCHES = (dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64)


class _Patches:
    """Where patches lie in images of given sizes.

    Attributes:
        counts: number of patches down and across.
    """

    def __init__(self, sizes: tuple[int, int], bound: dict[str, Any]):
        self.sizes = sizes
        self.kernel, self.dilation, self.padding, self.stride = [bound[name] for name in _NAMES]
        self.counts = tuple(
            [
                (size + 2 * pad - (dilation * (length - 1) + 1)) // step + 1
                for size, length, dilation, pad, step in zip(
                    sizes, self.kernel, self.dilation, self.padding, self.stride, strict=True
                )
            ]
        )

    @property
    def tiled(self) -> bool:
        """Whether the patches lie side by side."""
        return self.kernel == self.stride and self.dilation == (1, 1)

    def taken(self, images: Any) -> Any:
        """Return patches of shape (batch, channels, *kernel, *counts)."""
        (top, left), (rows, columns) = self.padding, self.counts
        images = jnp.pad(images, ((0, 0), (0, 0), (top, top), (left, left)))
        lead = images.shape[:2]
        if self.tiled:
            height, width = self.kernel
            images = images[:, :, : rows * height, : columns * width]
            return images.reshape(*lead, rows, height, columns, width).transpose(0, 1, 3, 5, 2, 4)
        parts = []
        for place in itertools.product(*map(range, self.kernel)):
            starts = [p * d for p, d in zip(place, self.dilation, strict=True)]
            ends = [
                start + (count - 1) * step + 1
                for start, count, step in zip(starts, self.counts, self.stride, strict=True)
            ]
            parts.append(
                jax.lax.slice(images, (0, 0, *starts), (*lead, *ends), (1, 1, *self.stride))
            )
        return jnp.stack(parts, 2).reshape(*lead, *self.kernel, *self.counts)

    def added(self, patches: Any) -> Any:
        """Add patches up: the transpose of ``taken``."""
        lead, zero = patches.shape[:2], np.zeros((), patches.dtype)
        if self.tiled:
            (rows, columns), (height, width) = self.counts, self.kernel
            joined = patches.transpose(0, 1, 4, 2, 5, 3)
            return self._fitted(joined.reshape(*lead, rows * height, columns * width))
        image: Any = None
        reach = [
            dilation * (length - 1) + (count - 1) * step + 1
            for dilation, length, count, step in zip(
                self.dilation, self.kernel, self.counts, self.stride, strict=True
            )
        ]
        for place in itertools.product(*map(range, self.kernel)):
            widths = []
            for p, dilation, count, step, size in zip(
                place, self.dilation, self.counts, self.stride, reach, strict=True
            ):
                start = p * dilation
                widths.append((start, size - start - (count - 1) * step - 1, step - 1))
            part = jax.lax.pad(patches[:, :, place[0], place[1]], zero, [(0, 0, 0)] * 2 + widths)
            if part.dtype == jnp.bool_:
                image = part if image is None else image | part
            else:
                image = part if image is None else image + part
        return self._fitted(image)

    def _fitted(self, image: Any) -> Any:
        """Cut off the padding, or fill up what no patch reaches."""
        widths = [(0, 0, 0)] * 2 + [
            (-pad, size + pad - have, 0)
            for pad, size, have in zip(self.padding, self.sizes, image.shape[2:], strict=True)
        ]
        return jax.lax.pad(image, np.zeros((), image.dtype), widths)


def _check_numbers(bound: dict[str, Any], order: tuple[str, ...]) -> None:
    for name in order:
        numbers = bound[name]
        if name == "padding":
            if any(number < 0 for number in numbers):
                raise _messages.patch_padding(numbers)
        elif any(number <= 0 for number in numbers):
            raise _messages.patch_numbers(name, numbers)


def _check_lengths(bound: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if len(bound[name]) != 2:
            raise _messages.patch_list(name, len(bound[name]))


def _unfold_spec(operation, bound, mode) -> Spec:
    meta = bound["input"].meta
    _check_lengths(bound, _NAMES)
    _check_numbers(bound, ("kernel_size", "dilation", "padding", "stride"))
    shape, ndim = meta.shape, meta.ndim
    if ndim < 3:
        raise no_dimension(ndim, 2)
    if ndim not in (3, 4) or 0 in shape[1:] or (ndim == 3 and not shape[0]):
        raise _messages.unfold_shape(shape)
    patches = _Patches(shape[-2:], bound)
    if any(count < 1 for count in patches.counts):
        numbers = (patches.kernel, patches.dilation, patches.padding, patches.counts)
        raise _messages.unfold_empty(shape[-2:], *numbers)
    if meta.dtype in _NO_PATCHES:
        raise messages.not_implemented("im2col_out_cpu", meta.dtype._legacy_name)
    made = (
        *shape[: ndim - 3],
        shape[ndim - 3] * math.prod(patches.kernel),
        math.prod(patches.counts),
    )

    def vjp(cotangents, results, operands):
        if 0 in shape:
            return [jnp.zeros(shape, cotangents[0].dtype)]
        arriving = cotangents[0].reshape(-1, shape[-3], *patches.kernel, *patches.counts)
        return [patches.added(arriving).reshape(shape)]

    return Spec(
        [bound["input"]],
        (make_meta(made, meta.dtype, meta.device),),
        {"made": made, "patches": patches, "shape": shape},
        saves=(),
        vjp=vjp,
        node_name="Im2ColBackward0",
    )


@op(
    "_im2col(Tensor input, SymIntArrayRef kernel_size, SymIntArrayRef dilation, "
    "SymIntArrayRef padding, SymIntArrayRef stride)",
    kind=Custom(_unfold_spec),
    method=False,
    function=False,
)
def _im2col(input: Any, *, made: Any, patches: Any, shape: Any) -> Any:
    """Take patches out of images."""
    if not input.size:
        return jnp.zeros(made, input.dtype)
    return patches.taken(input.reshape(-1, *shape[-3:])).reshape(made)


def _fold_spec(operation, bound, mode) -> Spec:
    meta = bound["input"].meta
    _check_lengths(bound, ("output_size", *_NAMES))
    _check_numbers(bound, ("kernel_size", "dilation", "padding", "stride"))
    shape, ndim = meta.shape, meta.ndim
    if ndim not in (2, 3) or 0 in shape[1:] or (ndim == 2 and not shape[0]):
        raise _messages.fold_shape(shape)
    kernel, outputs = bound["kernel_size"], bound["output_size"]
    if shape[-2] % math.prod(kernel):
        raise _messages.fold_channels(shape[-2], kernel)
    patches = _Patches(outputs, bound)
    numbers = {name: bound[name] for name in ("output_size", *_NAMES)}
    if shape[-1] != math.prod(patches.counts):
        raise _messages.fold_blocks(numbers, patches.counts, shape[-1])
    if any(count < 1 for count in patches.counts):
        raise _messages.fold_empty(numbers, patches.counts)
    if any(size < 1 for size in outputs):
        raise _messages.fold_output(outputs)
    if meta.dtype in _NO_PATCHES:
        raise messages.not_implemented("col2im_out_cpu", meta.dtype._legacy_name)
    channels = shape[-2] // math.prod(kernel)
    made = (*shape[: ndim - 2], channels, *outputs)

    def vjp(cotangents, results, operands):
        if 0 in shape:
            return [jnp.zeros(shape, cotangents[0].dtype)]
        return [patches.taken(cotangents[0].reshape(-1, channels, *outputs)).reshape(shape)]

    return Spec(
        [bound["input"]],
        (make_meta(made, meta.dtype, meta.device),),
        {"made": made, "patches": patches, "channels": channels, "kernel": kernel},
        saves=(),
        vjp=vjp,
        node_name="Col2ImBackward0",
    )


@op(
    "_col2im(Tensor input, SymIntArrayRef output_size, SymIntArrayRef kernel_size, "
    "SymIntArrayRef dilation, SymIntArrayRef padding, SymIntArrayRef stride)",
    kind=Custom(_fold_spec),
    method=False,
    function=False,
)
def _col2im(input: Any, *, made: Any, patches: Any, channels: Any, kernel: Any) -> Any:
    """Add patches up to images."""
    if not input.size:
        return jnp.zeros(made, input.dtype)
    return patches.added(input.reshape(-1, channels, *kernel, *patches.counts)).reshape(made)


_INTS = "IntArrayRef[2]"
_REST = f"{_INTS} kernel_size, {_INTS} dilation, {_INTS} padding, {_INTS} stride)"
_IM2COL = Schema(f"im2col(Tensor input, {_REST}")
_COL2IM = Schema(f"col2im(Tensor input, SymIntArrayRef[2] output_size, {_REST}")


def _pair(value: Any) -> tuple:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Patches of images as columns (im2col).

    Args:
        input: tensor of shape (batch, channels, height, width), or (channels, height, width).
        kernel_size: height and width of a patch.
        dilation: step between the elements of a patch.
        padding: zeros on both sides.
        stride: step from one patch to the next.
    Returns:
        Tensor of shape (batch, channels * elements of a patch, patches).
    """
    given = [_pair(each) for each in (kernel_size, dilation, padding, stride)]
    _, bound = _IM2COL.bind((input, *given), {})
    return _im2col.call(bound["input"], *[tuple(bound[name]) for name in _NAMES])


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Images as the sums of overlapping patches (col2im): the transpose of ``unfold``.

    Args:
        input: tensor of shape (batch, channels * elements of a patch, patches), or without a
            batch.
        output_size: height and width of the images.
        kernel_size, dilation, padding, stride: where the patches lie.
    Returns:
        Tensor of shape (batch, channels, height, width).
    """
    given = [_pair(each) for each in (output_size, kernel_size, dilation, padding, stride)]
    _, bound = _COL2IM.bind((input, *given), {})
    lists = [tuple(bound[name]) for name in ("output_size", *_NAMES)]
    return _col2im.call(bound["input"], *lists)


publish("unfold", unfold, registry=NN_FUNCTIONS)
publish("fold", fold, registry=NN_FUNCTIONS)
