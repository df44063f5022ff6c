"""Powers, exponentials and chains of matrices, and other products of ``torch.linalg``."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..._core import dtypes
from ..._core.cpp_names import type_name
from ..._core.dtypes import is_inexact
from ..._core.memory_format import contiguous_format
from ..._engine.declare import LINALG_FUNCTIONS, Autocast, op, publish
from ..._engine.graph.op import Spec
from ..._engine.recording.kinds.base import Custom
from ..creation.ranges import eye
from ..shape import strided
from ..shape.joining import cat
from . import _messages
from .common import adjoint, check_inexact, check_square, product, row_meta, solution
from .matmul import matmul as torch_matmul
from .matmul import vdot
from .products import _cheapest, linalg_cross, write_chain
from .solve import _inverse

# Exponentials

#: Coefficients of the diagonal Pade approximant of degree 13, and the norm up to which it is exact
#: to double precision: Higham, "The scaling and squaring method for the matrix exponential
#: revisited", SIAM Review 51 (2009).
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
    129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0,
    40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_THETA = 5.371920351148152


def _exponential_once(a: Any) -> Any:
    """Return the exponential of one batch of matrices."""
    size = a.shape[-1]
    identity = jnp.eye(size, dtype=a.dtype)
    norm = jnp.max(jnp.sum(jnp.abs(a), -2), -1)
    exponent = jnp.ceil(jnp.log2(jnp.where(norm > 0, norm, 1) / _THETA))
    halvings = jnp.where(jnp.isfinite(exponent), jnp.maximum(exponent, 0), 0).astype(jnp.int32)
    scale = jnp.exp2(-halvings.astype(norm.dtype))
    scaled = a * scale[..., None, None].astype(a.dtype)
    second = product(scaled, scaled)
    fourth = product(second, second)
    sixth = product(fourth, second)
    c = [jnp.asarray(coefficient, a.dtype) for coefficient in _PADE]
    odd = product(sixth, c[13] * sixth + c[11] * fourth + c[9] * second)
    odd = product(scaled, odd + c[7] * sixth + c[5] * fourth + c[3] * second + c[1] * identity)
    even = product(sixth, c[12] * sixth + c[10] * fourth + c[8] * second)
    even = even + c[6] * sixth + c[4] * fourth + c[2] * second + c[0] * identity
    result = solution(even - odd, even + odd)

    def square(state):
        step, current = state
        more = (halvings > step)[..., None, None]
        return step + 1, jnp.where(more, product(current, current), current)

    most = jnp.max(halvings, initial=0)
    _, result = jax.lax.while_loop(lambda state: state[0] < most, square, (0, result))
    return result


@jax.custom_vjp
def _exponential(a):
    """Return the exponential of matrices; it can be differentiated any number of times."""
    return _exponential_once(a)


def _frechet(a: Any, slope: Any) -> Any:
    """Return the derivative of the exponential at ``a`` in a direction.

    It is a block of the exponential of a matrix of twice the size (Mathias, 1996).
    """
    size = a.shape[-1]
    above = jnp.concatenate([a, slope], -1)
    below = jnp.concatenate([jnp.zeros_like(a), a], -1)
    return _exponential(jnp.concatenate([above, below], -2))[..., :size, size:]


def _exponential_back(a, slope):
    return (_frechet(jnp.swapaxes(a, -1, -2), slope),)


_exponential.defvjp(lambda a: (_exponential(a), a), _exponential_back)


def _exponential_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    check_square(meta, "linalg.matrix_exp")
    check_inexact(meta, "linalg.matrix_exp")
    half = meta.dtype.itemsize == 2

    def vjp(cotangents, results, operands):
        (a,), (slope,) = operands, cotangents
        if not a.size:
            return [jnp.zeros_like(a)]
        wide = (lambda x: x.astype(jnp.float32)) if half else (lambda x: x)
        return [_frechet(adjoint(wide(a)), wide(slope)).astype(a.dtype)]

    return Spec([operand], (row_meta(meta.shape, meta),), {"half": half}, vjp=vjp)


@op(
    "linalg_matrix_exp(Tensor input)",
    kind=Custom(_exponential_spec),
    method=False,
    registry=LINALG_FUNCTIONS,
    saves=("input",),
)
def linalg_matrix_exp(a: Any, *, half: Any) -> Any:
    """Matrix exponential ``exp(A) = sum_k A^k / k!`` of square matrices.

    Args:
        input: of shape (*, n, n).
    Returns:
        Tensor of the same shape.
    """
    if not a.size:
        return a
    if a.shape[-1] == 1:
        return jnp.exp(a)
    return _exponential(a.astype(jnp.float32) if half else a).astype(a.dtype)


@op("matrix_exp(Tensor input)")
def matrix_exp(input):
    """Matrix exponential of square matrices, see ``torch.linalg.matrix_exp``."""
    return linalg_matrix_exp.call(input)


# Powers and chains


def _power(input, n):
    """Raise square matrices to an integer power, in PyTorch's order of products."""
    check_square(input._value.meta, "linalg.matrix_power")
    if n == 0:
        identity = eye(input.shape[-1], dtype=input.dtype, device=input.device)
        return input.clone(memory_format=contiguous_format).copy_(identity)
    if n == 1:
        return input.clone(memory_format=contiguous_format)
    if n == -1:
        return _inverse(input)
    base = input
    if n < 0:
        base, n = _inverse(input), -n
    if n == 2:
        return torch_matmul(base, base)
    if n == 3:
        return torch_matmul(torch_matmul(base, base), base)
    square, result = None, None
    while n:
        square = base if square is None else torch_matmul(square, square)
        if n % 2:
            result = square if result is None else torch_matmul(result, square)
        n //= 2
    return result


