"""PyTorch's words about quantiles."""

from __future__ import annotations


def quantile_number(share: float) -> RuntimeError:
    """``quantile`` of a number that is no share."""
    return RuntimeError(f"quantile() q must be in the range [0, 1] but got {share:g}")


def quantile_shares() -> RuntimeError:
    """``quantile`` of a tensor with a number that is no share."""
    return RuntimeError("quantile() q values must be in the range [0, 1]")


def quantile_rank() -> RuntimeError:
    """``quantile`` of more than a vector of shares."""
    return RuntimeError("quantile() q must be a scalar or 1D tensor")


def quantile_of_nothing() -> RuntimeError:
    """``quantile`` of nothing."""
    return RuntimeError("quantile() input tensor must be non-empty")


def quantile_dtype() -> RuntimeError:
    """``quantile`` of another dtype than float32 or float64."""
    return RuntimeError("quantile() input tensor must be either float or double dtype")


def quantile_q_dtype() -> RuntimeError:
    """``quantile`` with shares of another dtype."""
    return RuntimeError("quantile() q tensor must be same dtype as the input tensor")


def quantile_interpolation(interpolation: str) -> RuntimeError:
    """``quantile`` with an unknown interpolation."""
    return RuntimeError(
        "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but "
        f"got {interpolation}"
    )
