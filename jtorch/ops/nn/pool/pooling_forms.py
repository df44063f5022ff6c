"""How pooling is computed: by slices of whole images, never window by window.

Images have their channels last here, as in ``convolution_forms``. XLA's own window reductions are
slow on the CPU, its gradient of a maximum most of all (12.6 ms where these slices take 0.5, for a
batch of 64 images of 64x24x24 in windows of 2x2; torch 2.13 takes 1.2 to 5.8).

The maximum keeps PyTorch's rules: of equal elements the first one counts, of several NaNs the last.
Its gradient goes to that one element, by a comparison of the number that the element has within its
window. Where windows overlap the image is taken apart into its phases, one for each offset within
a stride: in each the windows of one offset do not overlap.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

#: A window of more elements is taken one dimension after the other.
_DIRECT = 16
#: Above this length XLA's own window sum is used.
_SLICES = 16


class Windows(NamedTuple):
    """Where the windows of a pooling lie, for each dimension of an image.

    Attributes:
        kernel, stride, dilation: of the windows.
        padding: before the image.
        outputs: number of windows.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    outputs: tuple[int, ...]

    def only(self, dim: int, sizes: tuple[int, ...]) -> Windows:
        """Return the windows of one dimension; along the others nothing is pooled."""
        picks = [
            tuple([own if d == dim else other for d, (own, other) in enumerate(zip(*pair))])
            for pair in (
                (self.kernel, (1,) * len(sizes)),
                (self.stride, (1,) * len(sizes)),
                (self.padding, (0,) * len(sizes)),
                (self.dilation, (1,) * len(sizes)),
                (self.outputs, sizes),
            )
        ]
        return Windows(*picks)

    def covered(self) -> tuple[int, ...]:
        """Return the sizes that the windows span, the padding before the image included."""
        return tuple(
            [
                (count - 1) * stride + dilation * (length - 1) + 1
                for count, stride, dilation, length in zip(
                    self.outputs, self.stride, self.dilation, self.kernel, strict=True
                )
            ]
        )


