"""Fourier transforms: ``torch.fft``."""

from __future__ import annotations

from .._engine.declare import FFT_FUNCTIONS
from .._runtime import absent as _absent

globals().update({name.removeprefix("fft_"): each for name, each in FFT_FUNCTIONS.items()})
__all__ = sorted(name.removeprefix("fft_") for name in FFT_FUNCTIONS)


__getattr__ = _absent.attributes(__name__)
