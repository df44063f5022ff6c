"""PyTorch's words about differences and integrals."""

from __future__ import annotations


def diff_rank() -> RuntimeError:
    """``diff`` of a tensor without dimensions."""
    return RuntimeError("diff expects input to be at least one-dimensional")


def diff_order(order: int) -> RuntimeError:
    """``diff`` a negative number of times."""
    return RuntimeError(f"order must be non-negative but got {order}")


def diff_sizes() -> RuntimeError:
    """``diff`` with something of another rank before or behind."""
    return RuntimeError("diff expects prepend or append to be the same dimension as input")


def trapezoid_sizes(y: int, x: int) -> RuntimeError:
    """``trapezoid`` of other places than values."""
    return RuntimeError("trapezoid: There must be one `x` value for each sample point")


def trapezoid_bool(name: str, with_x: bool) -> RuntimeError:
    """An integral of bools."""
    which = "`x` or `y`" if with_x else "`y`"
    return RuntimeError(f"{name}: received a bool input for {which}, but bool is not supported")


def trapezoid_rank(dim: int) -> IndexError:
    """An integral of a tensor without dimensions."""
    return IndexError(f"Dimension specified as {dim} but tensor has no dimensions")


def slice_rank() -> IndexError:
    """A slice of a tensor without dimensions."""
    return IndexError("slice() cannot be applied to a 0-dim tensor.")
