"""Making sparse tensors of indices and values: ``torch.sparse_coo_tensor`` and its relatives."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._core import layout as layouts
from .._core import once
from .._core.dtypes import is_inexact
from .._core.schema.schema import Schema
from .._engine.declare import publish
from .._engine.recording.signatures import CallSignature
from .._tensor.tensor import Tensor
from . import _invariants, _messages
from ._tensor import COMPRESSED, make_compressed, make_coo

_OPTIONS = (
    "*, ScalarType dtype=None, Device? device=None, bool pin_memory=False, "
    "bool requires_grad=False, bool check_invariants=None"
)
_COO = Schema(
    f"sparse_coo_tensor(PyObject* indices, PyObject* values, {_OPTIONS}, bool is_coalesced=None)",
    f"sparse_coo_tensor(PyObject* indices, PyObject* values, IntArrayRef size, {_OPTIONS}, "
    "bool is_coalesced=None)",
    "sparse_coo_tensor(IntArrayRef size, *, ScalarType dtype=None, Device? device=None, "
    "bool requires_grad=False, bool check_invariants=None)",
)


def _values_of(data: Any, dtype: Any, device: Any) -> Any:
    """Return values as a tensor that shares memory with the data, where they are a tensor."""
    if isinstance(data, Tensor):
        wanted = data.dtype if dtype is None else dtype
        place = data.device if device is None else device
        return data.to(device=place, dtype=wanted)
    if isinstance(data, str):
        raise TypeError("new(): invalid data type 'str'")
    return torch.tensor(data, dtype=dtype, device=device)


def _indices_of(data: Any, device: Any, keeps_int32: bool = False) -> Any:
    """Return indices as a tensor of int64 (or int32, where that is allowed and given)."""
    if isinstance(data, Tensor):
        if keeps_int32 and data.dtype is not torch.int64:
            return data.detach().to(device)  # what it may be is checked where that is wanted
        return data.detach().to(device=device, dtype=torch.int64)
    return torch.tensor(data, device=device).to(torch.int64)


def _is_leaf_wanted(values: Any, requires_grad: bool) -> Any:
    """Return values that a tensor may own: they require grad where that was asked for."""
    if values.requires_grad and torch.is_grad_enabled():
        return values.view_as(values)
    values = values.detach()
    if requires_grad and not is_inexact(values.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return values.requires_grad_() if requires_grad else values


def warn_unchecked() -> None:
    """Warn, once in a process, that nothing is checked unless that is asked for."""
    if _invariants.state.enabled is None:
        once.warn(
            "sparse invariants",
            "Sparse invariant checks are implicitly disabled. Memory errors (e.g. SEGFAULT) will "
            "occur when operating on a sparse tensor which violates the invariants, but checks "
            "incur performance overhead. To silence this warning, explicitly opt in or out. See "
            "`torch.sparse.check_sparse_tensor_invariants.__doc__` for guidance. ",
        )


def sparse_coo_tensor(*args: Any, **kwargs: Any) -> Any:
    """Make a tensor in coordinate layout: values, and where they stand.

    Args:
        indices: of shape (sparse dimensions, elements); a tensor, lists or an array.
        values: of shape (elements, dense dimensions...).
        size: the shape, by default the least that has room for the indices. Alone: a tensor
            without elements.
        dtype, device: of the values, by default their own.
        requires_grad: whether gradients are computed for it.
        check_invariants: whether to look at the indices, by default as
            ``torch.sparse.check_sparse_tensor_invariants`` says.
        is_coalesced: whether to take the indices for sorted and unique.

    Raises:
        RuntimeError: shapes or indices do not fit.
    """
    index, bound = _COO.bind(args, kwargs)
    dtype, device = bound["dtype"], bound["device"]
    requires_grad = bool(bound["requires_grad"])
    if index == 2:
        size = _checked_size(bound["size"])
        values = torch.empty(0, dtype=dtype, device=device)
        indices = torch.empty((len(size), 0), dtype=torch.int64, device=values.device)
        result = make_coo(indices, values, size, True)
        return result.requires_grad_() if requires_grad else result
    values = _values_of(bound["values"], dtype, device)
    indices = _indices_of(bound["indices"], values.device)
    if values.dim() == 0:
        values = values.expand(1)
    if indices.dim() == 1 and not indices.numel():
        indices = indices.reshape(0, 0)
    if indices.dim() != 2:
        raise _messages.indices_rank(indices.shape)
    given = bound.get("size")
    size = _checked_size(_inferred_size(indices, values) if given is None else given)
    if _invariants.is_checked(bound["check_invariants"]):
        _invariants.check_coo(indices, values, size)
        if bound.get("is_coalesced"):
            _invariants.check_coalesced(indices, size)
    _check_shapes(indices, values, size)
    if bound["check_invariants"] is None:
        warn_unchecked()
    values = _is_leaf_wanted(values, requires_grad)
    result = make_coo(indices, values, size, bool(bound.get("is_coalesced")))
    result._name = "SparseCooTensorWithDimsAndTensorsBackward0"
    return result


def _checked_size(size: Any) -> tuple[int, ...]:
    for number in size:
        if number < 0:
            raise RuntimeError("numel: integer multiplication overflow")
    return tuple(size)


def _inferred_size(indices: Any, values: Any) -> tuple[int, ...]:
    dimensions, count = indices.shape
    if not count and dimensions:
        return (0,) * dimensions + tuple(values.shape[1:])
    sizes = []
    for dim, row in enumerate(indices.tolist()):
        if row and min(row) < 0:
            raise _messages.negative_index(min(row), dim)
        sizes.append(max(row) + 1)
    return (*sizes, *values.shape[1:])


def _check_shapes(indices: Any, values: Any, size: tuple[int, ...]) -> None:
    dimensions = indices.shape[0]
    dense = values.dim() - 1
    if dimensions + dense != len(size):
        raise _messages.dimensions(len(size), dimensions, dense)
    if indices.shape[1] != values.shape[0]:
        raise _messages.different_counts(indices.shape[1], values.shape[0])
    expected = (values.shape[0], *size[dimensions:])
    if tuple(values.shape) != expected:
        raise _messages.values_size(expected, tuple(values.shape))


_NAMES = {
    layouts.sparse_csr: ("crow_indices", "col_indices"),
    layouts.sparse_csc: ("ccol_indices", "row_indices"),
    layouts.sparse_bsr: ("crow_indices", "col_indices"),
    layouts.sparse_bsc: ("ccol_indices", "row_indices"),
}


def _compressed_schema(name: str, first: str, second: str) -> Schema:
    options = _OPTIONS
    if name == "sparse_compressed_tensor":
        options = options.replace("Device?", "Layout? layout=None, Device?")
    return Schema(
        f"{name}(PyObject* {first}, PyObject* {second}, PyObject* values, IntArrayRef size, "
        f"{options})",
        f"{name}(PyObject* {first}, PyObject* {second}, PyObject* values, {options})",
    )


def warn_beta(layout: Any) -> None:
    """Warn, once in a process for all compressed layouts, that they are not finished."""
    name = str(layout).removeprefix("torch.sparse_").upper()
    once.warn(
        "compressed sparse layouts",
        f"Sparse {name} tensor support is in beta state. If you miss a functionality in the "
        "sparse tensor support, please submit a feature request to "
        "https://github.com/pytorch/pytorch/issues.",
    )


def _compressed(schema: Schema, layout: Any, names: tuple[str, str], args: Any, kwargs: Any) -> Any:
    _, bound = schema.bind(args, kwargs)
    layout = bound.get("layout") or layout
    if layout not in COMPRESSED:
        raise _messages.not_compressed(layout)
    values = _values_of(bound["values"], bound["dtype"], bound["device"])
    compressed = _indices_of(bound[names[0]], values.device, True)
    plain = _indices_of(bound[names[1]], values.device, True)
    size = bound.get("size")
    if size is None:
        size = _inferred_compressed_size(layout, compressed, plain, values)
    size = _checked_size(size)
    if _invariants.is_checked(bound["check_invariants"]):
        _invariants.check_compressed(layout, compressed, plain, values, size)
    elif bound["check_invariants"] is None:
        warn_unchecked()
    warn_beta(layout)
    values = _is_leaf_wanted(values, bool(bound["requires_grad"]))
    result = make_compressed(layout, compressed, plain, values, size)
    result._name = "SparseCompressedTensorBackward0"
    return result


def _inferred_compressed_size(layout: Any, compressed: Any, plain: Any, values: Any) -> tuple:
    dimension, blocks = COMPRESSED[layout]
    batch = compressed.dim() - 1
    block = tuple(values.shape[batch + 1 : batch + 3]) if blocks else (1, 1)
    main = (compressed.shape[-1] - 1) * block[dimension]
    other = (int(plain.max()) + 1 if plain.numel() else 0) * block[1 - dimension]
    dense = tuple(values.shape[batch + (3 if blocks else 1) :])
    sizes = (main, other) if dimension == 0 else (other, main)
    return (*compressed.shape[:-1], *sizes, *dense)


def _compressed_function(name: str, layout: Any, first: str, second: str) -> Any:
    schema = _compressed_schema(name, first, second)

    def function(*args: Any, **kwargs: Any) -> Any:
        return _compressed(schema, layout, (first, second), args, kwargs)

    function.__name__ = function.__qualname__ = name
    function.__signature__ = CallSignature(schema)  # type: ignore[attr-defined]
    what = "a compressed sparse layout" if layout is None else f"the layout ``{layout}``"
    function.__doc__ = f"""Make a tensor in {what}.

    Args:
        {first}: where each row (or column) begins among the elements, and where the last ends.
        {second}: the column (or row) of each element, sorted within each row (or column).
        values: the elements, or blocks of them.
        size: the shape, by default the least that has room for the indices.
        dtype, device: of the values, by default their own.
        requires_grad: whether gradients are computed for it.
        check_invariants: whether to look at the indices.

    Raises:
        RuntimeError: shapes or indices do not fit.
    """
    return function


sparse_coo_tensor.__signature__ = CallSignature(_COO)  # type: ignore[attr-defined]
publish("sparse_coo_tensor", sparse_coo_tensor)
for _layout, (_first, _second) in _NAMES.items():
    _public = str(_layout).removeprefix("torch.") + "_tensor"
    publish(_public, _compressed_function(_public, _layout, _first, _second))
sparse_compressed_tensor = _compressed_function(
    "sparse_compressed_tensor", None, "compressed_indices", "plain_indices"
)
publish("sparse_compressed_tensor", sparse_compressed_tensor)
