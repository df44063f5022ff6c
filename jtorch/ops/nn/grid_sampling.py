"""Sampling images at given positions: spatial transformers.

M. Jaderberg et al.: Spatial Transformer Networks, NeurIPS 2015.
"""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp

from ..._core import messages
from ..._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ..._engine.graph.op import Op, Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom
from ..._engine.recording.kinds.pointwise import FLOATING
from . import _messages, _messages_resampling
from .resampling import cubic_weights

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def _pixels(coordinates: Any, size: int, corners: bool) -> Any:
    """Return coordinates in [-1, 1] in pixels."""
    if corners:
        return ((coordinates + 1) / 2) * (size - 1)
    return ((coordinates + 1) * size - 1) / 2


def _scaled_pixels(coordinates: Any, size: int, corners: bool) -> Any:
    """Return coordinates in pixels by the steps of PyTorch's kernel for images."""
    if corners:
        return (coordinates + 1) * ((size - 1) / 2)
    return (coordinates + 1) * (size / 2) - 0.5


def _clipped(pixels: Any, size: int) -> Any:
    """Return pixels inside the image; the gradient on its border is 0, as in PyTorch."""
    inside = (pixels > 0) & (pixels < size - 1)
    return jnp.where(inside, pixels, jax.lax.stop_gradient(jnp.clip(pixels, 0, size - 1)))


def _reflected(pixels: Any, twice_low: int, twice_high: int) -> Any:
    """Return pixels reflected between two bounds, which are given twice as large."""
    if twice_low == twice_high:
        return jnp.zeros_like(pixels)
    low, span = twice_low / 2, (twice_high - twice_low) / 2
    distance = pixels - low
    distance = jnp.where(distance < 0, -distance, distance)
    flips = jax.lax.stop_gradient(jnp.floor(distance / span))
    extra = distance - flips * span
    return jnp.where(flips % 2 == 0, extra + low, span - extra + low)


def _bounded(pixels: Any, size: int, padding: str, corners: bool) -> Any:
    """Apply a padding mode to coordinates in pixels."""
    if padding == "zeros":
        return pixels
    if padding == "reflection":
        bounds = (0, 2 * (size - 1)) if corners else (-1, 2 * size - 1)
        pixels = _reflected(pixels, *bounds)
    return _clipped(pixels, size)


def _at(image: Any, positions: tuple[Any, ...]) -> Any:
    """Return pixels at whole positions, 0 outside the image.

    Args:
        image: array of shape (channels, ...).
        positions: one array of positions for each dimension, the first one first.
    """
    inside: Any = True
    flat: Any = 0
    for position, size in zip(positions, image.shape[1:], strict=True):
        here = (position >= 0) & (position <= size - 1)
        inside = here & inside
        whole = jnp.where(here, position, 0).astype(jnp.int32)
        flat = flat * size + whole
    picked = image.reshape(image.shape[0], -1)[:, flat]
    return jnp.where(inside, picked, 0)


def _sampled(image: Any, grid: Any, mode: str, padding: str, corners: bool) -> Any:
    """Sample one image of shape (channels, ...) at a grid of shape (..., dimensions)."""
    sizes = image.shape[1:]
    # The last coordinate of a position is that of the first dimension.
    pixels = [
        (_pixels if len(sizes) == 3 else _scaled_pixels)(
            grid[..., len(sizes) - 1 - dim], size, corners
        )
        for dim, size in enumerate(sizes)
    ]
    if mode == "bicubic":
        return _cubic(image, pixels, padding, corners)
    pixels = [
        _bounded(pixel, size, padding, corners) for pixel, size in zip(pixels, sizes, strict=True)
    ]
    if mode == "nearest":
        return _at(image, tuple([jnp.round(jax.lax.stop_gradient(pixel)) for pixel in pixels]))
    lows = [jax.lax.stop_gradient(jnp.floor(pixel)) for pixel in pixels]
    total = None
    for corner in itertools.product((0, 1), repeat=len(sizes)):
        weight: Any = 1
        # The width comes first, as in PyTorch.
        for step, pixel, low in zip(corner[::-1], pixels[::-1], lows[::-1], strict=True):
            weight = weight * (pixel - low if step else low + 1 - pixel)
        positions = tuple([low + step for low, step in zip(lows, corner, strict=True)])
        term = _at(image, positions) * weight
        total = term if total is None else total + term
    return total