@op(
    "linalg_matrix_power(Tensor input, int64_t n, *, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
)
def linalg_matrix_power(input, n):
    """Matrix power ``A^n`` of square matrices.

    Args:
        input: of shape (*, n, n).
        n: exponent; of the inverse where it is negative.
    Returns:
        Tensor of the same shape.
    """
    return _power(input, int(n))


@op("matrix_power(Tensor input, int64_t n, *, Tensor out=None)")
def matrix_power(input, n):
    """Matrix power of square matrices, see ``torch.linalg.matrix_power``."""
    return _power(input, int(n))


@op(
    "linalg_multi_dot(TensorList tensors, *, Tensor out=None)",
    method=False,
    write=write_chain,
    registry=LINALG_FUNCTIONS,
    autocast="lower",
)
def multi_dot(tensors):
    """Product of several matrices, multiplied in the order that costs least.

    Args:
        tensors: at least two; the first and the last one may be vectors.
    Returns:
        Tensor of the product.
    """
    count = len(tensors)
    if count < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {count}")
    matrices = list(tensors)
    shape: list[int] = []
    for position, label in ((0, "first"), (-1, "last")):
        ndim = matrices[position].dim()
        if ndim not in (1, 2):
            raise RuntimeError(f"multi_dot(): the {label} tensor must be 1D or 2D but got {ndim}D")
        if ndim == 1:
            matrices[position] = matrices[position].unsqueeze(0 if position == 0 else -1)
        else:
            shape.append(matrices[position].shape[position])
    first = matrices[0]
    for i in range(count):
        matrix = matrices[i]
        if matrix.dim() != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {matrix.dim()}D")
        if matrix.dtype is not first.dtype:
            raise RuntimeError(
                "multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                f"{type_name(first.dtype)} and tensor {i} "
                f"{type_name(matrix.dtype)}"
            )
        if i and matrices[i - 1].shape[-1] != matrix.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {i - 1} and {i} with shapes "
                f"{_messages.shape_text(matrices[i - 1].shape)} and "
                f"{_messages.shape_text(matrix.shape)} cannot be multiplied"
            )
    return _cheapest(matrices).view(shape)


# Vectors


@op("linalg_vander(Tensor x, *, SymInt? N=None)", method=False, registry=LINALG_FUNCTIONS)
def linalg_vander(x, N=None):
    """Vandermonde matrices ``V[i, j] = x_i^j``.

    Args:
        x: of shape (*, n).
        N: how many columns; n unless given.
    Returns:
        Tensor of shape (*, n, N).
    """
    if not x.dim():
        x = x.reshape(1)
    count = x.size(-1) if N is None else N
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    powers = x.unsqueeze(-1).expand((*x.shape, count - 1)).cumprod(-1)
    ones = powers.new_ones((*x.shape, 1))
    return cat.call((ones, powers), -1)


@op("vander(Tensor x, int64_t? N=None, bool increasing=False)", method=False)
def vander(x, N=None, increasing=False):
    """Vandermonde matrix of a vector, whose columns are powers of it.

    Args:
        x: vector.
        N: how many columns; its length unless given.
        increasing: whether powers ascend; they descend otherwise.
    """
    if x.dim() != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    dtype = x.dtype
    if not is_inexact(dtype):
        dtype = dtypes.int64
    result = x.new_empty((x.shape[0], count), dtype=dtype)
    if count > 0:
        result.select(1, 0).fill_(1)
    if count > 1:
        rest = result[:, 1:]
        rest.copy_(x.unsqueeze(1).expand(x.shape[0], count - 1))
        rest.copy_(rest.cumprod(1))
    return result if increasing else result.flip(1)


@op(
    "linalg_vecdot(Tensor x, Tensor y, *, int64_t dim=-1, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
    autocast="lower",
)
def vecdot(x, y, dim=-1):
    """Dot products of vectors, the first one conjugated: ``sum_i conj(x_i) * y_i``.

    Args:
        x, y: tensors whose shapes broadcast.
        dim: where the vectors' elements are.
    Returns:
        Tensor without that dimension.
    """
    check_inexact(x._value.meta, "linalg.vecdot")
    if x.dtype is not y.dtype:
        raise _messages.same_dtypes(
            "linalg.vecdot", "x", x.dtype._legacy_name, "y", y.dtype._legacy_name
        )
    if x.dim() == 1 and y.dim() == 1:
        return vdot.call(x, y)
    return (x.conj() * y).sum(dim)


publish("vecdot", autocast="lower")  # PyTorch lists it under this name too


@op(
    "linalg_cross(Tensor input, Tensor other, *, int64_t dim=-1, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
)
def cross(input, other, dim=-1):
    """Cross products ``input x other`` of vectors of three elements.

    Args:
        input, other: tensors whose shapes broadcast.
        dim: where the vectors' elements are.
    """
    return linalg_cross.call(input, other, dim)


@op(
    "linalg_diagonal(Tensor A, *, int64_t offset=0, int64_t dim1=-2, int64_t dim2=-1)",
    method=False,
    registry=LINALG_FUNCTIONS,
)
def diagonal(A, offset=0, dim1=-2, dim2=-1):
    """View of the diagonals of matrices.

    Args:
        A: of at least two dimensions.
        offset: which diagonal; above the main one where it is positive.
        dim1, dim2: dimensions of the matrices.
    """
    return strided.diagonal.call(A, offset, dim1, dim2)


@op(
    "linalg_matmul(Tensor input, Tensor other, *, Tensor out=None)",
    method=False,
    registry=LINALG_FUNCTIONS,
    autocast=Autocast(cpu="lower"),
)
def matmul(input, other):
    """Matrix product, see ``torch.matmul``."""
    return torch_matmul(input, other)
