"""What covariances and finite differences say about wrong arguments."""

from __future__ import annotations


def too_many_dimensions(name: str, ndim: int) -> RuntimeError:
    """``cov`` or ``corrcoef`` of more than a matrix."""
    return RuntimeError(
        f"{name}(): expected input to have two or fewer dimensions but got an input with {ndim} "
        "dimensions"
    )


def no_bool() -> RuntimeError:
    """``cov`` of booleans."""
    return RuntimeError("cov(): bool dtype is not supported for input")


def weight_dimensions(name: str, ndim: int) -> RuntimeError:
    """Weights that are no vector."""
    return RuntimeError(
        f"cov(): expected {name} to have one or fewer dimensions but got {name} with {ndim} "
        "dimensions"
    )


def weight_dtype(name: str, wanted: str, dtype: str) -> RuntimeError:
    """Frequencies that are not integers, or importances that are."""
    return RuntimeError(
        f"cov(): expected {name} to have {wanted} dtype but got {name} with {dtype} dtype"
    )


def weight_count(name: str, count: int, observations: int) -> RuntimeError:
    """More or fewer weights than observations."""
    return RuntimeError(
        f"cov(): expected {name} to have the same numel as there are observations in the input "
        f"but got {count} != {observations}"
    )


def negative_weights(name: str) -> RuntimeError:
    """A weight below zero."""
    return RuntimeError(f"cov(): {name} cannot be negative")


def weights_sum_to_zero() -> RuntimeError:
    """Weights that cannot be normalised."""
    return RuntimeError("cov(): weights sum to zero, can't be normalized")


NO_FREEDOM = (
    "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of "
    "observations."
)


def gradient_of_bytes() -> RuntimeError:
    """``gradient`` of uint8."""
    return RuntimeError("torch.gradient does not support uint8 input.")


def spacings_without_dim(ndim: int, count: int) -> RuntimeError:
    """As many spacings as there are dimensions are expected."""
    return RuntimeError(
        "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to "
        f"'self.dim() = {ndim}', since dim argument was not given, but got a list of length {count}"
    )


def spacings_and_dims(spacings: int, dims: int) -> RuntimeError:
    """One spacing for each dimension is expected."""
    return RuntimeError(
        "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim "
        "arguments to have the same length, but got a spacing argument of length "
        f"{spacings} and a dim argument of length {dims}."
    )


def edge_order() -> RuntimeError:
    """An order at the edges other than 1 and 2."""
    return RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")


def repeated_dim(dim: int) -> RuntimeError:
    """A dimension named twice."""
    return RuntimeError(f"dim {dim} appears multiple times in the list of dims")


def too_short() -> RuntimeError:
    """A dimension with too few samples."""
    return RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")


def coordinates_rank(ndim: int) -> RuntimeError:
    """Coordinates that are no vector."""
    return RuntimeError(
        "torch.gradient expected each element of spacing to have one dimension, but got an element "
        f"with {ndim} dimensions!"
    )
