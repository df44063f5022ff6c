"""PyTorch's words about ``ctc_loss``."""

from __future__ import annotations

from ...._core.messages import not_implemented as not_implemented

_WHILE = " (while checking arguments for ctc_loss_allocate_outputs)"


def blank_range() -> RuntimeError:
    """The blank is no class."""
    return RuntimeError("blank must be in label range")


def targets_ndim(ndim: int) -> RuntimeError:
    """The labels are neither one row nor a row each."""
    return RuntimeError(
        f"Expected 1 to 2 dimensions, but got {ndim}-dimensional tensor for argument #2 'targets'"
        + _WHILE
    )


def log_probs_ndim(ndim: int) -> RuntimeError:
    """The log probabilities have another number of dimensions than two or three."""
    return RuntimeError(
        f"Expected 3-dimensional tensor, but got {ndim}-dimensional tensor for argument #1 "
        "'log_probs'" + _WHILE
    )


def lengths_size(name: str) -> RuntimeError:
    """There are more or fewer lengths than sequences."""
    return RuntimeError(f"{name} must be of size batch_size")


def lengths_integral(name: str) -> RuntimeError:
    """Lengths are no integers."""
    return RuntimeError(f"{name} must be integral")


def length_at_least(name: str, value: int) -> RuntimeError:
    """A length is negative."""
    return RuntimeError(f"Expected {name} to have value at least 0, but got value {value}" + _WHILE)


def length_at_most(most: int, value: int) -> RuntimeError:
    """A length is more than there is of the sequence."""
    return RuntimeError(
        f"Expected input_lengths to have value at most {most}, but got value {value}" + _WHILE
    )


def targets_size(expected: int, dim: int, found: int) -> RuntimeError:
    """There are more or fewer labels, or rows of them, than the lengths say."""
    return RuntimeError(
        f"Expected tensor to have size {expected} at dimension {dim}, but got size {found} for "
        "argument #2 'targets'" + _WHILE
    )


def targets_size_least(expected: int, found: int) -> RuntimeError:
    """The rows of labels are shorter than the lengths say."""
    return RuntimeError(
        f"Expected tensor to have size at least {expected} at dimension 1, but got size {found} "
        "for argument #2 'targets'" + _WHILE
    )


def no_second_gradient() -> RuntimeError:
    """The gradient of the loss has none itself."""
    return RuntimeError("derivative for aten::_ctc_loss_backward is not implemented")
