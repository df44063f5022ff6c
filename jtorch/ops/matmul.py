"""Products of matrices and vectors."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from .._core import dtypes, messages_matmul
from .._core.schema import Schema
from .._engine.declare import FUNCTIONS, METHODS, op
from .._engine.kinds import Custom, broadcast_shapes
from .._engine.op import Plan
from .._engine.record import write_result
from .._engine.values import make_meta

#: PyTorch multiplies float32 in full precision unless asked otherwise, on accelerators too.
_PRECISION = jax.lax.Precision.HIGHEST


def _product(left, right):
    """Multiply arrays as ``jnp.matmul`` does, integers in their own dtype (they wrap around)."""
    return jnp.matmul(left, right, precision=_PRECISION, preferred_element_type=_accumulate(left))


def _accumulate(array):
    return array.dtype if array.dtype.kind in "iubcf" and array.dtype.itemsize > 2 else None


def _weight_gradient(left, right):
    """Return ``left.T @ right``.

    On a CPU, XLA's fast product wants a left side that is laid out as it is read: a transpose
    that it may not fold away costs less than the slow product.
    """
    return _product(jax.lax.optimization_barrier(left.T), right)


def _mm_plan(operation, bound, mode) -> Plan:
    left, right = bound["input"], bound["mat2"]
    out_dtype = bound.get("out_dtype")
    a, b = left.meta, right.meta
    if a.ndim != 2:
        raise messages_matmul.must_be_matrix("self")
    if b.ndim != 2:
        raise messages_matmul.must_be_matrix("mat2")
    if a.shape[1] != b.shape[0]:
        raise messages_matmul.mm_shapes(a.shape, b.shape)
    if a.dtype is not b.dtype:
        raise messages_matmul.mm_dtypes(a.dtype._legacy_name, b.dtype._legacy_name)
    if a.dtype is dtypes.bool_:
        raise messages_matmul.not_implemented("addmm_impl_cpu_", "Bool")
    del out_dtype
    meta = make_meta((a.shape[0], b.shape[1]), a.dtype, a.device)
    real = not a.dtype.is_complex
    gradients = (a.grad != 0 and mode.grad, b.grad != 0 and mode.grad)

    def vjp(cotangents, results, operands):
        (cotangent,) = cotangents
        first, second = operands
        found = []
        if gradients[0]:
            found.append(_product(cotangent, _adjoint(second)))
        if gradients[1]:
            if real:
                found.append(_weight_gradient(first, cotangent))
            else:
                found.append(_product(_adjoint(first), cotangent))
        return found

    return Plan(_product, [left, right], (meta,), vjp=vjp)


def _adjoint(array):
    return jnp.conj(array.T) if array.dtype.kind == "c" else array.T


@op(
    "mm(Tensor input, Tensor mat2, *, Tensor out=None)",
    kind=Custom(_mm_plan),
    arity="binary",
    saves="cross",
)
def mm(input, mat2):
    """Multiply two matrices.

    Args:
        input: of shape (n, m).
        mat2: of shape (m, p).
    Returns:
        Tensor of shape (n, p).
    Raises:
        RuntimeError: they are no matrices, or sizes or dtypes do not fit.
    """
    return _product(input, mat2)


def _mv_plan(operation, bound, mode) -> Plan:
    left, right = bound["input"], bound["vec"]
    a, b = left.meta, right.meta
    if a.ndim != 2 or b.ndim != 1:
        raise messages_matmul.mv_ranks(1, a.ndim, b.ndim)
    if a.shape[1] != b.shape[0]:
        raise messages_matmul.mv_sizes(a.shape[0], a.shape, b.shape[0])
    if a.dtype is not b.dtype:
        second = b.dtype._legacy_name
        raise messages_matmul.mv_dtypes(second, a.dtype._legacy_name, second)
    if a.dtype is dtypes.bool_:
        raise messages_matmul.not_implemented("addmv_impl_cpu", "Bool")
    return Plan(_product, [left, right], (make_meta(a.shape[:1], a.dtype, a.device),))


@op(
    "mv(Tensor input, Tensor vec, *, Tensor out=None)",
    kind=Custom(_mv_plan),
    arity="binary",
    saves="cross",
)
def mv(input, vec):
    """Multiply a matrix by a vector.

    Args:
        input: of shape (n, m).
        vec: of shape (m,).
    Returns:
        Tensor of shape (n,).
    """
    return _product(input, vec)


def _dot_plan(operation, bound, mode) -> Plan:
    left = bound["input"]
    right = bound["tensor"] if "tensor" in bound else bound["other"]
    a, b = left.meta, right.meta
    if a.ndim != 1 or b.ndim != 1:
        raise messages_matmul.dot_ranks(a.ndim, b.ndim)
    if a.dtype is not b.dtype:
        raise messages_matmul.dot_dtypes(a.dtype._legacy_name, b.dtype._legacy_name)
    if a.shape != b.shape:
        raise messages_matmul.dot_sizes(a.shape[0], b.shape[0])
    if a.dtype is dtypes.bool_:
        raise messages_matmul.not_implemented(operation.name, "Bool")
    return Plan(operation.function, [left, right], (make_meta((), a.dtype, a.device),))


@op(
    "dot(Tensor input, Tensor tensor, *, Tensor out=None)",
    kind=Custom(_dot_plan),
    arity="binary",
    saves="cross",
)
def dot(input, tensor):
    """Multiply two vectors element by element and add up.

    Args:
        input, tensor: of one length.
    Returns:
        Tensor without dimensions.
    """
    return _product(input, tensor)


@op(
    "vdot(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Custom(_dot_plan),
    arity="binary",
    saves="cross",
)
def vdot(input, other):
    """Multiply the conjugate of one vector by another, element by element, and add up.

    Args:
        input, other: of one length.
    Returns:
        Tensor without dimensions.
    """
    return _product(jnp.conj(input), other)


def _bmm_plan(operation, bound, mode) -> Plan:
    left, right = bound["input"], bound["mat2"]
    a, b = left.meta, right.meta
    if a.ndim != 3:
        raise messages_matmul.bmm_rank("batch1")
    if b.ndim != 3:
        raise messages_matmul.bmm_rank("batch2")
    wanted = (a.shape[0], a.shape[2])
    if b.shape[:2] != wanted:
        raise messages_matmul.bmm_sizes(wanted, b.shape[:2])
    if a.dtype is not b.dtype:
        raise messages_matmul.scalar_types(a.dtype._legacy_name, b.dtype._legacy_name)
    if a.dtype is dtypes.bool_:
        raise messages_matmul.not_implemented("bmm", "Bool")
    meta = make_meta((a.shape[0], a.shape[1], b.shape[2]), a.dtype, a.device)
    return Plan(_product, [left, right], (meta,))


@op(
    "bmm(Tensor input, Tensor mat2, *, Tensor out=None)",
    kind=Custom(_bmm_plan),
    arity="binary",
    saves="cross",
)
def bmm(input, mat2):
    """Multiply matrices of two batches, pair by pair.

    Args:
        input: of shape (b, n, m).
        mat2: of shape (b, m, p).
    Returns:
        Tensor of shape (b, n, p).
    """
    return _product(input, mat2)


_mm, _mv, _dot, _bmm = mm.call, mv.call, dot.call, bmm.call


def _matmul_batched(left, right):
    """Multiply where at least one operand has three or more dimensions, as PyTorch does.

    Where the other operand has few dimensions the batch is folded into the rows of one product.
    """
    n_left, n_right = left.dim(), right.dim()
    if (n_left >= 3 and n_right <= 2) or (n_left <= 2 and n_right >= 3):
        transposed = n_right > n_left
        first = right.mT if transposed else left
        if transposed:
            second = left.t() if n_left == 2 else left
        else:
            second = right
        shape = first.shape
        folded = first.reshape(-1, shape[-1])
        if second.dim() == 2:
            result = _unsafe_view(_mm(folded, second), (*shape[:-1], second.shape[1]))
            return result.mT.contiguous() if transposed else result
        return _unsafe_view(_mv(folded, second), tuple(shape[:-1]))
    rows = left.shape[-2] if n_left > 1 else 1
    inner = left.shape[-1]
    columns = right.shape[-1] if n_right > 1 else 1
    batch = broadcast_shapes([tuple(left.shape[:-2]), tuple(right.shape[:-2])])
    left_full = left.expand((*batch, rows, inner)).reshape(-1, rows, inner)
    right_full = right.expand((*batch, right.shape[-2], columns)).reshape(
        -1, right.shape[-2], columns
    )
    return _unsafe_view(_bmm(left_full, right_full), (*batch, rows, columns))


def _unsafe_view_plan(operation, bound, mode) -> Plan:
    operand = bound["input"]
    shape = tuple(bound["size"])
    meta = make_meta(shape, operand.meta.dtype, operand.meta.device)
    return Plan(lambda array: array.reshape(shape), [operand], (meta,))


@op(
    "_unsafe_view(Tensor input, IntArrayRef size)",
    kind=Custom(_unsafe_view_plan),
    method=False,
    saves=(),
)
def _unsafe_view_op(input, size):
    """Give the elements of a fresh result another shape."""
    return input.reshape(size)


_unsafe_view = _unsafe_view_op.call


def _matmul(input, other):
    left, right = input.dim(), other.dim()
    if left == 2:
        if right == 2:
            return _mm(input, other)
        if right == 1:
            return _mv(input, other)
    elif left == 1:
        if right == 1:
            return _dot(input, other)
        if right == 2:
            return _mm(input.unsqueeze(0), other).squeeze(0)
    if left == 0 or right == 0:
        raise messages_matmul.matmul_ranks(left, right)
    return _matmul_batched(input, other)


_MATMUL = Schema("matmul(Tensor input, Tensor other, *, Tensor out=None)")


def _make_matmul(as_method: bool) -> Callable:
    def matmul(*args, **kwargs):
        """Multiply as NumPy's ``matmul`` does: vectors, matrices, or batches of matrices.

        Args:
            input, other: of at least one dimension; leading dimensions broadcast.
        Returns:
            Tensor of the product.
        """
        if not kwargs and len(args) == 2:
            input, other = args
            if hasattr(input, "_value") and hasattr(other, "_value"):
                return _matmul(input, other)  # the usual path, without any binding
        if as_method:
            _, bound = _MATMUL.bind(args[1:], kwargs, True)
            return _matmul(args[0], bound["other"])
        _, bound = _MATMUL.bind(args, kwargs)
        result = _matmul(bound["input"], bound["other"])
        return result if bound["out"] is None else write_result(bound["out"], result, "matmul")

    matmul.__module__ = "torch"
    return matmul


def _operator(input, other):
    if not hasattr(other, "_value"):
        return NotImplemented
    return _matmul(input, other)


def _reflected(input, other):
    if not hasattr(other, "_value"):
        return NotImplemented
    return _matmul(other, input)


FUNCTIONS["matmul"] = matmul = _make_matmul(False)
METHODS["matmul"] = _make_matmul(True)
METHODS["__matmul__"] = _operator
METHODS["__rmatmul__"] = _reflected
