"""Decompositions, triangular systems and Fourier transforms: LAPACK, BLAS and pocketfft of SciPy.

jaxlib calls the same LAPACK, that of SciPy, one matrix after the other, so the results are the same
bits. What LAPACK gives up on is NaN, as XLA has it.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .base import dtype_of, rule

_LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}


@functools.cache
def _routine(module: str, name: str) -> Callable:
    return getattr(importlib.import_module(f"scipy.linalg.{module}"), name)


def _lapack(equation: Any, real: str, of_complex: str | None = None) -> Callable | None:
    """Return a routine of LAPACK for the dtype of an equation's first operand.

    Args:
        real: its name without the letter of the dtype.
        of_complex: its name for complex matrices, where that is another one.
    """
    dtype = dtype_of(equation)
    letter = _LETTERS.get(dtype.name)
    if letter is None:
        return None
    name = of_complex if of_complex is not None and dtype.kind == "c" else real
    return functools.partial(_called, letter + name)


def _called(name: str, *arguments: Any, **options: Any) -> Any:
    return _routine("lapack", name)(*arguments, **options)


def _by_matrix(equation: Any, kernel: Callable, ranks: Sequence[int]) -> Callable:
    """Return a function of stacks of matrices that calls a kernel for each.

    Args:
        equation: whose results the kernel gives, as a tuple.
        ranks: how many dimensions one matrix (or vector) of each operand has.
    """
    results = [(v.aval.shape, np.dtype(v.aval.dtype)) for v in equation.outvars]
    shape = equation.invars[0].aval.shape
    batch = shape[: len(shape) - ranks[0]]
    count = math.prod(batch)
    alone = not equation.primitive.multiple_results

    def run(*operands: Any) -> Any:
        stacks = [
            np.reshape(array, (count, *array.shape[array.ndim - rank :]))
            for array, rank in zip(operands, ranks, strict=True)
        ]
        made = [np.empty((count, *shape[len(batch) :]), dtype) for shape, dtype in results]
        for at in range(count):
            parts = kernel(*[stack[at] for stack in stacks])
            for target, part in zip(made, parts, strict=True):
                target[at] = part
        arrays = [np.reshape(array, shape) for array, (shape, _) in zip(made, results, strict=True)]
        return arrays[0] if alone else arrays

    return run


def _unless(failed: Any, *parts: Any) -> tuple:
    """Return results, NaN where LAPACK says that there are none."""
    return tuple([np.full_like(part, np.nan) for part in parts]) if failed else parts


@rule("cholesky")
def _cholesky(equation: Any) -> Callable | None:
    factor = _lapack(equation, "potrf")
    if factor is None:
        return None

    def kernel(matrix: Any) -> tuple:
        lower, info = factor(matrix, lower=1, clean=1)
        return _unless(info, lower)

    return _by_matrix(equation, kernel, (2,))


@rule("triangular_solve")
def _triangular_solve(equation: Any) -> Callable | None:
    params = equation.params
    letter = _LETTERS.get(dtype_of(equation).name)
    if letter is None:
        return None
    transposed = int(params["transpose_a"])
    conjugated = bool(params["conjugate_a"]) and letter in "cz"
    options = {
        "side": int(not params["left_side"]),
        "lower": int(params["lower"]),
        "trans_a": 2 if transposed and conjugated else transposed,
        "diag": int(params["unit_diagonal"]),
    }

    def kernel(matrix: Any, right: Any) -> tuple:
        if not right.size:
            return (right,)
        if conjugated and not transposed:
            matrix = matrix.conj()
        return (_routine("blas", letter + "trsm")(1.0, matrix, right, **options),)

    return _by_matrix(equation, kernel, (2, 2))


def _permutation(pivots: Any, size: int) -> Any:
    order = np.arange(size, dtype=np.int32)
    for row, other in enumerate(pivots):
        order[row], order[other] = order[other], order[row]
    return order


@rule("lu")
def _lu(equation: Any) -> Callable | None:
    factor = _lapack(equation, "getrf")
    rows = equation.invars[0].aval.shape[-2]
    if factor is None:
        return None

    def kernel(matrix: Any) -> tuple:
        if not matrix.size:
            return matrix, np.zeros(0, np.int32), np.arange(rows, dtype=np.int32)
        factors, pivots, _ = factor(matrix)
        return factors, pivots, _permutation(pivots, rows)

    return _by_matrix(equation, kernel, (2,))


@rule("lu_pivots_to_permutation")
def _lu_pivots_to_permutation(equation: Any) -> Callable:
    size = equation.params["permutation_size"]
    return _by_matrix(equation, lambda pivots: (_permutation(pivots, size),), (1,))


@rule("geqrf")
def _geqrf(equation: Any) -> Callable | None:
    factor = _lapack(equation, "geqrf")
    if factor is None:
        return None

    def kernel(matrix: Any) -> tuple:
        if not matrix.size:
            return matrix, np.zeros(min(matrix.shape), matrix.dtype)
        factors, scales, _, _ = factor(matrix)
        return factors, scales

    return _by_matrix(equation, kernel, (2,))


@rule("householder_product")
def _householder_product(equation: Any) -> Callable | None:
    multiply = _lapack(equation, "orgqr", "ungqr")
    if multiply is None:
        return None

    def kernel(matrix: Any, scales: Any) -> tuple:
        if not scales.size:
            return (np.eye(*matrix.shape, dtype=matrix.dtype),)
        product, _, _ = multiply(matrix, scales)
        return (product,)

    return _by_matrix(equation, kernel, (2, 1))


@rule("qr")
def _qr(equation: Any) -> Callable | None:
    factor, multiply = _lapack(equation, "geqrf"), _lapack(equation, "orgqr", "ungqr")
    params = equation.params
    if factor is None or multiply is None or params.get("pivoting"):
        return None
    whole = params["full_matrices"]

    def kernel(matrix: Any) -> tuple:
        rows, columns = matrix.shape
        least = min(rows, columns)
        width = rows if whole else least
        if not least:
            return np.eye(rows, width, dtype=matrix.dtype), np.zeros((width, columns), matrix.dtype)
        factors, scales, _, _ = factor(matrix)
        reflectors = np.zeros((rows, width), matrix.dtype)
        reflectors[:, :least] = factors[:, :least]
        product, _, _ = multiply(reflectors, scales)
        return product, np.triu(factors[:width])

    return _by_matrix(equation, kernel, (2,))


@rule("eigh")
def _eigh(equation: Any) -> Callable | None:
    params = equation.params
    decompose = _lapack(equation, "syevd", "heevd")
    if decompose is None or params.get("subset_by_index") is not None:
        return None
    lower = int(params["lower"])

    def kernel(matrix: Any) -> tuple:
        if not matrix.size:
            return matrix, np.zeros(0, matrix.real.dtype)
        values, vectors, info = decompose(matrix, compute_v=1, lower=lower)
        return _unless(info, vectors, values)

    return _by_matrix(equation, kernel, (2,))


@rule("svd")
def _svd(equation: Any) -> Callable | None:
    params = equation.params
    decompose = _lapack(equation, "gesdd")
    if decompose is None or params.get("subset_by_index") is not None:
        return None
    if getattr(params.get("algorithm"), "name", "DEFAULT") != "DEFAULT":
        return None
    whole, vectors = int(params["full_matrices"]), int(params["compute_uv"])

    def kernel(matrix: Any) -> tuple:
        if not np.isfinite(matrix).all():
            return _not_finite(matrix, whole, vectors)
        left, values, right, info = decompose(
            matrix, compute_uv=vectors, full_matrices=whole if vectors else 0
        )
        return _unless(info, *((values, left, right) if vectors else (values,)))

    inner = _by_matrix(equation, kernel, (2,))
    return inner if math.prod(equation.invars[0].aval.shape[-2:]) else None


def _not_finite(matrix: Any, whole: int, vectors: int) -> tuple:
    rows, columns = matrix.shape
    least = min(rows, columns)
    values = np.full(least, np.nan, matrix.real.dtype)
    if not vectors:
        return (values,)
    left = np.full((rows, rows if whole else least), np.nan, matrix.dtype)
    return values, left, np.full((columns if whole else least, columns), np.nan, matrix.dtype)


@rule("fft")
def _fft(equation: Any) -> Callable:
    kind = getattr(equation.params["fft_type"], "name", str(equation.params["fft_type"]))
    lengths = tuple(equation.params["fft_lengths"])
    axes = tuple(range(-len(lengths), 0))
    name = {"FFT": "fftn", "IFFT": "ifftn", "RFFT": "rfftn", "IRFFT": "irfftn"}[kind.split(".")[-1]]
    shape = equation.outvars[0].aval.shape
    dtype = np.dtype(equation.outvars[0].aval.dtype)

    def run(array: Any) -> Any:
        if not math.prod(shape):
            return np.zeros(shape, dtype)
        transform = getattr(importlib.import_module("scipy.fft"), name)
        return np.asarray(transform(array, s=lengths, axes=axes), dtype)

    return run
