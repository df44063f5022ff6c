"""Making sparse tensors without elements; functions that PyTorch has for them alone."""

from __future__ import annotations

from typing import Any

import numpy as np

import jtorch as torch

from .._core import layout as layouts
from .._engine.declare import publish
from ..ops.creation.creation import set_sparse_factory
from . import _messages
from ._products import hspmm, smm, sspaddmm
from ._reductions import native_norm
from ._table import implements
from ._tensor import COMPRESSED, SparseTensor, make_compressed, make_coo, with_values


def without_elements(size: Any, layout: Any, dtype: Any, device: Any, like: Any = None) -> Any:
    """Return a sparse tensor that keeps no elements.

    Args:
        size: the shape.
        layout: the layout.
        dtype, device: of the values.
        like: a tensor whose number of sparse and dense dimensions, or whose blocks, it has.
    """
    size = tuple(size)
    if layout is layouts.sparse_coo:
        sparse = len(size)
        if isinstance(like, SparseTensor) and len(size) == like.dim():
            sparse = like.dim() - like.dense_dim()
        values = torch.zeros((0, *size[sparse:]), dtype=dtype, device=device)
        return make_coo(np.zeros((sparse, 0), np.int64), values, size, True)
    dimension, blocks = COMPRESSED[layout]
    batch = like.batch_dim() if isinstance(like, SparseTensor) else max(len(size) - 2, 0)
    block = like.blocksize() if blocks and isinstance(like, SparseTensor) else (1, 1)
    groups = size[:batch]
    count = size[batch + dimension] // block[dimension]
    starts = np.zeros((*groups, count + 1), np.int64)
    plain = np.zeros((*groups, 0), np.int64)
    shape = (*groups, 0, *(block if blocks else ()), *size[batch + 2 :])
    values = torch.zeros(shape, dtype=dtype, device=device)
    return make_compressed(layout, starts, plain, values, size)


def _make(name: str, size: Any, dtype: Any, device: Any, layout: Any, requires_grad: bool) -> Any:
    """Return what ``zeros`` and related functions make in a sparse layout."""
    if name.removesuffix("_like") not in ("zeros", "empty"):
        raise RuntimeError("full(...) is not implemented for sparse layout")
    result = without_elements(size, layout, dtype, device)
    return result.requires_grad_() if requires_grad else result


set_sparse_factory(_make)


def _like(name: str) -> None:
    @implements(name)
    def make(
        input: Any,
        *,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        **rest: Any,
    ) -> Any:
        wanted = input.layout if layout is None else layout
        dtype = input.dtype if dtype is None else dtype
        device = input.device if device is None else device
        if wanted is layouts.strided:
            result = getattr(torch, name.removesuffix("_like"))(
                input.shape, dtype=dtype, device=device
            )
        else:
            result = without_elements(input.shape, wanted, dtype, device, input)
        return result.requires_grad_() if requires_grad else result


_like("zeros_like")
_like("empty_like")


def _random_like(name: str, kernel: str) -> None:
    @implements(name)
    def make(
        input: Any,
        *,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        **rest: Any,
    ) -> Any:
        if layout is layouts.strided:
            shape = input.shape
            return getattr(torch, name.removesuffix("_like"))(
                shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad
            )
        if input.is_sparse:
            raise _messages.not_run(f"aten::{kernel}", input)
        values = getattr(torch, name)(input._elements, dtype=dtype, device=device)
        return with_values(input, values.requires_grad_(requires_grad))


_random_like("randn_like", "normal_")
_random_like("rand_like", "uniform_")


@implements("ones_like")
def _ones_like(input: Any, **options: Any) -> Any:
    raise _messages.not_run("aten::fill_.Scalar", input)


@implements("full_like")
def _full_like(input: Any, fill_value: Any, **options: Any) -> Any:
    raise _messages.not_run("aten::fill_.Scalar", input)


def _new(name: str) -> None:
    @implements(name, bound=False)
    def make(self: Any, *size: Any, dtype: Any = None, device: Any = None, **rest: Any) -> Any:
        sizes = rest.get("size", size)
        if len(sizes) == 1 and not isinstance(sizes[0], int):
            sizes = sizes[0]
        dtype = self.dtype if dtype is None else dtype
        layout = self.layout if self.is_sparse or len(sizes) == 2 else layouts.sparse_coo
        return without_elements(sizes, layout, dtype, self.device if device is None else device)


_new("new_zeros")
_new("new_empty")
_new("new")


@implements("new_ones", bound=False)
def _new_ones(self: Any, *size: Any, **options: Any) -> Any:
    raise _messages.not_run("aten::fill_.Scalar", self)


@implements("new_full", bound=False)
def _new_full(self: Any, *size: Any, **options: Any) -> Any:
    raise RuntimeError("full(...) is not implemented for sparse layout")


@implements("new_tensor", bound=False)
def _new_tensor(self: Any, data: Any, **options: Any) -> Any:
    options.setdefault("dtype", self.dtype)
    return torch.tensor(data, **options)


# Functions that PyTorch has for sparse tensors alone

publish("smm", smm, method=smm, refused=("(Tensor input, Tensor mat2)",))
publish(
    "sspaddmm",
    sspaddmm,
    method=sspaddmm,
    refused=(
        "(Tensor input, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1, "
        "Tensor out=None)",
        "(Scalar beta, Tensor input, Scalar alpha, Tensor mat1, Tensor mat2)|deprecated",
        "(Scalar beta, Tensor input, Tensor mat1, Tensor mat2)|deprecated",
    ),
)
publish("hspmm", hspmm, refused=("(Tensor mat1, Tensor mat2, *, Tensor out=None)",))
publish(
    "native_norm",
    native_norm,
    refused=(
        "(Tensor input, Scalar p=2)",
        "(Tensor input, Scalar? p, IntArrayRef[1] dim, bool keepdim, ScalarType? dtype)",
    ),
)
implements("smm")(smm)
implements("sspaddmm")(sspaddmm)
implements("hspmm", "hsmm")(hspmm)
publish("hsmm", hspmm)


def _matrix_product(name: str) -> None:
    def product(input: Any, mat2: Any) -> Any:
        return torch.mm(input, mat2)

    product.__name__ = product.__qualname__ = name
    product.__doc__ = """Return a matrix product of which a factor may be sparse.

    Args:
        input, mat2: matrices.
    """
    publish(name, product)


_matrix_product("spmm")
_matrix_product("dsmm")


def saddmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """Return ``beta * input + alpha * mat1 @ mat2``, in coordinate layout.

    Args:
        input: a sparse matrix.
        mat1: a sparse matrix.
        mat2: a dense matrix.
        beta, alpha: numbers.
    """
    return sspaddmm(input, mat1, mat2, beta=beta, alpha=alpha)


publish("saddmm", saddmm)
implements("saddmm")(saddmm)


def _copying(name: str) -> None:
    def copy(input: Any) -> Any:
        return getattr(input, name)().clone()

    copy.__name__ = copy.__qualname__ = f"{name}_copy"
    copy.__doc__ = f"""Return a copy of ``{name}()`` of a sparse tensor.

    Args:
        input: a sparse tensor that has them.
    """
    publish(f"{name}_copy", copy)


for _name in ("indices", "values", "crow_indices", "col_indices", "ccol_indices", "row_indices"):
    _copying(_name)


def _result_type(tensor1: Any, tensor2: Any = None, **rest: Any) -> Any:
    parts = [
        each._elements if isinstance(each, SparseTensor) else each
        for each in (tensor1, tensor2, *rest.values())
        if each is not None
    ]
    return torch.result_type(*parts)


implements("result_type")(_result_type)
