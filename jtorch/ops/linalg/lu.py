"""The LU factorisation, and what is solved with it."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..._core import dtypes
from ..._core import messages as core_messages
from ..._core.dtypes import dtype as DType
from ..._engine.declare import LINALG_FUNCTIONS, Autocast, Out, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, broadcast_shapes
from .._shared import out_dtypes
from .._shared.calls import named
from .._shared.gradient_rules import refusing
from . import _messages
from .common import (
    adjoint,
    check_inexact,
    check_info,
    check_kernel,
    check_matrix,
    check_square,
    chosen,
    column_meta,
    lu_info,
    lu_of,
    lu_solution,
    needed,
    order_of,
    product,
    row_meta,
    sum_to,
    triangular,
    write_exactly,
    write_in_layout,
)


def _halves(factors: Any) -> tuple[Any, Any]:
    """Return L and U of packed factors."""
    rows, columns = factors.shape[-2:]
    least = min(rows, columns)
    lower = jnp.tril(factors[..., :, :least], -1) + jnp.eye(rows, least, dtype=factors.dtype)
    return lower, jnp.triu(factors[..., :least, :])


def _permuted(order: Any, rows: Any) -> Any:
    """Put the rows back where pivoting took them from."""
    return jnp.take_along_axis(rows, jnp.argsort(order, -1)[..., None], -2)


def _lu_gradient(lower: Any, upper: Any, d_lower: Any, d_upper: Any) -> Any:
    """Return the gradient of L and U with respect to the permuted matrix."""
    rows, columns = lower.shape[-2], upper.shape[-1]
    least = min(rows, columns)
    top, corner = lower[..., :least, :], upper[..., :least]
    first = product(adjoint(top), d_lower[..., :least, :])
    second = product(d_upper[..., :least], adjoint(corner))
    if rows > columns:
        second = second - product(adjoint(lower[..., least:, :]), d_lower[..., least:, :])
    if rows < columns:
        first = first - product(d_upper[..., least:], adjoint(upper[..., least:]))
    inner = jnp.tril(first, -1) + jnp.triu(second)
    inner = triangular(top, inner, True, unit=True, adjoint_a=True)
    if rows > columns:
        inner = jnp.concatenate([inner, d_lower[..., least:, :]], -2)
    inner = triangular(corner, inner, False, left=False, adjoint_a=True)
    if rows < columns:
        rest = triangular(top, d_upper[..., least:], True, unit=True, adjoint_a=True)
        inner = jnp.concatenate([inner, rest], -1)
    return inner


def _factor_spec(operation, bound, mode) -> Spec:
    operand = bound["A"]
    meta = operand.meta
    if meta.ndim < 2:
        raise _messages.lu_rank(bound["caller"], meta.shape)
    if not bound["pivot"]:
        raise _messages.lu_without_pivots()
    check_kernel(meta, "lu_cpu")
    *batch, rows, columns = meta.shape
    least = min(rows, columns)

    def vjp(cotangents, results, operands):
        factors, pivots = results[:2]
        if not factors.size:
            return [cotangents[0]]
        lower, upper = _halves(factors)
        slope = cotangents[0]
        inner = _lu_gradient(lower, upper, slope[..., :, :least], slope[..., :least, :])
        return [_permuted(order_of(pivots, rows), inner)]

    metas = (
        column_meta(meta.shape, meta),
        row_meta((*batch, least), meta, dtypes.int32),
        row_meta(tuple(batch), meta, dtypes.int32),
    )
    return Spec([operand], metas, vjp=vjp)


@op(
    "_linalg_lu_factor_ex(Tensor A, bool pivot, std::string caller)",
    kind=Custom(_factor_spec),
    method=False,
    function=False,
    saves=("result",),
    node_name="LinalgLuFactorExBackward0",
)
def _lu_factor_ex(a: Any) -> Any:
    """Return the packed factors, the pivots and ``info``."""
    factors, pivots, _ = lu_of(a)
    return factors, pivots, lu_info(factors)


def _factored(A, pivot, check, name):
    factors, pivots, info = _lu_factor_ex.call(A, pivot, "torch.lu_factor")
    if check:
        check_info(info, _messages.singular_factor(name), "lu_factor")
    return factors, pivots, info


@op(
    "linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False, "
    "TensorList[3] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    returns="LU pivots info",
)
def lu_factor_ex(A, pivot=True, check_errors=False):
    """LU factorisation ``A = P @ L @ U``, L and U packed into one matrix, with ``info``.

    Args:
        A: of shape (*, m, n).
        pivot: whether rows are exchanged; without is not possible on a CPU.
        check_errors: whether to raise where a diagonal element of U is 0.
    Returns:
        Named tuple of LU, int32 pivots from 1 and int32 ``info``.
    """
    factorisation = _factored(A, pivot, check_errors, "torch.linalg.lu_factor_ex")
    return named("linalg_lu_factor_ex", *factorisation)


@op(
    "linalg_lu_factor(Tensor A, *, bool pivot=True, TensorList[2] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    returns="LU pivots",
)
def lu_factor(A, pivot=True):
    """LU factorisation ``A = P @ L @ U``, L and U packed into one matrix.

    Args:
        A: of shape (*, m, n).
        pivot: whether rows are exchanged; without is not possible on a CPU.
    Raises:
        RuntimeError: a diagonal element of U is 0.
    """
    return named("linalg_lu_factor", *_factored(A, pivot, True, "torch.linalg.lu_factor")[:2])


@op(
    "_lu_with_info(Tensor input, bool pivot=True, bool check_errors=True)",
    method=False,
    returns="LU pivots info",
)
def _lu_with_info(input, pivot=True, check_errors=True):
    """LU factorisation: packed factors, pivots and ``info``; as PyTorch's, it never raises."""
    _messages.warn_deprecated("lu")
    return named("_lu_with_info", *_factored(input, pivot, False, "lu"))


