"""Inverses, systems of equations, and tensors as matrices."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from ..._core import dtypes
from ..._core.dtypes import dtype as DType
from ..._engine.declare import LINALG_FUNCTIONS, Autocast, op
from ..._engine.graph.op import Spec
from ..._engine.recording.kinds.base import Custom, broadcast_shapes, cast
from .._shared.calls import named
from . import _messages
from .cholesky import check_older_solver
from .common import (
    adjoint,
    check_inexact,
    check_info,
    check_kernel,
    check_square,
    chosen,
    column_meta,
    lu_info,
    lu_of,
    lu_solution,
    needed,
    product,
    row_meta,
    solution,
    sum_to,
    triangular,
    write_exactly,
    write_in_columns,
)
from .lu import check_solver


def _inverse_spec(operation, bound, mode) -> Spec:
    operand = bound["A"]
    meta = operand.meta
    check_square(meta, "linalg.inv")
    check_inexact(meta, "linalg.inv", low=False)

    def vjp(cotangents, results, operands):
        inverse = adjoint(results[0])
        return [-product(inverse, cotangents[0], inverse)]

    metas = (column_meta(meta.shape, meta), row_meta(meta.shape[:-2], meta, dtypes.int32))
    return Spec([operand], metas, vjp=vjp)


@op(
    "_linalg_inv_ex(Tensor A)",
    kind=Custom(_inverse_spec),
    method=False,
    function=False,
    saves=("result",),
)
def _inv_ex(a: Any) -> Any:
    """Return the inverse and ``info``."""
    factors, _, order = lu_of(a)
    identity = jnp.eye(a.shape[-1], dtype=a.dtype)
    return lu_solution(factors, order, identity), lu_info(factors)


@op(
    "linalg_inv_ex(Tensor A, *, bool check_errors=False, TensorList[2] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
    returns="inverse info",
)
def linalg_inv_ex(A, check_errors=False):
    """Inverse ``A^-1`` of square matrices, with ``info``.

    Args:
        A: of shape (*, n, n).
        check_errors: whether to raise where a matrix is singular.
    Returns:
        Named tuple of the inverse and int32 ``info``: 0, or the number of the zero on the
        diagonal of U.
    """
    inverse, info = _inv_ex.call(A)
    if check_errors:
        check_info(info, _messages.singular_inverse("linalg.inv_ex"), "inv_ex")
    return named("linalg_inv_ex", inverse, info)


def _inverse(A):
    """Inverse ``A^-1`` of square matrices.

    Args:
        A: of shape (*, n, n).
    Returns:
        Tensor of the same shape.
    Raises:
        LinAlgError: a matrix is singular.
    """
    inverse, info = _inv_ex.call(A)
    check_info(info, _messages.singular_inverse("linalg.inv"), "inv")
    return inverse


linalg_inv = op(
    "linalg_inv(Tensor A, *, Tensor out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
)(_inverse)


@op(
    "inverse(Tensor input, *, Tensor out=None)",
    write=write_exactly,
    autocast=Autocast(cpu="float32"),
)
def inverse(input):
    """Inverse of square matrices, see ``torch.linalg.inv``."""
    return _inverse(input)


def _is_vector(a: Any, b: Any) -> bool:
    """Tell whether PyTorch takes the right side as a batch of vectors."""
    return b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])


def _solve_spec(operation, bound, mode) -> Spec:
    operands = [bound["A"], bound["B"]]
    a, b = [operand.meta for operand in operands]
    left = bound["left"]
    check_inexact(a, "linalg.solve")
    if a.dtype is not b.dtype:
        raise _messages.same_dtypes(
            "linalg.solve", "A", a.dtype._legacy_name, "B", b.dtype._legacy_name
        )
    vector = _is_vector(a, b)
    matrix = row_meta((*b.shape, 1), b) if vector else b
    check_solver(a, matrix, left, "linalg.solve", "linalg.solve")
    if vector and not left:
        raise _messages.left_vector()
    shape = (*broadcast_shapes([matrix.shape[:-2], a.shape[:-2]]), *matrix.shape[-2:])
    check_kernel(a, "lu_cpu")
    wanted = needed(operands, mode)

    def vjp(cotangents, results, operands):
        a, b = operands
        slope, x = cotangents[0], results[0]
        if vector:
            slope, x = slope[..., None], x[..., None]
        back = solution(adjoint(a), slope) if left else adjoint(solution(a, adjoint(slope)))
        to_a = None
        if wanted[0]:
            to_a = -product(back, adjoint(x)) if left else -product(adjoint(x), back)
            to_a = sum_to(to_a, a.shape)
        to_b = sum_to(back[..., 0] if vector else back, b.shape)
        return chosen([to_a, to_b], wanted)

    wide = shape[:-1] if vector else shape
    meta = column_meta(wide, b) if left else row_meta(wide, b)
    return Spec(
        operands,
        (meta, row_meta(a.shape[:-2], a, dtypes.int32)),
        {"left": left, "vector": vector},
        vjp=vjp,
    )


@op(
    "_linalg_solve_ex(Tensor A, Tensor B, bool left)",
    kind=Custom(_solve_spec),
    method=False,
    function=False,
    saves=("A", "B", "result"),
    copies=("B",),
)
def _solve_ex(a: Any, b: Any, *, left: bool, vector: bool) -> Any:
    """Return the solution of a system of equations and ``info``."""
    b = b[..., None] if vector else b
    a_t = a if left else adjoint(a)
    factors, _, order = lu_of(a_t)
    if left:
        x = lu_solution(factors, order, b)
    else:
        x = adjoint(lu_solution(factors, order, adjoint(b)))
    return (x[..., 0] if vector else x), lu_info(factors)


@op(
    "linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False, "
    "TensorList[2] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    returns="result info",
)
def linalg_solve_ex(A, B, left=True, check_errors=False):
    """Solution X of the linear system ``A X = B``, with ``info``.

    Args:
        A: of shape (*, n, n).
        B: of shape (*, n, k) or (*, n); (*, k, n) where ``left`` is false.
        left: whether A stands on the left.
        check_errors: whether to raise where a matrix is singular.
    Returns:
        Named tuple of the solution and int32 ``info``.
    """
    x, info = _solve_ex.call(A, B, left)
    if check_errors:
        check_info(info, _messages.singular_solve("torch.linalg.solve_ex"), "solve_ex")
    return named("linalg_solve_ex", x, info)


@op(
    "linalg_solve(Tensor A, Tensor B, *, bool left=True, Tensor out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
)
def linalg_solve(A, B, left=True):
    """Solution X of the linear system ``A X = B``.

    Args:
        A: of shape (*, n, n).
        B: of shape (*, n, k) or (*, n); (*, k, n) where ``left`` is false.
        left: whether A stands on the left.
    Returns:
        Tensor of the shape of B.
    Raises:
        LinAlgError: a matrix is singular.
    """
    x, info = _solve_ex.call(A, B, left)
    check_info(info, _messages.singular_solve("torch.linalg.solve"), "solve")
    return x


def _triangular_gradients(a, b, x, slope, upper, left, unit, wanted):
    """Return the gradients of ``A X = B`` (or ``X A = B``) with a triangular matrix."""
    back = triangular(a, slope, not upper, left, unit, adjoint_a=True)
    to_a = None
    if wanted[0]:
        to_a = -product(back, adjoint(x)) if left else -product(adjoint(x), back)
        to_a = sum_to(to_a, a.shape)
        to_a = jnp.triu(to_a, int(unit)) if upper else jnp.tril(to_a, -int(unit))
    return chosen([to_a, sum_to(back, b.shape)], wanted)


def _triangular_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["B"]]
    a, b = [operand.meta for operand in operands]
    upper, left = bound["upper"], bound.get("left", True)
    unit = bound.get("unitriangular", False)
    name = "linalg.solve_triangular"
    check_solver(a, b, left, name, name)
    shape = (*broadcast_shapes([b.shape[:-2], a.shape[:-2]]), *b.shape[-2:])
    if math.prod(shape):
        check_kernel(a, "triangular_solve_cpu")
    wanted = needed(operands, mode)

    def vjp(cotangents, results, operands):
        a, b = operands
        gradients = _triangular_gradients(
            a, b, results[0], cotangents[0], upper, left, unit, wanted
        )
        return [g.astype(o.dtype) for g, o in zip(gradients, chosen([a, b], wanted), strict=True)]

    return Spec(
        operands,
        (column_meta(shape, a),),
        {"upper": upper, "left": left, "unit": unit, "dtype": a.dtype},
        vjp=vjp,
    )


@op(
    "linalg_solve_triangular(Tensor input, Tensor B, *, bool upper, bool left=True, "
    "bool unitriangular=False, Tensor out=None)",
    kind=Custom(_triangular_spec),
    method=False,
    registry=LINALG_FUNCTIONS,
    saves=("input", "B", "result"),
    copies=("B",),
)
def solve_triangular(a: Any, b: Any, *, upper: bool, left: bool, unit: bool, dtype: DType) -> Any:
    """Solution X of the triangular system ``A X = B``.

    Args:
        input: A, of shape (*, n, n); the other triangle is not read.
        B: of shape (*, n, k), or (*, k, n) where ``left`` is false.
        upper: whether the upper triangle is meant.
        left: whether A stands on the left.
        unitriangular: whether the diagonal is taken to be ones.
    Returns:
        Tensor of the shape of B.
    """
    return triangular(a, cast(b, dtype), not upper, left, unit)


def _transposed(array: Any) -> Any:
    return jnp.swapaxes(array, -1, -2)


def _older_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["A"]]
    b, a = [operand.meta for operand in operands]
    upper, transpose, unit = bound["upper"], bound["transpose"], bound["unitriangular"]
    for label, meta in (("b", b), ("A", a)):
        if meta.ndim < 2:
            raise _messages.must(
                "torch.triangular_solve",
                f"Expected {label} to have at least 2 dimensions, but it has {meta.ndim} "
                "dimensions instead",
            )
    check_older_solver(b, a, "triangular_solve")
    batch = broadcast_shapes([b.shape[:-2], a.shape[:-2]])
    if b.numel and a.numel:
        check_kernel(a, "triangular_solve_cpu")
    wanted = needed(operands, mode)
    shape = (*batch, *a.shape[-2:])

    def vjp(cotangents, results, operands):
        b, a = operands
        matrix = _transposed(a) if transpose else a
        to_a, to_b = _triangular_gradients(
            matrix, b, results[0], cotangents[0], upper != transpose, True, unit, [True, True]
        )
        to_a = _transposed(to_a) if transpose else to_a
        to_a = to_a + sum_to(cotangents[1], a.shape)
        return chosen([to_b, to_a], wanted)

    metas = (column_meta((*batch, *b.shape[-2:]), b), column_meta(shape, a))
    return Spec(
        operands,
        metas,
        {"upper": upper, "transpose": transpose, "unit": unit, "shape": shape},
        vjp=vjp,
    )


@op(
    "_triangular_solve(Tensor input, Tensor A, bool upper, bool transpose, bool unitriangular)",
    kind=Custom(_older_spec),
    method=False,
    function=False,
    saves=("input", "A", "result"),
)
def _triangular_solve(
    b: Any, a: Any, *, upper: bool, transpose: bool, unit: bool, shape: tuple[int, ...]
) -> Any:
    """Return the solution and a copy of the matrix."""
    matrix = _transposed(a) if transpose else a
    return triangular(matrix, b, upper == transpose, unit=unit), jnp.broadcast_to(a, shape)


@op(
    "triangular_solve(Tensor input, Tensor A, bool upper=True, bool transpose=False, "
    "bool unitriangular=False, *, TensorList[2] out=None)",
    write=write_in_columns,
    autocast=Autocast(cpu="float32"),
    returns="solution cloned_coefficient",
)
def triangular_solve(input, A, upper=True, transpose=False, unitriangular=False):
    """Solution X of the triangular system ``A X = B``, B first (the older function).

    Args:
        input: B, of shape (*, n, k).
        A: of shape (*, n, n).
        upper: whether its upper triangle is meant.
        transpose: whether to solve with its transpose.
        unitriangular: whether the diagonal is taken to be ones.
    Returns:
        Named tuple of the solution and a copy of A.
    """
    _messages.warn_deprecated("triangular_solve")
    x, copy = _triangular_solve.call(input, A, upper, transpose, unitriangular)
    return named("triangular_solve", x, copy)


@op(
    "linalg_tensorinv(Tensor input, int64_t ind=2, *, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
)
def tensorinv(input, ind=2):
    """Inverse of a tensor as a linear map between tensors.

    Args:
        input: tensor whose first ``ind`` sizes and whose other sizes have the same product.
        ind: how many dimensions are rows.
    Returns:
        Tensor of the other sizes, then the first ones.
    """
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    if ind > input.dim():
        raise RuntimeError(f"ArrayRef: invalid slice, N = {ind}; size = {input.dim()}")
    rows, columns = tuple(input.shape[:ind]), tuple(input.shape[ind:])
    if math.prod(rows) != math.prod(columns):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {math.prod(columns)} != {math.prod(rows)}"
        )
    inverse, info = _inv_ex.call(input.reshape(math.prod(columns), math.prod(rows)))
    if info.any():
        raise RuntimeError("Failed to invert the input tensor, because it is singular.")
    return inverse.reshape(columns + rows)


@op(
    "linalg_tensorsolve(Tensor input, Tensor other, IntArrayRef? dims=None, *, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
)
def tensorsolve(input, other, dims=None):
    """Solution X of ``tensordot(A, X) = B``.

    Args:
        input: A, whose first sizes are those of B.
        other: B.
        dims: dimensions of A that are moved to its end first.
    Returns:
        Tensor of the other sizes of A.
    """
    if dims is not None:
        targets = list(range(input.dim() - len(dims), input.dim()))
        input = input.movedim(list(dims), targets)
    shape = tuple(input.shape[other.dim() :])
    count, wanted = math.prod(shape), math.prod(input.shape[: other.dim()])
    if count != wanted:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {count} != {wanted}"
        )
    flat = input.reshape(count, count)
    return linalg_solve(flat, other.reshape(-1)).reshape(shape)
