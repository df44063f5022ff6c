"""The Cholesky factorisation, and what is solved with it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..._core import dtypes
from ..._engine.declare import LINALG_FUNCTIONS, Autocast, Out, op
from ..._engine.graph.op import Spec
from ..._engine.recording.kinds.base import Custom, broadcast_shapes
from .._shared.calls import named
from . import _messages
from .common import (
    adjoint,
    check_inexact,
    check_info,
    check_kernel,
    check_square,
    chosen,
    column_meta,
    lu_info,
    needed,
    product,
    row_meta,
    sum_to,
    triangular,
    with_gradient,
    write_exactly,
    write_in_columns,
)


def _until_failure(a: Any) -> tuple[Any, Any]:
    """Factorise column by column as LAPACK's ``potf2`` does, up to the first bad pivot.

    Returns:
        The factor, with the columns from the bad pivot on as they came, and the pivot's number
        (from 1), or 0.
    """
    size = a.shape[-1]
    rows = jnp.arange(size)

    def step(j, state):
        factor, info = state
        done = jnp.where(rows < j, factor[j], 0)
        pivot = jnp.real(factor[j, j]) - jnp.sum(jnp.abs(done) ** 2)
        bad = ~(pivot > 0)
        root = jnp.sqrt(jnp.where(bad, 1, pivot))
        behind = jnp.where(rows[None, :] < j, factor, 0)
        column = (factor[:, j] - behind @ jnp.conj(done)) / root
        column = jnp.where(rows > j, column, factor[:, j]).at[j].set(root.astype(a.dtype))
        partial = factor.at[j, j].set(pivot.astype(a.dtype))
        following = jnp.where(bad, partial, factor.at[:, j].set(column))
        factor = jnp.where(info > 0, factor, following)
        return factor, jnp.where((info == 0) & bad, j + 1, info).astype(jnp.int32)

    factor, info = jax.lax.fori_loop(0, size, step, (a, jnp.int32(0)))
    return jnp.tril(factor), info


def _factor(a: Any) -> tuple[Any, Any]:
    """Return the lower factor and LAPACK's ``info``, reading the lower triangle alone."""
    batch, size = a.shape[:-2], a.shape[-1]
    if not a.size:
        return a, jnp.zeros(batch, jnp.int32)
    quick = jax.lax.linalg.cholesky(a, symmetrize_input=False)
    failed = jnp.isnan(quick).any((-2, -1))

    def again(_):
        factors, info = jax.vmap(_until_failure)(a.reshape(-1, size, size))
        factors, info = factors.reshape(a.shape), info.reshape(batch)
        return jnp.where(failed[..., None, None], factors, quick), jnp.where(failed, info, 0)

    def fine(_):
        return quick, jnp.zeros(batch, jnp.int32)

    return jax.lax.cond(failed.any(), again, fine, None)


def _either_factor(a: Any, upper: bool) -> tuple[Any, Any]:
    """Return the lower factor, or its adjoint read from the upper triangle, and ``info``."""
    factor, info = _factor(adjoint(a) if upper else a)
    return (adjoint(factor) if upper else factor), info


def _gradient(factor: Any, cotangent: Any) -> Any:
    """Return the Hermitian gradient of the lower factor (Murray, arXiv:1602.07527)."""
    inner = jnp.tril(product(adjoint(factor), cotangent))
    inner = 0.5 * (inner + adjoint(jnp.tril(inner, -1)))
    inner = triangular(factor, inner, True, adjoint_a=True)
    return triangular(factor, inner, True, left=False)


def _cholesky_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    upper = bound["upper"]
    nothing = bound["caller"] == "cholesky" and not meta.numel
    if not nothing:
        check_square(meta, bound["caller"])
    if operation.node_name == "LinalgCholeskyExBackward0":
        check_inexact(meta, bound["caller"])
    if not nothing:
        check_kernel(meta, "cholesky_cpu")

    def vjp(cotangents, results, operands):
        if upper:
            return [_gradient(adjoint(results[0]), adjoint(cotangents[0]))]
        return [_gradient(results[0], cotangents[0])]

    layout = row_meta if nothing else column_meta
    metas = (layout(meta.shape, meta), row_meta(meta.shape[:-2], meta, dtypes.int32))
    return Spec([operand], metas, {"upper": upper}, vjp=vjp)


