"""Windows and short-time Fourier transforms held against PyTorch."""

from __future__ import annotations

import pytest

NAMES = (
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine",
    "general_hamming", "hamming", "hann", "kaiser", "nuttall",
)  # fmt: skip
STFT_OPTIONS = (
    {}, {"hop_length": 3}, {"win_length": 10}, {"center": False}, {"normalized": True},
    {"onesided": False}, {"pad_mode": "constant"}, {"return_complex": False},
    {"center": False, "win_length": 10, "align_to_window": True}, {"hop_length": 0},
    {"win_length": 20}, {"win_length": -1}, {"align_to_window": True}, {"pad_mode": "k"},
    {"hop_length": "a"}, {"onesided": None},
)  # fmt: skip
ISTFT_OPTIONS = (
    {}, {"hop_length": 3}, {"length": 30}, {"length": 100}, {"length": 0}, {"center": False},
    {"normalized": True}, {"onesided": False}, {"return_complex": True}, {"hop_length": 17},
    {"hop_length": 0}, {"win_length": 20}, {"n_fft": 32}, {"n_fft": "a"},
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("M", [0, 1, 2, 7, -1])
@pytest.mark.parametrize("sym", [False, True])
def test_windows(both, name, M, sym):
    options = {"a": [0.4, 0.5, 0.1]} if name == "general_cosine" else {}

    def program(torch):
        make = getattr(torch.signal.windows, name)
        return [make(M, sym=sym, dtype=each, **options) for each in (None, torch.float64)]

    both(program, relative=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_window_refusals(both, name):
    options = {"a": [0.4, 0.6]} if name == "general_cosine" else {}
    make = lambda torch: getattr(torch.signal.windows, name)  # noqa: E731
    both(lambda torch: make(torch)(3, dtype=torch.int64, **options))
    both(lambda torch: make(torch)(3, layout=torch.sparse_coo, **options))
    both(lambda torch: make(torch)(3, requires_grad=True, **options), relative=1e-5)


@pytest.mark.parametrize("options", STFT_OPTIONS, ids=str)
@pytest.mark.parametrize("shape", [(40,), (3, 40), (2, 2, 40), (0,)], ids=str)
@pytest.mark.filterwarnings("ignore:stft with return_complex=False")
def test_stft(both, options, shape):
    def program(torch):
        signal = torch.randn(shape, dtype=torch.float64)
        length = options.get("win_length", 16)
        window = torch.hann_window(max(length, 1), dtype=torch.float64)
        return torch.stft(signal, 16, window=window, **{"return_complex": True, **options})

    both(program, relative=1e-9)


@pytest.mark.parametrize("options", ISTFT_OPTIONS, ids=str)
@pytest.mark.parametrize("shape", [(9, 11), (2, 9, 11), (16, 11), (1, 2, 9, 11), (9,)], ids=str)
@pytest.mark.filterwarnings("ignore:The length of signal is shorter")
def test_istft(both, options, shape):
    def program(torch):
        spectra = torch.randn(shape, dtype=torch.complex128)
        length = options.get("win_length", options.get("n_fft", 16))
        window = torch.hamming_window(length if isinstance(length, int) else 16)
        return torch.istft(spectra, **{"n_fft": 16, "window": window.double(), **options})

    both(program, relative=1e-8)


@pytest.mark.parametrize("hop", [2, 3, 5, 8])
def test_gradients(both, hop):
    def program(torch):
        signal = torch.randn(2, 40, dtype=torch.float64, requires_grad=True)
        window = torch.hamming_window(8, dtype=torch.float64).requires_grad_()
        spectra = torch.stft(signal, 8, hop, window=window, return_complex=True)
        again = torch.istft(spectra * 2, 8, hop, window=window)
        loss = (spectra.abs() ** 2).sum() + (again**3).sum()
        return torch.autograd.grad(loss, [signal, window])

    both(program, relative=1e-8)