def lu(A, pivot=True, get_infos=False, out=None):
    """LU factorisation, L and U packed into one matrix (the older function).

    Args:
        A: of shape (*, m, n).
        pivot: whether rows are exchanged.
        get_infos: whether to return ``info`` too.
        out: tuple of tensors for the results.
    Returns:
        Tuple of two or three tensors.
    """
    result = _lu_with_info(A, pivot=pivot, check_errors=not get_infos)
    if out is not None:
        count = 2 + bool(get_infos)
        if not isinstance(out, (tuple, list)):
            raise TypeError(f"argument 'out' must be tuple of Tensors, not {type(out).__name__}")
        if len(out) - int(get_infos) != 2:
            raise TypeError(f"expected tuple of {count} elements but got {len(out)}")
        for target, value in zip(out, result, strict=False):
            target.resize_as_(value).copy_(value)
        return out
    return result if get_infos else (result[0], result[1])


def _lu_method(self, pivot=True, get_infos=False):
    """See ``torch.lu``."""
    return tuple(lu(self, pivot=pivot, get_infos=get_infos))


publish("lu", lu, method=_lu_method)


def _permutation_spec(operation, bound, mode) -> Spec:
    operand = bound["pivots"]
    rows, dtype = bound["rows"], bound["dtype"]
    meta = operand.meta

    return Spec(
        [operand],
        (row_meta((*meta.shape[:-1], rows, rows), meta, dtype),),
        {"rows": rows, "dtype": dtype},
    )


@op(
    "_permutation_matrix(Tensor pivots, int64_t rows, ScalarType dtype)",
    kind=Custom(_permutation_spec),
    method=False,
    function=False,
    differentiable=False,
)
def _permutation_matrix(pivots: Any, *, rows: int, dtype: DType) -> Any:
    """Return the permutation matrix that LAPACK's pivots say."""
    order = order_of(pivots, rows)
    columns = jnp.arange(rows)
    return (jnp.argsort(order, -1)[..., :, None] == columns).astype(dtype._numpy)


def _lu_spec(operation, bound, mode) -> Spec:
    operand = bound["A"]
    meta = operand.meta
    if meta.ndim < 2:
        raise _messages.lu_rank("linalg.lu", meta.shape)
    if not bound["pivot"]:
        raise _messages.lu_without_pivots()
    check_kernel(meta, "lu_cpu")
    *batch, rows, columns = meta.shape
    least = min(rows, columns)

    def vjp(cotangents, results, operands):
        lower, upper, pivots = results
        if not lower.size or not upper.size:
            return [jnp.zeros(meta.shape, meta.dtype._numpy)]
        inner = _lu_gradient(lower, upper, *cotangents[:2])
        return [_permuted(order_of(pivots, rows), inner)]

    metas = (
        row_meta((*batch, rows, least), meta),
        row_meta((*batch, least, columns), meta),
        row_meta((*batch, least), meta, dtypes.int32),
    )
    return Spec([operand], metas, vjp=vjp)


