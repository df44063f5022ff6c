"""Arithmetic of sparse tensors: sums, products, quotients and functions of each element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import jtorch as torch

from .._core import layout as layouts
from .._core.dtypes import is_inexact
from .._tensor.tensor import Tensor
from . import _layouts, _messages, _patterns
from ._layouts import coalesce, take_rows
from ._table import attribute, implements
from ._tensor import (
    COMPRESSED,
    SparseTensor,
    become,
    from_array,
    index_array,
    make_coo,
    with_values,
)


def is_number(value: Any) -> bool:
    """Tell whether an operand is one number, or a dense tensor without dimensions."""
    if isinstance(value, SparseTensor):
        return False
    return not isinstance(value, Tensor) or value.dim() == 0


def write_to(tensor: SparseTensor, result: SparseTensor) -> SparseTensor:
    """Give a tensor the elements of a result: the end of an operator in place."""
    if result.dtype is not tensor.dtype:
        result = with_values(result, result._elements.to(tensor.dtype))
    if tensor.requires_grad and tensor.is_leaf:
        if torch.is_grad_enabled():
            raise _messages.leaf_in_place()
        if result._elements.shape == tensor._elements.shape:
            tensor._elements.copy_(result._elements)
            result = with_values(result, tensor._elements)
        else:
            result = with_values(result, result._elements.detach().requires_grad_())
    return become(tensor, result)


# Sums


def _scaled(values: Any, alpha: Any) -> Any:
    return values if alpha.__class__ in (int, float) and alpha == 1 else values * alpha


def _rows_of(tensor: SparseTensor) -> tuple[int, np.ndarray, Any]:
    """Return how many rows a tensor has, flattened over what is indexed; which are kept; these."""
    indices, values = _layouts.coordinates(tensor)
    dimensions = indices.shape[0]
    sizes = tensor._size[:dimensions]
    if not dimensions:
        return 1, np.zeros(indices.shape[1], np.int64), values
    rows = indices[0] if dimensions == 1 else np.ravel_multi_index(tuple(indices), sizes)
    return math.prod(sizes), rows.astype(np.int64, copy=False), values


def _check_alpha(dtype: Any, alpha: Any) -> None:
    if alpha.__class__ is float and not is_inexact(dtype):
        raise _messages.integral_alpha()


def add_to_dense(dense: Any, sparse: SparseTensor, alpha: Any = 1) -> Any:
    """Return ``dense + alpha * sparse``, a dense tensor.

    Raises:
        RuntimeError: shapes differ.
    """
    if dense.shape != sparse.shape:
        dense = _broadcast_to_sum(dense, sparse)
    dtype = torch.result_type(dense, sparse._elements)
    _check_alpha(dtype, alpha)
    count, rows, values = _rows_of(sparse)
    if not rows.size:
        return dense.to(dtype).clone()
    flat = dense.to(dtype).reshape((count, *values.shape[1:]))
    index = from_array(rows, dense.device)
    return flat.index_add(0, index, _scaled(values.to(dtype), alpha)).reshape(dense.shape)


def _broadcast_to_sum(dense: Any, sparse: SparseTensor) -> Any:
    raise _messages.sum_size(dense.shape, sparse.shape)


def add_sparse(input: SparseTensor, other: SparseTensor, alpha: Any = 1) -> SparseTensor:
    """Return the sum of two sparse tensors of one shape.

    Where both are coalesced, so is the result; else elements with equal indices may stay apart.
    """
    if input.shape != other.shape:
        raise _messages.sums_size(input.shape, other.shape)
    if not input.is_sparse or not other.is_sparse:
        return _add_compressed(input, other, alpha)
    if input.sparse_dim() != other.sparse_dim():
        raise _messages.sums_dense(input, other)
    dtype = torch.result_type(input._elements, other._elements)
    _check_alpha(dtype, alpha)
    if dtype is torch.bool:
        raise _messages.not_implemented("cadd_sparse", _messages.dtype_name(dtype))
    left = input._elements.to(dtype)
    right = _scaled(other._elements.to(dtype), alpha)
    if not other.nnz():
        return with_values(input, left.clone() if left is input._elements else left)
    if not input.nnz():
        return with_values(other, right.clone() if right is other._elements else right)
    coalesced = input._coalesced and other._coalesced
    if coalesced and _layouts.same_indices(input, other):
        return with_values(input, left + right)
    both = np.concatenate([index_array(input), index_array(other)], axis=1)
    if coalesced:
        kept, _, inverse = _patterns.unique(both, input._size)
    else:
        kept, inverse = _patterns.merge(both, input.nnz(), input._size)
    values = torch.cat([left, right])
    if kept.shape[1] < both.shape[1]:
        values = _layouts.add_rows(kept.shape[1], inverse, values)
    else:
        values = take_rows(values, np.argsort(inverse))
    return make_coo(kept, values, input._size, coalesced)


def _add_compressed(input: SparseTensor, other: SparseTensor, alpha: Any) -> SparseTensor:
    if input._layout is not other._layout:
        raise _messages.sums_layouts(input.layout, other.layout)
    if _layouts.same_indices(input, other):
        return with_values(input, input._elements + _scaled(other._elements, alpha))
    left, right = _layouts.to_coo(input), _layouts.to_coo(other)
    return _layouts.in_layout_of(add_sparse(left, right, alpha), input)


@implements("add", "__add__", "__radd__", node="AddBackward0")
def _add(input: Any, other: Any = None, *, alpha: Any = 1, out: Any = None) -> Any:
    if out is not None:
        return _written(out, _add(input, other, alpha=alpha))
    if isinstance(input, SparseTensor) and isinstance(other, SparseTensor):
        return add_sparse(input, other, alpha)
    if isinstance(other, SparseTensor) and isinstance(input, Tensor):
        return add_to_dense(input, other, alpha)
    is_row_compressed = isinstance(input, SparseTensor) and input._layout is layouts.sparse_csr
    if is_row_compressed and isinstance(other, Tensor) and other.dim():
        return add_to_dense(other if alpha == 1 else other * alpha, input)
    if isinstance(other, SparseTensor):
        raise _messages.number_plus_sparse(True, other.shape)
    if not input.is_sparse and not isinstance(other, Tensor):
        raise _messages.number_plus_sparse(False, input.shape)
    raise _messages.sparse_plus_dense()


def _written(out: Any, result: Any) -> Any:
    if isinstance(out, SparseTensor) and isinstance(result, SparseTensor):
        return write_to(out, result)
    return out.copy_(result)


@implements("sub", "subtract", "__sub__", node="SubBackward0")
def _sub(input: Any, other: Any = None, *, alpha: Any = 1, out: Any = None) -> Any:
    for each in (input, other):
        if isinstance(each, SparseTensor) and not each.is_sparse:
            raise _messages.unsupported_layout(each.layout)
    return _add(input, other, alpha=-alpha, out=out)


@implements("rsub", "__rsub__", node="RsubBackward0")
def _rsub(input: Any, other: Any = None, alpha: Any = 1) -> Any:
    return _sub(other, input, alpha=alpha)


@implements("add_", "__iadd__", node="AddBackward0")
def _add_in_place(self: Any, other: Any = None, *, alpha: Any = 1) -> Any:
    if isinstance(self, SparseTensor):
        return write_to(self, _add(self, other, alpha=alpha))
    if self.shape != other.shape:
        raise _messages.sum_size(self.shape, other.shape)
    dtype = torch.result_type(self, other._elements)
    if not torch.can_cast(dtype, self.dtype):
        raise _messages.cannot_cast(dtype, self.dtype)
    _check_alpha(dtype, alpha)
    if other.is_sparse and other.sparse_dim() == 1 and dtype is self.dtype:
        values = other._elements.to(dtype)
        return self.index_add_(0, other._index_tensors[0][0], values, alpha=alpha)
    return self.copy_(add_to_dense(self, other, alpha))


@implements("sub_", "subtract_", "__isub__", node="SubBackward0")
def _sub_in_place(self: Any, other: Any = None, *, alpha: Any = 1) -> Any:
    return _add_in_place(self, other, alpha=-alpha)


# Products


def multiply(input: Any, other: Any) -> Any:
    """Return a product; elements are kept where both factors keep them."""
    if not isinstance(input, SparseTensor):
        input, other = other, input
    if is_number(other):
        return with_values(input, input._elements * other)
    if isinstance(other, SparseTensor):
        if input.is_sparse and other.is_sparse:
            return _multiply_sparse(input, other)
        _check_compressed_factor(input if not input.is_sparse else other)
        input, other = (input, other) if not input.is_sparse else (other, input)
        product = _multiply_sparse(_layouts.to_coo(input), _layouts.to_coo(other))
        return _layouts.in_layout_of(product, input)
    if not input.is_sparse:
        _check_compressed_factor(input)
    try:
        shape = torch.broadcast_shapes(input.shape, other.shape)
    except RuntimeError:
        raise _messages.broadcast_sizes(other.shape, input.shape) from None
    if shape != input.shape:
        input = broadcast(input, shape)
    factors = _layouts.at_elements_of(other.expand(shape), input)
    return with_values(input, input._elements * factors)


def _check_compressed_factor(tensor: SparseTensor) -> None:
    if COMPRESSED[tensor.layout][1]:
        raise _messages.block_layout("empty_sparse_compressed", tensor.layout)
    if tensor.layout is layouts.sparse_csc:
        raise RuntimeError("Expected result Tensor to be of format CSR")


def broadcast(tensor: SparseTensor, shape: Any) -> SparseTensor:
    """Return a tensor whose elements stand once for each index of a larger shape."""
    if not tensor.is_sparse:
        expanded = broadcast(_layouts.to_coo(tensor), shape)
        return _layouts.in_layout_of(expanded, tensor)
    added = len(shape) - tensor.dim()
    sizes = (*([1] * added), *tensor.shape)
    indices, values = index_array(tensor), tensor._elements
    dimensions = added + tensor.sparse_dim()
    indices = np.concatenate([np.zeros((added, indices.shape[1]), np.int64), indices])
    for dim in range(dimensions):
        if sizes[dim] == 1 and shape[dim] != 1:
            count, length = shape[dim], indices.shape[1]
            order = np.tile(np.arange(length), count)
            indices = indices[:, order].copy()
            indices[dim] = np.repeat(np.arange(count), length)
            values = take_rows(values, order.astype(np.int64))
    values = values.expand((indices.shape[1], *shape[dimensions:]))
    leading = list(tensor.shape[: tensor.sparse_dim()]) == list(shape[added:dimensions])
    return make_coo(indices, values, shape, tensor._coalesced and leading)


def _multiply_sparse(input: SparseTensor, other: SparseTensor) -> SparseTensor:
    sparse = input.sparse_dim()
    if sparse != other.sparse_dim() or input.shape[:sparse] != other.shape[:sparse]:
        raise _messages.products_dense(input, other)
    shape = torch.broadcast_shapes(input.shape, other.shape)
    left, right = (input, other) if other._coalesced else (other, input)
    right = coalesce(right)
    place = _patterns.positions(index_array(left), index_array(right), shape)
    kept = np.nonzero(place >= 0)[0].astype(np.int64)
    values = take_rows(left._elements, kept) * take_rows(right._elements, place[kept])
    return make_coo(index_array(left)[:, kept], values, shape, left._coalesced)


@implements("mul", "multiply", "__mul__", "__rmul__", node="MulBackward0")
def _mul(input: Any, other: Any = None, *, out: Any = None) -> Any:
    result = multiply(input, other)
    return result if out is None else _written(out, result)


@implements("mul_", "multiply_", "__imul__", node="MulBackward0")
def _mul_in_place(self: Any, other: Any = None) -> Any:
    if not isinstance(self, SparseTensor):
        return self.mul_(_layouts.to_dense(other))
    if is_number(other):
        self._elements.mul_(other)
        return self
    result = multiply(self, other)
    if not isinstance(other, SparseTensor):
        result._coalesced = result.nnz() < 2
    return write_to(self, result)


# Quotients


def divide(input: Any, other: Any, rounding_mode: str | None = None) -> Any:
    """Return a quotient by a number."""
    if not isinstance(input, SparseTensor) or not is_number(other):
        shape = other.shape if isinstance(other, Tensor) else ()
        raise _messages.divisor(shape)
    if not input.is_sparse:
        raise _messages.unsupported_layout(input.layout)
    tensor = coalesce(input) if rounding_mode else input
    return with_values(tensor, torch.div(tensor._elements, other, rounding_mode=rounding_mode))


@implements("div", "divide", "true_divide", "__truediv__", node="DivBackward0")
def _div(input: Any, other: Any = None, *, rounding_mode: Any = None, out: Any = None) -> Any:
    result = divide(input, other, rounding_mode)
    return result if out is None else _written(out, result)


@implements("floor_divide", "__floordiv__")
def _floor_divide(input: Any, other: Any = None, *, out: Any = None) -> Any:
    if isinstance(input, SparseTensor) and not input.is_sparse:
        raise _messages.not_run("aten::floor_divide", input)
    return _div(input, other, rounding_mode="floor", out=out)


@implements("div_", "divide_", "true_divide_", "__itruediv__", node="DivBackward0")
def _div_in_place(self: Any, other: Any = None, *, rounding_mode: Any = None) -> Any:
    if isinstance(self, SparseTensor) and is_number(other):
        self._elements.div_(other, rounding_mode=rounding_mode)
        return self
    return write_to(self, divide(self, other, rounding_mode))


@implements("floor_divide_", "__ifloordiv__")
def _floor_divide_in_place(self: Any, other: Any = None) -> Any:
    return _div_in_place(self, other, rounding_mode="floor")


@implements("pow", "__pow__", node="PowBackward0")
def _pow(input: Any, exponent: Any = None, *, out: Any = None) -> Any:
    if not isinstance(input, SparseTensor) or isinstance(exponent, SparseTensor):
        scalar = not isinstance(input, Tensor)
        sparse = input if isinstance(input, SparseTensor) else exponent
        raise _messages.not_run(f"aten::pow.{'Scalar' if scalar else 'Tensor_Tensor'}", sparse)
    if not input.is_sparse:
        raise _messages.unsupported_layout(input.layout)
    if isinstance(exponent, Tensor):
        raise _messages.not_run("aten::pow.Tensor_Tensor", input)
    if exponent == 0:
        raise _messages.power_zero()
    tensor = coalesce(input)
    return with_values(tensor, tensor._elements**exponent)


@implements("square")
def _square(input: Any, *, out: Any = None) -> Any:
    return _pow(input, 2)


# Functions that keep zero


_WITHOUT_IN_PLACE_FORM = ("signbit", "isinf", "isnan", "isposinf", "isneginf")


def _function(name: str, kept: bool = False, node: str | None = None) -> None:
    """Enter a function of each element that is zero at zero.

    Args:
        name: of the function, and of the method.
        kept: whether elements that stand twice may be treated one by one (linear functions).
        node: name of ``grad_fn``.
    """

    @implements(name, node=node, bound=name != "relu")
    def call(input: Any, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        tensor = input if kept or not input.is_sparse else coalesce(input)
        if kwargs.pop("inplace", False):
            return call_in_place(input)
        values = getattr(torch, name)(tensor._elements, *args, **kwargs)
        result = with_values(tensor, values)
        return result if out is None else _written(out, result)

    def call_in_place(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not self._coalesced and not kept:
            raise _messages.coalesced_needed(f"{name}_")
        getattr(self._elements, f"{name}_")(*args, **kwargs)
        return self

    if name not in _WITHOUT_IN_PLACE_FORM:
        implements(f"{name}_", node=node)(call_in_place)


for _name in (
    *("abs", "asin", "asinh", "atan", "atanh", "ceil", "deg2rad", "erf", "erfinv", "expm1"),
    *("floor", "frac", "log1p", "nan_to_num", "rad2deg", "relu", "round", "sgn", "sign"),
    *("signbit", "sin", "sinh", "sqrt", "tan", "tanh", "trunc", "isinf", "isnan", "isposinf"),
    *("isneginf", "conj_physical", "absolute", "arcsin", "arcsinh", "arctan", "arctanh", "fix"),
):
    _function(_name)
_function("neg", kept=True)
_function("negative", kept=True, node="NegBackward0")


@implements("positive", "__pos__")
def _positive(input: Any) -> Any:
    return input


@implements("angle")
def _angle(input: Any, *, out: Any = None) -> Any:
    if input.is_sparse:
        raise _messages.not_run("aten::angle", input)
    return with_values(input, torch.angle(input._elements))


@implements("conj", "resolve_conj", "resolve_neg")
def _conj(input: Any) -> Any:
    if not input.is_complex():
        return input
    if not input.is_sparse:
        return with_values(input, torch.conj_physical(input._elements))
    return with_values(input, input._elements.conj())


@implements("is_conj", "is_neg")
def _is_conj(input: Any) -> bool:
    return False


@attribute("real")
@implements("real")
def _real(input: Any) -> Any:
    if not input.is_complex():
        return input
    return with_values(input, input._elements.real)


@attribute("imag")
@implements("imag")
def _imag(input: Any) -> Any:
    return with_values(input, torch.imag(input._elements))


@implements("view_as_real")
def _view_as_real(input: Any) -> Any:
    if not input.is_complex():
        raise RuntimeError("view_as_real_sparse is only supported for complex sparse tensors")
    raise _messages.not_run("aten::view_as_real", input)


@implements("masked_fill", "masked_fill_")
def _masked_fill(input: Any, mask: Any, value: Any) -> Any:
    raise RuntimeError("unsupported memory format option Contiguous")


def _question(name: str) -> None:
    @implements(name)
    def ask(input: Any) -> Any:
        return getattr(input, name)()


for _name in ("is_floating_point", "is_complex", "is_signed", "numel", "is_inference"):
    _question(_name)
