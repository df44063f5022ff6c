"""Products, norms and choices as the operators that PyTorch makes them of."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from ..._engine.graph.values import is_tensor
from ...ops.compat import aten
from ...ops.compat.matching import match
from .table import rule


@rule("linear")
def _linear(input: Any, weight: Any, bias: Any = None) -> Any:
    if input.ndim == 1 or weight.ndim != 2:
        return NotImplemented
    if input.ndim == 2:
        transposed = aten.t.default(weight)
        if bias is None:
            return aten.mm.default(input, transposed)
        return aten.addmm.default(bias, input, transposed)
    shape = [math.prod(input.shape[:-1]), input.shape[-1]]
    if bias is None:
        transposed = aten.t.default(weight)
        product = aten.mm.default(aten.view.default(input, shape), transposed)
        return aten._unsafe_view.default(product, [*input.shape[:-1], weight.shape[0]])
    rows = aten.view.default(input, shape)
    product = aten.addmm.default(bias, rows, aten.t.default(weight))
    return aten.view.default(product, [*input.shape[:-1], weight.shape[0]])


@rule("matmul", "__matmul__", "linalg_matmul")
def _matmul(input: Any, other: Any, *, out: Any = None) -> Any:
    if out is not None:
        return NotImplemented
    dims = input.ndim, other.ndim
    if dims == (1, 1):
        return aten.dot.default(input, other)
    if dims == (2, 1):
        return aten.mv.default(input, other)
    if dims == (2, 2):
        return aten.mm.default(input, other)
    if dims == (1, 2):
        product = aten.mm.default(aten.unsqueeze.default(input, 0), other)
        return aten.squeeze.dim(product, 0)
    if dims[0] >= 3 and dims[1] in (1, 2):
        rows = aten.view.default(input, [math.prod(input.shape[:-1]), input.shape[-1]])
        shape = [*input.shape[:-1], *other.shape[1:]]
        if dims[1] == 1:
            return aten.view.default(aten.mv.default(rows, other), shape)
        return aten._unsafe_view.default(aten.mm.default(rows, other), shape)
    if 1 in dims:
        return NotImplemented
    batch = torch.broadcast_shapes(input.shape[:-2], other.shape[:-2])
    count = math.prod(batch)
    left = _batched(input, batch, count)
    right = _batched(other, batch, count)
    product = aten.bmm.default(left, right)
    return aten._unsafe_view.default(product, [*batch, input.shape[-2], other.shape[-1]])


def _batched(tensor: Any, batch: Any, count: int) -> Any:
    whole = aten.expand.default(tensor, [*batch, *tensor.shape[-2:]])
    return torch.reshape(whole, [count, *tensor.shape[-2:]])


@rule("einsum")
def _einsum(equation: Any, *operands: Any) -> Any:
    if not isinstance(equation, str):
        return NotImplemented
    listed = operands[0] if isinstance(operands[0], (list, tuple)) else operands
    return aten.einsum.default(equation, list(listed))


@rule("__rmatmul__")
def _rmatmul(input: Any, other: Any) -> Any:
    return _matmul(other, input)


@rule("__rtruediv__", "__rdiv__")
def _rtruediv(input: Any, other: Any) -> Any:
    return aten.mul.Tensor(aten.reciprocal.default(input), other)


@rule("__rpow__")
def _rpow(input: Any, other: Any) -> Any:
    return torch.pow(other, input)


@rule("norm")
def _norm(
    input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Any = None,
    dtype: Any = None,
) -> Any:  # fmt: skip
    if (isinstance(p, str) and p != "fro") or out is not None:
        return NotImplemented
    found = match(
        aten.linalg_vector_norm,
        (input, 2 if p in ("fro", None) else p, dim, keepdim),
        {} if dtype is None else {"dtype": dtype},
    )
    return (
        NotImplemented if found is None else aten.linalg_vector_norm.default(*found[1], **found[2])
    )


@rule("linalg_norm")
def _linalg_norm(
    A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, **kwargs: Any
) -> Any:
    if ord is not None or dim is not None or keepdim or kwargs:
        return NotImplemented
    return aten.linalg_vector_norm.default(A, 2.0)


@rule("where")
def _where(condition: Any, input: Any = None, other: Any = None, **kwargs: Any) -> Any:
    if input is None or other is None or kwargs:
        return NotImplemented
    values = [input, other]
    for place, value in enumerate(values):
        if not is_tensor(value):
            kind = values[1 - place].dtype if is_tensor(values[1 - place]) else None
            values[place] = aten.scalar_tensor.default(
                value, dtype=kind, layout=torch.strided, device=condition.device
            )
    return aten.where.self(condition, *values)
