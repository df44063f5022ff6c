"""Images of another size: ``torch.nn.functional.interpolate``.

Every mode is a sum of *taps* along each dimension: input elements, taken at positions known when a
call is planned, times weights. The positions and weights are PyTorch's, computed in the dtype that
its kernels compute them in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes, messages
from ..._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import Meta, is_tensor, make_meta
from ..._engine.recording.kinds.base import Custom
from ..._engine.recording.kinds.pointwise import FLOATING
from .._shared.memory_order import suggested_strides
from . import _messages_resampling
from .pool.adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

#: Up to this many elements the gradient multiplies with a matrix of the weights; a scatter is slow.
_LARGEST_MATRIX = 1 << 20

#: Positions of shape (taps, size) and their weights, ``None`` for a single tap of weight 1.
_Taps = tuple[np.ndarray, "np.ndarray | None"]


# Positions and weights


def _ratio(size: int, target: int, factor: float, real: Any) -> Any:
    """Return how many input elements an output element spans."""
    if factor > 0:
        return real(1.0 / factor)
    return real(size) / real(target)


def _corner_ratio(size: int, target: int, corners: bool, factor: float, real: Any) -> Any:
    if corners:
        return real(size - 1) / real(target - 1) if target > 1 else real(0)
    return _ratio(size, target, factor, real)


def _nearest_taps(size: int, target: int, factor: float, exact: bool) -> _Taps:
    positions = np.arange(target)
    if not exact and target == size:
        sources = positions
    elif not exact and target == 2 * size:
        sources = positions >> 1
    else:
        ratio = _ratio(size, target, factor, np.float32)
        offset = np.float32(0.5 if exact else 0)
        sources = np.floor((positions.astype(np.float32) + offset) * ratio).astype(np.int64)
    return np.minimum(sources, size - 1)[None], None


def _sources(target: int, ratio: Any, corners: bool, real: Any) -> np.ndarray:
    positions = np.arange(target).astype(real)
    if corners:
        return ratio * positions
    return ratio * (positions + real(0.5)) - real(0.5)


def _linear_taps(size: int, target: int, corners: bool, factor: float, real: Any) -> _Taps:
    if target == size:
        return np.arange(size)[None], None
    ratio = _corner_ratio(size, target, corners, factor, real)
    source = np.maximum(_sources(target, ratio, corners, real), real(0))
    low = np.minimum(np.floor(source).astype(np.int64), size - 1)
    high = np.minimum(low + 1, size - 1)
    share = np.clip(source - low.astype(real), real(0), real(1))
    return np.stack([low, high]), np.stack([real(1) - share, share])


def cubic_weights(share: Any, xp: Any = np) -> list[Any]:
    """Return the weights of four neighbours in cubic convolution, with PyTorch's constant -0.75.

    R. Keys: Cubic convolution interpolation for digital image processing, 1981.

    Args:
        share: distance from the second of them, in [0, 1].
        xp: ``numpy`` or ``jax.numpy``.
    """
    factor = share.dtype.type(-0.75)

    def near(x):
        return ((factor + 2) * x - (factor + 3)) * x * x + 1

    def far(x):
        return ((factor * x - 5 * factor) * x + 8 * factor) * x - 4 * factor

    other = 1 - share
    return [far(share + 1), near(share), near(other), far(other + 1)]


def _cubic_taps(size: int, target: int, corners: bool, factor: float, real: Any) -> _Taps:
    if target == size:
        return np.arange(size)[None], None
    ratio = _corner_ratio(size, target, corners, factor, real)
    source = _sources(target, ratio, corners, real)
    low = np.floor(source)
    share = np.clip(source - low, real(0), real(1))
    positions = np.stack([low.astype(np.int64) + step for step in (-1, 0, 1, 2)])
    return np.clip(positions, 0, size - 1), np.stack(cubic_weights(share))


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(x), 0)


def _keys(x: np.ndarray) -> np.ndarray:
    """Return Keys' cubic with -0.5, which PyTorch uses against aliasing."""
    x = np.abs(x)
    near = ((1.5 * x - 2.5) * x) * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


_FILTERS: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": (2, _triangle),
    "bicubic": (4, _keys),
    "lanczos": (6, _lanczos),
}


