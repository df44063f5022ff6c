"""Rearranging and taking parts of sparse tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

import jtorch as torch

from .._core import layout as layouts
from .._tensor.tensor import Tensor
from . import _layouts, _messages
from ._layouts import take_rows
from ._table import attribute, implements
from ._tensor import (
    COMPRESSED,
    SparseTensor,
    array_of,
    become,
    index_array,
    make_compressed,
    make_coo,
    with_values,
)

_TRANSPOSED = {
    layouts.sparse_csr: layouts.sparse_csc,
    layouts.sparse_csc: layouts.sparse_csr,
    layouts.sparse_bsr: layouts.sparse_bsc,
    layouts.sparse_bsc: layouts.sparse_bsr,
}


def _dim(tensor: Any, dim: int, extra: int = 0) -> int:
    """Return a dimension from 0 on.

    Raises:
        IndexError: there is no such dimension.
    """
    count = tensor.dim() + extra
    if not -count <= dim < count:
        raise _messages.no_such_dim(dim, count)
    return dim % count if count else 0


def transpose(tensor: SparseTensor, dim0: int, dim1: int) -> SparseTensor:
    """Return a tensor with two dimensions swapped."""
    first, second = _dim(tensor, dim0), _dim(tensor, dim1)
    size = list(tensor.shape)
    size[first], size[second] = size[second], size[first]
    if not tensor.is_sparse:
        return _transpose_compressed(tensor, first, second, size)
    if first == second:
        return with_values(tensor, tensor._elements)
    sparse = tensor.sparse_dim()
    if (first < sparse) != (second < sparse):
        raise _messages.transposed_dimensions(sparse, first, second)
    if first >= sparse:
        values = tensor._elements.transpose(first - sparse + 1, second - sparse + 1)
        return make_coo(tensor._index_tensors[0], values, size, tensor._coalesced)
    order = list(range(sparse))
    order[first], order[second] = order[second], order[first]
    return _rows_reordered(tensor, order, tensor._elements, size)


def _rows_reordered(tensor: SparseTensor, order: list[int], values: Any, size: Any) -> SparseTensor:
    indices = np.ascontiguousarray(index_array(tensor)[order])
    return make_coo(indices, values, size, tensor.nnz() < 2)


def _transpose_compressed(tensor: SparseTensor, first: int, second: int, size: Any) -> SparseTensor:
    if first == second:
        return with_values(tensor, tensor._elements)
    batch = tensor.batch_dim()
    if {first, second} != {batch, batch + 1}:
        raise _messages.transposed_compressed(tensor.layout)
    values = tensor._elements
    if COMPRESSED[tensor.layout][1]:
        values = values.transpose(batch + 1, batch + 2)
    return make_compressed(
        _TRANSPOSED[tensor.layout],
        tensor._index_tensors[0],
        tensor._index_tensors[1],
        values,
        size,
    )


@implements("transpose", "swapaxes", "swapdims", node="TransposeBackward0")
def _transpose(input: Any, *args: Any, **kwargs: Any) -> Any:
    dims = [*args, *kwargs.values()]
    return transpose(input, dims[0], dims[1])


@implements("transpose_", "swapaxes_", "swapdims_", node="TransposeBackward0")
def _transpose_in_place(self: Any, *args: Any, **kwargs: Any) -> Any:
    return become(self, _transpose(self, *args, **kwargs))


@implements("t")
def _t(input: Any) -> Any:
    if input.dim() > 2:
        raise _messages.t_rank(input.dim())
    if input.dim() < 2:
        return with_values(input, input._elements)
    return transpose(input, 0, 1)


@implements("t_", node="TBackward0")
def _t_in_place(self: Any) -> Any:
    return become(self, _t(self))


@attribute("T")
def _transposed(self: Any) -> Any:
    if not self.is_sparse:
        raise _messages.not_run("aten::as_strided", self)
    return _permute(self, tuple(range(self.dim()))[::-1])


@attribute("mT")
def _matrix_transposed(self: Any) -> Any:
    return transpose(self, -2, -1)


@attribute("H")
def _hermitian(self: Any) -> Any:
    return _adjoint(self)


@attribute("mH")
def _matrix_hermitian(self: Any) -> Any:
    return _adjoint(self)


@implements("adjoint")
def _adjoint(input: Any) -> Any:
    return transpose(input, -2, -1).conj()


@implements("permute")
def _permute(input: Any, dims: Any = ()) -> Any:
    if not input.is_sparse:
        raise _messages.not_run("aten::as_strided", input)
    if len(dims) != input.dim():
        raise _messages.permuted_count(input.dim(), len(dims))
    order = [_dim(input, dim) for dim in dims]
    if len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    sparse = input.sparse_dim()
    if any((dim < sparse) != (place < sparse) for place, dim in enumerate(order)):
        raise _messages.permuted_kinds()
    size = [input.shape[dim] for dim in order]
    values = input._elements
    if order[sparse:] != list(range(sparse, input.dim())):
        values = values.permute(0, *[dim - sparse + 1 for dim in order[sparse:]])
    if order[:sparse] == list(range(sparse)):
        return make_coo(input._index_tensors[0], values, size, input._coalesced)
    return _rows_reordered(input, order[:sparse], values, size)


@implements("movedim", "moveaxis")
def _movedim(input: Any, source: Any, destination: Any) -> Any:
    sources = [source] if isinstance(source, int) else list(source)
    targets = [destination] if isinstance(destination, int) else list(destination)
    sources = [_dim(input, dim) for dim in sources]
    targets = [_dim(input, dim) for dim in targets]
    order = [-1] * input.dim()
    for dim, target in zip(sources, targets, strict=True):
        order[target] = dim
    rest = iter([dim for dim in range(input.dim()) if dim not in sources])
    return _permute(input, [next(rest) if dim < 0 else dim for dim in order])


@implements("unsqueeze")
def _unsqueeze(input: Any, dim: int) -> Any:
    if not input.is_sparse:
        raise RuntimeError("Sparse CSR tensors do not have strides")
    dim = _dim(input, dim, 1)
    size = list(input.shape)
    size.insert(dim, 1)
    sparse = input.sparse_dim()
    if dim > sparse:
        values = input._elements.unsqueeze(dim - sparse + 1)
        return make_coo(input._index_tensors[0], values, size, False)
    indices = np.insert(index_array(input), dim, 0, axis=0)
    return make_coo(indices, input._elements, size, False)


# Taking parts


def select(tensor: SparseTensor, dim: int, index: int) -> Any:
    """Return the part at one index of a dimension.

    Returns:
        A sparse tensor; a dense one where no sparse dimension is left.
    """
    dim = _dim(tensor, dim)
    size = tensor.shape[dim]
    if not -size <= index < size:
        raise _messages.select_range(index, tensor.shape, dim)
    index %= size
    sorted_rows = not tensor.is_sparse
    if sorted_rows:
        tensor = _layouts.to_coo(tensor)
    rest = [*tensor.shape[:dim], *tensor.shape[dim + 1 :]]
    sparse = tensor.sparse_dim()
    if dim >= sparse:
        values = tensor._elements.select(dim - sparse + 1, index)
        return make_coo(tensor._index_tensors[0], values, rest, tensor._coalesced)
    indices = index_array(tensor)
    kept = np.nonzero(indices[dim] == index)[0].astype(np.int64)
    values = take_rows(tensor._elements, kept)
    if sparse == 1:
        return values.sum(0)
    return make_coo(np.delete(indices[:, kept], dim, 0), values, rest, sorted_rows)


@implements("select")
def _select(input: Any, dim: int, index: int) -> Any:
    return select(input, dim, int(index))


@implements("select_copy")
def _select_copy(input: Any, dim: int, index: int, *, out: Any = None) -> Any:
    return select(input, dim, int(index))


@implements("index_select")
def _index_select(input: Any, dim: int, index: Any, *, out: Any = None) -> Any:
    if not isinstance(input, SparseTensor) or not input.is_sparse:
        raise _messages.not_run("aten::index_select", input)
    dim = _dim(input, dim)
    if isinstance(index, SparseTensor) or index.dim() != 1 or index.dtype is not torch.int64:
        raise _messages.index_tensor()
    wanted = array_of(index)
    length = input.shape[dim]
    outside = wanted[(wanted < -length) | (wanted >= length)]
    if outside.size:
        raise _messages.index_range(int(outside[0]), input.shape, dim)
    wanted = np.where(wanted < 0, wanted + length, wanted)
    size = [*input.shape[:dim], wanted.size, *input.shape[dim + 1 :]]
    sparse = input.sparse_dim()
    if dim >= sparse:
        values = input._elements.index_select(dim - sparse + 1, index)
        return make_coo(input._index_tensors[0], values, size, input._coalesced)
    indices = index_array(input)
    order = np.argsort(indices[dim], kind="stable")
    from ._patterns import pairs

    first, second = pairs(wanted, indices[dim][order], length)
    kept = order[second].astype(np.int64)
    taken = indices[:, kept].copy()
    taken[dim] = first
    return make_coo(taken, take_rows(input._elements, kept), size, input._coalesced and dim == 0)


@implements("narrow_copy")
def _narrow_copy(input: Any, dim: int, start: int, length: int, *, out: Any = None) -> Any:
    dim = _dim(input, dim)
    size = list(input.shape)
    if start < 0:
        start += size[dim]
    if not (0 <= start and length >= 0 and start + length <= size[dim]):
        raise _messages.narrow_range(size[dim])
    size[dim] = length
    sparse = input.sparse_dim()
    if dim >= sparse:
        values = input._elements.narrow(dim - sparse + 1, start, length)
        return make_coo(input._index_tensors[0], values, size, input._coalesced)
    indices = index_array(input)
    kept = np.nonzero((indices[dim] >= start) & (indices[dim] < start + length))[0]
    taken = indices[:, kept].copy()
    taken[dim] -= start
    values = take_rows(input._elements, kept.astype(np.int64))
    return make_coo(taken, values, size, input._coalesced)


@implements("unbind")
def _unbind(input: Any, dim: int = 0) -> Any:
    return tuple([select(input, dim, index) for index in range(input.shape[dim])])


@implements("__getitem__")
def _getitem(self: Any, index: Any) -> Any:
    if not isinstance(self, SparseTensor):
        raise _messages.not_run("aten::index.Tensor", index)
    steps = list(index) if isinstance(index, tuple) else [index]
    consumed = sum(step is not None and step is not Ellipsis for step in steps)
    if consumed > self.dim():
        raise _messages.too_many_indices(self.dim())
    if Ellipsis in [step for step in steps if not isinstance(step, Tensor)]:
        place = steps.index(Ellipsis)
        steps[place : place + 1] = [_WHOLE] * (self.dim() - consumed)
    result: Any = self
    dim = 0
    for step in steps:
        if step is _WHOLE:
            dim += 1
        elif step is None:
            result = result.unsqueeze(dim)
            dim += 1
        elif isinstance(step, bool):
            raise _messages.not_run("aten::fill_.Scalar", self)
        elif isinstance(step, (int, np.integer)):
            if not -result.shape[dim] <= step < result.shape[dim]:
                raise _messages.index_bounds(int(step), dim, result.shape[dim])
            result = result.select(dim, int(step))
        elif isinstance(step, slice):
            if self.is_sparse and isinstance(index, tuple) and step == slice(None):
                dim += 1
            elif self.is_sparse:
                raise _messages.not_run("aten::as_strided", self)
            else:
                raise RuntimeError("Sparse CSR tensors do not have strides")
        else:
            raise _messages.not_run("aten::index.Tensor", self)
    return result


class _Whole:
    """Stands for a dimension that an ellipsis leaves as it is."""


_WHOLE: Any = _Whole()


@implements("__setitem__", "index_put_")
def _setitem(self: Any, index: Any, value: Any = None, *rest: Any) -> Any:
    if isinstance(self, SparseTensor):
        raise _messages.not_run("aten::as_strided", self)
    raise _messages.copy_between(self, value)


# Joining


def cat(tensors: Any, dim: int = 0) -> SparseTensor:
    """Return sparse tensors joined along a dimension."""
    for position, each in enumerate(tensors):
        if not isinstance(each, SparseTensor):
            raise _messages.joined_dense(position)
        if not each.is_sparse:
            raise RuntimeError("Sparse CSR tensors do not have is_contiguous")
    first = tensors[0]
    dim = _dim(first, dim)
    sparse = first.sparse_dim()
    for position, each in enumerate(tensors):
        same = len(each.shape) == len(first.shape) and all(
            own == other
            for place, (own, other) in enumerate(zip(each.shape, first.shape))
            if place != dim
        )
        if not same:
            raise _messages.joined_shapes(first.shape, each.shape, position)
        if each.sparse_dim() != sparse:
            raise _messages.joined_kinds(first, each, position)
    dtype = first.dtype
    for each in tensors[1:]:
        dtype = torch.promote_types(dtype, each.dtype)
    size = list(first.shape)
    size[dim] = sum(each.shape[dim] for each in tensors)
    indices, values, offset = [], [], 0
    for each in tensors:
        own = index_array(each)
        elements = each._elements.to(dtype)
        if dim < sparse:
            own = own.copy()
            own[dim] += offset
        else:
            place = dim - sparse + 1
            before = list(elements.shape)
            after = list(elements.shape)
            before[place], after[place] = offset, size[dim] - offset - each.shape[dim]
            elements = torch.cat(
                [elements.new_zeros(before), elements, elements.new_zeros(after)], place
            )
        indices.append(own)
        values.append(elements)
        offset += each.shape[dim]
    return make_coo(np.concatenate(indices, axis=1), torch.cat(values), size, False)


@implements("cat", "concat", "concatenate", node="CatBackward0")
def _cat(tensors: Any, dim: int = 0, *, out: Any = None) -> Any:
    return cat(list(tensors), dim)


@implements("stack")
def _stack(tensors: Any, dim: int = 0, *, out: Any = None) -> Any:
    place = _dim(tensors[0], dim, 1)
    return cat([each.unsqueeze(place) for each in tensors], place)


@implements("vstack", "row_stack", node="CatBackward0")
def _vstack(tensors: Any, *, out: Any = None) -> Any:
    return cat([each.unsqueeze(0) if each.dim() == 1 else each for each in tensors], 0)


@implements("hstack", node="CatBackward0")
def _hstack(tensors: Any, *, out: Any = None) -> Any:
    return cat(list(tensors), 0 if tensors[0].dim() == 1 else 1)


@implements("broadcast_tensors")
def _broadcast_tensors(*tensors: Any) -> Any:
    if any(each.shape != tensors[0].shape for each in tensors):
        raise _messages.expanded()
    return tuple(tensors)


@implements("expand", "expand_as", "repeat", "tile", "broadcast_to")
def _expand(input: Any, *args: Any, **kwargs: Any) -> Any:
    raise _messages.expanded()


@implements("reshape", "flatten", "ravel", "reshape_as", "unflatten")
def _reshape(input: Any, *args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("reshape is not implemented for sparse tensors")