def _cubic(image: Any, pixels: list[Any], padding: str, corners: bool) -> Any:
    lows = [jax.lax.stop_gradient(jnp.floor(pixel)) for pixel in pixels]
    weights = [cubic_weights(pixel - low, jnp) for pixel, low in zip(pixels, lows, strict=True)]
    positions = [
        [_bounded(low + step, size, padding, corners) for step in (-1, 0, 1, 2)]
        for low, size in zip(lows, image.shape[1:], strict=True)
    ]
    rows = []
    for y in positions[0]:
        terms = [_at(image, (y, x)) * w for x, w in zip(positions[1], weights[1], strict=True)]
        rows.append(sum(terms[1:], terms[0]))
    terms = [row * w for row, w in zip(rows, weights[0], strict=True)]
    return sum(terms[1:], terms[0])


def _sampler_spec(operation, bound, mode) -> Spec:
    operand, grid = bound["input"], bound["grid"]
    meta, grid_meta = operand.meta, grid.meta
    if meta.shape[:1] != grid_meta.shape[:1]:
        raise _messages_resampling.sampler_batch(meta.shape, grid_meta.shape)
    if grid_meta.shape[-1] != meta.ndim - 2:
        raise _messages_resampling.sampler_coordinates(meta.ndim - 2, grid_meta.shape)
    for dim, size in enumerate(meta.shape[2:], 2):
        if not size:
            raise _messages_resampling.sampler_empty(meta.shape, dim)
    if meta.ndim not in (4, 5):
        raise _messages_resampling.sampler_images(meta.shape, grid_meta.shape)
    if grid_meta.ndim != meta.ndim:
        raise _messages_resampling.sampler_rank(meta.ndim, meta.shape, grid_meta.shape)
    kind_number, padding_number = bound["interpolation_mode"], bound["padding_mode"]
    kind = _MODES[kind_number] if 0 <= kind_number < 3 else "nearest"
    padding = _PADDINGS[padding_number] if 0 <= padding_number < 3 else "zeros"
    corners = bound["align_corners"]
    spatial = meta.ndim - 2
    if kind == "bicubic" and spatial == 3:
        raise _messages_resampling.sampler_cubic()
    if meta.dtype not in FLOATING:
        kernel = "grid_sampler_2d_cpu_kernel_impl" if spatial == 2 else "grid_sampler3d_cpu"
        raise messages.not_implemented(kernel, meta.dtype._legacy_name)
    if grid_meta.dtype is not meta.dtype:
        raise _messages.scalar_type(meta.dtype._legacy_name, grid_meta.dtype._legacy_name)
    shape = (*meta.shape[:2], *grid_meta.shape[1:-1])
    return Spec(
        [operand, grid],
        (make_meta(shape, meta.dtype, meta.device),),
        {"kind": kind, "padding": padding, "corners": corners},
        node_name=f"GridSampler{spatial}DBackward0",
    )


def _declare_sampler(name: str, autocast: Autocast) -> Op:
    @op(
        f"{name}(Tensor input, Tensor grid, int64_t interpolation_mode, int64_t padding_mode, "
        "bool align_corners)",
        kind=Custom(_sampler_spec),
        method=False,
        autocast=autocast,
    )
    def sampler(images: Any, grids: Any, *, kind: Any, padding: Any, corners: Any) -> Any:
        """Grid sampling: the interpolated pixels of images at given positions.

        Args:
            input: images of shape (batch, channels, height, width), or volumes.
            grid: positions in [-1, 1], of shape (batch, height, width, 2), x first.
            interpolation_mode: 0 for linear, 1 for nearest, 2 for cubic.
            padding_mode: 0 for zeros, 1 for the border, 2 for reflection.
            align_corners: whether 1 means the centre of the last pixel, not its outside.
        """

        def sample(image: Any, grid: Any) -> Any:
            return _sampled(image, grid, kind, padding, corners)

        # Halves stay what they are: torch 2.13 rounds them in every step.
        return jax.vmap(sample)(images, grids).astype(images.dtype)

    return sampler


