"""``torch.Tensor``: the class, its making, indexing, conversion and printing."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    """Libraries import ``torch._tensor.Tensor``; the modules of this folder import each other."""
    if name != "Tensor":
        raise AttributeError(f"module 'torch._tensor' has no attribute '{name}'")
    from .tensor import Tensor

    return Tensor
