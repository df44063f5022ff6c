"""PyTorch's words about reductions, sorting and counting."""

from __future__ import annotations


def repeated_dim(dim: int) -> RuntimeError:
    """A dimension is named twice."""
    return RuntimeError(f"dim {dim} appears multiple times in the list of dims")


def mean_of_integers(type_name: str) -> RuntimeError:
    """``mean`` without a dtype of a tensor that is neither floating point nor complex."""
    return RuntimeError(
        "mean(): could not infer output dtype. Input dtype must be either a floating point or "
        f"complex dtype. Got: {type_name}"
    )
