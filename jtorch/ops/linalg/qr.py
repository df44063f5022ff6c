"""The QR factorisation and products of Householder reflectors."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..._engine.declare import LINALG_FUNCTIONS, Autocast, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom
from .._shared.calls import named
from .._shared.gradient_rules import refusing
from . import _messages
from .common import (
    adjoint,
    check_inexact,
    check_kernel,
    check_matrix,
    chosen,
    column_meta,
    needed,
    product,
    row_meta,
    triangular,
    write_exactly,
    write_in_columns,
    write_in_layout,
)


def _geqrf(a: Any) -> tuple[Any, Any]:
    """Return LAPACK's packed factorisation: R above, the reflectors below, and their factors."""
    if not a.size:
        return a, jnp.zeros((*a.shape[:-2], min(a.shape[-2:])), a.dtype)
    packed, factors = jnp.linalg.qr(a, mode="raw")
    return jnp.swapaxes(packed, -1, -2), factors


def _reflected(vectors: Any, factors: Any, other: Any, left: bool, transpose: bool) -> Any:
    """Multiply by the product of reflectors, one by one, so that it can be differentiated.

    Args:
        vectors: of shape (*, m, n), reflectors below the diagonal of their columns.
        factors: of shape (*, k).
        other: what is multiplied.
        left: whether the product stands on the left.
        transpose: whether its adjoint is meant.
    """
    rows = vectors.shape[-2]
    count = factors.shape[-1]
    # (H1 H2 ... Hk) other: the last one first; the adjoint and the right side turn that around.
    order = range(count) if left == transpose else range(count - 1, -1, -1)
    positions = jnp.arange(rows)
    for i in order:
        below = jnp.where(positions > i, vectors[..., :, i], 0)
        vector = below + (positions == i).astype(vectors.dtype)
        scale = factors[..., i, None, None]
        scale = jnp.conj(scale) if transpose else scale
        column = vector[..., :, None]
        if left:
            other = other - scale * product(column, product(adjoint(column), other))
        else:
            other = other - scale * product(product(other, column), adjoint(column))
    return other


def _pull_back(function: Any, cotangent: Any, *operands: Any) -> list[Any]:
    """Return PyTorch's gradients of a function that JAX differentiates."""
    _, back = jax.vjp(function, *operands)
    conjugate = cotangent.dtype.kind == "c"
    gradients = back(jnp.conj(cotangent) if conjugate else cotangent)
    return [jnp.conj(g) if conjugate else g for g in gradients]


def _qr_gradient(q: Any, r: Any, d_q: Any, d_r: Any) -> Any:
    """Return the gradient of the reduced factorisation of a matrix that is not wide."""
    inner = product(d_r, adjoint(r)) - product(adjoint(q), d_q)
    above = jnp.triu(inner)
    both = above + adjoint(jnp.triu(inner, 1))
    # The diagonal of R is real: only the real part of a slope along it counts.
    size = both.shape[-1]
    diagonal = jnp.eye(size, dtype=bool)
    both = jnp.where(diagonal, jnp.real(both).astype(both.dtype), both)
    return triangular(r, product(q, both) + d_q, False, left=False, adjoint_a=True)


def _qr_spec(operation, bound, mode) -> Spec:
    operand = bound["A"]
    meta = operand.meta
    form = bound["mode"]
    check_matrix(meta, "linalg.qr")
    check_inexact(meta, "linalg.qr")
    if form not in ("reduced", "complete", "r"):
        raise _messages.qr_mode(form)
    check_kernel(meta, "geqrf_cpu")
    *batch, rows, columns = meta.shape
    least = min(rows, columns)
    inner = rows if form == "complete" else least

    def vjp(cotangents, results, operands):
        (q, r), (d_q, d_r) = results, cotangents
        if not q.size or not r.size:
            return [jnp.zeros(meta.shape, meta.dtype._numpy)]
        if rows >= columns:
            return [_qr_gradient(q, r, d_q, d_r)]
        # Of a wide matrix [A1 A2]: A1 = Q R1, and R2 = Q^H A2.
        first, second = r[..., :rows], r[..., rows:]
        d_first, d_second = d_r[..., :rows], d_r[..., rows:]
        d_q = d_q + product(q, second, adjoint(d_second))
        return [jnp.concatenate([_qr_gradient(q, first, d_q, d_first), product(q, d_second)], -1)]

    if form == "r":
        q_meta = make_meta((0,), meta.dtype, meta.device)
    else:
        q_meta = column_meta((*batch, rows, inner), meta)
    rule: Any = vjp
    if form == "r":
        rule = refusing(_messages.qr_without_q)
    elif form == "complete" and rows > columns:
        rule = refusing(_messages.qr_complete)
    metas = (q_meta, column_meta((*batch, inner, columns), meta))
    return Spec([operand], metas, {"form": form}, vjp=rule)


