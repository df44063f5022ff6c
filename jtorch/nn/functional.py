"""Functions of neural networks: ``torch.nn.functional``."""

from __future__ import annotations

from typing import Any

from .._engine.declare import NN_FUNCTIONS

globals().update(NN_FUNCTIONS)
__all__ = sorted(NN_FUNCTIONS)


def __getattr__(name: str) -> Any:
    if name in NN_FUNCTIONS:
        return NN_FUNCTIONS[name]
    raise AttributeError(f"module 'torch.nn.functional' has no attribute '{name}'")
