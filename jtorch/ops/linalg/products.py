"""Products of tensors: outer, inner, kron, tensordot, einsum, cross."""

from __future__ import annotations

import collections
import math
from typing import Any

import jax.numpy as jnp

from ..._core import dtypes, messages
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._core.promotion import promote_types, result_type
from ..._engine.declare import Autocast, Out, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import is_tensor, make_meta
from ..._engine.recording.kinds.base import Custom, broadcast_shapes, cast, normalise_dim
from ..._engine.recording.record import write_result
from .._shared import out_dtypes
from .._shared.dot_precision import of_products
from .._shared.plans import array_spec
from ..pointwise.arithmetic import mul
from . import _messages, _messages_products
from .matmul import dot, mm


@op("outer(Tensor input, Tensor vec2, *, Tensor out=None)", aliases=("ger",))
def outer(input, vec2):
    """Outer product of two vectors, ``result[i, j] = input_i * vec2_j``."""
    for name, vector in (("self", input), ("vec2", vec2)):
        if vector.dim() != 1:
            raise _messages_products.vector_expected("outer", name, vector.dim())
    return mul.call(input.view(-1, 1), vec2)


def _write_product(out: Any, result: Any) -> Any:
    """Copy a result to the tensor given as ``out``, which must have its dtype, not its shape."""
    if out.dtype is not result.dtype:
        raise _messages_products.tensordot_out(result.dtype._legacy_name, out.dtype._legacy_name)
    if out.shape != result.shape:
        if out.numel():
            messages.warn_out_resized(out.shape, result.shape)
        out.resize_(result.shape)
    return out.copy_(result)


def _are_vectors(args: tuple, kwargs: dict, metas: list[Any]) -> bool:
    """Return whether ``inner`` is a product that autocast leaves alone."""
    return all(meta.ndim < 2 for meta in metas)