@op(
    "_linalg_qr(Tensor A, std::string mode)",
    kind=Custom(_qr_spec),
    method=False,
    function=False,
    saves=("result",),
    node_name="LinalgQrBackward0",
)
def _qr(a: Any, *, form: str) -> Any:
    """Return Q and R."""
    *batch, rows, columns = a.shape
    least = min(rows, columns)
    inner = rows if form == "complete" else least
    packed, factors = _geqrf(a)
    r = jnp.triu(packed[..., :inner, :])
    if form == "r":
        return jnp.zeros((0,), a.dtype), r
    if not least or not a.size:
        return jnp.broadcast_to(jnp.eye(rows, inner, dtype=a.dtype), (*batch, rows, inner)), r
    packed = packed[..., :, :inner]
    if inner > packed.shape[-1]:
        packed = jnp.pad(packed, [(0, 0)] * (len(batch) + 1) + [(0, inner - columns)])
    return jax.lax.linalg.householder_product(packed, factors), r


@op(
    "linalg_qr(Tensor A, std::string_view mode='reduced', *, TensorList[2] out=None)",
    method=False,
    write=write_exactly,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
    returns="Q R",
)
def linalg_qr(A, mode="reduced"):
    """QR factorisation ``A = Q @ R``, Q with orthonormal columns and R upper triangular.

    Args:
        A: of shape (*, m, n).
        mode: ``"reduced"``, ``"complete"`` (Q is square) or ``"r"`` (without Q).
    Returns:
        Named tuple of Q and R.
    """
    return named("linalg_qr", *_qr.call(A, mode))


@op(
    "qr(Tensor input, bool some=True, *, TensorList[2] out=None)",
    write=write_in_layout,
    autocast=Autocast(cpu="float32"),
    returns="Q R",
)
def qr(input, some=True):
    """QR factorisation, see ``torch.linalg.qr`` (the older function).

    Args:
        input: of shape (*, m, n).
        some: whether to reduce; complete otherwise.
    """
    _messages.warn_deprecated("qr")
    return named("qr", *_qr.call(input, "reduced" if some else "complete"))


def _geqrf_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    if meta.ndim < 2:
        raise _messages.must("torch.geqrf", "input must have at least 2 dimensions.")
    check_kernel(meta, "geqrf_cpu")

    least = min(meta.shape[-2:])
    metas = (column_meta(meta.shape, meta), row_meta((*meta.shape[:-2], least), meta))
    rule = refusing(lambda: _messages.no_derivative("geqrf"))
    return Spec([operand], metas, vjp=rule)


@op(
    "_geqrf(Tensor input)",
    kind=Custom(_geqrf_spec),
    method=False,
    function=False,
    saves=(),
)
def _geqrf_op(a: Any) -> Any:
    """Return LAPACK's packed QR factorisation."""
    return _geqrf(a)


@op(
    "geqrf(Tensor input, *, TensorList[2] out=None)",
    write=write_in_columns,
    autocast=Autocast(cpu="float32"),
    returns="a tau",
)
def geqrf(input):
    """QR factorisation in LAPACK's packed form.

    Args:
        input: of shape (*, m, n).
    Returns:
        Named tuple: R above the reflectors' vectors, and the reflectors' factors.
    """
    return named("geqrf", *_geqrf_op.call(input))


