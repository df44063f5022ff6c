"""Eigenvalues and singular values."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..._core import dtypes
from ..._core.dtypes import is_inexact
from ..._engine.declare import LINALG_FUNCTIONS, Autocast, op
from ..._engine.graph.op import Spec
from ..._engine.recording.kinds.base import Custom
from ..._engine.recording.trace import local
from .._shared.calls import named
from . import _messages
from .common import (
    adjoint,
    check_inexact,
    check_info,
    check_kernel,
    check_matrix,
    check_square,
    column_meta,
    diagonal,
    product,
    row_meta,
    solution,
    write_exactly,
    write_in_columns,
    write_in_layout,
)


def _over_gaps(array: Any, gaps: Any) -> Any:
    """Divide by differences of eigenvalues, with 0 where nothing is divided by nothing.

    PyTorch leaves the term out where no gradient flows to the vectors; here it is then 0 / 0.
    """
    nothing = (gaps == 0) & (array == 0)
    return array / jnp.where(nothing, 1, gaps)


def _gaps(values: Any) -> Any:
    """Return ``values[j] - values[i]``, and 1 on the diagonal."""
    differences = values[..., None, :] - values[..., :, None]
    return jnp.where(jnp.eye(values.shape[-1], dtype=bool), 1, differences)


# Symmetric and Hermitian matrices


def _eigh_spec(operation, bound, mode) -> Spec:
    operand = bound["A"]
    meta = operand.meta
    uplo = bound["UPLO"]
    check_square(meta, "linalg.eigh")
    if uplo.upper() not in ("L", "U"):
        raise _messages.wrong_triangle(uplo)
    check_kernel(meta, "linalg_eigh_cpu")
    lower = uplo.upper() == "L"
    values_meta = row_meta(meta.shape[:-1], meta, meta.dtype.to_real())

    def vjp(cotangents, results, operands):
        values, vectors = results
        slope, d_vectors = cotangents
        inner = product(adjoint(vectors), d_vectors)
        inner = 0.5 * (inner - adjoint(inner))
        inner = _over_gaps(inner, _gaps(values))
        own = jnp.eye(values.shape[-1], dtype=bool)
        inner = jnp.where(own, slope[..., None].astype(inner.dtype), inner)
        return [product(vectors, inner, adjoint(vectors))]

    return Spec(
        [operand],
        (values_meta, column_meta(meta.shape, meta)),
        {"lower": lower, "values_meta": values_meta},
        vjp=vjp,
    )


@op(
    "_linalg_eigh(Tensor A, std::string UPLO)",
    kind=Custom(_eigh_spec),
    method=False,
    function=False,
    saves=("result",),
)
def _eigh(a: Any, *, lower: Any, values_meta: Any) -> Any:
    """Return eigenvalues in ascending order, and eigenvectors."""
    if not a.size:
        return jnp.zeros(values_meta.shape, values_meta.dtype._numpy), a
    vectors, values = jax.lax.linalg.eigh(a, lower=lower, symmetrize_input=False)
    return values, vectors


@op(
    "linalg_eigh(Tensor input, std::string_view UPLO='L', *, TensorList[2] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
    returns="eigenvalues eigenvectors",
)
def eigh(input, UPLO="L"):
    """Eigendecomposition ``A = Q @ diag(L) @ Q.mH`` of symmetric or Hermitian matrices.

    Args:
        input: of shape (*, n, n).
        UPLO: which triangle is read, ``"L"`` or ``"U"``.
    Returns:
        Named tuple of real eigenvalues, ascending, and the eigenvectors as columns.
    """
    return named("linalg_eigh", *_eigh.call(input, UPLO))


@op(
    "linalg_eigvalsh(Tensor input, std::string_view UPLO='L', *, Tensor out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
)
def eigvalsh(input, UPLO="L"):
    """Eigenvalues of symmetric or Hermitian matrices, in ascending order.

    Args:
        input: of shape (*, n, n).
        UPLO: which triangle is read, ``"L"`` or ``"U"``.
    """
    return _eigh.call(input, UPLO)[0]


# General square matrices


def _eig_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    name = bound["caller"]
    check_square(meta, name)
    if not is_inexact(meta.dtype):
        raise _messages.no_complex_of(meta.dtype._legacy_name)
    check_kernel(meta, "linalg_eig_out_cpu")
    complex_dtype = meta.dtype.to_complex()

    def vjp(cotangents, results, operands):
        values, vectors = results[:2]
        slope, d_vectors = cotangents[:2]
        inner = product(adjoint(vectors), d_vectors)
        along = jnp.real(diagonal(inner)).astype(inner.dtype)
        inner = inner - product(adjoint(vectors), vectors * along[..., None, :])
        inner = _over_gaps(inner, jnp.conj(_gaps(values)))
        own = jnp.eye(values.shape[-1], dtype=bool)
        inner = jnp.where(own, slope[..., None], inner)
        gradient = solution(adjoint(vectors), product(inner, adjoint(vectors)))
        return [gradient if meta.dtype.is_complex else jnp.real(gradient)]

    metas = (
        row_meta(meta.shape[:-1], meta, complex_dtype),
        column_meta(meta.shape, meta, complex_dtype),
        row_meta((), meta, dtypes.bool_),
    )
    return Spec([operand], metas, {"complex_dtype": complex_dtype}, vjp=vjp)


@op(
    "_linalg_eig(Tensor input, std::string caller)",
    kind=Custom(_eig_spec),
    method=False,
    function=False,
    saves=("result",),
)
def _eig(a: Any, *, complex_dtype: Any) -> Any:
    """Return eigenvalues, eigenvectors and whether the matrices are not finite."""
    bad = ~jnp.isfinite(a).all()
    if not a.size:
        empty = a.astype(complex_dtype._numpy)
        return jnp.zeros(a.shape[:-1], empty.dtype), empty, bad
    values, vectors = jax.lax.linalg.eig(
        a, compute_left_eigenvectors=False, compute_right_eigenvectors=True
    )
    return values, vectors, bad


def _checked_eig(input, caller):
    values, vectors, bad = _eig.call(input, caller)
    check_info(bad, lambda batch, info: _messages.eig_not_finite(), "eig")
    return values, vectors


@op(
    "linalg_eig(Tensor input, *, TensorList[2] out=None)",
    method=False,
    write=write_in_columns,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
    returns="eigenvalues eigenvectors",
)
def linalg_eig(input):
    """Eigendecomposition ``A = V @ diag(L) @ V^-1`` of square matrices.

    Args:
        input: of shape (*, n, n).
    Returns:
        Named tuple of complex eigenvalues and the eigenvectors, of length 1, as columns.
    """
    return named("linalg_eig", *_checked_eig(input, "linalg.eig"))


@op(
    "linalg_eigvals(Tensor input, *, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
)
def eigvals(input):
    """Complex eigenvalues of square matrices, of shape (*, n, n)."""
    return _checked_eig(input, "linalg.eigvals")[0]


# Singular values


def _svd_gradient(u: Any, s: Any, vh: Any, d_u: Any, d_s: Any, d_vh: Any) -> Any:
    """Return the gradient of the reduced decomposition ``U S V^H``."""
    rows, columns = u.shape[-2], vh.shape[-1]

    def skew(array):
        return array - adjoint(array)

    squares = s * s
    gaps = _gaps(squares)
    from_u, from_v = skew(product(adjoint(u), d_u)), skew(product(vh, adjoint(d_vh)))
    inner = _over_gaps(from_u * s[..., None, :] + s[..., :, None] * from_v, gaps)
    own = jnp.eye(s.shape[-1], dtype=bool)
    along = d_s.astype(inner.dtype)
    if inner.dtype.kind == "c":
        turn = diagonal(from_u)
        safe = jnp.where((turn == 0) & (s == 0), 1, 2 * s)
        along = along + turn / safe
    inner = jnp.where(own, along[..., None], inner)
    if rows > columns:
        scaled = _over_gaps(d_u, jnp.broadcast_to(s[..., None, :], d_u.shape))
        outside = scaled - product(u, product(adjoint(u), scaled))
        return product(product(u, inner) + outside, vh)
    if rows < columns:
        scaled = _over_gaps(d_vh, jnp.broadcast_to(s[..., :, None], d_vh.shape))
        outside = scaled - product(product(scaled, adjoint(vh)), vh)
        return product(u, product(inner, vh) + outside)
    return product(u, product(inner, vh))


def _svd_spec(operation, bound, mode) -> Spec:
    operand = bound["A"]
    meta = operand.meta
    full = bound["full_matrices"]
    check_matrix(meta, "linalg.svd")
    check_inexact(meta, "linalg.svd")
    check_kernel(meta, "linalg_svd_cpu")
    *batch, rows, columns = meta.shape
    least = min(rows, columns)
    real = meta.dtype.to_real()
    metas = (
        column_meta((*batch, rows, rows if full else least), meta),
        row_meta((*batch, least), meta, real),
        column_meta((*batch, columns if full else least, columns), meta),
        row_meta(tuple(batch), meta, dtypes.int32),
    )

    def vjp(cotangents, results, operands):
        u, s, vh = results[:3]
        if not s.size:
            return [jnp.zeros(meta.shape, meta.dtype._numpy)]
        d_u, d_s, d_vh = cotangents[:3]
        u, d_u = u[..., :least], d_u[..., :least]
        vh, d_vh = vh[..., :least, :], d_vh[..., :least, :]
        return [_svd_gradient(u, s, vh, d_u, d_s, d_vh)]

    return Spec(
        [operand],
        metas,
        {"rows": rows, "columns": columns, "full": full, "real": real, "metas": metas},
        vjp=vjp,
    )


@op(
    "_linalg_svd(Tensor A, bool full_matrices)",
    kind=Custom(_svd_spec),
    method=False,
    function=False,
    saves=("result",),
    keeps={"results": None},
)
def _svd(a: Any, *, rows: Any, columns: Any, full: Any, real: Any, metas: Any) -> Any:
    """Return U, S and V^H, and which matrices are not finite."""
    if not a.size:
        left = jnp.eye(rows, metas[0].shape[-1], dtype=a.dtype)
        right = jnp.eye(metas[2].shape[-2], columns, dtype=a.dtype)
        return (
            jnp.broadcast_to(left, metas[0].shape),
            jnp.zeros(metas[1].shape, real._numpy),
            jnp.broadcast_to(right, metas[2].shape),
            jnp.zeros(metas[3].shape, jnp.int32),
        )
    bad = ~jnp.isfinite(a).all((-2, -1))
    u, s, vh = jax.lax.linalg.svd(a, full_matrices=full, compute_uv=True)
    return u, s, vh, bad.astype(jnp.int32)


def _values_spec(operation, bound, mode) -> Spec:
    operand = bound["A"]
    meta = operand.meta
    check_matrix(meta, "linalg.svd")
    check_inexact(meta, "linalg.svd")
    check_kernel(meta, "linalg_svd_cpu")
    *batch, rows, columns = meta.shape
    metas = (
        row_meta((*batch, min(rows, columns)), meta, meta.dtype.to_real()),
        row_meta(tuple(batch), meta, dtypes.int32),
    )

    return Spec([operand], metas, {"metas": metas})


@op(
    "_linalg_svdvals(Tensor A)",
    kind=Custom(_values_spec),
    method=False,
    function=False,
    differentiable=False,
)
def _svdvals(a: Any, *, metas: Any) -> Any:
    """Return singular values without their vectors, and which matrices are not finite."""
    bad = (~jnp.isfinite(a).all((-2, -1))).astype(jnp.int32)
    if not a.size:
        return jnp.zeros(metas[0].shape, metas[0].dtype._numpy), bad
    return jax.lax.linalg.svd(a, full_matrices=False, compute_uv=False), bad


def singular_values(A):
    """Return the singular values; where a gradient is wanted, by way of the vectors."""
    if A.requires_grad and local.trace.mode.grad:
        return checked_svd(A)[1]
    values, info = _svdvals.call(A)
    check_info(info, _messages.not_finite("linalg.svd"), "svdvals")
    return values


def checked_svd(A, full_matrices=False):
    """Return U, S and V^H of finite matrices."""
    u, s, vh, info = _svd.call(A, full_matrices)
    check_info(info, _messages.not_finite("linalg.svd"), "svd")
    return u, s, vh


@op(
    "linalg_svd(Tensor A, bool full_matrices=True, *, std::string_view? driver=None, "
    "TensorList[3] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
    returns="U S Vh",
)
def linalg_svd(A, full_matrices=True, driver=None):
    """Singular value decomposition (SVD) ``A = U @ diag(S) @ Vh``.

    Args:
        A: of shape (*, m, n).
        full_matrices: whether U and Vh are square.
        driver: only for CUDA.
    Returns:
        Named tuple of U, the singular values in descending order, and Vh.
    Raises:
        LinAlgError: a matrix is not finite.
    """
    if driver is not None:
        raise _messages.no_driver()
    return named("linalg_svd", *checked_svd(A, full_matrices))


@op(
    "linalg_svdvals(Tensor A, *, std::string_view? driver=None, Tensor out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
)
def svdvals(A, driver=None):
    """Singular values of matrices of shape (*, m, n), in descending order."""
    if driver is not None:
        raise _messages.no_driver()
    return singular_values(A)


@op(
    "svd(Tensor input, bool some=True, bool compute_uv=True, *, TensorList[3] out=None)",
    write=write_in_layout,
    autocast=Autocast(cpu="float32"),
    returns="U S V",
)
def svd(input, some=True, compute_uv=True):
    """Singular value decomposition (SVD) ``A = U @ diag(S) @ V.mH`` (the older function).

    Args:
        input: of shape (*, m, n).
        some: whether to reduce; U and V are square otherwise.
        compute_uv: whether U and V are wanted; zeros otherwise.
    Returns:
        Named tuple of U, the singular values and V.
    """
    if input.dim() < 2:
        raise _messages.svd_rank(input.dim())
    if compute_uv:
        u, s, vh = checked_svd(input, not some)
        return named("svd", u, s, vh.mH)
    *batch, rows, columns = input.shape
    values = singular_values(input)
    u = input.new_zeros((*batch, rows, rows))
    vh = input.new_zeros((*batch, columns, columns))
    return named("svd", u, values, vh.mH)
