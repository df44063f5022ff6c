"""Named results of functions made of other operators."""

from __future__ import annotations

from typing import Any

from ..._core.structseq import RETURN_TYPES
from ..._engine.declare import op

bound_function = op


def named(name: str, *results: Any) -> Any:
    """Return the named tuple of an operator's results."""
    return tuple.__new__(RETURN_TYPES[name], results)