@op(
    "_linalg_lu(Tensor A, bool pivot)",
    kind=Custom(_lu_spec),
    method=False,
    function=False,
    saves=("result",),
    keeps={"results": None},
    node_name="LinalgLuBackward0",
)
def _lu(a: Any) -> Any:
    """Return L, U and the pivots."""
    factors, pivots, _ = lu_of(a)
    return (*_halves(factors), pivots)


@op(
    "linalg_lu(Tensor A, *, bool pivot=True, TensorList[3] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    returns="P L U",
)
def linalg_lu(A, pivot=True):
    """LU factorisation with partial pivoting, ``A = P @ L @ U``.

    Args:
        A: of shape (*, m, n).
        pivot: whether rows are exchanged; without is not possible on a CPU.
    Returns:
        Named tuple of the permutation, the lower and the upper factor.
    """
    lower, upper, pivots = _lu.call(A, pivot)
    permutation = _permutation_matrix.call(pivots, A.shape[-2], A.dtype)
    return named("linalg_lu", permutation, lower, upper)


def _unpack_spec(operation, bound, mode) -> Spec:
    operand = bound["LU_data"]
    meta = operand.meta
    *batch, rows, columns = meta.shape
    least = min(rows, columns)
    if not bound["unpack"]:
        nothing = make_meta((0,), meta.dtype, meta.device)
        rule = refusing(_messages.tril_rank)
        return Spec([operand], (nothing, nothing), {"unpack": False}, vjp=rule)

    def vjp(cotangents, results, operands):
        below = jnp.tril(cotangents[0], -1)
        above = jnp.triu(cotangents[1])
        if rows > columns:
            return [below + jnp.pad(above, [(0, 0)] * len(batch) + [(0, rows - least), (0, 0)])]
        return [jnp.pad(below, [(0, 0)] * len(batch) + [(0, 0), (0, columns - least)]) + above]

    metas = (row_meta((*batch, rows, least), meta), row_meta((*batch, least, columns), meta))
    return Spec([operand], metas, {"unpack": True}, vjp=vjp)


@op(
    "_lu_unpack(Tensor LU_data, bool unpack)",
    kind=Custom(_unpack_spec),
    method=False,
    function=False,
    saves=(),
)
def _lu_unpack(factors: Any, *, unpack: bool) -> tuple[Any, Any]:
    """Return L and U of packed factors."""
    return _halves(factors) if unpack else (jnp.zeros((0,), factors.dtype),) * 2


@op(
    "lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, "
    "bool unpack_pivots=True, *, TensorList[3] out=None)",
    method=False,
    write=write_exactly,
    out=Out(dtype=out_dtypes.expected_cpp_name),
    returns="P L U",
)
def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True):
    """Factors P, L and U of what ``lu_factor`` returns.

    Args:
        LU_data: packed factors, of shape (*, m, n).
        LU_pivots: int32 pivots from 1.
        unpack_data: whether L and U are wanted; empty tensors otherwise.
        unpack_pivots: whether P is.
    Returns:
        Named tuple of three tensors.
    """
    if LU_data.dim() < 2:
        raise _messages.lu_rank("torch.lu_unpack", LU_data.shape)
    if LU_pivots.device is not LU_data.device:
        raise core_messages.device_mismatch((LU_data.device, LU_pivots.device), "lu_unpack")
    if unpack_pivots and LU_pivots.dtype is not dtypes.int32:
        raise _messages.unpack_pivots()
    lower, upper = _lu_unpack.call(LU_data, unpack_data)
    if unpack_pivots:
        permutation = _permutation_matrix.call(LU_pivots, LU_data.shape[-2], LU_data.dtype)
    else:
        permutation = LU_data.new_empty(0)
    return named("lu_unpack", permutation, lower, upper)


def _lu_solution(factors: Any, pivots: Any, b: Any, left: bool, adjoint_a: bool) -> Any:
    """Solve a system on either side by packed factors and LAPACK's pivots."""
    order = order_of(pivots, factors.shape[-1])
    if left:
        return lu_solution(factors, order, b, adjoint_a)
    return adjoint(lu_solution(factors, order, adjoint(b), not adjoint_a))


