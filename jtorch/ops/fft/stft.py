"""Short-time Fourier transforms: ``torch.stft`` and ``torch.istft``.

A signal is cut into frames that overlap, each is weighted by a window and transformed; the inverse
adds the frames up and divides by the sum of the squared windows (D. W. Griffin and J. S. Lim,
"Signal estimation from modified short-time Fourier transform", IEEE Transactions on Acoustics,
Speech, and Signal Processing 32, 1984).
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._core.schema.schema import Schema
from ..._engine.declare import Autocast, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom
from ..creation.creation import ones, zeros
from ..nn.padding import pad
from ..reduce.counting import host_array
from ..shape.dtype import view_as_complex, view_as_real
from . import _messages_stft
from .fourier import _fft_c2c, _fft_c2r, _fft_r2c, _zeros_behind

_BY_ROOT, _UNSCALED, _BY_COUNT = 1, 0, 2


def _framed(array: Any, size: int, step: int) -> Any:
    """Cut the last dimension into overlapping frames, (..., length) to (..., frames, size).

    Where a frame is some steps long, frames are neighbouring steps side by side: no gather.
    """
    frames = (array.shape[-1] - size) // step + 1
    parts = -(-size // step)
    length = (frames + parts - 1) * step
    missing = max(0, length - array.shape[-1])
    array = jnp.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, missing)])[..., :length]
    steps = array.reshape(*array.shape[:-1], frames + parts - 1, step)
    joined = jnp.concatenate([steps[..., part : part + frames, :] for part in range(parts)], -1)
    return joined[..., :size]


def _overlapped(array: Any, length: int, step: int) -> Any:
    """Add overlapping frames up, (..., frames, size) to (..., length)."""
    frames, size = array.shape[-2:]
    parts = -(-size // step)
    lead = [(0, 0)] * (array.ndim - 2)
    array = jnp.pad(array, [*lead, (0, 0), (0, parts * step - size)])
    total: Any = 0
    for part in range(parts):
        steps = array[..., part * step : (part + 1) * step]
        total = total + jnp.pad(steps, [*lead, (part, parts - 1 - part), (0, 0)])
    flat = total.reshape(*array.shape[:-2], (frames + parts - 1) * step)
    missing = max(0, length - flat.shape[-1])
    return jnp.pad(flat, [*lead, (0, missing)])[..., :length]


def _frames_spec(operation, bound, mode) -> Spec:
    operand, size, step = bound["input"], bound["size"], bound["step"]
    meta = operand.meta
    length = meta.shape[-1]

    def vjp(cotangents, results, operands):
        return [_overlapped(cotangents[0], length, step)]

    shape = (*meta.shape[:-1], (length - size) // step + 1, size)
    result = make_meta(shape, meta.dtype, meta.device)
    return Spec([operand], (result,), {"size": size, "step": step}, vjp=vjp)


@op(
    "_frames(Tensor input, int64_t size, int64_t step)",
    kind=Custom(_frames_spec),
    method=False,
    function=False,
    saves=(),
    node_name="AsStridedBackward0",
)
def _frames(array: Any, *, size: Any, step: Any) -> Any:
    """Cut the last dimension into frames that overlap."""
    return _framed(array, size, step)


def _overlap_spec(operation, bound, mode) -> Spec:
    operand, length, step = bound["input"], bound["length"], bound["step"]
    meta = operand.meta
    size = meta.shape[-1]

    def vjp(cotangents, results, operands):
        return [_framed(cotangents[0], size, step)]

    result = make_meta((*meta.shape[:-2], length), meta.dtype, meta.device)
    return Spec([operand], (result,), {"length": length, "step": step}, vjp=vjp)


@op(
    "_overlap_add(Tensor input, int64_t length, int64_t step)",
    kind=Custom(_overlap_spec),
    method=False,
    function=False,
    saves=(),
    node_name="UnfoldBackwardBackward0",
)
def _overlap_add(array: Any, *, length: Any, step: Any) -> Any:
    """Add up frames that overlap."""
    return _overlapped(array, length, step)


def _centered_window(window: Any, n_fft: int, win_length: int, like: Any, dtype: Any) -> Any:
    """Return a window (ones where there is none) in the middle of ``n_fft`` points."""
    if window is not None and win_length == n_fft:
        return window
    options = {"dtype": dtype if window is None else window.dtype, "device": like.device}
    if win_length == n_fft:
        return ones((n_fft,), **options)
    whole = zeros((n_fft,), **options)
    middle = whole.narrow(0, (n_fft - win_length) // 2, win_length)
    if window is None:
        middle.fill_(1)
    else:
        middle.copy_(window)
    return whole


_TAIL = "bool normalized=False, bool? onesided=None, bool? return_complex=None, "
_STFT = Schema(
    "stft(Tensor input, int64_t n_fft, int64_t? hop_length=None, int64_t? win_length=None, "
    'Tensor? window=None, bool center=True, std::string_view pad_mode="reflect", '
    f"{_TAIL}bool? align_to_window=None)",
    "stft(Tensor input, int64_t n_fft, int64_t? hop_length=None, int64_t? win_length=None, "
    f"Tensor? window=None, {_TAIL}bool? align_to_window=None)",
)


def stft(
    input,
    n_fft,
    hop_length=None,
    win_length=None,
    window=None,
    center=True,
    pad_mode="reflect",
    normalized=False,
    onesided=None,
    return_complex=None,
    align_to_window=None,
):
    """Short-time Fourier transform: that of overlapping frames, each weighted by a window.

    Args:
        input: signal of shape (L,), or signals of shape (B, L), real or complex.
        n_fft: number of points of a frame.
        hop_length: distance between frames; a quarter of ``n_fft`` unless given.
        win_length: length of the window; ``n_fft`` unless given.
        window: vector that frames are multiplied by; ones unless given.
        center: whether the signal is padded, so that frames are centered at their places.
        pad_mode: how it is padded, see ``torch.nn.functional.pad``.
        normalized: whether to divide by the root of ``n_fft``.
        onesided: whether to leave the mirrored half of the spectrum out.
        return_complex: whether to return complex numbers or pairs of real ones.
        align_to_window: whether frames are placed by the window, where ``center`` is False.
    Returns:
        Tensor of shape (B?, frequencies, frames), with a last dimension of 2 where it is real.
    """
    if center and align_to_window is not None:
        raise _messages_stft.align_when_centered()
    if center:
        ndim = input.dim()
        margin = int(n_fft // 2)
        extended = input.view([1] * (3 - ndim) + list(input.shape))
        extended = pad(extended, [margin, margin], pad_mode)
        input = extended.view(extended.shape[-ndim:])
    _STFT.bind(
        (
            input, n_fft, hop_length, win_length, window, normalized, onesided, return_complex,
            align_to_window,
        ),
        {},
    )  # fmt: skip
    return _stft(
        input, n_fft, hop_length, win_length, window, normalized, onesided, return_complex,
        align_to_window,
    )  # fmt: skip


def _stft(
    input, n_fft, hop_length, win_length, window, normalized, onesided, return_complex, align
):
    if window is None:
        _messages_stft.stft_without_window()
    elif window.device != input.device:
        raise _messages_stft.window_device("stft", input.device, window.device)
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    if return_complex is None:
        return_complex = input.is_complex() or (window is not None and window.is_complex())
        if not return_complex:
            raise _messages_stft.return_complex_required()
    elif not return_complex:
        _messages_stft.real_output_deprecated()
    options = (normalized, onesided, return_complex, align)

    def wrong(problem: str) -> RuntimeError:
        return _messages_stft.stft_call(input, n_fft, hop, win, window, options, problem)

    if not (input.is_floating_point() or input.is_complex()):
        raise wrong("expected a tensor of floating point or complex values")
    if input.dim() not in (1, 2):
        raise wrong("expected a 1D or 2D tensor")
    single = input.dim() == 1
    frames = input.unsqueeze(0) if single else input
    length = frames.shape[1]
    points = win if align else n_fft  # of the signal itself in a frame
    if not 0 < points <= length:
        raise wrong(f"expected 0 < n_fft < {length}, but got n_fft={points}")
    if hop <= 0:
        raise wrong(f"expected hop_length > 0, but got hop_length={hop}")
    if not 0 < win <= n_fft:
        raise wrong(f"expected 0 < win_length <= n_fft, but got win_length={win}")
    if window is not None and tuple(window.shape) != (win,):
        raise wrong(
            f"expected a 1D window tensor of size equal to win_length={win}, but got window with "
            f"size {list(window.shape)}"
        )
    if align:
        margin = (n_fft - win) // 2
        frames = pad(frames.unsqueeze(0), [margin, margin], "constant").squeeze(0)
    frames = _frames.call(frames, n_fft, hop)
    if window is not None or win < n_fft:
        frames = frames * _centered_window(window, n_fft, win, input, input.dtype)
    is_complex = frames.is_complex()
    onesided = not is_complex if onesided is None else onesided
    scale = _BY_ROOT if normalized else _UNSCALED
    if is_complex:
        if onesided:
            raise _messages_stft.onesided_of_complex()
        result = _fft_c2c.call(frames, (2,), scale, True)
    else:
        result = _fft_r2c.call(frames, (2,), scale, bool(onesided))
    result.transpose_(1, 2)
    if single:
        result.squeeze_(0)
    return result if return_complex else view_as_real(result)


def _stft_method(
    self,
    n_fft,
    hop_length=None,
    win_length=None,
    window=None,
    center=True,
    pad_mode="reflect",
    normalized=False,
    onesided=None,
    return_complex=None,
    align_to_window=None,
):
    """See ``torch.stft``."""
    return stft(
        self, n_fft, hop_length, win_length, window, center, pad_mode, normalized, onesided,
        return_complex, align_to_window,
    )  # fmt: skip


stft.__module__ = "torch.functional"
publish("stft", stft, method=_stft_method, autocast=Autocast(cpu="float32"))


def _check_envelope(window: Any, frames: int, hop: int, cut: slice, length: int) -> str | None:
    """Return what is wrong with the sum of the squared windows: PyTorch looks at it at the call.

    Only the window's elements are needed, which are known in most programs.
    """
    squares = host_array(window, "istft") ** 2
    total = np.zeros(length, squares.dtype)
    for frame in range(frames):
        total[frame * hop : frame * hop + squares.size] += squares
    total = total[cut]
    if not total.size:
        raise _messages_stft.no_envelope()
    if np.abs(total).min() < 1e-11:
        return " window overlap add min: 1\n[ CPUBoolType{} ]"
    return None


@op(
    "istft(Tensor input, int64_t n_fft, int64_t? hop_length=None, int64_t? win_length=None, "
    "Tensor? window=None, bool center=True, bool normalized=False, bool? onesided=None, "
    "int64_t? length=None, bool return_complex=False)"
)
def istft(
    input,
    n_fft,
    hop_length=None,
    win_length=None,
    window=None,
    center=True,
    normalized=False,
    onesided=None,
    length=None,
    return_complex=False,
):
    """Inverse short-time Fourier transform, by overlap-add.

    Args:
        input: complex tensor of shape (B?, frequencies, frames).
        n_fft, hop_length, win_length, window, center, normalized, onesided: as for ``stft``.
        length: of the signal; what is there unless given.
        return_complex: whether the signal is complex.
    Returns:
        Tensor of shape (B?, length).
    """
    if window is None:
        _messages_stft.istft_without_window()
    elif window.device != input.device:
        raise _messages_stft.window_device("istft", input.device, window.device)
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    if not input.is_complex():
        raise _messages_stft.spectrum_of_reals()
    options = (center, normalized, onesided, length, return_complex)

    def wrong(problem: str) -> RuntimeError:
        return _messages_stft.istft_call(input, n_fft, hop, win, window, options, problem)

    pairs = view_as_real(input)
    frames, points = pairs.size(-2), pairs.size(-3)
    whole = n_fft + hop * (frames - 1)
    if not input.numel():
        raise wrong(" : input tensor cannot be empty.")
    if pairs.dim() not in (3, 4):
        raise wrong(f" : expected a tensor with 3 or 4 dimensions, but got {pairs.dim()}")
    half = points != n_fft if onesided is None else onesided
    expected = n_fft // 2 + 1 if half else n_fft
    if points != expected:
        size = "n_fft / 2 + 1 when onesided=True" if half else "n_fft when onesided=False"
        raise wrong(
            " : expected the frequency dimension (3rd to the last) of the input tensor to match "
            f"{size}, but got {points}"
        )
    if not 0 < hop <= win:
        raise wrong(" : expected 0 < hop_length <= win_length")
    if not 0 < win <= n_fft:
        raise wrong(" : expected 0 < win_length <= n_fft")
    if window is not None and tuple(window.shape) != (win,):
        raise wrong(" : Invalid window shape. window has to be 1D and length of `win_length`")
    weights = _centered_window(window, n_fft, win, input, input.dtype.to_real())
    single = pairs.dim() == 3
    if single:
        pairs = pairs.unsqueeze(0)
    spectra = view_as_complex.call(pairs.transpose(1, 2))
    scale = _BY_ROOT if normalized else _BY_COUNT
    if return_complex:
        if half:
            raise _messages_stft.onesided_of_complex()
        pieces = _fft_c2c.call(spectra, (2,), scale, False)
    else:
        if window is not None and window.is_complex():
            raise _messages_stft.complex_window()
        if not half:
            spectra = spectra.narrow(-1, 0, n_fft // 2 + 1)
        pieces = _fft_c2r.call(spectra, (2,), scale, n_fft)
    signal = _overlap_add.call(pieces * weights.view([1, 1, n_fft]), whole, hop)
    squares = weights.pow(2).expand(1, frames, n_fft)
    envelope = _overlap_add.call(squares, whole, hop)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else whole - n_fft // 2 if center else whole
    stop = max(start, min(end, whole))
    problem = _check_envelope(weights, frames, hop, slice(start, stop), whole)
    if problem is not None:
        raise wrong(problem)
    signal = signal.narrow(1, start, stop - start) / envelope.narrow(1, start, stop - start)
    if single:
        signal = signal.squeeze(0)
    if end > whole:
        _messages_stft.padded_signal()
        signal = _zeros_behind.call(signal, (*signal.shape[:-1], end - start))
    return signal
