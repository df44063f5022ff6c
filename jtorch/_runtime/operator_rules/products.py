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
    if weight.ndim != 2:
        return NotImplemented
    whole = bias is not None and input.is_contiguous() and bias.is_contiguous()
    if bias is None or not (input.ndim == 2 or whole):
        product = _matmul(input, aten.t.default(weight))
        return product if bias is None else aten.add.Tensor(product, bias)
    if input.ndim == 2:
        return aten.addmm.default(bias, input, aten.t.default(weight))
    rows = aten.view.default(input, [math.prod(input.shape[:-1]), input.shape[-1]])
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
        return aten.squeeze_.dim(product, 0)
    if dims[0] >= 3 and dims[1] in (1, 2) and (other.requires_grad or _is_foldable(input)):
        rows = torch.reshape(input, [math.prod(input.shape[:-1]), input.shape[-1]])
        shape = [*input.shape[:-1], *other.shape[1:]]
        if dims[1] == 1:
            return aten._unsafe_view.default(aten.mv.default(rows, other), shape)
        return aten._unsafe_view.default(aten.mm.default(rows, other), shape)
    if dims[0] >= 3 and dims[1] == 1:
        batch, count, inner = input.shape[:-2], math.prod(input.shape[:-2]), input.shape[-1]
        left = _batched(input, batch)
        right = aten.view.default(aten.expand.default(other, [*batch, inner]), [count, inner])
        product = aten.bmm.default(left, aten.unsqueeze.default(right, 2))
        shape = [*batch, input.shape[-2]]
        return aten._unsafe_view.default(aten.squeeze.dim(product, -1), shape)
    if 1 in dims:
        return NotImplemented
    batch = torch.broadcast_shapes(input.shape[:-2], other.shape[:-2])
    left = _batched(input, batch)
    right = _batched(other, batch)
    product = aten.bmm.default(left, right)
    return aten._unsafe_view.default(product, [*batch, input.shape[-2], other.shape[-1]])


def _is_foldable(tensor: Any) -> bool:
    """Tell whether all dimensions but the last can be one, in the memory that there is."""
    sizes, strides = tensor.shape[:-1], tensor.stride()[:-1]
    pairs = zip(strides, strides[1:], sizes[1:], strict=False)
    return tensor.numel() == 0 or all(outer == size * inner for outer, inner, size in pairs)


def _batched(tensor: Any, batch: Any) -> Any:
    whole = aten.expand.default(tensor, [*batch, *tensor.shape[-2:]])
    return torch.reshape(whole, [math.prod(batch), *tensor.shape[-2:]])


@rule("einsum")
def _einsum(equation: Any, *operands: Any) -> Any:
    if not isinstance(equation, str):
        return NotImplemented
    listed = operands[0] if isinstance(operands[0], (list, tuple)) else operands
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != 2 or "." in equation or any(len(set(t)) < len(t) for t in (*terms, output)):
        return aten.einsum.default(equation, list(listed))
    if not arrow:
        letters = terms[0] + terms[1]
        output = "".join(sorted(each for each in set(letters) if letters.count(each) == 1))
    return _contraction(terms[0], terms[1], output, *listed)


def _contraction(left: str, right: str, output: str, a: Any, b: Any) -> Any:
    """Return a sum over products of two tensors as a batch of products of matrices.

    Args:
        left, right, output: a letter for each dimension.
        a, b: the tensors.
    """
    sizes = dict(zip(left, a.shape)) | dict(zip(right, b.shape))
    for letters, other in ((left, right), (right, left)):
        alone = [n for n, each in enumerate(letters) if each not in other + output]
        if alone and letters is left:
            a, left = a.sum(alone), "".join(x for x in left if x in other + output)
        elif alone:
            b, right = b.sum(alone), "".join(x for x in right if x in other + output)
    batch = [each for each in left if each in right and each in output]
    inner = [each for each in left if each in right and each not in output]
    rows = [each for each in left if each not in right]
    columns = [each for each in right if each not in left]

    def laid_out(tensor: Any, letters: str, *groups: list[str]) -> Any:
        order = [letters.index(each) for group in groups for each in group]
        shape = [math.prod(sizes[each] for each in group) for group in groups]
        return torch.reshape(tensor.permute(order), shape)

    product = torch.bmm(
        laid_out(a, left, batch, rows, inner), laid_out(b, right, batch, inner, columns)
    )
    made = [*batch, *rows, *columns]
    return product.view([sizes[each] for each in made]).permute([made.index(x) for x in output])


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


@rule("linalg_multi_dot", "multi_dot", "chain_matmul")
def _multi_dot(tensors: Any, *others: Any, out: Any = None) -> Any:
    listed = list(tensors) if isinstance(tensors, (list, tuple)) else [tensors, *others]
    if out is not None or len(listed) not in (2, 3) or any(each.ndim != 2 for each in listed):
        return NotImplemented
    if len(listed) == 2:
        return aten.mm.default(*listed)
    first, second, third = listed
    (rows, inner), (other, columns) = first.shape, third.shape
    if rows * other * (inner + columns) > inner * columns * (rows + other):
        return aten.mm.default(first, aten.mm.default(second, third))
    return aten.mm.default(aten.mm.default(first, second), third)