def lowest(dtype: Any) -> Any:
    """Return what no element of a dtype is less than."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return -np.inf


def padded(images: Any, windows: Windows, value: Any) -> Any:
    """Return images of exactly the sizes that the windows span."""
    widths = [(0, 0, 0)]
    for size, before, reach in zip(
        images.shape[1:-1], windows.padding, windows.covered(), strict=True
    ):
        widths.append((before, reach - before - size, 0))
    if not any(map(any, widths)):
        return images
    return jax.lax.pad(images, jnp.asarray(value, images.dtype), [*widths, (0, 0, 0)])


def slices(images: Any, windows: Windows) -> Iterator[Any]:
    """Yield, for each element of a window, that element of all windows."""
    for tap in itertools.product(*map(range, windows.kernel)):
        starts = [t * d for t, d in zip(tap, windows.dilation, strict=True)]
        limits = [
            start + (count - 1) * stride + 1
            for start, count, stride in zip(starts, windows.outputs, windows.stride, strict=True)
        ]
        yield jax.lax.slice(
            images,
            (0, *starts, 0),
            (images.shape[0], *limits, images.shape[-1]),
            (1, *windows.stride, 1),
        )


def _stages(windows: Windows, sizes: tuple[int, ...]) -> list[Windows]:
    """Return the poolings to apply one after the other: all at once, or the last dimension first.

    The first maximum in the order of memory is the first row's, and in it the first one.
    """
    if math.prod(windows.kernel) <= _DIRECT:
        return [windows]
    stages, sizes = [], tuple(sizes)
    for dim in reversed(range(len(sizes))):
        stage = windows.only(dim, sizes)
        stages.append(stage)
        sizes = stage.outputs
    return stages


def _inside(windows: Windows, sizes: tuple[int, ...]) -> bool:
    """Return whether no window reaches beyond the image."""
    return not any(windows.padding) and all(
        reach <= size for reach, size in zip(windows.covered(), sizes, strict=True)
    )


def maximum(images: Any, windows: Windows) -> Any:
    """Return the largest element of each window.

    Args:
        images: array of shape (batch, *sizes, channels).
    Returns:
        Array of shape (batch, *outputs, channels).
    """
    for stage in _stages(windows, images.shape[1:-1]):
        images = _numbered(images, stage)[0]
    return images


def _first_inside(windows: Windows, sizes: tuple[int, ...]) -> Any:
    """Return the number, within each window, of its first element that is in the image."""
    number = np.zeros((1,) * len(sizes), np.int32)
    for dim, length in enumerate(windows.kernel):
        starts = np.arange(windows.outputs[dim]) * windows.stride[dim] - windows.padding[dim]
        first = np.maximum(0, -(starts // windows.dilation[dim]))
        shape = [1] * len(sizes)
        shape[dim] = -1
        number = number * length + first.reshape(shape)
    return number[None, ..., None]


def _numbered(images: Any, windows: Windows) -> tuple[Any, Any]:
    """Return the largest elements, and their numbers within their windows (in one stage)."""
    sizes = images.shape[1:-1]
    number_type = np.int8 if math.prod(windows.kernel) < 128 else np.int32
    inside = _inside(windows, sizes)
    if inside:
        images = images[(slice(None), *[slice(reach) for reach in windows.covered()])]
    else:
        images = _cropped(images, windows)
        images = padded(images, windows, lowest(images.dtype))
    best: Any = None
    number: Any = None
    for tap, element in enumerate(slices(images, windows)):
        if best is None:
            best = element
            number = jnp.zeros(element.shape, number_type)
            if not inside:
                first = _first_inside(windows, sizes).astype(number_type)
                number = jnp.broadcast_to(first, element.shape)
            continue
        larger = _beats(element, best)
        best = jnp.where(larger, element, best)
        number = jnp.where(larger, np.array(tap, number_type), number)
    return best, number


def _beats(element: Any, best: Any) -> Any:
    if element.dtype.kind in "iu":
        return element > best
    return (element > best) | (element != element)


def _cropped(images: Any, windows: Windows) -> Any:
    """Cut off what lies behind the last window."""
    return images[
        (
            slice(None),
            *[
                slice(max(0, reach - before))
                for reach, before in zip(windows.covered(), windows.padding, strict=True)
            ],
        )
    ]


def positions_of_maximum(images: Any, windows: Windows) -> Any:
    """Return where in its image each window's largest element is, counted row by row.

    Returns:
        int64 array of shape (batch, *outputs, channels).
    """
    sizes = images.shape[1:-1]
    shape = (1, *sizes, 1)
    places: Any = np.arange(math.prod(sizes), dtype=np.int32).reshape(shape)
    places = jnp.broadcast_to(jnp.asarray(places), images.shape)
    for stage in _stages(windows, sizes):
        images, places = _placed(images, places, stage)
    return places.astype(jnp.int64)


def _placed(images: Any, places: Any, windows: Windows) -> tuple[Any, Any]:
    images = padded(_cropped(images, windows), windows, lowest(images.dtype))
    places = padded(_cropped(places, windows), windows, -1)
    best: Any = None
    for element, place in zip(slices(images, windows), slices(places, windows), strict=True):
        if best is None:
            best, found = element, place
            continue
        larger = _beats(element, best) | ((found < 0) & (place >= 0))
        best = jnp.where(larger, element, best)
        found = jnp.where(larger, place, found)
    return best, found


def maximum_gradient(images: Any, upstream: Any, windows: Windows) -> Any:
    """Return the gradient of ``maximum``.

    Args:
        images: array of shape (batch, *sizes, channels).
        upstream: array of shape (batch, *outputs, channels).
    """
    stages = _stages(windows, images.shape[1:-1])
    numbers = []
    sizes = []
    for stage in stages:
        sizes.append(images.shape[1:-1])
        images, number = _numbered(images, stage)
        numbers.append(number)
    for stage, number, size in zip(reversed(stages), reversed(numbers), reversed(sizes)):
        upstream = _to_numbered(upstream, number, stage, size)
    return upstream


def _to_numbered(upstream: Any, number: Any, windows: Windows, sizes: tuple[int, ...]) -> Any:
    """Return an image that has each window's gradient at the element of that number."""
    rank = len(sizes)
    reach = [d * (k - 1) + 1 for d, k in zip(windows.dilation, windows.kernel, strict=True)]
    if all(r <= s for r, s in zip(reach, windows.stride, strict=True)):
        spread = _spread(upstream, number, windows)
    else:
        spread = _overlapping(upstream, number, windows)
    # Cut off the padding before; cut off, or fill up, behind.
    widths = [(0, 0, 0)]
    for size, before, have in zip(sizes, windows.padding, spread.shape[1 : rank + 1], strict=True):
        widths.append((-before, size + before - have, 0))
    if any(map(any, widths)):
        spread = jax.lax.pad(spread, np.zeros((), spread.dtype), [*widths, (0, 0, 0)])
    return spread


