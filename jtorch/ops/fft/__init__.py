"""Fourier transforms: ``torch.fft`` and ``stft``."""
