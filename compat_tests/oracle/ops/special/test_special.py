"""Special functions held against PyTorch over many places, dtypes and wrong arguments."""

from __future__ import annotations

import math

import pytest

UNARY = (
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "digamma", "entr", "erf",
    "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammaln", "i0", "i0e", "i1", "i1e",
    "log1p", "log_ndtr", "logit", "modified_bessel_i0", "modified_bessel_i1",
    "modified_bessel_k0", "modified_bessel_k1", "ndtr", "ndtri", "psi", "round",
    "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "sinc", "spherical_bessel_j0",
)  # fmt: skip
POLYNOMIALS = tuple(
    f"{shifted}chebyshev_polynomial_{kind}" for shifted in ("", "shifted_") for kind in "tuvw"
) + ("hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l",
     "legendre_polynomial_p")  # fmt: skip
PAIRS = ("gammainc", "gammaincc", "xlogy", "xlog1py", "zeta")
PLACES = (
    0.0, -0.0, 1e-10, 1e-5, 0.1, 0.25, 0.5, 0.75, 0.999, 1.0, 1.5, 2.0, 2.09, 3.0, 5.0, 6.5, 8.33,
    10.0, 30.0, 88.0, 100.0, 300.0, -1e-10, -0.1, -0.5, -1.0, -1.5, -2.0, -2.09, -3.5, -5.0, -38.0,
    math.inf, -math.inf, math.nan,
)  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_values_in_double_precision(both, name):
    both(
        lambda torch: getattr(torch.special, name)(torch.tensor(PLACES, dtype=torch.float64)),
        relative=1e-9, absolute=1e-300,
    )  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_values_in_single_precision(both, name):
    # Far out the argument of a sine is off by a rounding already; near -1 an area loses digits.
    absolute = {"airy_ai": 1e-5, "ndtr": 1e-7, "modified_bessel_k0": 1e-38,
                "modified_bessel_k1": 1e-38}.get(name, 1e-40)  # fmt: skip
    both(
        lambda torch: getattr(torch.special, name)(torch.tensor(PLACES)),
        relative=5e-6, absolute=absolute,
    )  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("dtype", ["int64", "bool", "float16", "bfloat16", "complex64"])
def test_dtypes(both, name, dtype):
    def program(torch):
        return getattr(torch.special, name)(torch.tensor([1, 0, 1]).to(getattr(torch, dtype)))

    both(program)


@pytest.mark.parametrize("name", POLYNOMIALS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_polynomials(both, name, dtype):
    def program(torch):
        kind = getattr(torch, dtype)
        x = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0, -1.0, -0.3, 0.9, 1.2, 2.0], dtype=kind)
        n = torch.tensor([-1, 0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 20])
        return getattr(torch.special, name)(x[:, None], n)

    both(program, relative=2e-5 if dtype == "float32" else 1e-9, absolute=2e-5)


@pytest.mark.parametrize("name", PAIRS)
def test_functions_of_two(both, name):
    def program(torch):
        places = [0.0, 0.1, 0.5, 1.0, 1.5, 3.0, 10.0, 50.0, 200.0, -1.0, -1.5, -8.7]
        x = torch.tensor([*places, math.inf, math.nan], dtype=torch.float64)
        return getattr(torch.special, name)(x[:, None], x)

    both(program, relative=1e-9, absolute=1e-300)


@pytest.mark.parametrize("name", [*UNARY, *POLYNOMIALS, *PAIRS])
@pytest.mark.parametrize(
    "call",
    [
        lambda f, t: f("a"),
        lambda f, t: f(t.ones(2), t.ones(3)),
        lambda f, t: f(1.5, 2),
        lambda f, t: f(t.ones(2), out=t.empty(2, dtype=t.int64)),
    ],
)
def test_refusals(both, name, call):
    both(lambda torch: call(getattr(torch.special, name), torch))


@pytest.mark.parametrize("name", ["igamma", "igammac"])
@pytest.mark.parametrize("which", [0, 1])
def test_gradient_of_one_operand(both, name, which):
    def program(torch):
        operands = [torch.tensor([0.5, 2.0]), torch.tensor([1.5, 3.0])]
        operands[which].requires_grad_()
        result = getattr(torch, name)(*operands)
        result.sum().backward()
        return result.grad_fn.name(), operands[which].grad

    both(program)