def _filtered_taps(
    mode: str, size: int, target: int, corners: bool, factor: float, real: Any
) -> _Taps:
    """Return the taps of a filter that is as wide as an output element."""
    width, weigh = _FILTERS[mode]
    ratio = float(_corner_ratio(size, target, corners, factor, real))
    stretch = max(ratio, 1.0)
    support = width * 0.5 * stretch
    centres = ratio * (np.arange(target) + 0.5)
    first = np.maximum((centres - support + 0.5).astype(np.int64), 0)
    last = np.minimum((centres + support + 0.5).astype(np.int64), size)
    count = max(int((last - first).max()), 1)
    positions = first[None] + np.arange(count)[:, None]
    inside = positions < last[None]
    weights = np.where(inside, weigh((positions - centres[None] + 0.5) / stretch), 0)
    total = weights.sum(0)
    weights = weights / np.where(total == 0, 1, total)
    return np.minimum(positions, size - 1), weights.astype(real)


def _taps(
    mode: str,
    antialias: bool,
    corners: bool,
    sizes: tuple[int, ...],
    targets: tuple[int, ...],
    factors: tuple[float, ...],
    real: Any,
) -> list[_Taps]:
    """Return the taps of each dimension."""
    taps = []
    for size, target, factor in zip(sizes, targets, factors, strict=True):
        if mode in ("nearest", "nearest-exact"):
            taps.append(_nearest_taps(size, target, factor, mode == "nearest-exact"))
        elif antialias:
            taps.append(_filtered_taps(mode, size, target, corners, factor, real))
        elif mode == "bicubic":
            taps.append(_cubic_taps(size, target, corners, factor, real))
        else:
            taps.append(_linear_taps(size, target, corners, factor, real))
    return taps


# Arithmetic


