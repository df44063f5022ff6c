"""What the operators of linear algebra share: checks, strides, and solutions by LU factors.

A factorisation that fails says so in a number, LAPACK's ``info``, which is one of its results. The
functions that PyTorch lets fail read it at the call (``check_info``), which makes the pending
program run; the forms with ``_ex`` hand it out instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes, messages
from ..._core.device import META
from ..._core.dtypes import is_inexact
from ..._core.strides import contiguous_strides
from ..._core.structseq import RETURN_TYPES
from ..._engine.graph.values import Meta, make_meta
from ..._engine.recording.record import write_result
from .._shared.dot_precision import of_products
from ..reduce.counting import host_array
from . import _messages

_LAPACK = (dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128)


def column_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of a batch of matrices whose columns are contiguous, as LAPACK's are."""
    strides = list(contiguous_strides(shape))
    if len(shape) >= 2:
        strides[-1] = max(shape[-2], 1)
        strides[-2] = 1
    return tuple(strides)


def column_meta(shape: tuple[int, ...], like: Meta, dtype: Any = None) -> Meta:
    """Return the meta of a result in LAPACK's layout."""
    return make_meta(shape, dtype or like.dtype, like.device, column_major(shape))


def row_meta(shape: tuple[int, ...], like: Meta, dtype: Any = None) -> Meta:
    """Return the meta of a contiguous result."""
    return make_meta(shape, dtype or like.dtype, like.device)


def check_matrix(meta: Meta, name: str, argument: str = "A") -> None:
    if meta.ndim < 2:
        raise _messages.matrix_needed(name, argument)


def check_square(meta: Meta, name: str) -> None:
    check_matrix(meta, name)
    if meta.shape[-1] != meta.shape[-2]:
        raise _messages.square_needed(name, *meta.shape[-2:])


def check_inexact(meta: Meta, name: str, low: bool = True) -> None:
    """Refuse integers and, where ``low`` is false, half precision."""
    if not is_inexact(meta.dtype):
        raise _messages.inexact_needed(name, _messages.type_name(meta))
    if not low and meta.dtype not in _LAPACK:
        raise _messages.low_precision(name, _messages.type_name(meta))


def check_kernel(meta: Meta, kernel: str) -> None:
    """Refuse the dtypes that LAPACK does not know."""
    if meta.dtype not in _LAPACK:
        raise messages.not_implemented(kernel, _messages.type_name(meta))


def check_info(info: Any, error: Callable[[str, int], Exception], reason: str) -> None:
    """Raise where a factorisation failed, naming the first matrix of the batch that did.

    Args:
        info: tensor of one number for each matrix, 0 for success.
        error: makes the exception of the batch's description and the number.
        reason: the operator, for the statistics.
    """
    if info._value.meta.device is META:
        return
    numbers = host_array(info, reason)
    wrong = np.flatnonzero(numbers)
    if wrong.size:
        batch = f"(Batch element {wrong[0]}): " if numbers.ndim else ""
        raise error(batch, int(numbers.reshape(-1)[wrong[0]]))


def needed(plan_operands: list, mode: Any) -> list[bool]:
    """Tell which operands a gradient flows to."""
    return [bool(mode.grad and operand.meta.grad) for operand in plan_operands]


def chosen(gradients: list, wanted: list[bool]) -> list:
    """Return the gradients of the operands that have one; the others may be ``None``."""
    return [g for g, want in zip(gradients, wanted, strict=True) if want]


def write_exactly(out: Any, result: Any, name: str) -> Any:
    """Write results to the tensors given as ``out``, which must have the results' dtypes.

    A tensor of another shape is given the result's, and its strides.
    """
    several = isinstance(result, tuple)
    targets, values = (out, result) if several else ((out,), (result,))
    for target, value in zip(targets, values, strict=True):
        if target.dtype is not value.dtype:
            raise _messages.out_dtype(value.dtype._legacy_name, target.dtype._legacy_name)
    return write_in_layout(out, result, name)


def write_in_layout(out: Any, result: Any, name: str) -> Any:
    """Write results to the tensors given as ``out``; one of another shape gets their strides."""
    if not isinstance(result, tuple):
        return write_result(out, result, name, layout=True)
    for target, value in zip(out, result, strict=True):
        write_result(target, value, name, layout=True)
    packed = RETURN_TYPES.get(f"{name}_out")
    return tuple(out) if packed is None else packed(out)


def write_in_columns(out: Any, result: Any, name: str) -> Any:
    """Write results to the tensors given as ``out``.

    One of another shape, or without elements, gets the strides of its result: PyTorch makes it
    again by columns.
    """
    written = write_in_layout(out, result, name)
    several = isinstance(result, tuple)
    for target, value in zip(out, result, strict=True) if several else ((out, result),):
        if not value.numel() and target.stride() != value.stride():
            target.as_strided_(value.shape, value.stride())
    return written


