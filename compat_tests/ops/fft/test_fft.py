"""Fourier transforms: values, strides, gradients and words as PyTorch 2.13 gives them."""

from __future__ import annotations

import pytest

SIGNAL = [0.5, -1.0, 2.0, 0.25, -0.75, 1.5]
#: (function, options, first three elements, length) for the signal; complex where it may be.
VALUES = [
    ('fft', {}, [(2.5+1.25j), (-0.125-0.341506350946j), (-1.207531754731+6.546633369868j)], 6),
    ('fft', {'n': 4}, [(1.75+1.5j), (-2.875+1.875j), (3.25+0.25j)], 4),
    ('fft', {'norm': 'ortho'}, [(1.02062072616+0.51031036308j), (-0.051031036308-0.139419383956j),
        (-0.49297277455+2.672651881542j)], 6),
    ('ifft', {}, [(0.416666666667+0.208333333333j), (-0.020833333333+0.015251058491j),
        (0.159588625788-0.424438894978j)], 6),
    ('ifft', {'n': 4}, [(0.4375+0.375j), (-0.03125-0.15625j), (0.8125+0.0625j)], 4),
    ('ifft', {'norm': 'ortho'}, [(1.02062072616+0.51031036308j), (-0.051031036308+0.03735731134j),
        (0.390910701934-1.039658719687j)], 6),
    ('rfft', {}, [(2.5+0j), (-0.125-0.216506350946j), (-0.125+4.546633369868j)], 4),
    ('rfft', {'n': 4}, [(1.75+0j), (-1.5+1.25j), (3.25+0j)], 3),
    ('rfft', {'norm': 'ortho'}, [(1.02062072616+0j), (-0.051031036308-0.088388347648j),
        (-0.051031036308+1.856155300615j)], 4),
    ('irfft', {}, [0.3, -0.143420198703, -0.193127589256], 10),
    ('irfft', {'n': 4}, [0.125, -0.1875, 1.125], 4),
    ('irfft', {'norm': 'ortho'}, [0.948683298051, -0.453534490375, -0.610723061067], 10),
    ('hfft', {}, [3.0, 0.788303953277, -3.512996017438], 10),
    ('hfft', {'n': 4}, [0.5, -2.25, 4.5], 4),
    ('hfft', {'norm': 'ortho'}, [0.948683298051, 0.249283598087, -1.11090688262], 10),
    ('ihfft', {}, [(0.416666666667-0j), (-0.020833333333+0.036084391824j),
        (-0.020833333333-0.757772228311j)], 4),
    ('ihfft', {'n': 4}, [(0.4375-0j), (-0.375-0.3125j), (0.8125-0j)], 3),
    ('ihfft', {'norm': 'ortho'}, [(1.02062072616-0j), (-0.051031036308+0.088388347648j),
        (-0.051031036308-1.856155300615j)], 4),
]  # fmt: skip
#: (function, how the input lies, options, shape, strides) for an input of shape (4, 6, 8), or that
#: permuted by (2, 0, 1).
LAYOUTS = [
    ('fft', 'plain', {'dim': 0}, (4, 6, 8), (1, 32, 4)),
    ('fft', 'plain', {'dim': 1, 'n': 5}, (4, 5, 8), (40, 1, 5)),
    ('fft', 'permuted', {'dim': 0}, (8, 4, 6), (1, 48, 8)),
    ('fft', 'permuted', {'dim': 1, 'n': 5}, (8, 5, 6), (30, 1, 5)),
    ('rfft', 'plain', {'dim': 0}, (3, 6, 8), (1, 24, 3)),
    ('rfft', 'plain', {'dim': 1, 'n': 5}, (4, 3, 8), (24, 1, 3)),
    ('rfft', 'permuted', {'dim': 0}, (5, 4, 6), (1, 30, 5)),
    ('rfft', 'permuted', {'dim': 1, 'n': 5}, (8, 3, 6), (18, 1, 3)),
    ('irfft', 'plain', {'dim': 0}, (6, 6, 8), (1, 48, 6)),
    ('irfft', 'plain', {'dim': 1, 'n': 5}, (4, 5, 8), (40, 1, 5)),
    ('irfft', 'permuted', {'dim': 0}, (14, 4, 6), (1, 84, 14)),
    ('irfft', 'permuted', {'dim': 1, 'n': 5}, (8, 5, 6), (5, 1, 40)),
    ('fftn', 'plain', {'dim': (1, 0)}, (4, 6, 8), (6, 1, 24)),
    ('fftn', 'plain', {'s': (3, -1), 'dim': (0, 2)}, (3, 6, 8), (8, 24, 1)),
    ('fftn', 'permuted', {'dim': (1, 0)}, (8, 4, 6), (1, 8, 32)),
    ('fftn', 'permuted', {'s': (3, -1), 'dim': (0, 2)}, (3, 4, 6), (1, 18, 3)),
    ('rfft2', 'plain', {'dim': (1, 0)}, (3, 6, 8), (1, 3, 18)),
    ('rfft2', 'plain', {'s': (3, -1), 'dim': (0, 2)}, (3, 6, 5), (5, 15, 1)),
    ('rfft2', 'permuted', {'dim': (1, 0)}, (5, 4, 6), (1, 5, 20)),
    ('rfft2', 'permuted', {'s': (3, -1), 'dim': (0, 2)}, (3, 4, 4), (4, 12, 1)),
    ('irfft2', 'plain', {'dim': (1, 0)}, (6, 6, 8), (1, 6, 36)),
    ('irfft2', 'plain', {'s': (3, -1), 'dim': (0, 2)}, (3, 6, 14), (14, 42, 1)),
    ('irfft2', 'permuted', {'dim': (1, 0)}, (14, 4, 6), (1, 14, 56)),
    ('irfft2', 'permuted', {'s': (3, -1), 'dim': (0, 2)}, (3, 4, 10), (10, 30, 1)),
    ('hfft2', 'plain', {'dim': (1, 0)}, (6, 6, 8), (1, 6, 36)),
    ('hfft2', 'plain', {'s': (3, -1), 'dim': (0, 2)}, (3, 6, 14), (14, 42, 1)),
    ('hfft2', 'permuted', {'dim': (1, 0)}, (14, 4, 6), (1, 14, 56)),
    ('hfft2', 'permuted', {'s': (3, -1), 'dim': (0, 2)}, (3, 4, 10), (10, 30, 1)),
    ('ihfft2', 'plain', {'dim': (1, 0)}, (3, 6, 8), (6, 1, 18)),
    ('ihfft2', 'plain', {'s': (3, -1), 'dim': (0, 2)}, (3, 6, 5), (1, 15, 3)),
    ('ihfft2', 'permuted', {'dim': (1, 0)}, (5, 4, 6), (4, 1, 20)),
    ('ihfft2', 'permuted', {'s': (3, -1), 'dim': (0, 2)}, (3, 4, 4), (1, 12, 3)),
    ('ihfftn', 'plain', {'dim': (1, 0)}, (3, 6, 8), (6, 1, 18)),
    ('ihfftn', 'plain', {'s': (3, -1), 'dim': (0, 2)}, (3, 6, 5), (1, 15, 3)),
    ('ihfftn', 'permuted', {'dim': (1, 0)}, (5, 4, 6), (4, 1, 20)),
    ('ihfftn', 'permuted', {'s': (3, -1), 'dim': (0, 2)}, (3, 4, 4), (1, 12, 3)),
]  # fmt: skip
MESSAGES = [
    (lambda t: t.fft.fft(t.ones(3), n=0),
        "RuntimeError: Invalid number of data points (0) specified"),
    (lambda t: t.fft.fft(t.ones(3), norm="k"), 'RuntimeError: Invalid normalization mode: "k"'),
    (lambda t: t.fft.fft(t.ones(3).half()), "RuntimeError: Unsupported dtype Half"),
    (
        lambda t: t.fft.rfft(t.ones(3) + 0j),
        "RuntimeError: rfft expects a real input tensor, but got ComplexFloat",
    ),
    (
        lambda t: t.fft.rfftn(t.ones(3) + 0j),
        "RuntimeError: rfftn expects a real-valued input tensor, but got ComplexFloat",
    ),
    (
        lambda t: t.fft.irfft(t.ones(3), out=t.empty(0, dtype=t.complex64)),
        "RuntimeError: irfft expects a floating point output tensor, but got ComplexFloat",
    ),
    (lambda t: t.fft.fftn(t.ones(2, 2), dim=(0, 0)), "RuntimeError: FFT dims must be unique"),
    (
        lambda t: t.fft.fft2(t.ones(2, 2), s=(2,)),
        "RuntimeError: When given, dim and shape arguments must have the same length",
    ),
    (lambda t: t.fft.rfftn(t.ones(2), dim=()),
        "RuntimeError: rfftn must transform at least one axis"),
    (
        lambda t: t.fft.fft(t.tensor(1.0)),
        "IndexError: Dimension specified as -1 but tensor has no dimensions",
    ),
    (
        lambda t: t.fft.fft(t.ones(3), "a"),
        "TypeError: fft_fft(): argument 'n' (position 2) must be int, not str",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "first", "length"), VALUES)
