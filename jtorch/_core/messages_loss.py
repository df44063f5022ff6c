"""PyTorch's words about loss functions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any


def reduction(name: Any) -> ValueError:
    """An unknown way to reduce a loss."""
    return ValueError(f"{name} is not a valid value for reduction")


def reduction_mode(name: Any) -> ValueError:
    """An unknown way to reduce a weighted loss."""
    return ValueError(f"Invalid reduction mode: {name}. Expected one of 'none', 'mean', 'sum'.")


def warn_target_size(input_size: Any, target_size: Any) -> None:
    """A loss is given a target of another size, which broadcasts."""
    warnings.warn(
        f"Using a target size ({target_size}) that is different to the input size ({input_size}). "
        "This will likely lead to incorrect results due to broadcasting. Please ensure they have "
        "the same size.",
        stacklevel=3,
    )


def warn_legacy_reduction(name: str) -> None:
    """``size_average`` or ``reduce`` is given."""
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{name}' instead.",
        stacklevel=4,
    )


def target_out_of_bounds(target: int) -> IndexError:
    """A class number is too large, or negative."""
    return IndexError(f"Target {target} is out of bounds.")


def batch_sizes(inputs: int, targets: int) -> ValueError:
    """As many targets as inputs are needed."""
    return ValueError(
        f"Expected input batch_size ({inputs}) to match target batch_size ({targets})."
    )


def target_dtype(type_name: str) -> RuntimeError:
    """Class numbers have a dtype that is none."""
    return RuntimeError(f"expected target dtype to be Long or Byte, but got {type_name}")


def multi_target() -> RuntimeError:
    """Class numbers have too many dimensions."""
    return RuntimeError("0D or 1D target tensor expected, multi-target not supported")


def spatial_targets(ndim: int) -> RuntimeError:
    """Class numbers of images have another rank than three."""
    return RuntimeError(
        "only batches of spatial targets supported (3D tensors) but got targets of dimension: "
        f"{ndim}"
    )


def class_weights(classes: int, shape: Sequence[int]) -> RuntimeError:
    """There are more or fewer weights than classes."""
    return RuntimeError(
        f"weight tensor should be defined either for all {classes} classes or no classes but got "
        f"weight tensor of shape: {list(shape)}"
    )


def smoothing(value: float) -> RuntimeError:
    """Label smoothing is no share."""
    return RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {value:g}")


def bce_size(target: Any, input: Any) -> ValueError:
    """``binary_cross_entropy`` of different sizes."""
    return ValueError(
        f"Using a target size ({target}) that is different to the input size ({input}) is "
        "deprecated. Please ensure they have the same size."
    )


def logits_size(target: Any, input: Any) -> ValueError:
    """``binary_cross_entropy_with_logits`` of different sizes."""
    return ValueError(f"Target size ({target}) must be the same as input size ({input})")


def one_hot_dtype() -> RuntimeError:
    """``one_hot`` of something else than int64."""
    return RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")


def one_hot_negative() -> RuntimeError:
    """``one_hot`` of a negative class."""
    return RuntimeError("Class values must be non-negative.")


def one_hot_range() -> RuntimeError:
    """``one_hot`` with too few classes."""
    return RuntimeError("Class values must be smaller than num_classes.")


def one_hot_of_nothing() -> RuntimeError:
    """``one_hot`` of nothing, without the number of classes."""
    return RuntimeError("Can not infer total number of classes from empty tensor.")


def one_hot_classes() -> RuntimeError:
    """``one_hot`` of nothing, with a number of classes that is not positive."""
    return RuntimeError("num_classes should be positive")


def warn_elementwise_mean() -> None:
    """The old name of a reduction is given."""
    warnings.warn(
        "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.",
        stacklevel=4,
    )
