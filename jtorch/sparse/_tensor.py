"""A sparse tensor: index tensors and a tensor of values, which are ordinary tensors.

What is done to the elements is recorded on the values, so gradients, interpreter and compiler know
nothing of sparse layouts. Indices are read on the host, as the number of elements of a result
follows from them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import jtorch as torch

from .._core import layout as layouts
from .._engine.graph.values import SparseBase
from .._engine.recording.overrides import NotPlain
from .._engine.recording.storage import version_of
from .._tensor.tensor import Tensor
from . import _messages, _patterns

#: Layouts with a compressed dimension: which one it is (0: rows), and whether there are blocks.
COMPRESSED = {
    layouts.sparse_csr: (0, False),
    layouts.sparse_csc: (1, False),
    layouts.sparse_bsr: (0, True),
    layouts.sparse_bsc: (1, True),
}


class _NodeOfSparse:
    """Base of what ``grad_fn`` of a sparse tensor is: the node of its values, by its own name."""

    def __init__(self, node: Any):
        self._node = node

    def name(self) -> str:
        """Return the name of the operator's backward."""
        return type(self).__name__

    @property
    def next_functions(self) -> tuple:
        """The nodes that the gradient flows on to, each with the number of its output."""
        return self._node.next_functions

    @property
    def metadata(self) -> dict:
        """A dict for whatever a user wants to note."""
        return self._node.metadata

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self._node):#x}>"


_node_classes: dict[str, type] = {}


def _node_class(name: str) -> type:
    if name not in _node_classes:
        _node_classes[name] = type(name, (_NodeOfSparse,), {})
    return _node_classes[name]


