"""Linear algebra: ``torch.linalg``."""

from __future__ import annotations

from typing import Any

from .._engine.declare import LINALG_FUNCTIONS
from ..ops.linalg._messages import _LinAlgError as LinAlgError

globals().update({name.removeprefix("linalg_"): each for name, each in LINALG_FUNCTIONS.items()})
__all__ = ["LinAlgError", *sorted(name.removeprefix("linalg_") for name in LINALG_FUNCTIONS)]


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch.linalg' has no attribute '{name}'")