def _picked(array: Any, dim: int, positions: np.ndarray) -> Any:
    """Return elements of a dimension at positions; regular ones without a gather."""
    size, count = array.shape[dim], len(positions)
    if count == size and (positions == np.arange(size)).all():
        return array
    steps = np.unique(np.diff(positions)) if count > 1 else np.ones(1, np.int64)
    if len(steps) == 1 and steps[0] > 0:
        stop = int(positions[-1]) + 1
        return jax.lax.slice_in_dim(array, int(positions[0]), stop, int(steps[0]), dim)
    times = count // size
    if times > 1 and count == times * size:
        for shift in range(-times, times + 1):
            if (positions == np.clip((np.arange(count) + shift) // times, 0, size - 1)).all():
                return _shifted(jnp.repeat(array, times, dim), dim, shift)
    return jnp.take(array, positions, dim, mode="clip")


def _shifted(array: Any, dim: int, shift: int) -> Any:
    """Return elements ``shift`` further on, the last (or first) one again where there is none."""
    if not shift:
        return array
    size = array.shape[dim]
    start = 0 if shift < 0 else size - 1
    edge = jax.lax.slice_in_dim(array, start, start + 1, axis=dim)
    shape = list(array.shape)
    shape[dim] = abs(shift)
    edge = jnp.broadcast_to(edge, shape)
    if shift < 0:
        rest = jax.lax.slice_in_dim(array, 0, size + shift, axis=dim)
        return jnp.concatenate([edge, rest], dim)
    return jnp.concatenate([jax.lax.slice_in_dim(array, shift, size, axis=dim), edge], dim)


#: Modes of which PyTorch's kernels keep the weights in the dtype of the elements.
_WEIGHTS_IN_HALVES = ("linear", "trilinear", "bicubic")


def _rounded_weights(taps: _Taps, half: Any) -> _Taps:
    """Return taps whose weights are rounded; of two, one is what the rounded other leaves of 1."""
    positions, weights = taps
    if weights is None:
        return taps
    rounded = weights.astype(half).astype(weights.dtype)
    if len(rounded) == 2:
        rounded[0] = (1 - rounded[1]).astype(half).astype(weights.dtype)
    return positions, rounded


def _resampled(array: Any, dim: int, taps: _Taps) -> Any:
    positions, weights = taps
    if weights is None:
        return _picked(array, dim, positions[0])
    shape = [1] * array.ndim
    shape[dim] = -1
    total = None
    for position, weight in zip(positions, weights, strict=True):
        term = _picked(array, dim, position) * weight.reshape(shape)
        total = term if total is None else total + term
    return total


def _matrix(taps: _Taps, size: int, real: Any) -> np.ndarray:
    """Return the matrix of shape (output, input) that the taps are."""
    positions, weights = taps
    rows = positions.shape[1]
    matrix = np.zeros((rows, size), real)
    for tap, position in enumerate(positions):
        np.add.at(matrix, (np.arange(rows), position), 1 if weights is None else weights[tap])
    return matrix


def _fixed_point(taps: _Taps, size: int) -> tuple[np.ndarray, int]:
    """Return the matrix of the taps in whole numbers of 16 bits, and how many bits are a fraction.

    PyTorch resamples bytes that way, with as many bits as let the largest weight fit.
    """
    matrix = _matrix(taps, size, np.float64)
    largest = matrix.max(initial=0.0)
    bits = 0
    while bits < 22 and int(0.5 + largest * 2 ** (bits + 1)) < 2**15:
        bits += 1
    return np.trunc(matrix * 2.0**bits + np.copysign(0.5, matrix)), bits


def _resampled_bytes(array: Any, dim: int, fixed: tuple[np.ndarray, int]) -> Any:
    matrix, bits = fixed
    # Products and sums of such whole numbers are exact in float64.
    total = jnp.tensordot(array.astype(jnp.float64), matrix, ([dim], [1]))
    rounded = jnp.floor((jnp.moveaxis(total, -1, dim) + 2.0 ** (bits - 1)) / 2.0**bits)
    return jnp.clip(rounded, 0, 255).astype(jnp.uint8)


def _spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    targets, factors = tuple(bound["output_size"]), tuple(bound["scale_factors"])
    kind, corners, antialias = bound["mode"], bound["align_corners"], bound["antialias"]
    sizes = meta.shape[2:]
    if any(size <= 0 for size in (*sizes, *targets)):
        raise _messages_resampling.empty_sizes(sizes, targets)
    if not meta.numel and 0 in meta.shape[1:]:
        raise _messages_resampling.empty_data(meta.ndim, meta.shape)
    _check_dtype(meta, kind, antialias)
    whole = meta.dtype is dtypes.uint8
    compute = np.dtype(np.float64 if meta.dtype is dtypes.float64 or whole else np.float32)
    taps = _taps(kind, antialias, corners, sizes, targets, factors, compute.type)
    exact = taps
    if meta.dtype in dtypes.HALVES and kind in _WEIGHTS_IN_HALVES:
        taps = [_rounded_weights(each, meta.dtype._numpy) for each in taps]
    shape = (*meta.shape[:2], *targets)
    plain = all(weights is None for _, weights in taps)
    fixed = (
        [_fixed_point(t, size) for t, size in zip(taps, sizes, strict=True)]
        if whole and not plain
        else []
    )

    def vjp(cotangents, results, operands):
        wide = cotangents[0].astype(compute)
        for dim in range(2, meta.ndim):
            matrix = _matrix(exact[dim - 2], sizes[dim - 2], compute)
            wide = jnp.moveaxis(jnp.tensordot(wide, matrix, ([dim], [0])), -1, dim)
        return [wide.astype(cotangents[0].dtype)]

    repeats = plain and all(after % before == 0 for before, after in zip(sizes, targets))
    small = all(a * b <= _LARGEST_MATRIX for a, b in zip(sizes, targets))
    return Spec(
        [operand],
        (make_meta(shape, meta.dtype, meta.device, suggested_strides(meta, shape)),),
        {
            "whole": whole,
            "plain": plain,
            "compute": compute,
            "meta": meta,
            "taps": taps,
            "fixed": fixed,
        },
        saves=(),
        node_name=_node_name(kind, meta.ndim - 2, antialias),
        vjp=vjp if small and not repeats else None,
    )


def _node_name(kind: str, spatial: int, antialias: bool) -> str:
    title = {
        "nearest": "Nearest",
        "nearest-exact": "NearestExact",
        "linear": "Linear",
        "bilinear": "Bilinear",
        "trilinear": "Trilinear",
        "bicubic": "Bicubic",
        "lanczos": "Lanczos",
    }[kind]
    return f"Upsample{title}{spatial}D{'Aa' if antialias else ''}Backward0"


def _check_dtype(meta: Meta, kind: str, antialias: bool) -> None:
    known = set(FLOATING)
    flat = meta.ndim == 4
    if antialias:
        kernel = "compute_index_ranges_weights"
        known -= dtypes.HALVES
    elif kind.startswith("nearest"):
        kernel = "upsample_nearest2d_channels_last" if flat else "compute_indices_weights_nearest"
    elif kind == "bicubic":
        kernel = "compute_indices_weights_cubic"
    else:
        kernel = "upsample_bilinear2d_channels_last" if flat else "compute_indices_weights_linear"
    if flat or kind.startswith("nearest"):
        known.add(dtypes.uint8)
    if meta.dtype not in known:
        raise messages.not_implemented(kernel, meta.dtype._legacy_name)


@op(
    "_interpolate(Tensor input, SymIntArrayRef output_size, std::string mode, bool align_corners, "
    "bool antialias, ArrayRef<double> scale_factors)",
    kind=Custom(_spec),
    method=False,
    function=False,
)
def _interpolate(
    array: Any, *, whole: Any, plain: Any, compute: Any, meta: Any, taps: Any, fixed: Any
) -> Any:
    """Resample the dimensions after the channels."""
    if whole and not plain:
        for dim in range(meta.ndim - 1, 1, -1):
            array = _resampled_bytes(array, dim, fixed[dim - 2])
        return array
    wide = array if plain else array.astype(compute)
    for dim in range(meta.ndim - 1, 1, -1):
        wide = _resampled(wide, dim, taps[dim - 2])
    return wide.astype(array.dtype)


_NAMES = {
    "nearest": "upsample_nearest",
    "nearest-exact": "_upsample_nearest_exact",
    "linear": "upsample_linear",
    "bilinear": "upsample_bilinear",
    "trilinear": "upsample_trilinear",
    "bicubic": "upsample_bicubic",
    "lanczos": "_upsample_lanczos",
}
_RANKS = {"linear": 3, "bilinear": 4, "trilinear": 5}


def _make_upsample(mode: str, spatial: int, antialias: bool) -> Callable:
    """Make the function that PyTorch binds the arguments of a mode with."""
    name = f"{_NAMES[mode]}{spatial}d{'_aa' if antialias else ''}"
    if antialias and not name.startswith("_"):
        name = f"_{name}"
    corners = "" if mode.startswith("nearest") else ", bool align_corners"
    axes = [""] if spatial == 1 else [f"_{axis}" for axis in "dhw"[-spatial:]]
    scales = ", ".join(f"double? scales{axis}=None" for axis in axes)

    @op(
        f"{name}(Tensor input, SymIntArrayRef? output_size{corners}, "
        "ArrayRef<double>? scale_factors)",
        f"{name}(Tensor input, SymIntArrayRef output_size{corners}, {scales}, *, Tensor out=None)",
        method=False,
        function=False,
    )
    def upsample(
        input, output_size=None, align_corners=False, scale_factors=None, **scales: float | None
    ):
        if output_size is None:
            sizes = input.shape[2:]
            output_size = [
                math.trunc(size * factor) for size, factor in zip(sizes, scale_factors, strict=True)
            ]
            factors = tuple([float(factor) for factor in scale_factors])
        else:
            factors = tuple([float(scales.get(f"scales{axis}") or 0.0) for axis in axes])
        size = tuple([int(size) for size in output_size])
        return _interpolate.call(input, size, mode, bool(align_corners), antialias, factors)

    return upsample


_UPSAMPLE: dict[tuple[str, int, bool], Callable] = {
    (mode, spatial, antialias): _make_upsample(mode, spatial, antialias)
    for mode, spatial, antialias in (
        *[(mode, n, False) for mode in ("nearest", "nearest-exact") for n in (1, 2, 3)],
        ("linear", 1, False),
        ("bilinear", 2, False),
        ("trilinear", 3, False),
        ("bicubic", 2, False),
        ("bilinear", 2, True),
        ("bicubic", 2, True),
        ("lanczos", 2, True),
    )
}


upsample_bilinear2d_aa = _UPSAMPLE["bilinear", 2, True]
#: What the mode ``"area"`` is, by the number of dimensions.
_AREA: dict[int, Callable] = {
    1: adaptive_avg_pool1d,
    2: adaptive_avg_pool2d,
    3: adaptive_avg_pool3d,
}


def _is_integer(value: Any) -> bool:
    if isinstance(value, (int, np.integer)):
        return True
    return is_tensor(value) and not value.is_floating_point()


def interpolate(
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    """Interpolation (resampling) of the dimensions after the channels to other sizes.

    Args:
        input: tensor of shape (batch, channels, ...) with one to three more dimensions.
        size: their sizes, or one for all.
        scale_factor: what to multiply the sizes with instead.
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"``, ``"bilinear"``, ``"trilinear"``,
            ``"bicubic"``, ``"lanczos"`` or ``"area"``.
        align_corners: whether the centres of the corner elements stay, instead of their outsides.
        recompute_scale_factor: whether positions follow from the sizes, not from ``scale_factor``.
        antialias: whether filters are as wide as an output element.
    """
    whole = mode in ("nearest", "area", "nearest-exact")
    if whole and align_corners is not None:
        raise _messages_resampling.corners_without_meaning()
    if not whole and align_corners is None:
        align_corners = False
    spatial = input.dim() - 2
    output_size, factors = _sizes(input, spatial, size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise _messages_resampling.recompute_with_size()
    if output_size is None and (recompute_scale_factor or mode == "area"):
        output_size = [int(n * factor) for n, factor in zip(input.shape[2:], factors, strict=True)]
        factors = None
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.dim() == 4):
        raise _messages_resampling.antialias_mode()
    if mode == "area" and spatial in _AREA:
        return _AREA[spatial](input, output_size)
    if mode == "lanczos" and spatial == 2:
        if align_corners:
            raise _messages_resampling.lanczos_corners()
        if not antialias:
            raise _messages_resampling.lanczos_antialias()
    call = _UPSAMPLE.get((mode, spatial, bool(antialias)))
    if call is None:
        if spatial in (1, 2, 3) and mode in _RANKS:
            raise _messages_resampling.mode_rank(input.dim(), mode, _RANKS[mode])
        raise _messages_resampling.mode_unknown(input.dim(), mode)
    if whole:
        return call(input, output_size, factors)
    return call(input, output_size, align_corners, factors)


publish("interpolate", interpolate, registry=NN_FUNCTIONS, autocast=Autocast(cuda="float32"))


def _sizes(input: Any, spatial: int, size: Any, factor: Any) -> tuple[Any, Any]:
    """Return the sizes or the factors, one for each dimension, and ``None`` for the others."""
    if size is not None and factor is not None:
        raise _messages_resampling.both_sizes()
    if size is not None:
        if not isinstance(size, (list, tuple)):
            return [size] * spatial, None
        if len(size) != spatial:
            raise _messages_resampling.size_rank(input.shape[2:], size)
        if not all(_is_integer(each) for each in size):
            raise _messages_resampling.size_types(size)
        return size, None
    if factor is None:
        raise _messages_resampling.no_size()
    if not isinstance(factor, (list, tuple)):
        return None, [factor] * spatial
    if len(factor) != spatial:
        raise _messages_resampling.factor_rank(input.shape[2:], factor)
    return None, factor


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """Interpolation, as ``interpolate``; deprecated."""
    _messages_resampling.warn_deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


publish("upsample", upsample, registry=NN_FUNCTIONS, autocast=Autocast(cuda="float32"))


def upsample_nearest(input, size=None, scale_factor=None):
    """Nearest-neighbour interpolation; deprecated."""
    _messages_resampling.warn_deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


publish("upsample_nearest", upsample_nearest, registry=NN_FUNCTIONS)


def upsample_bilinear(input, size=None, scale_factor=None):
    """Bilinear interpolation with aligned corners; deprecated."""
    _messages_resampling.warn_deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


publish("upsample_bilinear", upsample_bilinear, registry=NN_FUNCTIONS)