class SparseTensor(Tensor, SparseBase):
    """A tensor of which only some elements are kept, with their indices.

    Its methods are those of ``Tensor``; each is dispatched to the table of sparse operators.
    """

    __slots__ = ("_layout", "_size", "_index_tensors", "_elements", "_coalesced", "_name", "_view")
    __module__ = "torch"

    _layout: Any
    _size: Any
    _index_tensors: tuple[Any, ...]
    _elements: Any
    _coalesced: bool
    _name: str | None
    _view: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return Tensor(*args, **kwargs)

    @property
    def _value(self) -> Any:  # type: ignore[override]
        raise NotPlain

    @classmethod
    def __torch_function__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function on arguments among which there are sparse tensors."""
        from ._table import call

        return call(func, args, kwargs or {})

    # What is known at once

    @property
    def shape(self) -> Any:
        """The sizes of the dimensions."""
        return self._size

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self._elements.dtype

    @property
    def device(self) -> Any:
        """Where the elements are."""
        return self._elements.device

    @property
    def layout(self) -> Any:
        """How the elements are kept."""
        return self._layout

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self._size)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def is_sparse(self) -> bool:
        """Whether the layout is ``torch.sparse_coo``."""
        return self._layout is layouts.sparse_coo

    @property
    def is_sparse_csr(self) -> bool:
        """Whether the layout is ``torch.sparse_csr``."""
        return self._layout is layouts.sparse_csr

    @property
    def is_cuda(self) -> bool:
        """Whether the elements are on a GPU."""
        return self.device.type == "cuda"

    @property
    def is_cpu(self) -> bool:
        """Whether the elements are on the CPU."""
        return self.device.type == "cpu"

    @property
    def is_meta(self) -> bool:
        """Whether there are no elements, but only their sizes."""
        return self.device.type == "meta"

    @property
    def is_quantized(self) -> bool:
        """Whether it is quantised."""
        return False

    @property
    def is_nested(self) -> bool:
        """Whether it is a nested tensor."""
        return False

    @property
    def is_mkldnn(self) -> bool:
        """Whether it lies in MKL-DNN's own order."""
        return False

    @property
    def names(self) -> tuple:
        """The names of the dimensions: none."""
        return (None,) * self.ndim

    @property
    def _version(self) -> int:
        return version_of(self._elements)

    @property
    def _base(self) -> None:
        return None

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the size of one dimension."""
        if dim is None:
            return self._size
        if not -self.ndim <= dim < self.ndim:
            raise _messages.no_such_dim(dim, self.ndim)
        return self._size[dim]

    def dim(self) -> int:
        """Return the number of dimensions."""
        return len(self._size)

    ndimension = dim

    def numel(self) -> int:
        """Return the number of elements, kept or not."""
        return self._size.numel()

    nelement = numel

    def element_size(self) -> int:
        """Return the bytes of one element."""
        return self.dtype.itemsize

    def is_floating_point(self) -> bool:
        """Tell whether the elements are floating point numbers."""
        return self._elements.is_floating_point()

    def is_complex(self) -> bool:
        """Tell whether the elements are complex."""
        return self._elements.is_complex()

    def is_signed(self) -> bool:
        """Tell whether the elements have a sign."""
        return self._elements.is_signed()

    def is_inference(self) -> bool:
        """Tell whether it was made in inference mode."""
        return self._elements.is_inference()

    def sparse_dim(self) -> int:
        """Return the number of dimensions that are indexed."""
        return len(self._index_tensors[0]) if self.is_sparse else 2

    def dense_dim(self) -> int:
        """Return the number of dimensions of one value."""
        if self.is_sparse:
            return self._elements.dim() - 1
        return self.ndim - 2 - self.batch_dim()

    def batch_dim(self) -> int:
        """Return the number of batch dimensions in front (of compressed layouts)."""
        return 0 if self.is_sparse else self._index_tensors[0].dim() - 1

    def blocksize(self) -> tuple[int, int]:
        """Return rows and columns of a block, 1 and 1 where there are no blocks."""
        if self._layout in COMPRESSED and COMPRESSED[self._layout][1]:
            start = self.batch_dim() + 1
            rows, columns = self._elements.shape[start : start + 2]
            return rows, columns
        return 1, 1

    def nnz(self) -> int:
        """Return how many elements (or blocks) are kept."""
        return self._index_tensors[-1].shape[-1]

    def __len__(self) -> int:
        if not self._size:
            raise TypeError("len() of a 0-d tensor")
        return self._size[0]

    def __iter__(self) -> Any:
        return iter(self.unbind(0))

    def __hash__(self) -> int:
        return id(self)

    # Gradients: those of the values

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to or through this tensor."""
        return self._elements.requires_grad

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        self._elements.requires_grad_(flag)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Make a leaf require grad, or no longer."""
        self._elements.requires_grad_(requires_grad)
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it is not the result of a recorded operator."""
        return self._elements.is_leaf

    @property
    def grad_fn(self) -> Any:
        """The node that this tensor is a result of, ``None`` for a leaf."""
        node = self._elements.grad_fn
        if node is None:
            return None
        name = self._name or type(node).__name__
        return _node_class(name)(node)

    @property
    def output_nr(self) -> int:
        """Which output of its ``grad_fn`` this tensor is."""
        return 0

    @property
    def grad(self) -> Any:
        """The gradient that ``backward()`` accumulated here: at the elements that are kept."""
        gradient = self._elements.grad
        if gradient is None:
            return None
        seen = self._view
        if seen is None or seen[0] is not gradient:
            seen = self._view = (gradient, gradient_like(self, gradient))
        return seen[1]

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is None:
            self._elements.grad = None
            return
        if not isinstance(value, Tensor):
            raise _messages.gradient_class(value)
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        from ._conversion import at_elements_of

        self._elements.grad = at_elements_of(value, self).detach()
        self._view = None

    @grad.deleter
    def grad(self) -> None:
        self._elements.grad = None

    @property
    def retains_grad(self) -> bool:
        """Whether this result keeps its gradient."""
        return self._elements.retains_grad

    def retain_grad(self) -> None:
        """Keep this result's gradient in ``.grad`` when it is computed."""
        self._elements.retain_grad()

    @property
    def data(self) -> Any:
        """The same elements, without history."""
        return with_values(self, self._elements.data)

    @data.setter
    def data(self, value: Any) -> None:
        if not isinstance(value, SparseTensor) or value._layout is not self._layout:
            raise _messages.incompatible_data()
        self._elements.data = value._elements
        self._index_tensors, self._size = value._index_tensors, value._size
        self._coalesced = value._coalesced


