"""Sums, norms and softmax of sparse tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import jtorch as torch

from .._core import layout as layouts
from .._core.dtypes import is_inexact
from . import _layouts, _messages, _patterns
from ._layouts import add_rows
from ._shapes import _dim
from ._table import implements
from ._tensor import SparseTensor, from_array, index_array, make_coo


def _dims(tensor: Any, dim: Any) -> list[int]:
    if dim is None:
        return list(range(tensor.dim()))
    given = [dim] if isinstance(dim, int) else list(dim)
    dims = [_dim(tensor, each) for each in given]
    for each in dims:
        if dims.count(each) > 1:
            raise RuntimeError(f"dim {each} appears multiple times in the list of dims")
    return dims or list(range(tensor.dim()))


def sum_over(tensor: SparseTensor, dims: Sequence[int], dtype: Any = None) -> Any:
    """Return the sum over some dimensions.

    Returns:
        A sparse tensor; a dense one where no sparse dimension is left.
    """
    values = tensor._elements
    sparse = tensor.sparse_dim()
    dense = [dim - sparse + 1 for dim in dims if dim >= sparse]
    if dtype is not None:
        values = values.to(dtype)
    if dense:
        values = values.sum(dense)
    elif not is_inexact(values.dtype):
        values = values.to(torch.int64 if dtype is None else dtype)
    kept = [dim for dim in range(sparse) if dim not in dims]
    if not kept:
        return values.sum(0)
    size = [length for dim, length in enumerate(tensor.shape) if dim not in dims]
    if len(kept) == sparse:
        return make_coo(tensor._index_tensors[0], values, size, tensor._coalesced)
    indices = index_array(tensor)[kept]
    columns, _, inverse = _patterns.unique(indices, size)
    return make_coo(columns, add_rows(columns.shape[1], inverse, values), size, True)


def _sum_compressed(tensor: SparseTensor, dim: Any, keepdim: bool, dtype: Any) -> Any:
    if tensor.layout is not layouts.sparse_csr:
        raise _messages.not_run("aten::sum.dim_IntList", tensor)
    if not keepdim:
        raise RuntimeError("reduction operations on CSR tensors with keepdim=False is unsupported")
    dims = _dims(tensor, dim)
    coo = _layouts.to_coo(tensor)
    result = sum_over(coo, dims, dtype)
    kept = _kept(result, coo.shape, dims)
    if not isinstance(kept, SparseTensor):
        kept = _layouts.dense_to_coo(kept, kept.dim())
    return _layouts.to_compressed(kept, layouts.sparse_csr)


def _kept(result: Any, shape: Any, dims: Sequence[int]) -> Any:
    if not isinstance(result, SparseTensor):
        for dim in sorted(dims):
            result = result.unsqueeze(dim)
        return result
    for dim in sorted(dims):
        result = result.unsqueeze(dim)
    result._coalesced = result.nnz() < 2
    return result


@implements("sum")
def _sum(
    input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None
) -> Any:
    if dim is None or (not isinstance(dim, int) and not len(dim)):
        values = input._elements
        return values.sum() if dtype is None else values.sum(dtype=dtype)
    if not input.is_sparse:
        return _sum_compressed(input, dim, keepdim, dtype)
    dims = _dims(input, dim)
    result = sum_over(input, dims, dtype)
    return _kept(result, input.shape, dims) if keepdim else result


def sum(input: Any, dim: Any = None, dtype: Any = None) -> Any:
    """Return the sum of a sparse tensor, of all elements or over some dimensions.

    Args:
        input: a sparse tensor.
        dim: a dimension or several; all unless given.
        dtype: of the sum.
    Returns:
        A dense tensor where all sparse dimensions are summed over, else a sparse one.
    """
    if not isinstance(input, SparseTensor):
        if dim is None:
            raise _messages.expected_layout("coalesce", "sparse coordinate tensor", input.layout)
        raise _messages.not_run("aten::_indices", input)
    if dim is None:
        return torch.sum(input) if dtype is None else torch.sum(input, dtype=dtype)
    if not input.is_sparse:
        raise _messages.not_run("aten::_indices", input)
    result = sum_over(input, _dims(input, dim), dtype)
    if isinstance(result, SparseTensor) and result.requires_grad:
        result._name = "SparseSumBackward0"
    return result


@implements("any")
def _any(input: Any, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Any:
    if dim is not None or not input.is_sparse:
        raise _messages.not_run("aten::any.out", input)
    return torch.any(input._elements)


# Norms


@implements("norm", "native_norm")
def _norm(
    input: Any,
    p: Any = "fro",
    dim: Any = None,
    keepdim: bool = False,
    dtype: Any = None,
    **rest: Any,
) -> Any:
    if dim is not None and len(_dims(input, dim)) != input.dim():
        raise _messages.norm_dimensions()
    if dtype is not None and p in ("fro", 2):
        raise ValueError("dtype argument is not supported in frobenius norm")
    order = 2 if p in ("fro", None) else p
    values = _layouts.coalesce(input)._elements if input.is_sparse else input._elements
    result = torch.norm(values.reshape(-1), order, dtype=dtype)
    return result.reshape((1,) * input.dim()) if keepdim else result


def native_norm(input: Any, p: Any = 2) -> Any:
    """Return the norm of all elements of a sparse tensor.

    Args:
        input: a sparse tensor.
        p: order of the norm.
    """
    if not isinstance(input, SparseTensor):
        raise _messages.not_run("aten::native_norm", input)
    return _norm(input, p)


# Softmax


def _softmax(input: Any, dim: int, dtype: Any, logarithm: bool, kernel: str) -> Any:
    if not isinstance(input, SparseTensor) or not input.is_sparse:
        raise _messages.not_run(f"aten::{kernel}", input)
    dim = _dim(input, dim)
    tensor = _layouts.coalesce(input)
    values = tensor._elements
    if dtype is not None:
        values = values.to(dtype)
    if not values.is_floating_point():
        raise _messages.softmax_dtype(logarithm, values.dtype)
    sparse = tensor.sparse_dim()
    if dim >= sparse:
        function = torch.log_softmax if logarithm else torch.softmax
        return _named(
            make_coo(
                tensor._index_tensors[0], function(values, dim - sparse + 1), tensor.shape, True
            ),
            kernel,
        )
    others = [each for each in range(sparse) if each != dim]
    columns, _, inverse = _patterns.unique(
        index_array(tensor)[others], [tensor.shape[each] for each in others]
    )
    count = columns.shape[1]
    if not values.shape[0]:
        return make_coo(tensor._index_tensors[0], values, tensor.shape, True)
    group = from_array(inverse, values.device)
    wide = group.reshape((-1,) + (1,) * (values.dim() - 1)).expand(values.shape)
    low = torch.full(
        (count, *values.shape[1:]), -math.inf, dtype=values.dtype, device=values.device
    )
    largest = low.scatter_reduce(0, wide, values.detach(), "amax")
    shifted = values - largest.index_select(0, group)
    exponentials = shifted.exp()
    sums = add_rows(count, inverse, exponentials).index_select(0, group)
    result = shifted - sums.log() if logarithm else exponentials / sums
    return _named(make_coo(tensor._index_tensors[0], result, tensor.shape, True), kernel)


def _named(tensor: SparseTensor, kernel: str) -> SparseTensor:
    if tensor.requires_grad:
        tensor._name = (
            "SparseSoftmaxBackward0" if kernel == "_sparse_softmax" else "SparseLogSoftmaxBackward0"
        )
    return tensor


def softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Apply softmax along a dimension; elements that are not kept count as minus infinity.

    Args:
        input: a sparse tensor in coordinate layout.
        dim: the dimension.
        dtype: what to convert the elements to before.
    """
    return _softmax(input, dim, dtype, False, "_sparse_softmax")


