"""Products of matrices and vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes, messages
from ..._core.dtypes import dtype as DType
from ..._core.schema.schema import Schema
from ..._engine.declare import NN_FUNCTIONS, Autocast, Out, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import is_tensor, make_meta
from ..._engine.memory.host_views import reshape_vjp
from ..._engine.recording import overrides
from ..._engine.recording.autocast import converting
from ..._engine.recording.kinds.base import Custom, broadcast_shapes, cast, promoted_dtype
from ..._engine.recording.record import CONVERSIONS, write_result
from ..._engine.recording.trace import local
from .._shared import out_dtypes
from .._shared.dot_precision import of_products
from .._shared.half_products import AddendGradient, stays_half
from .._shared.on_host import widened_on_host
from .._shared.widening import is_half
from ..pointwise.arithmetic import add
from ..shape.views import t
from . import _messages_products


def _product(left, right):
    """Multiply arrays as ``jnp.matmul`` does, integers in their own dtype (they wrap around)."""
    return jnp.matmul(
        left, right, precision=of_products(), preferred_element_type=_accumulate(left)
    )


def _accumulate(array):
    return array.dtype if array.dtype.kind in "iubcf" and array.dtype.itemsize > 2 else None


def _unrounded_product(left, right):
    """Multiply arrays; of 16-bit floating point ones the product stays in float32."""
    wide = jnp.float32 if is_half(left.dtype) else _accumulate(left)
    return jnp.matmul(left, right, precision=of_products(), preferred_element_type=wide)


def _no_out_dtype(operation, bound) -> None:
    """Refuse a product in another dtype, which PyTorch's CPU does not have either."""
    if "out_dtype" in bound:
        raise _messages_products.no_out_dtype(operation.name)


def _mm_spec(operation, bound, mode) -> Spec:
    _no_out_dtype(operation, bound)
    left, right = bound["input"], bound["mat2"]
    a, b = left.meta, right.meta
    if a.ndim != 2:
        raise _messages_products.must_be_matrix("self")
    if b.ndim != 2:
        raise _messages_products.must_be_matrix("mat2")
    if a.shape[1] != b.shape[0]:
        raise messages.mm_shapes(a.shape, b.shape)
    if a.dtype is not b.dtype:
        raise _messages_products.mm_dtypes(a.dtype._legacy_name, b.dtype._legacy_name)
    if a.dtype is dtypes.bool_:
        raise messages.not_implemented("addmm_impl_cpu_", "Bool")
    meta = make_meta((a.shape[0], b.shape[1]), a.dtype, a.device)
    wanted = (a.grad != 0 and mode.grad, b.grad != 0 and mode.grad)

    def vjp(cotangents, results, operands):
        (cotangent,) = cotangents
        first, second = operands
        gradients = []
        if wanted[0]:
            gradients.append(_product(cotangent, _adjoint(second)))
        if wanted[1]:
            # Plain: behind a transpose that may not fold, a step of an MLP took 952 us, not 887.
            gradients.append(_product(_adjoint(first), cotangent))
        return gradients

    return Spec([left, right], (meta,), vjp=vjp)


def _adjoint(array):
    return jnp.conj(array.T) if array.dtype.kind == "c" else array.T


