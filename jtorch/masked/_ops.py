"""The operations: a masked-out element is replaced by what leaves the result as it is.

For a sum that is 0, for a maximum minus infinity; a mean divides by how many elements are left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jtorch as torch

from .._core.dtypes import is_inexact
from ..sparse import _masked as sparse_reductions

Dims = int | Sequence[int] | None

_KEYWORDS = """
    Args:
        input: tensor.{more}
        dtype: what the result is converted to, that of ``input`` unless given.
        mask: bool tensor that broadcasts to ``input``; False leaves an element out.
    Returns:
        Tensor of {result}.
    """
_REDUCTION = (
    "\n        dim: the dimensions to reduce; all of them unless given."
    "\n        keepdim: whether they stay, with size 1."
)
_ALONG = "\n        dim: the dimension along which it goes."


def _documented(summary: str, more: str, result: str) -> Any:
    def decorate(function: Any) -> Any:
        function.__doc__ = f"{summary}\n{_KEYWORDS.format(more=more, result=result)}"
        return function

    return decorate


def _reduces(summary: str, more: str = "") -> Any:
    return _documented(summary, more + _REDUCTION, "the reduced shape")


def _normalises(summary: str, more: str = "") -> Any:
    return _documented(summary, more + _ALONG, "the shape of ``input``")


# Masks


def _reduction_identity(op_name: str, input: Any, *args: Any) -> Any:
    """Return the element that leaves the result of an operation as it is, ``None`` for none."""
    dtype, device = input.dtype, input.device
    name = op_name.rsplit(".", 1)[-1]

    def made(value: Any) -> Any:
        return torch.tensor(value, dtype=dtype, device=device)

    floating = torch.is_floating_point(input)
    integer = torch.is_signed(input) or dtype == torch.uint8
    if name in ("sum", "cumsum"):
        return made(0)
    if name in ("prod", "cumprod"):
        return made(1)
    if name in ("amax", "argmax", "logaddexp", "logsumexp"):
        if floating:
            return made(-math.inf)
        if torch.is_complex(input) and name == "logsumexp":
            return made(-math.inf + 0j)
        if integer:
            return made(torch.iinfo(dtype).min)
    elif name in ("amin", "argmin"):
        if floating:
            return made(math.inf)
        if integer:
            return made(torch.iinfo(dtype).max)
    elif name in ("mean", "var", "std"):
        return None
    elif name == "norm":
        order = args[0] if args else 2
        if order == float("-inf"):
            if not floating:
                raise AssertionError(f"input must be floating point, got {input.dtype}")
            return made(math.inf)
        return made(0)
    elif name == "median":
        kind = dtype if floating else torch.float
        return torch.tensor(math.nan, dtype=kind, device=device)
    raise NotImplementedError(f"identity of {name} on {dtype} input")


def _canonical_dim(dim: Dims, ndim: int) -> tuple[int, ...]:
    """Return dimensions counted from the front, in ascending order; all for ``None`` and ``()``."""
    if dim is None or dim == ():
        return tuple(range(ndim))
    ndim = max(ndim, 1)
    dims: list[int] = []
    for one_dim in (dim,) if isinstance(dim, int) else dim:
        if one_dim in dims:
            raise RuntimeError(f"dim={one_dim} appears multiple times in the list of dims")
        if one_dim >= ndim or one_dim < -ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but "
                f"got {one_dim})"
            )
        dims.append(one_dim % ndim)
    return tuple(sorted(dims))


def _where(mask: Any, input: Any, fill_value: Any) -> Any:
    """Return the elements of ``input`` where the mask is True, else the other value."""
    return torch.where(mask, input, fill_value)


def _input_mask(input: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the mask as a bool tensor of the shape of ``input``."""
    mask = kwargs.get("mask")
    if mask is None:
        raise ValueError("_input_mask requires explicit mask")
    if mask.shape != input.shape:
        if mask.ndim > input.ndim:
            raise IndexError(
                "_input_mask expected broadcastable mask (got mask dimensionality higher than of "
                "the input)"
            )
        mask = torch.broadcast_to(mask.clone(), input.shape)
    return mask.to(dtype=torch.bool)


