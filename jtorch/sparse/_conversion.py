"""Conversions, copies and questions: ``to_dense``, ``to_sparse``, ``coalesce`` and others."""

from __future__ import annotations

import copy
from typing import Any

import jtorch as torch

from .._core import layout as layouts
from .._engine.declare import publish
from . import _layouts, _messages
from ._construction import warn_beta
from ._layouts import at_elements_of as at_elements_of
from ._table import attribute, implements
from ._tensor import COMPRESSED, SparseTensor, _new, become, make_coo, with_values

# What it is made of


def _answer(name: str, expected: str, layouts_of: Any) -> Any:
    """Return a check that the layout is one that has such indices."""

    def check(tensor: Any) -> None:
        if tensor.layout not in layouts_of:
            raise _messages.expected_layout(name, expected, tensor.layout)

    return check


_COORDINATE = (layouts.sparse_coo,)
_ROWS = (layouts.sparse_csr, layouts.sparse_bsr)
_COLUMNS = (layouts.sparse_csc, layouts.sparse_bsc)
_is_coordinate = {
    name: _answer(name, "sparse coordinate tensor", _COORDINATE)
    for name in ("indices", "coalesce", "is_coalesced")
}


@implements("indices")
def _indices_of(self: Any) -> Any:
    _is_coordinate["indices"](self)
    if not self._coalesced:
        raise _messages.uncoalesced("indices")
    return self._index_tensors[0]


@implements("values")
def _values_of(self: Any) -> Any:
    if not self._coalesced:
        raise _messages.uncoalesced("values")
    return self._elements.view_as(self._elements) if self.requires_grad else self._elements


def _compressed_part(name: str, expected: str, allowed: Any, place: int) -> None:
    check = _answer(name, expected, allowed)

    @implements(name)
    def part(self: Any) -> Any:
        check(self)
        return self._index_tensors[place]


_compressed_part("crow_indices", "sparse row compressed tensor", _ROWS, 0)
_compressed_part("col_indices", "sparse row compressed tensor", _ROWS, 1)
_compressed_part("ccol_indices", "sparse column compressed tensor", _COLUMNS, 0)
_compressed_part("row_indices", "sparse column compressed tensor", _COLUMNS, 1)


@implements("is_coalesced")
def _is_coalesced(self: Any) -> bool:
    _is_coordinate["is_coalesced"](self)
    return self._coalesced


@implements("coalesce")
def _coalesce(self: Any) -> Any:
    _is_coordinate["coalesce"](self)
    return _layouts.coalesce(self)


def _hidden(name: str, function: Any, coordinate_only: bool) -> None:
    """Publish a method that PyTorch has for sparse tensors alone; it refuses others."""

    def method(self: Any, *args: Any) -> Any:
        if isinstance(self, SparseTensor) and (self.is_sparse or not coordinate_only):
            return function(self, *args)
        raise _messages.not_run(f"aten::{name}", self)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = function.__doc__
    publish(name, method=method)
    implements(name)(method)


def _set_coalesced(self: Any, coalesced: bool) -> Any:
    """Say whether the indices are sorted and unique, without looking."""
    self._coalesced = bool(coalesced)
    return self


_hidden("_nnz", SparseTensor.nnz, False)
_hidden("_indices", lambda self: self._index_tensors[0], True)
_hidden("_values", lambda self: self._elements.detach(), True)
_hidden("_coalesced_", _set_coalesced, True)
_hidden("_dimI", SparseTensor.sparse_dim, True)
_hidden("_dimV", SparseTensor.dense_dim, True)


def _copied(name: str) -> None:
    @implements(f"{name}_copy")
    def copied(input: Any, *, out: Any = None) -> Any:
        return getattr(input, name)().clone()


for _name in ("indices", "values", "crow_indices", "col_indices", "ccol_indices", "row_indices"):
    _copied(_name)


# From and to dense tensors


