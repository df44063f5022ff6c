"""Special functions: ``torch.special``."""

from __future__ import annotations

from typing import Any

from .._engine.declare import SPECIAL_FUNCTIONS

globals().update({name.removeprefix("special_"): each for name, each in SPECIAL_FUNCTIONS.items()})
__all__ = sorted(name.removeprefix("special_") for name in SPECIAL_FUNCTIONS)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch.special' has no attribute '{name}'")
