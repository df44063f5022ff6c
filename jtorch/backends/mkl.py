"""Intel's mathematics on the CPU: ``torch.backends.mkl``. XLA does without."""

from __future__ import annotations

from typing import Any

VERBOSE_OFF, VERBOSE_ON = 0, 1


def is_available() -> bool:
    """Return ``True``, as PyTorch's own builds for CPUs do; no result depends on it."""
    return True


class verbose:
    """Accepts that what runs is to be told; nothing is.

    Args:
        enable: ``VERBOSE_OFF`` or ``VERBOSE_ON``.
    """

    def __init__(self, enable: int):
        self.enable = enable

    def __enter__(self) -> verbose | None:
        return None if self.enable == VERBOSE_OFF else self

    def __exit__(self, *error: Any) -> None:
        pass