def test_values(name, options, first, length):
    import jtorch as torch

    real = torch.tensor(SIGNAL, dtype=torch.float64)
    source = real if name in ("rfft", "ihfft") else torch.complex(real, real.flip(0) * 0.5)
    result = getattr(torch.fft, name)(source, **options)
    assert result.shape == (length,)
    assert result[:3].tolist() == pytest.approx(first, abs=1e-11)


@pytest.mark.parametrize(("name", "lies", "options", "shape", "strides"), LAYOUTS)
def test_layout(name, lies, options, shape, strides):
    import jtorch as torch

    source = torch.ones(4, 6, 8)
    source = source.permute(2, 0, 1) if lies == "permuted" else source
    result = getattr(torch.fft, name)(source, **options)
    assert (tuple(result.shape), result.stride()) == (shape, strides)


@pytest.mark.parametrize(("call", "words"), MESSAGES)
def test_messages(call, words):
    import jtorch as torch

    with pytest.raises(Exception) as caught:
        call(torch)
    assert f"{type(caught.value).__name__}: {caught.value}" == words


@pytest.mark.parametrize(
    ("forward", "back"), [("fft", "ifft"), ("rfft", "irfft"), ("fftn", "ifftn"), ("ihfft", "hfft")]
)
def test_inverse(forward, back):
    import jtorch as torch

    source = torch.arange(24.0, dtype=torch.float64).reshape(4, 6).sin()
    there = getattr(torch.fft, forward)(source)
    again = getattr(torch.fft, back)(there)
    assert torch.allclose(torch.real(again), source, rtol=0, atol=1e-14)


