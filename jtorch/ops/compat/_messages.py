"""PyTorch's words for internal operators."""

from __future__ import annotations


def chunk_cat(expected: str) -> RuntimeError:
    """``_chunk_cat`` got something else than it expects."""
    return RuntimeError(f"_chunk_cat expects {expected}")
