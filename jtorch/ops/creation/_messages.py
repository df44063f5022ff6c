"""Messages about making tensors: PyTorch's words, by name."""

from __future__ import annotations

from collections.abc import Sequence


def negative_size(function: str) -> RuntimeError:
    """A negative size."""
    return RuntimeError(f"{function}: Dimension size must be non-negative.")


def size_overflow(size: Sequence[int], strides: Sequence[int] | None = None) -> RuntimeError:
    """More memory than numbers of 64 bits can say."""
    text = f"Storage size calculation overflowed with sizes={list(size)}"
    return RuntimeError(text if strides is None else f"{text} and strides={list(strides)}")


def pinned_on_device() -> RuntimeError:
    """Memory of a GPU is to be pinned."""
    return RuntimeError("Only dense CPU tensors can be pinned")


def device_of_out(device: str, out: str) -> RuntimeError:
    """``out=`` is on a device of another type than the function's."""
    return RuntimeError(f"device type {device} does not match device type of out parameter ({out})")


def fill_gradient(name: str) -> RuntimeError:
    """``out=`` of something that requires grad."""
    return RuntimeError(
        f"aten::{name}(): functions with out=... arguments don't support automatic "
        "differentiation, but one of the arguments requires grad."
    )


def found_dtype(found: str, expected: str) -> RuntimeError:
    """An operand of another dtype where all have to have the first one's."""
    return RuntimeError(f"Found dtype {found} but expected {expected}")


def order_of_slices() -> NotImplementedError:
    """Numbers for each slice of ``vmap`` are drawn into a tensor of another order in memory."""
    return NotImplementedError(
        "vmap(randomness='different') draws only for tensors that are contiguous"
    )