def with_gradient(function: Callable, rule: Callable) -> Callable:
    """Give a function of arrays PyTorch's gradient wherever JAX differentiates it.

    Args:
        function: of arrays, with one result.
        rule: ``(cotangent, result, operands) -> gradients``, as PyTorch defines them: of complex
            arrays JAX's are their conjugates.
    """
    wrapped = jax.custom_vjp(function)

    def turned(array):
        return jnp.conj(array) if array.dtype.kind == "c" else array

    def forward(*operands):
        result = wrapped(*operands)
        return result, (result, operands)

    def backward(saved, cotangent):
        result, operands = saved
        return tuple([turned(g) for g in rule(turned(cotangent), result, operands)])

    wrapped.defvjp(forward, backward)
    return wrapped


# Arrays


def adjoint(array: Any) -> Any:
    """Return the conjugate transpose."""
    array = jnp.swapaxes(array, -1, -2)
    return jnp.conj(array) if array.dtype.kind == "c" else array


def product(*arrays: Any) -> Any:
    """Multiply matrices from the left to the right in full precision."""
    result = arrays[0]
    for array in arrays[1:]:
        result = jnp.matmul(result, array, precision=of_products())
    return result


def diagonal(array: Any) -> Any:
    return jnp.diagonal(array, axis1=-2, axis2=-1)


def diagonal_matrix(vector: Any) -> Any:
    """Return matrices with the given diagonals."""
    return vector[..., None] * jnp.eye(vector.shape[-1], dtype=vector.dtype)


def broadcast_batches(*arrays: Any) -> list[Any]:
    """Expand the leading dimensions of batches of matrices to a common shape."""
    batch = np.broadcast_shapes(*[array.shape[:-2] for array in arrays])
    return [jnp.broadcast_to(array, (*batch, *array.shape[-2:])) for array in arrays]


def sum_to(array: Any, shape: tuple[int, ...]) -> Any:
    """Add up over the dimensions along which an operand was expanded."""
    if array.shape == tuple(shape):
        return array
    lead = array.ndim - len(shape)
    axes = [*range(lead)]
    axes += [d + lead for d, size in enumerate(shape) if size == 1 != array.shape[d + lead]]
    return jnp.sum(array, tuple(axes), keepdims=True).reshape(shape)


def triangular(
    a: Any, b: Any, lower: bool, left: bool = True, unit: bool = False, adjoint_a: bool = False
) -> Any:
    """Solve ``a x = b`` (or ``x a = b``) with a triangular matrix; batches broadcast."""
    a, b = broadcast_batches(a, b)
    if not b.size:
        return b
    return jax.lax.linalg.triangular_solve(
        a, b, left_side=left, lower=lower, transpose_a=adjoint_a, conjugate_a=adjoint_a,
        unit_diagonal=unit,
    )  # fmt: skip


def lu_of(array: Any) -> tuple[Any, Any, Any]:
    """Return the packed LU factors, LAPACK's pivots (from 1) and the permutation of the rows."""
    *batch, rows, columns = array.shape
    if not array.size:
        least = min(rows, columns)
        order = jnp.broadcast_to(jnp.arange(rows, dtype=jnp.int32), (*batch, rows))
        return array, jnp.zeros((*batch, least), jnp.int32), order
    factors, pivots, order = jax.lax.linalg.lu(array)
    return factors, pivots + 1, order


def lu_info(factors: Any) -> Any:
    """Return the number (from 1) of the first zero on U's diagonal, or 0."""
    zero = diagonal(factors) == 0
    if not zero.shape[-1]:
        return jnp.zeros(zero.shape[:-1], jnp.int32)
    return jnp.where(zero.any(-1), jnp.argmax(zero, -1) + 1, 0).astype(jnp.int32)


def order_of(pivots: Any, rows: int) -> Any:
    """Return the permutation of the rows that LAPACK's pivots (from 1) say."""
    if not pivots.size:
        return jnp.broadcast_to(jnp.arange(rows, dtype=jnp.int32), (*pivots.shape[:-1], rows))
    return jax.lax.linalg.lu_pivots_to_permutation(pivots.astype(jnp.int32) - 1, rows)


def lu_solution(factors: Any, order: Any, b: Any, adjoint_a: bool = False) -> Any:
    """Solve ``A x = b``, or the adjoint system, by the LU factors of A; batches broadcast."""
    factors, b = broadcast_batches(factors, b)
    order = jnp.broadcast_to(order, (*b.shape[:-2], order.shape[-1]))
    if not b.size:
        return b
    if adjoint_a:
        b = triangular(factors, b, False, adjoint_a=True)
        b = triangular(factors, b, True, unit=True, adjoint_a=True)
        return jnp.take_along_axis(b, jnp.argsort(order, -1)[..., None], -2)
    b = jnp.take_along_axis(b, order[..., None], -2)
    b = triangular(factors, b, True, unit=True)
    return triangular(factors, b, False)


def solution(a: Any, b: Any) -> Any:
    """Solve ``a x = b`` for gradient rules: batches broadcast, and it can be differentiated."""
    a, b = broadcast_batches(a, b)
    if not b.size:
        return b
    return jnp.linalg.solve(a, b)
