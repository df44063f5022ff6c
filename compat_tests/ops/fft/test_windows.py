"""Windows and short-time Fourier transforms: values and words as PyTorch 2.13 gives them."""

from __future__ import annotations

import pytest

#: (name, options, symmetric, the window of five points).
WINDOWS = [
    ('bartlett', {}, True, [0.0, 0.5, 1.0, 0.5, 0.0]),
    ('bartlett', {}, False, [0.0, 0.4, 0.8, 0.8, 0.4]),
    ('blackman', {}, True, [-1.387778781e-17, 0.34, 1.0, 0.34, -1.387778781e-17]),
    ('blackman', {}, False, [-1.387778781e-17, 0.2007701433, 0.8492298567, 0.8492298567,
        0.2007701433]),
    ('cosine', {}, True, [0.3090169944, 0.8090169944, 1.0, 0.8090169944, 0.3090169944]),
    ('cosine', {}, False, [0.2588190451, 0.7071067812, 0.9659258263, 0.9659258263, 0.7071067812]),
    ('exponential', {'tau': 2.0}, True, [0.3678794412, 0.6065306597, 1.0, 0.6065306597,
        0.3678794412]),
    ('exponential', {'tau': 2.0}, False, [0.2865047969, 0.4723665527, 0.7788007831, 0.7788007831,
        0.4723665527]),
    ('gaussian', {'std': 1.5}, True, [0.4111122905, 0.8007374029, 1.0, 0.8007374029, 0.4111122905]),
    ('gaussian', {'std': 1.5}, False, [0.2493522088, 0.6065306597, 0.9459594689, 0.9459594689,
        0.6065306597]),
    ('general_cosine', {'a': [0.4, 0.5, 0.1]}, True, [2.775557562e-17, 0.3, 1.0, 0.3,
        2.775557562e-17]),
    ('general_cosine', {'a': [0.4, 0.5, 0.1]}, False, [2.775557562e-17, 0.1645898034,
        0.8354101966, 0.8354101966, 0.1645898034]),
    ('general_hamming', {'alpha': 0.6}, True, [0.2, 0.6, 1.0, 0.6, 0.2]),
    ('general_hamming', {'alpha': 0.6}, False, [0.2, 0.4763932023, 0.9236067977, 0.9236067977,
        0.4763932023]),
    ('hamming', {}, True, [0.08, 0.54, 1.0, 0.54, 0.08]),
    ('hamming', {}, False, [0.08, 0.3978521826, 0.9121478174, 0.9121478174, 0.3978521826]),
    ('hann', {}, True, [0.0, 0.5, 1.0, 0.5, 0.0]),
    ('hann', {}, False, [0.0, 0.3454915028, 0.9045084972, 0.9045084972, 0.3454915028]),
    ('kaiser', {'beta': 5.0}, True, [0.03671089227, 0.5528517697, 1.0, 0.5528517697,
        0.03671089227]),
    ('kaiser', {'beta': 5.0}, False, [0.03671089227, 0.4149036392, 0.9138124839, 0.9138124839,
        0.4149036392]),
    ('nuttall', {}, True, [0.0003628, 0.2269824, 1.0, 0.2269824, 0.0003628]),
    ('nuttall', {}, False, [0.0003628, 0.110515253, 0.798258097, 0.798258097, 0.110515253]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "sym", "expected"), WINDOWS)
def test_windows(name, options, sym, expected):
    import jtorch as torch

    make = getattr(torch.signal.windows, name)
    assert make(5, sym=sym, dtype=torch.float64, **options).tolist() == pytest.approx(
        expected, abs=1e-9
    )
    assert make(5, sym=sym, **options).dtype is torch.float32
    assert make(0, **options).shape == (0,)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda w: w.hann(-1), "general_cosine requires non-negative window length, got M=-1"),
        (lambda w: w.cosine(-1), "cosine requires non-negative window length, got M=-1"),
        (lambda w: w.gaussian(3, std=-1), "Standard deviation must be positive, got: -1 instead."),
        (lambda w: w.exponential(3, tau=0), "Tau must be positive, got: 0 instead."),
        (lambda w: w.exponential(3, center=1), "Center must be None for symmetric windows"),
        (lambda w: w.kaiser(3, beta=-1), "beta must be non-negative, got: -1 instead."),
        (lambda w: w.general_cosine(3, a=[]), "Coefficients cannot be empty"),
    ],
)
def test_window_messages(call, words):
    import jtorch as torch

    with pytest.raises(ValueError) as caught:
        call(torch.signal.windows)
    assert str(caught.value) == words


def _signal(torch, length=16):
    return torch.sin(torch.arange(length, dtype=torch.float64))


def test_stft():
    import jtorch as torch

    window = torch.hann_window(8, dtype=torch.float64)
    result = torch.stft(_signal(torch), 8, 4, window=window, return_complex=True)
    assert (tuple(result.shape), result.stride()) == ((5, 5), (1, 5))
    assert result[:3, 1].tolist() == pytest.approx(
        [
            -0.9204571031481388,
            1.4055613966923703 - 1.2773959028435655j,
            -1.071743459621306 + 0.9119294144897363j,
        ]
    )


@pytest.mark.parametrize("hop", [1, 3, 4])
@pytest.mark.parametrize("normalized", [False, True])
def test_istft_inverts_stft(hop, normalized):
    import jtorch as torch

    window = torch.hamming_window(8, dtype=torch.float64)
    signal = torch.stack([_signal(torch, 33), _signal(torch, 33) ** 2])
    spectra = torch.stft(signal, 8, hop, window=window, normalized=normalized, return_complex=True)
    again = torch.istft(spectra, 8, hop, window=window, normalized=normalized, length=33)
    kept = 33 - 33 % hop
    assert torch.allclose(again[:, :kept], signal[:, :kept])


def test_stft_gradient():
    import jtorch as torch

    signal = _signal(torch).requires_grad_()
    window = torch.hann_window(8, dtype=torch.float64)
    energy = torch.stft(signal, 8, 3, window=window, return_complex=True).abs().square().sum()
    (gradient,) = torch.autograd.grad(energy, signal)
    step = torch.zeros(16, dtype=torch.float64)
    step[5] = 1e-6
    ahead = (
        torch.stft(signal.detach() + step, 8, 3, window=window, return_complex=True)
        .abs()
        .square()
        .sum()
    )
    assert ((ahead - energy) / 1e-6).item() == pytest.approx(gradient[5].item(), rel=1e-4)


def test_stft_messages():
    import jtorch as torch

    signal, window = torch.ones(64), torch.ones(16)
    with pytest.raises(RuntimeError) as caught:
        torch.stft(signal, 16, 0, window=window, return_complex=True)
    assert str(caught.value) == (
        "stft(torch.FloatTensor[80], n_fft=16, hop_length=0, win_length=16, "
        "window=torch.FloatTensor{[16]}, normalized=0, onesided=None, return_complex=1, "
        "align_to_window=None) : expected hop_length > 0, but got hop_length=0"
    )
    with pytest.raises(RuntimeError, match="stft requires the return_complex parameter"):
        torch.stft(signal, 16, window=window)
    spectrum = torch.stft(signal, 16, window=window, return_complex=True)
    with pytest.raises(RuntimeError) as caught:
        torch.istft(spectrum, 16, window=torch.zeros(16))
    assert str(caught.value) == (
        "istft(CPUComplexFloatType[9, 17], n_fft=16, hop_length=4, win_length=16, "
        "window=torch.FloatTensor{[16]}, center=1, normalized=0, onesided=None, length=None, "
        "return_complex=0) window overlap add min: 1\n[ CPUBoolType{} ]"
    )
