"""What is said where memory runs out, in PyTorch's words."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import OutOfMemoryError


def out_of_memory(nbytes: int) -> RuntimeError:
    """More memory than there is."""
    return RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
        f"you tried to allocate {nbytes} bytes. Error code 12 (Cannot allocate memory)"
    )


def out_of_device_memory(
    nbytes: int, index: int, statistics: Mapping[str, int]
) -> OutOfMemoryError:
    """More memory than a GPU has left.

    Args:
        nbytes: what could not be had.
        index: of the GPU.
        statistics: JAX's of its memory; where it has none, the sentence on it is left out.
    """
    text = f"CUDA out of memory. Tried to allocate {memory_size(nbytes)}."
    if total := statistics.get("bytes_limit", 0):
        used = statistics.get("bytes_in_use", 0)
        text += (
            f" GPU {index} has a total capacity of {memory_size(total)} of which "
            f"{memory_size(max(0, total - used))} is free. Of the allocated memory "
            f"{memory_size(used)} is allocated by PyTorch."
        )
    return OutOfMemoryError(text)


def memory_size(nbytes: int) -> str:
    """Return a number of bytes as PyTorch's messages on memory show it."""
    size, unit = float(nbytes), "bytes"
    for larger in ("KiB", "MiB", "GiB"):
        if size > 1024:
            size, unit = size / 1024, larger
    return f"{nbytes} bytes" if unit == "bytes" else f"{size:.2f} {unit}"
