"""What finite differences say about wrong arguments."""

from __future__ import annotations


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
