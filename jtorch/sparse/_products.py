"""Matrix products of which a factor is sparse."""

from __future__ import annotations

from typing import Any

import numpy as np

import jtorch as torch

from .._core import layout as layouts
from . import _layouts, _messages, _patterns
from ._arithmetic import _written, add_sparse, add_to_dense
from ._layouts import add_rows, take_rows
from ._table import implements
from ._tensor import COMPRESSED, SparseTensor, from_array, make_coo, with_values


def _matrix(tensor: SparseTensor) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return rows, columns and values of a matrix without dense dimensions."""
    indices, values = _layouts.coordinates(tensor)
    return indices[0], indices[1], values


def sparse_times_dense(sparse: SparseTensor, dense: Any) -> Any:
    """Return the product of a sparse and a dense matrix, a dense one."""
    rows, columns, values = _matrix(sparse)
    dtype = torch.promote_types(values.dtype, dense.dtype)
    if not rows.size:
        result = torch.zeros(sparse.shape[0], dense.shape[1], dtype=dtype, device=dense.device)
        if dense.requires_grad or values.requires_grad:
            result = result + 0 * (dense.sum() + values.sum())
        return result
    terms = values.unsqueeze(1) * take_rows(dense, columns)
    return add_rows(sparse.shape[0], rows, terms)


def dense_times_sparse(dense: Any, sparse: SparseTensor) -> Any:
    """Return the product of a dense and a sparse matrix, a dense one."""
    return sparse_times_dense(_transposed(sparse), dense.t()).t()


def _transposed(tensor: SparseTensor) -> SparseTensor:
    from ._shapes import transpose

    return transpose(tensor, 0, 1)


def sparse_times_sparse(left: SparseTensor, right: SparseTensor) -> SparseTensor:
    """Return the product of two sparse matrices, in coordinate layout."""
    left_rows, left_columns, left_values = _matrix(left)
    if not right._coalesced or right.layout is not layouts.sparse_coo:
        right = _layouts.coalesce(_layouts.to_coo(right))
    right_rows, right_columns, right_values = _matrix(right)
    first, second = _patterns.pairs(left_columns, right_rows, right.shape[0])
    indices = np.stack([left_rows[first], right_columns[second]])
    size = (left.shape[0], right.shape[1])
    kept, _, inverse = _patterns.unique(indices, size)
    terms = take_rows(left_values, first) * take_rows(right_values, second)
    return make_coo(kept, add_rows(kept.shape[1], inverse, terms), size, True)


def _check_matrices(left: Any, right: Any) -> None:
    if left.shape[-1] != right.shape[0]:
        if (
            isinstance(left, SparseTensor)
            and left.is_sparse
            and not isinstance(right, SparseTensor)
        ):
            raise _messages.dense_rows(left.shape[1], right.shape[0])
        if (
            isinstance(right, SparseTensor)
            and right.is_sparse
            and not isinstance(left, SparseTensor)
        ):
            raise _messages.dense_rows(right.shape[0], left.shape[1])
        raise _messages.product_shapes(left.shape, right.shape)


def multiply(left: Any, right: Any) -> Any:
    """Return the product of two matrices of any layouts.

    Raises:
        RuntimeError: shapes do not fit, or there is no product of these layouts.
        IndexError: one of them is no matrix.
    """
    for operand in (left, right):
        if operand.dim() < 2:
            raise _messages.not_a_matrix(operand.dim())
    _check_matrices(left, right)
    if not isinstance(right, SparseTensor):
        if left.layout is layouts.sparse_bsc:
            raise _messages.no_product(layouts.strided, left.layout, layouts.strided)
        return sparse_times_dense(left, right)
    if not isinstance(left, SparseTensor):
        if right.layout is layouts.sparse_bsr:
            raise _messages.no_product(layouts.strided, layouts.strided, right.layout)
        return dense_times_sparse(left, right)
    if left.is_sparse != right.is_sparse:
        raise _messages.no_product(left.layout, left.layout, right.layout)
    if COMPRESSED.get(left.layout, (0, False))[1]:
        raise _messages.block_layout("zeros_sparse_compressed", left.layout)
    product = sparse_times_sparse(left, right)
    if left.is_sparse:
        return product
    return _layouts.to_compressed(product, left.layout)


@implements("mm", "spmm", "dsmm", node="MmBackward0")
def _mm(input: Any, mat2: Any = None, *, out: Any = None) -> Any:
    result = multiply(input, mat2)
    if isinstance(result, SparseTensor):
        result._name = "SparseSparseMatmulBackward0"
    return result if out is None else _written(out, result)


@implements("matmul", "__matmul__")
def _matmul(input: Any, other: Any = None, *, out: Any = None) -> Any:
    if input.dim() == 2 and other.dim() == 1:
        result = _mv(input, other)
    elif input.dim() == 1 and other.dim() == 2:
        result = multiply(input.unsqueeze(0), other).squeeze(0)
    elif input.dim() == 2 and other.dim() == 2:
        result = multiply(input, other)
    else:
        raise _messages.expanded()
    return result if out is None else _written(out, result)


@implements("__rmatmul__")
def _rmatmul(input: Any, other: Any) -> Any:
    return _matmul(other, input)


@implements("mv")
def _mv(input: Any, vec: Any = None, *, out: Any = None) -> Any:
    if input.dim() != 2 or vec.dim() != 1:
        raise _messages.vector_dimensions(input.dim(), vec.dim())
    if input.shape[1] != vec.shape[0]:
        raise _messages.vector_size(input.shape[1], vec.shape[0])
    result = multiply(input, vec.unsqueeze(1)).squeeze(1)
    return result if out is None else _written(out, result)


def add_product(input: Any, mat1: Any, mat2: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    """Return ``beta * input + alpha * mat1 @ mat2``."""
    if not isinstance(mat1, SparseTensor) and not isinstance(mat2, SparseTensor):
        raise _messages.expanded()
    if isinstance(mat2, SparseTensor) and mat2.is_sparse and not isinstance(mat1, SparseTensor):
        raise _messages.product_layouts(mat1.layout, mat2.layout)
    if isinstance(input, SparseTensor) and not isinstance(mat2, SparseTensor):
        if input.shape != (mat1.shape[0], mat2.shape[1]):
            raise _messages.expanded()
        raise _messages.product_result(input.layout)
    if not isinstance(input, SparseTensor):
        input = input.expand(mat1.shape[0], mat2.shape[1])
    product = multiply(mat1, mat2)
    scaled = product if alpha == 1 else product * alpha
    if isinstance(product, SparseTensor):
        if isinstance(input, SparseTensor):
            return add_sparse(input if beta == 1 else input * beta, scaled)
        return add_to_dense(input if beta == 1 else input * beta, scaled)
    if beta == 0:
        return scaled
    return (input if beta == 1 else input * beta) + scaled


@implements("addmm")
def _addmm(
    input: Any,
    mat1: Any = None,
    mat2: Any = None,
    *,
    beta: Any = 1,
    alpha: Any = 1,
    out: Any = None,
) -> Any:
    result = add_product(input, mat1, mat2, beta, alpha)
    return result if out is None else _written(out, result)


@implements("addmm_")
def _addmm_in_place(self: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    return self.copy_(add_product(self, mat1, mat2, beta, alpha))


@implements("bmm")
def _bmm(input: Any, mat2: Any = None, *, out: Any = None) -> Any:
    if isinstance(mat2, SparseTensor):
        raise RuntimeError("bmm_sparse: Tensor 'mat2' must be dense")
    if input.dim() != 3 or mat2.dim() != 3 or not input.is_sparse:
        raise _messages.not_run("aten::bmm", input)
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        raise RuntimeError(
            "bmm_sparse: Expected size for first two dimensions of batch2 tensor to be: "
            f"[{input.shape[0]}, {input.shape[2]}] but got: [{mat2.shape[0]}, {mat2.shape[1]}]."
        )
    indices, values = _layouts.coordinates(input)
    batch, rows, columns = indices
    flat = mat2.flatten(0, 1)
    terms = values.unsqueeze(1) * take_rows(flat, batch * mat2.shape[1] + columns)
    count = input.shape[0] * input.shape[1]
    result = add_rows(count, batch * input.shape[1] + rows, terms)
    result = result.reshape(input.shape[0], input.shape[1], mat2.shape[2])
    return result if out is None else _written(out, result)


@implements("linear")
def _linear(input: Any, weight: Any, bias: Any = None) -> Any:
    result = multiply(
        input, _transposed(weight) if isinstance(weight, SparseTensor) else weight.t()
    )
    return result if bias is None else result + bias


# Products that are sparse though a factor is dense


def smm(input: Any, mat2: Any) -> Any:
    """Return the product of a sparse and a dense matrix, in coordinate layout.

    Args:
        input: a sparse matrix.
        mat2: a dense matrix.
    Returns:
        A sparse matrix that keeps every element of the rows that ``input`` has elements in.
    """
    zero = make_coo(
        np.zeros((2, 0), np.int64),
        torch.zeros(0, dtype=input.dtype, device=input.device),
        (input.shape[0], mat2.shape[1]),
        True,
    )
    return sspaddmm(zero, input, mat2, beta=0)


def sspaddmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """Return ``beta * input + alpha * mat1 @ mat2``, in coordinate layout.

    Args:
        input: a sparse matrix.
        mat1: a sparse matrix.
        mat2: a dense matrix.
        beta, alpha: numbers.
    """
    rows, columns = mat1.shape[0], mat2.shape[1]
    if mat1.shape[1] != mat2.shape[0]:
        raise _messages.dense_rows(mat1.shape[1], mat2.shape[0], "sspaddmm: Argument #3")
    for dim, size in enumerate((rows, columns)):
        if input.shape[dim] != size:
            raise RuntimeError(
                f"sspaddmm: Argument #1: Expected dim {dim} size {size}, got {input.shape[dim]}"
            )
    product = _hybrid(mat1, mat2)
    kept = _layouts.coordinates(product)[0][0]
    indices = np.stack([np.repeat(kept, columns), np.tile(np.arange(columns), kept.size)])
    values = product._elements.reshape(-1) * alpha
    own, own_values = _layouts.coordinates(input)
    if beta == 0:
        own, own_values = own[:, :0], own_values[:0]
    both = np.concatenate([own, indices.astype(np.int64)], axis=1)
    return make_coo(both, torch.cat([own_values * beta, values]), (rows, columns), False)


def _hybrid(mat1: Any, mat2: Any) -> Any:
    rows, columns, values = _matrix(_layouts.coalesce(mat1))
    kept, inverse = np.unique(rows, return_inverse=True)
    terms = values.unsqueeze(1) * take_rows(mat2, columns)
    sums = add_rows(kept.size, inverse.astype(np.int64), terms)
    return make_coo(kept[None, :], sums, (mat1.shape[0], mat2.shape[1]), False)


def hspmm(mat1: Any, mat2: Any) -> Any:
    """Return the product of a sparse and a dense matrix with one sparse and one dense dimension.

    Args:
        mat1: a sparse matrix.
        mat2: a dense matrix.
    """
    if mat1.shape[1] != mat2.shape[0]:
        raise _messages.dense_rows(mat1.shape[1], mat2.shape[0], "hspmm: Argument #3")
    return _hybrid(mat1, mat2)


# torch.sparse


def _reduced(sparse: SparseTensor, dense: Any, reduce: str) -> Any:
    if not isinstance(sparse, SparseTensor) or sparse.layout is not layouts.sparse_csr:
        raise _messages.not_run("aten::_sparse_mm_reduce_impl", sparse)
    if dense.dim() != 2 or dense.shape[0] != sparse.shape[1]:
        raise _messages.reduced_rows(sparse.shape[1], dense.shape)
    if reduce == "sum":
        return sparse_times_dense(sparse, dense)
    if reduce not in ("mean", "amax", "amin"):
        raise RuntimeError(
            f"sparse_mm_reduce: reduce type of {reduce} has not been enabled."
            if reduce == "prod"
            else "sparse_mm_reduce: reduce argument must be either sum, prod, mean, amax or amin, "
            f"got {reduce}"
        )
    rows, columns, values = _matrix(sparse)
    terms = values.unsqueeze(1) * take_rows(dense, columns)
    if reduce == "mean":
        counts = np.maximum(np.bincount(rows, minlength=sparse.shape[0]), 1)
        sums = add_rows(sparse.shape[0], rows, terms)
        return sums / from_array(counts, dense.device).to(sums.dtype).unsqueeze(1)
    index = from_array(rows, dense.device).unsqueeze(1).expand(terms.shape)
    zeros = torch.zeros(sparse.shape[0], dense.shape[1], dtype=terms.dtype, device=dense.device)
    return zeros.scatter_reduce(0, index, terms, reduce, include_self=False)


def mm(mat1: Any, mat2: Any, reduce: str | None = None) -> Any:
    """Return a matrix product of which a factor is sparse.

    Args:
        mat1, mat2: matrices, of which one or both are sparse.
        reduce: what becomes of the products of one element: ``"sum"``, ``"mean"``, ``"amax"`` or
            ``"amin"``, for a first factor in the layout ``torch.sparse_csr``.
    Returns:
        A sparse matrix where both are sparse, else a dense one.
    """
    if reduce is not None:
        return _reduced(mat1, mat2, reduce)
    return torch.mm(mat1, mat2)


def addmm(mat: Any, mat1: Any, mat2: Any, *, beta: Any = 1.0, alpha: Any = 1.0) -> Any:
    """Return ``beta * mat + alpha * mat1 @ mat2``, with gradients for a sparse factor.

    Args:
        mat: a dense matrix.
        mat1: a sparse matrix.
        mat2: a dense matrix.
        beta, alpha: numbers.
    """
    return torch.addmm(mat, mat1, mat2, beta=beta, alpha=alpha)


def sampled_addmm(
    input: Any, mat1: Any, mat2: Any, *, beta: Any = 1.0, alpha: Any = 1.0, out: Any = None
) -> Any:
    """Return ``beta * input + alpha * mat1 @ mat2`` at the elements that ``input`` keeps.

    Args:
        input: a matrix in the layout ``torch.sparse_csr``.
        mat1, mat2: dense matrices.
        beta, alpha: numbers.
    """
    if not isinstance(input, SparseTensor) or input.layout is not layouts.sparse_csr:
        raise _messages.not_run("aten::sparse_sampled_addmm", input)
    if mat1.shape[-1] != mat2.shape[-2]:
        raise RuntimeError(
            "sampled_addmm: mat1 and mat2 shapes cannot be multiplied "
            f"({mat1.shape[-2]}x{mat1.shape[-1]} and {mat2.shape[-2]}x{mat2.shape[-1]})"
        )
    if input.shape[-2] != mat1.shape[-2]:
        raise RuntimeError("sampled_addmm: self.shape[-2] must match mat1.shape[-2]")
    if input.shape[-1] != mat2.shape[-1]:
        raise RuntimeError("sampled_addmm: self.shape[-1] must match mat2.shape[-1]")
    indices, values = _layouts.coordinates(input)
    rows, columns = indices[-2], indices[-1]
    if mat1.dim() == 2:
        products = (take_rows(mat1, rows) * take_rows(mat2.t(), columns)).sum(1)
    else:
        groups = np.ravel_multi_index(tuple(indices[:-2]), input.shape[:-2])
        left, right = mat1.flatten(0, -2), mat2.transpose(-1, -2).flatten(0, -2)
        left = take_rows(left, groups * mat1.shape[-2] + rows)
        products = (left * take_rows(right, groups * mat2.shape[-1] + columns)).sum(1)
    result = values * beta + products * alpha if beta != 0 else products * alpha
    made = with_values(input, result.reshape(input._elements.shape))
    if made.requires_grad:
        made._name = "SparseSampledAddmmBackward0"
    return made if out is None else _written(out, made)


def spsolve(input: Any, other: Any, *, left: bool = True) -> Any:
    """Refuse: PyTorch has solvers for sparse systems on some GPUs alone.

    Raises:
        NotImplementedError: always.
    """
    raise _messages.not_run("aten::_spsolve", input)