@op(
    "_linalg_cholesky_ex(Tensor input, bool upper, std::string caller)",
    kind=Custom(_cholesky_spec),
    method=False,
    function=False,
    saves=("result",),
    node_name="LinalgCholeskyExBackward0",
)
def _cholesky_ex(a: Any, *, upper: bool) -> tuple[Any, Any]:
    """Return the Cholesky factor and ``info``."""
    return _either_factor(a, upper)


@op(
    "_cholesky(Tensor input, bool upper, std::string caller)",
    kind=Custom(_cholesky_spec),
    method=False,
    function=False,
    saves=("result",),
    node_name="CholeskyBackward0",
)
def _cholesky(a: Any, *, upper: bool) -> tuple[Any, Any]:
    """Return the Cholesky factor and ``info``, with the older function's node."""
    return _either_factor(a, upper)


@op(
    "linalg_cholesky_ex(Tensor input, *, bool upper=False, bool check_errors=False, "
    "TensorList[2] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
    returns="L info",
)
def cholesky_ex(input, upper=False, check_errors=False):
    """Cholesky factorisation ``A = L @ L.mH`` of positive-definite matrices, with ``info``.

    Args:
        input: Hermitian, of shape (*, n, n); one triangle is read.
        upper: whether to return the adjoint of L, read from the upper triangle.
        check_errors: whether to raise where a matrix is not positive-definite.
    Returns:
        Named tuple of the factor and an int32 tensor: 0, or the order of the first leading minor
        that is not positive-definite.
    """
    factor, info = _cholesky_ex.call(input, upper, "linalg.cholesky")
    if check_errors:
        check_info(info, _messages.not_positive_definite("linalg.cholesky_ex"), "cholesky_ex")
    return named("linalg_cholesky_ex", factor, info)


@op(
    "linalg_cholesky(Tensor input, *, bool upper=False, Tensor out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
)
def linalg_cholesky(input, upper=False):
    """Cholesky factorisation ``A = L @ L.mH`` of positive-definite matrices.

    Args:
        input: Hermitian, of shape (*, n, n); one triangle is read.
        upper: whether to return the adjoint of L, read from the upper triangle.
    Returns:
        Tensor of the same shape.
    Raises:
        LinAlgError: a matrix is not positive-definite.
    """
    factor, info = _cholesky_ex.call(input, upper, "linalg.cholesky")
    check_info(info, _messages.not_positive_definite("linalg.cholesky"), "cholesky")
    return factor


@op(
    "cholesky(Tensor input, bool upper=False, *, Tensor out=None)", autocast=Autocast(cpu="float32")
)
def cholesky(input, upper=False):
    """Cholesky factorisation, see ``torch.linalg.cholesky`` (the older function).

    Args:
        input: of shape (*, n, n).
        upper: whether to return the upper factor.
    """
    _messages.warn_deprecated("cholesky")
    factor, info = _cholesky.call(input, upper, "cholesky")
    check_info(info, _messages.not_positive_definite("cholesky"), "cholesky")
    return factor


def _inverse_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    upper = bound["upper"]
    check_square(meta, "cholesky_inverse")
    if meta.numel:
        check_kernel(meta, "cholesky_inverse_out_cpu")

    def vjp(cotangents, results, operands):
        # A = L L^H, and the gradient of the inverse of A is -A^-1 G A^-1.
        inverse, factor = results[0], operands[0]
        inner = product(inverse, cotangents[0] + adjoint(cotangents[0]), inverse)
        return [-product(factor, inner) if upper else -product(inner, factor)]

    metas = (column_meta(meta.shape, meta), row_meta(meta.shape[:-2], meta, dtypes.int32))
    return Spec([operand], metas, {"upper": upper}, vjp=vjp)


@op(
    "_cholesky_inverse(Tensor input, bool upper)",
    kind=Custom(_inverse_spec),
    method=False,
    function=False,
    saves=("input", "result"),
)
def _cholesky_inverse(a: Any, *, upper: bool) -> Any:
    """Return the inverse of the product of a Cholesky factor and its adjoint, and ``info``."""
    factor = jnp.tril(adjoint(a) if upper else a)
    identity = jnp.eye(a.shape[-1], dtype=a.dtype)
    half = triangular(factor, identity, True)
    return product(adjoint(half), half), lu_info(factor)


