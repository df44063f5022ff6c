"""Fourier transforms: ``torch.fft``."""

from __future__ import annotations

from typing import Any

from .._engine.declare import FFT_FUNCTIONS

globals().update({name.removeprefix("fft_"): each for name, each in FFT_FUNCTIONS.items()})
__all__ = sorted(name.removeprefix("fft_") for name in FFT_FUNCTIONS)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch.fft' has no attribute '{name}'")