@op(
    "inner(Tensor input, Tensor other, *, Tensor out=None)",
    autocast=Autocast(cpu="lower", unless=_are_vectors),
    out=Out(dtype=out_dtypes.tensordot),
)
def inner(input, other):
    """Inner product over the last dimensions of two tensors."""
    if not input.dim() or not other.dim():
        return mul.call(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise _messages_products.inner_sizes(input.shape, other.shape)
    last = [input.dim() - 1], [other.dim() - 1]
    return tensordot(input, other, last)


def _contracted(a: Any, b: Any, dims_a: list[int], dims_b: list[int]) -> Any:
    """Contract dimensions by one product of matrices, as PyTorch does."""
    kept_a = [d for d in range(a.dim()) if d not in dims_a]
    kept_b = [d for d in range(b.dim()) if d not in dims_b]
    shape = [a.shape[d] for d in kept_a] + [b.shape[d] for d in kept_b]
    count = math.prod([a.shape[d] for d in dims_a])
    if not shape:
        left = a.permute(dims_a).reshape(-1)
        right = b.permute(dims_b).reshape(-1)
        return dot.call(left, right).view(shape)
    left = a.permute(kept_a + dims_a).reshape(math.prod([a.shape[d] for d in kept_a]), count)
    right = b.permute(dims_b + kept_b).reshape(count, math.prod([b.shape[d] for d in kept_b]))
    return mm.call(left, right).view(shape)


def tensordot(a, b, dims=2, out=None):
    """Tensor contraction: the product of two tensors, summed over pairs of dimensions.

    Args:
        a, b: tensors.
        dims: how many of the last dimensions of ``a`` meet the first of ``b``, or two lists of
            dimensions.
    Returns:
        Tensor of the other dimensions of ``a``, then those of ``b``.
    """
    if is_tensor(dims):
        dims = dims.tolist() if dims.numel() > 1 else int(dims.item())
    if isinstance(dims, (tuple, list)):
        first, second = dims
        dims_a = [first] if isinstance(first, int) else list(first)
        dims_b = [second] if isinstance(second, int) else list(second)
    else:
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise _messages_products.tensordot_dims(dims)
        dims_a = list(range(a.dim() - dims, a.dim()))
        dims_b = list(range(dims))
    if len(dims_a) != len(dims_b):
        raise _messages_products.tensordot_lists(dims_a, dims_b)
    if a.dtype is not b.dtype:
        raise _messages_products.tensordot_dtypes()
    dims_a = [normalise_dim(dim, a.dim()) for dim in dims_a]
    dims_b = [normalise_dim(dim, b.dim()) for dim in dims_b]
    for first, second in zip(dims_a, dims_b, strict=True):
        if a.shape[first] != b.shape[second] and 1 not in (a.shape[first], b.shape[second]):
            raise _messages_products.tensordot_sizes(a.shape[first], first, b.shape[second], second)
    for first, second in zip(dims_a, dims_b, strict=True):
        if a.shape[first] == 1 != b.shape[second]:
            b = b.sum(second, keepdim=True, dtype=b.dtype)
        elif b.shape[second] == 1 != a.shape[first]:
            a = a.sum(first, keepdim=True, dtype=a.dtype)
    result = _contracted(a, b, dims_a, dims_b)
    return result if out is None else _write_product(out, result)


def _contracts_all(args: tuple, kwargs: dict, metas: list[Any]) -> bool:
    """Return whether ``tensordot`` leaves no dimension: autocast leaves that alone."""
    dims = kwargs.get("dims", args[2] if len(args) > 2 else 2)
    contracted = dims if isinstance(dims, int) else len(dims[0])
    return all(meta.ndim == contracted for meta in metas)


publish(
    "tensordot",
    tensordot,
    autocast=Autocast(cpu="lower", cuda="promote", unless=_contracts_all),
    out=Out(dtype=out_dtypes.tensordot),
)


def chain_matmul(*matrices, out=None):
    """Product of several matrices, multiplied in the order that costs least."""
    if len(matrices) == 1 and isinstance(matrices[0], (tuple, list)):
        matrices = tuple(matrices[0])
    _messages_products.warn_chain_matmul()
    if len(matrices) == 1:
        return matrices[0].clone()
    result = _cheapest(list(matrices))
    return result if out is None else write_chain(out, result)


publish("chain_matmul", chain_matmul, autocast="lower")


def write_chain(out: Any, result: Any, name: str = "") -> Any:
    """Write a product of several matrices to the tensor given as ``out``."""
    if out.dtype is not result.dtype:
        raise _messages.multi_dot_out(out.dtype._legacy_name, result.dtype._legacy_name)
    return write_result(out, result, "linalg_multi_dot")


def _cheapest(matrices: list) -> Any:
    """Multiply by the optimal parenthesisation (dynamic programming over all splits)."""
    sizes = [matrix.shape[0] for matrix in matrices] + [matrices[-1].shape[1]]
    count = len(matrices)
    cost: dict[tuple[int, int], int] = {(i, i): 0 for i in range(count)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for first in range(count - length):
            last = first + length
            options = [
                (
                    cost[first, middle]
                    + cost[middle + 1, last]
                    + sizes[first] * sizes[middle + 1] * sizes[last + 1],
                    middle,
                )
                for middle in range(first, last)
            ]
            cost[first, last], split[first, last] = min(options)

    def multiply(first: int, last: int) -> Any:
        if first == last:
            return matrices[first]
        middle = split[first, last]
        return mm.call(multiply(first, middle), multiply(middle + 1, last))

    return multiply(0, count - 1)


def _kron_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["other"]]
    described = [(o.meta.dtype, "dim" if o.meta.ndim else "zero") for o in operands]
    dtype = result_type(described, mode.default_dtype)
    return array_spec(operation, operands, {"dtype": dtype}, dtype)


@op(
    "kron(Tensor input, Tensor other, *, Tensor out=None)",
    kind=Custom(_kron_spec),
    saves="cross",
    copies=("input", "other"),
    node_name="UnsafeViewBackward0",
)
def kron(left: Any, right: Any, *, dtype: DType) -> Any:
    """Kronecker product: each element of one tensor times the whole other."""
    if dtype is dtypes.bool_:
        return jnp.kron(left.astype(jnp.uint8), right.astype(jnp.uint8)) > 0
    return jnp.kron(cast(left, dtype), cast(right, dtype))


def _cross_spec(operation, bound, mode) -> Spec:
    left, right = bound["input"], bound["other"]
    a, b = left.meta, right.meta
    if a.ndim != b.ndim:
        raise _messages_products.cross_ranks(a.ndim, b.ndim)
    dim = bound["dim"]
    axis = normalise_dim(dim, a.ndim)
    if a.shape[axis] != 3 or b.shape[axis] != 3:
        raise _messages_products.cross_size(dim, a.shape[axis], b.shape[axis])
    shape = broadcast_shapes([a.shape, b.shape])
    dtype = a.dtype
    if dtype is dtypes.bool_:
        raise messages.not_implemented("cross", dtype._legacy_name)
    if b.dtype is not dtype:
        raise _messages_products.scalar_types(dtype._legacy_name, b.dtype._legacy_name)

    return Spec(
        [left, right],
        (make_meta(shape, dtype, a.device),),
        {"axis": axis, "dtype": dtype},
    )


@op(
    "_linalg_cross(Tensor input, Tensor other, int64_t dim)",
    kind=Custom(_cross_spec),
    method=False,
    function=False,
    saves="cross",
    node_name="LinalgCrossBackward0",
)
def linalg_cross(first: Any, second: Any, *, axis: int, dtype: DType) -> Any:
    """Return the cross products of vectors of three elements along a dimension."""
    first, second = jnp.broadcast_arrays(cast(first, dtype), cast(second, dtype))
    return jnp.cross(first, second, axis=axis)


@op(
    "cross(Tensor input, Tensor other, int64_t? dim=None, *, Tensor out=None)",
    autocast=Autocast(cuda="promote"),
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def cross(input, other, dim=None):
    """Cross products ``input x other`` of vectors of three elements.

    Args:
        dim: where the three elements are; the first dimension of size 3 where it is absent.
    Returns:
        Tensor.
    """
    if dim is None:
        _messages_products.warn_cross()
        threes = [d for d, size in enumerate(input.shape) if size == 3]
        if not threes:
            raise _messages_products.cross_no_three()
        dim = threes[0]
    return linalg_cross.call(input, other, dim)


# Einstein's summation


def _letters(subscripts: list) -> str:
    """Return the letters of a sublist of numbers, ``...`` for an ellipsis."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    letters = []
    for number in subscripts:
        if number is Ellipsis:
            letters.append("...")
        elif 0 <= number < len(alphabet):
            letters.append(alphabet[number])
        else:
            raise _messages_products.einsum_sublist(number)
    return "".join(letters)


def _parse(equation: str, tensors: list) -> tuple[list[str], str]:
    """Return the subscripts of each operand and of the result, checked as PyTorch does."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        more = len(terms) < len(tensors)
        raise _messages_products.einsum_operands(more)
    sizes: dict[str, int] = {}
    for position, (term, tensor) in enumerate(zip(terms, tensors, strict=True)):
        plain = term.replace("...", "")
        for letter in plain:
            if not letter.isalpha():
                raise _messages_products.einsum_letter(letter, position)
        ellipsis = "..." in term
        if len(plain) > tensor.dim() or (not ellipsis and len(plain) != tensor.dim()):
            raise _messages_products.einsum_rank(len(plain), tensor.dim(), position, ellipsis)
        before, _, after = term.partition("...")
        where = [*enumerate(before), *[(d - len(after), x) for d, x in enumerate(after)]]
        for dim, letter in where:
            size = tensor.shape[dim]
            seen = sizes.get(letter, 1)
            if size != 1 and seen != 1 and size != seen:
                raise _messages_products.einsum_size(letter, size, position, seen)
            sizes[letter] = max(size, seen) if 0 not in (size, seen) else 0
    if not arrow:
        every = "".join(terms).replace("...", "")
        right = "".join(sorted(x for x in set(every) if every.count(x) == 1))
        if any(["..." in term for term in terms]):
            right = "..." + right
    for letter in right.replace("...", ""):
        if right.count(letter) > 1:
            raise _messages_products.einsum_repeated(letter)
        if letter not in sizes:
            raise _messages_products.einsum_unknown(letter)
    return terms, right


def _sizes_by_letter(term: str, meta: Any) -> dict[Any, int]:
    """Return the sizes other than 1 by letter; an ellipsis' dimensions by their distance."""
    before, dots, after = term.partition("...")
    hidden = meta.ndim - len(before) - len(after) if dots else 0
    names = [*before, *range(hidden, 0, -1), *after]
    return {name: n for name, n in zip(names, meta.shape, strict=True) if n != 1}


def _integer_result(terms: list[str], right: str, metas: list[Any]) -> Any:
    """Return the dtype of an ``einsum`` of integers or bools.

    PyTorch multiplies from the left to the right. An index that one factor alone has left is added
    up first, which makes int64; indices that both have are contracted, which wants one dtype.
    """
    if len(metas) == 1:
        return dtypes.int64 if set(terms[0]) - set(right) else metas[0].dtype
    tables = [_sizes_by_letter(term, meta) for term, meta in zip(terms, metas, strict=True)]
    counts = collections.Counter(name for table in tables for name in table)
    for name in list(counts):
        if name in right if isinstance(name, str) else "..." in right:
            del counts[name]
    left, dtype = set(tables[0]), metas[0].dtype
    for table, meta in zip(tables[1:], metas[1:], strict=True):
        other, contracted = meta.dtype, set()
        for name in [*counts]:
            if name in left and name in table:
                counts[name] -= 1
                if counts[name] == 1:
                    contracted.add(name)
            elif counts[name] == 1 and name in left:
                dtype = dtypes.int64
            elif counts[name] == 1 and name in table:
                other = dtypes.int64
            else:
                continue
            if counts[name] == 1:
                del counts[name]
        if contracted and dtype is not other:
            raise _messages_products.scalar_types(dtype._legacy_name, other._legacy_name)
        if contracted and dtype is dtypes.bool_:
            raise messages.not_implemented("bmm", "Bool")
        dtype = promote_types(dtype, other)
        left |= set(table)
    return dtype


def _einsum_spec(operation, bound, mode) -> Spec:
    operands = list(bound["tensors"])
    equation = bound["equation"]
    dtype = operands[0].meta.dtype
    if not is_inexact(dtype):
        left, _, out = equation.partition("->")
        dtype = _integer_result(left.split(","), out, [operand.meta for operand in operands])

    terms, _, right = equation.partition("->")
    summed = set(terms) - set(right) - set(",.")
    params = {"equation": equation, "dtype": dtype}
    node_name = None if summed else "MulBackward0"
    return array_spec(operation, operands, params, dtype, node_name=node_name)


@op(
    "_einsum(std::string equation, TensorList tensors)",
    kind=Custom(_einsum_spec),
    method=False,
    function=False,
    node_name="ViewBackward0",
)
def _einsum(*arrays: Any, equation: str, dtype: DType) -> Any:
    """Sum products of elements over indices."""
    if dtype is dtypes.int64:  # what was added up is int64 before the products
        arrays = tuple([array.astype(jnp.int64) for array in arrays])
    return jnp.einsum(equation, *arrays, precision=of_products()).astype(dtype._numpy)


def einsum(*args):
    """Einstein summation: products of elements, summed over the indices that the result lacks.

    Args:
        *args: an equation such as ``"ij,jk->ik"`` and tensors (or one list of them), or tensors
            each followed by a list of index numbers, then the list of the result's.
    Returns:
        Tensor.
    """
    if len(args) < 2:
        raise _messages_products.einsum_arguments()
    if isinstance(args[0], str):
        equation, *tensors = args
        if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
            tensors = list(tensors[0])
    else:
        tensors = list(args[0 : len(args) - len(args) % 2 : 2])
        equation = ",".join([_letters(subscripts) for subscripts in args[1::2]])
        if len(args) % 2:
            equation += "->" + _letters(args[-1])
    terms, right = _parse(equation, tensors)
    if len(tensors) == 1:
        alone = _single(terms[0], right, tensors[0])
        if alone is not None:
            return alone
    return _einsum.call(",".join(terms) + "->" + right, tensors)


def _multiplies_alone(args: tuple, kwargs: dict, metas: list[Any]) -> bool:
    """Return whether ``einsum`` sums over nothing: autocast leaves that alone."""
    if len(metas) < 2:
        return True
    equation = args[0]
    if not isinstance(equation, str) or "->" not in equation:
        return False
    terms, _, result = equation.partition("->")
    return all(letter in result for letter in terms if letter.isalpha())


publish(
    "einsum",
    einsum,
    autocast=Autocast("lower", "lower", unless=_multiplies_alone),
    remembered=True,
)


def _single(term: str, right: str, tensor: Any) -> Any:
    """Return the result of one operand, as PyTorch makes it: diagonals, an order, a sum.

    Returns:
        ``None`` where sizes of one index differ.
    """
    letters, before, after = term.replace("...", ""), *term.partition("...")[::2]
    hidden = [f"...{d}" for d in range(tensor.dim() - len(letters))]
    labels = [*before, *hidden, *after]
    sizes = list(zip(labels, tensor.shape, strict=True))
    if len(set(sizes)) != len(set(labels)):
        return None
    second = next((d for d, label in enumerate(labels) if label in labels[:d]), None)
    while second is not None:
        first = labels.index(labels.pop(second))
        tensor = tensor.diagonal(0, first, second).movedim(-1, first)
        second = next((d for d, label in enumerate(labels) if label in labels[:d]), None)
    before, dots, after = right.partition("...")
    kept = [labels.index(label) for label in (*before, *(hidden if dots else ()), *after)]
    dropped = [d for d in range(len(labels)) if d not in kept]
    permuted = tensor.permute(kept + dropped)
    if not dropped:
        return permuted
    return permuted.sum(list(range(len(kept), len(labels))))