@op(
    "cholesky_inverse(Tensor input, bool upper=False, *, Tensor out=None)",
    write=write_in_columns,
    autocast=Autocast(cpu="float32"),
)
def cholesky_inverse(input, upper=False):
    """Inverse ``(L @ L.mH)^-1`` of a matrix given by its Cholesky factor.

    Args:
        input: factors, of shape (*, n, n).
        upper: whether they are upper ones.
    Returns:
        Tensor of the same shape.
    """
    inverse, info = _cholesky_inverse.call(input, upper)
    check_info(info, _messages.singular_inverse("cholesky_inverse"), "cholesky_inverse")
    return inverse


def check_older_solver(b: Any, a: Any, name: str) -> None:
    """Check the sides of a system as PyTorch's older functions do."""
    if a.dtype is not b.dtype:
        raise _messages.old_solver_dtypes(b.dtype._legacy_name, a.dtype._legacy_name)
    if a.shape[-1] != a.shape[-2]:
        raise _messages.old_solver_square(*a.shape[-2:])
    if a.shape[-1] != b.shape[-2]:
        raise _messages.old_solver_shapes(name, a.shape, b.shape)


def _by_factor(right: Any, factor: Any, upper: bool) -> Any:
    """Solve a system by two triangular ones."""
    if upper:
        half = triangular(factor, right, False, adjoint_a=True)
        return triangular(factor, half, False)
    half = triangular(factor, right, True)
    return triangular(factor, half, True, adjoint_a=True)


def _by_factor_gradients(cotangent: Any, result: Any, operands: Any, upper: bool) -> list[Any]:
    """Return the gradients of the right side and of the factor, a whole matrix as PyTorch's."""
    right, factor = operands
    back = _differentiable_solution(cotangent, factor, upper)
    inner = product(back, adjoint(result))
    inner = inner + adjoint(inner)
    slope = -product(factor, inner) if upper else -product(inner, factor)
    return [sum_to(back, right.shape), sum_to(slope, factor.shape)]


def _differentiable_solution(right: Any, factor: Any, upper: bool) -> Any:
    """Solve as ``_by_factor`` does, with PyTorch's gradient in its own derivative too."""
    return with_gradient(
        lambda right, factor: _by_factor(right, factor, upper),
        lambda slope, result, operands: _by_factor_gradients(slope, result, operands, upper),
    )(right, factor)


def _solve_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["input2"]]
    b, a = [operand.meta for operand in operands]
    upper = bound.get("upper", False)
    for letter, meta in (("b", b), ("u", a)):
        if meta.ndim < 2:
            raise RuntimeError(
                f"{letter} should have at least 2 dimensions, but has {meta.ndim} dimensions "
                "instead"
            )
    check_older_solver(b, a, "cholesky_solve")
    shape = (*broadcast_shapes([b.shape[:-2], a.shape[:-2]]), *b.shape[-2:])
    if b.numel and a.numel:
        check_kernel(b, "cholesky_solve_cpu")
    wanted = needed(operands, mode)

    def vjp(cotangents, results, operands):
        return chosen(_by_factor_gradients(cotangents[0], results[0], operands, upper), wanted)

    return Spec(operands, (column_meta(shape, b),), {"upper": upper}, vjp=vjp)


@op(
    "cholesky_solve(Tensor input, Tensor input2, bool upper=False, *, Tensor out=None)",
    kind=Custom(_solve_spec),
    saves=("input", "input2", "result"),
    autocast=Autocast(cpu="float32"),
    out=Out(layout=False),
)
def cholesky_solve(right: Any, factor: Any, *, upper: bool) -> Any:
    """Solution X of ``A X = B`` with A given by its Cholesky factor.

    Args:
        input: B, of shape (*, n, k).
        input2: the factor, of shape (*, n, n).
        upper: whether it is the upper one.
    Returns:
        Tensor of shape (*, n, k).
    """
    return _differentiable_solution(right, factor, upper)
