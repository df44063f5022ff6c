"""Reductions of ``torch.masked`` over the elements that a sparse tensor keeps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import jtorch as torch

from .._core import layout as layouts
from . import _layouts, _patterns
from ._arithmetic import broadcast
from ._reductions import _dims
from ._tensor import SparseTensor, from_array, index_array, make_coo

#: What scatter calls a reduction, and what it gives of no elements.
_REDUCTIONS = {
    "sum": ("sum", 0.0),
    "prod": ("prod", 1.0),
    "amax": ("amax", -math.inf),
    "amin": ("amin", math.inf),
    "mean": ("mean", math.nan),
}
#: Reductions that take what is not kept for left out, where no mask says so.
_WITHOUT_MASK = ("sum", "prod")


def reduce(name: str, input: Any, dim: Any, keepdim: Any, dtype: Any, mask: Any) -> Any:
    """Return a reduction of a sparse tensor, as a sparse tensor of the same layout.

    Args:
        name: ``"sum"``, ``"prod"``, ``"amax"``, ``"amin"`` or ``"mean"``.
        input: in coordinate layout or of compressed rows.
        dim: the dimensions; all unless given.
        keepdim: whether they stay, with size 1.
        dtype: of the result.
        mask: which elements count; those that the tensor keeps unless given.

    Raises:
        ValueError: another layout, or no mask where one is needed.
        RuntimeError: of compressed rows dimensions have to stay.
    """
    allowed = ["sparse_csr"] if name == "mean" else ["sparse_coo", "sparse_csr"]
    given = str(input.layout).removeprefix("torch.")
    if given not in allowed:
        names = "strided or sparse_csr" if name == "mean" else "strided, sparse_coo or sparse_csr"
        raise ValueError(f"masked {name} expects {names} tensor (got {input.layout} tensor)")
    if mask is None and name not in _WITHOUT_MASK:
        raise ValueError(f"masked {name} expects explicit mask for {given} tensor input")
    compressed = input.layout is layouts.sparse_csr
    dims = _dims(input, dim) if input.dim() else []
    if compressed and not keepdim:
        raise RuntimeError("reduction operations on CSR tensors with keepdim=False is unsupported")
    result = _reduced(name, _kept(input, mask), dims, bool(keepdim), dtype)
    return _layouts.to_compressed(result, layouts.sparse_csr) if compressed else result


def refuse(name: str, input: Any) -> None:
    """Refuse a sparse tensor where PyTorch takes dense ones alone.

    Raises:
        ValueError: the tensor is sparse.
    """
    if input.layout is not layouts.strided:
        raise ValueError(f"masked {name} expects strided tensor (got {input.layout} tensor)")


def _kept(input: SparseTensor, mask: Any) -> SparseTensor:
    """Return what counts, in coordinate layout: where the mask says so, zero where not kept."""
    own = _layouts.coalesce(_layouts.to_coo(input))
    if mask is None:
        return own
    if not isinstance(mask, SparseTensor):
        mask = _layouts.dense_to_coo(mask.expand(input.shape), own.sparse_dim())
    mask = _layouts.to_coo(mask)
    if mask.shape != input.shape:
        mask = broadcast(mask, input.shape)
    mask = _layouts.coalesce(mask)
    chosen = mask._elements.detach().cpu().numpy()
    whole = chosen.reshape(chosen.shape[0], -1).any(1) if chosen.ndim > 1 else chosen
    place = np.nonzero(whole)[0].astype(np.int64)
    indices = index_array(mask)[:, place]
    empty = torch.zeros(place.size, *own._elements.shape[1:], device=own.device)
    like = make_coo(indices, empty, own.shape, True)
    return make_coo(indices, _layouts.at_elements_of(own, like), own.shape, True)


def _reduced(name: str, tensor: SparseTensor, dims: list, keepdim: bool, dtype: Any) -> Any:
    how, identity = _REDUCTIONS[name]
    values = tensor._elements.to(dtype)
    sparse = tensor.sparse_dim()
    dense = [dim - sparse + 1 for dim in dims if dim >= sparse]
    for dim in sorted(dense, reverse=True):
        values = getattr(torch, name)(values, dim, keepdim)
    kept = [dim for dim in range(sparse) if dim not in dims]
    size = [
        1 if dim in dims else length
        for dim, length in enumerate(tensor.shape)
        if keepdim or dim not in dims
    ]
    has_result = bool(values.shape[0]) or name != "sum"  # of no elements PyTorch keeps no sum
    if len(kept) == sparse and (sparse or values.shape[0] or not has_result):
        return make_coo(tensor._index_tensors[0], values, size, True)
    columns, _, inverse = _patterns.unique(
        index_array(tensor)[kept], [tensor.shape[d] for d in kept]
    )
    if not kept:
        columns = np.zeros((0, int(has_result)), np.int64)
    count = columns.shape[1]
    group = from_array(inverse, values.device).reshape((-1,) + (1,) * (values.dim() - 1))
    shape = (count, *values.shape[1:])
    start = torch.full(
        shape, identity if not values.shape[0] and count else 0.0, device=values.device
    )
    start = start.to(dtype)
    if values.shape[0]:
        start = start.scatter_reduce(0, group.expand(values.shape), values, how, include_self=False)
    if keepdim:
        for dim in sorted(dim for dim in dims if dim < sparse):
            columns = np.insert(columns, dim, 0, axis=0)
    return make_coo(columns, start, size, True)
