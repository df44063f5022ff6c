"""Norms of matrices, and of vectors under the names that came before ``torch.linalg``."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from ..._core import messages
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._core.promotion import result_type
from ..._engine.declare import LINALG_FUNCTIONS, Autocast, Out, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, cast, normalise_dim
from .._shared import out_dtypes
from .._shared.widening import widen
from ..reduce.vector_norms import _norm_gradient, linalg_vector_norm, vector_norm_of
from . import _messages
from .common import check_inexact, check_matrix
from .pairwise import _norm
from .spectral import singular_values

vector_norm = linalg_vector_norm.call
publish("linalg_vector_norm", vector_norm, registry=LINALG_FUNCTIONS)


def _check_dtype(wanted: Any, own: Any, name: str) -> None:
    """Refuse a dtype that cannot hold what the tensor holds."""
    if wanted is None:
        return
    if not is_inexact(wanted):
        raise RuntimeError(
            f"{name}: dtype should be floating point or complex, but got {wanted._legacy_name}"
        )
    if wanted.is_complex != own.is_complex:
        kind = "complex" if own.is_complex else "real"
        raise RuntimeError(
            f"{name}: dtype should be {kind} for {kind} inputs, but got {wanted._legacy_name}"
        )
    if result_type([(own, "dim"), (wanted, "dim")], own) is not wanted:
        raise RuntimeError(
            f"{name}: the dtype of the input ({own._legacy_name}) should be convertible without "
            f"narrowing to the specified dtype ({wanted._legacy_name})"
        )


def _check_dims(dim: list[int], ndim: int) -> list[int]:
    if len(dim) != 2:
        listed = " ".join(map(str, dim))
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {listed}")
    dims = [normalise_dim(d, ndim) for d in dim]
    if dims[0] == dims[1]:
        raise RuntimeError(
            f"linalg.matrix_norm: dims must be different. Got ({dims[0]}, {dims[1]})"
        )
    return dims


def _extreme(values: Any, dim: int, keepdim: bool, largest: bool) -> Any:
    """Return the largest or smallest element along a dimension; of none the largest is 0."""
    if largest and not values.shape[dim]:
        shape = list(values.shape)
        if keepdim:
            shape[dim] = 1
        else:
            del shape[dim]
        return values.new_zeros(shape)
    return values.amax(dim, keepdim) if largest else values.amin(dim, keepdim)


def _moved_back(result: Any, order: list[int]) -> Any:
    """Put the two reduced dimensions, now at the end, back to where they were."""
    inverse = sorted(range(len(order)), key=order.__getitem__)
    return result.unsqueeze(-1).permute(inverse)


@op(
    "linalg_matrix_norm(Tensor input, Scalar ord, IntArrayRef dim={-2,-1}, bool keepdim=False, "
    "*, ScalarType? dtype=None, Tensor out=None)",
    'linalg_matrix_norm(Tensor input, std::string_view ord="fro", IntArrayRef dim={-2,-1}, '
    "bool keepdim=False, *, ScalarType? dtype=None, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cuda="float32"),
)
def matrix_norm(input, ord="fro", dim=(-2, -1), keepdim=False, dtype=None):
    """Matrix norm: Frobenius, nuclear, or of order 1, 2 or infinity.

    Args:
        input: of at least two dimensions.
        ord: ``"fro"``, ``"nuc"`` (the sum of the singular values), 2 or -2 (the largest or the
            smallest one), 1 or -1 (sums of columns), or an infinity (sums of rows).
        dim: the two dimensions of the matrices.
        keepdim: whether they stay, with size 1.
        dtype: what to compute in.
    Returns:
        Real tensor.
    """
    meta = input._value.meta
    name = "linalg.matrix_norm"
    check_matrix(meta, name)
    dims = _check_dims([dim] if isinstance(dim, int) else list(dim), meta.ndim)
    text = ord if isinstance(ord, str) else f"{ord:g}"
    known = ord in ("fro", "nuc") if isinstance(ord, str) else abs(ord) in (1, 2, math.inf)
    if not known:
        raise RuntimeError(f"{name}: Order {text} not supported.")
    spectral = ord == "nuc" or (not isinstance(ord, str) and abs(ord) == 2)
    check_inexact(meta, name, low=not spectral)
    _check_dtype(dtype, meta.dtype, name)
    if ord == "fro":
        return vector_norm(input, 2, dims, keepdim, dtype=dtype)
    if spectral:
        order = [d for d in range(meta.ndim) if d not in dims] + dims
        moved = input if dtype is None else input.to(dtype)
        values = singular_values(moved.permute(order))
        if ord == "nuc":
            result = values.sum(-1, keepdim)
        else:
            result = _extreme(values, -1, keepdim, ord > 0)
        return _moved_back(result, order) if keepdim else result
    first, second = dims if abs(ord) == 1 else dims[::-1]
    sums = vector_norm(input, 1, [first], keepdim, dtype=dtype)
    if not keepdim and first < second:
        second -= 1
    return _extreme(sums, second, keepdim, ord > 0)


publish("_linalg_matrix_norm", matrix_norm)


@op(
    "linalg_norm(Tensor input, Scalar? ord=None, IntArrayRef[1]? dim=None, bool keepdim=False, "
    "*, ScalarType? dtype=None, Tensor out=None)",
    "linalg_norm(Tensor input, std::string_view ord, IntArrayRef[1]? dim=None, "
    "bool keepdim=False, *, ScalarType? dtype=None, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
)
def linalg_norm(input, ord=None, dim=None, keepdim=False, dtype=None):
    """Vector norm or matrix norm.

    Args:
        input: tensor.
        ord: order, see ``vector_norm`` and ``matrix_norm``; 2 over all dimensions if absent.
        dim: one dimension for vectors, two for matrices.
        keepdim: whether they stay, with size 1.
        dtype: what to compute in.
    Returns:
        Real tensor.
    """
    dims = [dim] if isinstance(dim, int) else None if dim is None else list(dim)
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is specified, it must be of length 1 or 2. Got "
            f"{_messages.shape_text(dims)}"
        )
    if dims is None and ord is not None and input.dim() not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
            f"{input.dim()}D."
        )
    if isinstance(ord, str) or (
        ord is not None and (len(dims) == 2 if dims is not None else input.dim() == 2)
    ):
        return matrix_norm(input, ord, [0, 1] if dims is None else dims, keepdim, dtype=dtype)
    return vector_norm(input, 2 if ord is None else ord, dims, keepdim, dtype=dtype)


@op(
    "frobenius_norm(Tensor input, IntArrayRef[1] dim, bool keepdim=False, *, Tensor out=None)",
    method=False,
    autocast=Autocast(cuda="float32"),
)
def frobenius_norm(input, dim, keepdim=False):
    """Frobenius norm: the root of the sum of squares over at most two dimensions."""
    dims = [dim] if isinstance(dim, int) else list(dim)
    if len(dims) > 2:
        raise RuntimeError(
            f"Expected at most 2 dimensions, but got {len(dims)} dimensions instead."
        )
    return _norm.call(input, 2.0, dims, keepdim)


@op(
    "nuclear_norm(Tensor input, IntArrayRef[2] dim, bool keepdim=False, *, Tensor out=None)",
    "nuclear_norm(Tensor input, bool keepdim=False, *, Tensor out=None)",
    method=False,
    autocast=Autocast(cuda="float32"),
)
def nuclear_norm(input, dim=(-2, -1), keepdim=False):
    """Nuclear norm: the sum of the singular values of matrices."""
    return matrix_norm(input, "nuc", dim, keepdim)


def _renorm_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    order, limit = bound["p"], bound["maxnorm"]
    if meta.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {meta.ndim} dimensions")
    if isinstance(order, complex):
        raise RuntimeError("renorm: p must be real-valued")
    if not order > 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if isinstance(limit, complex):
        raise RuntimeError("renorm: maxnorm must be real-valued")
    if limit < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {limit:g}")
    dim = normalise_dim(bound["dim"], meta.ndim)
    if not is_inexact(meta.dtype):
        raise messages.norm_of_integers(meta.dtype._legacy_name)
    axes = tuple([d for d in range(meta.ndim) if d != dim])
    order, limit = float(order), float(limit)

    def vjp(cotangents, results, operands):
        array, slope = widen(operands[0]), widen(cotangents[0])
        norm = vector_norm_of(array, order, axes, True)
        along = jnp.sum(jnp.real(jnp.conj(array) * slope), axes, keepdims=True)
        inner = _norm_gradient(array, along, norm, order, axes)
        inverse = 1 / (norm + 1e-7)
        shrunk = limit * inverse * (slope - inverse * inner)
        return [cast(jnp.where(norm > limit, shrunk, slope), meta.dtype)]

    return Spec(
        [operand],
        (make_meta(meta.shape, meta.dtype, meta.device),),
        {"order": order, "limit": limit, "axes": axes, "dtype": meta.dtype},
        vjp=vjp,
    )


@op(
    "renorm(Tensor input, Scalar p, int64_t dim, Scalar maxnorm, *, Tensor out=None)",
    kind=Custom(_renorm_spec),
    static=("p", "maxnorm"),
    saves=("input",),
    inplace=True,
    autocast=Autocast(cuda="float32"),
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def renorm(array: Any, *, order: float, limit: float, axes: tuple[int, ...], dtype: DType) -> Any:
    """Renormalisation: parts along a dimension whose norm is above a limit are scaled down to it.

    Args:
        p: order of the norm.
        dim: the dimension whose parts are looked at one by one.
        maxnorm: the limit.
    Returns:
        Tensor of the same shape.
    """
    wide = widen(array)
    norm = vector_norm_of(wide, order, axes, True)
    factor = jnp.where(norm > limit, limit / (norm + 1e-7), 1)
    return cast(wide * factor, dtype)


def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    """Vector norm ``(sum_i |x_i|^p)^(1/p)``, or Frobenius or nuclear norm of matrices.

    Args:
        p: order of the norm, ``"fro"`` or ``"nuc"``.
        dim: the dimensions to reduce; all of them where it is absent.
        keepdim: whether they stay, with size 1.
        dtype: what to compute in.
    Returns:
        Real tensor without the reduced dimensions.
    """
    dims = [dim] if isinstance(dim, int) else dim
    options = {} if out is None else {"out": out}
    if isinstance(p, str):
        if p == "fro" and (dims is None or len(dims) <= 2):
            return vector_norm(input, 2, dims, keepdim, dtype=dtype, **options)
        dims = list(range(input.dim())) if dims is None else dims
        return matrix_norm(input, p, dims, keepdim, dtype=dtype, **options)
    return vector_norm(input, 2.0 if p is None else p, dims, keepdim, dtype=dtype, **options)


def _norm_method(self, p="fro", dim=None, keepdim=False, dtype=None):
    """See ``torch.norm``."""
    return norm(self, p, dim, keepdim, dtype=dtype)


publish(
    "norm",
    norm,
    method=_norm_method,
    out=Out(dtype=out_dtypes.expected_cpp_name),
    autocast=Autocast(cuda="float32"),
)