grid_sampler = _declare_sampler("grid_sampler", Autocast(cpu="float32", cuda="promote"))
_declare_sampler("grid_sampler_2d", Autocast(cpu="float32"))
_declare_sampler("grid_sampler_3d", Autocast(cpu="float32"))


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """Grid sampling: the interpolated pixels of images at given positions.

    Args:
        input: images of shape (batch, channels, height, width), or volumes.
        grid: positions in [-1, 1], of shape (batch, height, width, 2), x first.
        mode: ``"bilinear"``, ``"nearest"`` or ``"bicubic"``.
        padding_mode: ``"zeros"``, ``"border"`` or ``"reflection"``.
        align_corners: whether 1 means the centre of the last pixel, not its outside.
    Returns:
        Tensor of shape (batch, channels, height, width) of the grid.
    """
    if mode not in _MODES:
        raise _messages_resampling.sampling_mode(mode)
    if padding_mode not in _PADDINGS:
        raise _messages_resampling.sampling_padding(padding_mode)
    if align_corners is None:
        _messages_resampling.warn_corners()
        align_corners = False
    return grid_sampler.call(
        input, grid, _MODES.index(mode), _PADDINGS.index(padding_mode), align_corners
    )


publish("grid_sample", grid_sample, registry=NN_FUNCTIONS)


def _line(count: int, corners: bool, dtype: Any) -> Any:
    """Return coordinates from -1 to 1."""
    if count <= 1:
        return jnp.zeros(count, dtype)
    line = jnp.linspace(-1, 1, count, dtype=dtype)
    return line if corners else line * (count - 1) / count


def _grid_spec(operation, bound, mode) -> Spec:
    theta = bound["theta"]
    meta, size = theta.meta, tuple(bound["size"])
    corners = bound["align_corners"]
    spatial = len(size) - 2
    sizes = size[2:]
    if meta.shape[0] != size[0]:
        raise _messages_resampling.theta_batch((size[0], spatial + 1), (meta.shape[0], spatial + 1))

    shape = (size[0], *sizes, spatial)
    return Spec(
        [theta],
        (make_meta(shape, meta.dtype, meta.device),),
        {"corners": corners, "sizes": sizes},
        saves=(),
    )


@op(
    "affine_grid_generator(Tensor theta, SymIntArrayRef size, bool align_corners)",
    kind=Custom(_grid_spec),
    method=False,
)
def affine_grid_generator(array: Any, *, corners: Any, sizes: Any) -> Any:
    """Affine grid: ``theta @ (x, y, 1)`` for the position of every pixel of an image.

    Args:
        theta: matrices of shape (batch, 2, 3), or (batch, 3, 4) for volumes.
        size: of the images, with batch and channels.
        align_corners: whether 1 means the centre of the last pixel, not its outside.
    """
    wide = jnp.float64 if array.dtype == jnp.float64 else jnp.float32
    lines = [_line(count, corners, wide) for count in sizes]
    # Coordinates of a position come in the opposite order of the dimensions.
    axes = jnp.meshgrid(*lines, indexing="ij")[::-1]
    base = jnp.stack([*axes, jnp.ones(sizes, wide)], -1)
    mapped = jnp.einsum("...k,njk->n...j", base, array.astype(wide), precision="highest")
    return mapped.astype(array.dtype)


def affine_grid(theta, size, align_corners=None):
    """Affine grid: ``theta @ (x, y, 1)`` for the position of every pixel of an image.

    Args:
        theta: matrices of shape (batch, 2, 3), or (batch, 3, 4) for volumes.
        size: of the images, with batch and channels.
        align_corners: whether 1 means the centre of the last pixel, not its outside.
    """
    if align_corners is None:
        _messages_resampling.warn_corners()
        align_corners = False
    if not theta.is_floating_point():
        raise _messages_resampling.theta_dtype(theta.dtype)
    spatial = len(size) - 2
    if spatial not in (2, 3):
        raise _messages_resampling.grid_size(size)
    if theta.dim() != 3 or tuple(theta.shape[-2:]) != (spatial, spatial + 1):
        raise _messages_resampling.theta_shape(spatial, size, theta.shape)
    if align_corners and min(size[-spatial:]) == 1:
        _messages_resampling.warn_unit_grid()
    elif min(size) <= 0:
        raise _messages_resampling.grid_positive(size)
    return affine_grid_generator.call(theta, size, align_corners)


publish("affine_grid", affine_grid, registry=NN_FUNCTIONS)