@op(
    "mm(Tensor input, Tensor mat2, *, Tensor out=None)",
    "mm(Tensor input, Tensor mat2, ScalarType out_dtype, *, Tensor out=None)|function",
    kind=Custom(_mm_spec),
    arity="binary",
    saves="cross",
    autocast="lower",
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def mm(left: Any, right: Any) -> Any:
    """Matrix product ``input @ mat2``.

    Args:
        input: of shape (n, m).
        mat2: of shape (m, p).
    Returns:
        Tensor of shape (n, p).
    Raises:
        RuntimeError: they are no matrices, or sizes or dtypes do not fit.
    """
    return _product(left, right)


def _mv_spec(operation, bound, mode) -> Spec:
    left, right = bound["input"], bound["vec"]
    a, b = left.meta, right.meta
    if a.ndim != 2 or b.ndim != 1:
        raise _messages_products.mv_ranks(1, a.ndim, b.ndim)
    if a.shape[1] != b.shape[0]:
        raise _messages_products.mv_sizes(a.shape[0], a.shape, b.shape[0])
    if a.dtype is not b.dtype:
        second = b.dtype._legacy_name
        raise _messages_products.mv_dtypes(second, a.dtype._legacy_name, second)
    if a.dtype is dtypes.bool_:
        raise messages.not_implemented("addmv_impl_cpu", "Bool")
    return Spec([left, right], (make_meta(a.shape[:1], a.dtype, a.device),))


@op(
    "mv(Tensor input, Tensor vec, *, Tensor out=None)",
    kind=Custom(_mv_spec),
    arity="binary",
    saves="cross",
    autocast=Autocast(cuda="lower"),
    out=Out(dtype=out_dtypes.mv),
)
def mv(left: Any, right: Any) -> Any:
    """Matrix-vector product ``input @ vec``.

    Args:
        input: of shape (n, m).
        vec: of shape (m,).
    Returns:
        Tensor of shape (n,).
    """
    return _product(left, right)


def _dot_spec(operation, bound, mode) -> Spec:
    left = bound["input"]
    right = bound["tensor"] if "tensor" in bound else bound["other"]
    a, b = left.meta, right.meta
    if a.ndim != 1 or b.ndim != 1:
        raise _messages_products.dot_ranks(a.ndim, b.ndim)
    if a.dtype is not b.dtype:
        raise _messages_products.dot_dtypes(a.dtype._legacy_name, b.dtype._legacy_name)
    if a.shape != b.shape:
        raise _messages_products.dot_sizes(a.shape[0], b.shape[0])
    if a.dtype is dtypes.bool_:
        raise messages.not_implemented(operation.name, "Bool")
    return Spec([left, right], (make_meta((), a.dtype, a.device),))


@op(
    "dot(Tensor input, Tensor tensor, *, Tensor out=None)",
    kind=Custom(_dot_spec),
    arity="binary",
    saves="cross",
    autocast=Autocast(cuda="promote"),
    out=Out(dtype=out_dtypes.does_not_match),
)
def dot(left: Any, right: Any) -> Any:
    """Dot product of two vectors, ``sum_i input_i * tensor_i``.

    Args:
        input, tensor: of one length.
    Returns:
        Tensor without dimensions.
    """
    return _product(left, right)


@op(
    "vdot(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Custom(_dot_spec),
    arity="binary",
    saves="cross",
    autocast=Autocast(cuda="promote"),
    out=Out(dtype=out_dtypes.does_not_match),
)
def vdot(left: Any, right: Any) -> Any:
    """Dot product of two vectors, the first one conjugated: ``sum_i conj(input_i) * other_i``.

    Args:
        input, other: of one length.
    Returns:
        Tensor without dimensions.
    """
    return _product(jnp.conj(left), right)


def _bmm_spec(operation, bound, mode) -> Spec:
    _no_out_dtype(operation, bound)
    left, right = bound["input"], bound["mat2"]
    a, b = left.meta, right.meta
    if a.ndim != 3:
        raise _messages_products.bmm_rank("batch1")
    if b.ndim != 3:
        raise _messages_products.bmm_rank("batch2")
    wanted = (a.shape[0], a.shape[2])
    if b.shape[:2] != wanted:
        raise _messages_products.bmm_sizes(wanted, b.shape[:2])
    if a.dtype is not b.dtype:
        raise _messages_products.scalar_types(a.dtype._legacy_name, b.dtype._legacy_name)
    if a.dtype is dtypes.bool_:
        raise messages.not_implemented("bmm", "Bool")
    meta = make_meta((a.shape[0], a.shape[1], b.shape[2]), a.dtype, a.device)
    return Spec([left, right], (meta,))


@op(
    "bmm(Tensor input, Tensor mat2, *, Tensor out=None)",
    "bmm(Tensor input, Tensor mat2, ScalarType out_dtype, *, Tensor out=None)|function",
    kind=Custom(_bmm_spec),
    arity="binary",
    saves="cross",
    autocast="lower",
    out=Out(dtype=out_dtypes.expected_cpp_name, overlap="refuse operands"),
)
def bmm(left: Any, right: Any) -> Any:
    """Batched matrix product, ``input[i] @ mat2[i]`` for each i.

    Args:
        input: of shape (b, n, m).
        mat2: of shape (b, m, p).
    Returns:
        Tensor of shape (b, n, p).
    """
    return _product(left, right)


_t, _mm, _mv, _dot, _bmm = t.call, mm.call, mv.call, dot.call, bmm.call


def _folds(left, right) -> bool:
    """Tell whether PyTorch folds the batch into the rows of one product.

    It does where the small operand requires grad, or where the batch can be folded by a view.
    """
    n_left, n_right = left.dim(), right.dim()
    if max(n_left, n_right) < 3 or min(n_left, n_right) > 2:
        return False
    small = right if n_left > n_right else left
    if small._value.meta.grad and local.trace.mode.grad:
        return True
    if n_left == 2:
        return False
    large = left if n_left > n_right else right.mT
    shape, strides = large.shape, large.stride()
    return 0 in shape or all(
        [strides[d] == strides[d + 1] * shape[d + 1] for d in range(len(shape) - 2)]
    )


def _matmul_batched(left, right):
    """Multiply where at least one operand has three or more dimensions, as PyTorch does."""
    n_left, n_right = left.dim(), right.dim()
    if _folds(left, right):
        transposed = n_right > n_left
        first, second = (right.mT, left) if transposed else (left, right)
        if transposed and n_left == 2:
            second = _t(left)
        shape = tuple(first.shape)
        folded = first.reshape(math.prod(shape[:-1]), shape[-1])
        if second.dim() == 2:
            result = _unsafe_view(_mm(folded, second), (*shape[:-1], second.shape[1]))
            return result.mT.contiguous() if transposed else result
        return _unsafe_view(_mv(folded, second), shape[:-1])
    rows = left.shape[-2] if n_left > 1 else 1
    inner = left.shape[-1]
    depth = right.shape[-2] if n_right > 1 else right.shape[-1]
    columns = right.shape[-1] if n_right > 1 else 1
    batch = broadcast_shapes([tuple(left.shape[:-2]), tuple(right.shape[:-2])])
    count = math.prod(batch)
    left = left if n_left > 1 else left.unsqueeze(0)
    right = right if n_right > 1 else right.unsqueeze(1)
    left_full = left.expand((*batch, rows, inner)).reshape(count, rows, inner)
    right_full = right.expand((*batch, depth, columns)).reshape(count, depth, columns)
    shape = (*batch, *((rows,) if n_left > 1 else ()), *((columns,) if n_right > 1 else ()))
    return _unsafe_view(_bmm(left_full, right_full), shape)


def _unsafe_view_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    shape = tuple(bound["size"])
    meta = make_meta(shape, operand.meta.dtype, operand.meta.device)
    return Spec([operand], (meta,), {"size": shape})


@op(
    "_unsafe_view(Tensor input, IntArrayRef size)",
    kind=Custom(_unsafe_view_spec),
    method=False,
    function=False,
    name="_view_of_result",
    node_name="UnsafeViewBackward0",
    saves=(),
    host=True,
    host_vjp=reshape_vjp,
)
def _unsafe_view_op(array: Any, *, size: tuple[int, ...]) -> Any:
    """Give the elements of a fresh result another shape."""
    return array.reshape(size)


_unsafe_view = _unsafe_view_op.call


def _drop_first_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = make_meta(operand.meta.shape[1:], operand.meta.dtype, operand.meta.device)
    return Spec([operand], (meta,))


@op(
    "_drop_first(Tensor input)",
    kind=Custom(_drop_first_spec),
    arity="unary",
    method=False,
    function=False,
    saves=(),
    node_name="SqueezeBackward4",
)
def _drop_first_op(array: Any) -> Any:
    """Drop the first dimension, of size 1, of a fresh result."""
    return array[0]


_drop_first = _drop_first_op.call


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
            return _drop_first(_mm(input.unsqueeze(0), other))
    if left == 0 or right == 0:
        raise _messages_products.matmul_ranks(left, right)
    return _matmul_batched(input, other)


def _quick(bound: Callable) -> Callable:
    """Spare two tensors, the usual case, any binding."""

    def call(*args, **kwargs):
        if not kwargs and len(args) == 2:
            input, other = args
            if is_tensor(input) and is_tensor(other):
                return _matmul(input, other)
        return bound(*args, **kwargs)

    return call


def _write_whole(out, result, name):
    return write_result(out, result, name)


@op(
    "matmul(Tensor input, Tensor other, *, Tensor out=None)",
    wrap=_quick,
    write=_write_whole,
    remembered=True,
    autocast="lower",
    out=Out(dtype=out_dtypes.does_not_match),
)
def matmul(input, other):
    """Matrix product ``input @ other`` of vectors, matrices or batches of matrices, as NumPy's.

    Args:
        input, other: of at least one dimension; leading dimensions broadcast.
    Returns:
        Tensor of the product.
    """
    return _matmul(input, other)


def _operator(input, other):
    if not is_tensor(other):
        converted = CONVERSIONS["__matmul__"](other)
        if converted is NotImplemented:
            return overrides.offer("__matmul__", input, other)
        other = converted
    return _matmul(input, other)


def _reflected(input, other):
    if not is_tensor(other):
        return overrides.offer("__rmatmul__", input, other)
    return _matmul(other, input)


publish("__matmul__", method=converting("matmul", _operator), remembered=True)
publish("__rmatmul__", method=converting("matmul", _reflected), remembered=True)


# Products with an addend


def _with_addend(name: str, first: str, second: str, out_dtype: bool = False) -> tuple[str, ...]:
    """Return the signatures of a product with an addend, and those with the factors in between."""
    factors = "Scalar beta=1, Scalar alpha=1, Tensor out=None)"
    product = f"Tensor {first}, Tensor {second}"
    signatures = [f"{name}(Tensor input, {product}, *, {factors}"]
    if out_dtype:
        signatures.append(
            f"{name}(Tensor input, {product}, ScalarType out_dtype, *, {factors}|function"
        )
    rest = f"{product}, *, Tensor out=None)|deprecated"
    return (
        *signatures,
        f"{name}(Scalar beta, Tensor input, Scalar alpha, {rest}",
        f"{name}(Scalar beta, Tensor input, {rest}",
    )


def _addend_spec(
    operands: list[Any],
    shape: tuple[int, ...],
    beta: Any,
    alpha: Any,
    mode: Any,
    kernel: str | None,
    dtype: Any = None,
    **params: Any,
) -> Spec:
    """Return the spec of ``beta * addend + alpha * product``.

    Args:
        operands: the addend and the two factors.
        shape: of the result, which the addend expands to.
        beta, alpha: Operands or Python numbers.
        kernel: what PyTorch calls the kernel that has no form for bool; None where it has one.
        dtype: of the result, by default that of the addend.
        **params: further constants of the pure function.
    """
    first, _, _ = operands
    dtype = dtype or first.meta.dtype
    wanted = tuple(shape)
    own = first.meta.shape
    lead = len(wanted) - len(own)
    for dim, size in enumerate(own):
        if lead < 0 or size not in (1, wanted[dim + lead]):
            raise messages.expand_mismatch(
                wanted[dim + max(lead, 0)], size, dim + max(lead, 0), wanted, own
            )
    if dtype is dtypes.bool_ and kernel is not None:
        raise messages.not_implemented(kernel, "Bool")
    factors = [x for x in (beta, alpha) if hasattr(x, "reference")]
    fixed = {
        name: x for name, x in (("beta", beta), ("alpha", alpha)) if not hasattr(x, "reference")
    }
    meta = make_meta(wanted, dtype, first.meta.device)
    grads = [mode.grad and operand.meta.grad for operand in operands]
    saves = tuple([p for p, other in ((1, 2), (2, 1)) if grads[other]])
    saves += tuple(range(3, 3 + len(factors)))
    vjp = None
    if stays_half(meta) and not params:
        vjp = AddendGradient(
            wanted=tuple(map(bool, grads)),
            shapes=tuple([operand.meta.shape for operand in operands]),
            numbers=(fixed.get("beta"), fixed.get("alpha")),
            multiply=_product,
        ).vjp
    return Spec([*operands, *factors], (meta,), {**fixed, **params}, saves=saves, vjp=vjp)


def _factors(numbers: tuple[Any, ...], beta: Any, alpha: Any) -> tuple[Any, Any]:
    """Return beta and alpha: constants, or else the arrays in ``numbers``, in this order."""
    rest = iter(numbers)
    return next(rest) if beta is None else beta, next(rest) if alpha is None else alpha


def _scaled(array, factor):
    if isinstance(factor, (int, float)) and factor == 1:
        return array
    return array * jnp.asarray(factor).astype(array.dtype)


def _scaled_addend(addend, beta):
    """Return ``beta * addend``, zero where beta is, whatever the addend holds."""
    if isinstance(beta, (int, float)):
        return jnp.zeros_like(addend) if beta == 0 else _scaled(addend, beta)
    scaled = _scaled(addend, beta)
    return jnp.where(jnp.asarray(beta) == 0, jnp.zeros_like(scaled), scaled)


def _fused(addend, left, right, beta, alpha):
    """Combine as a product of matrices with an addend does: rounded once."""
    product = _scaled(_unrounded_product(left, right), alpha)
    return (_scaled_addend(addend.astype(product.dtype), beta) + product).astype(addend.dtype)


def _fused_in_turn(addend, left, right, beta, alpha):
    """Combine the products of a batch one after the other, each rounded."""
    if not left.shape[0]:
        return _scaled_addend(addend, beta)
    shape = (left.shape[1], right.shape[2])
    total = _fused(jnp.broadcast_to(addend, shape), left[0], right[0], beta, alpha)
    return jax.lax.scan(
        lambda total, pair: (_fused(total, *pair, 1, alpha), None), total, (left[1:], right[1:])
    )[0]


def _addmm_spec(operation, bound, mode) -> Spec:
    _no_out_dtype(operation, bound)
    operands = [bound["input"], bound["mat1"], bound["mat2"]]
    addend, a, b = [operand.meta for operand in operands]
    for name, meta in (("mat1", a), ("mat2", b)):
        if meta.ndim != 2:
            raise _messages_products.addmm_matrix(name, meta.ndim)
    if a.shape[1] != b.shape[0]:
        raise messages.mm_shapes(a.shape, b.shape)
    if addend.dtype is not b.dtype:
        raise _messages_products.addend_dtypes(addend.dtype._legacy_name, b.dtype._legacy_name)
    if a.dtype is not b.dtype:
        raise _messages_products.factor_dtypes(a.dtype._legacy_name, b.dtype._legacy_name)
    shape = (a.shape[0], b.shape[1])
    return _addend_spec(
        operands, shape, bound["beta"], bound.get("alpha", 1), mode, "addmm_impl_cpu_"
    )


def _addmm_on_host(addend, left, right, *numbers, beta=None, alpha=None):
    if not numbers and beta == 1 and alpha == 1 and left.dtype.char in "fd":
        product = np.matmul(left, right)
        return np.add(product, addend, out=product)
    beta, alpha = _factors(numbers, beta, alpha)
    product = np.matmul(widened_on_host(left), widened_on_host(right))
    work = product.dtype
    if alpha != 1:
        product = product * np.asarray(alpha).astype(work)
    if beta != 0:
        scaled = addend.astype(work, copy=False)
        if beta != 1:
            scaled = scaled * np.asarray(beta).astype(work)
        product = np.add(product, scaled, out=product)
    return product.astype(addend.dtype, copy=False)


@op(
    *_with_addend("addmm", "mat1", "mat2", True),
    kind=Custom(_addmm_spec),
    inplace=True,
    autocast="lower",
    out=Out(dtype=out_dtypes.expected_cpp_name),
    host=_addmm_on_host,
)
def addmm(
    addend: Any, left: Any, right: Any, *numbers: Any, beta: Any = None, alpha: Any = None
) -> Any:
    """Matrix product with an addend: ``beta * input + alpha * (mat1 @ mat2)``.

    Args:
        input: expands to the product's shape.
        mat1, mat2: matrices.
        beta, alpha: factors.
    """
    return _fused(addend, left, right, *_factors(numbers, beta, alpha))


def _addmv_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["mat"], bound["vec"]]
    addend, a, b = [operand.meta for operand in operands]
    if a.ndim != 2 or b.ndim != 1 or addend.ndim > 1:
        raise _messages_products.mv_ranks(addend.ndim, a.ndim, b.ndim)
    if a.shape[1] != b.shape[0] or addend.numel not in (1, a.shape[0]):
        raise _messages_products.mv_sizes(addend.numel, a.shape, b.shape[0])
    names = [addend.dtype._legacy_name, a.dtype._legacy_name, b.dtype._legacy_name]
    if len(set(names)) > 1:
        raise _messages_products.mv_dtypes(*names)
    return _addend_spec(
        operands, a.shape[:1], bound["beta"], bound.get("alpha", 1), mode, "addmv_impl_cpu"
    )


