"""The interpreter's decompositions, systems and Fourier transforms: those of XLA, without XLA."""

from __future__ import annotations

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jtorch  # noqa: F401  (sets JAX up)
from jtorch._engine.interpreter import translate

DTYPES = ["float32", "float64", "complex64", "complex128"]
GENERATOR = np.random.default_rng(0)


def draw(dtype, *shape):
    numbers = GENERATOR.normal(size=shape)
    if dtype.startswith("complex"):
        numbers = numbers + 1j * GENERATOR.normal(size=shape)
    return numbers.astype(dtype)


def positive(dtype, count, size):
    matrices = draw(dtype, count, size, size)
    return (matrices @ matrices.conj().swapaxes(-1, -2) + size * np.eye(size)).astype(dtype)


def compare(function, *arrays):
    """Run a function by both; nothing may be left to XLA, and NaN stands where XLA has it."""
    closed = jax.make_jaxpr(function)(*arrays)
    translate.without_rule.clear()
    found = translate.translate(closed.jaxpr, closed.consts).function(*arrays)
    assert translate.without_rule == {}
    expected = jax.tree.leaves(function(*arrays))
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == theirs.dtype
        tolerance = 1e-5 if ours.dtype in (np.float32, np.complex64) else 1e-12
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=tolerance, atol=tolerance)


DECOMPOSITIONS = {
    "cholesky": lambda d: (jnp.linalg.cholesky, positive(d, 3, 5)),
    "cholesky of what is not definite": lambda d: (jnp.linalg.cholesky, -positive(d, 2, 4)),
    "lu, wide": lambda d: (lax.linalg.lu, draw(d, 2, 4, 6)),
    "lu, tall": lambda d: (lax.linalg.lu, draw(d, 6, 4)),
    "qr": lambda d: (jnp.linalg.qr, draw(d, 2, 6, 4)),
    "qr, wide": lambda d: (jnp.linalg.qr, draw(d, 4, 6)),
    "qr, complete": lambda d: (lambda x: jnp.linalg.qr(x, mode="complete"), draw(d, 6, 4)),
    "eigh": lambda d: (jnp.linalg.eigh, positive(d, 3, 5)),
    "svd": lambda d: (jnp.linalg.svd, draw(d, 2, 4, 6)),
    "svd, thin": lambda d: (lambda x: jnp.linalg.svd(x, full_matrices=False), draw(d, 6, 4)),
    "singular values": lambda d: (lambda x: jnp.linalg.svd(x, compute_uv=False), draw(d, 4, 6)),
    "svd of NaN": lambda d: (jnp.linalg.svd, np.full((3, 2), np.nan, d)),
    "solve": lambda d: (jnp.linalg.solve, positive(d, 3, 5), draw(d, 3, 5, 2)),
    "inverse": lambda d: (jnp.linalg.inv, positive(d, 3, 5)),
    "determinant": lambda d: (jnp.linalg.det, positive(d, 3, 4)),
    "of no rows": lambda d: (jnp.linalg.cholesky, draw(d, 2, 0, 0)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", DECOMPOSITIONS)
def test_decompositions(name, dtype):
    compare(*DECOMPOSITIONS[name](dtype))


SIDES = list(itertools.product([False, True], repeat=5))


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_triangular_systems_in_every_form(dtype):
    matrix, right = positive(dtype, 3, 5), draw(dtype, 3, 5, 5)
    for left, lower, transposed, conjugated, unit in SIDES:
        options = {
            "left_side": left,
            "lower": lower,
            "transpose_a": transposed,
            "conjugate_a": conjugated and dtype == "complex128",
            "unit_diagonal": unit,
        }
        compare(functools.partial(lax.linalg.triangular_solve, **options), matrix, right)


@pytest.mark.parametrize("double", [False, True])
def test_fourier_transforms(double):
    real, complex_ = ("float64", "complex128") if double else ("float32", "complex64")
    compare(jnp.fft.rfft, draw(real, 3, 7))
    compare(jnp.fft.rfft2, draw(real, 3, 6, 8))
    compare(jnp.fft.fft, draw(complex_, 3, 7))
    compare(jnp.fft.fft, draw(complex_, 0, 7))
    compare(jnp.fft.ifftn, draw(complex_, 3, 4, 5))
    compare(jnp.fft.irfft, draw(complex_, 3, 5))
    compare(lambda x: jnp.fft.irfft(x, 9), draw(complex_, 3, 5))
