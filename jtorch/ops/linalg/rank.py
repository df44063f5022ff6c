"""What rests on the size of singular values: pseudo-inverse, rank, condition, least squares."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes
from ..._engine.declare import LINALG_FUNCTIONS, Autocast, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import is_tensor, make_meta
from ..._engine.recording.kinds.base import Custom, broadcast_shapes
from .._shared.calls import named
from ..pointwise.select import where_function
from . import _messages
from .common import (
    adjoint,
    check_info,
    check_kernel,
    check_square,
    chosen,
    column_major,
    needed,
    product,
    row_meta,
    triangular,
    with_gradient,
    write_in_layout,
)
from .norms import matrix_norm
from .solve import linalg_inv_ex
from .spectral import eigvalsh, singular_values

_EPS_TYPES = (dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128)


def _epsilon(dtype: Any) -> float:
    if dtype not in _EPS_TYPES:
        raise _messages.eps_type()
    return float(np.finfo(dtype._numpy).eps)


def _tolerances(input: Any, atol: Any, rtol: Any, name: str) -> tuple[Any, Any]:
    """Return the absolute and relative tolerance: numbers, or tensors where one is given."""
    for label, given in (("atol", atol), ("rtol", rtol)):
        if is_tensor(given) and given.is_complex():
            raise RuntimeError(
                f"{name}: {label} tensor of complex type is not supported. Got "
                f"{given.dtype._legacy_name}"
            )
    usual = 0.0
    if rtol is None:
        usual = _epsilon(input.dtype) * max(input.shape[-2:])
    if not is_tensor(atol) and not is_tensor(rtol):
        if rtol is None:
            rtol = 0.0 if atol is not None and atol > 0 else usual
        return float(atol or 0.0), float(rtol)
    if atol is None:
        atol = input.new_zeros((), dtype=dtypes.float64)
    elif not is_tensor(atol):
        atol = input.new_full((), atol, dtype=dtypes.float64)
    if rtol is None:
        rtol = where_function(atol > 0, 0.0, usual)
    elif not is_tensor(rtol):
        rtol = input.new_full((), rtol, dtype=dtypes.float64)
    return atol, rtol


def _pinv_gradient(slope: Any, pinv: Any, a: Any) -> Any:
    """Return the gradient of the pseudo-inverse (Golub and Pereyra, 1973)."""
    rows, columns = a.shape[-2:]
    pinv_h, slope_h = adjoint(pinv), adjoint(slope)
    if rows <= columns:
        inner = product(slope_h, pinv)
        outer = product(inner, pinv_h)
        return (
            -adjoint(product(pinv, inner))
            + outer
            - product(product(a, pinv), outer)
            + product(product(pinv_h, pinv), slope_h - product(inner, a))
        )
    inner = product(pinv, slope_h)
    outer = product(pinv_h, inner)
    return (
        -adjoint(product(inner, pinv))
        + product(slope_h - product(a, inner), product(pinv, pinv_h))
        + outer
        - product(product(outer, pinv), a)
    )


def _pinv_spec(operation, bound, mode) -> Spec:
    operand, atol, rtol = bound["input"], bound["atol"], bound["rtol"]
    meta = operand.meta
    hermitian = bound["hermitian"]
    *batch, rows, columns = meta.shape
    shape = tuple(batch)
    for tolerance in (atol, rtol):
        if tolerance.meta is not None:
            shape = tuple(np.broadcast_shapes(shape, tolerance.meta.shape))

    def vjp(cotangents, results, operands):
        a = operands[0]
        if not a.size:
            return [jnp.zeros_like(a)]
        return [_pinv_gradient(cotangents[0], results[0], a)]

    metas = (
        make_meta((*shape, columns, rows), meta.dtype, meta.device),
        row_meta(tuple(batch), meta, dtypes.int32),
    )
    return Spec(
        [operand, atol, rtol],
        metas,
        {"hermitian": hermitian, "columns": columns, "rows": rows, "shape": shape},
        vjp=vjp,
    )


@op(
    "_linalg_pinv(Tensor input, Tensor atol, Tensor rtol, bool hermitian)",
    "_linalg_pinv(Tensor input, Scalar atol, Scalar rtol, bool hermitian)",
    kind=Custom(_pinv_spec),
    method=False,
    function=False,
    saves=("input", "result"),
)
def _pinv(
    a: Any, atol: Any, rtol: Any, *, hermitian: Any, columns: Any, rows: Any, shape: Any
) -> Any:
    """Return the pseudo-inverse, and which matrices are not finite."""
    bad = (~jnp.isfinite(a).all((-2, -1))).astype(jnp.int32)
    if not a.size:
        return jnp.zeros((*shape, columns, rows), a.dtype), bad
    atol, rtol = jnp.asarray(atol)[..., None], jnp.asarray(rtol)[..., None]
    if hermitian:
        vectors, signed = jax.lax.linalg.eigh(a, symmetrize_input=False)
        values = jnp.abs(signed)
    else:
        u, values, vh = jax.lax.linalg.svd(a, full_matrices=False)
        signed = values
    top = jnp.max(values, -1, keepdims=True)
    large = values > jnp.maximum(atol, rtol * top)
    inverse = jnp.where(large, 1 / jnp.where(large, signed, 1), 0).astype(values.dtype)
    if hermitian:
        return product(vectors * inverse[..., None, :], adjoint(vectors)), bad
    return product(adjoint(vh), inverse[..., :, None] * adjoint(u)), bad


_TOLERANCES = (
    "(Tensor input, *, Tensor? atol=None, Tensor? rtol=None, bool hermitian=False, "
    "Tensor out=None)",
    "(Tensor input, *, double? atol=None, double? rtol=None, bool hermitian=False, "
    "Tensor out=None)",
)


@op(
    *["linalg_pinv" + parameters for parameters in _TOLERANCES],
    "linalg_pinv(Tensor input, Tensor rcond, bool hermitian=False, *, Tensor out=None)",
    "linalg_pinv(Tensor input, double rcond, bool hermitian=False, *, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
)
def linalg_pinv(input, atol=None, rtol=None, hermitian=False, rcond=None):
    """Moore-Penrose pseudo-inverse.

    Args:
        input: of shape (*, m, n).
        atol, rtol: singular values up to the larger one of ``atol`` and ``rtol`` times the largest
            count as 0. By default the dtype's epsilon times the larger size, relatively.
        rcond: the former name of ``rtol``.
        hermitian: whether the matrices are symmetric or Hermitian.
    Returns:
        Tensor of shape (*, n, m).
    """
    if rcond is not None:
        atol, rtol = 0.0, rcond
    if input.dim() < 2 or input.dtype not in _EPS_TYPES:
        raise _messages.pinv_input(input.dtype._legacy_name, input.shape)
    atol, rtol = _tolerances(input, atol, rtol, "torch.linalg.pinv")
    if hermitian:
        check_square(input._value.meta, "linalg.eigh")
    inverse, info = _pinv.call(input, atol, rtol, hermitian)
    if not hermitian:
        check_info(info, _messages.not_finite("linalg.svd"), "pinv")
    return inverse


@op("pinverse(Tensor input, double rcond=1e-15)", autocast=Autocast(cpu="float32"))
def pinverse(input, rcond=1e-15):
    """Moore-Penrose pseudo-inverse, see ``torch.linalg.pinv``."""
    return linalg_pinv(input, rcond)


@op(
    *["linalg_matrix_rank" + parameters for parameters in _TOLERANCES],
    "linalg_matrix_rank(Tensor input, Tensor tol, bool hermitian=False, *, Tensor out=None)",
    "linalg_matrix_rank(Tensor input, double tol, bool hermitian=False, *, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
)
def matrix_rank(input, atol=None, rtol=None, hermitian=False, tol=None):
    """Rank of matrices: the number of singular values above a tolerance.

    Args:
        input: of shape (*, m, n).
        atol, rtol: see ``pinv``.
        tol: the former name of ``atol``.
        hermitian: whether the matrices are symmetric or Hermitian.
    Returns:
        int64 tensor of shape (*).
    """
    if tol is not None:
        atol, rtol = tol, 0.0
    if input.dim() < 2:
        raise _messages.matrix_needed("torch.linalg.matrix_rank", "input")
    atol, rtol = _tolerances(input, atol, rtol, "torch.linalg.matrix_rank")
    if not input.numel():
        return input.new_zeros(input.shape[:-2], dtype=dtypes.int64)
    input = input.detach()
    values = eigvalsh(input).abs() if hermitian else singular_values(input)
    top = values.amax(-1)
    if is_tensor(atol):
        limit = atol.maximum(rtol * top).unsqueeze(-1)
    else:
        limit = (rtol * top).clamp(min=atol).unsqueeze(-1)
    return (values > limit).sum(-1)


def _norm_by_inverse(input, p):
    """Return the condition number as the product of the norms of a matrix and its inverse."""
    inverse, info = linalg_inv_ex(input)
    inverse.masked_fill_((info > 0).unsqueeze(-1).unsqueeze(-1), math.inf)
    result = matrix_norm(input, p) * matrix_norm(inverse, p)
    return result.nan_to_num_(math.inf, math.inf, -math.inf)


@op(
    "linalg_cond(Tensor input, Scalar? p=None, *, Tensor out=None)",
    "linalg_cond(Tensor input, std::string_view p, *, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
)
def linalg_cond(input, p=None):
    """Condition number ``|A| * |A^-1|`` of matrices with respect to a norm.

    Args:
        input: of shape (*, n, n); (*, m, n) for the norms of order 2 and -2.
        p: ``None`` (as 2), 1, -1, 2, -2, an infinity, ``"fro"`` or ``"nuc"``.
    Returns:
        Real tensor of shape (*).
    """
    if input.dim() < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    known = p in ("fro", "nuc") if isinstance(p, str) else p is None or abs(p) in (1, 2, math.inf)
    if not known:
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    spectral = not isinstance(p, str) and (p is None or abs(p) == 2)
    if not spectral:
        label = p if isinstance(p, str) else f"{p:g}"
        check_square(input._value.meta, f"linalg.cond(ord={label})")
    if not input.numel():
        return input.new_zeros(input.shape[:-2], dtype=input.dtype.to_real())
    if spectral:
        values = singular_values(input)
        top, bottom = values.narrow(-1, 0, 1), values.narrow(-1, -1, 1)
        ratio = bottom / top if p == -2 else top / bottom
        return ratio.squeeze(-1)
    if p == "nuc":
        values = singular_values(input)
        return values.sum(-1) * values.reciprocal().sum(-1)
    return _norm_by_inverse(input, p)


# Least squares


def _least_squares(a: Any, b: Any, driver: str, rcond: Any) -> tuple[Any, Any, Any]:
    """Return the solution, the rank and the singular values."""
    rows, columns = a.shape[-2:]
    batch = a.shape[:-2]
    if not a.size or not b.size:
        shape = (*batch, columns, b.shape[-1])
        real = jnp.real(a).dtype
        return (
            jnp.zeros(shape, a.dtype),
            jnp.zeros(batch, jnp.int64),
            jnp.zeros((*batch, min(rows, columns)), real),
        )
    if driver == "gels":
        if rows >= columns:
            q, r = jnp.linalg.qr(a)
            x = triangular(r, product(adjoint(q), b), False)
        else:
            q, r = jnp.linalg.qr(adjoint(a))
            x = product(q, triangular(r, b, False, adjoint_a=True))
        zero = (a == 0).all((-2, -1))[..., None, None]
        return jnp.where(zero, 0, x), jnp.zeros(batch, jnp.int64), jnp.zeros(batch)
    u, values, vh = jax.lax.linalg.svd(a, full_matrices=False)
    large = values > rcond * values[..., :1]
    inverse = jnp.where(large, 1 / jnp.where(large, values, 1), 0).astype(values.dtype)
    x = product(adjoint(vh), inverse[..., :, None] * product(adjoint(u), b))
    return x, jnp.sum(large, -1), values


def _pseudo_inverse(a: Any) -> Any:
    """Return the pseudo-inverse for gradient rules; it can be differentiated."""
    return with_gradient(
        lambda matrices: jnp.linalg.pinv(matrices),
        lambda slope, inverse, operands: [_pinv_gradient(slope, inverse, *operands)],
    )(a)


def _lstsq_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["b"], bound["rcond"]]
    a, b = operands[0].meta, operands[1].meta
    driver, vector = bound["driver"], bound["vector"]
    with_residuals = bound["residuals"]
    *batch, rows, columns = a.shape
    count = 1 if vector else b.shape[-1]
    tall = (*batch, max(rows, columns, 1), count)
    strides = column_major(tall)
    shape = (*batch, columns, count)
    if vector:
        shape, strides = shape[:-1], strides[:-1]
    wanted = needed(operands[:2], mode)
    residual_shape = (*batch, count) if with_residuals else (0,)

    def vjp(cotangents, results, operands):
        a, b = operands[:2]
        slope, x = cotangents[0], results[0]
        if not a.size or not x.size:
            return chosen([jnp.zeros_like(a), jnp.zeros_like(b)], wanted)
        right = b
        if vector:
            slope, x, right = slope[..., None], x[..., None], b[..., None]
        pinv = _pseudo_inverse(a)
        to_a = _pinv_gradient(product(slope, adjoint(right)), pinv, a)
        to_b = product(adjoint(pinv), slope)
        if with_residuals:
            missed = 2 * (product(a, x) - right) * cotangents[1][..., None, :]
            missed = missed.astype(a.dtype)
            to_a = to_a + product(missed, adjoint(x))
            to_b = to_b - missed
        return chosen([to_a, to_b[..., 0] if vector else to_b], wanted)

    metas = (
        make_meta(shape, a.dtype, a.device, strides),
        row_meta(residual_shape, a, a.dtype.to_real()),
    )
    return Spec(
        operands,
        metas,
        {"with_residuals": with_residuals, "vector": vector, "driver": driver},
        vjp=vjp,
    )


@op(
    "_linalg_lstsq(Tensor input, Tensor b, Scalar rcond, std::string driver, bool vector, "
    "bool residuals)",
    kind=Custom(_lstsq_spec),
    method=False,
    function=False,
    saves=("input", "b", "result"),
)
def _lstsq(a: Any, b: Any, rcond: Any, *, with_residuals: Any, vector: Any, driver: Any) -> Any:
    """Return the solution of least squares and the residuals."""
    right = b[..., None] if vector else b
    x, _, _ = _least_squares(a, right, driver, rcond)
    if with_residuals:
        missed = jnp.abs(product(a, x) - right)
        residuals = jnp.sum(missed * missed, -2)
    else:
        residuals = jnp.zeros((0,), jnp.real(a).dtype)
    return (x[..., 0] if vector else x), residuals


def _rank_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["rcond"]]
    meta = operands[0].meta
    *batch, rows, columns = meta.shape

    metas = (
        row_meta(tuple(batch), meta, dtypes.int64),
        row_meta((*batch, min(rows, columns)), meta, meta.dtype.to_real()),
    )
    return Spec(operands, metas)


@op(
    "_linalg_lstsq_rank(Tensor input, Scalar rcond)",
    kind=Custom(_rank_spec),
    method=False,
    function=False,
    differentiable=False,
)
def _lstsq_rank(a: Any, rcond: Any) -> Any:
    """Return the rank that least squares finds, and the singular values."""
    right = jnp.zeros((*a.shape[:-1], 1), a.dtype)
    _, rank, values = _least_squares(a, right, "gelsd", rcond)
    return rank.astype(jnp.int64), values


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def _check_lstsq(a: Any, b: Any) -> bool:
    """Check the operands and tell whether the right side is a batch of vectors."""
    name = "torch.linalg.lstsq"
    if a.dim() < 2:
        raise _messages.must(name, "input must have at least 2 dimensions.")
    if b.dim() < 1:
        raise _messages.must(name, "other must have at least 1 dimension.")
    if a.dtype is not b.dtype:
        raise _messages.must(
            name,
            "Expected input and other to have the same dtype, but got input's dtype "
            f"{a.dtype._legacy_name} and other's dtype {b.dtype._legacy_name}",
        )
    difference = a.dim() - b.dim()
    if not 0 <= difference <= 1:
        raise _messages.must(
            name,
            "input.dim() must be greater or equal to other.dim() and "
            "(input.dim() - other.dim()) <= 1",
        )
    vector = b.dim() == 1 or (difference == 1 and b.shape == a.shape[:-1])
    if vector and a.shape[-2] != b.shape[-1]:
        raise _messages.must(name, "input.size(-2) should match other.size(-1)")
    if not vector and a.shape[-2] != b.shape[-2]:
        raise _messages.must(name, "input.size(-2) should match other.size(-2)")
    return vector


@op(
    "linalg_lstsq(Tensor input, Tensor b, double? rcond=None, *, std::string_view? driver=None, "
    "TensorList[4] out=None)",
    method=False,
    write=write_in_layout,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="float32"),
    returns="solution residuals rank singular_values",
)
def linalg_lstsq(input, b, rcond=None, driver=None):
    """Least-squares solution X, which minimises ``|A X - B|``.

    Args:
        input: A, of shape (*, m, n).
        b: right sides, of shape (*, m, k) or (*, m).
        rcond: singular values up to this times the largest count as 0.
        driver: LAPACK's ``"gels"`` (full rank), ``"gelsy"`` (default), ``"gelsd"`` or ``"gelss"``.
    Returns:
        Named tuple of the solution, the squared residuals (where m > n and the rank is full, not
        from gelsy), the rank and the singular values; empty tensors for what is not computed.
    """
    vector = _check_lstsq(input, b)
    given = input
    own, its = input.shape[:-2], b.shape[: -1 if vector else -2]
    if own != its:
        batch = broadcast_shapes([tuple(own), tuple(its)])
        input = input.expand(*batch, *input.shape[-2:])
        b = b.expand(*batch, *b.shape[len(its) :])
    driver = "gelsy" if driver is None else driver
    if driver not in _DRIVERS:
        raise _messages.must(
            "torch.linalg.lstsq", f"parameter `driver` should be one of ({', '.join(_DRIVERS)})"
        )
    if rcond is None:
        rcond = _epsilon(input.dtype) * max(input.shape[-2:])
    check_kernel(input._value.meta, "linalg_lstsq_cpu")
    rcond = float(rcond)
    rows, columns = input.shape[-2:]
    rank = input.new_empty(0, dtype=dtypes.int64)
    values = input.new_empty(0, dtype=input.dtype.to_real())
    if driver != "gels":
        rank, spectrum = _lstsq_rank.call(given, rcond)
        values = spectrum if driver in ("gelsd", "gelss") else values
    residuals = rows > columns and driver != "gelsy"
    if residuals and driver != "gels":
        residuals = bool((rank == columns).all())
    solution, missed = _lstsq.call(input, b, rcond, driver, vector, residuals)
    return named("linalg_lstsq", solution, missed, rank, values)
