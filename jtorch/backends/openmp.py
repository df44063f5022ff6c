"""Threads in PyTorch's kernels: ``torch.backends.openmp``. XLA has threads of its own."""

from __future__ import annotations


def is_available() -> bool:
    """Return ``True``, as PyTorch's own builds for CPUs do; no result depends on it."""
    return True
