"""PyTorch's words for what several operators of neural networks refuse."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any


def scalar_type(expected: str, found: str) -> RuntimeError:
    """A tensor that has to have the input's dtype has another."""
    return RuntimeError(f"expected scalar type {expected} but found {found}")


def negative_size(shape: Sequence[int]) -> RuntimeError:
    """A result would have a negative size."""
    least = next(size for size in shape if size < 0)
    return RuntimeError(f"Trying to create tensor with negative dimension {least}: {list(shape)}")


def reduction(name: Any) -> ValueError:
    """An unknown way to reduce a loss."""
    return ValueError(f"{name} is not a valid value for reduction")


def warn_legacy_reduction(name: str) -> None:
    """``size_average`` or ``reduce`` is given."""
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{name}' instead.",
        stacklevel=4,
    )


def warn_elementwise_mean() -> None:
    """The old name of a reduction is given."""
    warnings.warn(
        "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.",
        stacklevel=4,
    )


def no_dimension(ndim: int, dim: int) -> IndexError:
    """PyTorch asks a tensor for the size of a dimension that it does not have."""
    if not ndim:
        return IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return IndexError(
        f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}], but got {dim})"
    )


def bool_relu() -> RuntimeError:
    """``relu`` of bool."""
    return RuntimeError("Boolean inputs not supported for relu")


def bool_hardtanh() -> RuntimeError:
    """``hardtanh`` of bool."""
    return RuntimeError("Bool inputs not supported for hardtanh")


def unsigned_hardtanh() -> RuntimeError:
    """``hardtanh`` of an unsigned dtype with a negative limit."""
    return RuntimeError("cannot do hardtanh on an unsigned type with negative limits")


def celu_alpha() -> RuntimeError:
    """``celu`` that divides by zero."""
    return RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")


def hardtanh_limits() -> ValueError:
    """``hardtanh`` with its limits the wrong way round."""
    return ValueError("min_val cannot be greater than max_val")


def gelu_approximation() -> RuntimeError:
    """An unknown ``approximate``."""
    return RuntimeError("approximate argument must be either none or tanh.")


def softshrink_lambda(limit: str, dtype: str, value: float) -> RuntimeError:
    """``softshrink`` by a negative amount."""
    return RuntimeError(
        f"lambda must be in range [0, {limit}] for input dtype {dtype}, but found {value:g}"
    )


def prelu_of_scalar() -> RuntimeError:
    """``prelu`` of a tensor without dimensions."""
    return RuntimeError("Not allow zero-dim input tensor.")


def prelu_channels(weights: int, channels: int) -> RuntimeError:
    """``prelu`` with another number of weights than channels."""
    return RuntimeError(
        f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weights}"
        f" and channel size = {channels}."
    )


def prelu_weight(ndim: int) -> RuntimeError:
    """``prelu`` with weights of too many dimensions."""
    return RuntimeError(
        f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {ndim}"
    )


def odd_halves(dim: int, size: int) -> RuntimeError:
    """``glu`` along a dimension of odd size."""
    return RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {size}")


def glu_of_scalar() -> RuntimeError:
    """``glu`` of a tensor without dimensions."""
    return RuntimeError("glu does not support scalars because halving size must be even")
