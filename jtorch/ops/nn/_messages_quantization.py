"""What fake quantisation says, in PyTorch's words."""

from __future__ import annotations


def parameter_gradient(function: str, name: str) -> RuntimeError:
    """A scale or a zero point requires grad."""
    return RuntimeError(
        f"The function '{function}' is not differentiable with respect to argument '{name}'. This "
        "input cannot have requires_grad True."
    )


def levels_reversed() -> RuntimeError:
    """The least level is greater than the greatest."""
    return RuntimeError("`quant_min` should be less than or         equal to `quant_max`.")


def zero_point_outside() -> RuntimeError:
    """A zero point is none of the levels."""
    return RuntimeError("`zero_point` must be between `quant_min` and `quant_max`.")


def several_elements(count: int) -> RuntimeError:
    """A parameter of a whole tensor has other than one element."""
    return RuntimeError(f"a Tensor with {count} elements cannot be converted to Scalar")


def scale_dtype(name: str) -> RuntimeError:
    """Scales of channels of another dtype."""
    return RuntimeError(f"Scale must be Float or BFloat16, found {name}")


def zero_point_dtype(name: str) -> RuntimeError:
    """Zero points of channels of another dtype."""
    return RuntimeError(f"Zero-point must be Int32, Float or Half, found {name}")


def not_one_dimension(name: str) -> RuntimeError:
    """Parameters of channels that are no vector."""
    return RuntimeError(f"{name} should be a 1-D tensor")


def different_channels() -> RuntimeError:
    """There are more or fewer scales than zero points."""
    return RuntimeError("scale and zero-point need to have the same dimensions")


def wrong_channels() -> RuntimeError:
    """There are more or fewer scales than channels."""
    return RuntimeError("dimensions of scale and zero-point are not consistent with input tensor")


def axis_outside() -> RuntimeError:
    """The dimension of the channels is counted from the end."""
    return RuntimeError("`axis` must be between 0 and number of dimensions of input")
