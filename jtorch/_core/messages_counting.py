"""PyTorch's words about counting."""

from __future__ import annotations


def bincount_dtype(type_name: str) -> NotImplementedError:
    """``bincount`` of something else than integers."""
    return NotImplementedError(f"\"bincount_cpu\" not implemented for '{type_name}'")


def bincount_values() -> RuntimeError:
    """``bincount`` of a negative number, or of no vector."""
    return RuntimeError("bincount only supports 1-d non-negative integral inputs.")


def bincount_weights() -> RuntimeError:
    """``bincount`` with another number of weights."""
    return RuntimeError("weights should be 1-d and have the same length as input")


def negative_minlength() -> RuntimeError:
    """``bincount`` of a negative length."""
    return RuntimeError("minlength should be >= 0")


def no_bins() -> RuntimeError:
    """``histc`` without bins."""
    return RuntimeError("torch.histogram(): bins must be > 0")


def not_implemented(kernel: str, type_name: str) -> NotImplementedError:
    """PyTorch has no kernel for a dtype."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{type_name}'")


def range_not_finite(low: float, high: float) -> RuntimeError:
    """``histc`` over an infinite range."""
    return RuntimeError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")


def range_reversed() -> RuntimeError:
    """``histc`` with its edges exchanged."""
    return RuntimeError("torch.histc: max must be larger than min")
