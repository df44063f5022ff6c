"""Fourier transforms held against PyTorch: every function, layout, option and message."""

from __future__ import annotations

import pytest

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = tuple(f"{name}{dims}" for name in ONE for dims in ("2", "n"))
OF_REALS = ("rfft", "ihfft", "rfft2", "rfftn", "ihfft2", "ihfftn")
OPTIONS = ({}, {"n": 5}, {"n": 11, "dim": 1}, {"dim": 0, "norm": "ortho"}, {"norm": "forward"})
SEVERAL_OPTIONS = (
    {}, {"dim": (1, 0)}, {"s": (3, -1), "dim": (0, 2)}, {"s": (5,), "dim": (1,)},
    {"s": (2, 9), "norm": "ortho"}, {"norm": "forward"},
)  # fmt: skip


def _inputs(torch, name):
    torch.manual_seed(0)
    real = torch.randn(4, 6, 8, dtype=torch.float64)
    inputs = [real, real.permute(2, 0, 1), real[:, :1].expand(4, 3, 8), (real * 9).long()]
    if name not in OF_REALS:
        inputs.append(torch.complex(real, real.flip(0)).permute(1, 2, 0))
    return inputs


def _plain(result):
    """Return a result without what is put off: its conjugation."""
    return result.resolve_conj()


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_one_dimension(both, name, options):
    both(
        lambda torch: [
            _plain(getattr(torch.fft, name)(each, **options)) for each in _inputs(torch, name)
        ],
        relative=1e-5, absolute=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("options", SEVERAL_OPTIONS, ids=str)
def test_several_dimensions(both, name, options):
    both(
        lambda torch: [
            _plain(getattr(torch.fft, name)(each, **options)) for each in _inputs(torch, name)
        ],
        relative=1e-5, absolute=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("name", [*ONE, *SEVERAL])
def test_gradients(both, name):
    def program(torch):
        torch.manual_seed(1)
        source = torch.randn(3, 4, 5, dtype=torch.float64)
        if name not in OF_REALS:
            source = torch.complex(source, source.flip(1))
        source.requires_grad_()
        result = getattr(torch.fft, name)(source)
        energy = (result.abs() ** 3).sum()
        (first,) = torch.autograd.grad(energy, source, create_graph=True)
        (second,) = torch.autograd.grad((first.abs() ** 2).sum(), source)
        return first.detach(), second, result.grad_fn.name()

    both(program, relative=1e-9, strides=False)


@pytest.mark.parametrize("name", [*ONE, *SEVERAL])
@pytest.mark.parametrize(
    "call",
    [
        lambda f, t: f(t.ones(3, 4), norm="k"),
        lambda f, t: f(t.ones(3, 4).half()),
        lambda f, t: f(t.ones(3, 4) + 0j),
        lambda f, t: f(t.ones(3, 0)),
        lambda f, t: f(t.ones(0, 3)),
        lambda f, t: f(t.tensor(1.0)),
        lambda f, t: f(t.ones(3, 4), dim=9),
        lambda f, t: f(t.ones(3, 4), dim=(0, 0)),
        lambda f, t: f(t.ones(3, 4), dim=()),
        lambda f, t: f(t.ones(3, 4), (0, 3)),
        lambda f, t: f(t.ones(3, 4), 0),
        lambda f, t: f(t.ones(3, 4), "a"),
        lambda f, t: f([1.0]),
        lambda f, t: f(t.ones(3, 4), out=t.empty(0)),
        lambda f, t: f(t.ones(3, 4), out=t.empty(0, dtype=t.complex64)),
        lambda f, t: f(t.ones(3, 4), out=t.empty(0, dtype=t.complex128)),
    ],
)
def test_refusals(both, name, call):
    def program(torch):
        return _plain(call(getattr(torch.fft, name), torch))

    both(program, absolute=1e-5)


# PyTorch 2.13 lets these two pass and hands out a tensor whose ``grad_fn`` is not implemented;
# what jtorch writes has none.
@pytest.mark.parametrize("name", sorted({*ONE, *SEVERAL} - {"ifft", "ihfft"}))
def test_out_and_gradients(both, name):
    def program(torch):
        out = torch.empty(0, dtype=torch.complex64)
        return _plain(getattr(torch.fft, name)(torch.ones(3, 4).requires_grad_(), out=out))

    both(program, absolute=1e-5)


@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
@pytest.mark.parametrize("arguments", [(5,), (6, 0.5), (1,), (0,), (-1,), ("a",)], ids=str)
@pytest.mark.parametrize("dtype", [None, "float64", "float16", "int64", "complex64"])
def test_frequencies(both, name, arguments, dtype):
    def program(torch):
        options = {} if dtype is None else {"dtype": getattr(torch, dtype)}
        return getattr(torch.fft, name)(*arguments, **options)

    both(program)


@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
@pytest.mark.parametrize("dim", [None, 1, (0, 2), (), 9, (0, 0)], ids=str)
def test_shifts(both, name, dim):
    both(lambda torch: getattr(torch.fft, name)(torch.arange(105).reshape(3, 5, 7), dim))
