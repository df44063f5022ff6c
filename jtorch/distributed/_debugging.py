"""How much a process checks and says of its collectives: ``TORCH_DISTRIBUTED_DEBUG``."""

from __future__ import annotations

import os

from ._backends import DebugLevel

_debug_level: DebugLevel | None = None


def get_debug_level() -> DebugLevel:
    """Return how much is checked: ``TORCH_DISTRIBUTED_DEBUG``, or what was set."""
    global _debug_level
    if _debug_level is None:
        set_debug_level_from_env()
    assert _debug_level is not None
    return _debug_level


def set_debug_level(level: DebugLevel) -> None:
    """Set how much is checked."""
    global _debug_level
    _debug_level = level


def set_debug_level_from_env() -> None:
    """Read how much is checked from ``TORCH_DISTRIBUTED_DEBUG``.

    Raises:
        RuntimeError: it is none of OFF, INFO and DETAIL.
    """
    global _debug_level
    name = os.environ.get("TORCH_DISTRIBUTED_DEBUG", "OFF").upper()
    if name not in DebugLevel.__members__:
        raise RuntimeError(
            f"The value of TORCH_DISTRIBUTED_DEBUG must be OFF, INFO, or DETAIL, but got '{name}'."
        )
    _debug_level = DebugLevel[name]


level = get_debug_level
