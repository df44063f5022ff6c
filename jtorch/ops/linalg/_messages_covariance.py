"""What covariances say about wrong arguments."""

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