_REDUCTIONS = frozenset(
    ("sum", "prod", "amax", "amin", "argmax", "argmin", "mean", "median", "norm", "var", "std")
)
_NORMALISATIONS = frozenset(("softmax", "log_softmax", "softmin", "normalize", "cumsum", "cumprod"))


def _output_mask(op: Any, input: Any, *args: Any, **kwargs: Any) -> Any:
    """Return which elements of an operation's result depend on elements that are not left out."""
    if not callable(op):
        raise ValueError(f"_output_mask expected masked operation (got {type(op).__name__} object)")
    name = op.__name__
    if name in _REDUCTIONS:
        if name == "norm" and args:
            args = args[1:]
        dim = args[0] if args else kwargs.get("dim")
        result = _input_mask(input, *args, **kwargs)
        for one_dim in reversed(_canonical_dim(dim, input.ndim)):
            result = result.any(dim=one_dim, keepdim=bool(kwargs.get("keepdim", False)))
        return result
    if name in _NORMALISATIONS:
        return _input_mask(input, *args, **kwargs)
    raise ValueError(
        f"_output_mask expected masked operation (got callable {op.__module__}.{op.__name__})"
    )


def _combine_input_and_mask(op: Any, input: Any, mask: Any, *args: Any) -> Any:
    """Replace masked-out elements by the identity of an operation."""
    if mask is None:
        return input
    if mask.layout is not torch.strided:
        mask = mask.to_dense()
    whole = _input_mask(input, mask=mask)
    if not callable(op):
        raise ValueError(
            f"_combine_input_and_mask expected masked operation (got {type(op).__name__} object)"
        )
    return _where(whole, input, _reduction_identity(op.__name__, input, *args))


# Reductions


def _sum_dtype(input: Any, dtype: Any) -> Any:
    if dtype is not None:
        return dtype
    small = (torch.uint8, torch.bool, torch.int8, torch.int16, torch.int32)
    return torch.int64 if input.dtype in small else input.dtype