def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Apply the logarithm of softmax along a dimension.

    Args:
        input: a sparse tensor in coordinate layout.
        dim: the dimension.
        dtype: what to convert the elements to before.
    """
    return _softmax(input, dim, dtype, True, "_sparse_log_softmax")


# Diagonals


def spdiags(diagonals: Any, offsets: Any, shape: Any, layout: Any = None) -> Any:
    """Return a sparse matrix with given diagonals.

    Args:
        diagonals: of shape (diagonals, length); element ``j`` of a row stands in column ``j``.
        offsets: how far right of the main diagonal each one is (left: negative).
        shape: of the matrix.
        layout: ``torch.sparse_coo`` unless given, ``torch.sparse_csr`` or ``torch.sparse_csc``.

    Raises:
        RuntimeError: arguments do not fit.
    """
    allowed = (layouts.sparse_coo, layouts.sparse_csc, layouts.sparse_csr)
    if len(shape) != 2:
        raise RuntimeError("Output shape must be 2d")
    if layout is not None and layout not in allowed:
        raise RuntimeError(
            "Only output layouts (Sparse, SparseCsc, SparseCsr) are supported, got "
            f"{_messages.LAYOUT_NAMES[layout]}"
        )
    rows = diagonals.unsqueeze(0) if diagonals.dim() == 1 else diagonals
    steps = offsets.unsqueeze(0) if offsets.dim() == 0 else offsets
    if rows.dim() != 2:
        raise RuntimeError("Diagonals must be vector or matrix")
    if steps.dim() != 1:
        raise RuntimeError("Offsets must be scalar or vector")
    if steps.dtype is not torch.int64:
        raise RuntimeError(
            f"Offset Tensor must have dtype Long but got {_messages.dtype_name(steps.dtype)}"
        )
    if rows.shape[0] != steps.shape[0]:
        raise RuntimeError(
            f"Number of diagonals ({rows.shape[0]}) does not match the number of offsets "
            f"({steps.shape[0]})"
        )
    distances = steps.tolist()
    if len(set(distances)) != len(distances):
        raise RuntimeError("Offset tensor contains duplicate values")
    columns = np.tile(np.arange(rows.shape[1]), len(distances))
    lines = columns - np.repeat(np.array(distances, np.int64), rows.shape[1])
    kept = np.nonzero((lines >= 0) & (lines < shape[0]) & (columns < shape[1]))[0]
    values = _layouts.take_rows(rows.reshape(-1), kept.astype(np.int64))
    result = make_coo(np.stack([lines[kept], columns[kept]]), values, shape, False)
    if layout in (None, layouts.sparse_coo):
        return result
    return _layouts.to_compressed(result, layout)
