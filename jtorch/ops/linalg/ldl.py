"""The LDL factorisation of symmetric and Hermitian matrices that need not be definite.

Bunch and Kaufman's diagonal pivoting, in LAPACK's packed form (``sytf2`` and ``hetf2``, lower):
Bunch and Kaufman, "Some stable methods for calculating inertia and solving symmetric linear
systems", Mathematics of Computation 31 (1977). Blocks of two rows have negative pivots.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from ..._core import dtypes
from ..._core.dtypes import is_inexact
from ..._engine.declare import LINALG_FUNCTIONS, op
from ..._engine.graph.op import Spec
from ..._engine.recording.kinds.base import Custom, broadcast_shapes
from .._shared.calls import named
from .._shared.gradient_rules import not_differentiable
from . import _messages
from .common import (
    broadcast_batches,
    check_inexact,
    check_info,
    check_kernel,
    check_square,
    column_meta,
    row_meta,
    write_exactly,
)

#: Growth of the elements is least with this bound (Bunch and Kaufman).
_ALPHA = (1 + math.sqrt(17)) / 8


def _size(array: Any) -> Any:
    """Return LAPACK's cheap size of a number: of a complex one the sum of its parts' sizes."""
    if array.dtype.kind == "c":
        return jnp.abs(jnp.real(array)) + jnp.abs(jnp.imag(array))
    return jnp.abs(array)


def _exchanged(array: Any, i: Any, j: Any) -> Any:
    """Exchange rows and columns ``i`` and ``j``."""
    order = jnp.arange(array.shape[0]).at[i].set(j).at[j].set(i)
    return array[order][:, order]


def _factorised(a: Any, hermitian: bool) -> tuple[Any, Any, Any]:
    """Factorise one matrix, given by its lower triangle."""
    size = a.shape[0]
    rows = jnp.arange(size)
    flip = jnp.conj if hermitian else (lambda x: x)

    def real_if(x):
        return jnp.real(x).astype(a.dtype) if hermitian else x

    lower = jnp.tril(a, -1)
    diagonal = real_if(jnp.diagonal(a))
    # ``rest``: what is left to factorise, whole and symmetric; ``kept``: finished columns.
    whole = lower + flip(lower.T) + jnp.diag(diagonal)

    def step(state):
        k, rest, kept, pivots, info = state
        column = jnp.where(rows > k, rest[:, k], 0)
        head = _size(rest[k, k])
        largest = jnp.argmax(_size(column))
        top = _size(column[largest])
        empty = jnp.maximum(head, top) == 0
        empty = empty | jnp.isnan(head)
        row = jnp.where((rows >= k) & (rows != largest), rest[:, largest], 0)
        row_top = jnp.max(_size(row))
        alone = head >= _ALPHA * top
        alone = alone | (head * row_top >= _ALPHA * top * top)
        swapped = ~alone & (_size(rest[largest, largest]) >= _ALPHA * row_top)
        double = ~alone & ~swapped & ~empty
        partner = jnp.where(empty | alone, k, largest)
        position = jnp.where(double, k + 1, k)
        position = jnp.minimum(position, size - 1)
        rest = _exchanged(rest, position, partner)
        # LAPACK leaves finished columns as they are: their rows are exchanged when solving.
        # One column.
        pivot = rest[k, k]
        single = jnp.where(rows > k, rest[:, k], 0)
        scaled = single / jnp.where(pivot == 0, 1, pivot)
        after_one = rest - jnp.where(pivot == 0, 0, 1) * scaled[:, None] * flip(single)[None, :]
        column_one = jnp.where(rows == k, real_if(pivot), jnp.where(empty, single, scaled))
        # Two columns.
        second = jnp.minimum(k + 1, size - 1)
        d11, d21, d22 = rest[k, k], rest[second, k], rest[second, second]
        determinant = d11 * d22 - d21 * flip(d21)
        determinant = jnp.where(double, determinant, 1)
        first_column = jnp.where(rows > k + 1, rest[:, k], 0)
        second_column = jnp.where(rows > k + 1, rest[:, second], 0)
        w1 = (first_column * d22 - second_column * d21) / determinant
        w2 = (second_column * d11 - first_column * flip(d21)) / determinant
        after_two = (
            rest
            - w1[:, None] * flip(first_column)[None, :]
            - w2[:, None] * flip(second_column)[None, :]
        )
        block_one = jnp.where(rows == k, real_if(d11), jnp.where(rows == k + 1, d21, w1))
        block_two = jnp.where(rows == k + 1, real_if(d22), w2)
        mine = jnp.where(double, block_one, column_one)
        kept = kept.at[:, k].set(jnp.where(rows >= k, mine, 0))
        with_second = kept.at[:, second].set(jnp.where(rows >= second, block_two, 0))
        kept = jnp.where(double, with_second, kept)
        rest = jnp.where(empty, rest, jnp.where(double, after_two, after_one))
        number = jnp.where(double, -(partner + 1), partner + 1).astype(jnp.int32)
        pivots = pivots.at[k].set(number)
        pivots = jnp.where(double, pivots.at[second].set(number), pivots)
        info = jnp.where((info == 0) & empty, k + 1, info).astype(jnp.int32)
        return k + 1 + double, rest, kept, pivots, info

    start = (0, whole, jnp.zeros_like(a), jnp.zeros(size, jnp.int32), jnp.int32(0))
    _, _, kept, pivots, info = jax.lax.while_loop(lambda state: state[0] < size, step, start)
    return kept, pivots, info


def _solved(packed: Any, pivots: Any, b: Any, hermitian: bool) -> Any:
    """Solve one system with the packed factors, as LAPACK's ``sytrs`` does."""
    size = packed.shape[0]
    rows = jnp.arange(size)
    flip = jnp.conj if hermitian else (lambda x: x)

    def exchange(x, i, j):
        order = rows.at[i].set(j).at[j].set(i)
        return x[order]

    def forward(state):
        k, x = state
        double = pivots[k] < 0
        partner = jnp.abs(pivots[k]) - 1
        second = jnp.minimum(k + 1, size - 1)
        x = exchange(x, jnp.where(double, second, k), partner)
        one = jnp.where(rows > k, packed[:, k], 0)
        single = (x - one[:, None] * x[k][None, :]).at[k].set(x[k] / packed[k, k])
        first = jnp.where(rows > k + 1, packed[:, k], 0)
        other = jnp.where(rows > k + 1, packed[:, second], 0)
        pair = x - first[:, None] * x[k][None, :] - other[:, None] * x[second][None, :]
        d11, d21, d22 = packed[k, k], packed[second, k], packed[second, second]
        determinant = jnp.where(double, d11 * d22 - d21 * flip(d21), 1)
        upper = (d22 * x[k] - flip(d21) * x[second]) / determinant
        under = (d11 * x[second] - d21 * x[k]) / determinant
        pair = pair.at[k].set(upper).at[second].set(under)
        return k + 1 + double, jnp.where(double, pair, single)

    def backward(state):
        k, x = state
        double = pivots[k] < 0
        partner = jnp.abs(pivots[k]) - 1
        previous = jnp.maximum(k - 1, 0)
        last = jnp.where(rows > k, flip(packed[:, k]), 0)
        x = x.at[k].add(-(last @ x))
        also = jnp.where(rows > k, flip(packed[:, previous]), 0)
        pair = x.at[previous].add(-(also @ x))
        x = jnp.where(double, pair, x)
        return k - 1 - double, exchange(x, k, partner)

    _, b = jax.lax.while_loop(lambda state: state[0] < size, forward, (0, b))
    _, b = jax.lax.while_loop(lambda state: state[0] >= 0, backward, (size - 1, b))
    return b


