"""What the processor can do: ``torch.backends.cpu``."""

from __future__ import annotations

from .._core.processor import cpu_flags

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """Return the widest vectors there are: ``"AVX512"``, ``"AVX2"`` or ``"DEFAULT"``."""
    flags = cpu_flags()
    if {"avx512f", "avx512vl", "avx512bw", "avx512dq"} <= set(flags):
        return "AVX512"
    return "AVX2" if "avx2" in flags else "DEFAULT"