@_reduces("Add up.")
def sum(
    input: Any, dim: Dims = None, *, keepdim: bool | None = False, dtype: Any = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    dtype = _sum_dtype(input, dtype)
    if input.layout is not torch.strided:
        return sparse_reductions.reduce("sum", input, dim, keepdim, dtype, mask)
    dims = _canonical_dim(dim, input.ndim)
    return torch.sum(_combine_input_and_mask(sum, input, mask), dims, bool(keepdim), dtype=dtype)


@_reduces("Multiply.")
def prod(
    input: Any, dim: Dims = None, *, keepdim: bool | None = False, dtype: Any = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    dtype = _sum_dtype(input, dtype)
    if input.layout is not torch.strided:
        return sparse_reductions.reduce("prod", input, dim, keepdim, dtype, mask)
    dims = _canonical_dim(dim, input.ndim)
    result = _combine_input_and_mask(prod, input, mask).to(dtype=dtype)
    for one_dim in reversed(dims):
        result = result.prod(dim=one_dim, keepdim=bool(keepdim))
    return result


@_normalises("Return running sums.")
def cumsum(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    sparse_reductions.refuse("cumsum", input)
    dtype = input.dtype if dtype is None else dtype
    axis = _canonical_dim(dim, input.ndim)[0]
    kept = _combine_input_and_mask(sum, input, mask)
    return torch.cumsum(kept, axis, dtype=dtype).to(dtype=dtype)


@_normalises("Return running products.")
def cumprod(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    sparse_reductions.refuse("cumprod", input)
    dtype = input.dtype if dtype is None else dtype
    axis = _canonical_dim(dim, input.ndim)[0]
    kept = _combine_input_and_mask(prod, input, mask)
    return torch.cumprod(kept, axis, dtype=dtype).to(dtype=dtype)


@_reduces("Return the largest element.")
def amax(
    input: Any, dim: Dims = None, *, keepdim: bool | None = False, dtype: Any = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    dtype = input.dtype if dtype is None else dtype
    if input.layout is not torch.strided:
        return sparse_reductions.reduce("amax", input, dim, keepdim, dtype, mask)
    kept = _combine_input_and_mask(amax, input, mask)
    return torch.amax(kept, _canonical_dim(dim, kept.ndim), bool(keepdim)).to(dtype=dtype)


@_reduces("Return the smallest element.")
def amin(
    input: Any, dim: Dims = None, *, keepdim: bool | None = False, dtype: Any = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    dtype = input.dtype if dtype is None else dtype
    if input.layout is not torch.strided:
        return sparse_reductions.reduce("amin", input, dim, keepdim, dtype, mask)
    kept = _combine_input_and_mask(amin, input, mask)
    return torch.amin(kept, _canonical_dim(dim, kept.ndim), bool(keepdim)).to(dtype=dtype)


@_reduces("Return the position of the largest element.")
def argmax(
    input: Any, dim: int | None = None, *, keepdim: bool | None = False, dtype: Any = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    dtype = input.dtype if dtype is None else dtype
    sparse_reductions.refuse("argmax", input)
    kept = _combine_input_and_mask(argmax, input, mask)
    return torch.argmax(kept, dim, bool(keepdim)).to(dtype=dtype)


@_reduces("Return the position of the smallest element.")
def argmin(
    input: Any, dim: int | None = None, *, keepdim: bool | None = False, dtype: Any = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    dtype = input.dtype if dtype is None else dtype
    sparse_reductions.refuse("argmin", input)
    kept = _combine_input_and_mask(argmin, input, mask)
    return torch.argmin(kept, dim, bool(keepdim)).to(dtype=dtype)


def _count_and_total(
    input: Any, dim: Dims, keepdim: bool | None, dtype: Any, mask: Any
) -> tuple[Any, Any]:
    """Return how many elements are left, and their sum."""
    if mask is None:
        ones = torch.ones(input.shape, dtype=torch.int64, device=input.device)
        return sum(ones, dim, keepdim=keepdim), sum(input, dim, keepdim=keepdim, dtype=dtype)
    count = mask.sum(dim=dim, keepdim=bool(keepdim))
    return count, sum(input, dim, keepdim=keepdim, dtype=dtype, mask=mask)


@_reduces("Return the mean, NaN where nothing is left.")
def mean(
    input: Any, dim: Dims = None, *, keepdim: bool | None = False, dtype: Any = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    source = "Input" if dtype is None else "Optional"
    dtype = input.dtype if dtype is None else dtype
    if not is_inexact(dtype):
        raise ValueError(
            f"mean(): Could not infer output dtype. {source} dtype must be either a floating "
            f"point or complex dtype. Got: {dtype}"
        )
    if input.layout is not torch.strided:
        return sparse_reductions.reduce("mean", input, dim, keepdim, dtype, mask)
    whole = None if mask is None else _input_mask(input, mask=mask)
    count, total = _count_and_total(input, dim, keepdim, dtype, whole)
    return total / count


@_reduces("Return the median, the lower one of two.")
def median(
    input: Any, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> Any:
    dtype = input.dtype if dtype is None else dtype
    axis = _canonical_dim(dim, input.ndim)[0]
    floating = torch.is_floating_point(input)
    if not floating:
        input = input.to(dtype=torch.float)
    kept = _combine_input_and_mask(median, input, mask)
    result = torch.nanmedian(kept, axis, keepdim).values
    if floating:
        return result
    if torch.isnan(result).any():
        raise ValueError(
            "masked median expects no fully masked out rows if dtype is not floating point"
        )
    return result.to(dtype=dtype)


@_reduces("Return the logarithm of the sum of exponentials.")
def logsumexp(
    input: Any, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> Any:
    dtype = input.dtype if dtype is None else dtype
    dims = _canonical_dim(dim, input.ndim)
    kept = _combine_input_and_mask(logsumexp, input, mask)
    return torch.logsumexp(kept, dims, keepdim=keepdim).to(dtype=dtype)


def logaddexp(
    input: Any, other: Any, *, dtype: Any = None, input_mask: Any = None, other_mask: Any = None
) -> Any:
    """Return the logarithm of the sum of two exponentials, element by element.

    Args:
        input, other: tensors that broadcast together.
        dtype: what the result is converted to, that of ``input`` unless given.
        input_mask, other_mask: bool tensors; False leaves an element out.
    Returns:
        Tensor of the broadcast shape.
    """
    dtype = input.dtype if dtype is None else dtype
    first = _combine_input_and_mask(logaddexp, input, input_mask)
    second = _combine_input_and_mask(logaddexp, other, other_mask)
    return torch.logaddexp(first, second).to(dtype=dtype)


@_reduces("Return a vector norm.", "\n        ord: order of the norm.")
def norm(
    input: Any, ord: float | None = 2.0, dim: Dims = None, *, keepdim: bool | None = False,
    dtype: Any = None, mask: Any = None,
) -> Any:  # fmt: skip
    sparse_reductions.refuse("norm", input)
    dtype = input.dtype if dtype is None else dtype
    kept = _combine_input_and_mask(norm, input, mask, ord)
    dims = _canonical_dim(dim, input.ndim)
    order: Any = ord
    return torch.linalg.vector_norm(kept, order, dims, bool(keepdim), dtype=dtype)


def _variance(
    input: Any, dim: Dims, unbiased: bool | None, correction: float | None, keepdim: bool | None,
    dtype: Any, mask: Any,
) -> Any:  # fmt: skip
    sparse_reductions.refuse("std/var", input)
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    less = 1.0 if unbiased is None or unbiased else 0.0
    if correction is not None:
        less = float(correction)
    if dtype is None:
        dtype = input.dtype
        if not is_inexact(dtype):
            dtype = torch.float32
    compute = dtype if is_inexact(dtype) else torch.float32
    whole = None if mask is None else _input_mask(input, mask=mask)
    count, total = _count_and_total(input, dim, True, dtype, whole)
    away = torch.subtract(input, torch.divide(total, count))
    squares = sum(away * away.conj(), dim, keepdim=keepdim, dtype=compute, mask=whole)
    if not keepdim:
        count = count.reshape(squares.shape)
    if less != 0:
        count = torch.subtract(count.to(compute.to_real()), less)
        count = torch.maximum(count, count.new_zeros([]))
    return torch.divide(squares, count).to(dtype=dtype)


_CORRECTION = (
    "\n        unbiased: whether to divide by one less than the number of elements."
    "\n        correction: how many less; 1 unless given."
)


@_reduces("Return the variance.", _CORRECTION)
def var(
    input: Any, dim: Dims = None, unbiased: bool | None = None, *,
    correction: float | None = None, keepdim: bool | None = False, dtype: Any = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    return _variance(input, dim, unbiased, correction, keepdim, dtype, mask)


@_reduces("Return the standard deviation.", _CORRECTION)
def std(
    input: Any, dim: Dims = None, unbiased: bool | None = None, *,
    correction: float | None = None, keepdim: bool | None = False, dtype: Any = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    return torch.sqrt(_variance(input, dim, unbiased, correction, keepdim, dtype, mask))


# Normalisations


@_normalises("Return exponentials that add up to 1.")
def softmax(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    sparse_reductions.refuse("softmax", input)
    dtype = input.dtype if dtype is None else dtype
    axis = _canonical_dim(dim, input.ndim)[0]
    kept = _combine_input_and_mask(amax, input, mask)
    return torch.nn.functional.softmax(kept, axis, dtype=dtype)


@_normalises("Return the logarithm of ``softmax``.")
def log_softmax(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    sparse_reductions.refuse("log_softmax", input)
    dtype = input.dtype if dtype is None else dtype
    axis = _canonical_dim(dim, input.ndim)[0]
    kept = _combine_input_and_mask(amax, input, mask)
    return torch.nn.functional.log_softmax(kept, axis, dtype=dtype)


@_normalises("Return the ``softmax`` of the negative elements.")
def softmin(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    dtype = input.dtype if dtype is None else dtype
    axis = _canonical_dim(dim, input.ndim)[0]
    kept = _combine_input_and_mask(amin, input, mask)
    return torch.nn.functional.softmin(kept, axis, dtype=dtype)


@_normalises(
    "Divide by a vector norm.",
    "\n        ord: order of the norm.\n        eps: what a smaller norm is raised to.",
)
def normalize(
    input: Any, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Any = None
) -> Any:
    dtype = input.dtype if dtype is None else dtype
    kept = _combine_input_and_mask(sum, input, mask)
    length = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return torch.divide(kept, torch.maximum(length, length.new_full([], eps)))