def _factor_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    name = "torch.linalg.ldl_factor_ex"
    check_square(meta, name)
    check_inexact(meta, name)
    hermitian = bound["hermitian"] and meta.dtype.is_complex
    size = meta.shape[-1]
    if meta.numel:
        check_kernel(meta, "ldl_factor_kernel_cpu")

    metas = (
        column_meta(meta.shape, meta),
        row_meta(meta.shape[:-1], meta, dtypes.int32),
        row_meta(meta.shape[:-2], meta, dtypes.int32),
    )
    return Spec(
        [operand],
        metas,
        {"size": size, "hermitian": hermitian},
        vjp=not_differentiable("linalg_ldl_factor_ex"),
    )


@op(
    "_linalg_ldl_factor_ex(Tensor input, bool hermitian)",
    kind=Custom(_factor_spec),
    method=False,
    function=False,
    saves=(),
    node_name="NotImplemented",
)
def _ldl_factor_ex(a: Any, *, size: Any, hermitian: Any) -> Any:
    """Return packed factors, pivots and ``info``."""
    batch = a.shape[:-2]
    if not a.size:
        return a, jnp.zeros(a.shape[:-1], jnp.int32), jnp.zeros(batch, jnp.int32)
    packed, pivots, info = jax.vmap(lambda matrix: _factorised(matrix, hermitian))(
        a.reshape(-1, size, size)
    )
    return packed.reshape(a.shape), pivots.reshape(a.shape[:-1]), info.reshape(batch)