def test_gradient_of_a_power_spectrum():
    import jtorch as torch

    source = torch.tensor(SIGNAL, dtype=torch.float64, requires_grad=True)
    spectrum = torch.fft.rfft(source)
    assert type(spectrum.grad_fn).__name__ == "FftR2CBackward0"
    (spectrum.abs() ** 2).sum().backward()
    # Parseval: the onesided half, twice, less the two points that are their own mirror images.
    alternating = torch.tensor([1.0, -1.0] * 3, dtype=torch.float64)
    total = source.detach().sum() + alternating * (alternating * source.detach()).sum()
    assert torch.allclose(source.grad, 6 * source.detach() + total)


def test_second_gradient_of_a_transform():
    import jtorch as torch

    source = torch.tensor(SIGNAL, dtype=torch.float64, requires_grad=True)
    energy = (torch.fft.fft(source).abs() ** 4).sum()
    (first,) = torch.autograd.grad(energy, source, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), source)
    step = 1e-5
    moved = (source.detach() + step).requires_grad_()
    (ahead,) = torch.autograd.grad((torch.fft.fft(moved).abs() ** 4).sum(), moved)
    assert torch.allclose(second, (ahead - first.detach()) / step, rtol=1e-3)


def test_frequencies_and_shifts():
    import jtorch as torch

    assert torch.fft.fftfreq(5, 0.5).tolist() == pytest.approx([0.0, 0.4, 0.8, -0.8, -0.4])
    assert torch.fft.rfftfreq(5).tolist() == pytest.approx([0.0, 0.2, 0.4])
    assert torch.fft.fftshift(torch.arange(5)).tolist() == [3, 4, 0, 1, 2]
    assert torch.fft.ifftshift(torch.fft.fftshift(torch.arange(5))).tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(RuntimeError, match="fftfreq requires a floating point or complex dtype"):
        torch.fft.fftfreq(5, dtype=torch.int64)


@pytest.mark.parametrize(
    ("name", "dim", "strides"),
    [
        ("fft", 1, (42, 7, 1)),
        ("rfft", 1, (28, 7, 1)),
        ("rfft2", (0, -1), (24, 4, 1)),
        ("irfft2", (0, -1), (72, 12, 1)),
        ("ihfft", 1, (28, 1, 4)),
        ("ihfft2", (0, -1), (24, 4, 1)),
    ],
)
def test_an_empty_out_is_given_pytorchs_strides(torch, name, dim, strides):
    real = name.startswith("irfft")
    out = torch.zeros(0, dtype=torch.float32 if real else torch.complex64)
    signal = torch.arange(210.0).reshape(5, 6, 7)
    function = getattr(torch.fft, name)
    assert function(signal, dim=dim, out=out) is out
    assert out.stride() == strides
    assert torch.equal(out, function(signal, dim=dim))


def test_ihfftn_of_one_dimension_leaves_out_as_it_was(torch):
    out = torch.zeros(0, dtype=torch.complex64)
    assert torch.fft.ihfftn(torch.ones(4), out=out) is out
    assert tuple(out.shape) == (0,)