@implements("to_dense", node="ToDenseBackward0")
def _to_dense(self: Any, dtype: Any = None, *, masked_grad: bool | None = None) -> Any:
    if dtype is not None:
        raise RuntimeError("dtype argument is not supported by sparse_to_dense")
    return _layouts.to_dense(self)


def _to_layout(
    self: Any, layout: Any, sparse_dim: Any, blocksize: Any, dense_dim: Any, name: str
) -> Any:
    if isinstance(self, SparseTensor):
        return _from_sparse(self, layout, sparse_dim, blocksize)
    if layout is layouts.strided:
        return self
    if layout is layouts.sparse_coo:
        dimensions = self.dim() if sparse_dim is None else sparse_dim
        if self.dim() and not 0 < dimensions <= self.dim():
            raise _messages.sparse_dim(dimensions, self.dim())
        return _named(_layouts.dense_to_coo(self, dimensions), "ToSparseBackward0")
    dense = 0 if dense_dim is None else dense_dim
    if not 0 <= dense <= max(self.dim() - 2, 0):
        raise _messages.dense_dim(name, max(self.dim() - 2, 0), dense)
    if self.dim() - dense < 2:
        raise _messages.two_dimensions(self.shape)
    if COMPRESSED[layout][1]:
        if blocksize is None:
            raise _messages.blocksize_needed(layouts.strided, layout)
        start = self.dim() - dense - 2
        rows, columns = self.shape[start : start + 2]
        if rows % blocksize[0] or columns % blocksize[1]:
            raise _messages.blocksize_divides(name, (rows, columns), blocksize)
    warn_beta(layout)
    indices = _pattern_of_blocks(self, layout, blocksize, dense)
    return _named(
        _layouts.compress(
            layout, indices, _layouts.values_at(self, indices), self.shape, blocksize
        ),
        "".join(part.capitalize() for part in name.split("_")) + "Backward0",
    )


