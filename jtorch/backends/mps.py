"""Apple's GPUs: ``torch.backends.mps``. jtorch has none of their tensors."""

from __future__ import annotations

from .._runtime import absent as _absent

__all__ = ["is_available", "is_built", "is_macos13_or_newer", "is_macos_or_newer"]


def is_built() -> bool:
    """Return ``False``."""
    return False


def is_available() -> bool:
    """Return ``False``."""
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """Refuse the question, as PyTorch does without this backend."""
    raise RuntimeError("Cannot execute isOnMacOSorNewer() without MPS backend.")


def is_macos13_or_newer(minor: int = 0) -> bool:
    """Refuse the question, as PyTorch does without this backend."""
    return is_macos_or_newer(13, minor)


__getattr__ = _absent.attributes(__name__)
