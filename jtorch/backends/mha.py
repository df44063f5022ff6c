"""Settings of attention of several heads: ``torch.backends.mha``."""

from __future__ import annotations

_fastpath_enabled = True


def get_fastpath_enabled() -> bool:
    """Return whether inference may take its own way, see ``TransformerEncoderLayer``."""
    return _fastpath_enabled


def set_fastpath_enabled(value: bool) -> None:
    """Say whether inference may take its own way."""
    global _fastpath_enabled
    _fastpath_enabled = value