def _pattern_of_blocks(dense: Any, layout: Any, blocksize: Any, dense_dim: int) -> Any:
    import numpy as np

    indices = _layouts.pattern_of(dense, dense.dim() - dense_dim)
    if not COMPRESSED[layout][1]:
        return indices
    height, width = blocksize
    corners = np.concatenate([indices[:-2], indices[-2:-1] // height, indices[-1:] // width])
    kept = np.unique(corners, axis=1)
    row = kept[-2][:, None, None] * height + np.arange(height)[None, :, None]
    column = kept[-1][:, None, None] * width + np.arange(width)[None, None, :]
    shape = (kept.shape[1], height, width)
    batches = [np.repeat(each, height * width) for each in kept[:-2]]
    return np.stack(
        [
            *batches,
            np.broadcast_to(row, shape).reshape(-1),
            np.broadcast_to(column, shape).reshape(-1),
        ]
    )


def _from_sparse(tensor: SparseTensor, layout: Any, sparse_dim: Any, blocksize: Any) -> Any:
    if sparse_dim is not None and sparse_dim != tensor.sparse_dim():
        if tensor.is_sparse:
            raise _messages.other_sparse_dim()
        raise _messages.other_sparse_dim_of_compressed(tensor.layout)
    if layout is layouts.strided:
        return _layouts.to_dense(tensor)
    if layout is tensor.layout and (blocksize is None or tuple(blocksize) == tensor.blocksize()):
        return tensor
    if layout is layouts.sparse_coo:
        return _layouts.to_coo(tensor)
    if COMPRESSED[layout][1]:
        if blocksize is None:
            raise _messages.blocksize_needed(tensor.layout, layout)
        rows, columns = tensor.shape[tensor.batch_dim() : tensor.batch_dim() + 2]
        if rows % blocksize[0] or columns % blocksize[1]:
            raise _messages.blocksize_divides("to_sparse_bsr", (rows, columns), blocksize)
    if tensor.is_sparse and tensor.sparse_dim() != 2:
        raise _messages.two_sparse_dimensions(tensor, layout)
    warn_beta(layout)
    return _layouts.to_compressed(tensor, layout, blocksize)


def _named(tensor: Any, name: str) -> Any:
    if tensor.requires_grad:
        tensor._name = name
    return tensor


def to_sparse(
    self: Any,
    *args: Any,
    layout: Any = None,
    blocksize: Any = None,
    dense_dim: Any = None,
    **rest: Any,
) -> Any:
    """Return the elements that are not zero in a sparse layout.

    Args:
        sparse_dim: how many dimensions are indexed, all unless given.
        layout: ``torch.sparse_coo`` unless given.
        blocksize: of the layouts in blocks.
        dense_dim: of the compressed layouts, how many dimensions a value has.

    Raises:
        RuntimeError: an argument does not fit the shape.
    """
    sparse_dim = rest.get("sparse_dim", args[0] if args else None)
    wanted = layouts.sparse_coo if layout is None else layout
    return _to_layout(self, wanted, sparse_dim, blocksize, dense_dim, "dense_to_sparse")


def _method_to(name: str, layout: Any) -> None:
    blocks = layout in COMPRESSED and COMPRESSED[layout][1]

    if layout is layouts.sparse_coo:

        def method(self: Any) -> Any:
            return _to_layout(self, layout, None, None, None, "to_sparse")

    elif blocks:

        def method(self: Any, blocksize: Any, dense_dim: Any = None) -> Any:  # type: ignore[misc]
            return _to_layout(self, layout, None, tuple(blocksize), dense_dim, f"dense_{name}")

    else:

        def method(self: Any, dense_dim: Any = None) -> Any:  # type: ignore[misc]
            return _to_layout(self, layout, None, None, dense_dim, f"dense_{name}")

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"""Return the elements that are not zero, in the layout ``{layout}``.

    Raises:
        RuntimeError: an argument does not fit the shape.
    """
    publish(name, method=method)
    implements(name)(method)


publish("to_sparse", method=to_sparse)
implements("to_sparse")(to_sparse)
_method_to("to_sparse_coo", layouts.sparse_coo)
for _layout in COMPRESSED:
    _method_to("to_" + str(_layout).removeprefix("torch."), _layout)


def sparse_mask(self: Any, mask: Any) -> Any:
    """Return the elements of this tensor at those that a sparse tensor keeps, in its layout.

    Args:
        mask: a sparse tensor of the same shape; its values do not matter.

    Raises:
        RuntimeError: shapes differ.
        NotImplementedError: the mask is dense.
    """
    if not isinstance(mask, SparseTensor):
        raise _messages.not_run("aten::sparse_mask", mask)
    if self.shape != mask.shape:
        raise _messages.mask_size(self.shape, mask.shape)
    if mask._coalesced or isinstance(self, SparseTensor):
        return with_values(mask, at_elements_of(self, mask))
    return with_values(mask, at_elements_of(self, mask))


publish("sparse_mask", method=sparse_mask)
implements("sparse_mask")(sparse_mask)


# Copies


@implements("clone")
def _clone(self: Any, *, memory_format: Any = None) -> Any:
    result = with_values(self, self._elements.clone())
    result._index_tensors = tuple([each.clone() for each in self._index_tensors])
    return result


@implements("detach", "alias")
def _detach(self: Any) -> Any:
    return with_values(self, self._elements.detach())


@implements("detach_")
def _detach_in_place(self: Any) -> Any:
    self._elements = self._elements.detach()
    self._name = None
    return self


@implements("contiguous")
def _contiguous(self: Any, memory_format: Any = None) -> Any:
    raise RuntimeError("unsupported memory format option Contiguous")


def _moved(tensor: SparseTensor, values: Any) -> Any:
    if values is tensor._elements:
        return tensor
    if values.is_meta and tensor.is_sparse:
        indices = torch.empty((tensor.sparse_dim(), 0), dtype=torch.int64, device="meta")
        empty = torch.empty((0, *values.shape[1:]), dtype=values.dtype, device="meta")
        return make_coo(indices, empty, tensor._size, True)
    result = with_values(tensor, values)
    if values.device is not tensor.device:
        result._index_tensors = tuple([each.to(values.device) for each in tensor._index_tensors])
    return result


@implements("to")
def _to(self: Any, *args: Any, **kwargs: Any) -> Any:
    if args and isinstance(args[0], SparseTensor):
        args = (args[0].device, args[0].dtype, *args[1:])
    return _moved(self, self._elements.to(*args, **kwargs))


@implements("type")
def _type(self: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
    if dtype is not None:
        return _moved(self, self._elements.type(dtype))
    if not self.is_sparse:
        raise RuntimeError(f"Unimplemented backend {_messages.backend(self)}")
    return self._elements.type().replace("torch.", "torch.sparse.", 1)


def _like_conversion(name: str) -> None:
    @implements(name)
    def convert(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _moved(self, getattr(self._elements, name)(*args, **kwargs))


for _name in (
    *("double", "float", "half", "bfloat16", "int", "long", "short", "char", "byte", "bool"),
    *("cfloat", "cdouble", "cpu", "cuda"),
):
    _like_conversion(_name)


@implements("type_as")
def _type_as(self: Any, other: Any) -> Any:
    if not isinstance(self, SparseTensor) or other.layout is not self.layout:
        raise _messages.other_layout(self.layout, other.layout)
    return _to(self, other)


@implements("__copy__")
def _shallow_copy(self: Any) -> Any:
    return _new(self._layout, self._index_tensors, self._elements, self._size, self._coalesced)


@implements("__deepcopy__")
def _deep_copy(self: Any, memo: Any) -> Any:
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        return copy.deepcopy(self._elements, memo)  # refuses
    result = _clone(_detach(self)).requires_grad_(self.requires_grad)
    memo[id(self)] = result
    if self.grad is not None:
        result.grad = _clone(_detach(self.grad))
    return result


@implements("__reduce_ex__", "__reduce__")
def _reduce(self: Any, protocol: int = 2) -> Any:
    from ..serialization._save import reduce_tensor

    return reduce_tensor(self)


# Changing it in place


@implements("copy_")
def _copy_in_place(self: Any, src: Any = None, non_blocking: bool = False, **rest: Any) -> Any:
    other = rest.get("other", src)
    if not (isinstance(self, SparseTensor) and isinstance(other, SparseTensor)):
        raise _messages.copy_between(self, other)
    if self.requires_grad and self.is_leaf and torch.is_grad_enabled():
        self._elements.mul_(1)  # raises
    values = other._elements.to(self.dtype)
    copied = with_values(other, values.clone() if values is other._elements else values)
    return become(self, copied)


@implements("zero_")
def _zero(self: Any) -> Any:
    self._elements.detach().zero_()
    if not self.is_sparse:
        from ._factories import without_elements

        return become(
            self, without_elements(self.shape, self.layout, self.dtype, self.device, self)
        )
    values = torch.empty((0, *self._elements.shape[1:]), dtype=self.dtype, device=self.device)
    indices = torch.empty((self.sparse_dim(), 0), dtype=torch.int64, device=self.device)
    return become(self, make_coo(indices, values, self._size, True))


def _resized(self: Any, size: Any, sparse_dim: int, dense_dim: int, clear: bool) -> Any:
    if sparse_dim + dense_dim != len(size):
        raise _messages.dimensions(len(size), sparse_dim, dense_dim)
    if clear or not self.nnz():
        values = torch.empty((0, *size[sparse_dim:]), dtype=self.dtype, device=self.device)
        indices = torch.empty((sparse_dim, 0), dtype=torch.int64, device=self.device)
        return become(self, make_coo(indices, values, size, True))
    values = self._elements
    if values.shape[1:] != torch.Size(size[sparse_dim:]):
        grown = torch.zeros((self.nnz(), *size[sparse_dim:]), dtype=self.dtype, device=self.device)
        place = tuple(slice(0, min(a, b)) for a, b in zip(values.shape[1:], size[sparse_dim:]))
        grown[(slice(None), *place)] = values[(slice(None), *place)]
        values = grown
    return become(self, make_coo(self._index_tensors[0], values, size, self._coalesced))


def _resizing(name: str, clear: bool) -> None:
    def resize(self: Any, size: Any, sparse_dim: int, dense_dim: int) -> Any:
        if not isinstance(self, SparseTensor) or not self.is_sparse:
            raise _messages.not_run(f"aten::{name}", self)
        return _resized(self, tuple(size), sparse_dim, dense_dim, clear)

    resize.__name__ = resize.__qualname__ = name
    kept = "the elements are dropped" if clear else "the elements are kept"
    resize.__doc__ = f"""Change the shape of a sparse tensor in place; {kept}.

    Args:
        size: the shape.
        sparse_dim, dense_dim: how many dimensions are indexed, and how many a value has.
    """
    publish(name, method=resize)
    implements(name)(resize)


_resizing("sparse_resize_", False)
_resizing("sparse_resize_and_clear_", True)


def resize_as_sparse_(input: Any, the_template: Any) -> Any:
    """Give a sparse tensor the shape of another one, in place.

    Args:
        the_template: a sparse tensor.
    """
    if not isinstance(input, SparseTensor) or not input.is_sparse:
        raise _messages.not_run("aten::resize_as_sparse_", input)
    like = the_template
    return _resized(input, tuple(like.shape), like.sparse_dim(), like.dense_dim(), False)


publish("resize_as_sparse_", resize_as_sparse_, method=resize_as_sparse_)
implements("resize_as_sparse_")(resize_as_sparse_)


# Questions


@implements("is_same_size")
def _is_same_size(self: Any, other: Any) -> bool:
    return self.shape == other.shape


@implements("get_device")
def _get_device(self: Any) -> int:
    return self._elements.get_device()


@implements("is_pinned")
def _is_pinned(self: Any, device: Any = None) -> bool:
    return False


@implements("storage_offset")
def _storage_offset(self: Any) -> int:
    return 0


@implements("stride")
def _stride(self: Any, dim: Any = None) -> Any:
    if not self.is_sparse:
        raise RuntimeError("Sparse CSR tensors do not have strides")
    return (0,) * self.dim() if dim is None else 0


@implements("is_contiguous")
def _is_contiguous(self: Any, memory_format: Any = None) -> bool:
    if not self.is_sparse:
        raise RuntimeError("Sparse CSR tensors do not have is_contiguous")
    return False


@implements("data_ptr", "tolist")
def _data_ptr(self: Any) -> Any:
    raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")


@implements("storage", "untyped_storage", "_typed_storage", "share_memory_", "is_shared")
def _storage(self: Any) -> Any:
    raise NotImplementedError("Cannot access storage of SparseTensorImpl")


@attribute("nbytes")
def _nbytes(self: Any) -> Any:
    raise RuntimeError(
        "nbytes is not defined for sparse tensors.  If you want the size of the constituent "
        "tensors, add the nbytes of the indices and values.  If you want the size of the  "
        "equivalent dense tensor, multiply numel() by element_size()"
    )


@implements("numpy", "__array__")
def _numpy(self: Any, *args: Any, **kwargs: Any) -> Any:
    name = "Sparse" if self.is_sparse else _messages.LAYOUT_NAMES[self.layout]
    raise TypeError(f"can't convert {name} layout tensor to numpy. Use Tensor.to_dense() first.")


def _of_one_element(name: str) -> None:
    @implements(name)
    def convert(self: Any) -> Any:
        if self.numel() == 1 and not self.is_sparse:
            raise _messages.not_run("aten::_local_scalar_dense", self)
        small = self.numel() == 1
        dense = _layouts.to_dense(self) if small else torch.zeros(self.shape, dtype=self.dtype)
        return getattr(dense, name)()


for _name in (
    *("item", "__bool__", "__float__", "__int__", "__index__", "__complex__", "is_nonzero"),
    *("__nonzero__", "__long__"),
):
    _of_one_element(_name)
