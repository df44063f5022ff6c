"""Settings that functions made of operators look at: what is remembered of calls ends there."""

from __future__ import annotations

#: How often one of them was changed.
changes = 0


def changed() -> None:
    """Say that one of them was changed."""
    global changes
    changes += 1
