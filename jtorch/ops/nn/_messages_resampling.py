"""PyTorch's words about resampling images and sampling at positions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any


def corners_without_meaning() -> ValueError:
    """``align_corners`` for a mode that has none."""
    return ValueError(
        "align_corners option can only be set with the interpolating modes: linear | bilinear | "
        "bicubic | trilinear"
    )


def both_sizes() -> ValueError:
    """A size and a factor."""
    return ValueError("only one of size or scale_factor should be defined")


def no_size() -> ValueError:
    """Neither a size nor a factor."""
    return ValueError("either size or scale_factor should be defined")


def size_rank(spatial: Sequence[int], size: Any) -> ValueError:
    """A size of more or fewer dimensions than the input's."""
    return ValueError(
        "Input and output must have the same number of spatial dimensions, but got input with "
        f"spatial dimensions of {list(spatial)} and output size of {size}. Please provide input "
        "tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
    )


def size_types(size: Any) -> TypeError:
    """A size that is no integer."""
    return TypeError(
        "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], "
        f"but got size with types {[type(each) for each in size]}"
    )


def factor_rank(spatial: Sequence[int], factor: Any) -> ValueError:
    """Factors of more or fewer dimensions than the input's."""
    return ValueError(
        "Input and scale_factor must have the same number of spatial dimensions, but got input "
        f"with spatial dimensions of {list(spatial)} and scale_factor of shape {factor}. Please "
        "provide input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, "
        "...,sK) format."
    )


def recompute_with_size() -> ValueError:
    """``recompute_scale_factor`` with a size."""
    return ValueError("recompute_scale_factor is not meaningful with an explicit size.")


def antialias_mode() -> ValueError:
    """``antialias`` for a mode that has none."""
    return ValueError(
        "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a "
        "4-D tensor as input"
    )


def lanczos_corners() -> ValueError:
    """``align_corners`` with ``"lanczos"``."""
    return ValueError("Lanczos mode does not support align_corners=True")


def lanczos_antialias() -> ValueError:
    """``"lanczos"`` without ``antialias``."""
    return ValueError("Lanczos mode requires antialias=True")


def mode_rank(ndim: int, mode: str, needed: int) -> NotImplementedError:
    """A mode for another rank."""
    return NotImplementedError(f"Got {ndim}D input, but {mode} mode needs {needed}D input")


def mode_unknown(ndim: int, mode: Any) -> NotImplementedError:
    """A rank or a mode that there is not."""
    return NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {ndim}D) for the modes: "
        "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got "
        f"{mode})"
    )


def empty_sizes(sizes: Sequence[int], made: Sequence[int]) -> RuntimeError:
    """There is nothing to resample, or nothing to make."""
    if len(sizes) == 1:
        text = f"input (W: {sizes[0]}) and output (W: {made[0]})"
    else:
        names = "DHW"[-len(sizes) :]
        parts = [
            ", ".join(f"{name}: {size}" for name, size in zip(names, each, strict=True))
            for each in (sizes, made)
        ]
        text = f"input ({parts[0]}) output ({parts[1]})"
    return RuntimeError(f"Input and output sizes should be greater than 0, but got {text}")


def empty_data(ndim: int, shape: Sequence[int]) -> RuntimeError:
    """There are no channels."""
    return RuntimeError(
        f"Non-empty {ndim}D data tensor expected but got a tensor with sizes {list(shape)}"
    )


def warn_deprecated(name: str) -> None:
    """An older name of ``interpolate``."""
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=3,
    )


def warn_corners() -> None:
    """``align_corners`` is not given where its default changed."""
    warnings.warn(
        "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
        "1.3.0. Please specify align_corners=True if the old behavior is desired. See the "
        "documentation of grid_sample for details.",
        stacklevel=3,
    )


def warn_unit_grid() -> None:
    """A grid of one point between aligned corners."""
    warnings.warn(
        "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when "
        "align_corners=True. This is not an intended use case of affine_grid. See the "
        "documentation of affine_grid for details.",
        stacklevel=3,
    )


def theta_dtype(dtype: Any) -> ValueError:
    """Affine matrices that are no floating point numbers."""
    return ValueError(f"Expected theta to have floating point type, but got {dtype}")


def theta_shape(spatial: int, size: Any, shape: Any) -> ValueError:
    """Affine matrices of another shape."""
    return ValueError(
        f"Expected a batch of {spatial}D affine matrices of shape Nx{spatial}x{spatial + 1} for "
        f"size {size}. Got {shape}."
    )


def grid_size(size: Any) -> NotImplementedError:
    """A grid of another rank."""
    return NotImplementedError(
        "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
        f"Got size {size}."
    )


def grid_positive(size: Any) -> ValueError:
    """A grid without points."""
    return ValueError(f"Expected non-zero, positive output size. Got {size}")


def theta_batch(expected: Sequence[int], found: Sequence[int]) -> RuntimeError:
    """More or fewer affine matrices than grids."""
    return RuntimeError(
        f"Expected size for first two dimensions of batch2 tensor to be: {list(expected)} but got: "
        f"{list(found)}."
    )


def sampling_mode(mode: Any) -> ValueError:
    """A mode of ``grid_sample`` that there is not."""
    return ValueError(
        "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but "
        f"got: '{mode}'"
    )


def sampling_padding(mode: Any) -> ValueError:
    """A padding of ``grid_sample`` that there is not."""
    return ValueError(
        "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
        f"'reflection', but got: '{mode}'"
    )


def sampler_batch(shape: Sequence[int], grid: Sequence[int]) -> RuntimeError:
    """More or fewer grids than images."""
    return RuntimeError(
        "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
        f"{list(shape)} and grid with sizes {list(grid)}"
    )


def sampler_coordinates(count: int, grid: Sequence[int]) -> RuntimeError:
    """Positions of more or fewer coordinates than the images'."""
    return RuntimeError(
        f"grid_sampler(): expected grid to have size {count} in last dimension, but got grid with "
        f"sizes {list(grid)}"
    )


def sampler_rank(ndim: int, shape: Sequence[int], grid: Sequence[int]) -> RuntimeError:
    """A grid of another rank than the images."""
    return RuntimeError(
        f"grid_sampler(): expected {ndim}D input and grid with same number of dimensions, but got "
        f"input with sizes {list(shape)} and grid with sizes {list(grid)}"
    )


def sampler_images(shape: Sequence[int], grid: Sequence[int]) -> RuntimeError:
    """Images of a rank that there is no sampling for."""
    return RuntimeError(
        "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got "
        f"input with sizes {list(shape)} and grid with sizes {list(grid)}"
    )


def sampler_empty(shape: Sequence[int], dim: int) -> RuntimeError:
    """Images without pixels."""
    return RuntimeError(
        "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
        f"{list(shape)} with dimension {dim} being empty"
    )


def sampler_cubic() -> RuntimeError:
    """Cubic sampling of volumes."""
    return RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
