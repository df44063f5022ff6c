"""Factorisations of low rank, from random projections."""

from __future__ import annotations

from typing import Any

from ..._core import dtypes
from ..._engine.declare import publish
from ..creation.random import randn
from .matmul import matmul
from .qr import linalg_qr
from .spectral import linalg_svd


def _floating(tensor: Any) -> Any:
    """Return the dtype to draw in: that of a real floating point tensor, else float32."""
    known = (dtypes.float16, dtypes.float32, dtypes.float64)
    return tensor.dtype if tensor.dtype in known else dtypes.float32


def _basis(a: Any, count: int, rounds: int, shift: Any) -> Any:
    """Return an orthonormal basis of what a matrix mostly maps to.

    Halko, Martinsson, Tropp, "Finding structure with randomness", arXiv:0909.4061, algorithm 4.4.
    """
    dtype = a.dtype if a.is_complex() else _floating(a)
    start = randn(a.shape[-1], count, dtype=dtype, device=a.device)

    def mapped(matrix, shift, vectors):
        result = matmul(matrix, vectors)
        return result if shift is None else result - matmul(shift, vectors)

    basis = linalg_qr(mapped(a, shift, start)).Q
    for _ in range(rounds):
        basis = linalg_qr(mapped(a.mH, None if shift is None else shift.mH, basis)).Q
        basis = linalg_qr(mapped(a, shift, basis)).Q
    return basis


def svd_lowrank(A, q=6, niter=2, M=None):
    """Randomised singular value decomposition of low rank: ``A - M ~ U @ diag(S) @ V.mH``.

    Args:
        A: of shape (*, m, n).
        q: how many singular values, somewhat more than the rank.
        niter: rounds that sharpen the subspace.
        M: what is subtracted from A first; expands to its shape.
    Returns:
        Tuple of U, of shape (*, m, q), the singular values, and V, of shape (*, n, q).

    Halko, Martinsson, Tropp, arXiv:0909.4061, algorithm 5.1.
    """
    count = 6 if q is None else q
    rows, columns = A.shape[-2:]
    shift = None if M is None else M.broadcast_to(A.size())
    wide = rows < columns
    if wide:
        A = A.mH
        shift = None if shift is None else shift.mH
    basis = _basis(A, count, 2 if niter is None else niter, shift)
    small = matmul(basis.mH, A)
    if shift is not None:
        small = small - matmul(basis.mH, shift)
    left, values, right = linalg_svd(small, full_matrices=False)
    first, second = basis.matmul(left), right.mH
    return (second, values, first) if wide else (first, values, second)


def pca_lowrank(A, q=None, center=True, niter=2):
    """Principal component analysis (PCA) by a randomised singular value decomposition.

    Args:
        A: of shape (*, m, n), a sample in each row.
        q: how many components, by default at most 6.
        center: whether to subtract the mean of each column first.
        niter: rounds that sharpen the subspace.
    Returns:
        Tuple of U, the singular values, and V, whose columns are the principal directions.
    """
    rows, columns = A.shape[-2:]
    if q is None:
        q = min(6, rows, columns)
    elif not 0 <= q <= min(rows, columns):
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)="
            f"{min(rows, columns)}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if not center:
        return svd_lowrank(A, q, niter)
    return svd_lowrank(A - A.mean(dim=(-2,), keepdim=True), q, niter)


publish("svd_lowrank", svd_lowrank)
publish("pca_lowrank", pca_lowrank)
