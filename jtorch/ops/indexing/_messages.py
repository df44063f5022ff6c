"""What PyTorch says of indices: of ``x[...]`` and of the operators that take positions."""

from __future__ import annotations

from collections.abc import Sequence


def indices_do_not_broadcast(shapes: Sequence[Sequence[int]]) -> IndexError:
    """Tensors of positions do not broadcast together."""
    shown = ", ".join(str(list(shape)) for shape in shapes)
    return IndexError(
        f"shape mismatch: indexing tensors could not be broadcast together with shapes {shown}"
    )


def put_dtypes(target: str, source: str) -> RuntimeError:
    """A value has another dtype than the tensor that it is put into."""
    return RuntimeError(
        "Index put requires the source and destination dtypes match, got "
        f"{target} for the destination and {source} for the source."
    )


def negative_repeats() -> RuntimeError:
    """``repeat_interleave`` by a negative int."""
    return RuntimeError("Repeats must be non-negative")


def negative_repeat() -> RuntimeError:
    """``repeat_interleave`` by a tensor with a negative element."""
    return RuntimeError("repeats can not be negative")


def repeats_rank() -> RuntimeError:
    """``repeat_interleave`` by more than a vector."""
    return RuntimeError("repeats must be 0-dim or 1-dim tensor")


def repeats_vector() -> RuntimeError:
    """``repeat_interleave`` of repeats alone that are no vector."""
    return RuntimeError("repeat_interleave only accept 1D vector as repeat")


def output_size(expected: int, given: int) -> RuntimeError:
    """``repeat_interleave`` by a number, to another size than that makes."""
    return RuntimeError(
        f"repeat_interleave: Invalid output_size, expected {expected} but got {given}"
    )


def allocated_size() -> RuntimeError:
    """``repeat_interleave`` by a tensor, to another size than that makes."""
    return RuntimeError("allocated size does not match required size")


def repeats_size(repeats: Sequence[int], dim: int, shape: Sequence[int]) -> RuntimeError:
    """``repeat_interleave`` by a vector of another length."""
    return RuntimeError(
        "repeats must have the same size as input along dim, but got repeats.size(0) = "
        f"{repeats[0]} and input.size({dim}) = {shape[dim]}"
    )