def _spread(upstream: Any, number: Any, windows: Windows) -> Any:
    """Put gradients back where no window overlaps another: one comparison."""
    rank = len(windows.kernel)
    table = np.full(windows.stride, -1, np.int32)
    for tap, place in enumerate(itertools.product(*map(range, windows.kernel))):
        table[tuple([p * d for p, d in zip(place, windows.dilation, strict=True)])] = tap
    axes = [2 + 2 * dim for dim in range(rank)]
    pattern = [1]
    for stride in windows.stride:
        pattern += [1, stride]
    table = table.astype(number.dtype).reshape([*pattern, 1])
    here = jnp.expand_dims(number, axes) == table
    spread = jnp.where(here, jnp.expand_dims(upstream, axes), np.zeros((), upstream.dtype))
    sizes = [count * stride for count, stride in zip(windows.outputs, windows.stride, strict=True)]
    return spread.reshape(upstream.shape[0], *sizes, upstream.shape[-1])


def _overlapping(upstream: Any, number: Any, windows: Windows) -> Any:
    """Put gradients back phase by phase."""
    rank = len(windows.kernel)
    counts = [
        -(-reach // stride) for reach, stride in zip(windows.covered(), windows.stride, strict=True)
    ]
    zero = np.zeros((), upstream.dtype)
    phases: dict[tuple[int, ...], Any] = {}
    for tap, place in enumerate(itertools.product(*map(range, windows.kernel))):
        offsets = [p * d for p, d in zip(place, windows.dilation, strict=True)]
        phase = tuple([o % s for o, s in zip(offsets, windows.stride, strict=True)])
        widths = [
            (o // s, count - have - o // s, 0)
            for o, s, count, have in zip(
                offsets, windows.stride, counts, windows.outputs, strict=True
            )
        ]
        part = jnp.where(number == np.array(tap, number.dtype), upstream, zero)
        part = jax.lax.pad(part, zero, [(0, 0, 0), *widths, (0, 0, 0)])
        phases[phase] = part if phase not in phases else phases[phase] + part
    every = list(itertools.product(*map(range, windows.stride)))
    if len(every) == 1:
        return phases[every[0]]
    shape = (upstream.shape[0], *counts, upstream.shape[-1])
    empty = jnp.zeros(shape, upstream.dtype)
    stacked = jnp.stack([phases.get(phase, empty) for phase in every], axis=-1)
    stacked = stacked.reshape(*shape[:-1], shape[-1], *windows.stride)
    # (batch, *counts, channels, *phases) -> (batch, count, phase, count, phase, ..., channels)
    order = [0]
    for dim in range(rank):
        order += [1 + dim, 2 + rank + dim]
    stacked = jnp.transpose(stacked, (*order, 1 + rank))
    sizes = [count * stride for count, stride in zip(counts, windows.stride, strict=True)]
    return stacked.reshape(upstream.shape[0], *sizes, upstream.shape[-1])


def total(images: Any, windows: Windows) -> Any:
    """Return the sum of each window, outside of the image counted as 0: dimension by dimension."""
    images = padded(_cropped(images, windows), windows, 0)
    for dim, (length, stride, count) in enumerate(
        zip(windows.kernel, windows.stride, windows.outputs, strict=True)
    ):
        images = _sum_along(images, dim + 1, length, stride, count)
    return images


def _sum_along(images: Any, axis: int, length: int, stride: int, count: int) -> Any:
    if count == 1:
        return jnp.sum(images, axis, keepdims=True)
    if length == 1 and stride == 1:
        return images
    if length == stride and length > 2:
        shape = list(images.shape)
        shape[axis : axis + 1] = [count, length]
        return jnp.sum(images.reshape(shape), axis + 1)
    if length > _SLICES:
        window, strides = [1] * images.ndim, [1] * images.ndim
        window[axis], strides[axis] = length, stride
        return jax.lax.reduce_window(
            images, np.zeros((), images.dtype), jax.lax.add, window, strides, "VALID"
        )
    parts = [
        jax.lax.slice_in_dim(images, tap, tap + (count - 1) * stride + 1, stride, axis)
        for tap in range(length)
    ]
    return sum(parts[1:], parts[0])


# Windows of unequal lengths


def averages(images: Any, bounds: list[tuple[np.ndarray, np.ndarray]]) -> Any:
    """Return the means of windows that have bounds of their own, dimension by dimension.

    Args:
        images: array of shape (batch, *sizes, channels).
        bounds: for each dimension, where the windows begin and end.
    """
    lengths = []
    for dim, (starts, ends) in enumerate(bounds):
        axis, size = dim + 1, images.shape[dim + 1]
        each = ends - starts
        shape = [1] * images.ndim
        shape[axis] = -1
        lengths.append(each.reshape(shape))
        if (each == each[0]).all() and each[0] * len(each) == size:
            images = _sum_along(images, axis, int(each[0]), int(each[0]), len(each))
        elif len(each) <= _SLICES:
            parts = [
                jnp.sum(jax.lax.slice_in_dim(images, int(s), int(e), 1, axis), axis, keepdims=True)
                for s, e in zip(starts, ends, strict=True)
            ]
            images = jnp.concatenate(parts, axis)
        else:
            summed: Any = 0
            for element, valid in _uneven_elements(images, axis, starts, ends):
                zero = np.zeros((), images.dtype)
                summed = summed + jnp.where(valid.reshape(shape), element, zero)
            images = summed
    for length in lengths:
        images = images / length.astype(images.dtype)
    return images


def _uneven_elements(
    images: Any, axis: int, starts: np.ndarray, ends: np.ndarray
) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield, for each element of the longest window, that of all windows, and which have one."""
    for offset in range(int((ends - starts).max())):
        places = np.minimum(starts + offset, images.shape[axis] - 1)
        yield jnp.take(images, places, axis), starts + offset < ends


def uneven_maximum(images: Any, bounds: list[tuple[np.ndarray, np.ndarray]]) -> tuple[Any, Any]:
    """Return the largest elements of windows with bounds of their own, and their places.

    Args:
        images: array of shape (batch, *sizes, channels).
        bounds: for each dimension, where the windows begin and end.
    Returns:
        Two arrays of shape (batch, *outputs, channels), the second one int64.
    """
    sizes = images.shape[1:-1]
    numbers = np.arange(math.prod(sizes), dtype=np.int64).reshape((1, *sizes, 1))
    places = jnp.broadcast_to(jnp.asarray(numbers), images.shape)
    for dim in reversed(range(len(sizes))):
        starts, ends = bounds[dim]
        axis = dim + 1
        shape = [1] * images.ndim
        shape[axis] = -1
        best: Any = None
        found: Any = None
        for (element, valid), (place, _) in zip(
            _uneven_elements(images, axis, starts, ends),
            _uneven_elements(places, axis, starts, ends),
            strict=True,
        ):
            if best is None:
                best, found = element, place
                continue
            larger = _beats(element, best) & valid.reshape(shape)
            best = jnp.where(larger, element, best)
            found = jnp.where(larger, place, found)
        images, places = best, found
    return images, places


def at_positions(upstream: Any, places: Any, sizes: tuple[int, ...]) -> Any:
    """Add elements up in images of zeros, each at its place.

    Args:
        upstream, places: arrays of shape (batch, *outputs, channels).
        sizes: those of the images.
    """
    batch, channels = upstream.shape[0], upstream.shape[-1]
    flat = places.reshape(batch, -1, channels)
    rows = np.arange(batch)[:, None, None]
    image = jnp.zeros((batch, math.prod(sizes), channels), upstream.dtype)
    image = image.at[rows, flat, np.arange(channels)].add(upstream.reshape(flat.shape))
    return image.reshape(batch, *sizes, channels)