SparseTensor.__name__ = SparseTensor.__qualname__ = "Tensor"


def _new(layout: Any, indices: tuple, values: Any, size: Any, coalesced: bool) -> SparseTensor:
    tensor = object.__new__(SparseTensor)
    tensor._alias = None
    tensor._writes = 0
    tensor._extra = None
    tensor._layout = layout
    tensor._size = torch.Size(size)
    tensor._index_tensors = indices
    tensor._elements = values
    tensor._coalesced = coalesced
    tensor._name = None
    tensor._view = None
    return tensor


def make_coo(indices: Any, values: Any, size: Any, coalesced: bool = False) -> SparseTensor:
    """Return a tensor in coordinate layout.

    Args:
        indices: of shape (sparse dimensions, elements), a tensor or an array of int64.
        values: of shape (elements, dense dimensions...).
        size: of the sparse dimensions, then of the dense ones.
        coalesced: whether the indices are sorted and none stands twice.
    """
    indices = as_index_tensor(indices, values.device)
    if indices.shape[1] < 2:
        coalesced = True
    return _new(layouts.sparse_coo, (indices,), values, size, coalesced)


def make_compressed(
    layout: Any, compressed: Any, plain: Any, values: Any, size: Any
) -> SparseTensor:
    """Return a tensor of compressed rows or columns.

    Args:
        layout: one of ``COMPRESSED``.
        compressed: where each row (or column) begins among the elements, and where the last ends.
        plain: the column (or row) of each element.
        values: the elements, or blocks of them.
        size: of the batch dimensions, the rows, the columns, then the dense dimensions.
    """
    device = values.device
    indices = (as_index_tensor(compressed, device), as_index_tensor(plain, device))
    return _new(layout, indices, values, size, True)


def with_values(tensor: Any, values: Any, coalesced: bool | None = None) -> SparseTensor:
    """Return a tensor with the same indices and other values.

    Args:
        tensor: a sparse tensor.
        values: the values, of the same shape.
        coalesced: whether it is, by default as ``tensor`` is.
    """
    flag = tensor._coalesced if coalesced is None else coalesced
    return _new(tensor._layout, tensor._index_tensors, values, tensor._size, flag)


def gradient_like(tensor: Any, gradient: Any) -> SparseTensor:
    """Return the gradient of a sparse tensor, given that of its values.

    An element that stands several times has as many equal gradients; the first is kept.
    """
    if tensor._coalesced or not tensor.is_sparse:
        return with_values(tensor, gradient)
    indices = index_array(tensor)
    kept, first, _ = _patterns.unique(indices, tensor._size)
    if kept.shape[1] == indices.shape[1]:
        return with_values(tensor, gradient)
    return make_coo(kept, gradient[from_array(first, gradient.device)], tensor._size)


def become(tensor: Any, other: Any) -> Any:
    """Give a tensor the indices and the values of another one, in place."""
    tensor._index_tensors, tensor._elements = other._index_tensors, other._elements
    tensor._size, tensor._coalesced = other._size, other._coalesced
    tensor._layout, tensor._name = other._layout, other._name
    tensor._view = None
    return tensor


def from_array(array: np.ndarray, device: Any = None) -> Any:
    """Return a tensor of an array of integers."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor if device is None or device.type == "cpu" else tensor.to(device)


def as_index_tensor(indices: Any, device: Any) -> Any:
    """Return indices as a tensor on a device."""
    if isinstance(indices, np.ndarray):
        return from_array(indices, device)
    return indices


def index_array(tensor: Any, which: int = 0) -> np.ndarray:
    """Return the indices of a sparse tensor as an array on the host, not to be written to."""
    return array_of(tensor._index_tensors[which])


def array_of(tensor: Any) -> np.ndarray:
    """Return the elements of an index tensor on the host."""
    return tensor.detach().cpu().numpy()


def is_sparse_tensor(value: Any) -> bool:
    """Tell whether a value is a tensor of a sparse layout."""
    return isinstance(value, SparseTensor)
