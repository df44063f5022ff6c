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
