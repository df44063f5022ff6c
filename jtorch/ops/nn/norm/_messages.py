"""PyTorch's words about layers that normalise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def no_normalized_shape(shape: Sequence[int]) -> RuntimeError:
    """``layer_norm`` over no dimension."""
    return RuntimeError(
        "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
        f"element, but got normalized_shape = {list(shape)}"
    )


def parameter_shape(name: str, shape: Sequence[int], normalized: Sequence[int]) -> RuntimeError:
    """A weight or bias of ``layer_norm`` or ``rms_norm`` has another shape than it should."""
    return RuntimeError(
        f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
        f"{list(shape)} and normalized_shape = {list(normalized)}"
    )


def normalized_shape(normalized: Sequence[int], shape: Sequence[int], rms: bool) -> RuntimeError:
    """The input does not end in the normalised shape."""
    # torch 2.13 writes the list without a comma for rms_norm, and no blank before the size.
    star = "[*" if rms else "[*, "
    return RuntimeError(
        f"Given normalized_shape={list(normalized)}, expected input with shape "
        f"{star}{', '.join(map(str, normalized))}], but got input of size{list(shape)}"
    )


def parameters_float() -> RuntimeError:
    """A parameter has neither the input's dtype nor float32."""
    return RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float")


def same_dtype() -> RuntimeError:
    """Parameters in float32 for an input that is wider."""
    return RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")


def statistics_missing(name: str) -> RuntimeError:
    """``batch_norm`` in evaluation without running statistics."""
    return RuntimeError(f"{name} must be defined in evaluation mode")


def statistics_incomplete() -> ValueError:
    """``batch_norm`` in training with one of two running statistics."""
    return ValueError("running_mean and running_var must either both be None or neither be None")


def instance_statistics_missing() -> RuntimeError:
    """``instance_norm`` by running statistics that are not there."""
    return RuntimeError(
        "Expected running_mean and running_var to be defined when use_input_stats is false"
    )


def channel_count(name: str, expected: int, found: int) -> RuntimeError:
    """A parameter of ``batch_norm`` is of another size than there are channels."""
    return RuntimeError(f"{name} should contain {expected} elements not {found}")


def statistics_gradient(function: str, name: str) -> RuntimeError:
    """Running statistics require grad."""
    return RuntimeError(
        f"The function '{function}' is not differentiable with respect to argument '{name}'. This "
        "input cannot have requires_grad True."
    )


def one_value(size: Any) -> ValueError:
    """Training with one value for each channel."""
    return ValueError(
        f"Expected more than 1 value per channel when training, got input size {size}"
    )


def one_spatial_element(size: Any) -> ValueError:
    """``instance_norm`` of one value for each channel."""
    return ValueError(f"Expected more than 1 spatial element when training, got input size {size}")


def group_rank(ndim: int) -> RuntimeError:
    """``group_norm`` without channels."""
    return RuntimeError(f"Expected at least 2 dimensions for input tensor but received {ndim}")


def group_count(groups: int) -> RuntimeError:
    """``group_norm`` with a number of groups that is not positive."""
    return RuntimeError(f"Expected num groups to be greater than 0, got {groups}")


def groups_of_channels(shape: Sequence[int], groups: int) -> RuntimeError:
    """The channels cannot be divided into groups."""
    return RuntimeError(
        "Expected number of channels in input to be divisible by num_groups, but got input of "
        f"shape {list(shape)} and num_groups={groups}"
    )


def channel_vector(name: str, found: Sequence[int], shape: Sequence[int]) -> RuntimeError:
    """A parameter of ``group_norm`` is no vector of the channels."""
    return RuntimeError(
        f"Expected {name} to be a vector of size equal to the number of channels in input, but got "
        f"{name} of shape {list(found)} and input of shape {list(shape)}"
    )


def epsilon_positive(eps: float) -> ValueError:
    """``batch_norm`` in training without a positive epsilon."""
    return ValueError(f"batch_norm eps must be positive during training, but got {eps}")


def epsilon_not_negative(eps: float) -> ValueError:
    """``batch_norm`` with a negative epsilon."""
    return ValueError(f"batch_norm eps must be non-negative, but got {eps}")


def response_rank(ndim: int) -> ValueError:
    """``local_response_norm`` of too few dimensions."""
    blank = " " * 26
    return ValueError(f"Expected 3D or higher dimensionality{blank}input (got {ndim} dimensions)")


def single_out(name: str, found: str) -> RuntimeError:
    """Several results given as one ``out`` where each has a keyword of its own."""
    return RuntimeError(
        "Overloaded torch operator invoked from Python failed to match any schema:\n"
        f"aten::{name}() Expected a value of type 'Tensor' for argument 'out' but instead found "
        f"type '{found}'."
    )


def statistics_under_vmap() -> RuntimeError:
    """``vmap`` of batch normalisation that keeps running statistics."""
    return RuntimeError(
        "Batch norm got a batched tensor as input while the running_mean or running_var, which "
        "will be updated in place, were not batched.\nIf you are using a module and do not need "
        "eval mode, please set `track_running_stats` to be False.If you are using a prebuilt "
        "module and do not need eval mode, please see the functorch website for resources on how "
        "to patch your module to work with vmap"
    )
