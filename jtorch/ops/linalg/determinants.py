"""Determinants, and their signs and logarithms."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..._engine.declare import LINALG_FUNCTIONS, op
from ..._engine.graph.op import Spec
from ..._engine.recording.kinds.base import Custom
from .._shared.calls import named
from ..pointwise.select import where_function
from .common import (
    adjoint,
    check_inexact,
    check_kernel,
    check_square,
    diagonal,
    lu_of,
    product,
    row_meta,
    solution,
    write_exactly,
)


def _sign_of(order_pivots: Any) -> Any:
    """Return whether an odd number of rows was exchanged."""
    steps = jnp.arange(1, order_pivots.shape[-1] + 1, dtype=order_pivots.dtype)
    return jnp.sum(order_pivots != steps, -1) % 2 == 1


def _factors_transpose(meta: Any) -> bool:
    """Tell whether PyTorch factorises the transpose (to spare a copy), which rounds otherwise."""
    return meta.contiguous and not meta.dtype.is_complex


def _det_gradient(a: Any, det: Any, cotangent: Any) -> Any:
    """Return the gradient of the determinant, of singular matrices too.

    It is the adjugate's conjugate transpose, ``conj(det) A^-H``; where a matrix of the batch is
    singular, from the singular value decomposition.
    """
    factor = cotangent * jnp.conj(det)
    identity = jnp.eye(a.shape[-1], dtype=a.dtype)

    def regular(_):
        return solution(adjoint(a), factor[..., None, None] * identity)

    def singular(_):
        u, values, vh = jnp.linalg.svd(a, full_matrices=False)
        turn = jnp.conj(jnp.linalg.det(u) * jnp.linalg.det(vh)) * cotangent
        size = values.shape[-1]
        others = jnp.where(jnp.eye(size, dtype=bool), 1, values[..., None, :])
        rest = jnp.prod(others, -1)
        return product(u * (turn[..., None] * rest)[..., None, :], vh)

    return jax.lax.cond((det == 0).any(), singular, regular, None)


def _det_spec(operation, bound, mode) -> Spec:
    operand = bound["A"]
    meta = operand.meta
    check_square(meta, "linalg.det")
    check_inexact(meta, "linalg.det")
    check_kernel(meta, "lu_cpu")

    turned = _factors_transpose(meta)

    def vjp(cotangents, results, operands):
        if not operands[0].size:
            return [jnp.zeros_like(operands[0])]
        return [_det_gradient(operands[0], results[0], cotangents[0])]

    return Spec([operand], (row_meta(meta.shape[:-2], meta),), {"turned": turned}, vjp=vjp)


@op(
    "_linalg_det(Tensor A)",
    kind=Custom(_det_spec),
    method=False,
    function=False,
    saves=("A", "result"),
)
def _det(a: Any, *, turned: Any) -> Any:
    """Return the determinant."""
    factors, pivots, _ = lu_of(jnp.swapaxes(a, -1, -2) if turned else a)
    determinant = jnp.prod(diagonal(factors), -1)
    return jnp.where(_sign_of(pivots), -determinant, determinant)


def _determinant(A):
    """Determinant of square matrices.

    Args:
        A: of shape (*, n, n).
    Returns:
        Tensor of shape (*).
    """
    return _det.call(A)


op(
    "linalg_det(Tensor A, *, Tensor out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
)(_determinant)


@op("det(Tensor input)")
def det(input):
    """Determinant of square matrices, see ``torch.linalg.det``."""
    return _det.call(input)


def _slogdet_spec(operation, bound, mode) -> Spec:
    operand = bound["A"]
    meta = operand.meta
    check_square(meta, bound["caller"])
    check_inexact(meta, bound["caller"], low=False)

    turned = _factors_transpose(meta)

    def vjp(cotangents, results, operands):
        (a,) = operands
        slope = cotangents[1].astype(a.dtype)
        if a.dtype.kind == "c":
            turn = jnp.imag(jnp.conj(cotangents[0]) * results[0])
            slope = slope + jax.lax.complex(jnp.zeros_like(turn), -turn)
        identity = jnp.eye(a.shape[-1], dtype=a.dtype)
        return [solution(adjoint(a), slope[..., None, None] * identity)]

    shape = meta.shape[:-2]
    metas = (row_meta(shape, meta), row_meta(shape, meta, meta.dtype.to_real()))
    return Spec([operand], metas, {"turned": turned}, vjp=vjp)


@op(
    "_linalg_slogdet(Tensor A, std::string caller)",
    kind=Custom(_slogdet_spec),
    method=False,
    function=False,
    saves=("A", "result"),
)
def _slogdet(a: Any, *, turned: Any) -> Any:
    """Return sign and logarithm of the determinant."""
    factors, pivots, _ = lu_of(jnp.swapaxes(a, -1, -2) if turned else a)
    values = diagonal(factors)
    size = jnp.abs(values)
    unit = jnp.where(size == 0, 0, values / jnp.where(size == 0, 1, size))
    sign = jnp.prod(unit, -1)
    return jnp.where(_sign_of(pivots), -sign, sign), jnp.sum(jnp.log(size), -1)


@op(
    "linalg_slogdet(Tensor A, *, TensorList[2] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    returns="sign logabsdet",
)
def linalg_slogdet(A):
    """Sign and logarithm of the determinant: ``det(A) = sign * exp(logabsdet)``.

    Args:
        A: of shape (*, n, n).
    Returns:
        Named tuple of two tensors of shape (*); the second one is real.
    """
    return named("linalg_slogdet", *_slogdet.call(A, "linalg.slogdet"))


@op("slogdet(Tensor input, *, TensorList[2] out=None)", returns="sign logabsdet")
def slogdet(input):
    """Sign and logarithm of the determinant, see ``torch.linalg.slogdet``."""
    return named("slogdet", *_slogdet.call(input, "linalg.slogdet"))


@op("logdet(Tensor input)")
def logdet(input):
    """Logarithm of the determinant; NaN where that is negative.

    Args:
        input: of shape (*, n, n).
    Returns:
        Tensor of shape (*).
    """
    sign, logarithm = _slogdet.call(input, "logdet")
    if input.is_complex():
        return sign.log() + logarithm
    return where_function(sign == -1.0, float("nan"), logarithm)