def _householder_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["tau"]]
    a, tau = [operand.meta for operand in operands]
    name = "torch.linalg.householder_product"
    if a.ndim < 2:
        raise _messages.must(name, "input must have at least 2 dimensions.")
    if a.shape[-2] < a.shape[-1]:
        raise _messages.must(
            name, "input.shape[-2] must be greater than or equal to input.shape[-1]"
        )
    if not tau.ndim or a.shape[-1] < tau.shape[-1]:
        raise _messages.must(name, "input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if a.ndim - tau.ndim != 1:
        raise _messages.must(
            name,
            "Expected tau to have one dimension less than input, but got tau.ndim equal to "
            f"{tau.ndim} and input.ndim is equal to {a.ndim}",
        )
    if a.shape[:-2] != tau.shape[:-1]:
        raise _messages.must(
            name,
            "Expected batch dimensions of tau to be equal to input.shape[:-2], but got "
            f"{_messages.shape_text(tau.shape[:-1])}",
        )
    if a.dtype is not tau.dtype:
        raise _messages.must(
            name,
            f"tau dtype {tau.dtype._legacy_name} does not match input dtype {a.dtype._legacy_name}",
        )
    if a.numel:
        check_kernel(a, "orgqr_cpu")
    rows, columns = a.shape[-2:]
    wanted = needed(operands, mode)

    def explicit(vectors, factors):
        start = jnp.broadcast_to(jnp.eye(rows, columns, dtype=vectors.dtype), vectors.shape)
        return _reflected(vectors, factors, start, True, False)

    def vjp(cotangents, results, operands):
        return chosen(_pull_back(explicit, cotangents[0], *operands), wanted)

    return Spec(
        operands, (column_meta(a.shape, a),), vjp=vjp, undefined=not (a.numel and tau.numel)
    )


@op(
    "linalg_householder_product(Tensor input, Tensor tau, *, Tensor out=None)",
    kind=Custom(_householder_spec),
    method=False,
    registry=LINALG_FUNCTIONS,
    saves=("input", "tau"),
    autocast=Autocast(cpu="float32"),
)
def householder_product(vectors: Any, factors: Any) -> Any:
    """Householder product: first columns of a product of reflectors ``I - tau_i v_i v_i^H``.

    Args:
        input: the reflectors' vectors below the diagonal, of shape (*, m, n).
        tau: their factors, of shape (*, k).
    Returns:
        Tensor of shape (*, m, n).
    """
    if not vectors.size or not factors.size:
        rows, columns = vectors.shape[-2:]
        return jnp.broadcast_to(jnp.eye(rows, columns, dtype=vectors.dtype), vectors.shape)
    return jax.lax.linalg.householder_product(vectors, factors)


@op(
    "orgqr(Tensor input, Tensor input2, *, Tensor out=None)",
    write=write_in_layout,
    autocast=Autocast(cpu="float32"),
)
def orgqr(input, input2):
    """Householder product, see ``torch.linalg.householder_product``."""
    return householder_product.call(input, input2)


def _ormqr_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["input2"], bound["input3"]]
    a, tau, other = [operand.meta for operand in operands]
    left, transpose = bound.get("left", True), bound.get("transpose", False)
    name = "torch.ormqr"
    if a.ndim < 2:
        raise _messages.must(name, "input must have at least 2 dimensions.")
    if other.ndim < 2:
        raise _messages.must(name, "other must have at least 2 dimensions.")
    side = -2 if left else -1
    if other.shape[side] < tau.shape[-1]:
        raise _messages.must(
            name, f"other.shape[{side}] must be greater than or equal to tau.shape[-1]"
        )
    if other.shape[side] != a.shape[-2]:
        raise _messages.must(name, f"other.shape[{side}] must be equal to input.shape[-2]")
    if tau.shape[-1] != min(other.shape[side], a.shape[-1]):
        raise _messages.must(
            name, f"tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])"
        )
    if a.ndim - tau.ndim != 1:
        raise _messages.must(
            name,
            "Expected tau to have one dimension less than input, but got tau.ndim equal to "
            f"{tau.ndim} and input.ndim is equal to {a.ndim}",
        )
    if a.ndim != other.ndim:
        raise _messages.must(
            name,
            "Expected other to have the same number of dimensions as input, but got other.ndim "
            f"equal to {other.ndim} and input.ndim is equal to {a.ndim}",
        )
    for label, shape in (("tau", tau.shape[:-1]), ("other", other.shape[:-2])):
        if shape != a.shape[:-2]:
            raise _messages.must(
                name,
                f"Expected batch dimensions of {label} to be equal to input.shape[:-2], but got "
                f"{_messages.shape_text(shape)}",
            )
    for label, meta in (("tau", tau), ("other", other)):
        if meta.dtype is not a.dtype:
            raise _messages.must(
                name,
                f"Expected input and {label} to have the same dtype, but input has dtype "
                f"{a.dtype._legacy_name} and {label} has dtype {meta.dtype._legacy_name}",
            )
    if other.numel:
        check_kernel(a, "ormqr_cpu")
    wanted = needed(operands, mode)

    def explicit(vectors, factors, target):
        return _reflected(vectors, factors, target, left, transpose)

    def vjp(cotangents, results, operands):
        return chosen(_pull_back(explicit, cotangents[0], *operands), wanted)

    return Spec(
        operands,
        (column_meta(other.shape, other),),
        {"left": left, "transpose": transpose},
        vjp=vjp,
        undefined=not (other.grad or (a.numel and tau.numel)),
    )


@op(
    "ormqr(Tensor input, Tensor input2, Tensor input3, bool left=True, bool transpose=False)",
    kind=Custom(_ormqr_spec),
    method=False,
    function=False,
    saves=("input", "input2", "input3"),
    autocast=Autocast(cpu="float32"),
)
def _ormqr(vectors: Any, factors: Any, target: Any, *, left: bool, transpose: bool) -> Any:
    """Multiply a matrix by a product of Householder reflectors."""
    if not vectors.size or not factors.size or not target.size:
        return target
    vectors = vectors[..., : factors.shape[-1]]
    return jax.lax.linalg.ormqr(vectors, factors, target, left=left, transpose=transpose)


@op(
    "ormqr(Tensor input, Tensor input2, Tensor input3, bool left=True, bool transpose=False, *, "
    "Tensor out=None)",
    write=write_in_columns,
    autocast=Autocast(cpu="float32"),
)
def ormqr(input, input2, input3, left=True, transpose=False):
    """Product ``Q @ input3`` of a matrix with Householder reflectors.

    Args:
        input: the reflectors' vectors below the diagonal, of shape (*, m, n).
        input2: their factors, of shape (*, k).
        input3: the other matrix.
        left: whether the reflectors stand on the left.
        transpose: whether their product's adjoint is meant.
    Returns:
        Tensor of the shape of ``input3``.
    """
    if input3.requires_grad and not (input.numel() and input2.numel()):
        # The reflectors are not there: PyTorch gives them no gradient at all.
        input, input2 = input.detach(), input2.detach()
    return _ormqr.call(input, input2, input3, left, transpose)
