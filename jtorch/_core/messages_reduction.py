"""PyTorch's words about reductions, sorting and counting."""

from __future__ import annotations


def repeated_dim(dim: int) -> RuntimeError:
    """A dimension is named twice."""
    return RuntimeError(f"dim {dim} appears multiple times in the list of dims")


def mean_of_integers(given: str, type_name: str) -> RuntimeError:
    """``mean`` in a dtype that is neither floating point nor complex."""
    return RuntimeError(
        f"mean(): could not infer output dtype. {given} dtype must be either a floating point or "
        f"complex dtype. Got: {type_name}"
    )


def no_gradient_of(type_name: str) -> RuntimeError:
    """A result that requires grad has a dtype without gradients."""
    return RuntimeError(f"Autograd not support dtype: {type_name}")


def nanmean_of_integers(type_name: str) -> RuntimeError:
    """``nanmean`` of a tensor that is neither floating point nor complex."""
    return RuntimeError(
        "nanmean(): expected input to have floating point or complex dtype but got "
        f"{type_name}"
    )


def no_complex(name: str) -> RuntimeError:
    """A reduction that has no meaning for complex numbers."""
    return RuntimeError(f"{name} does not support complex inputs")


def trace_rank(ndim: int) -> RuntimeError:
    """``trace`` of something that is no matrix."""
    return RuntimeError(f"trace: expected a matrix, but got tensor with dim {ndim}")


def moments_of_integers(name: str) -> RuntimeError:
    """``std`` or ``var`` of integers."""
    return RuntimeError(f"{name} only support floating point and complex dtypes")


def no_freedom(name: str) -> str:
    """Warn that the correction leaves nothing to divide by."""
    return (
        f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the "
        "reduction factor (input numel divided by output numel)."
    )