@op(
    "linalg_ldl_factor_ex(Tensor input, *, bool hermitian=False, bool check_errors=False, "
    "TensorList[3] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    returns="LD pivots info",
)
def ldl_factor_ex(input, hermitian=False, check_errors=False):
    """LDL factorisation ``A = L D L^T`` of symmetric or Hermitian matrices, with ``info``.

    Args:
        input: of shape (*, n, n); the lower triangle is read.
        hermitian: whether complex matrices are Hermitian, not symmetric.
        check_errors: whether to raise where a block is zero.
    Returns:
        Named tuple of the packed factors, int32 pivots and int32 ``info``.
    """
    packed, pivots, info = _ldl_factor_ex.call(input, hermitian)
    if check_errors:
        check_info(info, _messages.unknown_ldl_code("torch.linalg.ldl_factor_ex"), "ldl_factor_ex")
    return named("linalg_ldl_factor_ex", packed, pivots, info)


@op(
    "linalg_ldl_factor(Tensor input, *, bool hermitian=False, TensorList[2] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    returns="LD pivots",
)
def ldl_factor(input, hermitian=False):
    """LDL factorisation ``A = L D L^T`` of symmetric or Hermitian matrices.

    Args:
        input: of shape (*, n, n); the lower triangle is read.
        hermitian: whether complex matrices are Hermitian, not symmetric.
    Returns:
        Named tuple of the packed factors and int32 pivots.
    """
    packed, pivots, info = _ldl_factor_ex.call(input, hermitian)
    check_info(info, _messages.unknown_ldl_code("torch.linalg.ldl_factor"), "ldl_factor")
    return named("linalg_ldl_factor", packed, pivots)


def _solve_spec(operation, bound, mode) -> Spec:
    operands = [bound["LD"], bound["pivots"], bound["B"]]
    packed, pivots, b = [operand.meta for operand in operands]
    name = "torch.linalg.ldl_solve"
    check_square(packed, name)
    check_inexact(packed, name)
    if b.ndim < 2:
        raise _messages.must(
            name,
            f"Expected B to have at least 2 dimensions, but it has {b.ndim} dimensions instead",
        )
    if packed.dtype is not b.dtype:
        raise _messages.old_solver_dtypes(b.dtype._legacy_name, packed.dtype._legacy_name)
    if packed.shape[-1] != b.shape[-2]:
        raise _messages.old_solver_shapes(name, packed.shape, b.shape)
    if pivots.shape != packed.shape[:-1]:
        raise _messages.must(
            name,
            "Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{_messages.shape_text(pivots.shape)} instead",
        )
    if is_inexact(pivots.dtype):
        raise _messages.must(
            name, f"Expected pivots to be integers. Got {pivots.dtype._legacy_name}"
        )
    hermitian = bound.get("hermitian", False) and packed.dtype.is_complex
    shape = (*broadcast_shapes([packed.shape[:-2], b.shape[:-2]]), *b.shape[-2:])
    size = packed.shape[-1]

    return Spec(
        operands,
        (column_meta(shape, b),),
        {"size": size, "hermitian": hermitian},
        vjp=not_differentiable("linalg_ldl_solve"),
    )


@op(
    "linalg_ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False, "
    "Tensor out=None)",
    kind=Custom(_solve_spec),
    method=False,
    registry=LINALG_FUNCTIONS,
    saves=(),
    node_name="NotImplemented",
)
def ldl_solve(packed: Any, pivots: Any, b: Any, *, size: Any, hermitian: Any) -> Any:
    """Solution X of ``A X = B`` with A given by what ``ldl_factor`` returns.

    Args:
        LD: packed factors, of shape (*, n, n).
        pivots: integers from 1.
        B: of shape (*, n, k).
        hermitian: whether A is Hermitian, not symmetric.
    Returns:
        Tensor of the shape of B.
    """
    pivots = jnp.broadcast_to(pivots[..., None], (*pivots.shape, 1))
    packed, pivots, b = broadcast_batches(packed, pivots, b)
    if not b.size:
        return b
    x = jax.vmap(lambda a, p, right: _solved(a, p, right, hermitian))(
        packed.reshape(-1, size, size),
        pivots.reshape(-1, size),
        b.reshape(-1, *b.shape[-2:]),
    )
    return x.reshape(b.shape)
