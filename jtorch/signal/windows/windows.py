"""The windows themselves. ``sym=False`` gives one period of a periodic window, as transforms want.

The formulas are those of F. J. Harris, "On the use of windows for harmonic analysis with the
discrete Fourier transform", Proceedings of the IEEE 66 (1978), and of A. H. Nuttall, "Some windows
with very good sidelobe behavior", IEEE Transactions on Acoustics, Speech, and Signal Processing 29
(1981).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import jtorch as torch

from ..._core.layout import strided

_KEYWORDS = """
    Args:
        M: number of points.{more}
        sym: whether the window is symmetric; otherwise it is one period of a periodic one.
        dtype: float32 or float64; the default dtype unless given.
        layout: only ``torch.strided``.
        device: the default device unless given.
        requires_grad: whether gradients flow to what the window is made of.
    Returns:
        Tensor of shape (M,), largest element 1.
    Raises:
        ValueError: the length is negative, or the dtype or layout is another.
    """


def _documented(summary: str, more: str = "") -> Any:
    def decorate(function: Any) -> Any:
        extra = f"\n        {more}" if more else ""
        function.__doc__ = f"{summary}\n{_KEYWORDS.format(more=extra)}"
        return function

    return decorate


def _options(
    name: str, M: int, dtype: Any, layout: Any, device: Any, requires_grad: bool
) -> dict[str, Any]:
    """Check the arguments that all windows have; return them as those of a factory function."""
    dtype = torch.get_default_dtype() if dtype is None else dtype
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not torch.strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}


def _intervals(M: int, sym: bool) -> int:
    """Return the number of steps between the window's outer points."""
    return M - 1 if sym or M == 1 else M


@_documented(
    "Make an exponential window, ``exp(-abs(n - center) / tau)``.",
    "center: where its peak is, in the middle unless given; only where ``sym`` is False.\n"
    "        tau: how slowly it decays, positive.",
)
def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> torch.Tensor:
    options = _options("exponential", M, dtype, layout, device, requires_grad)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    if M == 0:
        return torch.empty((0,), **options)
    middle = _intervals(M, sym) / 2.0 if center is None else center
    rate = 1 / tau
    positions = torch.linspace(-middle * rate, (-middle + (M - 1)) * rate, M, **options)
    return torch.exp(-torch.abs(positions))


@_documented("Make a cosine window, half a period of a sine.")
def cosine(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> torch.Tensor:
    options = _options("cosine", M, dtype, layout, device, requires_grad)
    if M == 0:
        return torch.empty((0,), **options)
    step = math.pi / (_intervals(M, sym) + 1)
    return torch.sin(torch.linspace(0.5 * step, (0.5 + (M - 1)) * step, M, **options))


@_documented("Make a Gaussian window.", "std: its standard deviation in points, positive.")
def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> torch.Tensor:
    options = _options("gaussian", M, dtype, layout, device, requires_grad)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    if M == 0:
        return torch.empty((0,), **options)
    start = -_intervals(M, sym) / 2.0
    rate = 1 / (std * math.sqrt(2))
    positions = torch.linspace(start * rate, (start + (M - 1)) * rate, M, **options)
    return torch.exp(-(positions**2))


@_documented("Make a Kaiser window.", "beta: its shape parameter, not negative.")
def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> torch.Tensor:
    options = _options("kaiser", M, dtype, layout, device, requires_grad)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    if M == 0:
        return torch.empty((0,), **options)
    if M == 1:
        return torch.ones((1,), **options)
    # The ends are rounded to the dtype. A fused multiplication and addition still leaves a little
    # less than nothing at an end, of which there is no root.
    shape = torch.tensor(beta, dtype=options["dtype"], device=device)
    end = torch.minimum(shape, -shape + (M - 1) * (2.0 * shape / _intervals(M, sym)))
    positions = torch.linspace(-shape, end, M, **options)
    inside = torch.clamp(shape * shape - torch.pow(positions, 2), min=0)
    return torch.i0(torch.sqrt(inside)) / torch.i0(shape)


@_documented("Make a Hamming window.")
def hamming(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> torch.Tensor:
    return general_hamming(
        M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


@_documented("Make a Hann window.")
def hann(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> torch.Tensor:
    return general_hamming(
        M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device,
        requires_grad=requires_grad,
    )  # fmt: skip


@_documented("Make a Blackman window.")
def blackman(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> torch.Tensor:
    _options("blackman", M, dtype, layout, device, requires_grad)
    return general_cosine(
        M, a=[0.42, 0.5, 0.08], sym=sym, dtype=dtype, layout=layout, device=device,
        requires_grad=requires_grad,
    )  # fmt: skip


@_documented("Make a Bartlett window, a triangle.")
def bartlett(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> torch.Tensor:
    options = _options("bartlett", M, dtype, layout, device, requires_grad)
    if M == 0:
        return torch.empty((0,), **options)
    if M == 1:
        return torch.ones((1,), **options)
    step = 2 / _intervals(M, sym)
    return 1 - torch.abs(torch.linspace(-1, -1 + (M - 1) * step, M, **options))


@_documented("Make a window that is a sum of cosines of alternating sign.", "a: their weights.")
def general_cosine(
    M: int,
    *,
    a: Iterable,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> torch.Tensor:
    options = _options("general_cosine", M, dtype, layout, device, requires_grad)
    if M == 0:
        return torch.empty((0,), **options)
    if M == 1:
        return torch.ones((1,), **options)
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    step = 2 * math.pi / _intervals(M, sym)
    angles = torch.linspace(0, (M - 1) * step, M, **options)
    signed = [(-1) ** place * weight for place, weight in enumerate(a)]
    kept = {name: options[name] for name in ("dtype", "device", "requires_grad")}
    weights = torch.tensor(signed, **kept)
    orders = torch.arange(len(signed), **kept)
    return (weights.unsqueeze(-1) * torch.cos(orders.unsqueeze(-1) * angles)).sum(0)


@_documented(
    "Make a Hamming window of another shape.", "alpha: the constant part, 0.54 for Hamming."
)
def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> torch.Tensor:
    return general_cosine(
        M, a=[alpha, 1.0 - alpha], sym=sym, dtype=dtype, layout=layout, device=device,
        requires_grad=requires_grad,
    )  # fmt: skip


@_documented("Make Nuttall's window of four terms.")
def nuttall(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> torch.Tensor:
    return general_cosine(
        M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, dtype=dtype, layout=layout,
        device=device, requires_grad=requires_grad,
    )  # fmt: skip