@op(
    *_with_addend("addmv", "mat", "vec"),
    kind=Custom(_addmv_spec),
    inplace=True,
    inplace_function=True,
    autocast=Autocast(cuda="lower"),
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def addmv(
    addend: Any, left: Any, right: Any, *numbers: Any, beta: Any = None, alpha: Any = None
) -> Any:
    """Matrix-vector product with an addend: ``beta * input + alpha * (mat @ vec)``.

    Args:
        input: expands to the product's shape.
        mat: a matrix.
        vec: a vector.
        beta, alpha: factors.
    """
    return _fused(addend, left, right, *_factors(numbers, beta, alpha))


def _batch_spec(operation, bound, mode) -> Spec:
    _no_out_dtype(operation, bound)
    operands = [bound["input"], bound["batch1"], bound["batch2"]]
    addend, a, b = [operand.meta for operand in operands]
    for name, meta in (("batch1", a), ("batch2", b)):
        if meta.ndim != 3:
            raise _messages_products.bmm_rank(name)
    wanted = (a.shape[0], a.shape[2])
    if b.shape[:2] != wanted:
        raise _messages_products.bmm_sizes(wanted, b.shape[:2])
    for other in (a, b):
        if other.dtype is not addend.dtype:
            raise _messages_products.scalar_types(
                addend.dtype._legacy_name, other.dtype._legacy_name
            )
    summed = operation.name.startswith("addbmm")
    shape = (*(() if summed else a.shape[:1]), a.shape[1], b.shape[2])

    return _addend_spec(operands, shape, bound["beta"], bound.get("alpha", 1), mode, "baddbmm")


@op(
    *_with_addend("baddbmm", "batch1", "batch2", True),
    kind=Custom(_batch_spec),
    inplace=True,
    autocast="lower",
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def baddbmm(
    addend: Any, left: Any, right: Any, *numbers: Any, beta: Any = None, alpha: Any = None
) -> Any:
    """Batched matrix product with an addend: ``beta * input + alpha * (batch1 @ batch2)``.

    Args:
        input: expands to the product's shape.
        batch1, batch2: batches of matrices.
        beta, alpha: factors.
    """
    return _fused(addend, left, right, *_factors(numbers, beta, alpha))


@op(
    *_with_addend("addbmm", "batch1", "batch2"),
    kind=Custom(_batch_spec),
    inplace=True,
    autocast="lower",
    out=Out(dtype=out_dtypes.addbmm),
)
def addbmm(
    addend: Any, left: Any, right: Any, *numbers: Any, beta: Any = None, alpha: Any = None
) -> Any:
    """Summed matrix products with an addend: ``beta * input + alpha * sum_i batch1_i @ batch2_i``.

    Args:
        input: expands to the product's shape.
        batch1, batch2: batches of matrices.
        beta, alpha: factors.
    """
    beta, alpha = _factors(numbers, beta, alpha)
    if is_half(left.dtype):
        return _fused_in_turn(addend, left, right, beta, alpha)
    product = _scaled(jnp.sum(_product(left, right), 0), alpha)
    return _scaled_addend(addend, beta) + product


def _outer(addend, left, right, beta, alpha):
    # In PyTorch's order, which matters in 16 bits: alpha is multiplied into the first vector.
    return _scaled_addend(addend, beta) + _scaled(left, alpha)[:, None] * right[None, :]


def _logical_outer(addend, left, right, beta, alpha):
    product = jnp.asarray(alpha).astype(bool) & left[:, None] & right[None, :]
    return (jnp.asarray(beta).astype(bool) & addend) | product


def _addr_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["vec1"], bound["vec2"]]
    _, a, b = [operand.meta for operand in operands]
    for name, meta in (("vec1", a), ("vec2", b)):
        if meta.ndim != 1:
            raise _messages_products.vector_expected("addr", name, meta.ndim)
    dtype = promoted_dtype(operands, mode.default_dtype)
    shape = (a.shape[0], b.shape[0])
    factors = bound["beta"], bound.get("alpha", 1)
    return _addend_spec(operands, shape, *factors, mode, None, dtype, compute_dtype=dtype)


@op(
    *_with_addend("addr", "vec1", "vec2"),
    kind=Custom(_addr_spec),
    inplace=True,
    autocast=Autocast(cuda="lower"),
)
def addr(
    addend: Any,
    left: Any,
    right: Any,
    *numbers: Any,
    compute_dtype: DType,
    beta: Any = None,
    alpha: Any = None,
) -> Any:
    """Outer product with an addend: ``beta * input + alpha * outer(vec1, vec2)``.

    Args:
        input: expands to the product's shape.
        vec1, vec2: vectors.
        beta, alpha: factors.
    """
    beta, alpha = _factors(numbers, beta, alpha)
    combine = _logical_outer if compute_dtype is dtypes.bool_ else _outer
    addend, left, right = [cast(array, compute_dtype) for array in (addend, left, right)]
    return combine(addend, left, right, beta, alpha)


_addmm = addmm.call
_LINEAR = Schema("linear(Tensor input, Tensor weight, Tensor? bias=None, *, Tensor out=None)")


def linear(*args, **kwargs):
    """Affine map ``input @ weight.T + bias``.

    Args:
        input: of shape (..., in).
        weight: of shape (out, in), or (in,).
        bias: of shape (out,), or ().
    Returns:
        Tensor of shape (..., out).
    """
    if not kwargs and len(args) == 3:
        input, weight, bias = args
    elif not kwargs and len(args) == 2:
        (input, weight), bias = args, None
    else:
        _, bound = _LINEAR.bind(args, kwargs)
        input, weight, bias = bound["input"], bound["weight"], bound["bias"]
        out = bound.get("out")
        if out is not None:
            return write_result(out, linear(input, weight, bias), "linear", (input, weight))
    try:
        ndim, weight_ndim = input._value.meta.ndim, weight._value.meta.ndim
    except AttributeError:
        _LINEAR.bind(args, kwargs)
        raise
    if not ndim or not weight_ndim:
        raise _messages_products.linear_ranks(ndim, weight_ndim)
    if bias is None:
        return _matmul(input, _t(weight))
    if ndim == 2:
        return _addmm(bias, input, _t(weight))
    bias_meta = bias._value.meta
    if bias_meta.ndim != 1 or not bias_meta.contiguous:
        return add.call(_matmul(input, _t(weight)), bias)
    shape = input.shape
    folded = input.reshape(math.prod(shape[:-1]), shape[-1])
    return _addmm(bias, folded, _t(weight)).view(*shape[:-1], weight.shape[0])


# Of one that is imported the products convert their operands themselves.
linear_function = publish(
    "linear",
    linear,
    registry=NN_FUNCTIONS,
    signatures=("(Tensor input, Tensor weight, Tensor? bias=None)",),
    autocast="lower",
    remembered=True,
)
