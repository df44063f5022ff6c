"""PyTorch's words about short-time Fourier transforms."""

from __future__ import annotations

from typing import Any

from ..._core import once


def _once(name: str, text: str) -> None:
    once.warn(name, text)


def stft_without_window() -> None:
    """``stft`` without a window."""
    _once(
        "stft window",
        "A window was not provided. A rectangular window will be applied,which is known to cause "
        "spectral leakage. Other windows such as torch.hann_window or torch.hamming_window are "
        "recommended to reduce spectral leakage.To suppress this warning and use a rectangular "
        "window, explicitly set `window=torch.ones(n_fft, device=<device>)`. (Triggered internally "
        "at /__w/pytorch/pytorch/aten/src/ATen/native/SpectralOps.cpp:835.)",
    )


def istft_without_window() -> None:
    """``istft`` without a window."""
    _once(
        "istft window",
        "A window was not provided. A rectangular window will be applied.Please provide the same "
        "window used by stft to make the inversion lossless.To suppress this warning and use a "
        "rectangular window, explicitly set `window=torch.ones(n_fft, device=<device>)`. "
        "(Triggered internally at /__w/pytorch/pytorch/aten/src/ATen/native/SpectralOps.cpp:1035.)",
    )


def real_output_deprecated() -> None:
    """``stft`` with ``return_complex=False``."""
    _once(
        "return_complex",
        "stft with return_complex=False is deprecated. In a future pytorch release, stft will "
        "return complex tensors for all inputs, and return_complex=False will raise an error.\n"
        "Note: you can still call torch.view_as_real on the complex output to recover the old "
        "return format. (Triggered internally at "
        "/__w/pytorch/pytorch/aten/src/ATen/native/SpectralOps.cpp:874.)",
    )


def padded_signal() -> None:
    """``istft`` of a longer signal than there is."""
    _once(
        "istft length",
        "The length of signal is shorter than the length parameter. Result is being padded with "
        "zeros in the tail. Please check your center and hop_length settings. (Triggered "
        "internally at /__w/pytorch/pytorch/aten/src/ATen/native/SpectralOps.cpp:1199.)",
    )


def align_when_centered() -> RuntimeError:
    """``align_to_window`` of a centered transform."""
    return RuntimeError("stft align_to_window should only be set when center = false")


def window_device(name: str, device: Any, window: Any) -> RuntimeError:
    """A window on another device than the signal."""
    return RuntimeError(
        f"{name} input and window must be on the same device but got self on {device} and window "
        f"on {window}"
    )


def return_complex_required() -> RuntimeError:
    """``stft`` of real numbers that does not say what to return."""
    return RuntimeError(
        "stft requires the return_complex parameter be given for real inputs, and will further "
        "require that return_complex=True in a future PyTorch release."
    )


def onesided_of_complex() -> RuntimeError:
    """A half of a spectrum that is not mirrored."""
    return RuntimeError("Cannot have onesided output if window or input is complex")


def complex_window() -> RuntimeError:
    """``istft`` to real numbers with a complex window."""
    return RuntimeError("Complex windows are incompatible with return_complex=False")


def spectrum_of_reals() -> RuntimeError:
    """``istft`` of something that is not complex."""
    return RuntimeError(
        "istft requires a complex-valued input tensor matching the output from stft with "
        "return_complex=True."
    )


def _shown(value: Any) -> str:
    return "None" if value is None else str(int(value))


def _window(window: Any) -> str:
    if window is None:
        return "None"
    return f"torch.{window.dtype._legacy_name}Tensor{{{list(window.shape)}}}"


def stft_call(
    input: Any, n_fft: int, hop: int, win: int, window: Any, options: tuple, problem: str
) -> RuntimeError:
    """A wrong argument of ``stft``, after a description of the call.

    Args:
        options: ``normalized``, ``onesided``, ``return_complex`` and ``align_to_window``.
    """
    normalized, onesided, return_complex, align = map(_shown, options)
    return RuntimeError(
        f"stft(torch.{input.dtype._legacy_name}Tensor{list(input.shape)}, n_fft={n_fft}, "
        f"hop_length={hop}, win_length={win}, window={_window(window)}, normalized={normalized}, "
        f"onesided={onesided}, return_complex={return_complex}, align_to_window={align}) : "
        f"{problem}"
    )


def istft_call(
    input: Any, n_fft: int, hop: int, win: int, window: Any, options: tuple, problem: str
) -> RuntimeError:
    """A wrong argument of ``istft``, after a description of the call.

    Args:
        options: ``center``, ``normalized``, ``onesided``, ``length`` and ``return_complex``.
    """
    center, normalized, onesided, length, return_complex = map(_shown, options)
    return RuntimeError(
        f"istft(CPU{input.dtype._legacy_name}Type{list(input.shape)}, n_fft={n_fft}, "
        f"hop_length={hop}, win_length={win}, window={_window(window)}, center={center}, "
        f"normalized={normalized}, onesided={onesided}, length={length}, "
        f"return_complex={return_complex}){problem}"
    )


def no_envelope() -> RuntimeError:
    """``istft`` of a signal without samples."""
    return RuntimeError(
        "min(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
        "reduction dim with the 'dim' argument."
    )
