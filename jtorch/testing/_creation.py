"""``torch.testing.make_tensor``: a tensor of random numbers between two bounds."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from .._core import dtypes
from .._core.dtypes import dtype as DType
from .._runtime.defaults import finfo, iinfo
from ..ops.creation.creation import empty
from ..ops.creation.random import randint
from ..ops.shape.dtype import view_as_real

_WHOLE = (dtypes.bool_, *dtypes.INTEGERS)
_COMPLEX = (dtypes.complex64, dtypes.complex128)
_FLOATING = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)
_FLOAT8 = (
    dtypes.float8_e4m3fn, dtypes.float8_e5m2, dtypes.float8_e4m3fnuz, dtypes.float8_e5m2fnuz,
)  # fmt: skip


def make_tensor(
    *shape: int | Sequence[int],
    dtype: DType,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Any:
    """Make a tensor of uniform random numbers, drawn by the default generator.

    Args:
        *shape: the sizes, or one sequence of them.
        dtype, device: of the tensor.
        low, high: the numbers lie in ``[low, high)``; by default in ``[-9, 9)``, integers up to 9,
            and bools are both. Cut to what the dtype holds.
        requires_grad: whether it is a leaf to differentiate by.
        noncontiguous: whether to return every other element of a larger tensor.
        exclude_zero: whether to put 1, or the smallest normal number, in the place of zeros.
        memory_format: how it lies in memory.

    Raises:
        ValueError: bounds are NaN, out of order or out of the dtype's range, or options contradict
            each other.
        TypeError: there are no random numbers of this dtype.
    """
    sizes: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    sizes = tuple(sizes)
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, "
            f"but got {noncontiguous=} and {memory_format=}"
        )
    if requires_grad and dtype in _WHOLE:
        raise ValueError(
            "`requires_grad=True` is not supported for boolean and integral dtypes, but got "
            f"{dtype=}"
        )
    apart = noncontiguous and math.prod(sizes) > 1
    if apart:
        sizes = (*sizes[:-1], 2 * sizes[-1])
    result = _drawn(sizes, dtype, device, low, high)
    if apart:
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = 1 if dtype in _WHOLE else finfo(dtype).tiny
    if dtype in _FLOATING or dtype in _COMPLEX:
        result.requires_grad = requires_grad
    return result


def _drawn(shape: tuple, dtype: DType, device: Any, low: Any, high: Any) -> Any:
    limits: Any
    if dtype in _WHOLE:
        if dtype is dtypes.bool_:
            least, most, usual = 0, 2, (0, 2)
        else:
            limits = iinfo(dtype)
            # An int64 cannot name the number after its largest one.
            most = limits.max + (dtype is not dtypes.int64)
            least, usual = limits.min, (-9, 10)
        low, high = _bounds(dtype, low, high, least, most, usual)
        low, high = math.ceil(low), math.ceil(high)
        return randint(low, high, shape, device=device, dtype=dtype)
    if dtype in _FLOATING or dtype in _COMPLEX or dtype in _FLOAT8:
        limits = finfo(dtype)
        low, high = _bounds(dtype, low, high, limits.min, limits.max, (-9, 9))
        held = dtypes.float32 if dtype in _FLOAT8 else dtype
        result = empty(shape, device=device, dtype=held)
        _fill(view_as_real(result) if dtype in _COMPLEX else result, low, high)
        return result.to(dtype)
    raise TypeError(
        f"The requested dtype '{dtype}' is not supported by torch.testing.make_tensor(). To "
        "request support, file an issue at: https://github.com/pytorch/pytorch/issues"
    )


def _bounds(
    dtype: DType, low: Any, high: Any, least: Any, most: Any, usual: tuple[int, int]
) -> tuple[Any, Any]:
    low = usual[0] if low is None else low
    high = usual[1] if high is None else high
    if any(isinstance(each, float) and math.isnan(each) for each in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and (dtype in _FLOATING or dtype in _COMPLEX):
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types "
            "is deprecated since 2.1 and will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=4,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low >= most:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), "
            f"but {dtype} only supports [{least}, {most})"
        )
    return min(max(low, least), most), min(max(high, least), most)


def _fill(tensor: Any, low: Any, high: Any) -> None:
    if high - low >= finfo(tensor.dtype).max:  # more than uniform_ can span
        tensor.uniform_(low / 2, high / 2).mul_(2)
    else:
        tensor.uniform_(low, high)