def _lu_solve_spec(operation, bound, mode) -> Spec:
    operands = [bound["LU"], bound["pivots"], bound["B"]]
    lu_meta, pivots, b = [operand.meta for operand in operands]
    left, adjoint_a = bound.get("left", True), bound.get("adjoint", False)
    check_inexact(lu_meta, "torch.linalg.lu_solve")
    if lu_meta.dtype is not b.dtype:
        raise _messages.same_dtypes(
            "linalg.lu_solve", "LU", lu_meta.dtype._legacy_name, "B", b.dtype._legacy_name
        )
    if pivots.dtype is not dtypes.int32:
        raise _messages.must(
            "linalg.lu_solve", "pivots should be a Tensor of scalar type torch.int32"
        )
    check_solver(lu_meta, b, left, "torch.linalg.lu_solve", "linalg.lu_solve")
    if lu_meta.shape[-1] != pivots.shape[-1]:
        raise _messages.must(
            "linalg.lu_solve",
            "Number of pivots per batch should be same as the dimension of the matrix",
        )
    if lu_meta.shape[:-1] != pivots.shape:
        raise _messages.must(
            "linalg.lu_solve",
            "Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{_messages.shape_text(pivots.shape)} instead",
        )
    shape = (*broadcast_shapes([lu_meta.shape[:-2], b.shape[:-2]]), *b.shape[-2:])
    size = lu_meta.shape[-1]
    wanted = needed(operands, mode)

    def vjp(cotangents, results, operands):
        factors, pivots, b = operands
        x = results[0]
        back = _lu_solution(factors, pivots, cotangents[0], left, not adjoint_a)
        slope = None
        if wanted[0]:
            lower, upper = _halves(factors)
            order = order_of(pivots, size)
            # Of A = P L U: -back X^H for the system A X = B, and likewise for the others.
            whole = -product(back, adjoint(x)) if left else -product(adjoint(x), back)
            whole = adjoint(whole) if adjoint_a else whole
            whole = sum_to(whole, factors.shape)
            rows = jnp.take_along_axis(whole, order[..., None], -2)
            d_lower = jnp.tril(product(rows, adjoint(upper)), -1)
            d_upper = jnp.triu(product(adjoint(lower), rows))
            slope = d_lower + d_upper
        return chosen([slope, None, sum_to(back, b.shape)], wanted)

    make = column_meta if left else row_meta
    return Spec(operands, (make(shape, b),), {"left": left, "adjoint_a": adjoint_a}, vjp=vjp)


def check_solver(a: Any, b: Any, left: bool, square_name: str, name: str) -> None:
    """Check that the matrices of a system fit, with PyTorch's words."""
    check_square(a, square_name)
    check_matrix(b, name, "B")
    if (a.shape[-2] != b.shape[-2]) if left else (a.shape[-1] != b.shape[-1]):
        raise _messages.solver_shapes(name, left, a.shape, b.shape)


@op(
    "linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False, "
    "Tensor out=None)",
    kind=Custom(_lu_solve_spec),
    method=False,
    registry=LINALG_FUNCTIONS,
    saves=("LU", "pivots", "B", "result"),
)
def linalg_lu_solve(factors: Any, pivots: Any, b: Any, *, left: bool, adjoint_a: bool) -> Any:
    """Solution X of ``A X = B`` with A given by what ``lu_factor`` returns.

    Args:
        LU: packed factors, of shape (*, n, n).
        pivots: int32 pivots from 1.
        B: of shape (*, n, k), or (*, k, n) where ``left`` is false.
        left: whether A stands on the left.
        adjoint: whether to solve with the adjoint of A.
    Returns:
        Tensor of the shape of B.
    """
    return _lu_solution(factors, pivots, b, left, adjoint_a)


@op(
    "lu_solve(Tensor input, Tensor LU_data, Tensor LU_pivots, *, Tensor out=None)",
    write=write_in_layout,
    autocast=Autocast(cpu="float32"),
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def lu_solve(input, LU_data, LU_pivots):
    """Solution X of ``A X = B`` by LU factors, the right side first (the older function)."""
    _messages.warn_deprecated("lu_solve")
    return linalg_lu_solve.call(LU_data, LU_pivots, input)
